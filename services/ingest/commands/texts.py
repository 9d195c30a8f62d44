"""Copies of reports: brought by people or found open, told, taken back, and carried along by mergers and splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.ingest import store
from services.ingest.commands.passages import forget_passages, move_passages
from services.ingest.commands.retrievals import live, settle
from services.ingest.commands.uploads import require_sent, unknown_file
from services.ingest.domain import kinds, licences
from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.identities import Merger, Split
from services.ingest.domain.texts import MOST_COPIES, PERSON
from services.ingest.models import SourceRecordRow, TextRow
from shared.blobs import names
from shared.blobs.packing import BlobMissing
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid
from shared.events.ingest import TextWithdrawn
from shared.ids import new_id
from shared.tokens import Person
from shared.wire.ingest import LARGEST_TEXT, LicenceClass, NewText, TextKind, TextReaders


def add_text(work: Work, blobs: Blobs, review: str, record: str, asked: NewText, person: Person) -> TextRow:
    """Keeps a file that they sent as a copy of a record's report. The same file again is the copy that is there or,
    where something else is said of it, stands for that one, which is taken back.

    Raises NotFound, Conflict for a record that is absorbed or has too many, Forbidden where others than leads let more
    people read than its licence does, or say something else of a copy that is not theirs, and Invalid for a file that
    is no text, a class that its licence does not bear out, and what would let more people or programs read of a
    restricted record than its reviewers."""
    require_sent(work, review, asked.file)
    # Before the review is locked, since a large file takes a second to be gone through; nothing of it is read before.
    size, kind = _looked_at(blobs, asked)
    store.lock_review(work, review)
    live(work, review, record)
    licence_class = _class(asked)
    members = store.members_of(work, [record])
    restricted = any(member.content.get("restricted") for member in members)
    if restricted and _is_withdrawn(work, review, members):
        raise Conflict(f"what was added of record {record!r} was withdrawn, and is gone for good", slug="was_withdrawn")
    if restricted and not licences.is_closed(licence_class):
        why = f"record {record!r} is restricted, so that no copy of it is {licence_class}: say closed"
        raise Invalid.of("licence_class", why)
    if restricted and asked.readers == licences.WIDEST:
        raise Invalid.of(
            "readers", f"record {record!r} is restricted, and so are its copies: reviewers or leads read them"
        )
    row = TextRow(
        id=new_id("text"), review=review, record=record, given_on=record, sha256=asked.file, size=size, kind=kind,
        name=asked.name, version=asked.version, source=PERSON, url=asked.url, licence=asked.licence,
        licence_class=licence_class, readers=_readers(asked.readers, licence_class, person), added_by=work.actor,
        added_at=work.now,
    )  # fmt: skip
    known = _same(store.texts_of(work, [record]), row.sha256)
    if known is None or not _says_otherwise(asked, row, known):
        return keep_text(work, blobs, row)
    if not _is_theirs(known, person):
        why = f"copy {known.id!r} is this very file, with another licence, version or other readers"
        raise Forbidden(f"{why}: whoever added it, or a lead, corrects that", slug="role_needed")
    _keep(work, blobs, row)
    move_passages(work, known, row)
    _take_back(work, known, f"something else is said of this file, as copy {row.id!r}")
    return row


def keep_text(work: Work, blobs: Blobs, row: TextRow) -> TextRow:
    """Keeps a copy and tells it, unless the record has the same one already, which is the answer then. The review is
    locked. Raises Conflict where the record has too many, and BlobMissing."""
    return _same(store.texts_of(work, [row.record]), row.sha256) or _keep(work, blobs, row)


def _same(copies: Sequence[TextRow], sha256: str) -> TextRow | None:
    """The copy that is of these bytes, if one stands."""
    return next((each for each in copies if each.sha256 == sha256 and each.withdrawn_at is None), None)


def _says_otherwise(asked: NewText, row: TextRow, known: TextRow) -> bool:
    """Whether something else is said of a copy than is known; what is left out says nothing, and a licence is what it
    lets people do, however it is spelled."""
    said = {
        "licence_class": asked.licence is not None or asked.licence_class is not None,
        "readers": asked.readers is not None,
        "version": asked.version != "unknown",
    }
    return any(getattr(row, name) != getattr(known, name) for name, is_said in said.items() if is_said)


def _keep(work: Work, blobs: Blobs, row: TextRow) -> TextRow:
    if (count := len(store.texts_of(work, [row.record]))) >= MOST_COPIES:
        raise Conflict(f"record {row.record!r} has {count} copies, which is the most it may", slug="copies_full")
    names.keep(work, blobs, row.sha256, by=user(row.id))
    work.add(row)
    store.have_parsed(work, row.id)
    settle(work, row.review, row.record, [row])
    return row


def withdraw_text(work: Work, review: str, text: str, reason: str, person: Person) -> TextRow:
    """Takes a copy back: its bytes are swept when nothing else uses them. One that was withdrawn stays so. Raises
    NotFound, and Forbidden for others than leads and whoever added it."""
    store.lock_review(work, review)
    row = store.text_of(work, review, text)
    if not _is_theirs(row, person):
        raise Forbidden("a copy is taken back by whoever added it, or by a lead", slug="role_needed")
    if row.withdrawn_at is None:
        _take_back(work, row, reason)
    return row


def withdraw_brought(work: Work, record: str, reason: str) -> None:
    """Takes back all copies of a record that people brought and that are not open, as when a consent is withdrawn. The
    review is locked."""
    for row in store.texts_of(work, [record]):
        if row.withdrawn_at is None and row.source == PERSON and licences.is_closed(row.licence_class):
            _take_back(work, row, reason)


def _is_theirs(row: TextRow, person: Person) -> bool:
    return row.added_by == person.id or person.has("lead")


def _take_back(work: Work, row: TextRow, reason: str) -> None:
    row.withdrawn_by, row.withdrawn_at, row.withdrawn_why = work.actor, work.now, reason
    names.let_go(work, row.sha256, by=user(row.id))
    forget_passages(work, row, reason)
    _tell_gone(work, row, row.record, reason)
    settle(work, row.review, row.record, [])


def follow(
    work: Work,
    review: str,
    moved: Mapping[str, Sequence[SourceKey]],
    mergers: Sequence[Merger],
    splits: Sequence[Split],
) -> None:
    """Has copies go with the source records that led to them, with records that are absorbed, and back with those that
    are parted; tells those that are new to a record, and those that it has no more."""
    if not (moved or mergers or splits):
        return
    going = _going(work, review, moved, mergers, splits)
    fresh: defaultdict[str, list[TextRow]] = defaultdict(list)
    left: dict[str, list[tuple[TextRow, str]]] = defaultdict(list)
    for row, record in going:
        left[row.record].append((row, record))
        row.record = record
        fresh[record].append(row)
    absorbed = {merger.absorbed for merger in mergers}
    for record, rows in sorted(left.items()):
        for row, other in rows:
            # Of an absorbed record nothing is told any more.
            if record not in absorbed and row.withdrawn_at is None:
                _tell_gone(work, row, record, f"it is a copy of record {other!r}")
    # One that is back may have lost its copies, or got others, while it was another's.
    for record in sorted({*fresh, *left, *(split.record for split in splits)} - absorbed):
        settle(work, review, record, fresh[record])
        if record not in fresh:
            store.wake_retrieval(work, record)


def user(text: str) -> str:
    """What uses the blob of a copy."""
    return f"{text}/text"


def _going(
    work: Work,
    review: str,
    moved: Mapping[str, Sequence[SourceKey]],
    mergers: Sequence[Merger],
    splits: Sequence[Split],
) -> list[tuple[TextRow, str]]:
    """The copies that are another record's now, each with which."""
    going: dict[str, tuple[TextRow, str]] = {}
    into = {merger.absorbed: merger.into for merger in mergers}
    for row in store.texts_of(work, sorted(into)):
        going[row.id] = row, into[row.record]
    for split in splits:
        own = {split.record, *split.brings}
        for row in store.texts_of(work, [split.out_of]):
            if row.given_on in own:
                going[row.id] = row, split.record
    for record, keys in moved.items():
        for source, ids in store.by_source(keys):
            for row in store.texts_carried_by(work, review, source, ids):
                going[row.id] = row, record
    return [(row, record) for row, record in going.values() if row.record != record]


def _tell_gone(work: Work, row: TextRow, record: str, reason: str) -> None:
    others = store.texts_of(work, [record])
    left = sum(each.withdrawn_at is None and each.id != row.id for each in others)
    with work.following(record, None):
        work.emit(
            TextWithdrawn(review=row.review, record=record, text=row.id, sha256=row.sha256, reason=reason, left=left)
        )


def _is_withdrawn(work: Work, review: str, members: Sequence[SourceRecordRow]) -> bool:
    additions = store.additions_of(work, review, [(member.source, member.source_id) for member in members])
    return any(row.withdrawn_at is not None for row in additions)


def _class(asked: NewText) -> LicenceClass:
    """What a licence lets people do, as it tells or somebody says. Raises Invalid where they say more than it does."""
    known = licences.class_of(asked.licence)
    if asked.licence_class is None or asked.licence_class == known:
        return known
    if known != licences.UNKNOWN and licences.is_opener(asked.licence_class, known):
        why = f"{asked.licence!r} is {known}, and no more than that can be said of it"
        raise Invalid.of("licence_class", why)
    return asked.licence_class


def _readers(asked: TextReaders | None, licence_class: LicenceClass, person: Person) -> TextReaders:
    usual = licences.readers_of(licence_class)
    if asked is not None and licences.is_wider(asked, usual) and not person.has("lead"):
        why = f"a copy that is {licence_class} is for {usual}; a lead alone lets {asked} read it"
        raise Forbidden(why, slug="role_needed")
    return asked or usual


def _looked_at(blobs: Blobs, asked: NewText) -> tuple[int, TextKind]:
    """How many bytes a file has, and of what kind it is. Raises NotFound, and Invalid for one that is no whole text."""
    try:
        size = blobs.size(asked.file)
        if size > LARGEST_TEXT:
            raise Invalid.of("file", f"it has {size} bytes, and {LARGEST_TEXT} are the most that a copy may have")
        head, end = bytearray(), b""
        for chunk in blobs.open(asked.file, size):
            head += chunk[: kinds.HEAD - len(head)]
            end = (end + chunk)[-kinds.END :]
        kind = kinds.kind_of(bytes(head))
        kinds.require_whole(kind, end)
    except kinds.NoText as error:
        raise Invalid.of("file", f"{asked.name!r} is {error}; PDF, JATS, HTML and plain text are taken") from None
    except BlobMissing:
        raise unknown_file(asked.file) from None
    return size, kind
