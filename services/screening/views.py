"""Views: rows as people may see them, and what they may ask for. Here is decided who sees whose vote."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.screening import domain, store
from services.screening.domain import TO_DECIDE, TO_SCREEN, VOTERS, Agreement, Coefficient, RecordStates, TaskStates
from services.screening.domain.comparisons import Compared
from services.screening.domain.flow import ONE_EACH, REACHED, Figures, Flowed, beyond, is_other_method
from services.screening.models import (
    BatchRecordRow,
    BatchRow,
    CountsNoMore,
    Lease,
    Note,
    Opinion,
    Parking,
    Record,
    ReturnRow,
    RevisedVote,
    Task,
    Vote,
)
from services.screening.store import Counted, InHand, Left, Plan
from shared.db.work import Work
from shared.errors import Forbidden, LivingError, NotFound, UnknownReview
from shared.events.protocol import Protocol
from shared.events.screening import ByBatch, Judgement, RecordAdvanced, RecordExcluded, VoteCast
from shared.service import HIDDEN, Gauge
from shared.wire.screening import (
    AnswerPair,
    BatchRecord,
    BatchView,
    CoefficientView,
    Flag,
    Flow,
    FlowFigures,
    FlowView,
    FullText,
    Funnel,
    Interval,
    LeaseLine,
    LeaseView,
    LookedAtConflict,
    Merge,
    MyVote,
    NoteView,
    PairAgreement,
    ParkedTask,
    ParkingView,
    ReasonAgreement,
    RecordHistory,
    RecordSummary,
    RecordView,
    Refused,
    ReturnView,
    SettledConflict,
    Settlement,
    StageAgreement,
    StageFlow,
    StageFunnel,
    StageHistory,
    StageLeft,
    StageQueue,
    StatedDecisions,
    TaskForm,
    TaskInHand,
    TaskStanding,
    TaskSummary,
    TextFlow,
    VoteReceipt,
    VotesElsewhere,
)


class Looked(NamedTuple):
    """A conflict with the first look that somebody gave of it; its votes, and those on what is one with its record, by
    the ids of those; what these do not say alike, and why it is not settled with others, where it is not."""

    task: Task
    record: Record
    look: Opinion
    votes: list[Vote]
    elsewhere: Mapping[str, list[Vote]]
    differs: list[str]
    refused: LivingError | None


class Settled(NamedTuple):
    """What became of a conflict: settled, where nothing is `refused`."""

    id: str
    task: Task | None
    record: Record | None
    refused: LivingError | None


def visible(work: Work, review: str, votes: Sequence[Vote | RevisedVote]) -> list[VoteCast]:
    """Those of these votes that the person may see: their own; others' on a closed task; and those that count on a
    conflict which they have voted on, or hold a lease of and have given their first look of. What a merge left behind
    is seen once the surviving record is decided.

    While a task waits for votes, whoever has voted on it may take theirs back and vote anew, and so sees no other.
    """
    tasks = store.tasks_by_id(work, {vote.where for vote in votes})
    conflicts = [task.id for task in tasks.values() if task.state == TaskStates.CONFLICT]
    open_to_me = store.tasks_voted_by(work, work.actor, conflicts)
    open_to_me |= store.conflicts_seen(work, review, work.actor)
    return [
        vote_cast(vote)
        for vote in votes
        if vote.person == work.actor or (vote.counts and vote.where in open_to_me) or _is_over(tasks[vote.where])
    ]


def _is_over(task: Task) -> bool:
    """Whether nobody's judgement of the task's record can be led any more by the votes on the task."""
    # One that was withdrawn may be opened again, and then its votes count: when its record comes by again after it went
    # back to another stage, or is parted from the one that it was merged into.
    return task.state in TaskStates.DECIDED


def hide_what_leads(work: Work, events: Sequence[dict[str, Any]]) -> None:
    """Takes votes, who gave them, and their reasons out of events about tasks that are not over: an earlier decision
    may stand no more, and its votes would lead those who judge anew."""
    said = [(event, judgement, task) for event in events for judgement, task in _tasks_of(event)]
    tasks = store.tasks_by_id(work, {task for *_, task in said})
    still_open = {id for id, task in tasks.items() if not _is_over(task)}
    for event, judgement, task in said:
        if task in still_open:
            event["actor"] = HIDDEN
            event.pop("via", None)
            event["data"].pop("taken_back", None)
            if "votes_needed" in event["data"]:
                event["data"]["votes_needed"], _ = _votes_seen(work, tasks[task])
            if "vote" in event["data"]:
                event["data"]["vote"] |= {"person": HIDDEN, "answer": HIDDEN, "reason": None, "fields": {}}
                for beside in ("via", "excluded_for", "judged_for"):
                    event["data"]["vote"].pop(beside, None)
            if judgement is not None:
                judgement["votes"] = []
                for beside in ("looks", "stands", "excluded_for", "judged_for", "by_batch"):
                    judgement.pop(beside, None)
            if event["type"] == RecordExcluded.type:
                event["data"]["reason"] = HIDDEN
                event["data"].pop("excluded_for", None)


def _tasks_of(event: dict[str, Any]) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """The tasks that an event tells of, each with its judgement where there is one."""
    data = event["data"]
    if "task" in data:
        yield data.get("judgement"), data["task"]
    elif event["type"] in (RecordAdvanced.type, RecordExcluded.type) and data["stage"] is not None:
        yield None, store.task_id(data["review"], data["record"], data["stage"])
    for judgement in data.get("judgements", ()):
        yield judgement, store.task_id(data["review"], data["record"], judgement["stage"])


def lease_view(lease: Lease) -> LeaseView:
    return LeaseView(
        lease=lease.id, kind=lease.kind, task=lease.task, person=lease.person,
        expires_at=lease.expires_at, ended=lease.ended,
    )  # fmt: skip


def lease_line(lease: Lease, record: Record) -> LeaseLine:
    return LeaseLine(
        lease=lease.id, kind=lease.kind, task=lease.task, stage=lease.stage, record=record.id, title=record.title,
        person=lease.person, taken_at=lease.taken_at, expires_at=lease.expires_at,
    )  # fmt: skip


def tasks_in_hand(work: Work, held: Sequence[InHand]) -> list[TaskInHand]:
    """Tasks as their leases' holder needs them, each under the protocol version it was opened with.

    Whoever holds a conflict may see its votes, and what was voted on what is one with its record: a voter at once, an
    adjudicator after their first look.
    """
    decides = [one for one in held if one.lease.kind == TO_DECIDE]
    opinions = store.opinions_by_task(work, [one.task.id for one in decides])
    conflicts = [one for one in decides if one.task.adjudicators == VOTERS or _look_at(one, opinions[one.task.id])]
    absorbed = store.absorbed_by_each(work, [one.record for one in conflicts])
    merged = {
        store.task_id(one.task.review, other, one.task.stage): (one.task.id, other)
        for one in conflicts
        for other in absorbed.get(one.record.id, ())
    }
    votes = store.votes_by_task(work, [*(one.task.id for one in conflicts), *merged])
    elsewhere: defaultdict[str, list[VotesElsewhere]] = defaultdict(list)
    for task, (here, other) in merged.items():
        if votes[task]:
            elsewhere[here].append(VotesElsewhere(record=other, votes=[vote_cast(vote) for vote in votes[task]]))
    return [
        _task_in_hand(work, one, votes.get(one.task.id), elsewhere[one.task.id], opinions.get(one.task.id, []))
        for one in held
    ]


def _look_at(held: InHand, opinions: Sequence[Opinion]) -> Opinion | None:
    """The first look that whoever holds a conflict gave of it."""
    return next((it for it in opinions if it.kind == "look" and it.person == held.lease.person), None)


def _task_in_hand(
    work: Work,
    held: InHand,
    votes: Sequence[Vote] | None,
    elsewhere: list[VotesElsewhere],
    opinions: Sequence[Opinion],
) -> TaskInHand:
    """A task as its lease's holder needs it; `votes` are None where they may not be seen."""
    lease, task, record = held
    stage, protocol = store.stage_of(work, task), store.plan_of(work, task).protocol
    look = _look_at(held, opinions)
    stands = [it for it in opinions if it.kind == "stand"] if votes is not None else []
    said = {it.answer for it in stands if it.person != lease.person}
    answers = domain.decisions(stage, said) if votes is not None else stage.answers
    asks_cmocs = stage.judged_for == "cmocs" or any(field.kind == "cmocs" for field in stage.fields)
    return TaskInHand(
        lease=lease.id, kind=lease.kind, expires_at=lease.expires_at,
        task=task.id, stage=task.stage, protocol_version=task.protocol_version,
        question=stage.question, answers=answers, fields=stage.fields, votes_needed=stage.votes,
        definitions=protocol.definitions, cmocs=protocol.cmocs if asks_cmocs else [], tags=stage.tags,
        record=record_view(record), votes=[vote_cast(vote) for vote in votes or ()], elsewhere=elsewhere,
        decided_by_voters=lease.kind == TO_DECIDE and task.adjudicators == VOTERS,
        look=opinion_given(look) if look is not None else None, stands=[opinion_given(it) for it in stands],
        reasons=stage.reasons, judged_for=stage.judged_for, criteria=protocol.criteria, highlights=protocol.highlights,
        full_text=_full_text(record) if stage.needs == "full_text" else None,
    )  # fmt: skip


def looked_at(known: Looked, lease: str | None) -> LookedAtConflict:
    """A conflict as an adjudicator sees it who gave their first look of it, with the lease under which they have it in
    hand."""
    task, record = known.task, known.record
    return LookedAtConflict(
        task=task.id, record=record.id, title=record.title, stage=task.stage, protocol_version=task.protocol_version,
        look=opinion_given(known.look), votes=[vote_cast(vote) for vote in known.votes],
        elsewhere=[
            VotesElsewhere(record=other, votes=[vote_cast(vote) for vote in votes])
            for other, votes in known.elsewhere.items()
        ],
        forms_agree=not known.differs, differs=known.differs, refused=refused(known.refused), lease=lease,
        flags=_flags(record),
    )  # fmt: skip


def settlement(found: Sequence[Settled]) -> Settlement:
    conflicts = [
        SettledConflict(
            task=it.id, record=it.record.id if it.record else None, title=it.record.title if it.record else None,
            settled=it.refused is None, state=it.task.state if it.task else None, refused=refused(it.refused),
        )
        for it in found
    ]  # fmt: skip
    return Settlement(settled=sum(it.settled for it in conflicts), conflicts=conflicts)


def refused(refusal: LivingError | None) -> Refused | None:
    return Refused(slug=refusal.slug, why=refusal.detail) if refusal is not None else None


def _full_text(record: Record) -> FullText:
    at = f"/ingest/reviews/{record.review}/records/{record.id}/texts"
    return FullText(state=record.text, at=at)


def record_view(record: Record) -> RecordView:
    return RecordView(
        record=record.id, title=record.title, abstract=record.abstract, authors=record.authors, venue=record.venue,
        published=record.published, identifiers=record.identifiers, flags=_flags(record),
        restricted=record.restricted,
    )  # fmt: skip


def vote_receipt(work: Work, task: Task, votes: list[Vote] | None = None) -> VoteReceipt:
    """What a vote did; its caster has voted, so nothing is hidden. `votes` are all, where it closed the task."""
    judged = votes if task.state in TaskStates.DECIDED else None
    return VoteReceipt(
        task=task.id, record=task.record, stage=task.stage, state=task.state,
        judgement=judgement_of(task, judged, opinions_behind(work, [task])[task.id]) if judged else None,
    )  # fmt: skip


def own_votes(work: Work, found: Sequence[tuple[Vote, Task, Record]]) -> list[MyVote]:
    """Somebody's own votes, each with whether they may still take it back (`commands.undoing.take_back`)."""
    may_be_free = [task.id for vote, task, record in found if _may_be_free(vote, task, record)]
    known = {task for task, votes in store.votes_by_task(work, may_be_free).items() if any(it.shown for it in votes)}
    return [
        MyVote(
            task=task.id, record=record.id, title=record.title, stage=vote.stage, answer=vote.answer,
            excluded_for=vote.excluded_for, judged_for=vote.judged_for or [], reason=vote.reason,
            cast_at=vote.cast_at, deciding=vote.deciding,
            free=_may_be_free(vote, task, record) and task.id not in known,
            state=task.state, decided=task.answer if task.state in TaskStates.DECIDED else None,
        )
        for vote, task, record in found
    ]  # fmt: skip


def _may_be_free(vote: Vote, task: Task, record: Record) -> bool:
    """Whether nothing but votes that others have seen keeps somebody from taking a vote back."""
    waits = task.state in (TaskStates.OPEN, TaskStates.PARKED) and task.votes_cast < task.votes_needed
    return vote.counts and not vote.deciding and waits and record.merged_into is None


def task_form(work: Work, task: Task) -> TaskForm:
    stage, protocol = store.stage_of(work, task), store.plan_of(work, task).protocol
    asks_cmocs = stage.judged_for == "cmocs" or any(field.kind == "cmocs" for field in stage.fields)
    return TaskForm(
        task=task.id, record=task.record, stage=task.stage, state=task.state, protocol_version=task.protocol_version,
        question=stage.question, answers=stage.answers, fields=stage.fields,
        cmocs=protocol.cmocs if asks_cmocs else [], reasons=stage.reasons, judged_for=stage.judged_for,
    )  # fmt: skip


def task_standing(task: Task) -> TaskStanding:
    return TaskStanding(task=task.id, record=task.record, stage=task.stage, state=task.state)


def _votes_seen(work: Work, task: Task) -> tuple[int, int | None]:
    """How many votes a task needs and has, as anybody may see it. Where a share of the records is double screened, one
    that waits for people is like any other: whoever votes or decides must not know how many do beside them."""
    stage = store.stage_of(work, task)
    if stage.double_screened is not None and task.state in TaskStates.WAITING:
        return stage.votes, None
    return task.votes_needed, task.votes_cast


def task_summary(work: Work, task: Task, record: Record) -> TaskSummary:
    votes_needed, votes_cast = _votes_seen(work, task)
    return TaskSummary(
        task=task.id, record=task.record, title=record.title, stage=task.stage, state=task.state,
        protocol_version=task.protocol_version, votes_needed=votes_needed, votes_cast=votes_cast,
        answer=task.answer, decided_by=task.decided_by, opened_at=task.opened_at, closed_at=task.closed_at,
        flags=_flags(record),
    )  # fmt: skip


def record_summary(record: Record) -> RecordSummary:
    return RecordSummary(
        record=record.id, title=record.title, published=record.published, state=record.state, stage=record.stage,
        rule=record.rule, reason=record.reason, merged_into=record.merged_into, excluded_for=record.excluded_for,
    )  # fmt: skip


def record_history(work: Work, record: Record, stages: Sequence[str], *, is_lead: bool) -> RecordHistory:
    """A record's whole way, with the votes the person may see, and who parked it."""
    tasks = store.tasks_of(work, record, stages)
    votes = store.votes_about(work, [task.id for task in tasks])
    revised, opinions = store.revised_votes(work, [task.id for task in tasks]), opinions_behind(work, tasks)
    parkings = store.parkings_of(work, [task.id for task in tasks])
    return RecordHistory(
        record=record_view(record), state=record.state, stage=record.stage, rule=record.rule, reason=record.reason,
        excluded_for=record.excluded_for,
        stages=[
            _stage_history(work, task, votes, revised, opinions[task.id], parkings[task.id], is_lead) for task in tasks
        ],
        notices=record.notices, merge=_merge(record),
        absorbed=[merge for other in store.absorbed_by(work, record) if (merge := _merge(other))],
    )  # fmt: skip


def _stage_history(
    work: Work,
    task: Task,
    votes: Sequence[Vote],
    revised: Sequence[RevisedVote],
    opinions: Sequence[Opinion],
    parkings: Sequence[Parking],
    is_lead: bool,
) -> StageHistory:
    here = [vote for vote in votes if task.id in (vote.task, vote.cast_on, vote.counted_on)]
    counting = [vote for vote in here if vote.task == task.id]
    votes_needed, votes_cast = _votes_seen(work, task)

    def seen(ended: CountsNoMore | None) -> list[VoteCast]:
        return visible(work, task.review, [vote for vote in here if vote.ended == ended])

    return StageHistory(
        task=task.id, stage=task.stage, state=task.state, protocol_version=task.protocol_version,
        votes_needed=votes_needed, votes_cast=votes_cast,
        opened_at=task.opened_at, closed_at=task.closed_at,
        judgement=judgement_of(task, counting, opinions) if task.state in TaskStates.DECIDED else None,
        votes=seen(None), taken_back=seen("taken_back"), set_aside=seen("set_aside"),
        revised=visible(work, task.review, [vote for vote in revised if vote.task == task.id]),
        parkings=[
            parking_view(parking)
            for parking in parkings
            if is_lead or parking.person == work.actor or _is_over(task)
        ],
    )  # fmt: skip


def parked_tasks(work: Work, parked: Sequence[tuple[Parking, Task, Record]], *, is_lead: bool) -> list[ParkedTask]:
    """Parked tasks as a lead sees them, with all that led there; as others see those they parked, with what they did
    themselves."""
    tasks = [task.id for _, task, _ in parked]
    before, returns = store.parkings_of(work, tasks), store.returns_of(work, tasks)

    def mine(person: str | None) -> bool:
        return is_lead or person == work.actor

    return [
        ParkedTask(
            task=task.id, record=task.record, title=record.title, stage=task.stage,
            votes_needed=task.votes_needed, votes_cast=task.votes_cast, parking=parking_view(parking),
            before=[
                parking_view(earlier)
                for earlier in before[task.id]
                if earlier.id != parking.id and mine(earlier.person)
            ],
            returns=[return_view(returned) for returned in returns[task.id] if mine(returned.person)],
        )
        for parking, task, record in parked
    ]  # fmt: skip


def notes_seen(work: Work, task: Task) -> list[NoteView]:
    """The notes on a task that the person may see: their own, and others' once they have voted there and it is over."""
    see_all = _is_over(task) and bool(store.tasks_voted_by(work, work.actor, [task.id]))
    return [note_view(note) for note in store.notes_on(work, task.id) if see_all or note.person == work.actor]


def note_view(note: Note, title: str | None = None) -> NoteView:
    return NoteView(
        task=note.task, record=note.record, title=title, stage=note.stage, person=note.person, note=note.note,
        tags=note.tags, changed_at=note.changed_at,
    )  # fmt: skip


def parking_view(parking: Parking) -> ParkingView:
    return ParkingView(
        since=parking.since, person=parking.person, reason=parking.reason,
        until=parking.until and parking.until.date(), ended=parking.ended, ended_by=parking.ended_by,
        ended_at=parking.ended_at,
    )  # fmt: skip


def return_view(row: ReturnRow) -> ReturnView:
    return ReturnView(
        person=row.person, kind=row.kind, how=row.how, reason=row.reason, freed_by=row.freed_by, at=row.at
    )  # fmt: skip


def batch_view(row: BatchRow) -> BatchView:
    return BatchView(batch=row.id, **row.model_dump(include=set(BatchView.model_fields) - {"batch"}))


def batch_record(row: BatchRecordRow, title: str | None) -> BatchRecord:
    return BatchRecord(title=title, **row.model_dump(include=set(BatchRecord.model_fields) - {"title"}))


def stated_decisions(work: Work, review: str) -> list[StatedDecisions]:
    """What each file states, the file that was brought first first."""
    found = store.stated_and_applied(work, review)
    files = store.files_of(work, review, {imported for imported, _, _ in found})
    return [
        StatedDecisions(
            imported=imported, file_sha256=files.get(imported, ""), stage=stage, answer=answer, stated=stated,
            applied=applied,
        )
        for (imported, stage, answer), (stated, applied) in sorted(found.items())
    ]  # fmt: skip


def _merge(record: Record) -> Merge | None:
    return Merge(record=record.id, **record.merge) if record.merge is not None else None


def _flags(record: Record) -> list[Flag]:
    return [Flag(**notice) for notice in domain.standing(record.notices)]


def stage_queue(stage: str, states: Mapping[str, int], in_hand: Mapping[tuple[str, str], int]) -> StageQueue:
    return StageQueue(
        stage=stage, open=states.get(TaskStates.OPEN, 0), in_hand=in_hand.get((stage, TO_SCREEN), 0),
        conflicts=states.get(TaskStates.CONFLICT, 0), conflicts_in_hand=in_hand.get((stage, TO_DECIDE), 0),
        parked=states.get(TaskStates.PARKED, 0),
        decided=sum(states.get(state, 0) for state in TaskStates.DECIDED),
    )  # fmt: skip


def stages_left(
    left: Sequence[tuple[str, Left, Left]],
    in_hand: Mapping[tuple[str, str], int],
    today: Callable[[str], int | None],
) -> list[StageLeft]:
    """What is left for somebody by stage: to screen, so many of it today, and to decide."""
    return [
        StageLeft(
            stage=stage, left=screen.n, left_or_more=screen.or_more, in_hand=in_hand.get((stage, TO_SCREEN), 0),
            conflicts=decide.n, conflicts_or_more=decide.or_more,
            conflicts_in_hand=in_hand.get((stage, TO_DECIDE), 0), today=today(stage),
        )
        for stage, screen, decide in left
    ]  # fmt: skip


def funnel(counted: Counted, stages: Sequence[str], drifted: Mapping[str, int]) -> Funnel:
    records = counted.states.get("", {})
    discovered, identified = sum(records.values()), counted.stands[""]["found", ""]
    return Funnel(
        identified=identified,
        duplicates=identified - (discovered - records.get(RecordStates.MERGED, 0)),
        discovered=discovered,
        by_rule={state[5:]: n for state, n in records.items() if state.startswith("rule:") and n},
        **{state: records.get(state, 0) for state in RecordStates.all()},
        stages=[
            _stage_funnel(stage, counted.states.get(stage, {}), counted.stands[stage], drifted.get(stage, 0))
            for stage in stages
        ],
    )


def _stage_funnel(
    stage: str, states: Mapping[str, int], stands: Mapping[tuple[str, str], int], drifted: int
) -> StageFunnel:
    """What waits are tasks; what passed and is out are records, since what was decided about one may stand no more."""
    by_standing: Counter[str] = Counter()
    for (what, _), n in stands.items():
        by_standing[what] += n
    reasons = {reason: n for (what, reason), n in sorted(stands.items()) if what == RecordStates.EXCLUDED and reason}
    return StageFunnel(
        stage=stage, entered=sum(by_standing[what] for what in REACHED),
        advanced=by_standing["passed"], excluded=by_standing[RecordStates.EXCLUDED],
        open=states.get(TaskStates.OPEN, 0), conflicts=states.get(TaskStates.CONFLICT, 0),
        parked=states.get(TaskStates.PARKED, 0), withdrawn=states.get(TaskStates.WITHDRAWN, 0),
        excluded_for={reason: n for reason, n in reasons.items() if n}, drifted=drifted,
    )  # fmt: skip


def flow_view(
    protocol: Protocol,
    found: Iterable[Flowed],
    on: date,
    *,
    cycle: int | None = None,
    since: date | None = None,
    before: Iterable[Flowed] = (),
) -> FlowView:
    """Every stage of the protocol in its order, then those that only earlier versions had."""
    found, before = list(found), list(before)
    every = Figures(found, before)
    names = [stage.name for stage in protocol.stages]
    stages = [*names, *sorted(every.stages() - {*names})]
    return FlowView(
        review=protocol.review, on=on, cycle=cycle, since=since, assessed_from=_assessed_from(protocol),
        **dict(_figures(every, stages)),
        databases=_figures(Figures(found, before, lambda source: not is_other_method(source)), stages),
        other_methods=_figures(Figures(found, before, is_other_method), stages),
    )  # fmt: skip


def _figures(figures: Figures, stages: Sequence[str]) -> FlowFigures:
    def standing(*what: str, stage: str | None = None) -> Flow:
        return figures.of(lambda at, how, _: how in what and stage in (None, at))

    def stage_flow(stage: str) -> StageFlow:
        return StageFlow(
            stage=stage, reached=standing(*REACHED, stage=stage),
            waiting=standing("waiting", stage=stage), passed=standing("passed", stage=stage),
            excluded=standing(RecordStates.EXCLUDED, stage=stage),
            excluded_for=figures.by_reason(stage, RecordStates.EXCLUDED),
            passed_before=standing("passed_before", stage=stage),
            excluded_before=standing("excluded_before", stage=stage),
        )  # fmt: skip

    identified = standing("found")
    return FlowFigures(
        identified=identified, duplicates=beyond(identified, standing(*ONE_EACH)),
        kept_out=figures.by_reason("", "kept_out"), stages=[stage_flow(stage) for stage in stages],
        texts=TextFlow(
            sought=standing("sought", "retrieved", "not_retrieved"), awaited=standing("sought"),
            retrieved=standing("retrieved"), not_retrieved=standing("not_retrieved"),
        ),
        waiting=standing("waiting"), excluded=standing(RecordStates.EXCLUDED), included=standing(RecordStates.INCLUDED),
    )  # fmt: skip


def _assessed_from(protocol: Protocol) -> str | None:
    """The first stage that needs full texts; where none says so, the second, since they are sought of what passed
    one."""
    marked = [stage.name for stage in protocol.stages if stage.needs == "full_text"]
    return next(iter([*marked, *(stage.name for stage in protocol.stages[1:])]), None)


def stage_agreement(
    stage: str,
    answers: Sequence[str],
    compared: Compared,
    one_vote: int,
    hidden: Compared,
    *,
    of: str | None = None,
    floor: float | None = None,
    reasons: Sequence[str] = (),
) -> StageAgreement:
    """`answers` are the stage's, in the protocol's order; answers of older versions follow. Of what was `compared`,
    that which is `hidden` from whoever asks is left out. `between` are all pairs of people, or those `of` one."""
    left = compared - hidden
    seen = domain.answers_alone(left)
    found = domain.agreement(seen, answers)
    retired = sorted({answer for _, said in seen for answer in said} - set(answers))
    return StageAgreement(
        stage=stage, answers=[*answers, *retired],
        pairs=[AnswerPair(first=first, second=second, n=n) for (first, second), n in found.pairs.items()],
        n=found.n, agreed=found.agreed, observed=found.observed, expected=found.expected,
        kappa=found.kappa.value if found.kappa else None, kappa_interval=_interval(found.kappa),
        ac1=_coefficient(found.ac1), alpha=_coefficient(found.alpha),
        reasons=_of_reasons(domain.agreement(domain.reasons_alone(left), reasons)),
        between=[
            _of_two(people, domain.agreement(both, answers), floor)
            for people, both in sorted(domain.between_two(seen).items())
            if of is None or of in people
        ],
        one_vote=one_vote, withheld=hidden.total(),
    )  # fmt: skip


def _of_reasons(found: Agreement) -> ReasonAgreement | None:
    if not found.n:
        return None
    return ReasonAgreement(
        n=found.n, agreed=found.agreed, ac1=_coefficient(found.ac1), alpha=_coefficient(found.alpha)
    )  # fmt: skip


def _of_two(people: tuple[str, str], found: Agreement, floor: float | None) -> PairAgreement:
    return PairAgreement(
        first=people[0], second=people[1], n=found.n, agreed=found.agreed, below=domain.is_below(found, floor),
        kappa=_coefficient(found.kappa), ac1=_coefficient(found.ac1),
    )  # fmt: skip


def _coefficient(found: Coefficient | None) -> CoefficientView | None:
    return CoefficientView(value=found.value, interval=_interval(found)) if found is not None else None


def _interval(found: Coefficient | None) -> Interval | None:
    if found is None or found.low is None or found.high is None:
        return None
    return Interval(low=found.low, high=found.high)


def gauges(work: Work) -> list[Gauge]:
    """How deep each queue is, for whoever is on call."""
    what = "Tasks that wait for people: open ones, conflicts, and those that are parked."
    return [Gauge("living_queue_depth", what, ("review", "stage", "state"), store.queue_depths(work))]


def known_plan(work: Work, review: str) -> Plan:
    """The newest protocol version. Raises NotFound for a review that screening has not heard of."""
    plan = store.newest(work, review)
    if plan is None:
        raise UnknownReview(review)
    return plan


def known_stages(plan: Plan, counted: Iterable[str]) -> list[str]:
    """Every stage that records can be found at: the newest version's in their order, then those it dropped."""
    names = [stage.name for stage in plan.protocol.stages]
    return names + sorted(set(counted) - {"", *names})


def require_stage(known: Sequence[str], review: str, stage: str) -> None:
    """Raises NotFound for a stage that is none of these."""
    if stage not in known:
        reason = f"review {review!r} has no stage {stage!r}; it has: {', '.join(known)}"
        raise NotFound(reason, slug="unknown_stage")


def stages_judged(work: Work, review: str, stages: Sequence[str], *, may_vote: bool) -> list[str]:
    """Those of these stages where the person's own votes are in, so that figures cannot lead them any more.

    Raises Forbidden (`votes_first`) when there are none, which a person who may not vote cannot change.
    """
    voted_at = store.stages_voted_at(work, review, work.actor)
    judged = [stage for stage in stages if stage in voted_at]
    if not judged:
        reason = "agreement is shown to leads, and at each stage to those who have a vote on a task with all its votes"
        first = "; vote first" if may_vote else ", which takes the role 'reviewer'"
        raise Forbidden(f"{reason}{first}", slug="votes_first")
    return judged


def opinions_behind(work: Work, tasks: Sequence[Task]) -> Mapping[str, list[Opinion]]:
    """What people answered beside their votes in those of these tasks that were decided as conflicts, by task."""
    conflicts = [task.id for task in tasks if task.decided_by in ("adjudication", "consensus")]
    return defaultdict(list, store.opinions_by_task(work, conflicts))


def judgement_of(task: Task, votes: list[Vote], opinions: Sequence[Opinion]) -> Judgement:
    """What a decided task says; of an adjudicated one, the last vote is the adjudicator's."""
    assert task.answer is not None and task.decided_by is not None  # Who closes a decided task sets both.
    consensus = task.decided_by == "consensus"
    return Judgement(
        stage=task.stage, answer=task.answer, outcome="advance" if task.state == TaskStates.ADVANCED else "exclude",
        decided_by="adjudication" if task.decided_by == "adjudication" else "agreement", consensus=consensus,
        votes=[vote_cast(vote) for vote in votes],
        looks=[opinion_given(it) for it in opinions if it.kind == "look"],
        stands=[opinion_given(it) for it in opinions if it.kind == "stand"],
        excluded_for=task.excluded_for, judged_for=task.judged_for or [],
        by_batch=ByBatch.model_validate(task.by_batch) if task.by_batch else None,
    )  # fmt: skip


def opinion_given(opinion: Opinion) -> VoteCast:
    return VoteCast(
        person=opinion.person, answer=opinion.answer, reason=opinion.reason, fields=opinion.fields,
        cast_at=opinion.given_at, via=opinion.via,
        excluded_for=opinion.excluded_for, judged_for=opinion.judged_for or [],
    )  # fmt: skip


def vote_cast(vote: Vote | RevisedVote) -> VoteCast:
    return VoteCast(
        person=vote.person,
        answer=vote.answer,
        reason=vote.reason,
        fields=vote.fields,
        cast_at=vote.cast_at,
        via=vote.via,
        taken_back_at=vote.ended_at if vote.ended == "taken_back" else None,
        excluded_for=vote.excluded_for,
        judged_for=vote.judged_for or [],
    )


def earlier_judgements(work: Work, record: Record, last: Judgement) -> list[Judgement]:
    """What the stages before the last one decided about a record, in the order it passed them."""
    stages = [stage for stage in record.passed if stage != last.stage]
    tasks = [task for task in store.tasks_of(work, record, stages) if task.decided_by] if stages else []
    votes, opinions = store.votes_by_task(work, [task.id for task in tasks]), opinions_behind(work, tasks)
    return [judgement_of(task, votes[task.id], opinions[task.id]) for task in tasks]
