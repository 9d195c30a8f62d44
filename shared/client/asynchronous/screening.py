"""The client's view of screening: claim, vote, and see how it stands."""

# Made by `make docs` from shared/client/screening.py; a test fails when it is stale.

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal

from shared.client.asynchronous.http import AsyncHttp, part
from shared.client.forms import Forms

if TYPE_CHECKING:
    from shared.wire import assigning, common, stream, training
    from shared.wire import screening as wire
else:
    assigning = Forms("shared.wire.assigning")
    common = Forms("shared.wire.common")
    wire = Forms("shared.wire.screening")
    stream = Forms("shared.wire.stream")
    training = Forms("shared.wire.training")


class AsyncScreeningClient:
    """The queue of a review, one's leases and votes, and what became of each record."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def automations(self, review: str) -> list[common.AutomationView]:
        """The steps that are taken by themselves, each with the version of its rules."""
        return await self._http.listed(f"/screening/reviews/{part(review)}/automations", common.AutomationView)

    async def claim(
        self, review: str, stage: str | None = None, kind: wire.Kind = "screening"
    ) -> wire.TaskInHand | None:
        """The next task for me, under a lease (again the same one while it lives); None when nothing waits.

        Raises NotFound for an unknown review or stage, Forbidden for a role that may not adjudicate, Conflict
        (`training_first`) where I have a training set to answer first.
        """
        tasks = await self.claim_many(review, 1, stage, kind)
        return tasks[0] if tasks else None

    async def claim_many(
        self,
        review: str,
        count: int = 10,
        stage: str | None = None,
        kind: wire.Kind = "screening",
        mode: wire.ClaimMode = "in_order",
        records: Sequence[str] | None = None,
        *,
        ahead: bool = False,
    ) -> list[wire.TaskInHand]:
        """Up to `count` (1 to 50) tasks for me, each under a lease: those I hold, the oldest first, then the next
        in the queue; of named `records` (at most 50), those of them that wait for me.

        `mode` is `in_order`, `half_screened_first` (what others have begun), `fresh` (only what nobody has), or `mine`
        (only what I hold). What I claim `ahead`, to have it when its turn comes, counts as looked at once I `renew` it.
        Empty when nothing waits. Raises as `claim`.
        """
        wanted: dict[str, object] = {"kind": kind, "stage": stage, "count": count}
        # A platform of before knows none of these.
        wanted |= {"mode": mode} if mode != "in_order" else {}
        wanted |= {"records": list(records)} if records is not None else {}
        wanted |= {"ahead": True} if ahead else {}
        return (await self._http.post(f"{_at(review)}/claims", wire.Claim, wanted)).tasks

    async def left(self, review: str) -> list[wire.StageLeft]:
        """What waits for me at each stage."""
        return await self._http.listed(f"{_at(review)}/left", wire.StageLeft)

    async def in_hand(self, review: str, lease: str) -> wire.TaskInHand:
        """What I hold under a live lease. Raises as `vote` does for a lease."""
        return await self._http.get(f"{_at(review)}/leases/{part(lease)}", wire.TaskInHand)

    async def vote(
        self,
        review: str,
        lease: str,
        answer: str,
        reason: str | None = None,
        fields: Mapping[str, str | float | Sequence[str]] | None = None,
        *,
        excluded_for: str | None = None,
        judged_for: Sequence[str] = (),
    ) -> wire.VoteReceipt:
        """Casts the vote a lease is for, where it excludes `excluded_for` one of the stage's reasons, where the stage
        asks for them `judged_for` these CMOCs. Raises Conflict (`lease_lapsed`, `already_voted`, `look_first` ...),
        Forbidden (`not_your_lease`) or Invalid, whose `errors` name every field at fault."""
        ballot = _ballot(answer, reason, fields, excluded_for, judged_for)
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/vote", wire.VoteReceipt, ballot)

    async def look(
        self,
        review: str,
        lease: str,
        answer: str,
        reason: str | None = None,
        fields: Mapping[str, str | float | Sequence[str]] | None = None,
        *,
        excluded_for: str | None = None,
        judged_for: Sequence[str] = (),
    ) -> wire.TaskInHand:
        """Gives my own answer to a conflict that I hold, my first look; the answer has its votes. Raises as `vote`, and
        Conflict (`already_looked`, `no_first_look`)."""
        ballot = _ballot(answer, reason, fields, excluded_for, judged_for)
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/look", wire.TaskInHand, ballot)

    def looked_at_conflicts(self, review: str) -> AsyncIterator[wire.LookedAtConflict]:
        """The conflicts that wait of which I gave my first look and which I may decide, with their votes and whether
        the forms agree; what somebody else has in hand is not among them."""
        return self._http.pages(f"{_at(review)}/conflicts/looked-at", wire.LookedAtConflict)

    async def settle_conflicts(self, review: str, tasks: Sequence[str], resolution: str) -> wire.Settlement:
        """Decides conflicts (1 to 100, by their tasks), each by the answer of my own first look, where their forms
        agree, with one resolution for all. One that cannot be settled keeps no other: the answer says of each what
        became of it, or why not (`look_first`, `forms_differ`, `task_closed`, `held_by_another` ...)."""
        asked = {"tasks": list(tasks), "resolution": resolution}
        return await self._http.post(f"{_at(review)}/conflicts/settle", wire.Settlement, asked)

    async def request_adjudication(self, review: str, task: str, reason: str) -> wire.TaskSummary:
        """Has an adjudicator decide a conflict that its voters cannot agree on; for leads."""
        return await self._http.post(
            f"{_at(review)}/tasks/{part(task)}/adjudication", wire.TaskSummary, {"reason": reason}
        )

    async def take_back(self, review: str, task: str) -> wire.VoteReceipt:
        """Takes my vote on a task back, after which I may claim it again. Raises Conflict (`votes_are_in`) once its
        last independent vote is in, NotFound (`no_vote`) where I have none."""
        return await self._http.post(f"{_at(review)}/tasks/{part(task)}/take-back", wire.VoteReceipt)

    async def revise(
        self,
        review: str,
        task: str,
        answer: str,
        reason: str | None = None,
        fields: Mapping[str, str | float | Sequence[str]] | None = None,
        *,
        excluded_for: str | None = None,
        judged_for: Sequence[str] = (),
    ) -> wire.VoteReceipt:
        """Says what I would answer now that all votes on a task are in; it is kept beside my vote and counts nowhere.
        Raises Conflict (`votes_not_in`, `nothing_revised`), NotFound (`no_vote`) or Invalid as `vote` does."""
        ballot = _ballot(answer, reason, fields, excluded_for, judged_for)
        return await self._http.post(f"{_at(review)}/tasks/{part(task)}/revise", wire.VoteReceipt, ballot)

    async def reopen(
        self, review: str, record: str, stage: str, reason: str, votes: Literal["anew", "stand"] = "anew"
    ) -> wire.RecordSummary:
        """Opens a record again at a stage that was decided about it: people vote `anew`, or the votes `stand` and an
        adjudicator decides. Raises Conflict (`nothing_to_reopen`, `merged`) or Invalid (`stage_not_reached`)."""
        asked = {"stage": stage, "reason": reason, "votes": votes}
        return await self._http.post(f"{_at(review)}/records/{part(record)}/reopen", wire.RecordSummary, asked)

    async def task(self, review: str, task: str) -> wire.TaskForm:
        """What a task asks, as a vote on it must fill it in."""
        return await self._http.get(f"{_at(review)}/tasks/{part(task)}", wire.TaskForm)

    async def release(self, review: str, lease: str, *, unread: bool = False) -> wire.LeaseView:
        """Gives a slot back; the task goes to the end of the queue. What I never looked at (`unread`) does not count
        towards parking."""
        # A platform of before knows nothing of it.
        asked = True if unread else None
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/release", wire.LeaseView, unread=asked)

    async def skip(self, review: str, lease: str) -> wire.LeaseView:
        """Gives a slot back, and has the task come to me again only after the others."""
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/skip", wire.LeaseView)

    async def free(self, review: str, lease: str, reason: str) -> wire.LeaseView:
        """As a lead, gives back what somebody has in hand. Raises Conflict (`lease_ended`)."""
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/free", wire.LeaseView, {"reason": reason})

    def leases(self, review: str, held_by: str | None = None) -> AsyncIterator[wire.LeaseLine]:
        """As a lead, what everybody, or somebody, has in hand."""
        return self._http.pages(f"{_at(review)}/leases", wire.LeaseLine, held_by=held_by)

    async def renew(self, review: str, lease: str) -> wire.LeaseView:
        """Keeps a live lease for as long again from now. What I claimed ahead counts as looked at from then on."""
        return await self._http.post(f"{_at(review)}/leases/{part(lease)}/renew", wire.LeaseView)

    async def park(self, review: str, task: str, reason: str, until: date | None = None) -> wire.ParkingView:
        """Sets a task aside that I hold (a lead any), until a day or until somebody brings it back. Raises Conflict
        (`task_parked`, `task_closed`), Forbidden (`not_in_hand`) or Invalid for a day that is no later one."""
        asked = {"reason": reason, "until": until and until.isoformat()}
        return await self._http.post(f"{_at(review)}/tasks/{part(task)}/park", wire.ParkingView, asked)

    async def unpark(self, review: str, task: str) -> wire.TaskStanding:
        """Brings a parked task back to the queue: a lead any, others what they parked. Raises Conflict (`not_parked`)
        or Forbidden (`not_your_parking`)."""
        return await self._http.post(f"{_at(review)}/tasks/{part(task)}/unpark", wire.TaskStanding)

    def parked(self, review: str) -> AsyncIterator[wire.ParkedTask]:
        """The parked tasks, the first parked first: for a lead all of them with all that led there, else those that I
        parked."""
        return self._http.pages(f"{_at(review)}/parked", wire.ParkedTask)

    async def next_training(self, review: str, stage: str | None = None) -> training.TrainingCard | None:
        """The next item of a training set that I have to answer before I vote at a stage, or at any; None when there is
        none."""
        return (await self._http.get(f"{_at(review)}/training/next", training.NextTraining, stage=stage)).item

    async def train(
        self, review: str, stage: str, item: str, answer: str, *, excluded_for: str | None = None
    ) -> training.TrainingReceipt:
        """Answers an item of a stage's training set, once; the answer says what is right. Raises Conflict
        (`already_answered`), NotFound or Invalid as `vote` does for an answer."""
        asked = {"item": item, "answer": answer, "excluded_for": excluded_for}
        return await self._http.post(f"{_at(review)}/stages/{part(stage)}/training", training.TrainingReceipt, asked)

    async def training(self, review: str) -> list[training.StageTraining]:
        """How people answered each stage's training set: for a lead all, else what I answered."""
        return await self._http.listed(f"{_at(review)}/training", training.StageTraining)

    async def assign(
        self,
        review: str,
        stage: str,
        people: Sequence[str],
        *,
        records: Sequence[str] | None = None,
        percent: int | None = None,
        sample: int | None = None,
    ) -> assigning.AssignmentView:
        """As a lead, has only these people be given named `records` of a stage, `percent` of all for each of them, or a
        `sample` of so many that nobody has begun. Raises Invalid (`pool_too_small` ...) or Conflict (`shared_out`)."""
        named = None if records is None else list(records)
        asked = {"stage": stage, "people": list(people), "records": named, "percent": percent, "sample": sample}
        return await self._http.post(f"{_at(review)}/assignments", assigning.AssignmentView, asked)

    def assignments(self, review: str) -> AsyncIterator[assigning.AssignmentView]:
        """As a lead, what is assigned to whom, the first made first, what was ended too."""
        return self._http.pages(f"{_at(review)}/assignments", assigning.AssignmentView)

    async def end_assignment(self, review: str, assignment: str) -> assigning.AssignmentView:
        """As a lead, has what was assigned be anybody's again. Raises Conflict (`assignment_ended`)."""
        return await self._http.send(
            "DELETE", f"{_at(review)}/assignments/{part(assignment)}", assigning.AssignmentView
        )

    async def caps(self, review: str) -> list[assigning.CapView]:
        """How many votes a day people cast at most: for a lead all caps, else those that may hold for me."""
        return await self._http.listed(f"{_at(review)}/caps", assigning.CapView)

    async def set_cap(
        self, review: str, votes: int | None, *, stage: str | None = None, person: str | None = None
    ) -> assigning.CapView:
        """As a lead, sets how many votes a day somebody, or everybody, casts at most at a stage, or in the review; None
        takes that away."""
        asked = {"votes": votes, "stage": stage, "person": person}
        return await self._http.send("PUT", f"{_at(review)}/caps", assigning.CapView, asked)

    async def note(self, review: str, task: str, note: str | None) -> wire.NoteView:
        """Notes something of a record for myself; None takes it away."""
        return await self._http.send("PUT", f"{_at(review)}/tasks/{part(task)}/note", wire.NoteView, {"note": note})

    async def tag(self, review: str, task: str, tags: Mapping[str, str | float]) -> wire.NoteView:
        """Gives a record my tags, instead of those before. Raises Invalid, whose `errors` name every tag at fault."""
        return await self._http.send(
            "PUT", f"{_at(review)}/tasks/{part(task)}/tags", wire.NoteView, {"tags": dict(tags)}
        )

    async def notes_on(self, review: str, task: str) -> list[wire.NoteView]:
        """The notes and tags on a task that I may see: mine, and others' once I have voted there and it is closed."""
        return await self._http.listed(f"{_at(review)}/tasks/{part(task)}/notes", wire.NoteView)

    def notes(
        self, review: str, stage: str | None = None, tag: str | None = None, value: str | None = None
    ) -> AsyncIterator[wire.NoteView]:
        """My own notes and tags, at a stage, with a tag, and of that a value, where these are given."""
        return self._http.pages(f"{_at(review)}/notes", wire.NoteView, stage=stage, tag=tag, value=value)

    def my_votes(
        self,
        review: str,
        *,
        stage: str | None = None,
        answer: str | None = None,
        since: date | None = None,
        until: date | None = None,
        words: str | None = None,
    ) -> AsyncIterator[wire.MyVote]:
        """My own votes that stand, the newest first: at a stage, with an answer, of these days, on records whose titles
        have all of these words. Those that are `free` I may still take back."""
        asked = {"stage": stage, "answer": answer, "since": since, "until": until, "words": words}
        return self._http.pages(f"{_at(review)}/votes/mine", wire.MyVote, **asked)

    async def my_day(self, review: str, day: date | None = None) -> wire.MyDay:
        """What I have done on a day (UTC), today where none is given."""
        return await self._http.get(f"{_at(review)}/votes/mine/day", wire.MyDay, day=day)

    async def workload(
        self, review: str, *, since: date | None = None, until: date | None = None
    ) -> list[wire.DayOfWork]:
        """As a lead, how many votes everybody has cast, by day, person and stage, within at most 31 days."""
        return await self._http.listed(f"{_at(review)}/workload", wire.DayOfWork, since=since, until=until)

    async def queue(self, review: str) -> list[wire.StageQueue]:
        """How each stage stands."""
        return await self._http.listed(f"{_at(review)}/queue", wire.StageQueue)

    async def funnel(self, review: str) -> wire.Funnel:
        """Where every record is now, and what became of those that entered each stage."""
        return await self._http.get(f"{_at(review)}/funnel", wire.Funnel)

    async def decisions(self, review: str) -> list[wire.StatedDecisions]:
        """As a lead, how many decisions files state, by file, stage and answer, and how many are applied."""
        return await self._http.listed(f"{_at(review)}/decisions", wire.StatedDecisions)

    async def request_batch(self, review: str, asked: wire.NewBatch | Mapping[str, object]) -> wire.BatchView:
        """As a lead, asks for the same to be done with many records; `batch` shows how far it is. Raises Invalid, whose
        `errors` name all that is wrong with it, NotFound (`unknown_stage`) or Conflict (`too_many_records`)."""
        return await self._http.post(f"{_at(review)}/batches", wire.BatchView, asked)

    def batches(self, review: str) -> AsyncIterator[wire.BatchView]:
        """As a lead, what was asked for many records at once, the newest first."""
        return self._http.pages(f"{_at(review)}/batches", wire.BatchView)

    async def batch(self, review: str, batch: str) -> wire.BatchView:
        """As a lead, what a batch asks for, and how far it is. Raises NotFound (`unknown_batch`)."""
        return await self._http.get(f"{_at(review)}/batches/{part(batch)}", wire.BatchView)

    def batch_records(
        self, review: str, batch: str, outcome: wire.Outcome | None = None
    ) -> AsyncIterator[wire.BatchRecord]:
        """As a lead, what became of each record of a batch, by id: of all, or of those with an outcome."""
        return self._http.pages(f"{_at(review)}/batches/{part(batch)}/records", wire.BatchRecord, outcome=outcome)

    async def undo_batch(self, review: str, batch: str, reason: str) -> wire.BatchView:
        """As a lead, has what a batch did undone, but for what went on since. Raises Conflict (`batch_undone`)."""
        return await self._http.post(f"{_at(review)}/batches/{part(batch)}/undo", wire.BatchView, {"reason": reason})

    async def flow(self, review: str, *, on: date | None = None, cycle: int | None = None) -> wire.FlowView:
        """The flow of records at the end of a day (UTC; today where none is given), or the change within a cycle."""
        return await self._http.get(f"{_at(review)}/flow", wire.FlowView, on=on, cycle=cycle)

    async def flow_svg(self, review: str, *, on: date | None = None, cycle: int | None = None) -> str:
        """The same drawn as a PRISMA 2020 flow diagram, an SVG image."""
        drawn = await self._http.raw("GET", f"{_at(review)}/flow.svg", params={"on": on, "cycle": cycle})
        return drawn.content.decode()

    async def follow(
        self, review: str, *, after: str | None = None, lost: Callable[[str], None] = lambda why: None
    ) -> AsyncIterator[stream.Followed]:
        """What happens in a review, without an end: how its queue stands and how far it is, at once and whenever that
        is another, and for whoever may adjudicate what becomes of conflicts, each once.

        It comes back by itself where the connection is lost or the platform is started anew, and tells `lost` why
        meanwhile. `after` is the `id` of an event, from which it goes on. Raises NotFound for an unknown review, and
        Unauthenticated or Forbidden once I may see it no more.
        """
        async for event in self._http.follow(f"{_at(review)}/stream", after=after, lost=lost):
            # A later release may tell of more.
            if event.kind == "queue":
                yield self._http.parsed(stream.QueueNow, event.data)
            elif event.kind == "progress":
                yield self._http.parsed(stream.ProgressNow, event.data)
            elif event.kind == "conflict":
                yield self._http.parsed(stream.ConflictTurned, event.data)
            elif event.kind == "gap":
                yield self._http.parsed(stream.Gap, event.data)

    async def agreement(
        self, review: str, *, since: date | None = None, until: date | None = None, cycle: int | None = None
    ) -> list[wire.StageAgreement]:
        """How far independent votes agree, stage by stage: all of them for a lead, else those where my votes are
        in; of tasks whose last vote came in within these days, or within a cycle. Raises Forbidden (`votes_first`)
        when there are none."""
        asked = {"since": since, "until": until, "cycle": cycle}
        return await self._http.listed(f"{_at(review)}/agreement", wire.StageAgreement, **asked)

    def tasks(self, review: str, stage: str, state: wire.TaskState = "open") -> AsyncIterator[wire.TaskSummary]:
        """The tasks of a stage in one state, in queue order."""
        return self._http.pages(f"{_at(review)}/stages/{part(stage)}/tasks", wire.TaskSummary, state=state)

    def conflicts(self, review: str, stage: str | None = None) -> AsyncIterator[wire.TaskSummary]:
        """The conflicts that wait for an adjudicator, in queue order."""
        return self._http.pages(f"{_at(review)}/conflicts", wire.TaskSummary, stage=stage)

    def records(self, review: str, state: wire.RecordState) -> AsyncIterator[wire.RecordSummary]:
        """The records in one state, by id."""
        return self._http.pages(f"{_at(review)}/records", wire.RecordSummary, state=state)

    async def record(self, review: str, record: str) -> wire.RecordHistory:
        """One record's way through screening, with the votes I may see."""
        return await self._http.get(f"{_at(review)}/records/{part(record)}", wire.RecordHistory)


def _ballot(
    answer: str,
    reason: str | None,
    fields: Mapping[str, str | float | Sequence[str]] | None,
    excluded_for: str | None,
    judged_for: Sequence[str],
) -> dict[str, object]:
    one = str | int | float
    given = {name: value if isinstance(value, one) else list(value) for name, value in (fields or {}).items()}
    ballot: dict[str, object] = {"answer": answer, "reason": reason, "fields": given}
    # What is not said is not sent, for a platform of before.
    ballot |= {"excluded_for": excluded_for} if excluded_for is not None else {}
    ballot |= {"judged_for": list(judged_for)} if judged_for else {}
    return ballot


def _at(review: str) -> str:
    return f"/screening/reviews/{part(review)}"
