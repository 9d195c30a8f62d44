"""Training: the examples of a stage, which whoever screens there answers first, and what is right of each."""

from __future__ import annotations

from typing import Any

from services.web import drawing
from services.web.ballots import letters
from services.web.faults import Labels, errors_of, labelled
from services.web.marking import marked_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.shortcuts import keys_of
from shared.errors import Conflict, Invalid, LivingError
from shared.wire.training import TrainingCard

pages = Pages()


@pages.page("/reviews/{review}/screen/{stage}/training", allowed=("scripts",))
async def show_training(asked: Asked) -> Drawn:
    """The next example; after the last one, how right I was."""
    return await _example(asked)


@pages.form("/reviews/{review}/screen/{stage}/training", allowed=("scripts",))
async def answer_example(asked: Asked) -> Drawn:
    """Answers an example, once, and says what is right."""
    review, stage, item = asked.path["review"], asked.path["stage"], asked.text("item")
    shown = await asked.api.screening.next_training(review, stage)
    try:
        with asked.done_once():
            receipt = await asked.api.screening.train(
                review, stage, item, asked.text("answer"), excluded_for=asked.text("excluded_for") or None
            )
    except Invalid as error:
        return await _example(asked, error)
    except Conflict as error:
        if error.slug != "already_answered":
            raise
        return Go(drawing.url("reviews", review, "screen", stage, "training"))
    labels = {reason.value: reason.label for reason in shown.reasons} if shown is not None else {}
    given = {"review": review, "stage": stage, "receipt": receipt, "title": _title(shown, item), "labels": labels}
    return Page("lesson.html", given)


async def _example(asked: Asked, error: LivingError | None = None) -> Page:
    review, stage = asked.path["review"], asked.path["stage"]
    item = await asked.api.screening.next_training(review, stage)
    given: dict[str, Any] = {
        "review": review, "stage": stage, "item": item, "errors": errors_of(error), "filled": asked.form, "mine": None,
        "keys": keys_of(asked).actions,
    }  # fmt: skip
    if item is not None:
        text = {"title": item.title, "abstract": item.abstract or ""}
        reasons = {reason.value: reason.label for reason in item.reasons}
        labels = Labels({"excluded_for": (drawing.text("screen.excluded_for"), "excluded_for")}, reasons)
        given["errors"] = labelled(given["errors"], labels)
        given |= {"letters": letters(asked, item.answers), "marked": marked_in(text, item.highlights)}
    else:
        me = await asked.api.people.me()
        known = [it for it in await asked.api.screening.training(review) if it.stage == stage]
        given["mine"] = next((one for it in known for one in it.people if one.person == me.person), None)
    return Page("training.html", given, 200 if error is None else 422)


def _title(shown: TrainingCard | None, item: str) -> str:
    """What the example that was answered is called; one that is sent twice is not shown any more."""
    return shown.title if shown is not None and shown.item == item else ""
