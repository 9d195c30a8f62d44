"""The unit of work: the rows and the events of one message, committed together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel
from sqlmodel import Session, SQLModel

from shared import logging
from shared.canonical import sha256
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.rows import Rows
from shared.db.said import Said
from shared.db.tables import CauseRow, OutboxRow, WaitingRow
from shared.errors import Conflict
from shared.events.base import Envelope, Event
from shared.ids import new_id
from shared.keys import SigningKey
from shared.settings import Settings

log = logging.get(__name__)

Answer = TypeVar("Answer", bound=BaseModel)
Row = TypeVar("Row", bound=SQLModel)
Effect = TypeVar("Effect")

_TAKE_KEY = Said(
    'INSERT INTO commands (person, "key", command, digest, answer, done_at)'
    " VALUES (:person, :key, :command, :digest, '{{}}', :done_at) ON CONFLICT DO NOTHING"
)
_ANSWER_OF = Said('SELECT command, digest, CAST(answer AS text) FROM commands WHERE person = :person AND "key" = :key')
_KEEP_ANSWER = Said(
    'UPDATE commands SET answer = {answer} WHERE person = :person AND "key" = :key',
    sqlite={"answer": ":answer"}, postgresql={"answer": "CAST(:answer AS jsonb)"},
)  # fmt: skip


class Work:
    """One transaction of one service.

    Handlers read and write through `session`, add rows, and emit events; whoever opened the work commits.
    `now` is fixed for the whole transaction; `happened` is the time of the event that is handled, which a
    replay hears much later; `key` signs and seals; `resources` is what the service's
    manifest built (an index, sources, channels).
    """

    def __init__(
        self,
        session: Session,
        *,
        service: str,
        clock: Clock,
        actor: str,
        settings: Settings,
        key: SigningKey,
        resources: Any = None,
        correlation: str | None = None,
        muted: bool = False,
    ) -> None:
        self.session = session
        self.service = service
        self.now: datetime = clock.now()
        self._time = self.now.isoformat()
        self.happened = self.now
        self.actor = actor
        self.settings = settings
        self.key = key
        self.resources = resources
        #: What a request asks for: its method and address. A command is the same only where these are.
        self.asked = ""
        self.correlation = correlation or new_id("flow")
        self.causation: str | None = None
        self._muted = muted
        self._outbox: list[dict[str, Any]] = []
        self._causes: list[dict[str, str]] = []
        self._before_commit: dict[Hashable, Any] = {}
        self._notes: list[tuple[str, dict[str, Any]]] = []
        self._rows: Rows | None = None
        #: How many events it has told, once it is committed.
        self.emitted = 0

    @property
    def rows(self) -> Rows:
        """The plain rows of this work, written before it commits."""
        if self._rows is None:
            self._rows = Rows(self.session)
        return self._rows

    def add(self, row: Row) -> Row:
        self.session.add(row)
        return row

    def emit(self, event: Event, *, because: Iterable[str] = ()) -> str:
        """Tells an event when this work commits; answers its id. `because` names further causes by id."""
        recorded = datetime.now(UTC)
        envelope = Envelope(
            id=new_id("evt"),
            type=event.type,
            dataversion=type(event).version,
            source=f"living/{self.service}",
            subject=event.key,
            time=self._time,
            recordedtime=recorded.isoformat(),
            correlationid=self.correlation,
            causationid=self.causation,
            actor=self.actor,
            data=event.model_dump(mode="json"),
        )
        if not self._muted:
            self._outbox.append(_outbox_row(event, envelope, recorded))
            self._causes += [{"cause": cause, "event_id": envelope.id} for cause in dict.fromkeys(because)]
        return envelope.id

    @contextmanager
    def following(self, correlation: str, causation: str | None) -> Iterator[None]:
        """Within the block, what is emitted belongs to that flow and was caused by that event."""
        before = self.correlation, self.causation
        self.correlation, self.causation = correlation, causation
        try:
            yield
        finally:
            self.correlation, self.causation = before

    def before_commit(self, key: Hashable, make: Callable[[], Effect]) -> Effect:
        """The one `make()` of this work for `key`; its `flush()` runs just before the commit.

        For effects outside the database that may safely be done again, such as versioned index writes:
        when they fail nothing is committed, and when the commit fails they are repeated.
        """
        if key not in self._before_commit:
            self._before_commit[key] = make()
        return self._before_commit[key]

    def note(self, told: str, **about: Any) -> None:
        """Logs a line at info once this work is committed."""
        self._notes.append((told, about))

    def once(self, key: str | None, command: str, body: BaseModel | None, do: Callable[[], Answer]) -> Answer:
        """Does a person's command once per idempotency key: the second time, its first answer comes back.

        Raises Conflict when the key was used for something else. Without a key, just does it.
        """
        if key is None:
            return do()
        command = f"{command}: {self.asked}"
        digest = sha256(body.model_dump(mode="json") if body else None)
        connection, mine = self.rows.connection, {"person": self.actor, "key": key}
        # The key is taken before anything is done, so that a second request with it waits for the first one's answer.
        taken = {**mine, "command": command, "digest": digest, "done_at": datetime.now(UTC)}
        if _TAKE_KEY.run(connection, taken).rowcount == 0:
            (*done, kept) = _ANSWER_OF.run(connection, mine).fetchone()
            if done != [command, digest]:
                raise Conflict(f"the idempotency key {key!r} was used for another command", slug="key_reused")
            return orjson.loads(kept)  # type: ignore[no-any-return]  # The route's response model reads it back.
        answer = do()
        self.rows.later(_KEEP_ANSWER, {**mine, "answer": answer.model_dump_json()})
        return answer

    @contextmanager
    def part(self) -> Iterator[None]:
        """Within the block, all or nothing: when it fails, the rest of this work is as if it had never begun.

        A part ends as a whole work does, with what `before_commit` keeps, so that its failure is its own.
        """
        self._write_rows()
        outer = self._outbox, self._causes, self._before_commit
        # Rows that were read outside may be others inside, and the other way round.
        self._outbox, self._causes, self._before_commit, self._rows = [], [], {}, None
        emitted = self.emitted
        try:
            with self.session.begin_nested():
                yield
                self._flush()
        except BaseException:
            self.emitted = emitted
            raise
        finally:
            self._outbox, self._causes, self._before_commit = outer
            self._rows = None

    def commit(self) -> None:
        self._flush()
        self.session.commit()
        for told, about in self._notes:
            log.info(told, service=self.service, **about)
        self._notes.clear()

    def forget(self) -> None:
        """Lets go of what `before_commit` keeps, which mostly knows its work: two that hold each other would stay, with
        all the rows of a batch, until the garbage collector looks."""
        self._before_commit.clear()

    def _flush(self) -> None:
        self.session.flush()
        for effect in self._before_commit.values():
            effect.flush()
        self.rows.insert(OutboxRow, self._outbox)
        self.rows.insert(WaitingRow, [{"event_id": row["event_id"]} for row in self._outbox])
        self.rows.insert(CauseRow, self._causes)
        self._write_rows()
        self.emitted += len(self._outbox)

    def _write_rows(self) -> None:
        self.session.flush()
        if self._rows is not None:
            self._rows.flush()


@contextmanager
def unit_of_work(
    database: Database,
    *,
    readonly: bool = False,
    committed: Callable[[int], None] | None = None,
    **about: Any,
) -> Iterator[Work]:
    """Opens a `Work`; commits it when the block ends well, rolls back when it does not.

    `committed` is then told how many events wait for the relay.
    """
    with database.session(readonly=readonly) as session:
        work = Work(session, **about)
        try:
            yield work
            if readonly:
                return
            work.commit()
        finally:
            work.forget()
    if committed is not None:
        committed(work.emitted)


def _outbox_row(event: Event, envelope: Envelope, recorded: datetime) -> dict[str, Any]:
    return {
        "event_id": envelope.id,
        "correlation": envelope.correlationid,
        "review": event.review,
        "type": event.type,
        "topic": event.topic,
        "key": event.key,
        "payload": envelope.to_json().decode(),
        "recorded_at": recorded,
    }
