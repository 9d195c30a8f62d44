"""What parses one copy and ends: `python -m services.ingest.ports.parsing.child KIND`, with the copy on its standard
input, and what came of it on its standard output.

Whatever a file does to a parser it does here: this process has no key, no database and no network of the platform's to
lose, little memory and little time, and ends with whoever started it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from services.ingest.domain.passages import NotParsed, Parse

if TYPE_CHECKING:
    from shared.wire.ingest import Unparsed

#: Bytes of memory, seconds of a processor's time, and bytes of what comes of it.
MEMORY, SECONDS, ANSWER = 1536 * 1024 * 1024, 90, 192 * 1024 * 1024
_FILES, _NICE = 64, 10
#: Linux: the signal that this process gets when the one that started it ends.
_PR_SET_PDEATHSIG = 1


def main(kind: str) -> None:
    _bound()
    content = sys.stdin.buffer.read()
    try:
        answer = _parser(kind)(content).to_json()
    except NotParsed as error:
        answer = _refusal(error.why)
    except MemoryError:
        answer = _refusal("too_large")
    except RecursionError:
        answer = _refusal("bomb")
    except Exception:
        # Whatever is wrong with the file: what it says would tell of the copy, and stands in no log.
        answer = _refusal("damaged")
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _bound() -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for what, most in (
        (resource.RLIMIT_AS, int(os.environ.get("PARSING_MEMORY", MEMORY))),
        (resource.RLIMIT_CPU, int(os.environ.get("PARSING_SECONDS", SECONDS))),
        (resource.RLIMIT_FSIZE, ANSWER),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # Less is allowed here already.
            resource.setrlimit(what, (most, most))
    with suppress(OSError):
        os.nice(_NICE)


def _parser(kind: str) -> Callable[[bytes], Parse]:
    # Each loads what it needs, and only one is needed.
    if kind == "pdf":
        from services.ingest.ports.parsing.pdf import parse
    elif kind == "jats":
        from services.ingest.ports.parsing.jats import parse
    elif kind == "html":
        from services.ingest.ports.parsing.html import parse
    else:
        from services.ingest.ports.parsing.plain import parse
    return parse


def _refusal(why: Unparsed) -> bytes:
    return json.dumps({"why": why}).encode()


if __name__ == "__main__":
    main(sys.argv[1])
