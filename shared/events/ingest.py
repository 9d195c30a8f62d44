"""The events of ingest: what was found, where, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from operator import not_
from typing import Literal

from pydantic import Field

from shared.events.base import Event, Value
from shared.events.bounds import Abstract, Authors, Count, Id, Keywords, Title, Venue
from shared.events.values import Identifiers, PartialDate

#: What can happen to a published report after it appeared (Crossref update types, plus reinstatement).
NoticeKind = Literal[
    "correction",
    "expression_of_concern",
    "partial_retraction",
    "retraction",
    "withdrawal",
    "replacement",
    "reinstatement",
]


class SourceRef(Value):
    """One source's own record of the work, and the run that brought it: a chase of citations where it is
    `by_citations`."""

    source: Id
    id: Id
    run: Id
    by_citations: bool = Field(default=False, exclude_if=not_)


class Bibliography(Value):
    """The canonical description of a record; `provenance` says which source gave each field (`source:id`).

    `other_titles` are further forms of its title: in another language, without its subtitle, an earlier one. `keywords`
    are those of its authors and of its indexers (MeSH and the like), as all its sources have them. `restricted` says
    that more is known of it, which is shown to its review's people alone and never leaves ingest.
    """

    title: Title | None = None
    other_titles: list[Title] = Field(default=[], exclude_if=not_)
    abstract: Abstract | None = None
    keywords: Keywords = Field(default=[], exclude_if=not_)
    authors: Authors = []
    editors: Authors = Field(default=[], exclude_if=not_)
    venue: Venue | None = None
    volume: Id | None = Field(default=None, exclude_if=not_)
    issue: Id | None = Field(default=None, exclude_if=not_)
    pages: Id | None = Field(default=None, exclude_if=not_)
    article_number: Id | None = Field(default=None, exclude_if=not_)
    issns: list[Id] = Field(default=[], exclude_if=not_)
    isbns: list[Id] = Field(default=[], exclude_if=not_)
    publisher: Venue | None = Field(default=None, exclude_if=not_)
    urls: list[Venue] = Field(default=[], exclude_if=not_)
    published: PartialDate | None = None
    kind: Id | None = None
    language: Id | None = None
    identifiers: Identifiers = Identifiers()
    sources: list[SourceRef] = []
    provenance: dict[str, str] = {}
    restricted: bool = Field(default=False, exclude_if=not_)


class RecordDiscovered(Event, type="ingest.record.discovered", key="record"):
    """A canonical record entered a review for the first time.

    Carries all that screening and search need, so that neither asks ingest back. `revision` counts the
    record's changes from 1; a reader that has seen a higher one may skip this. `by_citations` says that a chase of
    citations brought it, and no search.
    """

    record: Id
    revision: Count
    run: Id
    bibliography: Bibliography
    by_citations: bool = Field(default=False, exclude_if=not_)


class RecordUpdated(Event, type="ingest.record.updated", key="record"):
    """A record's description changed: another source brought it too, a source mended it, or another record was parted
    from it. `lost_notices` were told of it before and are that other record's now."""

    record: Id
    revision: Count
    run: Id
    bibliography: Bibliography
    changed: list[str]
    lost_notices: list[Id] = Field(default=[], exclude_if=not_)


class RecordMerged(Event, type="ingest.record.merged", key="record"):
    """A record turned out to be another one: `record` is gone and lives on in `into`."""

    record: Id
    revision: Count
    into: Id
    evidence: list[str]


class RecordNoticed(Event, type="ingest.record.noticed", key="record"):
    """A retraction, correction or reinstatement of a record's report. `drill` marks an exercise."""

    record: Id
    notice: Id
    kind: NoticeKind
    reason: str
    source: Id
    drill: bool = False


class RecordCorrected(Event, type="ingest.record.corrected", key="record"):
    """A person said what a field of a record's description is, or took that back; `RecordUpdated` tells the description
    that it has since, where that is another."""

    record: Id
    correction: Id
    field: Id
    reason: str
    undone: bool = False


class DecisionStated(Event, type="ingest.decision.stated", key="record", topic="ingest.records"):
    """A file states that somebody decided something about a record before: they gave an `answer` at a `stage`. It is
    nobody's vote, and nothing is decided by it until a lead says so.

    `said` is the value of the `column` as the file has it, which a lead's mapping makes that answer; neither is there
    where one answer is of the whole file. `by` and `reason` are as the file has them. It is of the source record
    (`source`, `source_id`), with which it goes to another record. `line` is where that begins in the file with the hash
    `file_sha256`; `brought_by` is who brought that and its mapping, as `imported`.
    """

    record: Id
    statement: Id
    source: Id
    source_id: Id
    stage: Id
    answer: Id
    column: str | None = None
    said: str | None = None
    by: Id | None = None
    reason: str | None = None
    imported: Id
    file_sha256: Id
    line: Count
    mapping_sha256: Id
    brought_by: Id


class RecordAdded(Event, type="ingest.record.added", key="record"):
    """A person added what no search brought: `kind` is what it is (a paper, grey literature, a policy, an account),
    `how` it was found (website, organisation, citation_search, contact, expert, hand_search, other).

    Of one that is `restricted` it is not told `where` it was found and `why` it was added; `consent` says that it was
    noted what whoever gave it consented to, and never to what.
    """

    record: Id
    addition: Id
    source: Id
    kind: Id
    how: Id
    where: str | None = None
    why: str | None = None
    restricted: bool = False
    consent: bool = False


class RunCounts(Value):
    """Where every item of a run went: found = new + merged + updated + unchanged + rejected. Beside them are those
    `outside` of a strategy that its source could only be asked for more widely."""

    found: Count = 0
    new: Count = 0
    merged: Count = 0
    updated: Count = 0
    unchanged: Count = 0
    rejected: Count = 0
    maybe_duplicate: Count = 0
    outside: Count = Field(default=0, exclude_if=lambda outside: not outside)


class RunFinished(Event, type="ingest.run.finished", key="review"):
    """One pull of one source's strategy ended; `complete` is false when it stopped early, with its `error`."""

    run: Id
    watch: Id
    source: Id
    query: str
    protocol_version: Count
    window_from: date
    searched_through: date
    counts: RunCounts
    reported: Count | None = None
    complete: bool = True
    error: str | None = None
    missing: list[Id] = Field(default=[], exclude_if=lambda missing: not missing)
    #: How many active watches of this source the review has that failed last, once this run is over.
    still_failing: Count | None = Field(default=None, exclude_if=lambda count: count is None)


class SweepFinished(Event, type="ingest.sweep.finished", key="review"):
    """A look at what one source has changed since a day about the records that a review has of it came to its end;
    `complete` is false when it stopped early, with its `error`. Its counts are of what was changed."""

    run: Id
    watch: Id
    source: Id
    since: date
    counts: RunCounts
    complete: bool = True
    error: str | None = None
    missing: list[Id] = []
    #: As in `RunFinished`.
    still_failing: Count | None = Field(default=None, exclude_if=lambda count: count is None)


class LackAccepted(Event, type="ingest.lack.accepted", key="review", topic="ingest.runs"):
    """A lead accepts that the runs of a watch lack so many works, as its `run` does, and of those that its source lists
    none but the `missing`. `lack` is 0 where that is taken back."""

    watch: Id
    source: Id
    lack: Count
    reason: str
    run: Id | None = None
    missing: list[Id] = []


class WatchStopped(Event, type="ingest.watch.stopped", key="review", topic="ingest.runs"):
    """A watch is pulled no more: its protocol has its strategy no more (`retired`), or a lead paused it (`paused`).

    What was wrong with it is nobody's trouble any more. Told again when a run that was under way then is over.
    """

    watch: Id
    source: Id
    state: Literal["paused", "retired"]
    #: How many active watches of this source the review has that failed last, or wait since it is left alone.
    still_failing: Count


class FileImported(Event, type="ingest.file.imported", key="review", topic="ingest.runs"):
    """The records of a file that somebody brought were taken in; `complete` is false where the file could not be read
    to its end, or holds another number of records than its database `reported`, with its `error`.

    `source` is `import:` and its `database`; `query` the exact string that was searched for, `searched_on` when.
    """

    run: Id
    watch: Id
    source: Id
    database: Id
    name: str
    sha256: Id
    format: Id
    dialect: Id | None = None
    query: str | None = None
    searched_on: date | None = None
    reported: Count | None = None
    entries: Count
    counts: RunCounts
    complete: bool = True
    error: str | None = None


class SearchDue(Event, type="ingest.search.due", key="review", topic="ingest.runs"):
    """A search that people make by hand is due; told once for each due day, and once more when that has passed
    (`overdue`).

    `query` is the exact string that is planned, where there is one; `owner` the person who is to make it, None where
    the leads are.
    """

    watch: Id
    strategy: Id
    database: Id
    query: str | None
    due: date
    overdue: bool
    owner: Id | None


class SearchFulfilled(Event, type="ingest.search.fulfilled", key="review", topic="ingest.runs"):
    """A search that people make by hand was made: its files were brought and add up (`imported`), or a person signed
    that it found nothing new (`nothing_new`), in a statement with this SHA-256.

    `query` is the exact string that was searched for, `planned` that of the protocol where it is another. `entries` are
    the records of its `files` (SHA-256 each), of as many as the database `reported`; a lead accepted that so many
    `lack`. `question` is what the strategy asked then (`Protocol.question_of`), `due` the day on which it was due.
    """

    search: Id
    watch: Id
    strategy: Id
    source: Id
    database: Id
    question: Id
    protocol_version: Count
    query: str
    planned: str | None
    searched_on: date
    due: date
    how: Literal["imported", "nothing_new"]
    reported: Count | None
    entries: Count
    lack: Count = 0
    reason: str | None = None
    by: Id
    statement_sha256: Id | None = None
    files: list[Id] = []


class SourceDrifted(Event, type="ingest.source.drifted", key="review"):
    """A source answered in a form its documentation does not have, and the run that saw it is incomplete; or hardly any
    of its records has a field that they used to have, as `detail` says."""

    source: Id
    run: Id
    detail: str


class SourceParked(Event, type="ingest.source.parked", key="review", topic="ingest.runs"):
    """A source asks to be left alone for long, mostly since a day's budget is used up: nothing asks it `until` then.

    Told to each review of which a watch over it is due before; all go on by themselves.
    """

    source: Id
    until: datetime
    why: str


class RecordSplit(Event, type="ingest.record.split", key="record"):
    """A record was parted from another one, `out_of`: it comes to be, or had been merged and is back, with all records
    that had been merged into it (`brings`).

    Carries all that `RecordDiscovered` does, for those who have not heard of it. What was done with it before it was
    merged is its own again; what was done since then stays with the other one. `by_citations` as there.
    """

    record: Id
    out_of: Id
    revision: Count
    run: Id
    bibliography: Bibliography
    evidence: list[str]
    brings: list[Id] = Field(default=[], exclude_if=not_)
    by_citations: bool = Field(default=False, exclude_if=not_)


class RecordRelated(Event, type="ingest.record.related", key="record"):
    """Two records hang together and are not one: `kind` is how, such as preprint, protocol, update, erratum, comment,
    abstract or part. `record` is the older; where it does not `hold` any more that was said before."""

    record: Id
    other: Id
    kind: Id
    evidence: list[str]
    holds: bool = True


class SourceResumed(Event, type="ingest.source.resumed", key="review", topic="ingest.runs"):
    """A source that was left alone answers again, of which no run tells: that is of where texts are open."""

    source: Id


class TextSought(Event, type="ingest.text.sought", key="record", topic="ingest.records"):
    """The full text of a record's report is looked for: its record passed a stage, somebody asks for it (`reason`), or
    the only copy is a copy of it no more."""

    record: Id
    reason: str | None = None


class TextRetrieved(Event, type="ingest.text.retrieved", key="record", topic="ingest.records"):
    """A copy of a record's report is kept, by its SHA-256: the first, another, or one that came with another record.

    `licence` is as its source says it, `licence_class` what that lets people do, `readers` who of the review may read
    it. What it says, and what its file is called, no event carries.
    """

    record: Id
    text: Id
    sha256: Id
    size: int
    kind: Literal["pdf", "jats", "html", "txt"]
    text_version: Literal["published", "accepted", "submitted", "unknown"]
    source: Literal["unpaywall", "europepmc", "pmc", "person"]
    licence: Id | None = None
    licence_class: Literal["open", "open_noncommercial_or_noderivs", "unknown", "closed"]
    readers: Literal["members", "reviewers", "leads"]


class TextNotRetrieved(Event, type="ingest.text.not_retrieved", key="record", topic="ingest.records"):
    """Somebody says that the full text of a record's report cannot be had, and why."""

    record: Id
    reason: str


class TextWithdrawn(Event, type="ingest.text.withdrawn", key="record", topic="ingest.records"):
    """A copy is one of a record's report no more: somebody took it back, or it went with another record. `left` are how
    many copies it has; with none of them it is sought again."""

    record: Id
    text: Id
    sha256: Id
    reason: str
    left: Count


class TextParsed(Event, type="ingest.text.parsed", key="record", topic="ingest.records"):
    """A copy of a record's report was parsed to passages, by their parser and the SHA-256 of their text; or it cannot
    be, and `why`. What it says no event carries."""

    record: Id
    text: Id
    parse: Id
    parser: Id
    sha256: Id | None = None
    paragraphs: Count
    state: Literal["parsed", "unparsed"]
    why: (
        Literal[
            "no_text_layer",
            "encrypted",
            "too_many_pages",
            "too_large",
            "bomb",
            "timed_out",
            "damaged",
            "metadata_only",
        ]
        | None
    ) = None


class AnchorFound(Event, type="ingest.anchor.found", key="record", topic="ingest.records"):
    """A quote of a copy that was parsed anew stands in that parse, too, at its own characters there. `was_lost` where
    it did not stand in the one before."""

    record: Id
    text: Id
    anchor: Id
    parse_sha256: Id
    locator: Id
    start: Count
    end: Count
    was_lost: bool


class AnchorLost(Event, type="ingest.anchor.lost", key="record", topic="ingest.records"):
    """A quote of a copy does not stand there any more: the copy was parsed anew and says it nowhere or more than once,
    or it was withdrawn."""

    record: Id
    text: Id
    anchor: Id
    why: str


class ProposerEvaluated(Event, type="ingest.proposer.evaluated", key="review", topic="ingest.runs"):
    """What proposes codings was held against what people coded in this review: of their `links` in so many `reports`
    it `found` some, and of what it `proposed` so much was `right`, each as a share with its 95 % interval (Wilson),
    None of nothing. `dropped` had a quote that its copy does not say, or was no proposal. It may be switched on where
    there was `enough`."""

    evaluation: Id
    proposer: Id
    proposer_version: Id
    model: Id | None
    prompt: Id | None
    protocol_version: Count
    reports: Count
    links: Count
    found: Count
    proposed: Count
    right: Count
    dropped: Count
    sensitivity: list[float] | None
    precision: list[float] | None
    enough: bool


class ProposerSwitched(Event, type="ingest.proposer.switched", key="review", topic="ingest.runs"):
    """A lead had proposals of codings be shown to coders, or be shown no more (`on`), as one version was evaluated."""

    proposer: Id
    proposer_version: Id
    evaluation: Id | None
    on: bool
    why: str
    by: Id
