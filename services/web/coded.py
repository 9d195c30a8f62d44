"""Coded: what the form that codes a fragment says, as the API takes it, and back to the form as it was filled in; and
who codes the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from services.web.page import Asked
from shared.errors import NotFound
from shared.events.synthesis import Credibility, Element, Inference, Stance
from shared.wire.screening import RecordHistory
from shared.wire.synthesis import CmocView, DataType, ExtractionView

#: Rows of links that the form has at first, and at most.
ROWS, MOST_ROWS = 2, 50

_FRAGMENT = ("text", "locator", "paraphrase", "quote", "data_type", "proposal", "proposed")

#: What of it the API takes otherwise: the copy and the proposal that its quote is of, whose receipt stands for both.
_BESIDE = ("text", "proposal", "proposed")
_LINK = ("cmoc", "element", "stance", "inference", "credibility", "rationale")

#: What may be left out.
_OPTIONAL = {"quote", "credibility", "rationale"}


def filled_of(asked: Asked) -> dict[str, str]:
    """The form as it was filled in, with the rows that say something first, as the API numbers them."""
    rows = [row for at in range(_rows_sent(asked)) if (row := _row(asked, at))["cmoc"] or row["rationale"]]
    filled = {f"fragment.{name}": asked.text(f"fragment.{name}") for name in _FRAGMENT}
    for at, row in enumerate(rows):
        filled |= {f"links[{at}].{name}": said for name, said in row.items()}
    return filled


def evidence_of(filled: dict[str, str], record: str) -> dict[str, Any]:
    """A fragment of a record with its links, as the API takes them; what is empty is left out where it may be, and so
    is missing where it may not."""
    links = [_said({name: filled[f"links[{at}].{name}"] for name in _LINK}) for at in range(rows_filled(filled))]
    fragment = _said({name: filled[f"fragment.{name}"] for name in _FRAGMENT if name not in _BESIDE})
    return {"record": record, "fragment": fragment, "links": links}


def rows_filled(filled: dict[str, str]) -> int:
    return sum(name.endswith("].cmoc") for name in filled)


def rows_shown(asked: Asked, filled: dict[str, str], more: bool) -> int:
    """How many rows the form shows: as many as before, and one more where somebody asks for it."""
    return min(max(_rows_sent(asked) + more, rows_filled(filled), ROWS), MOST_ROWS)


def by_standing(cmocs: Sequence[CmocView]) -> tuple[list[CmocView], list[CmocView]]:
    """The CMOCs that the protocol states, and those that it has no more."""
    return [it for it in cmocs if it.set_aside_at is None], [it for it in cmocs if it.set_aside_at is not None]


def choices() -> dict[str, Any]:
    """What each part of a coding is chosen from."""
    return {
        "data_types": get_args(DataType), "elements": get_args(Element), "stances": get_args(Stance),
        "inferences": get_args(Inference), "credibilities": get_args(Credibility),
    }  # fmt: skip


async def extraction_of(asked: Asked, record: str) -> ExtractionView | None:
    """Who codes the report: what whoever asks codes of it, else what others do; None where nobody is asked to."""
    found = await asked.first(asked.api.synthesis.extractions(asked.path["review"], record=record))
    asked_for = [it for it in found.items if it.state != "withdrawn"]
    return next((it for it in asked_for if it.mine), next(iter(asked_for), None))


def is_kept_from(it: ExtractionView) -> bool:
    """Whether nothing is coded of a report by whoever asks: two others do, or they have finished before the other."""
    if it.coders < 2:
        return False
    return it.until is None if it.state == "open" else not it.mine


async def history_of(asked: Asked, record: str) -> RecordHistory | None:
    """Its way through screening; None while screening has not heard of it."""
    try:
        return await asked.api.screening.record(asked.path["review"], record)
    except NotFound:
        return None


def _rows_sent(asked: Asked) -> int:
    given = asked.text("rows")
    return min(int(given), MOST_ROWS) if given.isascii() and given.isdigit() and len(given) < 4 else ROWS


def _row(asked: Asked, at: int) -> dict[str, str]:
    return {name: asked.text(f"links[{at}].{name}") for name in _LINK}


def _said(given: dict[str, str]) -> dict[str, str]:
    return dict(_given(given))


def _given(given: dict[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in given.items() if value or name not in _OPTIONAL)
