"""The ingest client: one method for each route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from datetime import date

    from shared.events.ingest import NoticeKind
    from shared.wire import common
    from shared.wire import ingest as wire
else:
    common = Forms("shared.wire.common")
    wire = Forms("shared.wire.ingest")


class IngestClient:
    """Watches, runs, records, possible duplicates and notices of a review."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def status(self, review: str) -> wire.IngestStatus:
        return self._http.get(f"/ingest/reviews/{part(review)}/status", wire.IngestStatus)

    def automations(self, review: str) -> list[common.AutomationView]:
        """The steps that are taken by themselves, each with the version of its rules."""
        return self._http.listed(f"/ingest/reviews/{part(review)}/automations", common.AutomationView)

    def quotas(self) -> Iterator[wire.QuotaView]:
        """How much each source was asked on each day, the newest day first; for leads."""
        return self._http.pages("/ingest/quota", wire.QuotaView)

    def parked(self) -> Iterator[wire.ParkedView]:
        """The sources that are left alone for now; for leads."""
        return self._http.pages("/ingest/parked", wire.ParkedView)

    def coverage(self, review: str, *, since: date | None = None, until: date | None = None) -> wire.Coverage:
        """Which source and strategy brought the records, and what would be lost without each."""
        path = f"/ingest/reviews/{part(review)}/coverage"
        return self._http.get(path, wire.Coverage, since=since and str(since), until=until and str(until))

    def citations(self, review: str, *, record: str | None = None) -> Iterator[wire.CitationView]:
        """Which included reports cite what a chase found, or are cited by it; of one record if given."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/citations", wire.CitationView, record=record)

    def watches(self, review: str, *, purpose: wire.WatchPurpose = "search") -> Iterator[wire.WatchView]:
        """Every watch over its strategies, over what sources change, or over citations."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/watches", wire.WatchView, purpose=purpose)

    def pause(self, review: str, watch: str) -> wire.WatchView:
        return self._http.post(f"/ingest/reviews/{part(review)}/watches/{part(watch)}/pause", wire.WatchView)

    def resume(self, review: str, watch: str) -> wire.WatchView:
        return self._http.post(f"/ingest/reviews/{part(review)}/watches/{part(watch)}/resume", wire.WatchView)

    def pull_now(self, review: str, watch: str) -> wire.WatchView:
        """Makes the watch due; the scheduler pulls it within half a minute."""
        return self._http.post(f"/ingest/reviews/{part(review)}/watches/{part(watch)}/pull", wire.WatchView)

    def accept(self, review: str, watch: str, *, lacking: int, reason: str) -> wire.WatchView:
        """Accepts that the last run of a watch lacks so many works; takes that back with 0."""
        body = {"lacking": lacking, "reason": reason}
        return self._http.post(f"/ingest/reviews/{part(review)}/watches/{part(watch)}/accept", wire.WatchView, body)

    def runs(self, review: str, *, watch: str | None = None) -> Iterator[wire.RunView]:
        """Every run, the newest first."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/runs", wire.RunView, watch=watch)

    def run(self, review: str, run: str) -> wire.RunView:
        return self._http.get(f"/ingest/reviews/{part(review)}/runs/{part(run)}", wire.RunView)

    def items(self, review: str, run: str) -> Iterator[wire.RunItemView]:
        return self._http.pages(f"/ingest/reviews/{part(review)}/runs/{part(run)}/items", wire.RunItemView)

    def rejections(self, review: str, run: str) -> Iterator[wire.RejectionView]:
        return self._http.pages(f"/ingest/reviews/{part(review)}/runs/{part(run)}/rejections", wire.RejectionView)

    def rejections_of_review(
        self, review: str, *, source: str | None = None, run: str | None = None, open: bool | None = None
    ) -> Iterator[wire.RejectionView]:
        """Items that are no records, those of the newest run first; `open` are those that are none even now."""
        asked = {"source": source, "run": run, "open": None if open is None else str(open).lower()}
        return self._http.pages(f"/ingest/reviews/{part(review)}/rejections", wire.RejectionView, **asked)

    def upload(self, review: str, pieces: Callable[[], Iterable[bytes]], size: int) -> wire.FileView:
        """Keeps a file, sent piece by piece; `pieces` begins it anew each time."""
        return self._http.upload(f"/ingest/reviews/{part(review)}/files", wire.FileView, pieces, size)

    def survey(
        self, review: str, sha256: str, *, name: str, format: wire.LibraryFormat | None = None
    ) -> wire.FileSurvey:
        """What an uploaded file holds, and the mapping that this suggests; for who sent it."""
        path = f"/ingest/reviews/{part(review)}/files/{part(sha256)}/survey"
        return self._http.get(path, wire.FileSurvey, name=name, format=format)

    def request_import(self, review: str, asked: wire.NewImport | Mapping[str, object]) -> wire.ImportView:
        """Asks for the records of an uploaded file to be taken in."""
        return self._http.post(f"/ingest/reviews/{part(review)}/imports", wire.ImportView, asked)

    def imports(self, review: str) -> Iterator[wire.ImportView]:
        """Every file that was brought, the newest first."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/imports", wire.ImportView)

    def imported(self, review: str, imported: str) -> wire.ImportView:
        return self._http.get(f"/ingest/reviews/{part(review)}/imports/{part(imported)}", wire.ImportView)

    def mapping(self, review: str, imported: str) -> wire.MappingView:
        """What a lead said the columns of an imported file mean; for leads."""
        return self._http.get(f"/ingest/reviews/{part(review)}/imports/{part(imported)}/mapping", wire.MappingView)

    def decisions(
        self, review: str, *, record: str | None = None, imported: str | None = None, stage: str | None = None
    ) -> Iterator[wire.StatementView]:
        """What files state was decided before, of a record, a file or a stage if given; for leads."""
        asked = {"record": record, "imported": imported, "stage": stage}
        return self._http.pages(f"/ingest/reviews/{part(review)}/decisions", wire.StatementView, **asked)

    def begin_search(self, review: str, watch: str, asked: wire.NewSearch | Mapping[str, object]) -> wire.SearchView:
        """Says what was searched by hand, of which the files are to come."""
        return self._http.post(f"/ingest/reviews/{part(review)}/watches/{part(watch)}/searches", wire.SearchView, asked)

    def sign_nothing_new(
        self, review: str, watch: str, said: wire.NothingNew | Mapping[str, object]
    ) -> wire.SearchView:
        """Signs that a search by hand brought nothing new."""
        path = f"/ingest/reviews/{part(review)}/watches/{part(watch)}/nothing-new"
        return self._http.post(path, wire.SearchView, said)

    def searches(self, review: str, *, watch: str | None = None) -> Iterator[wire.SearchView]:
        """Every search that was made by hand, the newest first."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/searches", wire.SearchView, watch=watch)

    def search(self, review: str, search: str) -> wire.SearchView:
        return self._http.get(f"/ingest/reviews/{part(review)}/searches/{part(search)}", wire.SearchView)

    def request_export(self, review: str, asked: wire.NewExport | Mapping[str, object]) -> wire.ExportView:
        """Asks for a file of the review's records."""
        return self._http.post(f"/ingest/reviews/{part(review)}/exports", wire.ExportView, asked)

    def exports(self, review: str) -> Iterator[wire.ExportView]:
        """The files of records that are kept, the newest first."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/exports", wire.ExportView)

    def export(self, review: str, export: str) -> wire.ExportView:
        return self._http.get(f"/ingest/reviews/{part(review)}/exports/{part(export)}", wire.ExportView)

    def request_preview(self, review: str, asked: wire.NewPreview | Mapping[str, object]) -> wire.PreviewView:
        """Asks sources ahead what the strategies of a draft would bring; the same again, while they are asked, is that
        one. Raises Conflict (`preview_under_way`, with its id as `preview`) while they are asked of another draft."""
        return self._http.post(f"/ingest/reviews/{part(review)}/previews", wire.PreviewView, asked)

    def preview(self, review: str, preview: str) -> wire.PreviewView:
        """What sources have said so far."""
        return self._http.get(f"/ingest/reviews/{part(review)}/previews/{part(preview)}", wire.PreviewView)

    def file_of_export(self, review: str, export: str, into: Callable[[bytes], object]) -> None:
        """Hands its file over, piece by piece."""
        self._http.download(f"/ingest/reviews/{part(review)}/exports/{part(export)}/file", into)

    def request_reparse(
        self, review: str, *, source: str | None = None, run: str | None = None, rejected: bool = False
    ) -> wire.ReparseView:
        """Asks for kept answers to be read again; `rejected` are those with items that are no records yet."""
        body = {"source": source, "run": run, "rejected": rejected}
        return self._http.post(f"/ingest/reviews/{part(review)}/reparses", wire.ReparseView, body)

    def reparse(self, review: str, reparse: str) -> wire.ReparseView:
        return self._http.get(f"/ingest/reviews/{part(review)}/reparses/{part(reparse)}", wire.ReparseView)

    def answers(self, review: str, run: str) -> Iterator[wire.RawAnswerView]:
        """The raw answers that a run's source gave, in the order in which they came; for leads."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/runs/{part(run)}/answers", wire.RawAnswerView)

    def answer(self, review: str, run: str, number: int) -> bytes:
        """One of them, as it came: some MB at most."""
        return self._http.raw("GET", f"/ingest/reviews/{part(review)}/runs/{part(run)}/answers/{number}").content

    def records(self, review: str, *, doi: str | None = None, pmid: str | None = None) -> Iterator[wire.RecordSummary]:
        """Every record, the oldest first; or those with an identifier."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/records", wire.RecordSummary, doi=doi, pmid=pmid)

    def record(self, review: str, record: str) -> wire.RecordView:
        return self._http.get(f"/ingest/reviews/{part(review)}/records/{part(record)}", wire.RecordView)

    def add(self, review: str, asked: wire.NewAddition | Mapping[str, object]) -> wire.AddedView:
        """Adds what no search brought; with `dry_run` only says what would become of it."""
        return self._http.post(f"/ingest/reviews/{part(review)}/records", wire.AddedView, asked)

    def additions(self, review: str, *, record: str | None = None) -> Iterator[wire.AdditionView]:
        """What people added, the newest first; of one record if given."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/additions", wire.AdditionView, record=record)

    def addition(self, review: str, addition: str) -> wire.AdditionText:
        """One of them whole, with what is held back of a restricted one; for reviewers."""
        return self._http.get(f"/ingest/reviews/{part(review)}/additions/{part(addition)}", wire.AdditionText)

    def withdraw(self, review: str, record: str, reason: str) -> wire.WithdrawnView:
        """Takes away for good what is held back of a record."""
        path = f"/ingest/reviews/{part(review)}/records/{part(record)}/withdraw"
        return self._http.post(path, wire.WithdrawnView, {"reason": reason})

    def open_copies(self, review: str) -> Iterator[wire.RecordCopiesView]:
        """Where each record that passed a stage can be read by anybody; the addresses are others' words."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/open-copies", wire.RecordCopiesView)

    def upload_text(self, review: str, pieces: Callable[[], Iterable[bytes]], size: int) -> wire.FileView:
        """Keeps the file of a copy, sent piece by piece; `pieces` begins it anew each time."""
        return self._http.upload(f"/ingest/reviews/{part(review)}/text-files", wire.FileView, pieces, size)

    def texts(self, review: str, record: str) -> wire.RecordTexts:
        """The copies of a record's report, and whether one is sought."""
        return self._http.get(f"/ingest/reviews/{part(review)}/records/{part(record)}/texts", wire.RecordTexts)

    def text(self, review: str, text: str) -> wire.TextView:
        """A copy of a report, without its bytes."""
        return self._http.get(f"/ingest/reviews/{part(review)}/texts/{part(text)}", wire.TextView)

    def add_text(self, review: str, record: str, asked: wire.NewText | Mapping[str, object]) -> wire.TextView:
        """Keeps an uploaded file as a copy of a record's report."""
        return self._http.post(f"/ingest/reviews/{part(review)}/records/{part(record)}/texts", wire.TextView, asked)

    def file_of_text(self, review: str, text: str, into: Callable[[bytes], object]) -> None:
        """Hands the file of a copy over, piece by piece, to whom may read it."""
        self._http.download(f"/ingest/reviews/{part(review)}/texts/{part(text)}/file", into)

    def withdraw_text(self, review: str, text: str, *, reason: str) -> wire.TextView:
        """Takes a copy back."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/withdraw"
        return self._http.post(path, wire.TextView, {"reason": reason})

    def parse_again(self, review: str, text: str) -> wire.TextView:
        """Has a copy be parsed once more."""
        return self._http.post(f"/ingest/reviews/{part(review)}/texts/{part(text)}/parse", wire.TextView)

    def passages(self, review: str, text: str) -> Iterator[wire.PassageView]:
        """The headings and paragraphs of a copy in reading order, to whom may read it."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/texts/{part(text)}/passages", wire.PassageView)

    def quote(
        self, review: str, text: str, exact: str, *, prefix: str | None = None, suffix: str | None = None,
        locator: str | None = None,
    ) -> wire.AnchoredQuote:  # fmt: skip
        """Anchors words that a copy says, and answers the receipt that proves it."""
        asked = {"exact": exact, "prefix": prefix, "suffix": suffix, "locator": locator}
        body = {name: value for name, value in asked.items() if value is not None}
        return self._http.post(f"/ingest/reviews/{part(review)}/texts/{part(text)}/quotes", wire.AnchoredQuote, body)

    def anchors_of_text(
        self, review: str, text: str, *, state: wire.AnchorState | None = None
    ) -> Iterator[wire.AnchorView]:
        """Your quotes of a copy, or as a lead everybody's; those in a state if given."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/anchors"
        return self._http.pages(path, wire.AnchorView, state=state)

    def anchors(self, review: str, *, state: wire.AnchorState | None = None) -> Iterator[wire.AnchorView]:
        """Your quotes of all copies of a review, or as a lead everybody's; those in a state if given."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/anchors", wire.AnchorView, state=state)

    def anchor(self, review: str, anchor: str) -> wire.AnchorView:
        """One quote, with its words for whoever may read its copy."""
        return self._http.get(f"/ingest/reviews/{part(review)}/anchors/{part(anchor)}", wire.AnchorView)

    def proposers(self, review: str) -> list[wire.ProposerView]:
        """What proposes codings, how well it does on what people coded in the review, and whether it is on."""
        return self._http.listed(f"/ingest/reviews/{part(review)}/proposers", wire.ProposerView)

    def evaluate_proposer(self, review: str, proposer: str) -> wire.EvaluatedProposer:
        """Has a proposer be held against what people coded; one that waits already is answered again."""
        path = f"/ingest/reviews/{part(review)}/proposers/{part(proposer)}/evaluations"
        return self._http.post(path, wire.EvaluatedProposer)

    def evaluations(self, review: str, proposer: str) -> Iterator[wire.EvaluatedProposer]:
        """How a proposer was evaluated on the review, in every version, the oldest first."""
        path = f"/ingest/reviews/{part(review)}/proposers/{part(proposer)}/evaluations"
        return self._http.pages(path, wire.EvaluatedProposer)

    def switch_proposer(self, review: str, proposer: str, *, on: bool, why: str) -> wire.ProposerView:
        """Has coders be shown what a proposer proposes, or no more."""
        path = f"/ingest/reviews/{part(review)}/proposers/{part(proposer)}/switch"
        return self._http.post(path, wire.ProposerView, {"on": on, "why": why})

    def ask_for_proposals(self, review: str, text: str) -> wire.ProposedReadings:
        """Has the proposers that are on read a copy."""
        return self._http.post(f"/ingest/reviews/{part(review)}/texts/{part(text)}/proposals", wire.ProposedReadings)

    def proposed_readings(self, review: str, text: str) -> wire.ProposedReadings:
        """How far the proposers that are on are with a copy."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/proposals/readings"
        return self._http.get(path, wire.ProposedReadings)

    def proposed_codings(self, review: str, text: str) -> Iterator[wire.ProposedCodingView]:
        """What is proposed of a copy, in its order, without what you have decided."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/proposals"
        return self._http.pages(path, wire.ProposedCodingView)

    def accept_proposal(self, review: str, text: str, proposal: str) -> wire.AnchoredQuote:
        """Makes the words of a proposal your quote; its receipt is what you code by."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/proposals/{part(proposal)}/accept"
        return self._http.post(path, wire.AnchoredQuote)

    def refuse_proposal(self, review: str, text: str, proposal: str) -> wire.RefusedCoding:
        """Has a proposal be shown to you no more."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/proposals/{part(proposal)}/refuse"
        return self._http.post(path, wire.RefusedCoding)

    def decide_quotable_words(self, review: str, text: str, words: int, *, reason: str) -> wire.TextView:
        """Says of how many words quotes of a closed copy may be shown to whoever may not read it."""
        path = f"/ingest/reviews/{part(review)}/texts/{part(text)}/quotable-words"
        return self._http.post(path, wire.TextView, {"words": words, "reason": reason})

    def decide_retrieval(
        self, review: str, record: str, *, state: Literal["sought", "not_retrieved"], reason: str
    ) -> wire.RetrievalView:
        """Says that the full text of a record cannot be had, or is to be sought (again)."""
        path = f"/ingest/reviews/{part(review)}/records/{part(record)}/retrieval"
        return self._http.post(path, wire.RetrievalView, {"state": state, "reason": reason})

    def retrievals(self, review: str, *, state: wire.RetrievalState | None = None) -> Iterator[wire.RetrievalView]:
        """Of each record whose full text was ever sought whether it is retrieved; those in a state if given."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/retrievals", wire.RetrievalView, state=state)

    def notice(
        self, review: str, record: str, *, kind: NoticeKind, reason: str, drill: bool = False
    ) -> wire.NoticeView:
        """Tells of a retraction, correction, reinstatement ...; `drill` marks an exercise."""
        body = {"kind": kind, "reason": reason, "drill": drill}
        return self._http.post(f"/ingest/reviews/{part(review)}/records/{part(record)}/notices", wire.NoticeView, body)

    def duplicates(
        self, review: str, *, state: Literal["open", "same", "different"] = "open", record: str | None = None
    ) -> Iterator[wire.DuplicateView]:
        """Pairs of records that might be one, the oldest first; of one record if given."""
        path = f"/ingest/reviews/{part(review)}/duplicates"
        return self._http.pages(path, wire.DuplicateView, state=state, record=record)

    def decide_duplicate(
        self, review: str, duplicate: str, verdict: Literal["same", "different"], reason: str
    ) -> wire.DuplicateView:
        body = {"verdict": verdict, "reason": reason}
        return self._http.post(f"/ingest/reviews/{part(review)}/duplicates/{part(duplicate)}", wire.DuplicateView, body)

    def merge(self, review: str, record: str, *, other: str, reason: str) -> wire.RulingView:
        """Makes two records one for good."""
        body = {"other": other, "reason": reason}
        return self._http.post(f"/ingest/reviews/{part(review)}/records/{part(record)}/merge", wire.RulingView, body)

    def split(
        self, review: str, record: str, *, source_records: Sequence[str] = (), absorbed: str | None = None, reason: str
    ) -> wire.RulingView:
        """Parts source records (`source:id`), or a record that was absorbed, from a record for good."""
        body = {"source_records": list(source_records), "absorbed": absorbed, "reason": reason}
        return self._http.post(f"/ingest/reviews/{part(review)}/records/{part(record)}/split", wire.RulingView, body)

    def keep_apart(self, review: str, record: str, *, other: str, reason: str) -> wire.RulingView:
        """Keeps two records apart for good."""
        path = f"/ingest/reviews/{part(review)}/records/{part(record)}/keep-apart"
        return self._http.post(path, wire.RulingView, {"other": other, "reason": reason})

    def correct(
        self, review: str, record: str, *, field: str, value: str | list[str] | None, reason: str
    ) -> wire.CorrectionView:
        """Says what a field of a record's description is; None where it has none."""
        path = f"/ingest/reviews/{part(review)}/records/{part(record)}/corrections"
        return self._http.post(path, wire.CorrectionView, {"field": field, "value": value, "reason": reason})

    def undo_correction(self, review: str, correction: str, reason: str) -> wire.CorrectionView:
        path = f"/ingest/reviews/{part(review)}/corrections/{part(correction)}/undo"
        return self._http.post(path, wire.CorrectionView, {"reason": reason})

    def rulings(self, review: str) -> Iterator[wire.RulingView]:
        """What people decided about which source records are one work, the newest first."""
        return self._http.pages(f"/ingest/reviews/{part(review)}/rulings", wire.RulingView)

    def undo(self, review: str, ruling: str, *, reason: str) -> wire.RulingView:
        """Takes a ruling back."""
        path = f"/ingest/reviews/{part(review)}/rulings/{part(ruling)}/undo"
        return self._http.post(path, wire.RulingView, {"reason": reason})
