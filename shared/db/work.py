"""The unit of work: the rows and the events of one message, committed together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NotRequired, Protocol, TypedDict, TypeVar, Unpack

import orjson
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from shared import logging, tracing
from shared.canonical import sha256
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.rows import Rows
from shared.db.said import Said
from shared.db.tables import CauseRow, OutboxRow, WaitingRow
from shared.errors import Conflict, TooLarge, Unconfirmed
from shared.events.base import Envelope, Event
from shared.events.bounds import LARGEST_EVENT
from shared.ids import new_id
from shared.keys.ring import KeyRing
from shared.settings import Settings

log = logging.get(__name__)

Answer = TypeVar("Answer", bound=BaseModel)
Row = TypeVar("Row", bound=SQLModel)
Resource = TypeVar("Resource")


class Flushed(Protocol):
    """What `Work.before_commit` keeps."""

    def flush(self) -> None: ...


Effect = TypeVar("Effect", bound=Flushed)

_TAKE_KEY = Said(
    'INSERT INTO commands (person, "key", command, digest, answer, done_at)'
    " VALUES (:person, :key, :command, :digest, '{{}}', :done_at) ON CONFLICT DO NOTHING"
)
_ANSWER_OF = Said('SELECT command, digest, CAST(answer AS text) FROM commands WHERE person = :person AND "key" = :key')
_KEEP_ANSWER = Said(
    'UPDATE commands SET answer = {answer} WHERE person = :person AND "key" = :key',
    sqlite={"answer": ":answer"}, postgresql={"answer": "CAST(:answer AS jsonb)"},
)  # fmt: skip


class Undeclared(TypeError):
    """A service told what its printed table does not say: a mistake of ours, which a test must find."""


class _TakenBack(Exception):
    """Ends a part of which nothing is to be kept."""


class Work:
    """One transaction of one service.

    Effects, commands and jobs read and write through `session`, add rows, and emit events; whoever opened the work
    commits. `now` is fixed for the whole transaction; `occurred` is the time of the event that is handled, which a
    replay hears much later; `ring` signs and seals; `emits` are the events that the service's manifest declares.
    """

    def __init__(
        self,
        session: Session,
        *,
        service: str,
        clock: Clock,
        actor: str,
        via: str | None = None,
        settings: Settings,
        ring: KeyRing,
        resources: object = None,
        emits: Collection[type[Event]],
        correlation: str | None = None,
        muted: bool = False,
    ) -> None:
        self.session = session
        self.service = service
        self.now: datetime = clock.now()
        self._time = self.now.isoformat()
        self.occurred = self.now
        self.actor, self.via = actor, via
        self.settings = settings
        self.ring = ring
        self._resources, self._emits = resources, emits
        #: What a request asks for: its method and address. A command is the same only where these are.
        self.asked = ""
        self.correlation = correlation or new_id("flow")
        self.causation: str | None = None
        self._muted = muted
        self._outbox: list[dict[str, object]] = []
        self._causes: list[dict[str, str]] = []
        self._before_commit: dict[Hashable, Any] = {}
        self._notes: list[tuple[str, dict[str, object]]] = []
        self._rows: Rows | None = None
        #: How many events it has told, once it is committed.
        self.emitted = 0

    def resource(self, kind: type[Resource]) -> Resource:
        """What the service's manifest opened (sources, channels, plans), known to be of this kind."""
        return of_kind(kind, self._resources)

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
        """Tells an event when this work commits; answers its id. `because` names further causes by id.

        Raises Undeclared for one that the service's manifest does not say it emits, and TooLarge for one that no log
        takes: were it kept, the relay would stand still behind it.
        """
        if type(event) not in self._emits:
            raise Undeclared(f"{self.service} emits {type(event).__name__}, which its manifest does not declare")
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
            via=self.via,
        )
        if not self._muted:
            self._outbox.append({**_outbox_row(event, envelope, recorded), "traceparent": tracing.current()})
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
        # Whoever asks by the same key asks for the same kind.
        kept: Effect = self._before_commit[key]
        return kept

    def note(self, message: str, **about: object) -> None:
        """Logs a line at info once this work is committed."""
        self._notes.append((message, about))

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
            found = _ANSWER_OF.run(connection, mine).fetchone()
            assert found is not None  # Since it is there, it could not be taken.
            *done, kept = found
            if done != [command, digest]:
                raise Conflict(f"the idempotency key {key!r} was used for another command", slug="key_reused")
            return orjson.loads(kept)  # type: ignore[no-any-return]  # The route's response model reads it back.
        answer = do()
        self.rows.later(_KEEP_ANSWER, {**mine, "answer": answer.model_dump_json()})
        return answer

    def rehearse(self, do: Callable[[], Answer]) -> Answer:
        """What a command would answer, of which nothing is kept."""
        answers = []
        with suppress(_TakenBack), self.part():
            answers.append(do())
            raise _TakenBack
        return answers[0]

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
        """Raises Unconfirmed when the database, or SQLite's disk, failed before it said that it is done."""
        self._flush()
        try:
            self.session.commit()
        except DBAPIError as error:
            # What SQLite could not sync may have reached the disk: the next to open the file finds it then.
            failed = str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_IOERR")
            if not (error.connection_invalidated or failed):
                raise
            log.error("a commit is unconfirmed", service=self.service, error=str(error if failed else error.orig))
            what, when = ("disk failed", "once it is mended, ") if failed else ("server went away", "")
            raise Unconfirmed(
                f"the database's {what} before it said that this is kept: {when}look whether it is, or ask the same "
                "again with the same Idempotency-Key, which does it once",
                passes=not failed,
            ) from error
        for message, about in self._notes:
            log.info(message, service=self.service, **about)
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


def of_kind(kind: type[Resource], resources: object) -> Resource:
    """The resources, known to be of this kind. Raises TypeError for others."""
    if not isinstance(resources, kind):
        raise TypeError(f"the manifest opened {type(resources).__name__}, not {kind.__name__}")
    return resources


class About(TypedDict):
    """What a `Work` is opened with."""

    service: str
    clock: Clock
    actor: str
    via: NotRequired[str | None]
    settings: Settings
    ring: KeyRing
    resources: NotRequired[object]
    emits: Collection[type[Event]]
    correlation: NotRequired[str | None]
    muted: NotRequired[bool]


@contextmanager
def unit_of_work(
    database: Database,
    *,
    readonly: bool = False,
    committed: Callable[[int], None] | None = None,
    **about: Unpack[About],
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


def _outbox_row(event: Event, envelope: Envelope, recorded: datetime) -> dict[str, object]:
    payload = envelope.to_json()
    if len(payload) > LARGEST_EVENT:
        raise TooLarge(f"{event.type} of {event.key!r} has {len(payload)} bytes; {LARGEST_EVENT} may be told at once")
    return {
        "event_id": envelope.id,
        "correlation": envelope.correlationid,
        "review": event.review,
        "type": event.type,
        "topic": event.topic,
        "key": event.key,
        "payload": payload.decode(),
        "recorded_at": recorded,
    }
