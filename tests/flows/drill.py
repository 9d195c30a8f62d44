"""What the drills of withdrawing keys stand on: a platform whose log can be taken away, and clients by the hundred."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx

from demo.environment import Environment
from demo.processes import ALL, Processes
from shared.client import Client
from shared.events.base import Envelope
from shared.events.people import AccessWithdrawn
from shared.events.registry import decode
from shared.keys.file import open_ring
from shared.tokens import issue_token, opened
from shared.wire.people import Withdrawal
from tests.flows import cut_off
from tests.flows.crowd import Line
from tests.flows.profiles import Profile

REVIEW = "drill"

#: Seconds in which what must come has come: many times what a busy machine takes.
PATIENCE = 1800.0


@dataclass(frozen=True)
class Key:
    """A key that is withdrawn in a drill: its id, itself, and a token of before."""

    id: str
    key: str
    token: str


@dataclass(frozen=True)
class Site:
    """A running platform, its log, and how both are harmed."""

    profile: Profile
    folder: Path
    environment: Environment
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def urls(self) -> dict[str, str]:
        return self.environment.processes.urls

    @property
    def addresses(self) -> list[str]:
        """That of each process once."""
        return sorted(set(self.urls.values()))

    def client(self, key: str) -> Client:
        return Client.at(self.urls, key, patience=PATIENCE, timeout=60)

    def admin(self) -> Client:
        """Somebody who may do everything, and came in for it."""
        return self.client(self.environment.key("Root", "admin"))

    def comes_in(self, role: str) -> tuple[str, str]:
        """Somebody new in the review: their id and their key."""
        arrived = self.environment.person(f"Person {next(self.numbers):03d}", role, REVIEW)
        assert arrived.key is not None
        return arrived.person, arrived.key.key

    def make_keys(self, persons: int, each: int) -> list[tuple[str, list[Key]]]:
        """So many keys of each of so many persons, who are leads: each person's own key, and those."""
        with ThreadPoolExecutor(8) as pool:
            own = [self.comes_in("lead")[1] for _ in range(persons)]
            return list(pool.map(lambda key: (key, self._keys_of(key, each)), own))

    def _keys_of(self, own: str, each: int) -> list[Key]:
        with self.client(own) as living:
            made = [living.people.make_key({"name": f"key {number}"}) for number in range(each)]
        return [Key(it.id, it.key, self.token(it.key)) for it in made]

    def withdraw(self, own: str, key: Key) -> Withdrawal:
        """Withdraws a key as whose it is."""
        with self.client(own) as living:
            return living.people.withdraw_key(key.id)

    def token(self, key: str) -> str:
        """A token of a key, as people makes it, that counts for hours: a busy machine takes longer than minutes."""
        status, token = self.exchange(key)
        assert status == 200, token
        ring = open_ring(self.environment.settings)
        return issue_token(ring, opened(ring, token)[0], now=datetime.now(UTC), valid_for=timedelta(hours=3))

    def exchange(self, key: str) -> tuple[int, str]:
        """What people answers to a key: the status, and the token or the problem."""
        form = {"grant_type": "client_credentials", "client_secret": key}
        answer = self.insist("POST", f"{self.urls['people']}/people/token", data=form)
        body = answer.json()
        return answer.status_code, body["access_token"] if answer.status_code == 200 else problem(answer)

    def ask(self, token: str, method: str, path: str, **more: object) -> httpx.Response:
        """One answer of the service that a path names."""
        base = self.urls[path.split("/")[1]]
        return self.insist(method, base + path, headers={"Authorization": f"Bearer {token}"}, **more)

    def insist(self, method: str, url: str, **more: object) -> httpx.Response:
        """An answer of a process that may be busy, or not up yet."""
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(httpx.TransportError):
                answer = httpx.request(method, url, timeout=60, **more)  # type: ignore[arg-type]
                if problem(answer) not in ("busy", "stopping"):
                    return answer
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.1)

    def parts(self, service: str, token: str = "") -> dict[str, str]:
        """What `/readyz` says of a service."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        services = self.insist("GET", f"{self.urls[service]}/readyz", headers=headers).json()["services"]
        return services[service]  # type: ignore[no-any-return]

    def withdrawals(self) -> list[AccessWithdrawn]:
        """What the log has of them."""
        log = self.profile.log(self.folder)
        try:
            return [decode(Envelope.from_json(it.value)) for it in log.read([AccessWithdrawn.topic])]  # type: ignore[misc]
        finally:
            log.close()

    @contextmanager
    def log_away(self) -> Iterator[None]:
        """The log is out of reach for every process: its file is not mounted, or no broker can be connected to."""
        file, sign = self.folder / "log.db", self.folder / cut_off.AWAY
        try:
            if self.profile.servers:
                sign.touch()
            else:
                file.rename(sign)
            yield
        finally:
            sign.unlink() if self.profile.servers else sign.rename(file)

    @contextmanager
    def withdrawals_held(self) -> Iterator[None]:
        """The partition of withdrawals gives nothing, though its end moves on."""
        sign = self.folder / cut_off.HELD
        sign.touch()
        try:
            yield
        finally:
            sign.unlink()


@contextmanager
def site_of(profile: Profile, folder: Path) -> Iterator[Site]:
    """The platform of a profile, with a review that has its people and nothing else."""
    programs = dict.fromkeys(ALL, cut_off.PROGRAM)
    variables = {
        "LIVING_DATA_DIR": str(folder),
        "LIVING_SCHEDULER": "false",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **profile.servers,
    }
    settings = profile.settings(folder)
    open_ring(settings)  # Made here, so that of several processes no two make it.
    with ExitStack() as stack:
        processes = Processes(folder, variables, profile.split, programs)
        stack.callback(processes.stop)
        processes.start()
        yield Site(profile, folder, Environment(processes, folder / "clock", settings))


def problem(answer: httpx.Response) -> str:
    """The slug of a bad answer; nothing of one that is none."""
    if answer.headers.get("content-type") != "application/problem+json":
        return ""
    return str(answer.json()["type"]).rpartition(":")[2]


# Clients by the hundred


@dataclass
class Refusals:
    """What the clients of keys met at each service, by key and service (`time.monotonic`): when the first refusal came,
    when the last request was sent that was answered, and what was wrong."""

    first: dict[tuple[str, str], float] = field(default_factory=dict)
    allowed: dict[tuple[str, str], float] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)  # Allowed after a refusal.
    odd: list[str] = field(default_factory=list)
    refused: dict[tuple[str, str], int] = field(default_factory=dict)

    def note(self, key: str, service: str, sent: float, status: int, slug: str) -> None:
        pair = key, service
        if (status, slug) == (401, "withdrawn"):
            self.first.setdefault(pair, time.monotonic())
            self.refused[pair] = self.refused.get(pair, 0) + 1
        elif status == 200:
            self.allowed[pair] = sent
            if pair in self.first:
                self.again.append(f"{service} allowed {key} again")
        elif status != 503:  # Where hundreds ask, some are told to come again.
            self.odd.append(f"{service} answered {status} {slug}")


async def ask_everywhere(urls: Mapping[str, str], key: Key, at: int, seen: Refusals, done: asyncio.Event) -> None:
    """Asks every service by one token, again and again; each client begins with another."""
    lines = {service: Line(url, key.token) for service, url in urls.items()}
    services = [*urls][at % len(urls) :] + [*urls][: at % len(urls)]
    try:
        while not done.is_set():
            for service in services:
                sent = time.monotonic()
                path = f"/{service}/reviews/{REVIEW}/events?limit=1"
                try:
                    status, _, body = await lines[service].ask("GET", path)
                except ConnectionError:
                    continue  # A connection that was idle for long is closed, and the next request opens another.
                seen.note(key.id, service, sent, status, str((body or {}).get("type", "")).rpartition(":")[2])
    finally:
        for line in lines.values():
            line.close()


@dataclass
class Late:
    """How late a machine was: the longest that a process took to say that it is there, and a short sleep to end."""

    answers: list[float] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    @property
    def most(self) -> float:
        return max([*self.answers, *self.sleeps], default=0.0)


async def how_late(addresses: Sequence[str], late: Late, done: asyncio.Event) -> None:
    """Measures until it is done; each process is asked for itself."""

    async def ask(address: str) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while not done.is_set():
                began = time.monotonic()
                await client.get(f"{address}/healthz")
                late.answers.append(time.monotonic() - began)
                began = time.monotonic()
                await asyncio.sleep(0.25)
                late.sleeps.append(time.monotonic() - began - 0.25)

    await asyncio.gather(*(ask(address) for address in addresses))
