"""Synthesis: what would be published now and why, what people decide about it, and signing it."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

from services.web import diagrams, drawing
from services.web.comparing import parts
from services.web.drafting import arrived, cmocs_by_theory, marks_of, overdue, reasons_of, titles_of
from services.web.faults import errors_of
from services.web.lacking import without_draft, without_protocol
from services.web.names import called_in, naming
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.roles import has_role
from shared.errors import Conflict, Invalid, LivingError, NotFound
from shared.events.synthesis import Element, Stance
from shared.wire.synthesis import DraftView

pages = Pages()

_AT = "/reviews/{review}/synthesis"

#: What the evidence suggests, of which the draft's page shows the first.
_PROPOSALS = 10

#: Letters of an id that anything has.
_LONGEST_ID = 200

#: What was judged of how sure one may be of a CMOC, of which its history shows the newest.
_JUDGEMENTS = 10


@pages.page(_AT, allowed=("scripts",))
async def show_draft(asked: Asked) -> Drawn:
    """What would be published now beside the newest revision, and what a lead does before it is signed."""
    review, api = asked.path["review"], asked.api.synthesis
    try:
        draft, status, table, proposals, me, called = await asyncio.gather(
            api.draft(review), api.status(review), api.support(review),
            asked.first(api.proposals(review, "open"), _PROPOSALS), asked.api.people.me(), called_in(asked, review),
        )  # fmt: skip
    except NotFound as error:
        return await without_draft(asked, error)
    given = {
        "review": review, "draft": draft, "status": status, "theories": cmocs_by_theory(draft),
        "studies": titles_of(table.studies), "parts": parts(draft.changes), "proposals": proposals,
        "overdue": overdue(draft), "leads": has_role(me, "lead", review), "called": called,
        "codes": has_role(me, "reviewer", review),
    }  # fmt: skip
    return Page("synthesis.html", given)


@pages.page(_AT + "/sign", allowed=("scripts",))
async def show_signing(asked: Asked) -> Drawn:
    """What is signed, once more, and a form for it."""
    return await _signing(asked)


@pages.form(_AT + "/sign", allowed=("scripts",), labels={"summary": "sign.summary", "despite": "sign.despite"})
async def sign_draft(asked: Asked) -> Drawn:
    """Shows once more what somebody is about to sign; then signs the very draft that they saw."""
    review, do = asked.path["review"], asked.text("do")
    if do in ("look", "back"):
        return await _signing(asked, sure=do == "look")
    try:
        with asked.done_once():
            revision = await asked.api.synthesis.sign(review, _signed(asked))
    except (Invalid, Conflict) as error:
        return await _signing(asked, error)
    return Go(drawing.url("reviews", review, "findings", str(revision.content.number)))


@pages.page(_AT + "/proposals", allowed=("scripts",))
async def show_proposals(asked: Asked) -> Drawn:
    """What the evidence suggested to do with CMOCs, and what became of it."""
    review, api = asked.path["review"], asked.api.synthesis
    state: Any = None if asked.query.get("which") == "all" else "open"
    try:
        sheet, me, called = await asyncio.gather(
            asked.sheet(api.proposals(review, state)), asked.api.people.me(), called_in(asked, review)
        )
    except NotFound:
        return await without_protocol(asked)
    given = {
        "review": review, "sheet": sheet, "every": state is None, "called": called, "query": asked.query,
        "leads": has_role(me, "lead", review),
    }  # fmt: skip
    return Page("proposals.html", given)


@pages.page(_AT + "/proposals/{proposal}", allowed=("scripts",))
async def show_proposal(asked: Asked) -> Drawn:
    """One of them, with the evidence that speaks for it."""
    return await _proposal(asked)


@pages.form(_AT + "/proposals/{proposal}/decline", allowed=("scripts",))
async def decline_proposal(asked: Asked) -> Drawn:
    """Says why it is not done."""
    review, proposal = asked.path["review"], asked.path["proposal"]
    try:
        with asked.done_once():
            await asked.api.synthesis.decline(review, proposal, asked.text("why"))
    except (Invalid, Conflict) as error:
        return await _proposal(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "proposals", done="declined"))


@pages.page(_AT + "/judgements", allowed=("scripts",))
async def show_judgements(asked: Asked) -> Drawn:
    """The CMOCs that are to be judged anew, each with why."""
    return await _judgements(asked)


@pages.form(_AT + "/judgements/{rejudgement}/close", allowed=("scripts",))
async def judge_anew(asked: Asked) -> Drawn:
    """Says how a CMOC was judged anew."""
    review, rejudgement = asked.path["review"], asked.path["rejudgement"]
    try:
        with asked.done_once():
            await asked.api.synthesis.close_rejudgement(review, rejudgement, asked.text("how"))
    except (Invalid, Conflict) as error:
        return await _judgements(asked, error)
    return Go(drawing.url("reviews", review, "synthesis", "judgements", done="judged"))


@pages.page(_AT + "/cmocs/{cmoc}", allowed=("scripts",))
async def show_cmoc(asked: Asked) -> Drawn:
    """A CMOC: its words, why its status is what it is, what each of its parts rests on, and where it comes from."""
    review, cmoc, api = asked.path["review"], asked.path["cmoc"], asked.api.synthesis
    element, stance, study = _one_of(asked, "element", Element), _one_of(asked, "stance", Stance), _study(asked)
    found, kin, sheet, judged, called = await asyncio.gather(
        api.cmoc(review, cmoc), api.kin(review, cmoc),
        asked.sheet(api.evidence(review, cmoc=cmoc, element=element, study=study, stance=stance)),
        asked.first(api.confidence(review, cmoc, newest_first=True), 1), called_in(asked, review),
    )  # fmt: skip

    def element_at(part: Element) -> str:
        return drawing.url("reviews", review, "synthesis", "cmocs", cmoc, element=part) + "#evidence"

    given = {
        "review": review, "about": found.about, "kin": kin, "cmoc": found.drafted,
        "studies": titles_of(found.studies), "sheet": sheet, "called": called, "naming": naming, "element": element,
        "elements": get_args(Element), "judged": judged, "query": asked.query, "stance": stance, "study": study,
        "diagram": diagrams.of_cmoc(found.drafted, element_at) if found.drafted else None,
    }  # fmt: skip
    return Page("cmoc.html", given)


@pages.page(_AT + "/cmocs/{cmoc}/history", allowed=("scripts",))
async def show_cmoc_history(asked: Asked) -> Drawn:
    """What happened to a CMOC, oldest first."""
    review, cmoc, api = asked.path["review"], asked.path["cmoc"], asked.api.synthesis
    sheet, judged, called = await asyncio.gather(
        asked.sheet(api.history(review, cmoc)),
        asked.first(api.confidence(review, cmoc, newest_first=True), _JUDGEMENTS), called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "cmoc": cmoc, "sheet": sheet, "judged": judged, "called": called, "query": asked.query,
    }  # fmt: skip
    return Page("cmoc-history.html", given)


def _one_of(asked: Asked, name: str, known: Any) -> Any:
    """What the address asks for by this name, where there is such a thing."""
    return asked.query.get(name) if asked.query.get(name) in get_args(known) else None


def _study(asked: Asked) -> str | None:
    """The study of which alone somebody wants to see the evidence."""
    return asked.query.get("study", "")[:_LONGEST_ID] or None


async def _signing(asked: Asked, error: LivingError | None = None, sure: bool = False) -> Drawn:
    """The form, or the same to be looked at once more. Where the draft is not the one that was seen, what arrived."""
    review, api = asked.path["review"], asked.api.synthesis
    try:
        draft, standing, status, me, called = await asyncio.gather(
            api.draft(review), api.standing(review), api.status(review), asked.api.people.me(),
            called_in(asked, review),
        )  # fmt: skip
    except NotFound as missing:
        return await without_draft(asked, missing)
    seen = asked.text("draft")
    stale = bool(seen) and seen != draft.draft
    searches = overdue(draft)
    given = {
        "review": review, "draft": draft, "standing": standing, "status": status, "parts": parts(draft.changes),
        "marks": marks_of(draft.changes), "overdue": searches, "reasons": reasons_of(asked, searches),
        "written": bool(asked.form),
        "stale": stale, "arrived": _arrived(asked, draft) if stale else None,
        "sure": sure and not stale and draft.settled, "summary": asked.text("summary"),
        "despite": asked.text("despite"), "called": called,
        "drill": asked.text("drill") == "yes" or draft.drill,
        "leads": has_role(me, "lead", review), "errors": _errors(asked, error, stale),
    }  # fmt: skip
    return Page("sign.html", given, 409 if stale else 422 if error is not None else 200)


def _arrived(asked: Asked, draft: DraftView) -> dict[str, Any]:
    found = arrived(draft, asked.text("seen"))
    return {"parts": parts(found.came), "went": found.went}


def _errors(asked: Asked, error: LivingError | None, stale: bool) -> list[dict[str, str]]:
    """What is wrong, by field; that something arrived meanwhile is said at length beside the form."""
    if isinstance(error, Conflict) and (stale or error.slug == "not_settled"):
        return []
    named = {f"without[{at}].reason": name for at, name in enumerate(_left_out(asked))}
    return [{"at": named.get(one["at"], one["at"]), "why": one["why"]} for one in errors_of(error)]


def _left_out(asked: Asked) -> list[str]:
    """The fields that say why a search is left out."""
    return [name for name in asked.form if name.startswith("without.")]


def _signed(asked: Asked) -> dict[str, Any]:
    """What the form says."""
    without = [{"strategy": name.removeprefix("without."), "reason": asked.text(name)} for name in _left_out(asked)]
    despite: dict[str, Any] = {"despite": why} if (why := asked.text("despite")) else {}
    if (seen := asked.text("open_comments")).isascii() and seen.isdigit():
        despite["open_comments"] = int(seen)
    return {
        "fragments_sha256": asked.text("fragments"), "draft": asked.text("draft"), "summary": asked.text("summary"),
        "drill": asked.text("drill") == "yes", "without": without, **despite,
    }  # fmt: skip


async def _proposal(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, proposal, api = asked.path["review"], asked.path["proposal"], asked.api.synthesis
    one, sheet, cmocs, me, called = await asyncio.gather(
        api.proposal(review, proposal), asked.sheet(api.evidence(review, proposal=proposal)), api.cmocs(review),
        asked.api.people.me(), called_in(asked, review),
    )  # fmt: skip
    given = {
        "review": review, "one": one, "sheet": sheet, "cmocs": [it for it in cmocs if it.cmoc in one.cmocs],
        "called": called, "naming": naming, "leads": has_role(me, "lead", review), "errors": errors_of(error),
        "query": asked.query, "why": asked.text("why"),
    }  # fmt: skip
    return Page("proposal.html", given, 200 if error is None else 422)


async def _judgements(asked: Asked, error: LivingError | None = None) -> Drawn:
    review, api = asked.path["review"], asked.api.synthesis
    state = None if asked.query.get("which") == "all" else "open"
    try:
        sheet, cmocs, me, called = await asyncio.gather(
            asked.sheet(api.rejudgements(review, state)), api.cmocs(review), asked.api.people.me(),
            called_in(asked, review),
        )  # fmt: skip
    except NotFound:
        return await without_protocol(asked)
    given = {
        "review": review, "sheet": sheet, "cmocs": {it.cmoc: it for it in cmocs}, "called": called,
        "decides": has_role(me, "adjudicator", review), "every": state is None, "errors": errors_of(error),
        "which": asked.path.get("rejudgement", ""), "how": asked.text("how"), "query": asked.query,
    }  # fmt: skip
    return Page("judgements.html", given, 200 if error is None else 422)
