"""Shortcuts: which key gives which answer and does what, after the habits of other screeners or as somebody says it.

The terminal and the pages have them from here, so that a hand which knows one knows the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any, Protocol

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


class Answer(Protocol):
    """An answer of a stage: its value, and where it leads."""

    @property
    def value(self) -> str: ...

    @property
    def leads_to(self) -> str: ...


@dataclass(frozen=True)
class Keys:
    """Keys by what they do: for answers by where these lead, or by their value, which counts before it."""

    leading: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=lambda: ACTIONS)

    def action(self, key: str) -> str | None:
        """What a key does that is no answer's."""
        return next((name for name, its in self.actions.items() if its == key), None)

    def of(self, answers: Sequence[Answer], *, but: Collection[str] = ()) -> dict[str, str]:
        """A key for each answer of a stage, by its value, none of them twice, nor any `but` these.

        An answer that one's own file names has the key from there. Where one answer alone leads somewhere, it has the
        preset's key; else the first letter of its value that is free, or a number.
        """
        taken = {*self.actions.values(), *MOVING, *but}
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

_TABLES = {"answers", "actions", "leading"}


def checked(said: Mapping[str, Any], where: str = "", needs: Collection[str] = ("leave", "help")) -> Keys:
    """Somebody's own keys: `answers` by their value, `actions`, where an answer leads (`leading`), and `like` which
    preset the rest is. Raises Invalid, naming all that cannot be, and what `needs` a key and has none; `where` they are
    said begins the error."""
    found = [
        {"at": name, "why": "say `like`, `leading`, `answers` or `actions`"} for name in {*said} - _TABLES - {"like"}
    ]
    like = said.get("like", "rayyan")
    if like not in PRESETS:
        found.append({"at": "like", "why": f"is one of {', '.join(PRESETS)}"})
    base = PRESETS.get(like, PRESETS["rayyan"]) if isinstance(like, str) else PRESETS["rayyan"]
    answers, actions, leads = (_table(said.get(it, {}), it, found) for it in ("answers", "actions", "leading"))
    for name in {*leads} - {*PRESETS["rayyan"].leading}:
        found.append({"at": f"leading.{name}", "why": f"is one of {', '.join(PRESETS['rayyan'].leading)}"})
    for name in {*actions} - {*ACTIONS}:
        found.append({"at": f"actions.{name}", "why": f"is one of {', '.join(ACTIONS)}"})
    # Who takes a key for an answer takes it from what had it by the preset.
    given_away = {*answers.values(), *actions.values(), *leads.values()}
    kept = {name: key for name, key in base.actions.items() if key not in given_away or name in actions}
    leading = {to: key for to, key in base.leading.items() if key not in given_away} | leads
    keys = Keys(leading, answers, kept | actions)
    by_key: dict[str, list[str]] = {}
    for name, key in (
        *answers.items(),
        *leads.items(),
        *keys.actions.items(),
        *((f"moving {key!r}", key) for key in MOVING),
    ):
        by_key.setdefault(key, []).append(name)
    found += [
        {"at": repr(key), "why": f"is the key of {' and of '.join(names)}"}
        for key, names in by_key.items()
        if len(names) > 1
    ]
    found += [{"at": f"actions.{name}", "why": "needs a key"} for name in needs if name not in keys.actions]
    if found:
        raise Invalid(f"{where}{found[0]['at']} {found[0]['why']}", found)
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
