"""Views: rows as people may see them, and what they may ask for. Here is decided who sees whose vote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.screening import domain, store
from services.screening.domain import TO_DECIDE, TO_SCREEN, VOTERS, RecordStates, TaskStates
from services.screening.models import Lease, Opinion, Record, Task, Vote
from services.screening.store import InHand, Plan
from shared.db.work import Work
from shared.errors import Forbidden, NotFound, UnknownReview
from shared.events.screening import Judgement, VoteCast
from shared.service import HIDDEN, Gauge
from shared.wire.screening import (
    AnswerPair,
    Flag,
    Funnel,
    LeaseView,
    Merge,
    RecordHistory,
    RecordSummary,
    RecordView,
    StageAgreement,
    StageFunnel,
    StageHistory,
    StageQueue,
    TaskInHand,
    TaskSummary,
    VoteReceipt,
    VotesElsewhere,
)


def visible(work: Work, review: str, votes: Sequence[Vote]) -> list[VoteCast]:
    """Those of these votes that the person may see: their own; others' on a closed task, on one they have voted on
    themselves, and on the conflict they hold a lease of and have given their first look of. What a merge left behind
    is seen once the surviving record is decided."""
    tasks = store.tasks_by_id(work, {vote.where for vote in votes})
    open_to_me = store.tasks_voted_by(work, work.actor, tasks.keys())
    open_to_me |= store.conflicts_seen(work, review, work.actor)
    return [
        vote_cast(vote)
        for vote in votes
        if vote.person == work.actor or vote.where in open_to_me or _is_over(work, tasks[vote.where])
    ]


def _is_over(work: Work, task: Task) -> bool:
    """Whether nobody's judgement of the task's record can be led any more by the votes on the task."""
    if task.state != TaskStates.WITHDRAWN:
        return task.state in TaskStates.DECIDED
    record = store.get_record(work, task.review, task.record)
    while record is not None and record.merged_into is not None:
        record = store.get_record(work, task.review, record.merged_into)
    return record is not None and record.state != RecordStates.SCREENING


def hide_what_leads(work: Work, events: Sequence[dict[str, Any]]) -> None:
    """Takes votes, and who gave them, out of events about tasks that are not over: an earlier decision may stand no
    more, and its votes would lead those who judge anew."""
    said = [(event, judgement, task) for event in events for judgement, task in _tasks_of(event["data"])]
    tasks = store.tasks_by_id(work, {task for *_, task in said})
    still_open = {id for id, task in tasks.items() if not _is_over(work, task)}
    for event, judgement, task in said:
        if task in still_open:
            event["actor"] = HIDDEN
            event.pop("via", None)
            if "votes_needed" in event["data"]:
                event["data"]["votes_needed"], _ = _votes_seen(work, tasks[task])
            if judgement is not None:
                judgement["votes"] = []
                for beside in ("looks", "stands"):
                    judgement.pop(beside, None)


def _tasks_of(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """The tasks that an event tells of, each with its judgement where there is one."""
    if "task" in data:
        yield data.get("judgement"), data["task"]
    for judgement in data.get("judgements", ()):
        yield judgement, store.task_id(data["review"], data["record"], judgement["stage"])


def lease_view(lease: Lease) -> LeaseView:
    return LeaseView(
        lease=lease.id, kind=lease.kind, task=lease.task, person=lease.person,
        expires_at=lease.expires_at, ended=lease.ended,
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
    asks_cmocs = any(field.kind == "cmocs" for field in stage.fields)
    return TaskInHand(
        lease=lease.id, kind=lease.kind, expires_at=lease.expires_at,
        task=task.id, stage=task.stage, protocol_version=task.protocol_version,
        question=stage.question, answers=answers, fields=stage.fields, votes_needed=stage.votes,
        definitions=protocol.definitions, cmocs=protocol.cmocs if asks_cmocs else [],
        record=record_view(record), votes=[vote_cast(vote) for vote in votes or ()], elsewhere=elsewhere,
        decided_by_voters=lease.kind == TO_DECIDE and task.adjudicators == VOTERS,
        look=opinion_given(look) if look is not None else None, stands=[opinion_given(it) for it in stands],
    )  # fmt: skip


def record_view(record: Record) -> RecordView:
    return RecordView(
        record=record.id, title=record.title, abstract=record.abstract, authors=record.authors, venue=record.venue,
        published=record.published, identifiers=record.identifiers, flags=_flags(record),
        restricted=record.restricted,
    )  # fmt: skip


def vote_receipt(work: Work, task: Task, votes: list[Vote]) -> VoteReceipt:
    """What a vote did; its caster has voted, so nothing is hidden. `votes` are all, once the task is closed."""
    is_decided = task.state in TaskStates.DECIDED
    opinions = opinions_behind(work, [task] if is_decided else [])
    return VoteReceipt(
        task=task.id, record=task.record, stage=task.stage, state=task.state,
        judgement=judgement_of(task, votes, opinions[task.id]) if is_decided else None,
    )  # fmt: skip


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
        rule=record.rule, reason=record.reason, merged_into=record.merged_into,
    )  # fmt: skip


def record_history(work: Work, record: Record, stages: Sequence[str]) -> RecordHistory:
    """A record's whole way, with the votes the person may see."""
    tasks = store.tasks_of(work, record, stages)
    votes = store.votes_about(work, [task.id for task in tasks])
    opinions = opinions_behind(work, tasks)
    return RecordHistory(
        record=record_view(record), state=record.state, stage=record.stage, rule=record.rule, reason=record.reason,
        stages=[_stage_history(work, task, votes, opinions[task.id]) for task in tasks],
        notices=record.notices, merge=_merge(record),
        absorbed=[merge for other in store.absorbed_by(work, record) if (merge := _merge(other))],
    )  # fmt: skip


def _stage_history(work: Work, task: Task, votes: Sequence[Vote], opinions: Sequence[Opinion]) -> StageHistory:
    here = [vote for vote in votes if task.id in (vote.task, vote.cast_on)]
    counting = [vote for vote in here if vote.task == task.id]
    votes_needed, votes_cast = _votes_seen(work, task)
    return StageHistory(
        task=task.id, stage=task.stage, state=task.state, protocol_version=task.protocol_version,
        votes_needed=votes_needed, votes_cast=votes_cast,
        opened_at=task.opened_at, closed_at=task.closed_at,
        judgement=judgement_of(task, counting, opinions) if task.state in TaskStates.DECIDED else None,
        votes=visible(work, task.review, here),
    )  # fmt: skip


def _merge(record: Record) -> Merge | None:
    return Merge(record=record.id, **record.merge) if record.merge is not None else None


def _flags(record: Record) -> list[Flag]:
    return [Flag(**notice) for notice in domain.standing(record.notices)]


def stage_queue(stage: str, states: Mapping[str, int], in_hand: Mapping[tuple[str, str], int]) -> StageQueue:
    return StageQueue(
        stage=stage, open=states.get(TaskStates.OPEN, 0), in_hand=in_hand.get((stage, TO_SCREEN), 0),
        conflicts=states.get(TaskStates.CONFLICT, 0), conflicts_in_hand=in_hand.get((stage, TO_DECIDE), 0),
        decided=sum(states.get(state, 0) for state in TaskStates.DECIDED),
    )  # fmt: skip


def funnel(counted: Mapping[str, Mapping[str, int]], stages: Sequence[str]) -> Funnel:
    records = counted.get("", {})
    return Funnel(
        discovered=sum(records.values()),
        by_rule={state[5:]: n for state, n in records.items() if state.startswith("rule:") and n},
        **{state: records.get(state, 0) for state in RecordStates.all()},
        stages=[_stage_funnel(stage, counted.get(stage, {})) for stage in stages],
    )


def _stage_funnel(stage: str, states: Mapping[str, int]) -> StageFunnel:
    counted = {state: states.get(state, 0) for state in TaskStates.all()}
    return StageFunnel(stage=stage, entered=sum(states.values()), conflicts=counted.pop(TaskStates.CONFLICT), **counted)


def stage_agreement(
    stage: str,
    answers: Sequence[str],
    pairs: Mapping[tuple[str, str], int],
    one_vote: int,
    hidden: Mapping[tuple[str, str], int],
) -> StageAgreement:
    """`answers` are the stage's, in the protocol's order; answers of older versions follow. Of `pairs`, those
    that are `hidden` from whoever asks are left out."""
    seen = {pair: n - hidden.get(pair, 0) for pair, n in sorted(pairs.items())}
    found = domain.agreement(seen)
    retired = sorted({answer for pair, n in seen.items() if n for answer in pair} - set(answers))
    return StageAgreement(
        stage=stage, answers=[*answers, *retired],
        pairs=[AnswerPair(first=first, second=second, n=n) for (first, second), n in seen.items() if n],
        n=found.n, agreed=found.agreed, observed=found.observed, expected=found.expected, kappa=found.kappa,
        one_vote=one_vote, withheld=sum(hidden.values()),
    )  # fmt: skip


def gauges(work: Work) -> list[Gauge]:
    """How deep each queue is, for whoever is on call."""
    what = "Tasks that wait for people: open ones, and conflicts."
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
    conflicts = [task.id for task in tasks if task.decided_by not in (None, "agreement")]
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
    )  # fmt: skip


def opinion_given(opinion: Opinion) -> VoteCast:
    return VoteCast(
        person=opinion.person, answer=opinion.answer, reason=opinion.reason, fields=opinion.fields,
        cast_at=opinion.given_at, via=opinion.via,
    )  # fmt: skip


def vote_cast(vote: Vote) -> VoteCast:
    return VoteCast(
        person=vote.person,
        answer=vote.answer,
        reason=vote.reason,
        fields=vote.fields,
        cast_at=vote.cast_at,
        via=vote.via,
    )


def earlier_judgements(work: Work, record: Record, last: Judgement) -> list[Judgement]:
    """What the stages before the last one decided about a record, in the order it passed them."""
    stages = [stage for stage in record.passed if stage != last.stage]
    tasks = [task for task in store.tasks_of(work, record, stages) if task.decided_by] if stages else []
    votes, opinions = store.votes_by_task(work, [task.id for task in tasks]), opinions_behind(work, tasks)
    return [judgement_of(task, votes[task.id], opinions[task.id]) for task in tasks]
