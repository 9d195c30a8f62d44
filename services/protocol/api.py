"""Routes of protocol."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.protocol import commands, store
from services.protocol.domain import check, lacking_as_named
from services.protocol.domain.differences import differences
from services.protocol.domain.searching import asked_by
from services.protocol.models import VersionRow
from shared.db.work import Work
from shared.documents import Form
from shared.errors import Invalid
from shared.events.parts import require_free
from shared.events.protocol import Protocol
from shared.http.auth import Anybody, Lead, Reader
from shared.http.paging import Hundred
from shared.http.parameters import AskedNumberOrNone, Name, Number, Why, YesNo
from shared.http.route import Later, Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.paging import Page
from shared.wire.protocol import (
    Applied,
    Changes,
    Checked,
    QuestionView,
    ReviewView,
    SourceAsked,
    VersionHead,
    VersionView,
)

router = APIRouter(prefix="/protocol", tags=["protocol"], route_class=Route)
Unit = Annotated[Work, unit_of("protocol")]
Reading = Annotated[Work, reading_of("protocol")]

_FORMS: dict[str, Form] = {
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "application/json": "json",
}

# One schema for both forms, since the YAML is of the same shape. The application gives its parts their place.
_SCHEMA = Protocol.model_json_schema(ref_template="#/components/schemas/{model}Given")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The protocol file.",
        "content": {form: {"schema": _SCHEMA} for form in ("application/yaml", "application/json")},
    }
}


async def _checked(review: Name, request: Request) -> Later:
    """The protocol in the body. Read before a transaction is opened, since reading may take a second."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = _FORMS.get(given)
    if form is None:
        why = f"{given or 'nothing'!r} is none of {', '.join(_FORMS)}"
        raise Invalid.of("Content-Type", why, slug="content_type")
    body = await request.body()
    return Later(lambda: check(body, form=form, review=review))


@router.post("/reviews/{review}/versions", openapi_extra=_BODY)
def apply_protocol(
    review: Name,
    person: Lead,
    protocol: Annotated[Protocol, Depends(_checked)],
    work: Unit,
    follows: AskedNumberOrNone | None = None,
    why: Why | None = None,
    key: IdempotencyKey = None,
) -> Applied:
    """Makes a protocol (YAML or JSON) the review's next version; the content it has already changes nothing. `why` is
    kept with it and told, for whoever reads the review's history.

    `follows` names the version that it amends, 0 for the first: where another one is the newest by now it is refused
    (409 `not_the_newest`); without it, an earlier version again is (409 `older_version`). A malformed one is answered
    with every error, its path and its line. Nothing is stored then.
    """
    command = f"apply a protocol to {review}" + (f" after {follows}" if follows is not None else "")
    command += f", since {why}" if why is not None else ""
    return work.once(key, command, protocol, lambda: commands.publish_version(work, protocol, follows, why))


@router.post("/reviews/{review}/checks", openapi_extra=_BODY)
def check_protocol(
    review: Name, person: Lead, protocol: Annotated[Protocol, Depends(_checked)], work: Reading
) -> Checked:
    """Checks a protocol (YAML or JSON) as applying it does, and keeps nothing: what it says otherwise than the newest
    version, and what each source will be asked. A malformed one is answered as there."""
    newest = store.newest(work, review)
    if not newest:
        require_free(review)
    before = _protocol(store.version(work, review, newest)) if newest else None
    return Checked(
        review=review,
        newest=newest,
        changes=differences(before, protocol) if before is not None else [],
        asked=asked_by(protocol),
        warnings=lacking_as_named(protocol),
        protocol=protocol,
    )


@router.get("/reviews")
def list_reviews(work: Reading, person: Reader, page: Hundred) -> Page[ReviewView]:
    """The reviews this token holds for, by name."""
    return store.reviews(work, person.reviews, page).page(lambda row: ReviewView(**row.model_dump()))


@router.get("/reviews/{review}")
def show_review(review: Name, work: Reading, person: Reader) -> VersionView:
    """The newest version of a review's protocol."""
    return _whole(store.version(work, review, store.review(work, review).version))


@router.get("/reviews/{review}/question")
def show_question(review: Name, work: Reading, person: Anybody) -> QuestionView:
    """What a review asks, as its newest protocol has it, and which sources that has searched; nothing else of it."""
    row = store.version(work, review, store.review(work, review).version)
    asked = [
        SourceAsked(source=strategy.files_of, database=strategy.manual) if strategy.manual else SourceAsked(source=name)
        for strategy in _protocol(row).strategies
        for name in (strategy.searched or ("",))
    ]
    sources = {one.source: one for one in asked}
    return QuestionView(
        title=row.document["title"], question=row.document["question"], review=review, sources=[*sources.values()]
    )


@router.get("/reviews/{review}/versions")
def list_versions(
    review: Name, work: Reading, person: Reader, page: Hundred, newest_first: YesNo = False
) -> Page[VersionHead]:
    """Every version of a review's protocol, oldest first or newest."""
    store.review(work, review)
    found = store.versions(work, review, page, newest_first=newest_first)
    return found.page(lambda row: VersionHead(**row.model_dump(exclude={"document"})))


@router.get("/reviews/{review}/versions/{version}")
def show_version(review: Name, version: Number, work: Reading, person: Reader) -> VersionView:
    """One version of a review's protocol, whole."""
    return _whole(store.version(work, review, version))


@router.get("/reviews/{review}/versions/{version}/changes")
def show_changes(review: Name, version: Number, work: Reading, person: Reader) -> Changes:
    """What a version says otherwise than the one before it; of the first, nothing."""
    after = _protocol(store.version(work, review, version))
    before = _protocol(store.version(work, review, version - 1)) if version > 1 else after
    return Changes(review=review, version=version, changes=differences(before, after))


def _whole(row: VersionRow) -> VersionView:
    return VersionView(protocol=_protocol(row), **row.model_dump(exclude={"document"}))


def _protocol(row: VersionRow) -> Protocol:
    return Protocol.model_validate(row.document, extra="ignore")
