"""State machines: the states that a row goes through and the moves it may make, written down once, in a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

State = TypeVar("State", bound=str)


class IllegalMove(RuntimeError):
    """A row was to make a move that its machine does not have: a fault of ours, never a person's error."""


class States(Generic[State]):
    """A state machine. Its class names the states and lists the moves; nobody makes an instance of it.

        class DoorStates(States[DoorState]):
            OPEN: Final = "open"
            CLOSED: Final = "closed"
            what = "door"
            moves = {(None, OPEN): "it is built", (OPEN, CLOSED): "the wind", (CLOSED, OPEN): "somebody knocks"}

    `moves` has, by the states before and after, what moves the row; None stands before the first state. `column` is
    where the row keeps its state.
    """

    what: ClassVar[str]
    moves: ClassVar[Mapping[tuple[str | None, str], str]]
    column: ClassVar[str] = "state"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Every state, in the order in which the moves reach them."""
        return tuple(dict.fromkeys(after for _, after in cls.moves))

    @classmethod
    def before(cls, after: State) -> tuple[str, ...]:
        """The states that a move to this one starts from, as a statement that moves many rows must ask for."""
        return tuple(before for before, to in cls.moves if to == after and before is not None)

    @classmethod
    def turn(cls, row: object, after: State) -> None:
        """Moves a row that is there to a state. Raises IllegalMove."""
        cls.check(getattr(row, cls.column), after, row)
        setattr(row, cls.column, after)

    @classmethod
    def check(cls, before: str | None, after: State, row: object = None) -> None:
        """Raises IllegalMove unless a row may go from `before` to `after`; None is before it is made."""
        if (before, after) not in cls.moves:
            which = f"{cls.what} {getattr(row, 'id', '')}".rstrip()
            may = ", ".join(to for start, to in cls.moves if start == before) or "nowhere"
            raise IllegalMove(f"{which} cannot go from {before or 'nothing'} to {after}: it may go to {may}")
