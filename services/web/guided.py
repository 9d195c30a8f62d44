"""Guided: a first protocol by questions, for somebody who has never written one, and back from a fault to its question.

The fields of the form have the names that the API calls their parts by, so that what it says of one stands there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from services.web import drawing
from services.web.written import lines_of
from shared.events.parts import LONGEST_SLUG
from shared.events.protocol import SOURCES
from shared.folding import without_marks
from shared.wire.people import MemberView

#: Stages that the form has at first, and at most.
STAGES, MOST_STAGES = 2, 10

_DATES = ("published_after", "published_until")
_DEFINED = ("context", "mechanism", "outcome")
_CMOC = ("context", "resource", "reasoning", "outcome")

#: By which role somebody who belongs to the review is asked for in a protocol's team.
_TEAM = {"reviewer": "reviewer", "adjudicator": "adjudicator", "lead": "lead", "admin": "lead"}


def at_first() -> FormData:
    """The form as it is opened: what most reviews begin with is there, to be written over."""
    said = {f"definitions.{name}": drawing.text(f"protocol.begin.{name}") for name in _DEFINED}
    said["manual"] = drawing.text("protocol.begin.manual")
    for at, name in enumerate(("first_stage", "second_stage")):
        said[f"stages[{at}].name"] = drawing.text(f"protocol.begin.{name}.name")
        said[f"stages[{at}].question"] = drawing.text(f"protocol.begin.{name}.question")
        said[f"stages[{at}].votes"] = "2"
    said["stages[1].reasons"] = drawing.text("protocol.begin.reasons")
    return FormData({**said, "stages": str(STAGES)})


def stages_of(form: FormData) -> int:
    """How many stages the form has questions for."""
    n = str(form.get("stages", ""))
    return min(int(n), MOST_STAGES) if n.isascii() and n.isdigit() and 0 < len(n) < 3 and int(n) else STAGES


def document_of(review: str, form: FormData, members: Iterable[MemberView]) -> dict[str, Any]:
    """The protocol that the form says; what is empty is left out, so that the API says that it is missing. Raises
    Invalid for a field of far more lines than any list of a protocol may have."""
    given = {
        "review": review,
        "title": _text(form, "title"),
        "question": _text(form, "question"),
        **{name: _text(form, name) for name in _DATES},
        "definitions": _parts(form, "definitions", _DEFINED),
        "criteria": _said({name: _lines(form, f"criteria.{name}") for name in ("include", "exclude")}),
        "highlights": _said({name: _lines(form, f"highlights.{name}") for name in ("include", "exclude")}),
        "strategies": list(_strategies(form)),
        "team": list(_team(form, members)),
        "stages": [_stage(form, at) for at in _stages_said(form)],
        "theories": [{"id": "t1"} | _parts(form, "theories[0]", ("heading", "statement"))],
        "cmocs": [{"id": "c1", "theory": "t1"} | _parts(form, "cmocs[0]", _CMOC)],
    }  # fmt: skip
    return _said(given)


def faults_in(form: FormData, errors: Sequence[Mapping[str, Any]], names: Iterable[str]) -> list[dict[str, str]]:
    """The same faults, each at the question that it is about; `names` are those of all questions."""
    known = sorted(names, key=len, reverse=True)
    said, manual = list(_stages_said(form)), len(_lines(form, "manual"))

    def named(at: str) -> str:
        if stage := re.match(r"stages\[(\d+)\]", at):
            at = f"stages[{said[int(stage[1])]}]{at[stage.end() :]}"
        if strategy := re.match(r"strategies\[(\d+)\]", at):
            at = "manual" if int(strategy[1]) < manual else "concepts"
        at = {"strategies": "manual", "stages": "stages[0].name"}.get(at, at)
        return next((name for name in known if at == name or at.startswith((f"{name}.", f"{name}["))), at)

    return [{"at": named(str(error["at"])), "why": str(error["why"])} for error in errors]


def _strategies(form: FormData) -> Iterator[dict[str, Any]]:
    """What is searched by hand, one a line; then the concepts, at the sources that are ticked."""
    names = _Names()
    for line in _lines(form, "manual"):
        yield {"id": names.of(line), "manual": line}
    concepts = [[term.strip() for term in line.split(",") if term.strip()] for line in _lines(form, "concepts")]
    sources = [one for one in form.getlist("sources") if one in SOURCES]
    if concepts or sources:
        found = [{"name": terms[0] if terms else "", "terms": terms} for terms in concepts]
        yield _said({"id": names.of("concepts"), "sources": sources, "concepts": found})


def _team(form: FormData, members: Iterable[MemberView]) -> Iterator[dict[str, Any]]:
    chosen = set(form.getlist("team"))
    for role in ("reviewer", "adjudicator", "lead"):
        people = [it.person for it in members if it.person in chosen and _TEAM.get(it.role) == role]
        if people:
            yield {"role": role, "people": people}


def _stages_said(form: FormData) -> Iterator[int]:
    """The stages that have a name or a question, by where they stand in the form."""
    return (
        at
        for at in range(stages_of(form))
        if _text(form, f"stages[{at}].name") or _text(form, f"stages[{at}].question")
    )


def _stage(form: FormData, at: int) -> dict[str, Any]:
    votes, names = _text(form, f"stages[{at}].votes"), _Names()
    name = _text(form, f"stages[{at}].name")
    answers = [{"value": "include", "leads_to": "advance"}, {"value": "exclude", "leads_to": "exclude"}]
    if form.get(f"stages[{at}].unsure"):
        answers.append({"value": "unsure", "leads_to": "adjudicate"})
    return _said(
        {
            "name": _Names().of(name) if name else "",
            "question": _text(form, f"stages[{at}].question"),
            "votes": int(votes) if votes.isascii() and votes.isdigit() and len(votes) < 5 else votes,
            "answers": answers,
            "reasons": [{"value": names.of(line), "label": line} for line in _lines(form, f"stages[{at}].reasons")],
        }
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _parts(form: FormData, of: str, names: Iterable[str]) -> dict[str, Any]:
    return _said({name: _text(form, f"{of}.{name}") for name in names})


def _lines(form: FormData, name: str) -> list[str]:
    return lines_of(_text(form, name), name)


def _said(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in ("", [], {})}


class _Names:
    """Names as protocols have them, made of texts, none of them twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        #: How often each was wanted, so that the next is not looked for from the first on.
        self._wanted = Counter[str]()

    def of(self, text: str) -> str:
        made = (
            "-".join(re.findall(r"[a-z0-9]+", without_marks(text).casefold()))[: LONGEST_SLUG - 4].strip("-") or "one"
        )
        name = made
        while name in self._taken:
            self._wanted[made] += 1
            name = f"{made}-{self._wanted[made] + 1}"
        self._taken.add(name)
        return name
