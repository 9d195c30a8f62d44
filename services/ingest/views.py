"""Views: rows of ingest as people see them, with what belongs to them, fetched for a page at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from services.ingest import store
from services.ingest.domain import copies, licences, proposing, quotas
from services.ingest.domain.automations import AUTOMATIONS
from services.ingest.domain.clusters import PairStates
from services.ingest.domain.evidence import speaks
from services.ingest.domain.passages import REASONS, Parse
from services.ingest.domain.proposing import ProposingStates
from services.ingest.domain.reading import is_shown, may_read
from services.ingest.domain.searching import Found, lacks, standing_of
from services.ingest.domain.texts import RetrievalStates
from services.ingest.domain.watching import RunStates, SearchStates, WatchStates
from services.ingest.models import (
    AdditionRow,
    AnchorRow,
    CitationRow,
    CorrectionRow,
    DuplicateRow,
    EvaluationRow,
    ExportRow,
    ImportRow,
    NoticeRow,
    OpenCopiesRow,
    ParseRow,
    PreviewRow,
    ProposedCodingRow,
    ProposedReadingRow,
    QuotaRow,
    RecordRow,
    RejectionRow,
    ReparseRow,
    RetrievalRow,
    RulingRow,
    RunRow,
    SearchRow,
    SourceRecordRow,
    StatementRow,
    TextRow,
    WatchRow,
)
from services.ingest.ports.libraries.catalog import lacks_of
from services.ingest.ports.proposers.open import identities
from services.ingest.ports.proposers.port import Identity
from shared.db.work import Work
from shared.events.ingest import AnchorFound, AnchorLost, Bibliography, DecisionStated, RunCounts
from shared.events.protocol import FILES
from shared.paging import Page, PageAsked, cut, of_another, with_one_more
from shared.service import HIDDEN
from shared.tokens import Person
from shared.wire.common import AutomationView
from shared.wire.ingest import (
    Added,
    AddedView,
    AdditionText,
    AdditionView,
    AnchorView,
    CitationView,
    CopyCounts,
    CorrectionView,
    DuplicateView,
    EvaluatedProposer,
    ExportView,
    HeldBack,
    ImportView,
    ManualView,
    MergeView,
    NoticeView,
    OpenCopiesView,
    OpenCopyView,
    ParkedView,
    ParseView,
    PassageView,
    PreviewedString,
    PreviewView,
    ProposedCodingView,
    ProposedReading,
    ProposedReadings,
    ProposerView,
    QuestionView,
    QuotaView,
    RecordCopiesView,
    RecordSummary,
    RecordTexts,
    RecordView,
    RejectionView,
    RelationView,
    ReparseView,
    RetrievalCounts,
    RetrievalView,
    RulingView,
    RunView,
    SearchView,
    SourceRecordView,
    SplitView,
    StatementView,
    TextPositionSelector,
    TextQuoteSelector,
    TextView,
    WatchView,
)

#: How long a watch may be due before it is late: it is asked within seconds where all is well.
_LATE = timedelta(hours=1)


def watch_views(work: Work, rows: Iterable[WatchRow]) -> list[WatchView]:
    rows = list(rows)
    runs = store.last_runs(work, [row.id for row in rows])
    return [
        WatchView(
            watch=row.id,
            **row.model_dump(),
            last_run=run_view(last) if last else None,
            late=_is_late(row, last, work.now),
        )
        for row, last in ((row, runs.get(row.id)) for row in rows)
    ]


def _is_late(row: WatchRow, last: RunRow | None, now: datetime) -> bool:
    """Whether a watch has long been due, and nobody asks it."""
    is_asked = last is not None and last.state == RunStates.RUNNING
    return row.state == WatchStates.ACTIVE and row.due_at < now - _LATE and not is_asked


def watch_view(work: Work, row: WatchRow) -> WatchView:
    return watch_views(work, [row])[0]


#: Searches of a manual strategy that its view has; all of them are listed.
_LAST_SEARCHES = 5


def manual_views(work: Work, rows: Collection[WatchRow]) -> list[ManualView]:
    """Strategies that people search by hand, with their last searches."""
    made = search_views(work, store.last_searches(work, [row.id for row in rows], _LAST_SEARCHES))
    return [
        ManualView(
            watch=row.id, strategy=row.strategy, database=row.database or "", source=row.source,
            query=row.query or None, every_days=row.every_days, owner=row.owner,
            standing=standing_of(row.state, row.due_at, work.now), due=row.due_at.astimezone(UTC).date(),
            searched_through=row.searched_through, searches=[one for one in made if one.watch == row.id],
        )
        for row in rows
    ]  # fmt: skip


def search_views(work: Work, rows: Collection[SearchRow]) -> list[SearchView]:
    """Searches that were made by hand, with their files."""
    files = store.files_of(work, [row.id for row in rows])
    return [_search_view(row, [file for file in files if file.search == row.id]) for row in rows]


def _search_view(row: SearchRow, files: Collection[store.File]) -> SearchView:
    found = Found.of(files)
    lack = lacks(row.reported, row.lacking, found) if row.state == SearchStates.OPEN else None
    return SearchView(
        search=row.id, **row.model_dump(), entries=found.entries, imports=[file.imported for file in files], lacks=lack
    )


def quota_view(row: QuotaRow) -> QuotaView:
    figures = asdict(quotas.figures(row.said))
    return QuotaView(**row.model_dump(exclude={"spent"}), **figures, spent_usd=row.spent / 1_000_000)


def parked_views(work: Work, sources: Collection[str] | None = None) -> list[ParkedView]:
    """The sources that are left alone now, or those of them that are among these."""
    rows = store.parked_sources(work, work.now)
    return [ParkedView(**row.model_dump()) for row in rows if sources is None or row.source in sources]


def run_view(row: RunRow) -> RunView:
    return RunView(run=row.id, **row.model_dump(), counts=row.counts)


def rejection_view(row: RejectionRow, person: Person) -> RejectionView:
    """A rejection; how one of a file begins is for leads, since files may hold what was decided of a work."""
    view = RejectionView(rejection=row.id, **row.model_dump())
    if row.source.startswith(FILES) and not person.has("lead"):
        view.excerpt = ""
    return view


def import_views(work: Work, rows: Collection[ImportRow], person: Person) -> list[ImportView]:
    """Imports with the counts and remarks of their runs; one whose file was not opened yet has none. What does not fit
    a mapping is for leads, since it says what was decided."""
    runs = store.runs(work, [row.run for row in rows if row.run is not None])
    return [_import_view(row, runs.get(row.run or ""), person) for row in rows]


def _import_view(row: ImportRow, run: RunRow | None, person: Person) -> ImportView:
    counts, remarks = (run.counts, run.remarks) if run is not None else (RunCounts(), [])
    hidden = {"asked_format", "mapping"} | (set() if person.has("lead") else {"problems"})
    return ImportView(**row.model_dump(exclude=hidden), counts=counts, remarks=remarks)


def statement_views(work: Work, rows: Collection[StatementRow]) -> list[StatementView]:
    """Statements, each with the record that its source record is in now, and what its file is called."""
    names = store.names_of_imports(work, [row.imported for row in rows])
    homes: dict[tuple[str, str, str], str] = {}
    for review in {row.review for row in rows}:
        keys = {(row.source, row.source_id) for row in rows if row.review == review}
        homes |= {(review, *key): record for key, record in store.homes_of(work, review, keys).items()}
    return [
        StatementView(
            statement=row.id, record=homes[row.review, row.source, row.source_id],
            source_record=f"{row.source}:{row.source_id}", name=names[row.imported], **row.model_dump(),
        )
        for row in rows
    ]  # fmt: skip


def hide_statements(work: Work, events: Sequence[dict[str, Any]]) -> None:
    """Takes out of events what files state was decided, and what of a report somebody quotes: either would lead those
    who have yet to decide, or to code. An id is made of the first, and leads to the second."""
    for event in events:
        if event["type"] in (AnchorFound.type, AnchorLost.type):
            event["data"].update(anchor=HIDDEN)
        if event["type"] == AnchorFound.type:
            event["data"].update(locator=HIDDEN, start=None, end=None)
        if event["type"] == DecisionStated.type:
            event["data"].update(statement=HIDDEN, answer=HIDDEN, said=None, by=None, reason=None)


def export_view(work: Work, row: ExportRow) -> ExportView:
    kept_until = row.ended_at + timedelta(days=work.settings.export_days) if row.ended_at else None
    return ExportView(**row.model_dump(), lacks=sorted(lacks_of(row.format)), kept_until=kept_until)


def preview_view(work: Work, row: PreviewRow) -> PreviewView:
    strings = [
        PreviewedString(**one.model_dump(), answered=one.answered_at is not None)
        for one in store.strings_of(work, row.id)
    ]
    kept_until = row.asked_at + timedelta(days=work.settings.preview_days)
    return PreviewView(**row.model_dump(), strings=strings, done=row.ended_at is not None, kept_until=kept_until)


def reparse_view(work: Work, row: ReparseRow) -> ReparseView:
    return ReparseView(reparse=row.id, **row.model_dump(), left=store.count_open_rejections(work, row))


def notice_view(row: NoticeRow) -> NoticeView:
    return NoticeView(notice=row.id, **row.model_dump())


def record_summary(row: RecordRow) -> RecordSummary:
    described = Bibliography.model_validate(row.bibliography)
    return RecordSummary(
        record=row.id,
        revision=row.revision,
        title=described.title,
        authors=described.authors,
        venue=described.venue,
        published=described.published,
        identifiers=described.identifiers,
        sources=[f"{one.source}:{one.id}" for one in described.sources],
        merged_into=row.merged_into,
    )


def record_view(work: Work, row: RecordRow, person: Person) -> RecordView:
    """A record with all that it was made of, what was said of it, and what it says of others; for leads with what files
    state was decided about it."""
    members = store.members_of(work, [row.id])
    return RecordView(
        record=row.id,
        **row.model_dump(),
        source_records=[SourceRecordView(**one.model_dump()) for one in members],
        merges=[MergeView(**one.model_dump()) for one in store.merges_into(work, row.id)],
        splits=[SplitView(**one.model_dump()) for one in store.splits_of(work, row.id)],
        corrections=[
            correction_view(one)
            for one in store.corrections_of(work, row.review, [(each.source, each.source_id) for each in members])
        ],
        additions=addition_views(
            work, store.additions_of(work, row.review, [(each.source, each.source_id) for each in members])
        ),
        relations=_relations(work, row.id),
        notices=[notice_view(one) for one in store.notices_of(work, [row.id])],
        strikes=[
            notice_view(claim)
            for one in members
            for claim in store.claims_of(work, row.review, one.source, [one.source_id])
            if claim.waits_for is not None
        ],
        statements=statement_views(work, store.statements_of(work, row.id)) if person.has("lead") else [],
        open_copies=[copies_view(one) for one in store.open_copies(work, _dois(row, members)).values()],
    )


def added_view(work: Work, row: AdditionRow, what: Added, record: str, *, dry_run: bool) -> AddedView:
    """What became of an addition: why it is in its record, where that was there, and what a lead is asked about that.
    Of a dry run there is nothing to be found later."""
    work.session.flush()
    pairs = [pair for pair in store.pairs_of(work, [record]) if pair.state == PairStates.OPEN]
    others = {pair.id: pair.second if pair.first == record else pair.first for pair in pairs}
    known = store.records(work, others.values())
    members = store.members_of(work, [record]) if what == "merged" else []
    because = [one.because for one in members if (one.source, one.source_id) == (row.source, row.source_id)]
    return AddedView(
        addition=None if dry_run else row.id,
        what=what,
        record=None if dry_run and what == "new" else record,
        evidence=because[0] if because else [],
        questions=[
            QuestionView(record=others[pair.id], title=_title_of(known[others[pair.id]]), evidence=pair.evidence)
            for pair in pairs
        ],
        dry_run=dry_run,
    )


def addition_views(work: Work, rows: Collection[AdditionRow]) -> list[AdditionView]:
    """Additions as everybody of the review may see them, each with the record that it is in now."""
    homes = _homes(work, rows)
    known = store.records(work, homes.values())
    return [AdditionView(**_addition(row, known[homes[row.id]], tells=not row.restricted)) for row in rows]


def addition_text(work: Work, row: AdditionRow) -> AdditionText:
    """An addition as those who screen it may see it."""
    record = store.record_of(work, row.review, _homes(work, [row])[row.id])
    held_back = HeldBack.model_validate(row.held_back) if row.held_back is not None else None
    shown = _addition(row, record, tells=True)
    return AdditionText(**shown, consent=row.consent, held_back=held_back)


def _addition(row: AdditionRow, record: RecordRow, *, tells: bool) -> dict[str, Any]:
    """An addition; where it was found and why it was added only where it `tells` that."""
    kept = {"id", "review", "source", "source_id", "digest", "where", "why", "consent", "held_back"}
    about = row.model_dump(exclude=kept)
    return {
        **about, "addition": row.id, "record": record.id, "source_record": f"{row.source}:{row.source_id}",
        "title": _title_of(record), "where": row.where if tells else None, "why": row.why if tells else None,
        "consented": row.consent is not None,
    }  # fmt: skip


def _homes(work: Work, rows: Collection[AdditionRow]) -> dict[str, str]:
    """The record of each addition."""
    homes: dict[str, str] = {}
    for review in {row.review for row in rows}:
        mine = {row.id: (row.source, row.source_id) for row in rows if row.review == review}
        kept = {(one.source, one.source_id): one.record for one in store.kept(work, review, set(mine.values()))}
        homes |= {addition: kept[key] for addition, key in mine.items()}
    return homes


def _title_of(row: RecordRow) -> str | None:
    return Bibliography.model_validate(row.bibliography).title


def correction_view(row: CorrectionRow) -> CorrectionView:
    about = row.model_dump(exclude={"id", "value"})
    return CorrectionView(correction=row.id, source_record=f"{row.source}:{row.source_id}", value=row.value[0], **about)


def _relations(work: Work, record: str) -> list[RelationView]:
    """The other records that hang together with this one."""
    rows = store.relations_of(work, [record])
    others = [(row, row.second if row.first == record else row.first) for row in rows]
    known = store.records(work, {other for _, other in others})
    return [
        RelationView(
            record=other, title=Bibliography.model_validate(known[other].bibliography).title,
            **row.model_dump(include={"kind", "evidence", "found_at"}),
        )
        for row, other in others
    ]  # fmt: skip


def ruling_view(work: Work, row: RulingRow) -> RulingView:
    return ruling_views(work, [row])[0]


def ruling_views(work: Work, rows: Collection[RulingRow]) -> list[RulingView]:
    """Rulings, each with the records that its source records are in now."""
    about = {row.id: [(source, source_id) for source, source_id in (*row.one, *row.other)] for row in rows}
    homes: dict[str, dict[tuple[str, str], str]] = {}
    for review in {row.review for row in rows}:
        keys = {key for row in rows if row.review == review for key in about[row.id]}
        homes[review] = {(one.source, one.source_id): one.record for one in store.kept(work, review, keys)}
    now = {row.id: sorted({homes[row.review][it] for it in about[row.id] if it in homes[row.review]}) for row in rows}
    known = store.records(work, {record for records in now.values() for record in records})
    return [
        RulingView(
            ruling=row.id, records=now[row.id], titles=[_title_of(known[record]) for record in now[row.id]],
            one=[":".join(key) for key in row.one], other=[":".join(key) for key in row.other],
            **row.model_dump(exclude={"id", "review", "one", "other"}),
        )
        for row in rows
    ]  # fmt: skip


def _dois(row: RecordRow, members: Iterable[SourceRecordRow]) -> list[str]:
    """Every DOI that a record is or was known by, its own first."""
    named = [(one.content.get("identifiers") or {}).get("doi") for one in members]
    return list(dict.fromkeys(doi for doi in (row.doi, *sorted(filter(None, named))) if doi))


def copies_view(row: OpenCopiesRow) -> OpenCopiesView:
    return OpenCopiesView(**row.model_dump(), copies=[OpenCopyView(**one) for one in row.locations])


def record_copies_views(work: Work, rows: list[RecordRow]) -> list[RecordCopiesView]:
    known = store.open_copies(work, {row.doi for row in rows if row.doi})
    return [
        RecordCopiesView(
            record=row.id, title=Bibliography.model_validate(row.bibliography).title, doi=row.doi,
            open_copies=copies_view(known[row.doi]) if row.doi in known else None,
        )
        for row in rows
    ]  # fmt: skip


def copy_counts(work: Work, review: str) -> CopyCounts:
    counted = store.count_copies(work, review)
    answered = {found: sum(each.records for each in counted if each.found == found) for found in copies.FOUND}
    troubled = sum(each.records for each in counted if each.is_troubled)
    return CopyCounts(
        **answered,
        not_asked=sum(each.records for each in counted if each.has_doi and each.found is None),
        without_doi=sum(each.records for each in counted if not each.has_doi),
        troubled=troubled,
        trouble=store.trouble_with_copies(work, review) if troubled else None,
        asks=bool(work.settings.contact),
    )


def text_view(work: Work, row: TextRow) -> TextView:
    return text_views(work, [row])[0]


def text_views(work: Work, rows: Sequence[TextRow]) -> list[TextView]:
    """Copies, each with what came of parsing it."""
    work.session.flush()
    parses = store.parses_of_now(work, [row.id for row in rows])
    return [
        TextView(text=row.id, parse=parse_view(parses[row.id]) if row.id in parses else None, **row.model_dump())
        for row in rows
    ]


def parse_view(row: ParseRow) -> ParseView:
    state: Literal["parsed", "unparsed"] = "parsed" if row.why is None else "unparsed"
    return ParseView(parse=row.id, state=state, reason=REASONS[row.why] if row.why else None, **row.model_dump())


def passages_page(made: str, parse: Parse, asked: PageAsked) -> Page[PassageView]:
    """The passages of a parse, which has this id, that follow those of the page before. Raises Invalid for a position
    that is none, or of another parse."""
    begin = 0
    if asked.after is not None:
        if len(asked.after) != 2 or asked.after[0] != made or type(asked.after[1]) is not int or asked.after[1] < 0:
            raise of_another("parse of this copy")
        begin = asked.after[1] + 1
    some = list(enumerate(parse.passages))[begin : begin + with_one_more(asked.limit)]
    found = cut(some, asked, lambda each: [made, each[0]])
    return found.page(lambda each: PassageView(number=each[0], words=parse.of(each[1]), **asdict(each[1])))


def anchor_view(row: TextRow, anchor: AnchorRow, person: Person) -> AnchorView:
    """A quote of a copy as somebody may see it."""
    quote = None
    exact = anchor.exact if is_shown(row, anchor.words) else None
    if may_read(row, person) and anchor.exact is not None:
        exact = anchor.exact
        quote = TextQuoteSelector(exact=anchor.exact, prefix=anchor.prefix or "", suffix=anchor.suffix or "")
    return AnchorView(
        anchor=anchor.id, record=row.record,
        position=TextPositionSelector(start=anchor.begins, end=anchor.ends),
        quote=quote, exact=exact,
        closed=licences.is_closed(row.licence_class),
        **anchor.model_dump(exclude={"exact", "prefix", "suffix"}),
    )  # fmt: skip


def record_texts(work: Work, row: RecordRow) -> RecordTexts:
    """A record's copies, and whether one is sought."""
    retrieval = store.retrievals(work, [row.id]).get(row.id)
    return RecordTexts(
        record=row.id,
        retrieval=retrieval_views(work, [retrieval])[0] if retrieval else None,
        texts=text_views(work, store.texts_of(work, [row.id])),
    )


def retrieval_views(work: Work, rows: Collection[RetrievalRow]) -> list[RetrievalView]:
    known = store.records(work, [row.record for row in rows])
    titles = {one: Bibliography.model_validate(row.bibliography).title for one, row in known.items()}
    return [RetrievalView(title=titles.get(row.record), **row.model_dump()) for row in rows]


def retrieval_counts(work: Work, review: str) -> RetrievalCounts:
    counted = store.count_retrievals(work, review)
    by_state = {state: sum(each.records for each in counted if each.state == state) for state in RetrievalStates.all()}
    settings = work.settings
    resting = sum(each.records for each in counted if each.rests and each.state == RetrievalStates.SOUGHT)
    return RetrievalCounts(
        **by_state, resting=resting, fetches=copies.fetches(wanted=settings.fetch_texts, contact=settings.contact)
    )


def citation_views(work: Work, rows: Collection[tuple[CitationRow, str, str]]) -> list[CitationView]:
    """Links, each with the record that was found and that of the report."""
    known = store.records(work, {one for _, record, report in rows for one in (record, report)})
    titles = {one: Bibliography.model_validate(row.bibliography).title for one, row in known.items()}
    return [
        CitationView(
            record=record, title=titles[record], report=report, report_title=titles[report],
            standing=known[report].standing, record_standing=known[record].standing,
            **row.model_dump(include={"source", "source_id", "direction", "run"}),
        )
        for row, record, report in rows
    ]  # fmt: skip


def duplicate_views(work: Work, rows: list[DuplicateRow]) -> list[DuplicateView]:
    summaries = {
        record: record_summary(row)
        for record, row in store.records(work, {one for row in rows for one in (row.first, row.second)}).items()
    }
    return [
        DuplicateView(
            duplicate=row.id,
            first=summaries[row.first],
            second=summaries[row.second],
            speaks_for=[one for one in row.evidence if speaks(one) == "for"],
            speaks_against=[one for one in row.evidence if speaks(one) == "against"],
            **row.model_dump(exclude={"first", "second"}),
        )
        for row in rows
    ]


def evaluation_view(row: EvaluationRow) -> EvaluatedProposer:
    """How a proposer was evaluated, as far as that is."""
    return EvaluatedProposer(
        evaluation=row.id, sensitivity=proposing.share(row.found, row.links),
        precision=proposing.share(row.right, row.proposed), least_links=proposing.LEAST_LINKS,
        enough=row.state == ProposingStates.DONE and proposing.is_enough(row.links),
        **row.model_dump(exclude={"id", "review", "behind", "tries", "due_at"}),
    )  # fmt: skip


def proposer_view(work: Work, review: str, identity: Identity) -> ProposerView:
    """What proposes codings, as it stands in a review."""
    row = store.proposer(work, review, identity.name)
    last = store.newest_evaluation(work, review, identity.name, identity.version)
    return ProposerView(
        proposer=identity.name, version=identity.version, model=identity.model, prompt=identity.prompt,
        goes_out=identity.goes_out, on=row is not None and row.is_on and row.version == identity.version,
        evaluation=None if last is None else evaluation_view(last),
    )  # fmt: skip


def proposed_readings(text: str, rows: Sequence[ProposedReadingRow]) -> ProposedReadings:
    """How far proposers are with a copy."""
    fields = set(ProposedReading.model_fields)
    return ProposedReadings(text=text, readings=[ProposedReading(**it.model_dump(include=fields)) for it in rows])


def proposed_coding_view(
    row: ProposedCodingRow, readings: Sequence[ProposedReadingRow], parse: Parse | None, *, taken: bool
) -> ProposedCodingView:
    """A proposal with the words that it is about, for who may read them."""
    of = next(it for it in readings if it.id == row.reading)
    passage = parse.at(row.begins) if parse is not None else None
    return ProposedCodingView(
        proposal=row.id, text=row.text, proposer=of.proposer, version=of.version,
        locator=passage.locator if passage is not None else "", page=passage.page if passage is not None else None,
        exact=parse.text[row.begins : row.ends] if parse is not None else "", cmoc=row.cmoc, element=row.element,
        stance=row.stance, why=row.why, taken=taken,
    )  # fmt: skip


def automations(work: Work, review: str) -> list[AutomationView]:
    """The steps that are taken by themselves, with those of what proposes codings that is on in the review, and how it
    was evaluated there."""
    steps = list(AUTOMATIONS)
    for identity in identities(work.settings).values():
        it = proposer_view(work, review, identity)
        if it.on and it.evaluation is not None:
            steps.append(proposing_step(it))
    return steps


def proposing_step(it: ProposerView) -> AutomationView:
    """What proposes codings, as a report lists it."""
    found = it.evaluation
    how = f"version {it.version}"
    if found is not None and found.sensitivity is not None:
        how += f"; of {found.links} links that people coded in {found.reports} copies it found "
        how += _percent(found.sensitivity)
        if found.precision is not None:
            how += f", and of {found.proposed} proposals {_percent(found.precision)} were what they coded"
    return AutomationView(
        step=f"proposals of codings ({it.proposer})", does=f"proposes quotes and the elements they speak to ({how})",
        version=1, decided_by="each coder, who accepts or refuses", evaluated=True,
    )  # fmt: skip


def _percent(share: list[float]) -> str:
    part, low, high = (f"{100 * it:.0f}" for it in share)
    return f"{part} % (95 % interval {low} to {high})"
