"""Health: looks at everything a process depends on, again and again, so that asking how it is costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from logging import INFO, WARNING
from threading import Event as Signal
from threading import Lock, Thread

from shared import logging
from shared.bus.judging import reason_of
from shared.bus.port import EventLog
from shared.clock import Clock
from shared.runtime.running import Running

log = logging.get(__name__)

#: Seconds between the end of a look and the next one.
_PAUSE = 2.0

#: Seconds after which a look that has not come back is told.
_SLOW = 5.0

#: Seconds that a SQLite file must be kept from us to be told: another's long write is no trouble yet.
_LASTING = 5.0

#: What is told of a part, by part: `ok`, or what is wrong with it.
States = Mapping[str, str]


class Look:
    """One thing that is looked at, in a thread of its own: what hangs, hangs alone, and is not asked a second time.

    `check` answers what it sees of which part, of the service `of`. Trouble that comes is told once it has lasted for
    so many seconds.
    """

    def __init__(self, name: str, check: Callable[[], States], *, of: str = "all", lasting: float = 0.0) -> None:
        self.name, self._check, self._of, self._lasting = name, check, of, lasting
        self._lock = Lock()
        self._looking_since: tuple[float, datetime] | None = None
        self._seen_last: dict[str, str] | None = None
        self._trouble_since: dict[str, float] = {}

    def look_on(self, stopping: Signal) -> None:
        """Looks until it is stopped."""
        while not stopping.is_set():
            self.look()
            stopping.wait(_PAUSE)

    def look(self) -> None:
        with self._lock:
            self._looking_since = (time.monotonic(), datetime.now(UTC))
        try:
            seen = self._check()
        except Exception as error:
            seen = {self.name: _first_line(error)}
        with self._lock:
            self._looking_since = None
            self._keep(seen, time.monotonic())

    def state(self) -> States | None:
        """What was seen last, or that it does not answer; None when nobody has looked yet."""
        with self._lock:
            if self._looking_since is None or time.monotonic() - self._looking_since[0] < _SLOW:
                return self._seen_last
            return {
                **(self._seen_last or {}),
                self.name: f"does not answer since {self._looking_since[1]:%H:%M:%S} UTC",
            }

    def _keep(self, seen: States, now: float) -> None:
        before = self._seen_last or {}
        troubled = [part for part, what in seen.items() if what != "ok"]
        self._trouble_since = {part: self._trouble_since.get(part, now) for part in troubled}
        fresh = [it for it in troubled if before.get(it) == "ok" and now - self._trouble_since[it] < self._lasting]
        self._seen_last = {**seen, **dict.fromkeys(fresh, "ok")}
        for part in {*before, *self._seen_last}:
            state = self._seen_last.get(part, "ok")
            if state != before.get(part, "ok"):
                level = INFO if state == "ok" else WARNING
                log.log(level, "health changed", service=self._of, part=part, state=state)


class Health:
    """How the services of this process are, as of some seconds ago. `start` may be called more than once."""

    def __init__(
        self,
        running: Mapping[str, Running],
        event_log: EventLog,
        clock: Clock,
        *,
        keys: Callable[[], None],
        withdrawals: Callable[[], None],
    ) -> None:
        self._stopping, self._lock, self._started = Signal(), Lock(), False
        self._looks: dict[str, list[Look]] = {}
        # What all services stand on is looked at once.
        shared = [
            Look("log", _seen("log", event_log.ping), lasting=_LASTING),
            Look("clock", _seen("clock", clock.now)),
            Look("keys", _seen("keys", keys)),
            Look("withdrawals", _seen("withdrawals", withdrawals)),
        ]
        for name, service in running.items():
            lasting = _LASTING if service.database.sqlite else 0.0
            checks = [
                Look(part, _seen(part, check), of=name, lasting=lasting) for part, check in service.checks().items()
            ]
            self._looks[name] = [*shared, *checks, Look("parts", service.health, of=name)]

    def start(self) -> None:
        with self._lock:
            if self._started:
                return
            self._started = True
        for look in self._all():
            Thread(target=look.look_on, args=[self._stopping], name=f"health:{look.name}", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    @property
    def looked(self) -> bool:
        """Whether everything was looked at once, or does not answer."""
        return all(look.state() is not None for look in self._all())

    def report(self) -> dict[str, dict[str, str]]:
        """Of each service each part. Never waits."""
        return {name: self._of(looks) for name, looks in self._looks.items()}

    def _of(self, looks: list[Look]) -> dict[str, str]:
        report: dict[str, str] = {}
        for look in looks:
            state = look.state()
            report |= {look.name: "was not looked at yet"} if state is None else state
        return report

    def _all(self) -> list[Look]:
        return list({id(look): look for looks in self._looks.values() for look in looks}.values())


def _seen(part: str, check: Callable[[], object]) -> Callable[[], States]:
    """A look at one part, which raises what is wrong."""

    def look() -> States:
        try:
            check()
        except Exception as error:
            return {part: _first_line(error)}
        return {part: "ok"}

    return look


def _first_line(error: Exception) -> str:
    """What is wrong. What a driver adds below is for whoever reads the log of what failed."""
    return reason_of(error).partition("\n")[0]
