"""The typed client, of both kinds, against the real application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import httpx
import pytest

from services.screening import jobs
from shared.client.asynchronous.http import AsyncHttp
from shared.client.asynchronous.screening import AsyncScreeningClient
from shared.client.http import Http
from shared.client.screening import ScreeningClient
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.wire.screening import NewBatch
from tests.awaited import Awaited, InThread
from tests.unit.services.screening.rig import REVIEW, SIFT, ScreeningRig, stated

# One of the two kinds is asked in threads.
pytestmark = pytest.mark.waits


@pytest.fixture
def client_of(rig: ScreeningRig, client_of_rig: Callable[..., ScreeningClient]) -> Callable[..., ScreeningClient]:
    """A client for someone, who sends their own token: of either kind."""
    return partial(client_of_rig, rig)


@pytest.fixture(params=["waiting", "awaited"])
def client_of_rig(request) -> Iterator[Callable[..., ScreeningClient]]:
    """The same of any rig."""
    with asyncio.Runner() as runner:

        def make(rig: ScreeningRig, name: str, role: str = "reviewer") -> ScreeningClient:
            person = rig.person(name, role)
            token = person.headers["Authorization"].removeprefix("Bearer ")
            if request.param == "waiting":
                return ScreeningClient(Http("http://testserver", token, client=person))
            http = AsyncHttp("http://testserver", token, client=httpx.AsyncClient(transport=InThread(person)))
            return cast(ScreeningClient, Awaited(AsyncScreeningClient(http), runner))

        yield make


def test_people_screen_a_record_through_the_client(rig, client_of):
    rig.discovers("r1")
    rig.discovers("old", published="2010")
    ana, ben, cy = client_of("ana"), client_of("ben"), client_of("cy", "lead")

    task = ana.claim(REVIEW)
    assert task is not None
    assert (task.record.title, task.stage) == ("On r1", "sift")
    assert ana.vote(REVIEW, task.lease, "include").state == "open"
    second = ben.claim(REVIEW, "sift")
    assert second is not None
    assert ben.vote(REVIEW, second.lease, "unsure", "hard to say").state == "conflict"
    assert [conflict.record for conflict in ben.conflicts(REVIEW)] == ["r1"]
    third = cy.claim(REVIEW, kind="conflict")
    assert third is not None and third.votes == []
    third = cy.look(REVIEW, third.lease, "unsure", "I cannot say either")
    assert [vote.reason for vote in third.votes] == [None, "hard to say"]
    receipt = cy.vote(REVIEW, third.lease, "include", "it fits")

    assert receipt.judgement is not None
    assert receipt.judgement.decided_by == "adjudication"
    assert [(stage.stage, stage.decided) for stage in ana.queue(REVIEW)] == [("sift", 1), ("depth", 0)]
    assert (ana.funnel(REVIEW).discovered, ana.funnel(REVIEW).by_rule) == (2, {"published_after": 1})
    assert [(seen.stage, seen.n) for seen in ana.agreement(REVIEW)] == [("sift", 1)]
    assert [(seen.stage, seen.n) for seen in client_of("lea", "lead").agreement(REVIEW)] == [("sift", 1), ("depth", 0)]
    assert [task.record for task in ana.tasks(REVIEW, "sift", "advanced")] == ["r1"]
    assert [record.rule for record in ana.records(REVIEW, "excluded")] == ["published_after"]
    assert [stage.state for stage in ana.record(REVIEW, "r1").stages] == ["advanced", "open"]


def test_an_adjudicator_settles_what_they_looked_at_through_the_client(rig, client_of):
    rig.discovers("r1", "r2")
    ana, ben, cy = client_of("ana"), client_of("ben"), client_of("cy", "adjudicator")
    for somebody, answer in ((ana, "include"), (ben, "unsure")):
        for task in somebody.claim_many(REVIEW, 2):
            somebody.vote(REVIEW, task.lease, answer)
    for task in cy.claim_many(REVIEW, 2, kind="conflict"):
        cy.look(REVIEW, task.lease, "include")
        cy.release(REVIEW, task.lease)

    looked_at = list(cy.looked_at_conflicts(REVIEW))
    assert [(it.record, it.look.answer, it.forms_agree, it.refused) for it in looked_at] == [
        ("r1", "include", True, None), ("r2", "include", True, None),
    ]  # fmt: skip
    settled = cy.settle_conflicts(REVIEW, [looked_at[0].task, "task_nobody_knows"], "we talked")

    assert (settled.settled, [it.settled for it in settled.conflicts]) == (1, [True, False])
    assert settled.conflicts[1].refused is not None and settled.conflicts[1].refused.slug == "unknown_task"
    assert [it.record for it in cy.looked_at_conflicts(REVIEW)] == ["r2"]
    assert list(ana.looked_at_conflicts(REVIEW)) == []


def test_a_lead_asks_for_a_batch_looks_at_it_and_undoes_it_through_the_client(rig, client_of):
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "out"), stated("r2", "out"))
    rig.answers("ana", "include")
    lea = client_of("lea", "lead")
    assert [(it.answer, it.stated, it.applied) for it in lea.decisions(REVIEW)] == [("out", 2, 0)]

    mapping = {"out": {"answer": "exclude"}}
    asked = NewBatch.model_validate(
        {"kind": "imported", "stage": "sift", "reason": "so", "imported": "import_1", "mapping": mapping}
    )
    batch = lea.request_batch(REVIEW, asked).batch
    rig.bench.runs(jobs.carry_out_batches)

    assert [(it.batch, it.done, it.left_alone) for it in lea.batches(REVIEW)] == [(batch, 1, {"voted_on": 1})]
    assert [(it.record, it.title, it.why) for it in lea.batch_records(REVIEW, batch, "left_alone")] == [
        ("r1", "On r1", "voted_on"),
    ]  # fmt: skip
    assert lea.undo_batch(REVIEW, batch, "the wrong file").state == "undoing"
    rig.bench.runs(jobs.carry_out_batches)
    assert (lea.batch(REVIEW, batch).state, lea.batch(REVIEW, batch).taken_back) == ("undone", 1)
    with pytest.raises(Conflict) as refused:
        lea.undo_batch(REVIEW, batch, "again")
    assert refused.value.slug == "batch_undone"
    with pytest.raises(Invalid) as wrong:
        lea.request_batch(REVIEW, {"kind": "decide", "stage": "sift", "reason": "so", "where": {}, "answer": "maybe"})
    assert wrong.value.errors[0]["at"] == "answer"
    with pytest.raises(Forbidden):
        client_of("ana").request_batch(REVIEW, asked)


def test_several_tasks_are_claimed_through_the_client(rig, client_of):
    rig.discovers("r1", "r2", "r3")
    ana = client_of("ana")

    first = ana.claim(REVIEW)
    held = ana.claim_many(REVIEW, 2)

    assert [task.record.record for task in held] == ["r1", "r2"]
    assert held[0] == first == ana.claim(REVIEW)
    assert [task.record.record for task in ana.claim_many(REVIEW)] == ["r1", "r2", "r3"]
    assert client_of("cy", "lead").claim_many(REVIEW, kind="conflict") == []


def test_form_fields_go_over_the_wire(rig, client_of):
    rig.discovers("r1")
    for name in ("ana", "ben"):
        task = client_of(name).claim(REVIEW)
        client_of(name).vote(REVIEW, task.lease, "include")

    ana = client_of("ana")
    task = ana.claim(REVIEW)
    ana.vote(REVIEW, task.lease, "rich", fields={"cmocs": ("c1", "c2"), "setting": "town"})

    (vote,) = ana.record(REVIEW, "r1").stages[1].votes
    assert vote.fields == {"cmocs": ["c1", "c2"], "setting": "town"}


def test_a_lease_is_renewed_and_released_through_the_client(rig, client_of):
    rig.discovers("r1")
    ana = client_of("ana")
    task = ana.claim(REVIEW)
    rig.bench.clock.advance(minutes=10)

    assert ana.renew(REVIEW, task.lease).expires_at > task.expires_at
    assert ana.release(REVIEW, task.lease).ended == "released"


def test_the_client_raises_the_platforms_own_errors(rig, client_of):
    rig.discovers("r1")
    ana, ben = client_of("ana"), client_of("ben")
    lease = ana.claim(REVIEW).lease

    for error, slug, do in [
        (Forbidden, "not_your_lease", lambda: ben.vote(REVIEW, lease, "include")),
        (Invalid, "unknown_answer", lambda: ana.vote(REVIEW, lease, "great")),
        (NotFound, "unknown_lease", lambda: ana.vote(REVIEW, "lease_0", "include")),
        (NotFound, "unknown_review", lambda: ana.claim("moon")),
        (NotFound, "unknown_stage", lambda: list(ana.tasks(REVIEW, "polish"))),
        (Forbidden, "role_needed", lambda: ana.claim(REVIEW, kind="conflict")),
    ]:
        with pytest.raises(error) as caught:
            do()
        assert caught.value.slug == slug

    ana.vote(REVIEW, lease, "include")
    with pytest.raises(Conflict) as caught:
        ana.vote(REVIEW, lease, "include")
    assert caught.value.slug == "already_voted"
    assert ana.claim(REVIEW) is None


def test_a_refused_ballot_names_every_field(rig, client_of):
    rig.discovers("r1")
    lease = client_of("ana").claim(REVIEW).lease

    with pytest.raises(Invalid) as caught:
        client_of("ana").vote(REVIEW, lease, "great", fields={"colour": "red"})

    assert [error["at"] for error in caught.value.errors] == ["answer", "fields.colour"]


def test_a_vote_is_taken_back_revised_and_opened_again_through_the_client(rig, client_of):
    rig.discovers("r1")
    ana, lea = client_of("ana"), client_of("lea", "lead")
    first = rig.answers("ana", "include")["task"]

    assert ana.take_back(REVIEW, first).state == "open"
    with pytest.raises(NotFound, match="you have no vote") as nothing:
        ana.take_back(REVIEW, first)
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    with pytest.raises(Conflict, match="all its votes are in") as late:
        ana.take_back(REVIEW, first)
    assert (nothing.value.slug, late.value.slug) == ("no_vote", "votes_are_in")

    assert [answer.value for answer in ana.task(REVIEW, first).answers] == ["include", "unsure", "exclude"]
    assert ana.revise(REVIEW, first, "exclude", "a balcony").state == "advanced"
    opened = lea.reopen(REVIEW, "r1", "sift", "it is a balcony", "stand")

    assert (opened.state, opened.stage) == ("screening", "sift")
    (stage, _) = sorted(ana.record(REVIEW, "r1").stages, key=lambda stage: stage.state)
    assert (stage.state, [vote.answer for vote in stage.votes]) == ("conflict", ["include", "include"])
    assert ([vote.answer for vote in stage.taken_back], [vote.answer for vote in stage.revised]) == (
        ["include"], ["exclude"],
    )  # fmt: skip


def test_a_training_set_is_answered_and_its_figures_read_through_the_client(rig_of, client_of_rig):
    rig = rig_of({**SIFT, "training": [{"id": "one", "title": "On one", "answer": "include", "why": "It says how."}]})
    rig.discovers("r1")
    ana = client_of_rig(rig, "ana")

    with pytest.raises(Conflict) as refused:
        ana.claim(REVIEW)
    assert refused.value.slug == "training_first"
    item = ana.next_training(REVIEW)
    assert item is not None and (item.stage, item.item, item.left) == ("sift", "one", 1)
    receipt = ana.train(REVIEW, item.stage, item.item, "unsure")
    assert (receipt.is_right, receipt.right, receipt.why, receipt.left) == (False, "include", "It says how.", 0)
    assert ana.next_training(REVIEW, "sift") is None
    assert [(it.size, it.people[0].right) for it in client_of_rig(rig, "lea", "lead").training(REVIEW)] == [(1, 0)]
    assert ana.claim(REVIEW) is not None


def test_a_lead_assigns_and_caps_through_the_client(rig_of, client_of_rig):
    rig = rig_of(SIFT)
    rig.discovers("r1", "r2")
    lea, ana = client_of_rig(rig, "lea", "lead"), client_of_rig(rig, "ana")

    made = lea.assign(REVIEW, "sift", ["ana", "ben"], records=["r2"])
    rig.bench.runs(jobs.move_assigned)
    assert [(it.kind, it.pools[0].waiting) for it in lea.assignments(REVIEW)] == [("records", 1)]
    assert [task.record.record for task in client_of_rig(rig, "cy").claim_many(REVIEW)] == ["r1"]
    assert lea.end_assignment(REVIEW, made.assignment).ended_by == "lea"
    assert lea.set_cap(REVIEW, 1, person="ana").votes == 1
    assert len(ana.claim_many(REVIEW)) == 1
    assert [(it.person, it.votes) for it in ana.caps(REVIEW)] == [("ana", 1)]
