"""Revisions: a named person signs the draft, and it is frozen for good."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, date
from io import BytesIO

from services.synthesis import store
from services.synthesis.commands import comments, drafts
from services.synthesis.domain.cadence import RETIRED, next_due, searched_through
from services.synthesis.domain.changes import cut, shortened, words_of
from services.synthesis.domain.matrix import LARGEST, sha256_of, written
from services.synthesis.domain.revisions import content_of, freeze, head_of, number_of, parsed, read, revision_id
from services.synthesis.domain.triggers import REPORT_NOTICED
from services.synthesis.domain.verifying import Signed, claims_of, exported, verify
from services.synthesis.models import DraftRow, MatrixRow, ReviewRow, RevisionRow
from services.synthesis.ports import crates
from services.synthesis.views import withdrawn_of, withdrawn_view
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.synthesis import NoticedReport, NotSearched, RevisionPublished
from shared.keys.ring import named_key
from shared.wire.synthesis import (
    EvidenceMoved,
    ExportedRevision,
    LeftOut,
    RevisionContent,
    RevisionView,
    SignDraft,
    Statement,
    TheoryText,
    TriggerView,
    Verified,
)

#: How many reports of which something was said the event names; it says how many more there are.
_MOST_NOTICED = 100

#: How many later ones that were withdrawn a revision names.
_MOST_LATER = 20

#: How many causes the event names itself. All stand in the revision and in the journal (`cause`).
_MOST_CAUSES = 1000


def sign_draft(work: Work, review_id: str, seen: SignDraft) -> RevisionView:
    """Publishes the draft that the signer saw as the review's next revision; "no change" is signed too.

    Raises Conflict while something that arrived is not taken in, when the draft is not the one seen, past a search by
    hand that is overdue and not left out, past open comments without a word on why or that the signer did not see, and
    for a review that is retired; Unavailable when a key was rotated since this work began, which then tries again.
    """
    review = store.review_to_change(work, review_id, alone=True)
    if review.course == RETIRED:
        raise Conflict(f"review {review_id!r} is retired: have it go on before you publish", slug="retired")
    draft = _draft_as_seen(work, review, seen)
    left_out = _left_out(work, review, seen.without)
    open_comments = [comment for comment, _ in store.open_comments(work, review_id)]
    comments.sign_despite(work, review_id, review.cycle, open_comments, seen)
    causes = store.causes_of_open_cycle(work, review_id)
    matrix = written(store.matrix(work, review_id))
    content = _content(work, review, draft, seen, causes, left_out, matrix)
    row = _freeze(work, content, causes, matrix, _drilled(work, draft, content))
    store.close_cycle(work, review_id, content.number)
    _begin_next_cycle(work, review, draft, content.number)
    work.session.flush()
    return view_of(work, row)


def verified(work: Work, review: str, number: int) -> Verified:
    """Checks a stored revision against its hash, its signature, and the ring's keys with their dates; and that the
    links it rests on are kept as they were signed."""
    row = store.revision(work, review, number)
    found = verify(_signed(row), work.ring.current(), revision=revision_id(review, number), head=row.head)
    found.withdrawn = withdrawn_view(work, review, number)
    if found.holds and found.readable:
        signed, kept = content_of(row.content).matrix_sha256, store.matrix_of(work, review, number)
        if signed is not None and unpacked(kept, signed) is None:
            return found.model_copy(update={"holds": False, "faults": ["its matrix is missing, or is another"]})
    return found


def export(work: Work, review: str, number: int) -> ExportedRevision:
    """A stored revision as a file, also one that does not hold: whoever verifies it finds out."""
    found = exported(revision_id(review, number), _signed(store.revision(work, review, number)), work.ring.current())
    found.withdrawn = withdrawn_view(work, review, number)
    return found


def crate(work: Work, review: str, number: int, doi: str | None = None) -> Callable[[], bytes]:
    """What makes a package of a stored revision that is verified without this platform
    (`services.synthesis.ports.crates`), once this work is over: it takes seconds. It is cited by its DOI, or by the one
    that it is about to have."""
    doi = doi or doi_of(work, review, number)
    found, kept = export(work, review, number), store.matrix_of(work, review, number)

    def make() -> bytes:
        content = content_of(found.document)
        signed = content.matrix_sha256
        return crates.made(found, content, unpacked(kept, signed) if signed is not None else None, doi)

    return make


def doi_of(work: Work, review: str, number: int) -> str | None:
    """The DOI of a revision, where it was deposited."""
    found = store.dois_of(work, review, number)
    return found[0] if found is not None else None


def unpacked(kept: bytes | None, sha256: str) -> str | None:
    """A matrix as it was signed; None where it is none any more, which whoever verifies a revision finds out."""
    try:
        with gzip.open(BytesIO(kept or b"")) as packed:
            text = packed.read(LARGEST + 1).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None
    return text if sha256_of(text) == sha256 else None


def view_of(work: Work, row: RevisionRow) -> RevisionView:
    schema, content = read(row.content)
    doi, concept_doi = store.dois_of(work, row.review, row.number) or (None, None)
    later = store.withdrawn_after(work, row.review, row.number, _MOST_LATER)
    return RevisionView(
        preceding_number=number_of(row.review, content.preceding, row.number),
        withdrawn=withdrawn_view(work, row.review, row.number), later_withdrawn=[withdrawn_of(it) for it in later],
        content=content, document_schema=schema, content_sha256=row.content_sha256, signature=row.signature,
        kid=named_key(row.signature), event=row.event_id, doi=doi, concept_doi=concept_doi,
    )  # fmt: skip


def _signed(row: RevisionRow) -> Signed:
    return Signed(row.content, row.content_sha256, row.signature)


def _draft_as_seen(work: Work, review: ReviewRow, seen: SignDraft) -> DraftRow:
    draft = store.draft(work, review.review)
    if draft is None or not store.settled(work, review.review):
        raise Conflict(
            f"the draft of {review.review!r} is not settled: something arrived that it has not taken in yet; "
            "look again in a moment",
            slug="not_settled",
        )
    if draft.fragments_sha256 != seen.fragments_sha256 or seen.draft != draft.draft:
        raise Conflict(
            f"the draft of {review.review!r} is not the one you saw: read it again before you sign", slug="stale_draft"
        )
    return draft


def _left_out(work: Work, review: ReviewRow, without: list[LeftOut]) -> list[NotSearched]:
    """The searches by hand that a revision goes without: all that are overdue, and those alone. Raises Conflict."""
    today = work.now.astimezone(UTC).date()
    strategies = store.manual_strategies(work, review.review, review.protocol_version)
    overdue = {it.strategy: it for it in strategies if it.standing(today) == "overdue"}
    reasons = {it.strategy: it.reason for it in without}
    if unsaid := [it for name, it in overdue.items() if name not in reasons]:
        named = "; ".join(f"{it.strategy} ({it.database}, due on {it.due})" for it in unsaid)
        raise Conflict(
            f"searches by hand are overdue: {named}. Bring what they found, sign that nothing is new, or leave each "
            "out with a reason",
            slug="searches_overdue",
            errors=[{"at": f"without.{it.strategy}", "why": f"{it.database} was due on {it.due}"} for it in unsaid],
        )
    if needless := [name for name in reasons if name not in overdue]:
        raise Conflict(
            f"{needless[0]!r} is no search by hand that is overdue: there is nothing to leave out", slug="not_overdue"
        )
    return [
        NotSearched(strategy=name, database=it.database, due=it.due, reason=reasons[name])
        for name, it in overdue.items()
    ]


def _content(
    work: Work,
    review: ReviewRow,
    draft: DraftRow,
    seen: SignDraft,
    causes: list[str],
    left_out: list[NotSearched],
    matrix: str,
) -> RevisionContent:
    said, changes = store.drafted(work, draft)
    newest = store.newest_number(work, review.review)
    return RevisionContent(
        revision=revision_id(review.review, review.cycle),
        review=review.review,
        number=review.cycle,
        cycle=review.cycle,
        title=review.title,
        change_class=draft.change_class,
        summary=seen.summary,
        preceding=revision_id(review.review, newest) if newest is not None else None,
        fragments_sha256=draft.fragments_sha256,
        signed_by=work.actor,
        signed_at=work.now,
        drill=seen.drill or (draft.drill and not store.is_in_earnest(work, review.review)),
        protocol_version=review.protocol_version,
        protocol_sha256=review.protocol_sha256,
        searched_through=searched_through(store.watches(work, review.review)),
        theories=[TheoryText(**theory) for theory in draft.theories],
        cmocs=said,
        drills=draft.drills,
        counts=store.counts(work, review.review),
        evidence=EvidenceMoved(added=draft.added, withdrawn=draft.withdrawn),
        changes=changes,
        triggers=[
            TriggerView(**trigger.model_dump())
            for trigger in store.triggers_of_cycle(work, review.review, review.cycle)
        ],
        because=causes,
        not_searched=left_out,
        gone=store.gone(work, review.review),
        matrix_sha256=sha256_of(matrix),
    )


def _drilled(work: Work, draft: DraftRow, content: RevisionContent) -> list[str]:
    """The CMOCs that exercises are about which are in force, were so at the revision before, or came and went since."""
    if content.drill:
        return []
    came = {it.subject for it in content.triggers if it.rule == REPORT_NOTICED and it.drill}
    return store.cmocs_of_notices(work, content.review, {*draft.drills, *draft.published_drills, *came})


def _freeze(work: Work, content: RevisionContent, causes: list[str], matrix: str, drilled: list[str]) -> RevisionRow:
    frozen, content_sha256 = freeze(content)
    document = parsed(frozen)
    claims = claims_of(document, content_sha256)
    # A rotation takes its instant before or after this, so that the key that signs holds at the revision's date.
    with work.ring.unchanged():
        signature = work.ring.sign("revisions", claims, at=content.signed_at)
    notices = _notices(content)
    event = RevisionPublished(
        not_searched=content.not_searched,
        **content.model_dump(include=set(RevisionPublished.model_fields) - {"changes", "because", "not_searched"}),
        states=content.body.states,
        changes=(changes := shortened(content.changes)),
        noticed=_noticed(work, content.review, notices[:_MOST_NOTICED]),
        noticed_more=len(notices[_MOST_NOTICED:]),
        drilled=drilled,
        words=words_of([*content.cmocs, *_gone_ones(work, content)], content.theories, changes),
        content_sha256=content_sha256,
        signature=signature,
        because=causes[:_MOST_CAUSES],
    )
    with work.following(content.revision, None):
        event_id = work.emit(event, because=causes)
    work.note("revision signed", review=content.review, number=content.number, by=work.actor)
    kept = gzip.compress(matrix.encode(), mtime=0)
    work.add(MatrixRow(review=content.review, number=content.number, csv_gz=kept))
    return work.add(
        RevisionRow(
            review=content.review, number=content.number, head=head_of(document), content=frozen,
            content_sha256=content_sha256, signature=signature, event_id=event_id,
        )
    )  # fmt: skip


def _gone_ones(work: Work, content: RevisionContent) -> list[Statement]:
    """What the revision before said of those CMOCs that changed and are stated no more."""
    gone = {change.cmoc for change in content.changes} - {it.cmoc for it in content.cmocs} - {""}
    rows = store.statements(work, content.review, gone) if gone else []
    return [statement for row in rows if (statement := row.published_statement) is not None]


def _notices(content: RevisionContent) -> list[str]:
    """The notices of this cycle: first those that are no exercise, so that none of them is left out for one."""
    fired = [it for it in content.triggers if it.rule == REPORT_NOTICED]
    return [it.subject for it in sorted(fired, key=lambda it: it.drill)]


def _noticed(work: Work, review: str, notices: list[str]) -> list[NoticedReport]:
    """The reports of which something was said by these notices, by name."""
    return [
        NoticedReport(record=notice.record, title=cut(title) if title else None, kind=notice.kind, drill=notice.drill)
        for notice, title in store.noticed(work, review, notices)
    ]


def _begin_next_cycle(work: Work, review: ReviewRow, draft: DraftRow, number: int) -> None:
    today: date = work.now.date()
    review.revisions, review.last_published = number, today
    review.next_due = next_due(review.started_on, today, review.publish_every_days)
    drafts.publish(work, review, draft)
