"""That a review's stages stand otherwise is told to the other services: now and then, and at once of an empty queue."""

from __future__ import annotations

from services.screening import jobs
from shared.events.screening import QueueMoved
from tests.unit.services.screening.rig import ScreeningRig


def moves(rig: ScreeningRig) -> list[tuple[list[tuple[int, int, int]], list[str]]]:
    """Of each event how the stages stand (open, conflicts, decided), and which ran empty."""
    rig.bench.runs(jobs.tell_progress)
    return [
        ([(it.open, it.conflicts, it.decided) for it in event.stages], event.emptied)
        for event in rig.bench.emitted(QueueMoved)
    ]


def test_how_the_stages_stand_is_told_where_it_is_another_and_not_too_often(rig):
    rig.discovers("r1", "r2")
    assert moves(rig) == [([(2, 0, 0), (0, 0, 0)], [])]
    assert len(moves(rig)) == 1

    rig.discovers("r3")
    assert len(moves(rig)) == 1
    rig.bench.clock.advance(minutes=5)
    assert moves(rig)[1:] == [([(3, 0, 0), (0, 0, 0)], [])]
    rig.bench.clock.advance(hours=5)
    assert len(moves(rig)) == 2


def test_a_queue_that_ran_empty_is_told_at_once_and_once(rig):
    rig.discovers("r1")
    moves(rig)
    rig.answers("ana", "include")
    assert len(moves(rig)) == 1
    rig.answers("ben", "unsure", reason="hard to say")

    assert moves(rig)[1:] == [([(0, 1, 0), (0, 0, 0)], ["sift"])]
    rig.bench.clock.advance(hours=5)
    assert len(moves(rig)) == 2


def test_nothing_of_it_hangs_on_what_a_first_vote_says(rig_of):
    said = []
    for answer in ("include", "exclude"):
        rig = rig_of()
        rig.discovers("r1")
        moves(rig)
        rig.answers("ana", answer, reason="a")
        rig.bench.clock.advance(minutes=6)
        said.append(moves(rig))

    assert said[0] == said[1] == [([(1, 0, 0), (0, 0, 0)], [])]
