"""What must hold of screening's database at any moment, whatever happened before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select

from services.screening import domain, store, views
from services.screening.domain.comparisons import BETWEEN
from services.screening.models import (
    AssignmentRow,
    ChangeRow,
    ConflictTurnRow,
    CountRow,
    FoundSourceRow,
    LeaseRow,
    ParkingRow,
    PoolMemberRow,
    PoolRow,
    RecordRow,
    RevisedVoteRow,
    StatementRow,
    TaskRow,
    VoteRow,
)
from shared.db.tables import OutboxRow
from shared.db.work import Work
from shared.events.base import Envelope
from shared.events.screening import TaskClosed, VoteRevised
from tests.workbench import Workbench


def assert_sound(bench: Workbench, review: str, cast: Iterable[tuple[str, str]], *, one_each: bool = True) -> None:
    """Holds the whole review against its rules. `cast` are the accepted votes as (task voted on, person). It is not
    `one_each` where two names on one task turned out to be one person's: how often they voted may be counted twice."""
    with bench.work("soundness", readonly=True) as work:
        records = _rows(work, RecordRow, review)
        states = {record.id: record.state for record in records}
        tasks = {task.id: task for task in _rows(work, TaskRow, review)}
        leases, counting, parkings = defaultdict(list), defaultdict(list), defaultdict(list)
        for parking in _rows(work, ParkingRow, review):
            if parking.ended is None:
                parkings[parking.task].append(parking)
        for lease in _rows(work, LeaseRow, review):
            if lease.ended is None:
                leases[lease.task].append(lease)
        votes = [vote for vote in work.session.execute(select(VoteRow)).scalars() if vote.where in tasks]
        for vote in votes:
            counting[vote.task].append(vote)
        for task in tasks.values():
            held = leases[task.id]
            if task.state not in ("open", "conflict", "parked"):
                assert (task.places, held) == (0, [])
            assert len(parkings[task.id]) == (1 if task.state == "parked" else 0), "parked by nothing, or twice"
            # What was cast on a merged record may count elsewhere now.
            if states[task.record] != "merged":
                _task_is_sound(work, task, counting[task.id], held)
        _tasks_are_in_their_pools(work, review, list(tasks.values()))
        open_tasks = defaultdict(list)
        for task in tasks.values():
            if task.state in ("open", "conflict", "parked"):
                open_tasks[task.record].append(task)
        for record in records:
            _is_out_for_its_reason(record, tasks.values())
            _is_decided_before(record, tasks.values())
            waiting = open_tasks[record.id]
            assert len(waiting) == (1 if record.state == "screening" else 0), record
            assert all(task.stage == record.stage for task in waiting)
        _flow_is_where_records_stand(work, review, records)
        statements = [(row.stage, "stated", row.imported, row.answer) for row in _rows(work, StatementRow, review)]
        assert _counts(work, review) == _recount(records, list(tasks.values())) | Counter(statements)
        _turns_lead_to_the_conflicts_there_are(work, review, tasks)
        if one_each:
            assert _voters(work, review) == _voters_on(tasks.values())
        assert all(n >= 0 for n in _voters(work, review).values())
        assert Counter((vote.cast_on, vote.person) for vote in votes) == Counter(cast)
        for vote in votes:
            ended = (vote.ended is not None, vote.ended_at is not None, vote.counted_on is not None)
            assert ended in ((True,) * 3, (False,) * 3) and not (vote.ended and vote.task), vote
        revised = [vote for vote in work.session.execute(select(RevisedVoteRow)).scalars() if vote.task in tasks]
    _steps_are_numbered(bench, review, records)
    _closings_tell_what_counts_no_more(bench, review, tasks, votes, revised)


def _task_is_sound(work: Work, task: TaskRow, votes: list[VoteRow], leases: list[LeaseRow]) -> None:
    independent = [vote for vote in votes if not vote.deciding]
    voters, by_voters = [vote.person for vote in votes], task.adjudicators == domain.VOTERS
    holders = [lease.person for lease in leases]
    assert len(holders) == len(set(holders)) and (not by_voters or set(holders) <= set(voters))
    people = voters if by_voters else voters + holders
    assert len(people) == len(set(people)), "someone counts twice"
    assert task.votes_cast == len(independent) <= task.votes_needed
    if task.votes_cast == task.votes_needed:
        assert sorted(_voted(task)) == sorted(voters), "others are counted on it than voted"
    if task.state in ("open", "conflict", "parked"):
        assert sorted(name for name in task.takers.split("\n") if name) == sorted(people)
        assert task.taker == (task.takers.split("\n")[1] if people else "")
    if task.state == "parked":
        assert task.places == 0
        assert {lease.kind for lease in leases} <= {"conflict" if task.votes_cast == task.votes_needed else "screening"}
    if task.state in ("open", "conflict"):
        assert 0 <= task.returned < store.stage_of(work, task).parks_after, "it should have been parked"
    if task.state == "open":
        assert task.places == task.votes_needed - len(independent) - len(leases)
        assert len(independent) < task.votes_needed
        assert {lease.kind for lease in leases} <= {"screening"}
    if task.state == "conflict":
        assert (task.places, len(independent)) == (0 if by_voters else 1 - len(leases), task.votes_needed)
        assert {lease.kind for lease in leases} <= {"conflict"}
        _voters_are_asked(work, task, voters, holders)
    if by_voters:
        assert task.state in ("conflict", "parked", "withdrawn") or task.decided_by in ("consensus", "agreement")
    assert (task.by_batch is not None) == (task.decided_by in ("imported", "lead"))
    if task.by_batch is not None and task.state in ("advanced", "excluded"):
        assert (votes, task.votes_cast, task.compared) == ([], 0, None), "what nobody voted on has votes"
    looks = store.opinions_on(work, task.id, "look")
    if task.state == "conflict" or task.decided_by == "adjudication":
        waits_in = task.review if task.state == "conflict" else ""
        assert all(look.waits_in == waits_in for look in looks), "a look waits where nothing does, or does not"
    stands = {stand.answer for stand in store.opinions_on(work, task.id, "stand")}
    if task.decided_by in ("agreement", "adjudication", "consensus") and not votes:
        # It was made history since, and waits for its record to come by again.
        assert task.asked_anew_at is not None and not stands
    elif task.decided_by == "consensus":
        assert task.answer in stands
    elif task.decided_by == "adjudication":
        assert any(vote.deciding and vote.answer == task.answer for vote in votes)
    if task.decided_by == "agreement" and task.state != "withdrawn" and votes:
        assert len(votes) == task.votes_needed
        stage = store.stage_of(work, task)
        decided = domain.decide(stage, [vote.answer for vote in independent])
        assert decided is not None and decided.answer == task.answer
        if task.state == "excluded":
            assert task.excluded_for == domain.excluded_for(stage, [vote.excluded_for for vote in independent])
    assert task.excluded_for is None or task.state == "excluded"


def _tasks_are_in_their_pools(work: Work, review: str, tasks: list[TaskRow]) -> None:
    """Open tasks alone are in pools, and, once a job went through them, each in the one that it is of, with people
    enough to vote there."""
    assignments = {row.id: row for row in _rows(work, AssignmentRow, review)}
    pools = {row.id: row for row in _rows(work, PoolRow, review)}
    members = Counter(row.pool for row in _rows(work, PoolMemberRow, review))
    assert all(assignments[pool.assignment].ended_at is None for pool in pools.values())
    assert set(members) <= set(pools)
    moved = all(row.walk is None or row.due_at is not None for row in assignments.values())
    for task in tasks:
        assert not task.pool or task.state == "open", task
        if moved and task.state == "open":
            stage = store.stage_of(work, task)
            assert task.pool == store.pool_for(work, review, stage, task.record), task
            assert not task.pool or members[task.pool] >= stage.votes, task


def _is_out_for_its_reason(record: RecordRow, tasks: Iterable[TaskRow]) -> None:
    at = next((task for task in tasks if (task.record, task.stage) == (record.id, record.stage)), None)
    is_out = record.state == "excluded" and record.rule is None
    assert record.excluded_for == (at.excluded_for if is_out and at is not None else None)


def _is_decided_before(record: RecordRow, tasks: Iterable[TaskRow]) -> None:
    """A record was decided before where its task is decided by what a file states."""
    imported = [task.stage for task in tasks if task.record == record.id and task.decided_by == "imported"]
    assert sorted(record.decided_before) == sorted(imported)


def _flow_is_where_records_stand(work: Work, review: str, records: list[RecordRow]) -> None:
    """The flow of all days together is where each record stands now."""
    flow: Counter[tuple[str, ...]] = Counter()
    found: Counter[str] = Counter()
    for row in store.flowed(work, review, date.max):
        if row.what == "found":
            found[row.source] += row.n
        else:
            flow[row.stage, row.what, row.reason] += row.n
    listed = Counter(row.counted_as for row in _rows(work, FoundSourceRow, review))
    assert +found == listed + Counter(record.source or "" for record in records if record.unlisted)
    standings: Counter[tuple[str, ...]] = Counter()
    for record in records:
        if record.state == "merged":
            standings["", "merged", ""] += 1
        elif record.rule is not None:
            standings["", "kept_out", record.rule] += 1
        else:
            state = {"screening": "waiting"}.get(record.state, record.state)
            stage = "" if state == "included" else record.stage or ""
            standings[stage, state, record.excluded_for or ""] += 1
            standings.update((passed, "passed", "") for passed in record.passed)
            before = {*record.decided_before}
            standings.update((passed, "passed_before", "") for passed in record.passed if passed in before)
            standings[stage, "excluded_before", ""] += int(state == "excluded" and stage in before)
            if record.text is not None:
                standings["", record.text, ""] += 1
    assert flow == +standings
    _funnel_is_the_flow_of_today(work, review, records)


def _funnel_is_the_flow_of_today(work: Work, review: str, records: list[RecordRow]) -> None:
    """What waits, passed and is out at a stage adds up to what reached it, in the funnel as in the flow."""
    plan, counted = views.known_plan(work, review), store.counted(work, review)
    flow = views.flow_view(plan.protocol, store.flowed(work, review, date.max), date.max)
    funnel = views.funnel(counted, [stage.stage for stage in flow.stages], {})
    assert (funnel.identified, funnel.duplicates) == (flow.identified.n, flow.duplicates.n)
    left = funnel.identified - funnel.duplicates - sum(funnel.by_rule.values())
    assert left == funnel.screening + funnel.excluded + funnel.included
    for stage, of_flow in zip(funnel.stages, flow.stages, strict=True):
        waiting = stage.open + stage.conflicts + stage.parked
        assert stage.entered == waiting + stage.advanced + stage.excluded == of_flow.reached.n
        assert (waiting, stage.advanced, stage.excluded) == (
            of_flow.waiting.n, of_flow.passed.n, of_flow.excluded.n,
        )  # fmt: skip
        assert stage.excluded_for == {reason: figure.n for reason, figure in of_flow.excluded_for.items()}


def _turns_lead_to_the_conflicts_there_are(work: Work, review: str, tasks: dict[str, TaskRow]) -> None:
    """Who follows a review is told that a conflict is there, and that it is none any more, in turn; so that those of
    which the last was the first are the conflicts there are."""
    turns = defaultdict(list)
    for turned in sorted(_rows(work, ConflictTurnRow, review), key=lambda row: row.id):
        turns[turned.task].append(turned.turn)
    for task, made in turns.items():
        assert [turn == "opened" for turn in made] == [n % 2 == 0 for n in range(len(made))], (task, made)
    waiting = {task.id for task in tasks.values() if task.state == "conflict"}
    assert {task for task, made in turns.items() if made[-1] == "opened"} == waiting


def _voters_are_asked(work: Work, task: TaskRow, voters: list[str], holders: list[str]) -> None:
    """While voters decide a conflict, two are there at least, they have not agreed, and somebody is asked."""
    if task.adjudicators != domain.VOTERS:
        return
    there, stands = store.present(work, task.review, voters), store.opinions_on(work, task.id, "stand")
    assert len(there) > 1 and domain.agreed(there, stands) is None
    assert any(domain.is_asked(voter, there, stands) for voter in there)


def _rows(work: Work, table: type, review: str) -> list:
    return list(work.session.execute(select(table).where(table.review == review)).scalars())


def _counts(work: Work, review: str) -> dict[tuple[str, ...], int]:
    counted: Counter[tuple[str, ...]] = Counter()
    for row in _rows(work, CountRow, review) + _rows(work, ChangeRow, review):
        if row.what not in ("voter", "flow", "stands"):
            counted[row.stage, row.what, row.first, row.second] += row.n
    return {key: n for key, n in counted.items() if n}


def _voters(work: Work, review: str) -> Counter[tuple[str, str]]:
    voters: Counter[tuple[str, str]] = Counter()
    for row in _rows(work, CountRow, review) + _rows(work, ChangeRow, review):
        if row.what == "voter":
            voters[row.stage, row.first] += row.n
    return Counter({key: n for key, n in voters.items() if n})


def _voters_on(tasks: Iterable[TaskRow]) -> Counter[tuple[str, str]]:
    """How often a vote of each person was among all that a task needed, by stage: once on each task that has all, or
    had when its votes went elsewhere with a merger, which its `votes_cast` then still says."""
    full = [task for task in tasks if task.votes_cast == task.votes_needed]
    return Counter((task.stage, person) for task in full for person in _voted(task))


def _voted(task: TaskRow) -> list[str]:
    """Who voted on a task that has all its votes: the first of its takers, and, where one decided it as an adjudicator,
    the one after them. Whoever else is a taker holds its conflict."""
    takers = [name for name in task.takers.split("\n") if name]
    return takers if task.decided_by == "adjudication" else takers[: task.votes_needed]


def _recount(records: list[RecordRow], tasks: list[TaskRow]) -> dict[tuple[str, ...], int]:
    counted = Counter(("", "state", record.tally, "") for record in records)
    counted += Counter((task.stage, "state", task.state, "") for task in tasks)
    compared = [(task.stage, task.compared) for task in tasks if task.compared is not None]
    counted += Counter((stage, "compared", *written.split(BETWEEN)) for stage, written in compared)
    stated = [(task.stage, task.by_batch["stated"]) for task in tasks if task.decided_by == "imported"]
    counted += Counter((stage, "applied", it["imported"], it["answer"]) for stage, it in stated)
    alone = [task for task in tasks if task.votes_cast == 1 and task.state != "withdrawn"]
    return dict(counted + Counter((task.stage, "alone", "", "") for task in alone))


def _steps_are_numbered(bench: Workbench, review: str, records: list[RecordRow]) -> None:
    """Every event of a record has its own number, counting from 1 in the order they were told."""
    seen: dict[str, list[int]] = defaultdict(list)
    with bench.work("soundness", readonly=True) as work:
        query = select(OutboxRow.payload).where(OutboxRow.review == review).order_by(OutboxRow.seq)
        for envelope in map(Envelope.from_json, work.session.execute(query).scalars()):
            seen[envelope.subject].append(envelope.data["revision"])
    assert seen == {record.id: list(range(1, record.step + 1)) for record in records if record.step}


def _closings_tell_what_counts_no_more(
    bench: Workbench, review: str, tasks: dict[str, TaskRow], votes: list[VoteRow], revised: list[RevisedVoteRow]
) -> None:
    """What was taken back on a decided task was told with its last closing, and what was revised there once, after it;
    of what waits, only what was said before an earlier closing is known."""
    closings: dict[str, TaskClosed] = {}
    revisions: Counter[str] = Counter()
    for event in bench.all_emitted():
        if isinstance(event, TaskClosed) and event.review == review:
            closings[event.task] = event
        if isinstance(event, VoteRevised) and event.review == review:
            assert event.task in closings, "told before its task was closed"
            revisions[event.task] += 1
    for task in tasks.values():
        taken_back = Counter(vote.answer for vote in votes if vote.counted_on == task.id and vote.ended == "taken_back")
        known = Counter(vote.answer for vote in closings[task.id].taken_back) if task.id in closings else Counter()
        assert known <= taken_back
        if task.state in ("advanced", "excluded"):
            assert known == taken_back
        mine = [vote for vote in revised if vote.task == task.id]
        assert revisions[task.id] == sum(vote.emitted for vote in mine)
        assert task.state not in ("advanced", "excluded") or all(vote.emitted for vote in mine)
        assert task.asked_anew_at is None or all(
            vote.cast_at >= task.asked_anew_at for vote in votes if vote.task == task.id
        )
