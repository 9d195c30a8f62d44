"""The tables of ingest."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Index, Table, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.ingest.domain.citations import KEYS
from services.ingest.domain.clusters import PairStates
from services.ingest.domain.proposing import ProposingStates
from services.ingest.domain.texts import AnchorStates, RetrievalStates
from services.ingest.domain.watching import (
    ExportStates,
    ImportStates,
    ReparseStates,
    RunStates,
    SearchStates,
    Standings,
    WatchStates,
)
from shared.db.types import Counter, Instant, Json
from shared.events.ingest import NoticeKind, RunCounts
from shared.events.synthesis import Element, Stance
from shared.wire.ingest import (
    AdditionKind,
    AnchorState,
    Availability,
    Dating,
    Direction,
    ExportFormat,
    ExportState,
    FoundBy,
    ImportState,
    LibraryFormat,
    LicenceClass,
    PairState,
    ProposalDecision,
    ProposingState,
    Purpose,
    ReparseState,
    RetrievalState,
    RulingKind,
    RunState,
    SearchMade,
    SearchState,
    Standing,
    TextKind,
    TextReaders,
    TextSource,
    TextVersion,
    Unparsed,
    WatchPurpose,
    WatchState,
)


def _where(condition: str) -> dict[str, Any]:
    """An index of some rows, on either database."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""

    if TYPE_CHECKING:  # SQLModel makes it, and does not declare it.
        __table__: ClassVar[Table]


class ReviewRow(Base, table=True):
    """What ingest knows of a review. Whoever changes the review's records locks this row first.

    `first_stage` is where what was never decided stands in screening, `stages` has the answers of each stage; neither
    is known of a protocol that an earlier release heard. `corrections` counts what people ever corrected: nobody looks
    for that where nothing was. `cmocs` are those that the protocol states, None where an earlier release heard it.
    `sought_from` are the stages from the first on that needs full texts, where the protocol marks any. `seeking` is the
    record up to which these are sought of those that were there before a version of the protocol, or an upgrade; None
    when all are. `keys` is the version of the keys that its source records are found by
    (domain.citations.KEYS), `keying` the place up to which they were made anew after an upgrade.
    """

    __tablename__ = "reviews"

    review: str = Field(primary_key=True)
    protocol_version: int
    search_from: date | None = None
    first_stage: str | None = None
    stages: dict[str, list[str]] | None = Field(default=None, sa_type=Json)
    sought_from: list[str] | None = Field(default=None, sa_type=Json)
    cmocs: list[dict[str, str]] | None = Field(default=None, sa_type=Json)
    corrections: int = 0
    seeking: str | None = None
    records: int = 0
    source_records: int = 0
    keys: int = KEYS
    keying: list[str] | None = Field(default=None, sa_type=Json)


class WatchRow(Base, table=True):
    """One strategy of a review, pulled again and again, or the changes of one source, or the citations that it knows;
    or the files that people bring of one database, or what they add that they found in one way, which is never due;
    or a strategy that people search by hand (`manual`), whose `database`, `owner` and `question`
    (shared.events.protocol) are set. A watch is never deleted.

    `asked_since` is the protocol version since which the question (source, query, first day) has been what
    it is; `searched_through` is the last day it has been searched through completely, None if never;
    `goes_on_from` is a run that stopped early and whose place in the source the next pull takes up.
    `walked_whole_at` is when the last complete walk over all of the protocol's dates began. `concepts` is the strategy
    that works are held against where the source could only be asked more widely. `accepted` is what a lead lets its
    runs lack (shared.wire.ingest.Acceptance). Of a manual one `due_emitted` is the `due_at` of which it was told last
    that it is due, `overdue_emitted` that it is past.
    """

    __tablename__ = "watches"
    __table_args__ = (
        Index("watches_strategy", "review", "strategy", unique=True),
        Index("watches_due", "state", "due_at"),
    )

    id: str = Field(primary_key=True)
    purpose: WatchPurpose = Field(default="search", sa_type=AutoString)
    review: str
    strategy: str
    source: str
    query: str
    every_days: int
    overlap_days: int
    whole_every_days: int
    protocol_version: int
    asked_since: int
    state: WatchState = Field(default=WatchStates.ACTIVE, sa_type=AutoString)
    due_at: datetime = Field(sa_type=Instant)
    searched_through: date | None = None
    walked_whole_at: datetime | None = Field(default=None, sa_type=Instant)
    concepts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    accepted: list[dict[str, Any]] = Field(default=[], sa_type=Json)
    failures: int = 0
    trouble: str | None = None
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    goes_on_from: str | None = None
    database: str | None = None
    owner: str | None = None
    question: str | None = None
    due_emitted: datetime | None = Field(default=None, sa_type=Instant)
    overdue_emitted: datetime | None = Field(default=None, sa_type=Instant)


class RunRow(Base, table=True):
    """One pull of a watch over a window of days. Its counts are saved with each page.

    `walk` is the run that began the walk, this one or one that it goes on from; each item is counted once in a walk.
    `fields` counts the records that had each field (domain.drift).
    `received_before` counts what earlier runs received of it. `missing` are ids that the source listed and never gave;
    `lacking` is how many works its walk lacked when it was over, and until then those of them that nobody can name.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_of_review", "review", "id"),
        Index("runs_of_watch", "watch", "id"),
        # A watch is pulled by one run at a time, whichever process begins it.
        Index(
            "runs_running",
            "watch",
            unique=True,
            postgresql_where=text(f"state = '{RunStates.RUNNING}'"),
            sqlite_where=text(f"state = '{RunStates.RUNNING}'"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    watch: str
    source: str
    query: str
    protocol_version: int
    purpose: Purpose = Field(sa_type=AutoString)
    dated_by: Dating = Field(sa_type=AutoString)
    since: date
    until: date
    state: RunState = Field(default=RunStates.RUNNING, sa_type=AutoString)
    goes_on_from: str | None = None
    walk: str
    received_before: int = 0
    cursor: str | None = None
    pages: int = 0
    found: int = 0
    new: int = 0
    merged: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    maybe_duplicate: int = 0
    outside: int = 0
    reported: int | None = None
    missing: list[str] = Field(default=[], sa_type=Json)
    lacking: int = 0
    remarks: list[str] = Field(default=[], sa_type=Json)
    fields: dict[str, int] = Field(default={}, sa_type=Json)
    error: str | None = None
    started_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def counts(self) -> RunCounts:
        """How many items it found, and what became of them."""
        return RunCounts(**{name: getattr(self, name) for name in RunCounts.model_fields})


class QuotaRow(Base, table=True):
    """What a source was asked on a day (UTC, as YYYY-MM-DD) and what it said of our budget.

    `requests` are answers heard, of whatever status; `refusals` are walks that it ended by asking to be left alone for
    long. `said` are its last rate and budget headers; `spent` is what it said that the answers cost, in millionths of
    a dollar.
    """

    __tablename__ = "quotas"
    __table_args__ = (Index("quotas_of_day", "day", "source"),)

    source: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    requests: int = 0
    refusals: int = 0
    spent: int = Field(default=0, sa_type=Counter)
    said: dict[str, str] = Field(default={}, sa_type=Json)
    heard_at: datetime = Field(sa_type=Instant)


class ParkedRow(Base, table=True):
    """A source that asked to be left alone for long, for all reviews alike: until when, and in which words."""

    __tablename__ = "parked_sources"

    source: str = Field(primary_key=True)
    since: datetime = Field(sa_type=Instant)
    until: datetime = Field(sa_type=Instant)
    why: str


class WalkItemRow(Base, table=True):
    """That an item was met in a walk, which counts it once, whatever other walks of its source do meanwhile. Kept until
    its watch begins another one."""

    __tablename__ = "walk_items"

    walk: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)


class RunItemRow(Base, table=True):
    """Where an item of a run went, unless nothing about it had changed: `new`, `merged`, `updated` or `outside`, which
    is kept with the first run of its walk and has no record."""

    __tablename__ = "run_items"

    run: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    outcome: str
    record: str | None = None


class RawAnswerRow(Base, table=True):
    """An answer of a source as it came during a run, kept as a blob that this row names; numbered from 1.

    `page` is the page, counted from 0, that it was taken in with, or would have been.
    """

    __tablename__ = "raw_answers"
    __table_args__ = (Index("raw_answers_of_page", "run", "page"),)

    run: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    page: int
    asked: str
    status: int
    content_type: str
    fetched_at: datetime = Field(sa_type=Instant)
    sha256: str
    size: int = Field(sa_type=Counter)


class RejectionRow(Base, table=True):
    """An item of a run that is no usable record, and why.

    It stays when its answer is read again and it is one: `resolved_at` says since when, `record` which, where that can
    be told. What the run counted and told is what was so then.
    """

    __tablename__ = "rejections"
    __table_args__ = (
        Index("rejections_of_run", "run", "id"),
        Index("rejections_of_review", "review", "run", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    run: str
    source: str
    source_id: str | None = None
    page: int
    position: int
    reason: str
    excerpt: str
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    record: str | None = None


class ReparseRow(Base, table=True):
    """Kept answers of a review that are read again: of all its runs up to `through`, or of those it names.

    `at_run` and `at_page` are the place behind which it goes on; it is moved, with the counts, by the transaction that
    takes in a page.
    """

    __tablename__ = "reparses"
    __table_args__ = (Index("reparses_of_review", "review", "id"),)

    id: str = Field(primary_key=True)
    review: str
    source: str | None = None
    run: str | None = None
    rejected_only: bool = False
    through: str
    state: ReparseState = Field(default=ReparseStates.WAITING, sa_type=AutoString)
    at_run: str = ""
    at_page: int = -1
    pages: int = 0
    answers: int = 0
    lost: int = 0
    new: int = 0
    merged: int = 0
    updated: int = 0
    unchanged: int = 0
    older: int = 0
    rejected: int = 0
    resolved: int = 0
    error: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class ImportRow(Base, table=True):
    """A file that a lead brought, whose records are taken in by a `run`, which there is once it was opened. One of
    several of a `search` that was made by hand, perhaps.

    `database` is where its records were found, as far as anybody said so or the file shows; `asked_format` is what
    somebody said it is, `format` what it turned out to be. `read` of its `size` bytes have been gone through.
    `mapping` says which decisions it states, as a lead wrote it: so many (`stated`), of which those `kept` were not
    known; `problems` is what of the file does not fit it.
    """

    __tablename__ = "imports"
    __table_args__ = (
        Index("imports_of_review", "review", "id"),
        Index("imports_of_run", "run"),
        Index("imports_of_state", "state", "id"),
        Index("imports_of_search", "search"),
    )

    id: str = Field(primary_key=True)
    review: str
    run: str | None = None
    name: str
    sha256: str
    size: int = Field(sa_type=Counter)
    asked_format: LibraryFormat | None = Field(default=None, sa_type=AutoString)
    format: LibraryFormat | None = Field(default=None, sa_type=AutoString)
    dialect: str | None = None
    encoding: str | None = None
    database: str | None = None
    query: str | None = None
    searched_on: date | None = None
    reported: int | None = None
    search: str | None = None
    columns: list[str] = Field(default=[], sa_type=Json)
    state: ImportState = Field(default=ImportStates.WAITING, sa_type=AutoString)
    read: int = Field(default=0, sa_type=Counter)
    entries: int = 0
    repeated: int = 0
    junk: int = 0
    mapping: str | None = None
    mapping_sha256: str | None = None
    stated: int = 0
    kept: int = 0
    problems: list[str] = Field(default=[], sa_type=Json)
    error: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class BroughtRow(Base, table=True):
    """Bytes that a review was brought as a library file: whoever brings them holds this row until what they say of them
    is held against what was said before, so that two at once are not both the first."""

    __tablename__ = "brought"

    review: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)


class SearchRow(Base, table=True):
    """A search of a manual strategy that somebody made. Whoever changes it, or adds a file to it, locks it first.

    `question` is what the strategy asked then, `planned` the string of the protocol; `protocol_version` that version.
    A lead let it lack `lacking` records, for a `reason`. `statement` is the exact text of what was signed.
    """

    __tablename__ = "searches"
    __table_args__ = (
        Index("searches_of_review", "review", "id"),
        Index("searches_of_watch", "watch", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    watch: str
    strategy: str
    database: str
    question: str
    protocol_version: int
    query: str
    planned: str | None = None
    searched_on: date
    reported: int | None = None
    made: SearchMade = Field(sa_type=AutoString)
    state: SearchState = Field(default=SearchStates.OPEN, sa_type=AutoString)
    lacking: int = 0
    reason: str | None = None
    statement: str | None = None
    statement_sha256: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    fulfilled_by: str | None = None
    fulfilled_at: datetime | None = Field(default=None, sa_type=Instant)


class StatementRow(Base, table=True):
    """An earlier decision about a source record as a file states it (domain.statements.Statement), with where it stands
    there, under which mapping, and who brought both. Its id is made of what it says of what, so that the same file
    again states the same; it is never changed."""

    __tablename__ = "statements"
    __table_args__ = (
        Index("statements_of_source_record", "review", "source", "source_id"),
        Index("statements_of_review", "review", "imported", "line", "id"),
        Index("statements_of_stage", "review", "stage", "imported", "line", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    source: str
    source_id: str
    stage: str
    answer: str
    column: str | None = None
    said: str | None = None
    by: str | None = None
    reason: str | None = None
    imported: str
    file_sha256: str
    line: int
    mapping_sha256: str
    brought_by: str
    brought_at: datetime = Field(sa_type=Instant)


class AdditionRow(Base, table=True):
    """What a person added by hand, how they found it and why: a statement about a source record, of which there may be
    several. The same statement is one (`digest`, of all that was given).

    What a restricted one says beside its title, date and language is `held_back` (shared.wire.ingest.HeldBack) and
    stands nowhere else. It is taken away with `consent`, `where` and `why` when that is withdrawn.
    """

    __tablename__ = "additions"
    __table_args__ = (
        Index("additions_of_review", "review", "id"),
        Index("additions_of_source_record", "review", "source", "source_id"),
        Index("additions_alike", "review", "digest", unique=True),
    )

    id: str = Field(primary_key=True)
    review: str
    source: str
    source_id: str
    digest: str
    kind: AdditionKind = Field(sa_type=AutoString)
    how: FoundBy = Field(sa_type=AutoString)
    where: str | None = None
    why: str | None = None
    consent: str | None = None
    restricted: bool
    held_back: dict[str, Any] | None = Field(default=None, sa_type=Json)
    run: str
    added_by: str
    added_at: datetime = Field(sa_type=Instant)
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_why: str | None = None


class UploadRow(Base, table=True):
    """That a person sent the bytes of a file, which they alone may name by its hash then: hashes are shown to people
    who may not read what they are of. `sent_at` is by the machine's clock."""

    __tablename__ = "uploads"
    __table_args__ = (Index("uploads_sent", "sent_at"),)

    review: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    sent_by: str = Field(primary_key=True)
    sent_at: datetime = Field(sa_type=Instant)


class ExportRow(Base, table=True):
    """A file of a review's records that somebody asked for; once it is made, a blob that this row names."""

    __tablename__ = "exports"
    __table_args__ = (
        Index("exports_of_review", "review", "id"),
        Index("exports_of_state", "state", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    format: ExportFormat = Field(sa_type=AutoString)
    stage: str | None = None
    standing: Standing | None = Field(default=None, sa_type=AutoString)
    state: ExportState = Field(default=ExportStates.WAITING, sa_type=AutoString)
    records: int = 0
    size: int | None = Field(default=None, sa_type=Counter)
    sha256: str | None = None
    error: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class PreviewRow(Base, table=True):
    """That somebody asks ahead what the strings of a draft would bring, over these days; `digest` is of the strings and
    the days. It is over (`ended_at`) once each of its strings has an answer."""

    __tablename__ = "previews"
    __table_args__ = (
        # A person has one under way in a review, however often they ask.
        Index(
            "previews_under_way",
            "review",
            "asked_by",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index("previews_asked", "asked_at"),
    )

    id: str = Field(primary_key=True)
    review: str
    since: date
    until: date
    digest: str
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class PreviewedRow(Base, table=True):
    """One string of a preview, and what its source answered, or why there is no answer (`error`, and the slug of that,
    `failed`). `tries` counts how often it was begun to be asked, since a process may end in the middle."""

    __tablename__ = "previewed"
    __table_args__ = (
        Index(
            "previewed_waiting",
            "source",
            "preview",
            "number",
            postgresql_where=text("answered_at IS NULL"),
            sqlite_where=text("answered_at IS NULL"),
        ),
    )

    preview: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    strategy: str
    source: str
    asked: str
    tries: int = 0
    reported: int | None = Field(default=None, sa_type=Counter)
    titles: list[str] = Field(default_factory=list, sa_type=Json)
    remarks: list[str] = Field(default_factory=list, sa_type=Json)
    error: str | None = None
    failed: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=Instant)


class SourceRecordRow(Base, table=True):
    """One source's own record of a work, as it was when last seen, and the canonical record it belongs to.

    `run` brought it, `seen_in` is the walk that met it last, or the reparse that met it first; `because` says why it is
    that record's. No answer that came before `answered_at`, by the machine's clock, may change it.
    """

    __tablename__ = "source_records"
    __table_args__ = (Index("source_records_of_record", "record"),)

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    record: str
    content_hash: str
    content: dict[str, Any] = Field(sa_type=Json)
    because: list[str] = Field(sa_type=Json)
    run: str
    seen_in: str
    answered_at: datetime | None = Field(default=None, sa_type=Instant)


class OriginRow(Base, table=True):
    """That a watch met a source record: which strategies, at which sources, bring a work."""

    __tablename__ = "origins"

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    watch: str = Field(primary_key=True)


class CitationRow(Base, table=True):
    """That a source links a source record to the report of a record, the `seed`, which was included then: it is cited
    by it (`backward`) or cites it (`forward`). `run` found this first. It is never taken back."""

    __tablename__ = "citations"

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    seed: str = Field(primary_key=True)
    direction: Direction = Field(primary_key=True, sa_type=AutoString)
    run: str


#: Of records those that passed a stage, are not excluded and were not absorbed: in these words wherever they are asked
#: for, since a database uses an index of some rows only for a query that says the same. (As a plain NULL
#: `merged_into` would have SQLite read every row by the index of what was absorbed.)
PASSED = text(
    "coalesce(merged_into, '') = '' AND "
    f"(standing = '{Standings.INCLUDED}' OR standing = '{Standings.WAITING}' AND stage IS NOT NULL)"
)
_OF_PASSED: Any = {"postgresql_where": PASSED, "sqlite_where": PASSED}


class RecordRow(Base, table=True):
    """A canonical record: what several sources say of one work. An absorbed one points to its survivor.

    Ids sort by age. `followed` is false once screening has excluded it: what sources change about it matters no more.
    `standing` is where it stands there, `stage` the last one that it passed, `excluded_on` the day on which it was
    excluded, from which on it must be looked up again when it comes back. `at_stage` is where it stands or was decided
    last, None before its first decision, and `reason` why it is excluded. `doi` is that of its bibliography.
    """

    __tablename__ = "records"
    __table_args__ = (
        Index("records_of_review", "review", "id"),
        Index("records_absorbed", "merged_into"),
        # Those whose open copies are asked for are few beside all, and found without looking at the others.
        Index("records_passed", "review", "id", "doi", **_OF_PASSED),
        Index("records_passed_by_doi", "doi", **_OF_PASSED),
    )

    id: str = Field(primary_key=True)
    review: str
    revision: int
    bibliography: dict[str, Any] = Field(sa_type=Json)
    run: str
    discovered_at: datetime = Field(sa_type=Instant)
    merged_into: str | None = None
    followed: bool = True
    standing: Standing = Field(default=Standings.WAITING, sa_type=AutoString)
    stage: str | None = None
    excluded_on: date | None = None
    at_stage: str | None = None
    reason: str | None = None
    doi: str | None = None


class OpenCopiesRow(Base, table=True):
    """Where the work with a DOI is open, as it was answered last, for all reviews and records that have it alike.

    `found` is None until there was an answer. `failures` counts how often in a row it was asked in vain since then,
    `trouble` says why, and `retry_at` when it is asked again.
    """

    __tablename__ = "open_copies"

    doi: str = Field(primary_key=True)
    found: Availability | None = Field(default=None, sa_type=AutoString)
    openness: str | None = None
    locations: list[dict[str, Any]] = Field(default=[], sa_type=Json)
    remarks: list[str] = Field(default=[], sa_type=Json)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
    trouble: str | None = None
    retry_at: datetime | None = Field(default=None, sa_type=Instant)


class RetrievalRow(Base, table=True):
    """Whether the full text of a record's report is sought, retrieved or not; since when, by whom, and why.

    `tries` counts looks at addresses that failed, `trouble` says how the last did. It is looked for by itself when it
    is `retry_at`; None where it rests. That of a record which is absorbed stays for when it comes back.
    """

    __tablename__ = "retrievals"
    __table_args__ = (
        Index("retrievals_of_review", "review", "record"),
        Index("retrievals_in_state", "review", "state", "record"),
        Index("retrievals_due", "state", "retry_at"),
    )

    record: str = Field(primary_key=True)
    review: str
    state: RetrievalState = Field(default=RetrievalStates.SOUGHT, sa_type=AutoString)
    since: datetime = Field(sa_type=Instant)
    by: str
    reason: str | None = None
    tries: int = 0
    trouble: str | None = None
    retry_at: datetime | None = Field(default=None, sa_type=Instant)


class TextRow(Base, table=True):
    """A copy of a record's report, kept as a blob that this row names until it is withdrawn.

    One that was found goes with the source record that led to it (`carrier_source`, `carrier_id`), one that a person
    brought with the record that it was given on, as notices do.
    """

    __tablename__ = "texts"
    __table_args__ = (
        Index("texts_of_record", "record", "id"),
        Index("texts_of_carrier", "review", "carrier_source", "carrier_id"),
    )

    id: str = Field(primary_key=True)
    review: str
    record: str
    given_on: str | None = None
    carrier_source: str | None = None
    carrier_id: str | None = None
    sha256: str
    size: int = Field(sa_type=Counter)
    kind: TextKind = Field(sa_type=AutoString)
    name: str
    version: TextVersion = Field(sa_type=AutoString)
    source: TextSource = Field(sa_type=AutoString)
    url: str | None = None
    licence: str | None = None
    licence_class: LicenceClass = Field(sa_type=AutoString)
    readers: TextReaders = Field(sa_type=AutoString)
    quotable_words: int = 0
    added_by: str
    added_at: datetime = Field(sa_type=Instant)
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_why: str | None = None


class ParsingRow(Base, table=True):
    """A copy that waits to be parsed; `tries` counts how often that was begun, `deaths` how often it killed what parsed
    it."""

    __tablename__ = "parsings"
    __table_args__ = (Index("parsings_due", "due_at"),)

    text: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Instant)
    tries: int = 0
    deaths: int = 0


class ParseRow(Base, table=True):
    """What came of parsing a copy: a blob of its passages, or why there is none. It is its copy's own until another
    supersedes it. `tried_by` is the parser that read it last, and may have failed where an earlier one did not."""

    __tablename__ = "parses"
    __table_args__ = (
        Index("parses_of_text", "text", "id"),
        Index(
            "parses_of_now",
            "text",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
            sqlite_where=text("superseded_at IS NULL"),
        ),
        Index(
            "parses_by_parser",
            "tried_by",
            "text",
            postgresql_where=text("superseded_at IS NULL"),
            sqlite_where=text("superseded_at IS NULL"),
        ),
        Index("parses_superseded", "superseded_at", "id"),
    )

    id: str = Field(primary_key=True)
    text: str
    parser: str
    tried_by: str
    sha256: str | None = None
    blob: str | None = None
    size: int | None = Field(default=None, sa_type=Counter)
    paragraphs: int = 0
    why: Unparsed | None = Field(default=None, sa_type=AutoString)
    parsed_at: datetime = Field(sa_type=Instant)
    superseded_at: datetime | None = Field(default=None, sa_type=Instant)


class AnchorRow(Base, table=True):
    """A quote that was found in a copy, at the characters of a parse. Its words are kept as long as the copy is."""

    __tablename__ = "anchors"
    __table_args__ = (
        Index("anchors_of_text", "text", "id"),
        Index("anchors_at", "text", "begins", "ends"),
        Index("anchors_of_review", "review", "id"),
        Index("anchors_in_state", "review", "state", "id"),
        Index("anchors_of_maker", "review", "made_by", "id"),
        Index("anchors_of_parse", "parse"),
    )

    id: str = Field(primary_key=True)
    review: str
    text: str
    state: AnchorState = Field(default=AnchorStates.ANCHORED, sa_type=AutoString)
    why: str | None = None
    parse: str
    parse_sha256: str
    locator: str
    page: int | None = None
    begins: int
    ends: int
    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    words: int
    salt: str
    quote_sha256: str
    made_by: str
    made_at: datetime = Field(sa_type=Instant)


class CodedLinkRow(Base, table=True):
    """A link that people made by a quote of a copy, as synthesis told it: what proposers are evaluated against. It
    stands unless it was withdrawn since it was linked, in whichever order these were heard."""

    __tablename__ = "coded_links"
    __table_args__ = (Index("coded_links_of_text", "review", "text", "link"),)

    link: str = Field(primary_key=True)
    review: str
    text: str | None = None
    anchor: str | None = None
    cmoc: str | None = None
    element: Element | None = Field(default=None, sa_type=AutoString)
    stance: Stance | None = Field(default=None, sa_type=AutoString)
    linked_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)


class ProposerRow(Base, table=True):
    """Whether a review's coders are shown what a proposer proposes, of the `version` that was switched on."""

    __tablename__ = "proposers"

    review: str = Field(primary_key=True)
    proposer: str = Field(primary_key=True)
    version: str
    evaluation: str | None = None
    is_on: bool = False
    why: str
    switched_by: str
    switched_at: datetime = Field(sa_type=Instant)


class EvaluationRow(Base, table=True):
    """A proposer is held against what people coded, copy by copy; `behind` is the last that was. `tries` are those of
    the next."""

    __tablename__ = "evaluations"
    __table_args__ = (
        Index("evaluations_of_proposer", "review", "proposer", "id"),
        Index("evaluations_due", "due_at", "id", **_where(f"state = '{ProposingStates.WAITING}'")),
    )

    id: str = Field(primary_key=True)
    review: str
    proposer: str
    version: str
    model: str | None = None
    prompt: str | None = None
    protocol_version: int
    state: ProposingState = Field(sa_type=AutoString)
    behind: str = ""
    reports: int = 0
    links: int = 0
    found: int = 0
    proposed: int = 0
    right: int = 0
    dropped: int = 0
    asked_tokens: int = 0
    answered_tokens: int = 0
    tries: int = 0
    due_at: datetime = Field(sa_type=Instant)
    trouble: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)


class ProposedReadingRow(Base, table=True):
    """A proposer of a version is asked to read a parse of a copy, beside the CMOCs of a version of the protocol."""

    __tablename__ = "proposed_readings"
    __table_args__ = (Index("proposed_readings_due", "due_at", "id", **_where(f"state = '{ProposingStates.WAITING}'")),)

    id: str = Field(primary_key=True)
    review: str
    text: str
    parse: str
    proposer: str
    version: str
    protocol_version: int
    state: ProposingState = Field(sa_type=AutoString)
    proposals: int = 0
    dropped: int = 0
    asked_tokens: int = 0
    answered_tokens: int = 0
    tries: int = 0
    due_at: datetime = Field(sa_type=Instant)
    trouble: str | None = None
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)


class ProposedCodingRow(Base, table=True):
    """Characters of a parse that a proposer says speak to an element of a CMOC. It has none of the copy's words."""

    __tablename__ = "proposed_codings"
    __table_args__ = (Index("proposed_codings_of_reading", "reading", "begins", "id"),)

    id: str = Field(primary_key=True)
    review: str
    reading: str
    text: str
    begins: int
    ends: int
    cmoc: str
    element: Element = Field(sa_type=AutoString)
    stance: Stance = Field(sa_type=AutoString)
    why: str


class ProposalDecisionRow(Base, table=True):
    """What somebody made of a proposal, which is nobody else's to know."""

    __tablename__ = "proposal_decisions"

    proposal: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    review: str
    decision: ProposalDecision = Field(sa_type=AutoString)
    at: datetime = Field(sa_type=Instant)


class SourceKeyRow(Base, table=True):
    """Something a source record is found by: an identifier, or a hash of its title (domain.citations)."""

    __tablename__ = "source_keys"
    __table_args__ = (Index("source_keys_of_source_record", "review", "source", "source_id"),)

    review: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)


class MergeRow(Base, table=True):
    """A record that turned out to be another one, with the evidence, and the source records that it and the other one
    (`beside`) had then, each as [source, id]; taken away when it comes back. Of one that an earlier release merged they
    are not known."""

    __tablename__ = "merges"

    absorbed: str = Field(primary_key=True)
    review: str
    into: str
    members: list[list[str]] = Field(default=[], sa_type=Json)
    beside: list[list[str]] = Field(default=[], sa_type=Json)
    evidence: list[str] = Field(sa_type=Json)
    run: str | None = None
    merged_by: str
    merged_at: datetime = Field(sa_type=Instant)


class SplitRow(Base, table=True):
    """That a record was parted from another one, with the evidence. It is never taken away."""

    __tablename__ = "splits"
    __table_args__ = (Index("splits_of_record", "record"), Index("splits_out_of", "out_of"))

    id: str = Field(primary_key=True)
    review: str
    record: str
    out_of: str
    evidence: list[str] = Field(sa_type=Json)
    run: str | None = None
    split_by: str
    split_at: datetime = Field(sa_type=Instant)


class CorrectionRow(Base, table=True):
    """A field of a description as a person corrected it. It is kept with a source record of the record, the one that
    gave the field where one did, so that it goes where that goes; `value` holds one thing, the value."""

    __tablename__ = "corrections"
    __table_args__ = (Index("corrections_of_source_record", "review", "source", "source_id"),)

    id: str = Field(primary_key=True)
    review: str
    source: str
    source_id: str
    field: str
    value: list[Any] = Field(sa_type=Json)
    reason: str
    corrected_by: str
    corrected_at: datetime = Field(sa_type=Instant)
    undone_by: str | None = None
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    undone_why: str | None = None


class RulingRow(Base, table=True):
    """What a person decided about source records, each as [source, id] in `one` and `other` (domain.clusters.Ruling),
    until a person takes it back. Ids sort by age, and the newest outranks the older ones."""

    __tablename__ = "rulings"
    __table_args__ = (Index("rulings_of_review", "review", "id"),)

    id: str = Field(primary_key=True)
    review: str
    kind: RulingKind = Field(sa_type=AutoString)
    one: list[list[str]] = Field(sa_type=Json)
    other: list[list[str]] = Field(default=[], sa_type=Json)
    reason: str
    decided_by: str
    decided_at: datetime = Field(sa_type=Instant)
    undone_by: str | None = None
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    undone_why: str | None = None


class RuledRow(Base, table=True):
    """That a ruling which stands is about a source record."""

    __tablename__ = "ruled"
    __table_args__ = (Index("ruled_of_ruling", "ruling"),)

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    ruling: str = Field(primary_key=True)


class RelationRow(Base, table=True):
    """Two records that hang together and are not one, such as a preprint and its article; `first` is the older."""

    __tablename__ = "relations"
    __table_args__ = (Index("relations_second", "second"),)

    first: str = Field(primary_key=True)
    second: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    review: str
    evidence: list[str] = Field(sa_type=Json)
    found_at: datetime = Field(sa_type=Instant)


class DuplicateRow(Base, table=True):
    """Two records that might be one, until a person says whether they are.

    A `different` outranks all that matching finds later. `first` is the older record. A pair that other
    evidence made one is `same` by the machine.
    """

    __tablename__ = "duplicates"
    __table_args__ = (
        Index("duplicates_pair", "first", "second", unique=True),
        Index("duplicates_second", "second"),
        Index("duplicates_of_review", "review", "state", "id"),
    )

    id: str = Field(primary_key=True)
    review: str
    first: str
    second: str
    state: PairState = Field(default=PairStates.OPEN, sa_type=AutoString)
    evidence: list[str] = Field(sa_type=Json)
    run: str | None = None
    opened_at: datetime = Field(sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = None


class NoticeRow(Base, table=True):
    """That a report was retracted, corrected, reinstated ..., who says so, and whether it still stands.

    A source may strike a work that is not here (yet): then `record` is None and `waits_for` is the key that
    will find it. `told_at` is set when it was told; one kind is told once for each source. `given_on` is the record
    that a person gave it of.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_of_record", "record"),
        Index("notices_of_carrier", "review", "source", "carrier"),
        Index("notices_waiting", "review", "waits_for"),
    )

    id: str = Field(primary_key=True)
    review: str
    record: str | None = None
    waits_for: str | None = None
    kind: NoticeKind = Field(sa_type=AutoString)
    reason: str
    source: str
    carrier: str | None = None
    given_on: str | None = None
    drill: bool = False
    stands: bool = True
    given_by: str
    given_at: datetime = Field(sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
