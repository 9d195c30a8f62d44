"""Turns: the threads of one process write to a SQLite file one after another, in the order in which they came."""

from __future__ import annotations

import sqlite3
from collections import deque
from threading import Event, Lock
from weakref import WeakValueDictionary

from sqlalchemy import Connection


class Turn:
    """The right to write to one file. It is handed over in order, so that nobody polls SQLite's own lock, which
    knows no order: a thread that is passed over there again and again waits for ever."""

    def __init__(self) -> None:
        self._lock, self._taken = Lock(), False
        self._queue: deque[Event] = deque()

    def take(self, patience: float) -> bool:
        """Waits for its turn; False after `patience` seconds."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = Event()
            self._queue.append(mine)
        return mine.wait(patience) or not self._withdraw(mine)

    def leave(self) -> None:
        """Hands the turn to whoever has waited longest."""
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._taken = False

    def _withdraw(self, mine: Event) -> bool:
        with self._lock:
            if mine.is_set():  # It was handed over at the last moment.
                return False
            self._queue.remove(mine)
            return True


_TURNS: WeakValueDictionary[str, Turn] = WeakValueDictionary()
_TURNS_LOCK = Lock()


def turn_of(file: str) -> Turn:
    """The one turn of a file in this process."""
    with _TURNS_LOCK:
        turn = _TURNS.get(file)
        if turn is None:
            turn = _TURNS[file] = Turn()
        return turn


class TurnConnection(sqlite3.Connection):
    """A connection that lets go of its turn when its transaction is over, however it ends."""

    turn: Turn | None = None

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._leave_when_over()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._leave_when_over()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._leave()

    def begin_writing(self, turn: Turn, patience: float) -> None:
        """Begins a transaction that writes. Raises OperationalError when it does not come to be in time."""
        if not turn.take(patience):
            raise sqlite3.OperationalError(f"database is locked: no turn to write in {patience:g} seconds")
        self.turn = turn
        try:
            self.execute("BEGIN IMMEDIATE").close()
        except BaseException:
            self._leave()
            raise

    def _leave_when_over(self) -> None:
        if not self.in_transaction:
            self._leave()

    def _leave(self) -> None:
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.leave()


def raw(connection: Connection) -> TurnConnection:
    """The driver's own connection under SQLAlchemy's, where the engine has it made as one that knows turns."""
    own = connection.connection.driver_connection
    assert isinstance(own, TurnConnection)
    return own
