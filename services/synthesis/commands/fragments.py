"""Fragments: tells what each says now, so that what counts is found by its words, and no more."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.domain.reports import ReportStates
from services.synthesis.store import Described
from shared.db.work import Work
from shared.events.synthesis import FragmentDescribed, LinkSaid


def describe(work: Work, limit: int) -> bool:
    """Tells some of what was marked, each fragment once; answers whether there was anything."""
    marked = store.undescribed(work, limit)
    if not marked:
        return False
    for it in store.to_describe(work, {fragment for _, fragment in marked}):
        # Of what never counted nobody hears.
        if _counts(it) or it.fragment.described:
            it.fragment.described += 1
            _tell(work, it)
    store.forget_undescribed(work, [seq for seq, _ in marked])
    return True


def _counts(it: Described) -> bool:
    """Whether a fragment is one of the evidence: its report is in, and what its account's giver withdrew is not."""
    if it.report is None or it.report.state != ReportStates.INCLUDED:
        return False
    return bool(it.links) and not (it.erased and it.report.suspended_by is not None)


def _tell(work: Work, it: Described) -> None:
    fragment, counts = it.fragment, _counts(it)
    study = it.report.study if it.report is not None else fragment.record
    links = [
        LinkSaid(link=one.id, cmoc=one.cmoc, element=one.element, stance=one.stance, inference=one.inference)
        for one in it.links
    ]
    event = FragmentDescribed(
        review=fragment.review, fragment=fragment.id, revision=fragment.described, record=fragment.record,
        study=study, suspended=counts and it.report is not None and it.report.suspended,
        paraphrase=fragment.paraphrase if counts else None,
        # What nobody held against a copy may be words of one that is closed.
        quote=fragment.quote if counts and fragment.anchor is not None else None,
        locator=fragment.locator if counts else None, links=links if counts else [],
    )  # fmt: skip
    if it.report is None:
        work.emit(event)
        return
    with work.following(it.report.correlation, it.links[-1].event_id if it.links else it.report.caused_by):
        work.emit(event)
