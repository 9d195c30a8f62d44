"""A toy service's listener to test with, turn by turn and without its threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zlib import crc32

from sqlalchemy import select, update
from sqlmodel import SQLModel

from shared.bus import dead_letters, held
from shared.bus.consumer import Listener
from shared.bus.port import Message
from shared.db.tables import DeadLetterRow, HeldKeyRow, InboxRow, ParkedEventRow
from shared.events.registry import TOPICS
from shared.events.synthesis import ReviewOverdue
from shared.runtime.listening import limits_of
from shared.service import Service
from tests.toy import Note, overdue
from tests.workbench import Workbench

TOPIC = ReviewOverdue.topic


class ListenerRig:
    """A bench with one listener, which takes a turn when it is told to."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.topics = bench, [TOPIC]
        bench.platform.event_log.create_topics()
        self.listener = self.another()

    def another(self, service: Service | None = None) -> Listener:
        """A listener of another process, or of the same after a crash."""
        bench = self.bench
        service = service or bench.service
        self.consumer = bench.platform.event_log.subscribe("toy", self.topics)
        return Listener(
            service, self.consumer, bench.running.database, lambda: bench.work("toy:listener"),
            batch_size=bench.settings.batch_size, limits=limits_of(bench.settings), unknown=Counter(),
        )  # fmt: skip

    def put(self, *events: str | tuple[str, int]) -> None:
        """Writes to the log: an overdue review by its name, with the day where it is of interest."""
        shown = [overdue(*event) if isinstance(event, tuple) else overdue(event) for event in events]
        self.put_raw(*((event.review, self.bench.envelope(event).to_json()) for event in shown))

    def put_raw(self, *messages: tuple[str, bytes]) -> None:
        self.bench.platform.event_log.append([Message(TOPIC, key, value) for key, value in messages])

    def listens(self, *, until: Callable[[], object] | None = None) -> None:
        """Takes turns until the log is read and nothing of what is held moves, or until something is seen."""
        still = 0
        for _ in range(400):
            moved = self.listener.listen_once(timeout=0.05)
            still = 0 if moved or (self.lag() and not self.listener.standing) else still + 1
            if until() if until is not None else still > 2:
                return
        raise AssertionError("it never came to rest")

    def time_passes(self, **parts: float) -> None:
        """All that is held was held so much earlier, and the listener looks again."""
        by = timedelta(**parts)
        with self.bench.running.database.session() as session:
            for row in session.execute(select(HeldKeyRow)).scalars():
                row.since -= by
                row.try_at = row.try_at and row.try_at - by
            session.commit()
        self.listener._look_at = 0.0

    def clock_is_set_back(self, **parts: float) -> None:
        """The machine's clock, by which all that is held was to be tried again in a moment."""
        with self.bench.running.database.session() as session:
            for row in session.execute(select(HeldKeyRow)).scalars():
                row.try_at = datetime.now(UTC) + timedelta(**parts)
            session.commit()
        self.listener._look_at = 0.0

    def lag(self) -> int:
        return self.bench.platform.event_log.lag("toy", self.topics)

    def notes(self) -> dict[str, list[int]]:
        """The days of each note, counted from the first of January."""
        days = lambda note: [(datetime.fromisoformat(day) - datetime(2019, 12, 31)).days for day in note.days]  # noqa: E731
        return {note.review: days(note) for note in self.rows(Note)}

    def letters(self, state: str = "waiting") -> list[DeadLetterRow]:
        return [letter for letter in self.rows(DeadLetterRow) if letter.state == state]

    def held(self) -> dict[str, str]:
        """The held keys, each with its cause."""
        return {row.key: row.cause for row in self.rows(HeldKeyRow)}

    def parked(self) -> list[str]:
        return [event.key for event in self.rows(ParkedEventRow)]

    def heard(self) -> int:
        return len(self.rows(InboxRow))

    def health(self) -> str:
        with self.bench.running.database.session(readonly=True) as session:
            return str(held.tell(session, "toy"))

    def rows(self, table: type[SQLModel]) -> list:
        with self.bench.running.database.session(readonly=True) as session:
            return list(session.execute(select(table).order_by(*table.__table__.primary_key)).scalars())  # type: ignore[attr-defined]

    def retries(self, letter: DeadLetterRow, service: Service | None = None) -> DeadLetterRow:
        with self.bench.work("ada") as work:
            return dead_letters.retry(work, service or self.bench.service, letter.id)

    def discards(self, letter: DeadLetterRow, reason: str = "it was a test") -> tuple[DeadLetterRow, int]:
        with self.bench.work("ada") as work:
            return dead_letters.discard(work, self.bench.service, letter.id, reason)

    def gives_up(self, key: str, *, whole: bool = False) -> tuple[int, int]:
        """Decides that what a key waits for never comes; answers how many keys and events go."""
        with self.bench.work("ada") as work:
            which = [HeldKeyRow.key == key]
            return dead_letters.give_up(work, self.bench.service, which, "it never comes", keys=10, whole=whole)

    def mend(self, letter: DeadLetterRow, event: ReviewOverdue) -> None:
        """What a later release would make of the letter's event."""
        with self.bench.running.database.session() as session:
            value = self.bench.envelope(event).to_json()
            session.execute(update(DeadLetterRow).where(DeadLetterRow.id == letter.id).values(value=value))
            session.commit()

    def close(self) -> None:
        self.consumer.close()


def partition_of(name: str) -> int:
    """The partition that an event with this key comes into."""
    return crc32(name.encode()) % TOPICS[TOPIC].partitions


def names_in_one_partition(start: str, count: int) -> list[str]:
    """Names that begin so, whose events all come into one partition."""
    names = (f"{start}{number}" for number in range(1000))
    return [name for name in names if partition_of(name) == 1][:count]
