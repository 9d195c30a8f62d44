"""The profiles that the flows run on: the demo run on either of them, with what may do harm meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from demo.environment import Environment, prepared, set_clock
from demo.processes import ALL
from demo.recorded import RecordedReview
from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.run import DemoRun, Outcome
from services.search.ports.index import open_index
from shared.bus.open import open_log
from shared.bus.port import EventLog
from shared.client import Client
from shared.clock import FileClock
from shared.ids import new_id
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import own_token
from tests.databases import drop_database

ROOT = Path(__file__).parent.parent.parent
FIRST_REVIEW = ROOT / "reviews" / "ics-leadership"
SECOND_REVIEW = Path(__file__).parent / "second-review"

APART: tuple[tuple[str, ...], ...] = tuple((service,) for service in ALL)


@dataclass(frozen=True)
class Profile:
    """Where the platform stands: which adapters answer, and how its services are spread over processes."""

    name: str
    split: Sequence[Sequence[str]]
    servers: dict[str, str]
    programs: dict[str, str] = field(default_factory=dict)

    def log(self, folder: Path) -> EventLog:
        """The event log of a platform in `folder`, to be closed."""
        settings = self.settings(folder)
        return open_log(settings.resolved(settings.log_url), prefix=settings.topic_prefix)

    def settings(self, folder: Path) -> Settings:
        given = {name.removeprefix("LIVING_").lower(): value for name, value in self.servers.items()}
        return Settings(data_dir=folder, _env_file=None, **given)

    def clear_away(self) -> None:
        """Drops the databases and the index of a real platform; its topics go with the servers."""
        if not self.servers:
            return
        for service in ALL:
            drop_database(self.servers["LIVING_DATABASE_URL"].replace("{service}", service))
        index = open_index(
            self.servers["LIVING_SEARCH_URL"], name=self.servers["LIVING_SEARCH_INDEX"], analyzer="standard"
        )
        index.drop()
        index.close()


def embedded(split: Sequence[Sequence[str]] = (ALL,)) -> Profile:
    return Profile("embedded", split, {})


def real(kafka: str, postgres: str, search: str) -> Profile:
    """One process a service on real servers, with topics, databases and an index of its own."""
    mark = new_id("flow")[:21]
    return Profile(
        "real",
        APART,
        {
            "LIVING_LOG_URL": kafka,
            "LIVING_DATABASE_URL": postgres.replace("{database}", f"{mark}_{{service}}"),
            "LIVING_BLOBS_URL": "database:",
            "LIVING_SEARCH_URL": search,
            "LIVING_SEARCH_INDEX": mark,
            "LIVING_SEARCH_ANALYZER": "standard",
            "LIVING_TOPIC_PREFIX": f"{mark}.",
        },
    )


@contextmanager
def demo_run(
    profile: Profile, folder: Path, review: Path = FIRST_REVIEW, harm: Callable[[Environment], ExitStack] | None = None
) -> Iterator[tuple[Environment, Outcome]]:
    """Plays a review to its end and keeps the platform open. `harm` may do things to it meanwhile."""
    recorded = RecordedReview(review)
    clock = set_clock(folder / "clock", datetime(2018, 1, 1, tzinfo=UTC))
    sources = replay_app(PapersCorpus.load(recorded.papers), clock=FileClock(clock))
    # A notification whose sender was killed is sent again after this time and five seconds.
    quick = {"LIVING_WEBHOOK_TIMEOUT": "2", "LIVING_RETRY_SECONDS": "0.2"}
    with prepared(
        folder, sources, clock=clock, split=profile.split, servers=profile.servers, programs=profile.programs, **quick
    ) as site:
        people = recorded.decisions.people
        roles = {**dict.fromkeys(people.reviewers, "reviewer"), people.adjudicator: "adjudicator", people.lead: "lead"}
        keys = {name: site.key(name, role, recorded.review) for name, role in roles.items()}
        with harm(site) if harm is not None else ExitStack():
            # Beside busy processes, and with others that are started again and again, it all takes minutes.
            run = DemoRun(recorded, site.processes.urls, keys, clock, _silent(folder), patience=900)
            outcome = run.run()
        yield site, outcome


def client(site: Environment, role: str = "admin") -> Client:
    """A client of a running platform, for the machine's owner."""
    return Client.at(site.processes.urls, lambda: own_token(open_ring(site.settings), role), patience=60)


def _silent(folder: Path) -> Callable[[str], None]:
    """Keeps what the play tells in a file, for whoever looks into a failure."""

    def tell(what: str) -> None:
        with (folder / "told").open("a") as file:
            file.write(f"{datetime.now(UTC):%H:%M:%S} {what}\n")

    return tell


def environment() -> dict[str, str]:
    """The environment for a command line of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LIVING_")}
