"""A terminal for a program: a pseudo-terminal, and a screen that holds what the program wrote to it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from rich.cells import cell_len

Seen = TypeVar("Seen")

#: What a shell does: makes the terminal on its standard input its own, gives it to the program, and waits for that. So
#: the program's group is no orphan, which the system would not let stop.
_SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
"""

_SEQUENCE = re.compile(r"\x1b\[([?]?)([0-9;]*)([@-~])|\x1b[^\[]")


class Screen:
    """What a terminal shows: text, moves, erasing and the few modes that our programs use; of all else it fails."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.row = self.column = 0
        self.modes: set[str] = set()
        self.style = ""
        self.cells: list[list[tuple[str, str]]] = []
        self._main: list[list[tuple[str, str]]] | None = None  # What is below the screen that a program has of its own.
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._clear()

    def _clear(self) -> None:
        self.cells = [[(" ", "")] * self.width for _ in range(self.height)]

    def read_as(self, encoding: str) -> None:
        """Reads what comes in another encoding than UTF-8."""
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def lines(self) -> list[str]:
        return ["".join(sign for sign, _ in row).rstrip() for row in self.cells]

    def text(self) -> str:
        return "\n".join(self.lines())

    def styled(self, word: str) -> set[str]:
        """The styles in which a word stands somewhere."""
        found = set()
        for row in self.cells:
            text = "".join(sign or "\0" for sign, _ in row)
            found |= {row[at.start()][1] for at in re.finditer(re.escape(word), text)}
        return found

    def feed(self, data: bytes) -> None:
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
                continue
            found = _SEQUENCE.match(text, at)
            if found is None:
                self._rest = text[at:]
                return
            self._do(found)
            at = found.end()

    def _put(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n":
            self._down()
        else:
            assert sign.isprintable(), f"the terminal was sent {sign!r}"
            width = cell_len(sign)
            if self.column + width > self.width:
                assert self._main is None, f"beyond the edge: {self.lines()[self.row]!r}"
                self._down()
                self.column = 0
            self.cells[self.row][self.column] = (sign, self.style)
            for more in range(1, width):
                self.cells[self.row][self.column + more] = ("", self.style)
            self.column += width

    def _change(self, own: bool) -> None:
        """To a screen of the program's own, or back to what was before it."""
        if own:
            self._main = self.cells
            self._clear()
        elif self._main is not None:
            self.cells, self._main = self._main, None
            self.row = self.column = 0

    def _down(self) -> None:
        if self.row < self.height - 1:
            self.row += 1
        else:
            self.cells = [*self.cells[1:], [(" ", "")] * self.width]

    def _do(self, found: re.Match[str]) -> None:
        private, given, what = found[1], found[2], found[3]
        numbers = [int(number) for number in given.split(";") if number]
        match what:
            case "H":
                row, column = (*numbers, 1, 1)[:2]
                assert row <= self.height and column <= self.width, f"beyond the edge: {row};{column}"
                self.row, self.column = row - 1, column - 1
            case "K":
                self.cells[self.row][self.column :] = [(" ", "")] * (self.width - self.column)
            case "J":
                assert numbers == [2]
                self._clear()
            case "m":
                self.style = "" if numbers in ([], [0]) else given
            case "h" | "l" if private:
                (self.modes.add if what == "h" else self.modes.discard)(given)
                if given == "1049":
                    self._change(what == "h")
            case _:
                raise AssertionError(f"the terminal was sent {found[0]!r}")


class Terminal:
    """A program that runs in a terminal of its own; a `with` block ends it."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, *, width: int = 80, height: int = 24
    ) -> None:
        self.screen = Screen(width, height)
        self._ours, theirs = pty.openpty()
        self._resize(width, height)
        self.before = termios.tcgetattr(self._ours)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SHELL, sys.executable, "-m", "services", *words],
            env={"TERM": "xterm-256color", **environment},
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def group(self) -> int:
        """The process group that has the terminal: that of the program."""
        return os.tcgetpgrp(self._ours)

    def signal(self, number: int) -> None:
        """Sends a signal to whatever has the terminal, as the terminal does."""
        os.killpg(self.group, number)

    def press(self, keys: str | bytes) -> None:
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, width: int, height: int) -> None:
        self.screen.__init__(width, height)  # type: ignore[misc]  # a new one in the same window
        self._resize(width, height)

    def mode(self) -> list[Any]:
        """How the terminal is set, as `termios` has it."""
        return termios.tcgetattr(self._ours)

    def look(self, seconds: float = 0.0) -> bool:
        """Takes what the program wrote, waiting so long for it; answers whether there was something."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # The program is gone.
            return False
        self.screen.feed(data)
        return bool(data)

    def until(self, look: Callable[[Screen], Seen], within: float = 120) -> Seen:
        """Reads until what `look` sees on the screen is true, and gives that back."""
        until = time.monotonic() + within
        while True:
            while self.look():
                pass
            seen = look(self.screen)
            if seen:
                return seen
            if time.monotonic() > until:
                raise AssertionError(f"not within {within} s:\n{self.screen.text()}")
            if not self.look(0.05) and self.process.poll() is not None and not self.look(0.05):
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.screen.text()}")

    def ends(self, within: float = 120) -> int:
        """Reads until the program ends; answers its exit code."""
        until = time.monotonic() + within
        while self.process.poll() is None:
            self.look(0.05)
            assert time.monotonic() < until, f"it goes on:\n{self.screen.text()}"
        while self.look(0.05):
            pass
        return self.process.returncode

    def _resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
