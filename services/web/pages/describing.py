"""Describing: what the protocol asks of each study, the form for it at a report, and all studies as a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from services.web import drawing
from services.web.coded import extraction_of, is_kept_from
from services.web.faults import Labels, errors_of, labelled
from services.web.lacking import without_protocol
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from services.web.saving import as_file
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.wire.synthesis import CharacteristicView, StudyCharacteristics

pages = Pages()

_TABLE = "/reviews/{review}/synthesis/studies"
_RECORD = "/reviews/{review}/records/{record}/characteristics"

#: What begins the names of the fields that the protocol asks for, so that none is one of the form's own.
_AT = "of."

#: Studies of one page of the table.
_STUDIES = 25


@pages.page(_TABLE, allowed=("scripts",))
async def show_studies(asked: Asked) -> Drawn:
    """The included studies, a line each, and a column for whatever the protocol asks."""
    review, api = asked.path["review"], asked.api.synthesis
    try:
        form, sheet = await asyncio.gather(
            api.characteristics(review), asked.sheet(api.described_studies(review), _STUDIES)
        )
    except NotFound:
        return await without_protocol(asked)
    return Page("studies.html", {"review": review, "form": form, "sheet": sheet, "query": asked.query})


@pages.page(_TABLE + "/sheet")
async def keep_studies(asked: Asked) -> Drawn:
    """The same of all studies, as a sheet."""
    review = asked.path["review"]
    text = await asked.api.synthesis.characteristics_csv(review)
    return as_file(text, "text/csv", f"{review}-characteristics.csv")


@pages.page(_RECORD, allowed=("scripts",))
async def show_study(asked: Asked) -> Drawn:
    """What is known of the study that a report is of, and the form for more."""
    return await _study(asked)


@pages.form(_RECORD, allowed=("scripts",))
async def describe_study(asked: Asked) -> Drawn:
    """Keeps what was filled in, all of it or nothing."""
    review, record = asked.path["review"], asked.path["record"]
    form, _ = given = await _asked_and_known(asked)
    answers = _answers(asked, form)
    try:
        with asked.done_once():
            # Also where nothing is new: whether they may is the platform's to say.
            taken = await asked.api.synthesis.describe(review, {"answers": answers})
    except (Invalid, Conflict, Forbidden) as error:
        if isinstance(error, Forbidden) and error.slug != "not_to_decide":
            raise
        if answers:
            return await _study(asked, error, answers, given)
        return Go(drawing.url("reviews", review, "records", record, "characteristics", done="nothing"))
    done = "kept" if taken.changed else "nothing"
    return Go(drawing.url("reviews", review, "records", record, "characteristics", done=done))


def _answers(asked: Asked, form: Sequence[CharacteristicView]) -> list[dict[str, Any]]:
    """What was filled in otherwise than it was shown."""
    answers = []
    for one in form:
        at = _AT + one.name
        if one.kind != "choices" and at not in asked.form:
            continue
        said = [text.strip() for text in asked.texts(at)] if one.kind == "choices" else [asked.text(at)]
        locator, silent = asked.text(f"{at}.locator"), asked.text(f"{at}.not_reported") == "yes"
        if _as_one([*said, locator, str(silent)]) == _as_one([asked.text(f"{at}.was")]):
            continue
        value: Any = said if one.kind == "choices" else said[0]
        answer = {"record": asked.path["record"], "characteristic": one.name, "not_reported": silent}
        answer |= {"value": value or None, "locator": locator or None, "why": asked.text("why") or None}
        answers.append(answer | {"seen": asked.text(f"{at}.seen").split()})
    return answers


def _as_one(parts: Sequence[str]) -> str:
    """What a field holds as a form carries it, which has line ends of its own."""
    return "\n".join(parts).replace("\r\n", "\n").strip()


async def _asked_and_known(asked: Asked) -> tuple[list[CharacteristicView], StudyCharacteristics]:
    review, record, api = asked.path["review"], asked.path["record"], asked.api.synthesis
    form, known = await asyncio.gather(api.characteristics(review), api.characteristics_of(review, record))
    # A version of the protocol may come between the two.
    asked_and_known = {it.characteristic for it in known.characteristics}
    return [one for one in form if one.name in asked_and_known], known


async def _study(
    asked: Asked, error: LivingError | None = None, answers: Sequence[dict[str, Any]] = (),
    given: tuple[list[CharacteristicView], StudyCharacteristics] | None = None,
) -> Drawn:  # fmt: skip
    review, record = asked.path["review"], asked.path["record"]
    (form, known), me, called, extraction = await asyncio.gather(
        _known(given) if given is not None else _asked_and_known(asked), asked.api.people.me(),
        called_in(asked, review), extraction_of(asked, record),
    )  # fmt: skip
    drawn = {
        "review": review, "record": record, "form": form,
        "known": {it.characteristic: it for it in known.characteristics},
        "study": known, "called": called, "filled": asked.form, "again": error is not None,
        "codes": has_role(me, "reviewer", review), "extraction": extraction,
        "kept_from": extraction is not None and extraction.state == "open" and is_kept_from(extraction),
        "errors": labelled(errors_of(error), _labels(answers, form)), "query": asked.query,
    }  # fmt: skip
    return Page("study.html", drawn, 200 if error is None else 422)


async def _known(
    given: tuple[list[CharacteristicView], StudyCharacteristics],
) -> tuple[list[CharacteristicView], StudyCharacteristics]:
    return given


def _labels(answers: Sequence[dict[str, Any]], form: Sequence[CharacteristicView]) -> Labels:
    """How the form calls what the API names: the n-th answer is of a characteristic."""
    called = {one.name: one.label for one in form}
    fields: dict[str, tuple[str, str]] = {}
    for at, answer in enumerate(answers):
        name = answer["characteristic"]
        for part, to in (("characteristic", name), ("value", name), ("record", name), ("not_reported", name)):
            fields[f"answers[{at}].{part}"] = called[name], _AT + to
        fields[f"answers[{at}].locator"] = (
            f"{called[name]}: {drawing.text('describing.locator')}",
            f"{_AT}{name}.locator",
        )
        fields[f"answers[{at}].why"] = f"{called[name]}: {drawing.text('describing.why')}", "why"
    return Labels(fields)
