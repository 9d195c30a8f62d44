"""Drafts: takes in what arrived, CMOC by CMOC, and tells when the synthesis says something new."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from services.synthesis import store
from services.synthesis.commands.history import Happening, log_triggers, tell_theories
from services.synthesis.domain.changes import changes_of, changes_of_theories, greatest, moved
from services.synthesis.domain.revisions import revision_id
from services.synthesis.domain.states import PARTS, RULES, Stated, hash_of, standing_by_cmoc, statement_of
from services.synthesis.domain.triggers import Fired, fired
from services.synthesis.models import DraftRow, ReviewRow, StatementRow
from shared.canonical import sha256
from shared.db.work import Work
from shared.events.synthesis import Change, RevisionDrafted
from shared.ids import id_of
from shared.wire.synthesis import Statement, TheoryText

#: What a statement is made of, but its links.
_APART = {"links"}


def resynthesise(work: Work, review_id: str) -> None:
    """Takes in what arrived: computes each CMOC that it concerns from what stands, and keeps the result as the draft.

    Costs what these CMOCs have, whatever others have, in a fixed number of queries. What is published is only read.
    """
    review = store.review_to_change(work, review_id)
    arrivals = store.unheeded(work, review_id)
    draft = store.draft(work, review_id)
    by_other_rules = draft is not None and draft.rules != RULES
    if not arrivals and not by_other_rules:
        return
    drills = sorted(store.drills_in_force(work, review_id))
    drilled = bool(drills) or bool(draft and draft.drills)
    with work.following(revision_id(review_id, review.cycle), None):
        happened, triggered = _take_in(work, review, None if by_other_rules else concerned(arrivals))
        tell_theories(work, review, happened, drill=drilled)
        log_triggers(work, review, triggered, drill=bool(drills) or bool(draft and draft.published_drills))
        made = _keep(work, review, draft, drills)
        if made is not None:
            states = store.states(work, review_id)
            event = RevisionDrafted(review=review_id, draft=made.draft, change_class=made.change_class, states=states)
            work.emit(event, because=[it.cause for it in arrivals])
    store.heed(work, [it.seq for it in arrivals], work.now)


def concerned(arrivals: Sequence[store.Arrival]) -> set[str] | None:
    """The CMOCs that something arrived for; None for all."""
    found: set[str] = set()
    for it in arrivals:
        if it.cmocs is None:
            return None
        found.update(it.cmocs)
    return found


def publish(work: Work, review: ReviewRow, draft: DraftRow) -> None:
    """What was drafted is what is published, from now on."""
    store.publish_statements(work, review.review)
    draft.published_theories, draft.published_drills = draft.theories, draft.drills
    _keep(work, review, draft, draft.drills)


def statements(work: Work, review: str) -> list[Statement]:
    """What the synthesis says of every CMOC, in the protocol's order."""
    rows = store.statements(work, review)
    return [said for row in rows if (said := _statement(row.said, row.links)) is not None]


def changes(work: Work, draft: DraftRow) -> list[Change]:
    """How a draft differs from the newest revision: CMOC by CMOC in the protocol's order, then those that it has no
    more, then the theories."""
    rows = store.statements(work, draft.review)
    return [Change(**change) for it in [*rows, draft] for change in it.changes]


def _take_in(work: Work, review: ReviewRow, cmocs: Collection[str] | None) -> tuple[list[Happening], list[Fired]]:
    """Computes these CMOCs anew, or all; answers those whose status is another now, and the rules that fire."""
    name = review.review
    known = {row.cmoc: row for row in store.statements(work, name, cmocs)}
    wordings = store.wordings(work, name)
    places = {it.cmoc: at for at, it in enumerate(wordings) if cmocs is None or it.cmoc in cmocs}
    wanted = [it for it in wordings if it.cmoc in places]
    links = list(store.links_for_synthesis(work, name, None if cmocs is None else places))
    reports = store.reports_for_synthesis(work, name, None if cmocs is None else {it.record for it in links})
    standing, flagged = standing_by_cmoc(wanted, links, reports), store.flagged_cmocs(work, name)
    happened: list[Happening] = []
    triggered: list[Fired] = []
    for wording in wanted:
        now = statement_of(wording, standing[wording.cmoc], reports, wording.cmoc in flagged)
        row = known.pop(wording.cmoc, None)
        before = _statement(row.said, row.links) if row is not None else None
        published = _statement(row.published, row.published_links) if row is not None else None
        happened += _status(before, now.statement)
        triggered += fired(published, now.statement)
        _say(work, row, review, places[wording.cmoc], now, published)
    for gone in known.values():
        _unsay(work, gone)
    work.session.flush()
    return happened, triggered


def _say(
    work: Work, row: StatementRow | None, review: ReviewRow, position: int, now: Stated, published: Statement | None
) -> None:
    said = now.statement
    changes, evidence = changes_of(published, said), moved(published, said)
    content = said.model_dump(mode="json")
    values = {
        "position": position, "theory": said.theory, "status": said.status, "support": said.support,
        "flagged": said.flagged, "said": {name: it for name, it in content.items() if name not in _APART},
        "links": said.links, "links_sha256": now.links_sha256, "sha256": sha256(content),
        "changes": [change.model_dump(mode="json") for change in changes],
        "change_class": greatest(change.change_class for change in changes), "added": evidence.added,
        "withdrawn": evidence.withdrawn,
    }  # fmt: skip
    if row is None:
        work.add(StatementRow(review=review.review, cmoc=said.cmoc, **values))
    elif row.sha256 != values["sha256"] or row.position != position or row.changes != values["changes"]:
        row.sqlmodel_update(values)


def _unsay(work: Work, row: StatementRow) -> None:
    """The protocol has it no more. What a revision states of it stays until one does not."""
    published = _statement(row.published, row.published_links)
    if published is None:
        work.session.delete(row)
        return
    changes, evidence = changes_of(published, None), moved(published, None)
    row.said, row.links, row.links_sha256, row.sha256 = None, [], "", ""
    row.changes = [change.model_dump(mode="json") for change in changes]
    row.change_class = greatest(change.change_class for change in changes)
    row.added, row.withdrawn = evidence.added, evidence.withdrawn


def _keep(work: Work, review: ReviewRow, row: DraftRow | None, drills: list[str]) -> DraftRow | None:
    """Keeps what is said now as the draft of the next revision; None when it is the draft already.

    A draft's id is made of its content, so who saw it can say which one.
    """
    heads = store.statement_heads(work, review.review)
    said = [it for it in heads if it.sha256]
    draft = id_of(
        "draft", review.review, str(review.cycle),
        sha256({"theories": review.theories, "drills": drills, "cmocs": [[it.cmoc, it.sha256] for it in said]}),
    )  # fmt: skip
    if row is not None and row.draft == draft and row.rules == RULES:
        return None
    published_theories = [TheoryText(**theory) for theory in row.published_theories] if row is not None else []
    theories = [TheoryText(**theory) for theory in review.theories]
    changes = changes_of_theories(published_theories, theories) if review.revisions else []
    classes = [*(it.change_class for it in heads), *(change.change_class for change in changes)]
    published_drills = row.published_drills if row is not None else []
    now = DraftRow(
        review=review.review,
        draft=draft,
        number=review.cycle,
        change_class=greatest(classes) if review.revisions else "MAJOR",
        theories=review.theories,
        drills=drills,
        fragments_sha256=hash_of({it.cmoc: it.links_sha256 for it in said}),
        published_theories=row.published_theories if row is not None else [],
        published_drills=published_drills,
        changes=[change.model_dump(mode="json") for change in changes],
        added=sum(it.added for it in heads),
        withdrawn=sum(it.withdrawn for it in heads),
        drill=bool(drills) or bool(published_drills),
        rules=RULES,
        made_at=work.now,
    )
    return row.sqlmodel_update(now) if row else work.add(now)


def _statement(said: dict[str, object] | None, links: list[str]) -> Statement | None:
    return None if said is None else Statement.model_validate({**said, "links": links})


def _status(before: Statement | None, now: Statement) -> Iterator[Happening]:
    """That a status is another than when the synthesis last ran, with the links that moved."""
    was = before.status if before is not None else None
    if now.status != (was or "no_evidence"):
        moved_links = sorted(set(now.links) ^ set(before.links if before is not None else ()))
        yield Happening(now.cmoc, now.status, _reason(now), was, now.status, moved_links)


def _reason(statement: Statement) -> str:
    """Why a CMOC has its status, in figures."""
    elements = ", ".join(f"{part} {statement.elements[part]}" for part in PARTS)
    stances = ", ".join(f"{count} {stance}" for stance, count in statement.stances.items()) or "none"
    return f"support {statement.support}; links: {stances}; elements: {elements}"
