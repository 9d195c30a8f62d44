"""The course of a review: a lead says that it rests, has ended, or goes on, and its readers see why."""

from __future__ import annotations

import asyncio
from typing import cast, get_args

from services.web import drawing
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from shared.errors import Invalid, LivingError
from shared.wire.synthesis import Course

pages = Pages()


@pages.page("/reviews/{review}/findings/course", allowed=("scripts",))
async def show_course(asked: Asked) -> Drawn:
    return await _course(asked)


@pages.form("/reviews/{review}/findings/course", allowed=("scripts",))
async def change_course(asked: Asked) -> Drawn:
    review, course = asked.path["review"], cast(Course, asked.text("course"))
    try:
        await asked.api.synthesis.set_course(review, course, asked.text("why"))
    except Invalid as error:
        return await _course(asked, error)
    return Go(drawing.url("reviews", review, "findings", "course", done="changed"))


async def _course(asked: Asked, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    standing, question, sheet, called = await asyncio.gather(
        asked.api.synthesis.standing(review), asked.api.protocol.question(review),
        asked.sheet(asked.api.synthesis.course_steps(review)), called_in(asked, review),
    )  # fmt: skip
    now = standing.state if standing.state in get_args(Course) else "living"
    given = {
        "review": review, "standing": standing, "question": question, "courses": get_args(Course),
        "chosen": asked.text("course") or now, "why": asked.text("why") or standing.why or "", "query": asked.query,
        "errors": errors_of(error), "sheet": sheet, "called": called,
    }  # fmt: skip
    return Page("course.html", given, 200 if error is None else 422)
