"""Findings: the living review as its readers know it, revision by revision; where it is public, as anybody does."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from itertools import groupby
from typing import Any, cast, get_args

from starlette.responses import Response

from services.web import drawing, policy
from services.web.citing import Citation
from services.web.comparing import Moved, Part, moved, parts
from services.web.faults import errors_of
from services.web.names import called_in
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.saving import as_file
from services.web.written import day_of, numbered
from shared.client.asking import one_sheet
from shared.errors import Forbidden, Invalid, LivingError, NotFound
from shared.wire.protocol import QuestionView
from shared.wire.synthesis import (
    CitedReport,
    CitedStudies,
    ExportForm,
    RevisionContent,
    RevisionListed,
    RevisionView,
    Signing,
    Standing,
    Statement,
    file_of,
)

pages = Pages()

#: How many revisions are listed beside one of them; the rest are on a page of their own.
_BESIDE = 10


@pages.page("/reviews/{review}/findings", open_to="readers")
async def show_newest(asked: Asked) -> Drawn:
    """Leads to the newest revision, or to the one that was in force on a day; where there is none, says so."""
    review, on = asked.path["review"], asked.query.get("on", "")
    try:
        day = day_of(asked, "on")
    except Invalid as error:
        return await _without_revision(asked, error=error)
    standing = await asked.api.synthesis.standing(review, on=day)
    if standing.in_force is None and not on and standing.revisions:
        # All are withdrawn, which the last one says.
        return Go(drawing.url("reviews", review, "findings", str(standing.revisions)))
    if standing.in_force is None:
        return await _without_revision(asked, newest=standing.newest)
    return Go(drawing.url("reviews", review, "findings", str(standing.in_force.number), on=on))


@pages.page("/reviews/{review}/findings/all", open_to="readers", allowed=("scripts",))
async def show_revisions(asked: Asked) -> Drawn:
    """Every revision, newest first, any two of which can be compared."""
    review = asked.path["review"]
    question, sheet = await asyncio.gather(
        asked.api.protocol.question(review), asked.sheet(asked.api.synthesis.revisions(review, newest_first=True))
    )
    given = {"review": review, "question": question, "sheet": sheet, "query": asked.query}
    return Page("revisions.html", given)


@pages.page("/reviews/{review}/findings/compare", open_to="readers")
async def compare_revisions(asked: Asked) -> Drawn:
    """What changed from one revision to another, element by element, and which reports came and went."""
    review = asked.path["review"]
    given: dict[str, Any] = {
        "review": review, "query": asked.query, "errors": [], "difference": None,
    }  # fmt: skip
    if not {"before", "after"} & set(asked.query):
        return Page("compare.html", given)
    try:
        before, after = (_number_of(asked, name) for name in ("before", "after"))
        difference, had, has, later = await asyncio.gather(
            asked.api.synthesis.diff(review, before, after), asked.api.synthesis.studies(review, before),
            asked.api.synthesis.studies(review, after), asked.api.synthesis.revision(review, after),
        )  # fmt: skip
    except (Invalid, NotFound) as error:
        return Page("compare.html", given | {"errors": errors_of(error)}, 422 if isinstance(error, Invalid) else 404)
    return Page("compare.html", given | {
        "difference": difference, "parts": parts(difference.changes), "moved": moved(had, has),
        "outcomes": outcomes(later.content),
    })  # fmt: skip


@pages.page("/reviews/{review}/findings/{number}", open_to="readers", allowed=("scripts",))
async def show_revision(asked: Asked) -> Drawn:
    """One revision: what changed, then what it says, theory by theory, and what each rests on."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    revision, standing, cited, latest, question, called = await asyncio.gather(
        asked.api.synthesis.revision(review, number), asked.api.synthesis.standing(review),
        asked.api.synthesis.studies(review, number), _latest(asked, review), asked.api.protocol.question(review),
        _called(asked, review),
    )  # fmt: skip
    content, newest = revision.content, _newest(standing)
    changed, undecided, signing = await asyncio.gather(
        _changed(asked, revision, cited, latest), _undecided(asked) if number == newest else _nothing(),
        _signing(asked, number),
    )  # fmt: skip
    given = {
        "review": review, "revision": revision, "signed_by": called(content.signed_by) if called else None,
        "called": called,
        "content": content, "standing": standing, "question": question, "revisions": latest,
        "newest": newest, "before": number - 1, "theories": by_theory(revision), "reports": by_cmoc(cited),
        "changed": changed,
        "outcomes": outcomes(content), "struck": [it for it in cited.reports if it.struck], "undecided": undecided,
        "never": never_searched(question, content) if number == newest else [],
        "databases": {it.source: it.database for it in question.sources if it.database},
        "cited": citation(asked, revision), "on": _shown_day(asked), "signing": signing,
    }  # fmt: skip
    return Page("findings.html", given)


@pages.page("/reviews/{review}/findings/{number}/verification", open_to="readers", allowed=("scripts",))
async def show_verification(asked: Asked) -> Drawn:
    """Whether a revision is still what was signed, looked at now, in words."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    verified = await asked.api.synthesis.verify(review, number)
    given = {"review": review, "number": number, "verified": verified}
    return Page("verification.html", given)


@pages.page("/reviews/{review}/findings/{number}/cite.bib", open_to="readers")
async def keep_bibtex(asked: Asked) -> Drawn:
    """A revision for reference managers, as BibTeX."""
    cited = await _cited(asked)
    return as_file(cited.bibtex(), "application/x-bibtex", f"{cited.review}-{cited.number}.bib")


@pages.page("/reviews/{review}/findings/{number}/cite.ris", open_to="readers")
async def keep_ris(asked: Asked) -> Drawn:
    """The same as RIS."""
    cited = await _cited(asked)
    return as_file(cited.ris(), "application/x-research-info-systems", f"{cited.review}-{cited.number}.ris")


@pages.page("/reviews/{review}/findings/{number}/signed.json", open_to="readers")
async def keep_signed(asked: Asked) -> Drawn:
    """A revision with the exact text that was signed, for whoever verifies it elsewhere."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    exported = await asked.api.synthesis.export(review, number)
    text = json.dumps(exported.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return as_file(text, "application/json", f"{review}-{number}.json")


@pages.page("/reviews/{review}/findings/{number}/prov.json", open_to="readers")
async def keep_provenance(asked: Asked) -> Drawn:
    """What a revision came from, as PROV-JSON."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    provenance = await asked.api.synthesis.provenance(review, number)
    text = json.dumps(provenance.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return as_file(text, "application/json", f"{review}-{number}-prov.json")


@pages.page("/reviews/{review}/findings/{number}/as/{form}", open_to="readers")
async def keep_form(asked: Asked) -> Drawn:
    """All that a revision says, in a form that is read elsewhere."""
    review, number, form = asked.path["review"], numbered(asked.path["number"]), asked.path["form"]
    if form not in get_args(ExportForm):
        raise NotFound(f"a revision has no form {form[:50]!r}")
    pieces: list[bytes] = []
    await asked.api.synthesis.file(review, number, cast(ExportForm, form), pieces.append)
    name, media_type = file_of(review, number, cast(ExportForm, form))
    return as_file(b"".join(pieces), media_type, name)


@pages.page("/reviews/{review}/feed.atom", open_to="readers")
async def show_feed(asked: Asked) -> Drawn:
    """The published revisions as an Atom feed, for feed readers that have no key; those that have this very page are
    told so."""
    feed = await asked.api.notify.feed(asked.path["review"], cursor=asked.query.get("cursor"))
    etag = f'"{sha256(feed).hexdigest()}"'
    headers = policy.headers() | {"ETag": etag}
    if asked.request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(feed, media_type="application/atom+xml", headers=headers)


@dataclass(frozen=True)
class Changed:
    """What changed last that is no exercise: the revision by which it did, the one `before` that it is compared with,
    part by part, and the reports that came and went by it, None of a first one; and the exercises since."""

    by: RevisionContent
    before: int | None
    parts: list[Part]
    moved: Moved | None
    exercises: list[RevisionListed]


def outcomes(content: RevisionContent) -> dict[str, str]:
    """What each CMOC says follows, by which people know it better than by its id."""
    return {cmoc.cmoc: cmoc.outcome for cmoc in content.cmocs}


def never_searched(question: QuestionView, content: RevisionContent) -> list[str]:
    """The sources of the protocol in force that had not been searched when a revision was signed, but for those that it
    says it goes without."""
    left_out = {one.database for one in content.not_searched}
    return [
        it.database or drawing.source(it.source)
        for it in question.sources
        if it.source not in content.searched_through and it.database not in left_out
    ]


def by_theory(revision: RevisionView) -> dict[str, Sequence[Statement]]:
    """The CMOCs of each theory, in the protocol's order."""
    cmocs = sorted(revision.content.cmocs, key=lambda cmoc: cmoc.theory)  # A stable order: theirs is kept within.
    return {theory: list(of_it) for theory, of_it in groupby(cmocs, key=lambda cmoc: cmoc.theory)}


def by_cmoc(cited: CitedStudies) -> Mapping[str, Mapping[str, Sequence[CitedReport]]]:
    """The reports that speak to each CMOC, study by study: those of one study are not independent of each other."""
    found: dict[str, dict[str, list[CitedReport]]] = defaultdict(lambda: defaultdict(list))
    for report in cited.reports:
        for cmoc in report.cmocs:
            found[cmoc][report.study].append(report)
    return found


def citation(asked: Asked, revision: RevisionView) -> Citation:
    content = revision.content
    address = asked.web.address + drawing.url("reviews", content.review, "findings", str(content.number))
    on = content.signed_at.astimezone(UTC).date()
    return Citation(
        content.review, content.title, content.number, on, revision.content_sha256, address, revision.doi,
        withdrawn=revision.withdrawn is not None,
    )  # fmt: skip


async def _cited(asked: Asked) -> Citation:
    return citation(asked, await asked.api.synthesis.revision(asked.path["review"], numbered(asked.path["number"])))


async def _without_revision(
    asked: Asked, *, newest: RevisionListed | None = None, error: LivingError | None = None
) -> Page:
    review = asked.path["review"]
    question = await asked.api.protocol.question(review)
    given = {
        "review": review, "question": question, "newest": newest, "errors": errors_of(error), "query": asked.query,
    }  # fmt: skip
    return Page("no-findings.html", given, 200 if error is None else 422)


async def _changed(asked: Asked, shown: RevisionView, cited: CitedStudies, latest: Sequence[RevisionListed]) -> Changed:
    """What changed by a revision; where that is an exercise, by the last one before it that is none."""
    review, api, content = asked.path["review"], asked.api.synthesis, shown.content
    until = [one for one in latest if one.number <= content.number]
    number = next((one.number for one in until if not one.drill), content.number)
    exercises = [one for one in until if one.number > number]
    by, has, had = shown, cited, None
    if exercises:
        by, has = await asyncio.gather(api.revision(review, number), api.studies(review, number))
    if by.preceding_number is not None:
        had = await api.studies(review, by.preceding_number)
    said = by.content
    return Changed(said, by.preceding_number, parts(said.changes), moved(had, has) if had else None, exercises)


def _newest(standing: Standing) -> int:
    """The number of the revision that is to be read; the last that was signed where all are withdrawn."""
    return standing.newest.number if standing.newest is not None else standing.revisions


async def _undecided(asked: Asked) -> int | None:
    """How many records are in screening now, for members to whom the API says so."""
    if asked.public:
        return None
    try:
        return (await asked.api.screening.funnel(asked.path["review"])).screening
    except (Forbidden, NotFound):
        return None


async def _signing(asked: Asked, number: int) -> Signing | None:
    """How it was signed, for members: what was said of its draft is theirs."""
    return None if asked.public else await asked.api.synthesis.signing(asked.path["review"], number)


async def _nothing() -> None:
    return None


async def _latest(asked: Asked, review: str) -> list[RevisionListed]:
    with one_sheet(None, _BESIDE):
        return [one async for one in asked.api.synthesis.revisions(review, newest_first=True)]


async def _called(asked: Asked, review: str) -> Callable[[str], str] | None:
    """What members call each other. Nobody else learns a member's name."""
    return None if asked.public else await called_in(asked, review)


def _shown_day(asked: Asked) -> str:
    """The day that somebody asked about, where it is one."""
    try:
        return str(day_of(asked, "on") or "")
    except Invalid:
        return ""


def _number_of(asked: Asked, name: str) -> int:
    try:
        return numbered(asked.query.get(name, "").strip())
    except NotFound:
        raise Invalid.of(name, drawing.text("findings.no_number")) from None
