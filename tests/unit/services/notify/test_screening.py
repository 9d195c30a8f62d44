"""Who asks for it is told of conflicts, of stages whose queue ran empty, and of progress in a digest now and then."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from services.notify import jobs
from services.notify.models import DeliveryRow, NotificationRow, StandingRow, SubscriptionRow
from shared.client.notify import verify
from shared.events.people import RoleChanged
from shared.events.screening import ConflictOpened, QueueMoved, StageStanding
from tests.unit.services.notify.rig import REVIEW
from tests.unit.services.notify.test_searches import HOOK, bodies, delivered_to

BASE = f"/notify/reviews/{REVIEW}/subscriptions"


def conflict_opened(task: str = "task_1", revision: int = 2) -> ConflictOpened:
    return ConflictOpened(review=REVIEW, record="rec_1", task=task, stage="sift", revision=revision)


def queue_moved(open: int, *emptied: str, decided: int = 0) -> QueueMoved:
    stages = [
        StageStanding(stage="sift", open=open, conflicts=1, parked=0, decided=decided),
        StageStanding(stage="depth", open=3, conflicts=0, parked=2, decided=0),
    ]
    return QueueMoved(review=REVIEW, stages=stages, emptied=[*emptied])


def states(bench) -> list[tuple[str, str]]:
    with bench.work(readonly=True) as work:
        query = select(NotificationRow.kind, DeliveryRow.state).join(
            DeliveryRow, DeliveryRow.notice == NotificationRow.id
        )
        return [(kind, state) for kind, state in work.session.execute(query.order_by(DeliveryRow.id))]


def test_who_adjudicates_and_asked_for_it_is_told_of_each_conflict_once(bench):
    cy = bench.subscribe(HOOK, by="cy", role="adjudicator", kinds=["conflict"])
    bench.subscribe(HOOK, by="ana", kinds=["revision", "queue", "progress"])

    heard = bench.envelope(conflict_opened())
    bench.hears_envelope(heard)
    bench.hears_envelope(heard)
    bench.hears(conflict_opened(revision=9))  # Opened again later.

    assert delivered_to(bench) == [cy["id"], cy["id"]]
    body = bodies(bench)[0]
    assert (body["type"], body["data"]) == (
        "conflict.opened",
        {
            "review": REVIEW, "stage": "sift", "task": "task_1",
            "link": f"http://127.0.0.1:8000/reviews/{REVIEW}/conflicts",
        },
    )  # fmt: skip


def test_whoever_may_not_adjudicate_cannot_ask_for_conflicts(bench):
    asked = {"channel": "webhook", "url": HOOK, "kinds": ["conflict"]}

    assert bench.person("ana", "reviewer").post(BASE, json=asked).status_code == 403
    assert bench.person("cy", "adjudicator").post(BASE, json=asked).status_code == 201


def test_whoever_adjudicates_no_more_is_told_of_no_conflict_and_of_the_rest_still(bench):
    bench.subscribe(HOOK, by="cy", role="adjudicator", kinds=["conflict"])
    both = bench.subscribe(HOOK, by="cy", role="adjudicator", kinds=["conflict", "queue"])
    bench.hears(conflict_opened(), queue_moved(0, "sift"))
    member = RoleChanged(review=REVIEW, person="cy", role="reviewer", before="adjudicator")
    bench.hears(member, conflict_opened("task_2"))

    assert sorted(states(bench)) == [("conflict", "cancelled"), ("conflict", "cancelled"), ("queue", "waiting")]
    shown = {it["id"]: it for it in bench.person("cy", "reviewer").get(BASE).json()["items"]}
    assert shown[both["id"]]["kinds"] == ["queue"]
    assert sum(it["active"] for it in shown.values()) == 1


def test_a_conflict_of_long_ago_is_told_no_more(bench):
    bench.subscribe(HOOK, by="cy", role="adjudicator", kinds=["conflict", "queue"])
    heard = [bench.envelope(conflict_opened()), bench.envelope(queue_moved(0, "sift"))]
    bench.clock.advance(days=3)
    for envelope in heard:
        bench.hears_envelope(envelope)

    assert bodies(bench) == []


def test_a_stage_whose_queue_ran_empty_is_told_by_its_name(bench):
    ana = bench.subscribe(HOOK, by="ana", kinds=["queue"])

    bench.hears(queue_moved(4), queue_moved(0, "sift", decided=4), queue_moved(0, decided=5))

    assert delivered_to(bench) == [ana["id"]]
    (body,) = bodies(bench)
    assert (body["type"], body["data"]["stage"], body["data"]["conflicts"]) == ("queue.emptied", "sift", 1)


def test_progress_is_told_once_in_so_many_minutes_and_the_last_of_it_in_the_end(bench):
    bench.subscribe(HOOK, by="ana", kinds=["progress"], minutes=30)

    def digests() -> list[Any]:
        bench.runs(jobs.send_digests)
        return [body["data"]["stages"][0]["decided"] for body in bodies(bench)]

    bench.hears(queue_moved(9, decided=1))
    assert digests() == [1]
    for decided in (2, 3, 4):
        bench.clock.advance(minutes=5)
        bench.hears(queue_moved(9, decided=decided))
        assert digests() == [1]
    bench.clock.advance(minutes=16)
    assert digests() == [1, 4]  # Nothing moved since: it is what was not told yet.
    bench.clock.advance(hours=5)
    assert digests() == [1, 4]


def test_those_who_wait_for_different_times_are_told_of_the_same_by_one_notification(bench):
    often = bench.subscribe(HOOK, by="ana", kinds=["progress"], minutes=5)
    rarely = bench.subscribe(HOOK, by="ben", kinds=["progress"])
    for decided in (1, 2):
        bench.hears(queue_moved(9, decided=decided))
        bench.runs(jobs.send_digests)
        bench.clock.advance(minutes=6)

    assert delivered_to(bench) == [often["id"], rarely["id"], often["id"]]
    assert len(bodies(bench)) == 2


def test_progress_that_a_fault_of_ours_spoils_keeps_nobody_else_waiting_and_is_raised_in_the_end(bench):
    spoilt, *others = (bench.subscribe(HOOK, by=name, kinds=["progress"]) for name in ("ana", "ben", "cy"))
    bench.hears(queue_moved(9), QueueMoved(review="other", stages=[], emptied=[]))
    with bench.work() as work:
        theirs = update(SubscriptionRow).where(SubscriptionRow.id == spoilt["id"])
        work.session.execute(theirs.values(review="other"))
        work.session.execute(update(StandingRow).where(StandingRow.review == "other").values(stages=[{}]))

    with pytest.raises(ExceptionGroup, match=f"1 failed: digest {spoilt['id']}"):
        bench.runs(jobs.send_digests)

    assert delivered_to(bench) == [it["id"] for it in others]


@pytest.mark.parametrize("minutes", [4, 10_081, "60"])
def test_how_often_progress_is_told_is_bounded(bench, minutes):
    asked = {"channel": "webhook", "url": HOOK, "kinds": ["progress"], "minutes": minutes}

    assert bench.person("ana", "reader").post(BASE, json=asked).status_code == 422
    del asked["minutes"]
    assert bench.person("ana", "reader").post(BASE, json=asked).json()["minutes"] == 60
    assert bench.person("ana", "reader").post(BASE, json={**asked, "kinds": ["queue"], "minutes": 9}).status_code == 422


@pytest.mark.waits
def test_what_is_told_is_signed_and_read_as_any_notification(bench, receiver):
    made = bench.subscribe(receiver.url, by="cy", role="adjudicator", kinds=["conflict", "queue", "progress"])
    bench.hears(conflict_opened(), queue_moved(0, "sift"))
    bench.runs(jobs.send_digests)
    bench.runs(jobs.deliver_due)

    read = [verify(got.headers, got.body, made["secret"]) for got in receiver.received]
    assert sorted(it.type for it in read) == ["conflict.opened", "queue.emptied", "screening.progress"]
