"""The play with all that it stands on: a platform that has lived through a recorded review, for as long as somebody
looks at it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from demo.environment import Environment, prepared, set_clock
from demo.processes import ALL
from demo.recorded import RecordedReview
from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.run import DemoRun, Outcome, Tell
from shared.client import Client
from shared.clock import FileClock

#: What shares a process: all services and their pages.
TOGETHER = ((*ALL, "web"),)


@dataclass(frozen=True)
class Played:
    """A review that was lived through, on its platform. All its people sign in to pages by their names and the same
    `password`, which was made for this run."""

    recorded: RecordedReview
    site: Environment
    keys: Mapping[str, str]
    outcome: Outcome
    password: str

    @property
    def page(self) -> str:
        """Where anybody reads what the review has found, as a path of the platform's."""
        return f"/reviews/{self.recorded.review}/findings"


@contextmanager
def played(
    recorded: RecordedReview,
    home: Path,
    tell: Tell,
    *,
    split: Sequence[Sequence[str]] = TOGETHER,
    servers: Mapping[str, str] | None = None,
) -> Iterator[Played]:
    """Plays a recorded review in a folder that is empty, on a platform that runs for the length of a `with` block."""
    clock = set_clock(home / "clock", datetime(2018, 1, 1, tzinfo=UTC))
    app = replay_app(PapersCorpus.load(recorded.papers), clock=FileClock(clock))
    with prepared(home, app, clock=clock, split=split, servers=servers or {}) as site:
        people = recorded.decisions.people
        roles = {**dict.fromkeys(people.reviewers, "reviewer"), people.adjudicator: "adjudicator", people.lead: "lead"}
        keys = {name: site.key(name, role, recorded.review) for name, role in roles.items()}
        outcome = DemoRun(recorded, site.processes.urls, keys, clock, tell).run()
        password = secrets.token_urlsafe(12)
        for name, key in keys.items():
            with Client.at(site.processes.urls, key) as person:
                person.people.set_password({"sign_in_as": name, "password": password})
        yield Played(recorded, site, keys, outcome, password)
