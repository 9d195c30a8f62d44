"""Ingest on the wire: watches, runs, records, possible duplicates, notices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, computed_field

from shared.events.ingest import Bibliography, NoticeKind, RunCounts
from shared.events.protocol import Strategy as Planned
from shared.events.synthesis import Element, Stance
from shared.events.values import PARTIAL_DATE, Identifiers, PartialDate
from shared.wire.common import (
    BLANKS,
    WHOLE,
    Corrected,
    ExactString,
    Given,
    Line,
    Prose,
    Reason,
    Short,
    Strategy,
    Written,
)

WatchState = Literal["active", "paused", "retired"]
RunState = Literal["running", "complete", "partial", "incomplete"]

#: What a watch is for: a strategy's search, what a source changes about the records that a review has of it, what cites
#: its included reports or is cited by them; or, which nobody pulls, the files that people bring of one database, what
#: they add that they found in one way, or a search that they make by hand.
WatchPurpose = Literal["search", "changes", "citations", "import", "addition", "manual"]

#: What a run is for: what is new since the last one, all of a protocol's dates, what was changed, citations, a file, or
#: what a person added.
Purpose = Literal["new", "whole", "changes", "citations", "import", "addition"]

#: Which days of a work a window is about: that on which it came to the source, that on which its record there changed,
#: or that on which it was published.
Dating = Literal["came", "changed", "published"]

#: Whether an included report cites what was found (`backward`), or what was found cites it (`forward`).
Direction = Literal["backward", "forward"]

#: Where a record stands in screening.
Standing = Literal["waiting", "included", "excluded"]

#: Whether a search that people make by hand is made: not yet whole, made, or another one of its day or later was.
SearchState = Literal["open", "fulfilled", "superseded"]

#: How one is made: files bring what it found, or a person signs that it found nothing new.
SearchMade = Literal["imported", "nothing_new"]

#: Where a manual strategy stands: it was searched, it is due today, its day has passed, it is not searched for now.
ManualStanding = Literal["searched", "due", "overdue", "paused", "retired"]

#: How far what was asked of a proposer is.
ProposingState = Literal["waiting", "done", "failed"]

#: What somebody made of a proposal.
ProposalDecision = Literal["accepted", "refused"]

#: How far the records of a file have been taken in.
ImportState = Literal["waiting", "running", "done", "failed"]

#: What kinds of library files are read.
LibraryFormat = Literal["ris", "nbib", "ciw", "enw", "bibtex", "endnote", "csv", "tsv", "xlsx", "csl-json"]

#: In which formats records leave.
ExportFormat = Literal["ris", "nbib", "bibtex", "endnote", "csv", "xlsx", "csl-json"]

#: How the name of a file of each ends.
EXPORT_ENDINGS: dict[ExportFormat, str] = {
    "ris": ".ris", "nbib": ".nbib", "bibtex": ".bib", "endnote": ".xml", "csv": ".csv", "xlsx": ".xlsx",
    "csl-json": ".json",
}  # fmt: skip

#: Bytes of a file of records that people may bring.
LARGEST_FILE = 1024 * 1024 * 1024

#: Bytes of a copy of a report that people may bring, and of one that is fetched unless the settings say less.
LARGEST_TEXT = 256 * 1024 * 1024

#: Whether a file of records is made.
ExportState = Literal["waiting", "done", "failed"]

#: How far kept answers have been read again.
ReparseState = Literal["waiting", "running", "done", "failed"]

#: Whether a work can be read by anybody: its text is open, it is not, or nobody knows its DOI.
Availability = Literal["open", "closed", "unknown"]

#: What a person adds: a paper, grey literature, a policy document, or what somebody told them.
AdditionKind = Literal["paper", "grey", "policy", "account"]

#: How it was found, as PRISMA's "other methods" ask.
FoundBy = Literal["website", "organisation", "citation_search", "contact", "expert", "hand_search", "other"]

#: What became of what was added: it began a record, was merged into one, or was known already.
Added = Literal["new", "merged", "known"]

#: Whether the full text of a record's report is being looked for, is here, or cannot be had.
RetrievalState = Literal["sought", "retrieved", "not_retrieved"]

#: What kinds of texts are kept.
TextKind = Literal["pdf", "jats", "html", "txt"]

#: What a copy's licence lets people do, from most to least (services/ingest/domain/licences.py).
LicenceClass = Literal["open", "open_noncommercial_or_noderivs", "unknown", "closed"]

#: Who of a review may read a copy: all its members, those who review, or leads alone.
TextReaders = Literal["members", "reviewers", "leads"]

#: Which version of a report a copy is.
TextVersion = Literal["published", "accepted", "submitted", "unknown"]

#: Where a copy was found, or that a person brought it.
TextSource = Literal["unpaywall", "europepmc", "pmc", "person"]

#: What a passage of a text is.
PassageKind = Literal["heading", "paragraph"]

#: Why a copy has no passages.
Unparsed = Literal[
    "no_text_layer", "encrypted", "too_many_pages", "too_large", "bomb", "timed_out", "damaged", "metadata_only"
]

#: Whether a quote stands in its copy as that is parsed today.
AnchorState = Literal["anchored", "lost"]

PairState = Literal["open", "same", "different"]
PairVerdict = Literal["same", "different"]

#: What a person decided about source records: all are one, none of one side is with any of the other, or both that and
#: each side is one.
RulingKind = Literal["same", "apart", "split"]


class RunView(BaseModel):
    """One pull of a watch over the days `since` to `until`, both included; `dated_by` says which days of a work.

    `found` of the counts is the sum of new, merged, updated, unchanged and rejected. A run that took up the
    place of an earlier one names it in `goes_on_from`; `walk` is the first run of both. A run is partial where less
    came than the source says it has, and a lead did not accept that; `missing` are ids that it listed and did not give,
    and `lacking` is how many works lack in all.
    """

    run: str
    watch: str
    source: str
    query: str
    protocol_version: int
    purpose: Purpose
    dated_by: Dating
    since: date
    until: date
    state: RunState
    goes_on_from: str | None
    walk: str
    pages: int
    counts: RunCounts
    reported: int | None
    missing: list[str]
    lacking: int
    remarks: list[str]
    error: str | None
    started_at: datetime
    ended_at: datetime | None


class Acceptance(BaseModel):
    """What a lead lets the runs of a watch lack: so many works, and of those that the source lists none but the
    `missing`; by whom, when and why.

    The ids hold for every run. The number is of the run that was looked at: it holds for later ones of the same
    `purpose` that ask for days up to its last one, `until`, as what was counted twice lies there; a chase asks for no
    days.
    """

    purpose: Purpose
    until: date
    lacking: int
    missing: list[str]
    by: str
    at: datetime
    reason: str

    @computed_field
    def where(self) -> str:
        """The runs that its number holds for, in words."""
        match self.purpose:
            case "new":
                return f"in days up to {self.until}"
            case "whole":
                return "in a whole walk"
            case "changes":
                return f"in sweeps from days up to {self.until}"
            case "citations":
                return "in a chase of citations"
            case "import":
                return "in a file"
            case "addition":
                return "in what was added"


class NewAcceptance(Given):
    """How many works the last run of a watch lacks, which is accepted, and why; 0 takes back what was."""

    lacking: Annotated[int, Field(ge=0, le=1_000_000_000), WHOLE]
    reason: Reason


class WatchView(BaseModel):
    """What is pulled again and again: a strategy, or, by its `purpose`, the changes that a source makes to the records
    of a review, or the citations of its included reports. `trouble` is why its last run was not complete. A manual
    strategy is pulled by nobody, and its `query` may be blank. One that is paused has been so since `paused_at`, None
    where an earlier release paused it.

    `walked_whole_at` is when a walk over all of the protocol's dates began that was complete; one is made every
    `whole_every_days`. A run that lacks no more than is `accepted` is complete. One that is `late` has been due for an
    hour, and nobody asks it.
    """

    watch: str
    purpose: WatchPurpose
    strategy: str
    source: str
    query: str
    every_days: int
    overlap_days: int
    whole_every_days: int
    protocol_version: int
    state: WatchState
    due_at: datetime
    searched_through: date | None
    walked_whole_at: datetime | None
    failures: int
    trouble: str | None
    paused_at: datetime | None = None
    accepted: list[Acceptance] = []
    last_run: RunView | None = None
    late: bool = False


class RunItemView(BaseModel):
    """Where an item of a run went; items that had not changed are only counted, and one that is `outside` of its
    strategy is no record."""

    source_id: str
    outcome: Literal["new", "merged", "updated", "outside"]
    record: str | None


class RejectionView(BaseModel):
    """An item of a run that is no usable record: where it stood, why, and how it begins; of a file that somebody
    brought leads alone see that, since it may hold what was decided.

    `resolved_at` is when its answer was read again and it was one; `record` is which, where that can be told.
    """

    rejection: str
    run: str
    source: str
    source_id: str | None
    page: int
    position: int
    reason: str
    excerpt: str
    resolved_at: datetime | None
    record: str | None


class FileView(BaseModel):
    """A file that was uploaded and is kept: what an import names it by. One that nothing names goes after a day."""

    sha256: str
    size: int


class ValueView(BaseModel):
    """A value of a column, and in how many records it stands."""

    value: str
    times: int


class ColumnView(BaseModel):
    """A column or tag of a file that is no part of a citation: in how many records it is `filled`, and its most
    frequent values; `more` where it has others."""

    name: str
    filled: int
    values: list[ValueView]
    more: bool


class FileSurvey(BaseModel):
    """What an uploaded file holds, by its first records, `whole` where these are all.

    `cited` are columns of a table that are read as parts of a citation, `columns` what else records have, and
    `more_columns` how many of these are not shown. `rejected` cannot be read. `mapping` is the YAML document that they
    suggest for an import, with "?" where only a person can say it, and `states` whether any of them looks like what
    was decided before.
    """

    sha256: str
    format: LibraryFormat
    dialect: str | None
    encoding: str | None
    records: int
    rejected: int
    whole: bool
    cited: list[str]
    columns: list[ColumnView]
    more_columns: int
    states: bool
    mapping: str


_Reported = Annotated[int, Field(ge=0, le=1_000_000_000), WHOLE]
_Found = Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE]
_Day = Annotated[date, Field(strict=False)]


class NewSearch(Given):
    """That a manual strategy was searched, and what was found comes in files: in which database, by exactly which
    string, on which day, and how many records it said it has. One that found none brings no file: sign that nothing is
    new."""

    database: Line
    query: ExactString
    searched_on: _Day
    reported: _Found


class NothingNew(Given):
    """What a person signs: that a manual strategy was searched by exactly this string on this day, and brought nothing
    that the review has not; `reported` is how many records the database said it has in all, `words` whatever is to be
    said of it."""

    query: ExactString
    searched_on: _Day
    reported: _Reported | None = None
    words: Reason


class SearchView(BaseModel):
    """A search that was made by hand. `planned` is the string of the protocol, where it is another than what was
    searched for. `lacks` says what is missing while it is open; `lacking` is how many records a lead let it lack.

    `entries` are the records that its files hold, of those that are taken in; `imports` are all of its files. A
    `statement` is the exact text that `asked_by` signed by their own key, with its SHA-256.
    """

    search: str
    review: str
    watch: str
    strategy: str
    database: str
    query: str
    planned: str | None
    searched_on: date
    reported: int | None
    made: SearchMade
    state: SearchState
    entries: int
    imports: list[str]
    lacks: str | None
    lacking: int
    reason: str | None
    statement: str | None
    statement_sha256: str | None
    asked_by: str
    asked_at: datetime
    fulfilled_by: str | None
    fulfilled_at: datetime | None


class ManualView(BaseModel):
    """A strategy that people search by hand: where it stands, the day on which it is due, and its last searches, the
    newest first. `query` is the exact string that is planned, where there is one; `owner` whoever is to search, None
    where the leads are."""

    watch: str
    strategy: str
    database: str
    source: str
    query: str | None
    every_days: int
    owner: str | None
    standing: ManualStanding
    due: date
    searched_through: date | None
    searches: list[SearchView]


class NewImport(Given):
    """Take in the records of an uploaded file.

    `name` is what the file is called. `database` is where its records were found (`embase`); without one it is what
    the file shows, else `file`. `query` is the exact string that was searched for, `searched_on` the day of that, and
    `reported` how many records the database said it has, against which those of the file are held. A file of a `search`
    that was made by hand says none of these, since that does; its records count towards those of the search. `mapping`
    is a YAML document that says which columns state decisions of before, and what their values mean; nothing of a file
    that does not fit it is kept. Bytes that were brought before as those of another database are taken in `again` only
    where that is said.
    """

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: Line
    format: LibraryFormat | None = None
    database: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")] | None = None
    query: Strategy | None = None
    searched_on: _Day | None = None
    reported: _Reported | None = None
    search: Short | None = None
    mapping: Written | None = None
    again: bool = False


class ImportView(BaseModel):
    """A file whose records are taken in, and what has come of it so far.

    `entries` are the records that it holds, of which `repeated` stand in it more than once; those that cannot be read
    are `rejected` of its run's counts. `junk` is what stands between records and is none. `read` of its `size` bytes
    have been gone through. It is failed where the file as a whole cannot be read (to its end); what was taken in before
    stays. Under a mapping it states so many decisions of before (`stated`), of which those `kept` were not known; where
    the file does not fit it nothing is taken in, and leads see the `problems`, each with its line.
    """

    id: str
    review: str
    run: str | None
    name: str
    sha256: str
    size: int
    format: LibraryFormat | None
    dialect: str | None
    encoding: str | None
    database: str | None
    query: str | None
    searched_on: date | None
    reported: int | None
    search: str | None = None
    columns: list[str]
    state: ImportState
    read: int
    entries: int
    repeated: int
    junk: int
    counts: RunCounts
    remarks: list[str]
    mapping_sha256: str | None = None
    stated: int = 0
    kept: int = 0
    problems: list[str] = []
    error: str | None
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class MappingView(BaseModel):
    """The mapping of an imported file as it was written, and its SHA-256 (hex, of its UTF-8)."""

    sha256: str
    text: str


class StatementView(BaseModel):
    """An earlier decision about a record, as a file states it: somebody (`by`) gave an `answer` at a `stage`. Nothing
    is decided by it here.

    `said` is the value of the `column`; neither is there where one answer was given for the whole file. `name` is what
    the file is called, `line` where its record begins there; `file_sha256` and `mapping_sha256` are of the bytes. It
    goes with its source record, whatever `record` that is in.
    """

    statement: str
    record: str
    source_record: str
    stage: str
    answer: str
    column: str | None
    said: str | None
    by: str | None
    reason: str | None
    imported: str
    name: str
    line: int
    file_sha256: str
    mapping_sha256: str
    brought_by: str
    brought_at: datetime


class NewAddition(Given):
    """A paper, a document or an account that no search brought, with how it was found, where, and why it is added.

    `abstract` is what it says, of an account too. An account is restricted, and so may be whatever else has no DOI: of
    such, nothing but title, date and language goes to other services, and the title must name nobody. `consent`, which
    every account needs, says what was consented to, and who took that down and when.
    With `dry_run` nothing is kept, and the answer says what would become of it.
    """

    kind: AdditionKind
    title: Prose
    authors: list[Line] = Field(default=[], max_length=1_000)
    published: Annotated[str, Field(pattern=PARTIAL_DATE)] | None = None
    doi: Line | None = None
    url: Annotated[str, Field(pattern=rf"^https?://[^\x00-\x20{BLANKS}]{{1,1900}}$")] | None = None
    venue: Line | None = None
    abstract: Corrected | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] | None = None
    how: FoundBy
    where: Line
    why: Reason
    consent: Reason | None = None
    restricted: bool = False
    dry_run: bool = False


class QuestionView(BaseModel):
    """Another record that may be one with what was added, which waits for a lead to say so."""

    record: str
    title: str | None
    evidence: list[str]


class AddedView(BaseModel):
    """What became of an addition: the `record` that it is now and, where it was merged into that, for which `evidence`.
    A dry run makes no addition, and no record that is new."""

    addition: str | None
    what: Added
    record: str | None
    evidence: list[str]
    questions: list[QuestionView]
    dry_run: bool


class AdditionView(BaseModel):
    """What a person added: who, how it was found and why. Of one that is restricted the rest is shown by itself, to
    reviewers; `consented` is whether it was noted what was consented to. It is empty once that was withdrawn."""

    addition: str
    record: str
    source_record: str
    kind: AdditionKind
    title: str | None
    how: FoundBy
    where: str | None
    why: str | None
    restricted: bool
    consented: bool
    run: str
    added_by: str
    added_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_why: str | None


class HeldBack(BaseModel):
    """What a restricted addition says beside its title, date and language."""

    authors: list[str] = []
    venue: str | None = None
    url: str | None = None
    abstract: str | None = None


class AdditionText(AdditionView):
    """An addition with what was consented to, and with all that is held back of it; for reviewers."""

    consent: str | None
    held_back: HeldBack | None


class WithdrawnView(BaseModel):
    """A record of which nothing is held back any more, with what was added of it."""

    record: str
    additions: list[AdditionView]


class NewWithdrawal(Given):
    """Why what is held back of a record may be kept no more. The reason is told, and so must name nobody."""

    reason: Reason


class NewExport(Given):
    """Make a file of a review's records: of all, of those that stand at a stage or were decided there last, of those
    with a standing."""

    format: ExportFormat
    stage: Short | None = None
    standing: Standing | None = None


class ExportView(BaseModel):
    """A file of records, each with the stage where it stands or was decided last, and why it was excluded.

    `lacks` names what of a description its format has no field for. The file is kept until `kept_until`.
    """

    id: str
    review: str
    format: ExportFormat
    stage: str | None
    standing: Standing | None
    state: ExportState
    records: int
    size: int | None
    sha256: str | None
    lacks: list[str]
    error: str | None
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    kept_until: datetime | None


#: Strings that one preview asks sources, at most.
MOST_PREVIEWED = 20


class NewPreview(Given):
    """Ask sources ahead what the strategies of a draft would bring, over the dates that it has; the draft need not be
    the review's protocol yet. What is searched by hand is asked of nobody."""

    strategies: Annotated[list[Planned], Field(min_length=1, max_length=100)]
    search_from: Annotated[date, Field(strict=False)] | None = None
    published_after: Annotated[date, Field(strict=False)] | None = None


class PreviewedString(BaseModel):
    """What one string would bring: the source's own count (`reported`) and the first titles, what the source said of
    it, or why there is no answer (`error`, of which `failed` is the kind). Until it is `answered` it waits."""

    strategy: str
    source: str
    asked: str
    answered: bool
    reported: int | None
    titles: list[str]
    remarks: list[str]
    error: str | None
    failed: str | None


class PreviewView(BaseModel):
    """What the strings of a draft would bring of what was published in these days, both included. It is `done` once all
    are answered, and kept until `kept_until`."""

    id: str
    review: str
    since: date
    until: date
    strings: list[PreviewedString]
    done: bool
    asked_by: str
    asked_at: datetime
    kept_until: datetime


class NewReparse(Given):
    """Read kept answers of a review again: all of them, those of a source or of a run, or with `rejected` those that
    have items which are no records yet."""

    source: Short | None = None
    run: Short | None = None
    rejected: bool = False


class ReparseView(BaseModel):
    """Kept answers that are read again, and what has come of it so far; `pages` counts pages of runs.

    Of the records that the answers hold, `new`, `merged` and `updated` changed the review; `older` are those of which a
    newer answer was read before. `rejected` counts items that were no rejections before, `resolved` those that are
    none any more, `lost` answers that are kept no more.
    """

    reparse: str
    source: str | None
    run: str | None
    rejected_only: bool
    state: ReparseState
    pages: int
    answers: int
    lost: int
    new: int
    merged: int
    updated: int
    unchanged: int
    older: int
    rejected: int
    resolved: int
    left: int
    error: str | None
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class RawAnswerView(BaseModel):
    """An answer of a source as it came: what was asked (without keys and addresses of persons), and when by the
    machine's clock; SHA-256 (hex) and size in bytes of its body. It was taken in with `page`, counted from 0.
    """

    number: int
    page: int
    asked: str
    status: int
    content_type: str
    fetched_at: datetime
    sha256: str
    size: int


class RecordSummary(BaseModel):
    """A canonical record in a list. An absorbed record names its survivor in `merged_into`."""

    record: str
    revision: int
    title: str | None
    authors: list[str]
    venue: str | None
    published: PartialDate | None
    identifiers: Identifiers
    sources: list[str]
    merged_into: str | None


class SourceRecordView(BaseModel):
    """One source's own record, as it was when last seen; `because` says why it belongs to this record. `seen_in` is the
    first run of the last walk that met it."""

    source: str
    source_id: str
    run: str
    seen_in: str
    because: list[str]
    content: dict[str, Any]


class MergeView(BaseModel):
    """A record that turned out to be this one, with the evidence."""

    absorbed: str
    into: str
    evidence: list[str]
    run: str | None
    merged_by: str
    merged_at: datetime


class SplitView(BaseModel):
    """A record that was parted from another one (`out_of`), with the evidence."""

    record: str
    out_of: str
    evidence: list[str]
    run: str | None
    split_by: str
    split_at: datetime


class RelationView(BaseModel):
    """Another record that hangs together with this one and is not it: `kind` is how, such as preprint or erratum."""

    record: str
    title: str | None
    kind: str
    evidence: list[str]
    found_at: datetime


class NoticeView(BaseModel):
    """A retraction, correction or the like: who said so, whether it still stands, whether it is an exercise."""

    notice: str
    record: str | None
    kind: NoticeKind
    reason: str
    source: str
    drill: bool
    stands: bool
    given_by: str
    given_at: datetime
    told_at: datetime | None


class OpenCopyView(BaseModel):
    """An address, of others' making, at which a work can be read by anybody: `pdf` and `page` are what `url` leads to,
    where that is known.

    `licence` is as whoever told of it writes it (`cc-by`); without one the text may be read, and no more is granted.
    `version` is published, accepted or submitted, `host` publisher or repository.
    """

    url: str
    pdf: str | None
    page: str | None
    licence: str | None
    version: str | None
    host: str | None


class OpenCopiesView(BaseModel):
    """Where the work with a DOI was open when that was `answered_at` last, the best copy first; it may be closed since.

    `found` is none before the first answer. `trouble` is why it was asked in vain since, or always; it is asked again
    when it is `retry_at`. `openness` is how it is open (gold, green ...), `remarks` what of the answer is of no use.
    """

    doi: str
    found: Availability | None
    openness: str | None
    copies: list[OpenCopyView]
    remarks: list[str]
    answered_at: datetime | None
    trouble: str | None
    retry_at: datetime | None


class RecordCopiesView(BaseModel):
    """A record that passed a stage, and where it is open; None for one that was not asked for, as it has no DOI or its
    turn is to come."""

    record: str
    title: str | None
    doi: str | None
    open_copies: OpenCopiesView | None


class CopyCounts(BaseModel):
    """Of the records that passed a stage and are not excluded, how many are open, closed, of no known DOI, not asked
    for yet, and without a DOI to ask by. `troubled` were asked for in vain last; `trouble` is why, of one of them.
    `asks` is whether anybody is asked at all: the platform must have a contact for that."""

    open: int
    closed: int
    unknown: int
    not_asked: int
    without_doi: int
    troubled: int
    trouble: str | None
    asks: bool = True


class RecordView(BaseModel):
    """A canonical record with all it stands on; its `bibliography` says which source gave each field.

    `strikes` are what its source records say of other works, being notices of them; one without a `record` waits for
    its work, or names none that is found. `additions` are what people added of it. `open_copies` is where it can be
    read by anybody, by each of its DOIs of which that was asked. `statements` are decisions of before that files state
    of it, the first hundred, for leads alone: they would lead whoever has yet to decide.
    """

    record: str
    revision: int
    bibliography: Bibliography
    run: str
    discovered_at: datetime
    merged_into: str | None
    source_records: list[SourceRecordView]
    merges: list[MergeView]
    splits: list[SplitView] = []
    corrections: list[CorrectionView] = []
    additions: list[AdditionView] = []
    relations: list[RelationView] = []
    notices: list[NoticeView]
    strikes: list[NoticeView] = []
    statements: list[StatementView] = []
    open_copies: list[OpenCopiesView] = []


class NewText(Given):
    """A copy of a record's report, which was uploaded.

    `name` is what the file is called, `licence` as it says so itself, by name or address; without one nobody knows it.
    `licence_class` is what that lets people do, where the licence is none of the known ones. `readers` are as its class
    has it unless said.
    """

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: Line
    licence: Annotated[Line, Field(max_length=300)] | None = None
    licence_class: LicenceClass | None = None
    readers: TextReaders | None = None
    version: TextVersion = "unknown"
    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://[!-~]+$")] | None = None


class ParseView(BaseModel):
    """What came of parsing a copy: its passages and the hash of their text; or `why` it has none, and what that
    means."""

    parse: str
    parser: str
    state: Literal["parsed", "unparsed"]
    sha256: str | None
    paragraphs: int
    why: Unparsed | None
    reason: str | None
    parsed_at: datetime


class TextView(BaseModel):
    """A copy of a record's report: its kind as its bytes show it, where it is from, what its licence lets people do,
    and who may read it. One that was withdrawn is kept no more.

    `parse` is what came of parsing it, none before that is done. Of a closed copy quotes of at most `quotable_words`
    may be shown to whoever may not read it.
    """

    text: str
    record: str
    sha256: str
    size: int
    kind: TextKind
    name: str
    version: TextVersion
    source: TextSource
    url: str | None
    licence: str | None
    licence_class: LicenceClass
    readers: TextReaders
    quotable_words: int = 0
    parse: ParseView | None = None
    added_by: str
    added_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_why: str | None


class RetrievalView(BaseModel):
    """Whether the full text of a record's report is sought, retrieved or not: since when, by whose doing, and why.

    While it is sought, `tries` counts looks at addresses that failed, `trouble` says how the last one did, and
    `retry_at` when the next is; none where it rests until another address is known or somebody asks.
    """

    record: str
    title: str | None
    state: RetrievalState
    since: datetime
    by: str
    reason: str | None
    tries: int
    trouble: str | None
    retry_at: datetime | None


class RecordTexts(BaseModel):
    """The copies of a record's report, the oldest first, those that were withdrawn among them; and whether one is
    sought, which is none where nobody ever asked."""

    record: str
    retrieval: RetrievalView | None
    texts: list[TextView]


class NewRetrieval(Given):
    """That a report's text cannot be had, and why; or that it is to be sought (again)."""

    state: Literal["sought", "not_retrieved"]
    reason: Reason


class TextWithdrawal(Given):
    """Why a copy is taken back."""

    reason: Reason


class PassageView(BaseModel):
    """A heading or a paragraph of a copy. Offsets count characters of its whole text, `locator` names it in its parse,
    and `section` the headings that it stands under."""

    number: int
    kind: PassageKind
    locator: str
    section: str | None
    page: int | None
    last_page: int | None
    start: int
    end: int
    words: str


class NewQuote(Given):
    """Words that a copy says, to be anchored in it. Where it says them more than once, what stands before or behind
    them, or the passage that they are in, tells which are meant."""

    exact: Prose
    prefix: Short | None = None
    suffix: Short | None = None
    locator: Line | None = None


class QuotedSpan(BaseModel):
    """Where a copy says something: for whoever may read it, also in which words."""

    locator: str
    page: int | None
    start: int
    end: int
    exact: str
    prefix: str
    suffix: str


class TextQuoteSelector(BaseModel):
    """A quote as W3C's Web Annotation Data Model selects it."""

    type: Literal["TextQuoteSelector"] = "TextQuoteSelector"
    exact: str
    prefix: str
    suffix: str


class TextPositionSelector(BaseModel):
    """The same by its characters, in the text of that hash."""

    type: Literal["TextPositionSelector"] = "TextPositionSelector"
    start: int
    end: int


class AnchorView(BaseModel):
    """A quote that stands in a copy, or that is lost since it was parsed anew (`why`).

    `quote` is for whoever may read the copy; others see where it stands and a salted hash of it, and its words where
    the copy is open or has that few (`exact`).
    """

    anchor: str
    text: str
    record: str
    state: AnchorState
    why: str | None
    parse_sha256: str
    locator: str
    page: int | None
    position: TextPositionSelector
    quote: TextQuoteSelector | None
    exact: str | None
    quote_sha256: str
    salt: str
    words: int
    closed: bool
    made_by: str
    made_at: datetime


class AnchoredQuote(BaseModel):
    """An anchor, and the receipt that proves to other services that its quote was verified."""

    anchor: AnchorView
    receipt: str


class EvaluatedProposer(BaseModel):
    """How what a version of a proposer proposes stands to what people coded in the review: of their `links`, in so many
    `reports`, it `found` some; of what it `proposed` so much was `right`. Shares are with their 95 % intervals, as
    share, low and high. `dropped` was no proposal, or its quote is not in its copy; `asked_tokens` and
    `answered_tokens` are what a model counted. It is `enough` from so many links on (`least_links`)."""

    evaluation: str
    proposer: str
    version: str
    model: str | None
    prompt: str | None
    protocol_version: int
    state: ProposingState
    reports: int
    links: int
    found: int
    proposed: int
    right: int
    dropped: int
    sensitivity: list[float] | None
    precision: list[float] | None
    least_links: int
    enough: bool
    asked_tokens: int
    answered_tokens: int
    trouble: str | None
    asked_by: str
    asked_at: datetime
    done_at: datetime | None


class ProposerView(BaseModel):
    """What proposes codings, in its version of today. `on` is that coders are shown what it proposes; `evaluation` is
    the newest of that version. What `goes_out` is sent to another's server, which closed copies never are."""

    proposer: str
    version: str
    model: str | None
    prompt: str | None
    goes_out: bool
    on: bool
    evaluation: EvaluatedProposer | None


class NewProposerSwitch(Given):
    """Whether coders are shown what a proposer proposes, and why."""

    on: bool
    why: Reason


class ProposedCodingView(BaseModel):
    """That some words of a copy speak to an element of a CMOC, as a proposer says, and why: nothing of it counts before
    somebody accepts it. `taken` is that whoever asks took it up: what came of that is among what they coded, if
    anything did."""

    proposal: str
    text: str
    proposer: str
    version: str
    locator: str
    page: int | None
    exact: str
    cmoc: str
    element: Element
    stance: Stance
    why: str
    taken: bool = False


class ProposedReading(BaseModel):
    """That a proposer was asked to read a copy, and how far that is."""

    proposer: str
    version: str
    state: ProposingState
    proposals: int
    dropped: int
    trouble: str | None


class ProposedReadings(BaseModel):
    """What came of asking proposers to read a copy; of those alone that are switched on."""

    text: str
    readings: list[ProposedReading]


class RefusedCoding(BaseModel):
    """That whoever asked is not shown a proposal any more."""

    proposal: str


class NewQuotableWords(Given):
    """Of how many words quotes of a closed copy may be shown to whoever may not read it, and why."""

    words: Annotated[int, Field(ge=0, le=100), WHOLE]
    reason: Reason


class RetrievalCounts(BaseModel):
    """Of how many records the full text is sought, retrieved, or cannot be had; `resting` of those that are sought are
    looked for no more by itself. `fetches` is whether copies are fetched from where they are open."""

    sought: int
    retrieved: int
    not_retrieved: int
    resting: int
    fetches: bool


class DuplicateView(BaseModel):
    """Two records that might be one, with what was weighed, and which of it speaks for that and which against it; the
    first is the older."""

    duplicate: str
    first: RecordSummary
    second: RecordSummary
    state: PairState
    evidence: list[str]
    speaks_for: list[str] = []
    speaks_against: list[str] = []
    opened_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class DuplicateVerdict(Given):
    """What a person decided about a pair, and why."""

    verdict: PairVerdict
    reason: Reason


class NewMerge(Given):
    """That another record is this one, and why."""

    other: Line
    reason: Reason


class NewSplit(Given):
    """What to part from a record, and why: source records (`source:id`), or a record that was absorbed in it."""

    source_records: list[Line] = Field(default=[], max_length=1000)
    absorbed: Line | None = None
    reason: Reason


class NewSeparation(Given):
    """That another record is not this one whatever comes, and why."""

    other: Line
    reason: Reason


class Undoing(Given):
    """Why a ruling is taken back."""

    reason: Reason


#: What of a record's description a person may correct; what it is called elsewhere decides what it is one with, and is
#: ruled about instead.
CorrectableField = Literal[
    "title", "abstract", "authors", "editors", "venue", "volume", "issue", "pages", "article_number", "published",
    "kind", "language", "publisher", "keywords",
]  # fmt: skip


class NewCorrection(Given):
    """What a field of a record's description should be: a list for `authors`, `editors` and `keywords`, else text;
    none where what its sources say is no such thing."""

    field: CorrectableField
    value: Corrected | Annotated[list[Line], Field(max_length=1_000)] | None
    reason: Reason


class CorrectionView(BaseModel):
    """A field of a description as a person corrected it, which outranks every source until it is undone, or
    corrected again. It goes with the source record that it was made to, whatever record that is in."""

    correction: str
    source_record: str
    field: CorrectableField
    value: str | list[str] | None
    reason: str
    corrected_by: str
    corrected_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undone_why: str | None


class RulingView(BaseModel):
    """What a person decided about source records (`source:id`), which holds whatever records they are in later. Of a
    `same` all are one; of an `apart` none of `one` is with any of `other`; of a `split` both sides are one each, too.
    `records` are those that they are in now, `titles` theirs in that order. A newer ruling outranks an older one, and
    one that was undone counts no more."""

    ruling: str
    kind: RulingKind
    one: list[str]
    other: list[str]
    records: list[str]
    titles: list[str | None] = []
    reason: str
    decided_by: str
    decided_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undone_why: str | None


class NewNotice(Given):
    """A notice that a person gives; `drill` marks an exercise."""

    kind: NoticeKind
    reason: Reason
    drill: bool = False


class QuotaView(BaseModel):
    """What a source was asked on a day (UTC), for all reviews together, and what it said of our budget.

    `requests` are answers, of whatever status; `refusals`, how often it ended a walk by asking to be left alone for
    long. `limit` and `remaining` are in its own unit; `cost_usd` is of the last answer, `spent_usd` of all of the day
    that said what they cost. `reset` is as it said it when it was `heard_at`, and `said` are its headers.
    """

    source: str
    day: date
    requests: int
    refusals: int
    limit: float | None
    remaining: float | None
    limit_usd: float | None
    remaining_usd: float | None
    cost_usd: float | None
    spent_usd: float
    reset: str | None
    said: dict[str, str]
    heard_at: datetime


class ParkedView(BaseModel):
    """A source that asked to be left alone for long: nothing asks it `until` then, for whatever review."""

    source: str
    since: datetime
    until: datetime
    why: str


class CitationView(BaseModel):
    """That an included report cites a record (`backward`) or is cited by it (`forward`), as a source has it.

    `standing` is where the report stands now: a link stays when it is included no more; `record_standing` is where the
    record does. `run` found the link first.
    """

    record: str
    title: str | None
    source: str
    source_id: str
    direction: Direction
    report: str
    report_title: str | None
    standing: Standing
    record_standing: Standing
    run: str


class IngestStatus(BaseModel):
    """Where a review's literature stands; `sweeps` are the watches over what sources change, `chases` those over the
    citations of included reports, `manual` the strategies that people search by hand, `parked` those of its sources
    that are left alone for now, `open_copies` how much of what passed a stage anybody can read, `retrievals` of how
    much of it the full text is here."""

    review: str
    protocol_version: int
    records: int
    source_records: int
    open_duplicates: int
    watches: list[WatchView]
    sweeps: list[WatchView]
    chases: list[WatchView] = []
    manual: list[ManualView] = []
    parked: list[ParkedView] = []
    open_copies: CopyCounts | None = None
    retrievals: RetrievalCounts | None = None


class Share(BaseModel):
    """How many records a source or a strategy brought, and of how many it was the only one to: these would be lost
    without it. `included` are those that passed the last stage; `passed` counts each at the stage that it passed last.
    """

    name: str
    source: str
    records: int
    only: int
    included: int
    only_included: int
    passed: dict[str, int]
    only_passed: dict[str, int]


class Coverage(BaseModel):
    """Which source and which strategy brought a review's records, those found from `since` to `until`, both included.

    A strategy that searches several sources is one of each. Records of before this was kept are counted for the
    strategy that brought them first.
    """

    review: str
    since: date | None
    until: date | None
    records: int
    included: int
    sources: list[Share]
    strategies: list[Share]
