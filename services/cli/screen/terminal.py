"""The terminal: keys out of its bytes, lines onto its screen, and its former state whatever happens."""

from __future__ import annotations

import codecs
import os
import select
import signal
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich.console import Console
from rich.text import Text

from services.cli.screen.showing import PLAIN, Signs
from services.cli.visible import visible
from shared.errors import Invalid

#: Its own screen, no cursor, and pasted text marked as such; and all of that undone.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[H\x1b[2J"
_LEAVE = "\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l"

#: Seconds after which an escape alone is the key Esc, and not the beginning of another.
_ALONE = 0.05

_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"

#: Keys by their sequence.
_SEQUENCES = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left",
    "\x1b[H": "home", "\x1b[F": "end", "\x1bOH": "home", "\x1bOF": "end", "\x1b[1~": "home", "\x1b[4~": "end",
    "\x1b[3~": "delete", "\x1b[5~": "pgup", "\x1b[6~": "pgdn",
}  # fmt: skip

_CONTROLS = {
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x15": "ctrl-u",
    "\x17": "ctrl-w", "\x01": "home", "\x05": "end",
}  # fmt: skip


@dataclass(frozen=True)
class Pasted:
    """Text that was pasted."""

    text: str


class KeyReader:
    """Keys out of what a terminal sends, piece by piece."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._waiting = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the beginning of a sequence came that may be a key alone."""
        return bool(self._waiting) and not self._waiting.startswith(_PASTE)

    def feed(self, data: bytes) -> list[str | Pasted]:
        """The keys that are complete."""
        self._waiting += self._decoder.decode(data)
        found: list[str | Pasted] = []
        while self._waiting:
            key, length = self._first()
            if not length:
                break
            self._waiting = self._waiting[length:]
            if key is not None:
                found.append(key)
        return found

    def rest(self) -> list[str | Pasted]:
        """What came last is no beginning of something: an escape alone is the key, the rest of a sequence nothing."""
        was, self._waiting = self._waiting, ""
        return ["esc"] if was == "\x1b" else []

    def _first(self) -> tuple[str | Pasted | None, int]:
        """The first key and how many characters it took; none of them where it is not complete."""
        text = self._waiting
        if text.startswith(_PASTE):
            end = text.find(_PASTED)
            return (Pasted(text[len(_PASTE) : end]), end + len(_PASTED)) if end >= 0 else (None, 0)
        if text[0] != "\x1b":
            key = _CONTROLS.get(text[0], text[0] if text[0].isprintable() else None)
            return key, 1
        if len(text) == 1:
            return None, 0
        if text[1] not in "[O":
            return "esc", 1
        for end, sign in enumerate(text[2:], 3):
            if "@" <= sign <= "~":
                return _SEQUENCES.get(text[:end]), end
        return None, 0 if len(text) < 32 else len(text)


class Terminal:
    """This process's terminal. Use it as a context: it comes back as it was, whatever happens within."""

    def __init__(self, signals: int) -> None:
        """`signals` is a descriptor that is readable when a signal came."""
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._signals = signals
        self.encoding = sys.stdout.encoding or "ascii"
        self.keys = KeyReader(sys.stdin.encoding or "utf-8")
        self.console = Console(file=StringIO(), force_terminal=True, emoji=False, highlight=False, legacy_windows=False)
        self._before: list[Any] | None = None
        self._seen: list[str] = []
        self._size = (0, 0)

    @property
    def signs(self) -> Signs:
        signs = Signs()
        try:
            "".join(vars(signs).values()).encode(self.encoding)
        except UnicodeEncodeError:
            return PLAIN
        return signs

    def __enter__(self) -> Terminal:
        self.enter()
        return self

    def __exit__(self, *raised: object) -> None:
        self.leave()

    def enter(self) -> None:
        """Takes the terminal over: keys come as they are pressed, and are not echoed."""
        self._before = termios.tcgetattr(self._in)
        mode = termios.tcgetattr(self._in)
        # Ctrl-C and Ctrl-Z stay signals; Ctrl-S must not make it look dead.
        mode[0] &= ~(termios.IXON | termios.ICRNL)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._in, termios.TCSADRAIN, mode)
        self._seen, self._size = [], (0, 0)
        self._write(_ENTER)

    def leave(self) -> None:
        """Gives the terminal back as it was."""
        if self._before is None:
            return
        before, self._before = self._before, None
        # It may be gone already.
        with suppress(OSError):
            self._write(_LEAVE)
        with suppress(OSError, termios.error):
            # What was typed ahead was meant for us, and not for the shell.
            termios.tcsetattr(self._in, termios.TCSAFLUSH, before)

    def size(self) -> tuple[int, int]:
        """Its columns and lines."""
        try:
            size = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24

    def paint(self, lines: Sequence[Text]) -> None:
        """Shows these lines, of which only those that changed are sent."""
        size = self.size()
        rendered = [self._rendered(line, size[0]) for line in lines[: size[1]]]
        if size != self._size:
            self._seen, self._size = [], size
            self._write("\x1b[2J")
        changed = [
            f"\x1b[{row};1H{line}\x1b[0m\x1b[K"
            for row, line in enumerate(rendered, 1)
            if row > len(self._seen) or self._seen[row - 1] != line
        ]
        self._seen = rendered
        if changed:
            self._write("".join(changed))

    def wait(self, until: float, now: float, more: int) -> tuple[bytes | None, bool, bool]:
        """Waits for keys, for a signal, or for `more` to be readable: what was typed (empty when the terminal is gone,
        None when nothing was), whether a signal came, and whether there is more.

        What was typed before something else happened is seen before it.
        """
        wait = max(0.0, until - now)
        if self.keys.is_waiting:
            wait = min(wait, _ALONE)
        ready, _, _ = select.select([self._in, self._signals, more], [], [], wait)
        if ready and self._in not in ready:
            typed, _, _ = select.select([self._in], [], [], 0)
            ready += typed
        data: bytes | None = None
        if self._in in ready:
            try:
                data = os.read(self._in, 4096)
            except OSError:
                data = b""
        return data, self._signals in ready, more in ready

    def _rendered(self, line: Text, width: int) -> str:
        """A line as the terminal takes it, without whatever it would act on."""
        safe = line.copy()
        safe.plain = visible(safe.plain).replace("\n", " ").replace("\t", " ")
        with self.console.capture() as captured:
            self.console.print(safe, end="", no_wrap=True, overflow="crop", width=width)
        return captured.get()

    def _write(self, text: str) -> None:
        data = text.encode(self.encoding, errors="replace")
        while data:
            data = data[os.write(self._out, data) :]


def require_terminal() -> None:
    """Raises Invalid where there is no terminal to work in."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Invalid(
            "this needs a terminal for keys and for what is shown; programs use the API, and `living queue next` and "
            "`living queue vote` work without one",
            slug="no_terminal",
        )
    if os.environ.get("TERM", "dumb") == "dumb":
        raise Invalid(
            "this terminal (TERM=dumb) cannot move its cursor; set TERM to what it is, or use `living queue next`",
            slug="no_terminal",
        )


@contextmanager
def caught(*signals: signal.Signals) -> Iterator[int]:
    """Lets these signals end nothing while the block runs: each is a byte, its number, in the descriptor that is
    given."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
