"""Keys: which key gives which answer and does what, after the habits of other screeners or by a file of one's own."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from services.cli.context import given
from services.cli.screen.cards import Choice
from shared.errors import Invalid

#: What else than answering can be done, and its usual key. Those who change something act on a card once.
ACTIONS = {
    "undo": "u",
    "park": "p",
    "skip": "s",
    "note": "n",
    "form": "f",
    "highlights": "h",
    "criteria": "d",
    "help": "?",
    "leave": "q",
}

#: Which of them change something at the platform, so that two presses must not do it twice.
CHANGING = frozenset({"undo", "park", "skip", "note", "form"})

#: What moves the text; no answer can have it.
MOVING = frozenset({" ", "b", "j", "k"})


@dataclass(frozen=True)
class Keys:
    """Keys by what they do: for answers by where these lead, or by their value, which counts before it."""

    leading: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=lambda: ACTIONS)

    def action(self, key: str) -> str | None:
        """What a key does that is no answer's."""
        return next((name for name, its in self.actions.items() if its == key), None)

    def of(self, answers: Sequence[Choice]) -> dict[str, str]:
        """A key for each answer of a stage, by its value, none of them twice.

        An answer that one's own file names has the key from there. Where one answer alone leads somewhere, it has the
        preset's key; else the first letter of its value that is free, or a number.
        """
        taken = {*self.actions.values(), *MOVING}
        found: dict[str, str] = {}
        for answer in answers:
            if answer.value in self.answers:
                found[answer.value] = self.answers[answer.value]
        for answer in answers:
            alone = sum(other.leads_to == answer.leads_to for other in answers) == 1
            key = self.leading.get(answer.leads_to)
            if alone and key and answer.value not in found and key not in found.values():
                found[answer.value] = key
        for number, answer in enumerate(answers, 1):
            if answer.value not in found:
                # A stage has twenty answers at most, and there are more of these than that.
                wanted = f"{answer.value.lower()}{number}1234567890{ascii_lowercase}"
                used = taken | set(found.values())
                found[answer.value] = next(key for key in wanted if key.isalnum() and key not in used)
        return {answer.value: found[answer.value] for answer in answers}


#: The habits of other screeners. Covidence has buttons alone, so these are the first letters of theirs.
PRESETS = {
    "rayyan": Keys({"advance": "i", "exclude": "e", "adjudicate": "u"}, actions=ACTIONS | {"undo": "z"}),
    "asreview": Keys({"advance": "r", "exclude": "i", "adjudicate": "m"}),
    "covidence": Keys({"advance": "y", "exclude": "n", "adjudicate": "m"}, actions=ACTIONS | {"note": "t"}),
}

#: The name of the preset that is one's own file.
OWN = "own"


def keys_of(preset: str) -> Keys:
    """The keys of a preset, or of one's own file. Raises Invalid for a file that is not there or not right."""
    return PRESETS[preset] if preset != OWN else _read(path())


def path() -> Path:
    """Where one's own keys are: LIVING_SCREEN_KEYS, or a file in the user's folder for settings."""
    if named := given().get("living_screen_keys"):
        return Path(named)
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "living" / "screen.toml"


def _read(file: Path) -> Keys:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(f"there are no keys of your own in {file}: `living screen --help` shows such a file") from error
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read as TOML: {error}") from error
    return _checked(file, said)


def _checked(file: Path, said: Mapping[str, Any]) -> Keys:
    """Raises Invalid, naming every line that cannot be."""
    found = [
        {"at": name, "why": "say `like`, `answers` or `actions`"} for name in {*said} - {"like", "answers", "actions"}
    ]
    like = said.get("like", "rayyan")
    if like not in PRESETS:
        found.append({"at": "like", "why": f"is one of {', '.join(PRESETS)}"})
    base = PRESETS.get(like, PRESETS["rayyan"]) if isinstance(like, str) else PRESETS["rayyan"]
    answers, actions = (_table(said.get(name, {}), name, found) for name in ("answers", "actions"))
    for name in {*actions} - {*ACTIONS}:
        found.append({"at": f"actions.{name}", "why": f"is one of {', '.join(ACTIONS)}"})
    # Who takes a key for an answer takes it from what had it by the preset.
    given_away = {key for key in answers.values()} | {key for key in actions.values()}
    kept = {name: key for name, key in base.actions.items() if key not in given_away or name in actions}
    leading = {to: key for to, key in base.leading.items() if key not in given_away}
    keys = Keys(leading, answers, kept | actions)
    by_key: dict[str, list[str]] = {}
    for name, key in (*answers.items(), *keys.actions.items(), *((f"moving {key!r}", key) for key in MOVING)):
        by_key.setdefault(key, []).append(name)
    found += [
        {"at": repr(key), "why": f"is the key of {' and of '.join(names)}"}
        for key, names in by_key.items()
        if len(names) > 1
    ]
    found += [{"at": f"actions.{name}", "why": "needs a key"} for name in ("leave", "help") if name not in keys.actions]
    if found:
        raise Invalid(f"{file}: {found[0]['at']} {found[0]['why']}", found)
    return keys


def _table(said: Any, name: str, found: list[dict[str, str]]) -> dict[str, str]:
    """The keys of one table: each one character that is seen."""
    if not isinstance(said, dict):
        found.append({"at": name, "why": "is a table of names and keys"})
        return {}
    good = {}
    for what, key in said.items():
        if isinstance(key, str) and len(key) == 1 and key.isprintable() and key != " ":
            good[what] = key.lower()
        else:
            found.append({"at": f"{name}.{what}", "why": 'is one character, such as "x"'})
    return good
