"""A row goes from state to state as its machine says, and in no other way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from shared.states import IllegalMove, States


class DoorStates(States):
    OPEN: Final = "open"
    CLOSED: Final = "closed"
    BRICKED_UP: Final = "bricked_up"

    what = "door"
    moves = {
        (None, OPEN): "it is built",
        (OPEN, CLOSED): "the wind",
        (CLOSED, OPEN): "somebody knocks",
        (OPEN, BRICKED_UP): "a mason",
        (CLOSED, BRICKED_UP): "a mason",
    }


@dataclass
class Door:
    id: str = "door_1"
    state: str = "open"


def test_a_row_makes_the_moves_that_its_machine_has():
    door = Door()

    DoorStates.turn(door, DoorStates.CLOSED)
    DoorStates.turn(door, DoorStates.OPEN)
    DoorStates.turn(door, DoorStates.BRICKED_UP)

    assert door.state == "bricked_up"


def test_another_move_is_a_fault_that_names_the_row_and_leaves_it_as_it_is():
    door = Door(state="bricked_up")

    with pytest.raises(IllegalMove, match="door door_1 cannot go from bricked_up to open: it may go to nowhere"):
        DoorStates.turn(door, DoorStates.OPEN)
    with pytest.raises(IllegalMove, match="door cannot go from nothing to closed: it may go to open"):
        DoorStates.check(None, DoorStates.CLOSED)

    assert door.state == "bricked_up"


def test_a_statement_that_moves_many_rows_is_told_the_states_they_start_from():
    assert DoorStates.before(DoorStates.BRICKED_UP) == ("open", "closed")
    assert DoorStates.before(DoorStates.OPEN) == ("closed",)
    assert DoorStates.all() == ("open", "closed", "bricked_up")
