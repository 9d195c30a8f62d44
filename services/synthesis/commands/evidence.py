"""Evidence: ties fragments of included reports to CMOCs, once however often it is sent, and takes them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.synthesis import store
from services.synthesis.commands import extraction
from services.synthesis.commands.history import Happening, log_triggers, mark_due, tell_theories
from services.synthesis.domain.extraction import ExtractionStates, HeldStates
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.triggers import FIRST_EVIDENCE, Fired
from services.synthesis.models import AppraisalRow, ExtractionRow, FragmentRow, LinkRow, ReportRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import EvidenceLinked, LinkAppraised, LinkMade, ProposedBy, QuoteMade
from shared.ids import id_of
from shared.receipts import Receipt, opened_receipt
from shared.tokens import Person
from shared.wire.synthesis import (
    EvidenceGiven,
    EvidenceTaken,
    FragmentGiven,
    LinkGiven,
    LinkTaken,
    NewAppraisal,
    Withdrawn,
)


@dataclass(frozen=True)
class _Coding:
    """A fragment and its links as they were sent, with the ids that this content always has."""

    fragment: str
    given: EvidenceGiven
    links: dict[str, LinkGiven]
    receipt: Receipt | None
    extraction: ExtractionRow | None


def link_evidence(
    work: Work, review: str, evidence: Sequence[EvidenceGiven], *, at: str = "evidence[{}]."
) -> list[EvidenceTaken]:
    """Keeps fragments and their links; what stands already changes nothing, all are taken or none.

    `at` spells the place of the n-th of them in what was sent, for errors.

    Raises Invalid for CMOCs the review never had, NotFound and Conflict for records that are not included,
    and Conflict where a link stands with another inference, or two others code the report.
    """
    cmocs = _known_cmocs(work, review, evidence, at)
    records = sorted({one.record for one in evidence})
    if len(records) > 1:
        store.hold_studies(work, review, alone=False)
    reports = {record: _included(work, review, record) for record in records}
    receipts = [_receipt(work, review, one, reports[one.record], at.format(n)) for n, one in enumerate(evidence)]
    extractions = {record: extraction.asked_of(work, reports[record]) for record in records}
    codings = [
        _coding(review, reports[one.record].record, one, work.actor, receipt, extractions[one.record])
        for one, receipt in zip(evidence, receipts, strict=True)
    ]
    fragments = store.fragments_by_id(work, {coding.fragment for coding in codings})
    links = store.links_by_id(work, {link for coding in codings for link in coding.links})
    moving = [fragments[it.fragment] for it in codings if _is_of_another(it, fragments)]
    left = {(it.extraction, it.record) for it in moving if it.extraction is not None}
    counting = store.fragments_that_count(work, {it.id for it in moving})
    for coding in codings:
        _require_movable(coding, fragments, links, counting)
    _require_few_links(work, codings, fragments, links)
    taken = [_take(work, coding, reports[coding.given.record], cmocs, fragments, links) for coding in codings]
    for row in {it.id: it for it in extractions.values() if it is not None}.values():
        extraction.settle(work, row)
    for name, record in sorted(left):
        row = store.extraction(work, review, name)
        # Locked already where it is of the same record; of another one it never weighed what was coded here.
        if row.record == record and row.state != ExtractionStates.WITHDRAWN:
            extraction.settle(work, row)
    return taken


def appraise(work: Work, review: str, link: str, judged: NewAppraisal) -> AppraisalRow:
    """Keeps what somebody judged of a link, which holds from now on; the same as the last changes nothing.

    Raises NotFound, and Conflict for a link that was withdrawn, or is held back.
    """
    store.link(work, review, link)
    row, fragment = store.link_to_change(work, review, link)
    if row.withdrawn_at is not None:
        raise Conflict(f"link {link!r} was withdrawn by {row.withdrawn_by}: {row.withdrawn_why}", slug="link_withdrawn")
    if row.held is not None:
        why = "it counts once the coders of its report have finished and agree, or somebody decided"
        raise Conflict(f"link {link!r} is held back: {why}", slug="held_back")
    last = store.last_appraisal(work, review, link)
    # What is coded again is as its coder says then, whatever was judged of it before.
    same = (judged.credibility, judged.why, work.actor)
    if last is not None and row.credibility == judged.credibility and (last.credibility, last.why, last.by) == same:
        return last
    record, report = store.surviving(work, review, fragment.record)
    event = LinkAppraised(
        review=review, record=record, fragment=fragment.id, link=link, cmoc=row.cmoc, credibility=judged.credibility,
        before=row.credibility, why=judged.why, by=work.actor,
    )  # fmt: skip
    with work.following(report.correlation if report else work.correlation, row.event_id):
        event_id = work.emit(event)
    row.credibility = judged.credibility
    mark_due(work, review, event_id, [row.cmoc])
    return work.add(
        AppraisalRow(
            review=review, link=link, credibility=judged.credibility, why=judged.why, by=work.actor, at=work.now,
            event_id=event_id,
        )
    )  # fmt: skip


def withdraw_evidence(work: Work, review: str, fragment: str, link: str | None, why: str, by: Person) -> Withdrawn:
    """Takes back a fragment's links, or one of them; they stay in the history.

    Raises NotFound, and Forbidden for anybody but its coder or a lead.
    """
    row = store.fragment(work, review, fragment)
    within = extraction.in_front_of(work, row)
    if row.coder != by.id and not store.is_shown(work, row.id):
        raise store.no_fragment(review, fragment)
    if row.coder != by.id and not by.has("lead"):
        raise Forbidden(f"fragment {fragment!r} was coded by {row.coder}: only they or a lead may withdraw it")
    mine = row.coder == by.id
    # Beside one that is shown there may be one that its coder alone knows of.
    known = [one for one in store.standing_links(work, fragment) if mine or one.held != HeldStates.CODING]
    links = [one for one in known if link in (None, one.id)]
    for one in links:
        one.withdrawn_at, one.withdrawn_by, one.withdrawn_why = work.now, by.id, why
        one.asked_version = None
    _tell_withdrawn(work, review, row, [one for one in links if one.held is None], why)
    if within is not None and within.state != ExtractionStates.WITHDRAWN:
        extraction.settle(work, within)
    return Withdrawn(fragment=fragment, links=[one.id for one in links])


def _known_cmocs(work: Work, review: str, evidence: Sequence[EvidenceGiven], spelled: str) -> dict[str, bool]:
    store.review(work, review)
    cmocs = store.known_cmocs(work, review, {link.cmoc for one in evidence for link in one.links})
    errors = [
        {"at": f"{spelled.format(index)}links[{at}].cmoc", "why": f"review {review!r} has no CMOC {link.cmoc!r}"}
        for index, one in enumerate(evidence)
        for at, link in enumerate(one.links)
        if link.cmoc not in cmocs
    ]
    if errors:
        raise Invalid(f"{errors[0]['at']}: {errors[0]['why']}", errors, slug="unknown_cmoc")
    return cmocs


def _included(work: Work, review: str, record: str) -> ReportRow:
    """The report that speaks for a record, locked so that a notice about it sees this evidence or waits."""
    name, report = store.surviving(work, review, record)
    if report is None:
        raise NotFound(
            f"synthesis knows no included record {record!r} in review {review!r}; one that was just included "
            "arrives in seconds",
            slug="unknown_record",
        )
    if report.state != ReportStates.INCLUDED:
        raise Conflict(f"record {name!r} is not included ({report.state}): evidence needs an included record")
    return report


def _receipt(work: Work, review: str, given: EvidenceGiven, report: ReportRow, at: str) -> Receipt | None:
    """What the receipt of a quote says. Raises Invalid for one that is of something else than this record's report."""
    if given.fragment.receipt is None:
        return None
    try:
        receipt = opened_receipt(work.ring.current(), given.fragment.receipt)
    except Invalid as error:
        raise Invalid.of(f"{at}fragment.receipt", error.errors[0]["why"] if error.errors else error.detail) from error
    if receipt.review != review or store.name_of_surviving(work, review, receipt.record) != report.record:
        why = f"is of a quote of record {receipt.record!r} of review {receipt.review!r}, and not of {given.record!r}"
        raise Invalid.of(f"{at}fragment.receipt", why, slug="receipt_of_another")
    if (lost := store.lost_anchor(work, review, receipt.anchor)) is not None:
        raise Invalid.of(f"{at}fragment.receipt", f"no copy says this any more: {lost}", slug="quote_lost")
    return receipt


def _coding(
    review: str, record: str, given: EvidenceGiven, coder: str, receipt: Receipt | None, within: ExtractionRow | None
) -> _Coding:
    fragment = _fragment_id(review, record, given.fragment, coder, receipt)
    links = {id_of("link", fragment, one.cmoc, one.element, one.stance): one for one in given.links}
    return _Coding(fragment, given, links, receipt, within)


def _fragment_id(review: str, record: str, given: FragmentGiven, coder: str, receipt: Receipt | None) -> str:
    """Made of the content; of a quote by its anchor, whose receipt is another one each time."""
    content = given.model_dump(exclude={"receipt"}) | ({"anchor": receipt.anchor} if receipt is not None else {})
    return id_of("frag", sha256([review, record, coder, content]))


def _located(given: FragmentGiven, receipt: Receipt | None) -> dict[str, Any]:
    """What is kept of a fragment: of a quote that was found, what its receipt says; never the words of a closed copy,
    however few a lead lets be shown today."""
    said = given.model_dump(exclude={"receipt"})
    if receipt is None:
        return said
    return said | {
        "locator": receipt.locator, "quote": None if receipt.closed else receipt.exact, "anchor": receipt.anchor,
        "text_copy": receipt.text, "parse_sha256": receipt.parse_sha256, "begins": receipt.start, "ends": receipt.end,
        "page": receipt.page, "quote_sha256": receipt.quote_sha256, "salt": receipt.salt,
        "proposed_by": None if (by := _proposed_by(receipt)) is None else by.model_dump(),
    }  # fmt: skip


def _proposed_by(receipt: Receipt | None) -> ProposedBy | None:
    if receipt is None or receipt.proposer is None or receipt.proposer_version is None:
        return None
    return ProposedBy(proposer=receipt.proposer, version=receipt.proposer_version)


def _quote_of(receipt: Receipt | None) -> QuoteMade | None:
    return None if receipt is None else QuoteMade(**receipt.model_dump(include=set(QuoteMade.model_fields)))


def _take(
    work: Work,
    coding: _Coding,
    report: ReportRow,
    cmocs: Mapping[str, bool],
    fragments: dict[str, FragmentRow],
    links: dict[str, LinkRow],
) -> EvidenceTaken:
    if coding.fragment not in fragments:
        fragments[coding.fragment] = work.add(
            FragmentRow(
                id=coding.fragment, review=report.review, record=report.record, coded_on=report.record,
                coder=work.actor, coded_at=work.now,
                **_located(coding.given.fragment, coding.receipt),
            )
        )  # fmt: skip
    fresh = _fresh(coding, fragments, links)
    if fresh and (within := coding.extraction) is not None:
        # Told once it counts, and not before.
        fragments[coding.fragment].extraction = within.id
        for link, given in fresh.items():
            links[link] = _keep(work, links.get(link), link, coding.fragment, report.review, given, within.event_id)
            links[link].held = HeldStates.CODING  # Of two coders none counts before it is weighed.
    elif fresh:
        event_id = _tell_linked(work, coding, report, fresh)
        store.mark_undescribed(work, [coding.fragment])
        for link, given in fresh.items():
            links[link] = _keep(work, links.get(link), link, coding.fragment, report.review, given, event_id)
        _log_first_evidence(work, report.review, {given.cmoc for given in fresh.values()}, cmocs)
        mark_due(work, report.review, event_id, [given.cmoc for given in fresh.values()])
    return EvidenceTaken(
        record=report.record,
        study=report.study,
        fragment=coding.fragment,
        links=[LinkTaken(link=link, cmoc=given.cmoc, changed=link in fresh) for link, given in coding.links.items()],
        changed=bool(fresh),
        stands=report.stands,
    )


def _fresh(coding: _Coding, fragments: Mapping[str, FragmentRow], links: Mapping[str, LinkRow]) -> dict[str, LinkGiven]:
    """Those that are made by this. One that is held back in another extraction is made anew in this one."""
    moved = _is_of_another(coding, fragments)

    def is_fresh(link: str, given: LinkGiven) -> bool:
        known = links.get(link)
        return (moved and known is not None and known.held is not None) or _is_fresh(known, given)

    return {link: given for link, given in coding.links.items() if is_fresh(link, given)}


def _is_of_another(coding: _Coding, fragments: Mapping[str, FragmentRow]) -> bool:
    """Whether a fragment is known, and was not coded in the extraction in which it is coded now."""
    known = fragments.get(coding.fragment)
    return coding.extraction is not None and known is not None and known.extraction != coding.extraction.id


def _require_movable(
    coding: _Coding, fragments: Mapping[str, FragmentRow], links: Mapping[str, LinkRow], counting: Collection[str]
) -> None:
    """Raises Conflict for more links of a fragment of which some count already, and not by this extraction: they would
    count no more."""
    if coding.fragment in counting and _fresh(coding, fragments, links):
        raise Conflict(
            f"links of this fragment ({coding.fragment}) of record {coding.given.record!r} count already, from before "
            "its two coders were asked: withdraw them first, or say in other words what else it says",
            slug="coded_before",
        )


def _require_few_links(
    work: Work, codings: Sequence[_Coding], fragments: Mapping[str, FragmentRow], links: Mapping[str, LinkRow]
) -> None:
    """Raises Conflict for more new links than a coder makes of one report; what stands already is none."""
    fresh: dict[str, set[str]] = defaultdict(set)
    within = {it.extraction.id: it.extraction for it in codings if it.extraction is not None}
    for coding in codings:
        if coding.extraction is not None:
            fresh[coding.extraction.id].update(_fresh(coding, fragments, links))
    for name, made in fresh.items():
        if made:
            extraction.require_few_links(work, within[name], made)


def _is_fresh(known: LinkRow | None, given: LinkGiven) -> bool:
    if known is None or known.withdrawn_at is not None:
        return True
    if known.inference != given.inference:
        raise Conflict(
            f"this link to {given.cmoc!r} ({given.element}, {given.stance}) stands already, as {known.inference}: "
            "withdraw it before you code it anew",
            slug="coded_otherwise",
        )
    return False


def _tell_linked(work: Work, coding: _Coding, report: ReportRow, fresh: Mapping[str, LinkGiven]) -> str:
    """Tells the links as a step on the record's way, begun when it was found."""
    made = [LinkMade(link=link, **given.model_dump()) for link, given in fresh.items()]
    with work.following(report.correlation, report.caused_by):
        return work.emit(
            EvidenceLinked(
                review=report.review, record=report.record, study=report.study, fragment=coding.fragment,
                coder=work.actor, links=made, quote=_quote_of(coding.receipt),
                proposed_by=_proposed_by(coding.receipt),
            )
        )  # fmt: skip


def _keep(
    work: Work, known: LinkRow | None, link: str, fragment: str, review: str, given: LinkGiven, event_id: str
) -> LinkRow:
    """A new link, or one that was withdrawn and stands again."""
    if known is None:
        return work.add(
            LinkRow(
                id=link, review=review, fragment=fragment, cmoc=given.cmoc, element=given.element, stance=given.stance,
                inference=given.inference, rationale=given.rationale, credibility=given.credibility,
                event_id=event_id, linked_at=work.now,
            )
        )  # fmt: skip
    known.inference, known.rationale = given.inference, given.rationale
    known.credibility = given.credibility
    known.event_id, known.linked_at = event_id, work.now
    known.withdrawn_at = known.withdrawn_by = known.withdrawn_why = known.asked_version = known.held = None
    return work.add(known)


def _log_first_evidence(work: Work, review: str, linked: Collection[str], cmocs: Mapping[str, bool]) -> None:
    fired = [
        Fired(FIRST_EVIDENCE, cmoc, "the protocol set it aside, and evidence for it arrived")
        for cmoc in sorted(linked)
        if cmocs[cmoc]
    ]
    if fired:
        log_triggers(work, store.review(work, review), fired)


def _tell_withdrawn(work: Work, review: str, fragment: FragmentRow, links: Sequence[LinkRow], why: str) -> None:
    if not links:
        return
    _, report = store.surviving(work, review, fragment.record)
    for link in links:
        with work.following(report.correlation if report else work.correlation, link.event_id):
            happening = Happening(link.cmoc, "evidence_withdrawn", why, links=[link.id])
            [cause] = tell_theories(work, store.review(work, review), [happening])
            mark_due(work, review, cause, [link.cmoc])
