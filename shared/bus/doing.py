"""Doing: what a service has heard, done in one transaction: effects, parked events and dead letters together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared import tracing
from shared.bus import dead_letters, put_off
from shared.bus.held import FAULT, LONGEST, RELEASED, Held, Key, at_once, cause_of, delivery_of, pause_of_key
from shared.bus.judging import Judgement, Outcome, judge, unknown_version
from shared.bus.port import Delivery, Partition
from shared.bus.reading import Heard, Opened, Reacting, UnknownType, react, read
from shared.db.inbox import InboxEntry, forget, unseen
from shared.db.tables import HeldKeyRow, LetterStates, ParkedEventRow
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.base import Envelope

#: How often an event is tried that fails by a fault.
TRIES = 3
#: How long an event may wait for another one before that is told as an error.
ALARM = timedelta(hours=1)
#: After so many events of one review and type that need another one first, the next ones of the same transaction are
#: parked untried: a hundred thousand records may wait for one protocol. They are the first to be tried again.
ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """How many dead letters may wait, and how many events may be parked, of one partition; the first pause after a
    fault, in seconds."""

    dead_letters: int
    parked: int
    retry_seconds: float


@dataclass
class Doing:
    """One transaction of a listener. `letters` says how many dead letters of each partition wait.

    `careful` does each event as a part of its own, so that one that fails leaves the others as they are, and is
    judged; otherwise the first failure is raised, and nothing was done.
    """

    work: Work
    service: Reacting
    limits: Limits
    letters: Counter[Partition]
    careful: bool
    #: Where a partition may not go on, and why: this delivery and all behind it are as if they had not been given.
    stops: dict[Partition, tuple[Delivery, str]] = field(default_factory=dict)
    #: The reviews of which something was done.
    stirred: set[str] = field(default_factory=set)
    #: What the log is told once this is committed: level, message, fields.
    said: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held = Held(self.work.session, self.service.name)
        self._parked: list[Heard] = []
        self._holds: list[HeldKeyRow] = []
        self._shown: set[tuple[str, str]] = set()
        #: What of a review and type needed another event, since the last that did not.
        self._in_vain: dict[tuple[str | None, str], list[Judgement]] = defaultdict(list)
        self._parkable: dict[Partition, int] = {}

    # What the log gives

    def take(self, batch: Sequence[Heard]) -> None:
        """Does a batch, in its order; what must wait is parked."""
        fresh = unseen(self.work.session, self.service.name, [_inbox_entry(one) for one in batch if _is_kept(one)])
        holding = self.held.among(
            {_key(one) for one in batch if _is_kept(one) and one.envelope is not None and one.envelope.id in fresh}
        )
        undone: list[str] = []
        for one in batch:
            envelope = one.envelope
            if _is_kept(one) and envelope is not None:
                if envelope.id not in fresh:
                    continue
                # Of two copies in one batch the second was heard before.
                fresh.discard(envelope.id)
            if not self._one(one, holding) and envelope is not None and _is_kept(one):
                undone.append(envelope.id)
        if undone:
            forget(self.work.session, self.service.name, undone)
        self.work.session.add_all(self._holds)
        self.held.park(self._parked)

    def _one(self, one: Heard, holding: set[Key]) -> bool:
        """Whether something has become of a delivery; False when its partition stops at it."""
        partition = one.delivery.topic_partition
        if partition in self.stops or self._is_halted(one.delivery):
            return False
        if one.problem is not None and one.problem.outcome is Outcome.UNDECODABLE:
            self._set_aside(one, one.problem, holds=False)
            return True
        if _key(one) in holding:
            return self._park(one)
        why = one.problem or self._try(one)
        if why is None:
            return True
        if why.certain and why.outcome is Outcome.FAULT:
            letter = self._set_aside(one, why, holds=True)
            if letter is None:
                return True
            self._holds.append(self.held.hold(one, why, pause=None, letter=letter))
        elif self._park(one):
            self._holds.append(self.held.hold(one, why, pause=_pause(why, 1, self.limits)))
            self._say_parked(one, why)
        else:
            return False
        holding.add(_key(one))
        return True

    def _park(self, one: Heard) -> bool:
        partition = one.delivery.topic_partition
        if partition not in self._parkable:
            self._parkable[partition] = self.limits.parked - self.held.parked_in(*partition)
        if self._parkable[partition] <= 0:
            self.stops[partition] = one.delivery, f"{self.limits.parked} of its events are parked, which is the limit"
            return False
        self._parkable[partition] -= 1
        self._parked.append(one)
        return True

    def _is_halted(self, delivery: Delivery) -> bool:
        partition = delivery.topic_partition
        if self.letters[partition] < self.limits.dead_letters:
            return False
        self.stops[partition] = (
            delivery,
            f"{self.letters[partition]} dead letters wait (limit {self.limits.dead_letters})",
        )
        return True

    # What was put off

    def adopt(self) -> None:
        """Does what another release put off, where this one has what it needs. What fails stays, with its reason."""
        for row in put_off.waiting(self.work.session, self.service.name):
            try:
                opened = Opened(row.value)
                event = opened.event()
                if event.lacking(self.service.name):
                    continue
                with self.work.part():
                    react(self.work, self.service, opened.envelope, event, tracing.headers_of(row.traceparent))
            except Exception as error:
                why = judge(error)
                if why.outcome is Outcome.DOWN:
                    raise
                row.reason = why.reason
                about: dict[str, object] = {"service": self.service.name, "type": row.type, "key": row.key}
                self.said.append(("error", "put off again", {**about, "reason": why.reason, "exc_info": error}))
            else:
                self.stirred.add(event.review)
                self.said.append(("info", "adopted", {"service": self.service.name, "type": row.type, "key": row.key}))

    # What was parked

    def go_on(self, keys: int, events: int) -> int:
        """Tries held keys that are due: at most so many, and so many of their events. Answers how many it did."""
        rows = self.held.due(keys)
        parked = self.held.parked(rows, events + 1) if rows else []
        cut = (parked[events].topic, parked[events].key) if len(parked) > events else None
        of_key: dict[Key, list[ParkedEventRow]] = {(row.topic, row.key): [] for row in rows}
        for event in parked[:events]:
            of_key[event.topic, event.key].append(event)
        tried = [(row, self._as_far_as_it_goes(of_key[row.topic, row.key])) for row in rows]
        # Written when all are tried: a part first writes whatever is not written yet, each time.
        for row, (done, stop) in tried:
            mine, more = of_key[row.topic, row.key], cut == (row.topic, row.key)
            for event in mine[:done]:
                self.work.session.delete(event)
            if stop is not None:
                self._stand(row, mine[done], *stop, first=done == 0)
            elif more:
                row.cause, row.letter, row.try_at = RELEASED, None, at_once(self.held.now)
            elif mine or cut is None:
                self.work.session.delete(row)
        return sum(done for _, (done, _) in tried)

    def _as_far_as_it_goes(self, parked: Sequence[ParkedEventRow]) -> tuple[int, tuple[Heard, Judgement] | None]:
        """Does the parked events of one key in order; answers how many, and at which it stops and why."""
        for number, event in enumerate(parked):
            one = self._reread(event)
            why = one and (one.problem or self._try(one))
            if one is not None and why is not None and not self._may_pass(one, why):
                return number, (one, why)
            if (one is None or why is not None) and event.event_id:
                # Not done: who catches up, or tries the letter again, must find it undone.
                forget(self.work.session, self.service.name, [event.event_id])
        return len(parked), None

    def _reread(self, event: ParkedEventRow) -> Heard | None:
        """What a parked event is to this release; None when nothing reacts to it any more. One whose type it does not
        know was parked by a later release, and waits for one."""
        delivery = delivery_of(event)
        try:
            return read(self.service, delivery)
        except UnknownType as unknown:
            why = unknown_version(Rejected(f"this release knows no event {str(unknown)!r}", slug="unknown_type"))
            return Heard(delivery, Envelope.from_json(event.value), problem=why)

    def _may_pass(self, one: Heard, why: Judgement) -> bool:
        """Sets aside what cannot be read by this release, where the partition is not halted."""
        partition = one.delivery.topic_partition
        if why.outcome is not Outcome.UNDECODABLE or self.letters[partition] >= self.limits.dead_letters:
            return False
        self._set_aside(one, why, holds=False)
        return True

    def _stand(self, row: HeldKeyRow, event: ParkedEventRow, one: Heard, why: Judgement, *, first: bool) -> None:
        """A key stays held at this event, for this reason."""
        cause = FAULT if why.outcome is Outcome.UNDECODABLE else cause_of(why)
        same = first and row.cause == cause
        row.tries, row.since = (row.tries + (not why.presumed), row.since) if same else (1, self.held.now)
        row.cause, row.reason, row.review, row.letter = cause, why.reason, one.review, None
        row.try_at = self.held.now + timedelta(seconds=_pause(why, row.tries, self.limits))
        may = self.letters[event.topic, event.partition] < self.limits.dead_letters
        if why.outcome is Outcome.FAULT and (why.certain or row.tries >= TRIES) and may:
            row.letter, row.try_at = self._set_aside(one, why, holds=True), None
            self.work.session.delete(event)
        age = self.held.now - row.since
        if why.outcome is Outcome.NOT_YET and ALARM <= age < ALARM + timedelta(seconds=LONGEST):
            self._say("error", "an event has waited for an hour", one, reason=why.reason)

    # Both

    def _try(self, one: Heard) -> Judgement | None:
        """Does one event. None when it is done, else why not; raises when something we need is down."""
        assert one.event is not None
        assert one.envelope is not None
        review = one.review
        like = review, one.envelope.type
        if len(self._in_vain[like]) >= ENOUGH:
            return replace(self._in_vain[like][-1], presumed=True)
        if not self.careful:
            react(self.work, self.service, one.envelope, one.event, one.delivery.headers)
        else:
            try:
                with self.work.part():
                    react(self.work, self.service, one.envelope, one.event, one.delivery.headers)
            except Exception as error:
                why = judge(error)
                if why.outcome is Outcome.DOWN:
                    raise
                if why.outcome is Outcome.FAULT and not why.certain:
                    self._say_fault(one, why, error)
                if why.outcome is Outcome.NOT_YET:
                    self._in_vain[like].append(why)
                return why
        self._in_vain.pop(like, None)
        if review is not None:
            self.stirred.add(review)
        return None

    def _set_aside(self, one: Heard, why: Judgement, *, holds: bool) -> str | None:
        """The letter that waits, also where it did before; None for one that was decided."""
        letter, fresh = dead_letters.set_aside(self.work, self.service.name, one, why, holds=holds)
        if fresh:
            self.letters[one.delivery.topic_partition] += 1
            self._say("error", "dead letter", one, letter=letter.id, slug=why.slug, reason=why.reason)
        return letter.id if letter.state == LetterStates.WAITING else None

    def _say_fault(self, one: Heard, why: Judgement, error: Exception) -> None:
        """With its way through the code once for each place in it: a batch may be full of them."""
        fresh = (why.slug, why.raised_at) not in self._shown
        self._shown.add((why.slug, why.raised_at))
        self._say("warning", "effect failed", one, error=why.reason, **({"exc_info": error} if fresh else {}))

    def _say_parked(self, one: Heard, why: Judgement) -> None:
        unknown = why.outcome is Outcome.UNKNOWN_VERSION
        self._say("error" if unknown else "debug", "unknown version" if unknown else "parked", one, reason=why.reason)

    def _say(self, level: str, what: str, one: Heard, **about: object) -> None:
        delivery = one.delivery
        where = {"topic": delivery.topic, "partition": delivery.partition, "offset": delivery.offset}
        self.said.append((level, what, {"service": self.service.name, **where, **about}))


def _is_kept(one: Heard) -> bool:
    """Whether the inbox keeps it: what cannot be read is known by its place instead."""
    return one.problem is None or one.problem.outcome is not Outcome.UNDECODABLE


def _inbox_entry(one: Heard) -> InboxEntry:
    assert one.envelope is not None
    return InboxEntry(one.envelope.id, one.delivery.topic, one.delivery.partition, one.delivery.offset)


def _key(one: Heard) -> Key:
    return one.delivery.topic, one.delivery.key


def _pause(why: Judgement, tries: int, limits: Limits) -> float:
    if why.outcome is Outcome.UNKNOWN_VERSION:
        return LONGEST
    return pause_of_key(tries, limits.retry_seconds) if why.outcome is Outcome.FAULT else pause_of_key(tries)
