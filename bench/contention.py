"""The contention run: 1, 16 and 200 people decide at the same moment, beside as many clients of the bare route."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bench import bare, clients
from bench.clients import Orders, Tally
from bench.machine import use_of
from bench.pipeline import PROTOCOL, Pipeline
from shared.db import migrate
from shared.db.engine import opened
from shared.keys.file import open_ring
from shared.tokens import Person, issue_token

#: How many clients work at once, in turn.
CROWDS = (1, 16, 200)

#: The reach: of the bare route's inserts, times its p99, and of the requests.
LEAST_SHARE, MOST_TIMES, MOST_SHED = 0.25, 6.0, 0.05

#: By how much of itself the same thing differs from one bout to the next, on a machine that does nothing else.
SCATTER = 0.05

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a bout: what its clients met, and whether the database afterwards held exactly what they were
    told it keeps. `rate` is decisions a second, `p50` and `p99` seconds, `shed` a share of the requests, `errors`
    all other failures, `cpu` the seconds that the service's process used."""

    decisions: int
    rate: float
    p50: float
    p99: float
    claim_p99: float | None
    requests: int
    shed: float
    shed_by: dict[str, int]
    errors: dict[str, int]
    conserved: bool
    cpu: float

    @classmethod
    def of(cls, tally: Tally, seconds: float, conserved: bool, cpu: float) -> Side:
        return cls(
            decisions=len(tally.decisions),
            rate=tally.in_time / seconds,
            p50=percentile(tally.decisions, 0.5),
            p99=percentile(tally.decisions, 0.99),
            claim_p99=percentile(tally.claims, 0.99) if tally.claims else None,
            requests=tally.requests,
            shed=tally.shed.total() / max(1, tally.requests),
            shed_by=dict(tally.shed),
            errors=dict(tally.errors),
            conserved=conserved,
            cpu=cpu,
        )


@dataclass(frozen=True, slots=True)
class Bout:
    """As many clients of either side, one side after the other."""

    clients: int
    bare: Side
    ours: Side

    @property
    def share(self) -> float:
        """Our decisions, of the bare route's inserts."""
        return self.ours.rate / self.bare.rate if self.bare.rate else 0.0

    @property
    def times(self) -> float:
        """Our p99, in the bare route's."""
        return self.ours.p99 / self.bare.p99


def run(pipeline: Pipeline, seconds: float, tell: Tell) -> list[Bout]:
    """Each crowd for `seconds` at the bare route and then at the platform, whose tasks are there already."""
    url = pipeline.settings.resolved(pipeline.settings.database_url, "raw")
    with opened(url) as database:
        migrate.ensure_database(database)
    with bare.serving(url, pipeline.pool_size, pipeline.settings.data_dir) as (port, pid):
        arena = _Arena(pipeline, url, port, pid)
        tell("warming up")
        arena.bout(4, min(seconds, 2.0))
        bouts = []
        for crowd in CROWDS:
            tell(f"{crowd} at once")
            bouts.append(arena.bout(crowd, seconds))
        return bouts


def reach(bouts: Sequence[Bout], profile: str) -> Iterator[tuple[str, bool]]:
    """What the platform sets out to reach, and whether this run did."""
    by_crowd = {bout.clients: bout for bout in bouts}
    many, some = by_crowd[200].ours, by_crowd[16].ours
    yield "no vote lost, none doubled", all(bout.ours.conserved for bout in bouts)
    yield "no failure but being shed", not any(bout.ours.errors for bout in bouts)
    yield f"at most {MOST_SHED:.0%} of the requests shed at 200 (here {many.shed:.1%})", many.shed <= MOST_SHED
    no_slower = many.rate >= some.rate * (1 - SCATTER)
    yield f"no slower at 200 than at 16 ({many.rate:,.0f} and {some.rate:,.0f} a second)", no_slower
    if profile == "real":
        least = min(bout.share for bout in bouts)
        yield f"at least {LEAST_SHARE} of the bare route's inserts (least {least:.2f})", least >= LEAST_SHARE
    most = max(bout.times for bout in bouts)
    yield f"a p99 of at most {MOST_TIMES:g} times the bare route's (most {most:.1f})", most <= MOST_TIMES


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed; infinite where none ever came."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else float("inf")


def conserved(stored: Sequence[tuple[str, str]], tally: Tally) -> bool:
    """Whether the stored (task, person) pairs are those that were acknowledged, each once. A vote whose request
    had no answer may be among them or not."""
    acknowledged, doubtful = set(tally.votes), set(tally.doubtful)
    once = len(set(stored)) == len(stored) and len(acknowledged) == len(tally.votes)
    return once and acknowledged <= set(stored) <= acknowledged | doubtful


class _Arena:
    """Where the bouts take place: the platform's screening, and the bare route at `port`."""

    def __init__(self, pipeline: Pipeline, url: str, port: int, pid: int) -> None:
        self._pipeline, self._url, self._port, self._pid = pipeline, url, port, pid
        self._key, self._bouts = open_ring(pipeline.settings), 0

    def bout(self, crowd: int, seconds: float) -> Bout:
        """Each bout has people of its own, so that its votes can be told from others'."""
        self._bouts += 1
        people = {name: self._token(name) for name in (f"bout{self._bouts}-{n:03d}" for n in range(crowd))}
        return Bout(crowd, self._bare(people, seconds), self._ours(people, seconds))

    def _bare(self, people: dict[str, str], seconds: float) -> Side:
        before, used = bare.kept(self._url), use_of(self._pid).cpu
        tally = clients.run(Orders(self._port, people, seconds, "insert"))
        used, kept = use_of(self._pid).cpu - used, bare.kept(self._url) - before
        return Side.of(tally, seconds, kept == len(tally.decisions) or bool(tally.errors), used)

    def _ours(self, people: dict[str, str], seconds: float) -> Side:
        port, pid = urlsplit(self._pipeline.processes.urls["screening"]).port, self._pipeline.pid_of_screening
        used = use_of(pid).cpu
        tally = clients.run(Orders(port or 0, people, seconds, "decide", PROTOCOL.review))
        used = use_of(pid).cpu - used
        sound = conserved(self._pipeline.votes_of(people), tally) and not self._pipeline.miscounted()
        return Side.of(tally, seconds, sound, used)

    def _token(self, name: str) -> str:
        person = Person.member(name, "reviewer", (PROTOCOL.review,))
        return issue_token(self._key, person, now=datetime.now(UTC), valid_for=timedelta(hours=1))
