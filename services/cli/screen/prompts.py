"""Prompts: a question that is answered by keys before a vote is sent - a line of text, a number, or a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite

from services.cli.screen.cards import Option

#: What an option is chosen by, in order; whatever is beyond is reached with the arrows.
PICKING = "123456789abcdefghijklmnopqrstuvwxyz"

#: Characters of a line; the platform takes as many of a text.
LONGEST = 5000


@dataclass
class Line:
    """One line of text. `number` says that it is one, from `least` to `most`, and `day` that it is one."""

    question: str
    text: str = ""
    required: bool = True
    help: str = ""
    number: bool = False
    least: float | None = None
    most: float | None = None
    day: bool = False
    cursor: int = field(init=False)
    fault: str = ""

    def __post_init__(self) -> None:
        self.cursor = len(self.text)

    @property
    def value(self) -> str:
        return self.text.strip()

    def press(self, key: str) -> bool:
        """Takes a key; answers whether the question is answered by it."""
        self.fault = ""
        if key == "enter":
            self.fault = self._fault()
            return not self.fault
        if key == "backspace" and self.cursor:
            self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
            self.cursor -= 1
        elif key == "delete":
            self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]
        elif key == "ctrl-u":
            self.text, self.cursor = self.text[self.cursor :], 0
        elif key == "ctrl-w":
            kept = self.text[: self.cursor].rstrip().rpartition(" ")
            before = kept[0] + kept[1]
            self.text, self.cursor = before + self.text[self.cursor :], len(before)
        elif key in ("left", "right"):
            self.cursor = min(max(self.cursor + (1 if key == "right" else -1), 0), len(self.text))
        elif key in ("home", "end"):
            self.cursor = 0 if key == "home" else len(self.text)
        elif len(key) == 1 and key.isprintable():
            self.insert(key)
        return False

    def insert(self, text: str) -> None:
        """Puts text at the cursor, as one line."""
        text = " ".join(text.split()) if len(text) > 1 else text
        text = text[: max(LONGEST - len(self.text), 0)]
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _fault(self) -> str:
        if not self.value:
            return "say something, or press Esc" if self.required else ""
        if self.day:
            return "" if _is_day(self.value) else "this is a day, such as 2027-01-31"
        if not self.number:
            return ""
        try:
            number = number_of(self.value)
        except ValueError:
            return "this is a number, such as 12 or 0.5"
        low = self.least is not None and number < self.least
        high = self.most is not None and number > self.most
        return f"from {_plain(self.least)} to {_plain(self.most)}" if low or high else ""


@dataclass
class Pick:
    """A choice of one by its key, or of several, which Enter ends."""

    question: str
    options: Sequence[Option]
    several: bool = False
    required: bool = True
    help: str = ""
    chosen: list[str] = field(default_factory=list)
    cursor: int = 0
    fault: str = ""

    def __post_init__(self) -> None:
        self.chosen = [option.value for option in self.options if option.value in self.chosen]
        if self.chosen and not self.several:
            self.cursor = [option.value for option in self.options].index(self.chosen[0])

    @property
    def value(self) -> str | list[str]:
        if self.several:
            return [option.value for option in self.options if option.value in self.chosen]
        return self.chosen[0] if self.chosen else ""

    def press(self, key: str) -> bool:
        """Takes a key; answers whether the question is answered by it."""
        self.fault = ""
        if key in ("up", "down"):
            self.cursor = min(max(self.cursor + (1 if key == "down" else -1), 0), len(self.options) - 1)
        elif key == "enter" and self.several:
            self.fault = "choose one at least, or press Esc" if self.required and not self.chosen else ""
            return not self.fault
        elif key == "enter" or (key == " " and self.several):
            return self._take(self.cursor)
        elif key == "backspace" and not self.required and not self.several:
            self.chosen = []
            return True
        elif len(key) == 1 and key.lower() in PICKING:
            return self._take(PICKING.index(key.lower()))
        return False

    def insert(self, text: str) -> None:
        """What is pasted chooses nothing."""

    def _take(self, number: int) -> bool:
        if number >= len(self.options):
            self.fault = "there is no such choice"
            return False
        self.cursor, value = number, self.options[number].value
        if not self.several:
            self.chosen = [value]
            return True
        self.chosen = [it for it in self.chosen if it != value] if value in self.chosen else [*self.chosen, value]
        return False


def number_of(text: str) -> int | float:
    """What was typed as a number. Raises ValueError for what is none, or no finite one."""
    number = float(text.replace(",", "."))
    if not isfinite(number):
        raise ValueError(f"{text} is not finite")
    return int(number) if number.is_integer() else number


def key_of(number: int) -> str:
    """What the option with this number is chosen by; nothing where only the arrows reach it."""
    return PICKING[number] if number < len(PICKING) else " "


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(number: float | None) -> str:
    return "any" if number is None else f"{number:g}"
