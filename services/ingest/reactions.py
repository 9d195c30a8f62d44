"""What ingest does when it hears something: it watches what the newest protocol version asks for, and follows those
records that screening has not excluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from services.ingest import store
from services.ingest.commands.watches import tell_stopped
from services.ingest.commands.whereabouts import whereabouts
from services.ingest.domain.watching import Standings, WatchStates, next_pull
from services.ingest.models import ReviewRow, WatchRow
from shared.db.work import Work
from shared.events.protocol import Citations, Strategy, VersionPublished
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from shared.events.stages import Stage
from shared.events.synthesis import EvidenceLinked, ExtractionReconciled, LinksRejudged, TheoryChanged
from shared.strategies.asking import asked


def adopt_watches(work: Work, event: VersionPublished) -> None:
    """Watches what the newest protocol version asks for; a strategy it no longer has is retired, and so is a chase of
    citations.

    A changed question (source, query, first day) is asked anew from the beginning, since what was searched
    through was searched for something else; all else keeps its place.
    """
    review = store.lock_review_if_known(work, event.review)
    if review is not None and review.protocol_version >= event.version:
        return
    search_from = event.protocol.search_from or event.protocol.published_after
    asks_earlier = review is not None and review.search_from != search_from
    if review is None:
        review = work.add(ReviewRow(review=event.review, protocol_version=event.version))
    review.protocol_version = event.version
    review.search_from, review.first_stage = search_from, event.protocol.stages[0].name
    review.stages = {stage.name: [answer.value for answer in stage.answers] for stage in event.protocol.stages}
    review.cmocs = [
        it.model_dump(include={"id", "context", "resource", "reasoning", "outcome"}) for it in event.protocol.cmocs
    ]
    sought_from = _from_the_first_that_needs_texts(event.protocol.stages)
    if review.sought_from != sought_from:
        review.sought_from, review.seeking = sought_from, ""
    known = {watch.strategy: watch for watch in store.watches_of(work, event.review, "search", "citations", "manual")}
    for strategy in event.protocol.strategies:
        if strategy.manual is not None:
            _adopt_manual(work, event, strategy, known.pop(strategy.id, None))
        for question in _questions(strategy):
            watch = known.pop(question.name, None)
            if watch is None:
                work.add(_new_watch(work, event.review, strategy, question, event.version))
            else:
                _adopt(work, watch, strategy, question, event.version, asks_anew=asks_earlier)
    if event.protocol.citations is not None:
        _adopt_chases(work, event.review, event.protocol.citations, event.version, known)
    for watch in known.values():
        if watch.state != WatchStates.RETIRED:
            WatchStates.turn(watch, WatchStates.RETIRED)
            watch.paused_at = None
            tell_stopped(work, watch)


def _from_the_first_that_needs_texts(stages: Sequence[Stage]) -> list[str] | None:
    for at, stage in enumerate(stages):
        if stage.needs == "full_text":
            return [each.name for each in stages[at:]]
    return None


def follow_no_more(work: Work, event: RecordExcluded) -> None:
    """What sources change about an excluded record is looked up no more, unless a notice of it stands."""
    whereabouts(work).note(
        event.review, event.record, followed=False, standing=Standings.EXCLUDED, excluded_on=work.now.date(),
        at_stage=event.stage, reason=event.reason,
    )  # fmt: skip


def follow_again(work: Work, event: RecordReopened) -> None:
    """What sources change about a record matters again, and so does what they changed while it did not. The stage that
    it waits at again it has not passed."""
    heard = whereabouts(work)
    if (since := heard.note_back(event.review, event.record, event.stage)) is not None:
        store.sweep_from(work, event.review, since)
    if event.stage in (heard.sought_from(event.review) or ()):
        heard.seek(event.review, event.record)


def note_stage(work: Work, event: RecordAdvanced) -> None:
    """A source and a strategy are told by how far the records that they bring come; and the full text is sought of a
    record that comes to a stage which needs it, or, where the protocol marks none, that passed any."""
    heard = whereabouts(work)
    heard.note(event.review, event.record, stage=event.stage, at_stage=event.next_stage)
    sought_from = heard.sought_from(event.review)
    if sought_from is None or event.next_stage in sought_from:
        heard.seek(event.review, event.record)


def note_inclusion(work: Work, event: RecordIncluded) -> None:
    """The same, of a record that passed the last stage."""
    heard = whereabouts(work)
    heard.note(event.review, event.record, standing=Standings.INCLUDED)
    heard.seek(event.review, event.record)


def _adopt_chases(work: Work, review: str, citations: Citations, version: int, known: dict[str, WatchRow]) -> None:
    """A watch over citations for each source where they are chased, taken out of what is `known`."""
    for source in citations.sources:
        name = f"citations:{source}"
        watch = known.pop(name, None)
        if watch is None:
            watch = WatchRow(
                id=store.watch_id(review, name), purpose="citations", review=review, strategy=name, source=source,
                query=name, every_days=citations.every_days, overlap_days=0, whole_every_days=0,
                protocol_version=version, asked_since=version, due_at=work.now,
            )  # fmt: skip
            work.add(watch)
        watch.every_days, watch.protocol_version = citations.every_days, version
        if watch.state == WatchStates.RETIRED:
            WatchStates.turn(watch, WatchStates.ACTIVE)


def _adopt_manual(work: Work, event: VersionPublished, strategy: Strategy, watch: WatchRow | None) -> None:
    """A watch for a strategy that people search by hand, due at once until it was searched for what it asks now."""
    question, name, version = event.protocol.question_of(strategy), strategy.id, event.version
    asks: dict[str, Any] = {
        "purpose": "manual", "source": strategy.files_of, "query": strategy.query or "", "database": strategy.manual,
        "owner": strategy.owner, "question": question, "every_days": strategy.every_days, "protocol_version": version,
        "overlap_days": 0, "whole_every_days": 0, "concepts": None,
    }  # fmt: skip
    if watch is None:
        watch_id = store.watch_id(event.review, name)
        new = WatchRow(
            id=watch_id, review=event.review, strategy=name, asked_since=version, due_at=work.occurred, **asks
        )
        work.add(new)
        return
    asks_anew, was_retired = watch.question != question, watch.state == WatchStates.RETIRED
    if watch.source != strategy.files_of:
        store.forget_origins(work, event.review, watch.id)
    if asks_anew:
        watch.asked_since, watch.goes_on_from, watch.walked_whole_at = version, None, None
        watch.failures, watch.trouble, watch.accepted = 0, None, []
    watch.searched_through = store.last_day_of(work, watch.id, question)
    if watch.searched_through is not None:
        watch.due_at = next_pull(watch.searched_through, strategy.every_days)
    elif asks_anew or was_retired:
        watch.due_at = work.occurred
    watch.sqlmodel_update(asks)
    if was_retired:
        WatchStates.turn(watch, WatchStates.ACTIVE)


class _Question(NamedTuple):
    """What one watch asks one source, its name, and what works are held against where the source gives more."""

    name: str
    source: str
    query: str
    concepts: dict[str, Any] | None = None


def _questions(strategy: Strategy) -> Iterator[_Question]:
    """A query in a source's own syntax is one question, as it was published; concepts are one for each of the exact
    strings at each source, the second one named `ID@SOURCE.2`."""
    if strategy.source is not None and strategy.query is not None:
        yield _Question(strategy.id, strategy.source, strategy.query)
        return
    for source in strategy.searched:
        translated = asked(strategy, source)
        meant = {"id", "sources", "concepts", "without"}
        concepts = strategy.model_dump(mode="json", by_alias=True, include=meant) if translated.filtered else None
        for number, string in enumerate(translated.strings, 1):
            part = f".{number}" if number > 1 else ""
            yield _Question(f"{strategy.id}@{source}{part}", source, string, concepts)


def _new_watch(work: Work, review: str, strategy: Strategy, question: _Question, version: int) -> WatchRow:
    return WatchRow(
        id=store.watch_id(review, question.name),
        review=review,
        strategy=question.name,
        source=question.source,
        query=question.query,
        concepts=question.concepts,
        every_days=strategy.every_days,
        overlap_days=strategy.overlap_days,
        whole_every_days=strategy.whole_every_days,
        protocol_version=version,
        asked_since=version,
        due_at=work.now,
    )


def _adopt(
    work: Work, watch: WatchRow, strategy: Strategy, question: _Question, version: int, *, asks_anew: bool
) -> None:
    asked_before, asked_now = (watch.source, watch.query, watch.concepts), question[1:]
    if asked_before != asked_now:
        store.forget_origins(work, watch.review, watch.id)
    if asks_anew or asked_before != asked_now:
        watch.asked_since, watch.searched_through, watch.goes_on_from = version, None, None
        watch.failures, watch.trouble, watch.due_at, watch.walked_whole_at = 0, None, work.now, None
        watch.accepted = []
    watch.source, watch.query, watch.concepts = asked_now
    watch.purpose, watch.database, watch.owner, watch.question = "search", None, None, None
    watch.every_days, watch.overlap_days = strategy.every_days, strategy.overlap_days
    watch.whole_every_days = strategy.whole_every_days
    watch.protocol_version = version
    if watch.state == WatchStates.RETIRED:
        WatchStates.turn(watch, WatchStates.ACTIVE)


def note_coded(work: Work, event: EvidenceLinked) -> None:
    """What people code by quotes is what proposers are evaluated against; but for what one of them proposed, by which
    it would be held against itself."""
    if event.quote is None or event.proposed_by is not None:
        return
    rows = [
        {
            "link": it.link, "review": event.review, "text": event.quote.text, "anchor": event.quote.anchor,
            "cmoc": it.cmoc, "element": it.element, "stance": it.stance, "linked_at": work.occurred,
        }
        for it in event.links
    ]  # fmt: skip
    store.note_coded(work, rows)


def forget_rejudged(work: Work, event: LinksRejudged) -> None:
    """What was coded for other words of a CMOC and does not hold for those of today is no link any more."""
    if event.verdict == "withdraw":
        store.note_coded_no_more(work, event.review, event.links, work.occurred)


def forget_dropped(work: Work, event: ExtractionReconciled) -> None:
    """What two coders or an adjudicator dropped is no link any more."""
    store.note_coded_no_more(work, event.review, event.dropped, work.occurred)


def forget_withdrawn(work: Work, event: TheoryChanged) -> None:
    """What was taken back is no link any more."""
    if event.happened == "evidence_withdrawn":
        store.note_coded_no_more(work, event.review, event.links, work.occurred)
