"""Parsing a copy in a process of its own, which is killed where it takes too long or the platform is to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Signal
from typing import IO, get_args

from services.ingest.domain.passages import LARGEST, NotParsed, Parse, read_parse
from services.ingest.ports.parsing.child import ANSWER, MEMORY, SECONDS
from shared.wire.ingest import TextKind, Unparsed

#: Seconds for which one copy may be parsed, however busy the machine is, and those between two looks at it.
_LONGEST, _LOOK = 4 * SECONDS, 0.02

#: What a process that parses knows of ours: where Python and its modules are, and no secret.
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


class Died(Exception):
    """What parsed a copy was killed, by the copy as far as is known."""


class Stopped(Exception):
    """The platform is to end, and the copy is parsed another time."""


@dataclass(frozen=True, slots=True)
class Parser:
    """Parses copies, one at a time each. `memory` is in bytes, `seconds` are of a processor's time and `longest` by the
    clock."""

    memory: int = MEMORY
    seconds: int = SECONDS
    longest: float = _LONGEST

    def parse(self, kind: TextKind, content: Callable[[], Iterable[bytes]], size: int, stopping: Signal) -> Parse:
        """The passages of a copy, whose bytes `content` opens. Raises NotParsed, saying why there are none; Died and
        Stopped; and what `content` raises."""
        if size == 0:
            raise NotParsed("damaged")
        if size > LARGEST[kind]:
            raise NotParsed("too_large")
        # Without names, so that nothing of a copy is left behind, whatever ends us.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            for chunk in content():
                given.write(chunk)
            given.seek(0)
            self._run(kind, given, answer, stopping)
            answer.seek(0)
            return _read(answer.read(ANSWER + 1))

    def _run(self, kind: TextKind, given: IO[bytes], answer: IO[bytes], stopping: Signal) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"PARSING_MEMORY": str(self.memory), "PARSING_SECONDS": str(self.seconds)}
        child = subprocess.Popen(
            [sys.executable, "-m", "services.ingest.ports.parsing.child", kind], stdin=given, stdout=answer,
            stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + self.longest
        try:
            while (ended := child.poll()) is None:
                if stopping.wait(_LOOK):
                    raise Stopped
                if time.monotonic() > until:
                    raise NotParsed("timed_out")
        finally:
            if child.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if ended == -signal.SIGXCPU:
            raise NotParsed("timed_out")
        if ended == -signal.SIGXFSZ:
            raise NotParsed("too_large")
        if ended:
            raise Died


def _read(answer: bytes) -> Parse:
    """What a process answered that a file may have led astray."""
    try:
        kept = json.loads(answer) if answer[:8] == b'{"why": ' else None
    except ValueError:
        raise NotParsed("damaged") from None
    if kept is not None:
        why = kept.get("why")
        raise NotParsed(why if why in get_args(Unparsed) else "damaged")
    try:
        return read_parse(answer)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotParsed("damaged") from None
