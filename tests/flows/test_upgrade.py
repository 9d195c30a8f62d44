"""What the release before left behind is taken over by a start: its log, its databases, what it signed.

Slow: a review is played to its end before.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from demo.environment import Environment
from demo.processes import ALL
from services.catalog import SERVICES
from shared.db import migrate
from shared.db.engine import opened
from shared.errors import Conflict
from shared.runtime.mend import mend
from tests.flows.conftest import REAL, make_profile
from tests.flows.profiles import Profile, client, demo_run
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.waits]

REVIEW = "ics-leadership"

#: At which migration each database of the release before stood.
BEFORE = {
    "protocol": "0003",
    "ingest": "0003",
    "screening": "0004",
    "synthesis": "0004",
    "search": "0003",
    "notify": "0003",
}


@pytest.fixture(params=["embedded", REAL])
def one_process(request):
    profile = make_profile(request)
    yield profile
    profile.clear_away()


def test_what_the_release_before_left_is_taken_over_by_a_start(one_process, tmp_path):
    with demo_run(one_process, tmp_path) as (site, outcome):
        assert outcome.differences == []
        before = seen(site)
        assert before["revisions"] and all(before["revisions"].values())
        for services in one_process.split:
            site.processes.kill(services[0])
        make_older(one_process, tmp_path)
        with pytest.raises(Conflict, match="protocol is not of this release: `living db upgrade` first"):
            mend(one_process.settings(tmp_path), SERVICES)

        site.processes.start()

        assert seen(site) == before
        # And it is at work.
        with client(site, "lead") as living:
            watch = next(living.ingest.watches(REVIEW))
            living.ingest.pull_now(REVIEW, watch.watch)
            eventually(lambda: len(list(living.ingest.runs(REVIEW, watch=watch.watch))) > before["runs"][watch.watch])


def seen(site: Environment) -> dict[str, Any]:
    """What a person sees: which revisions verify, what was told, and what there is to find."""
    with client(site) as living:
        numbers = [it.number for it in living.synthesis.revisions(REVIEW)]
        return {
            "revisions": {number: living.synthesis.verify(REVIEW, number).holds for number in numbers},
            "support": living.synthesis.support(REVIEW),
            "events": {service: [it.event for it in living.operations.events(service, REVIEW)] for service in ALL},
            "runs": {
                it.watch: len(list(living.ingest.runs(REVIEW, watch=it.watch))) for it in living.ingest.watches(REVIEW)
            },
            "letters": [letter for service in ALL for letter in living.operations.dead_letters(service)],
        }


def make_older(profile: Profile, folder: Path) -> None:
    """Makes of databases and log what the release before would have left."""
    settings = profile.settings(folder)
    for service in SERVICES:
        with (
            opened(settings.resolved(settings.database_url, service.name)) as database,
            database.engine.connect() as connection,
        ):
            command.downgrade(migrate._config(service, connection), BEFORE[service.name])
            connection.commit()
    if settings.embedded:
        with closing(sqlite3.connect(folder / "log.db", isolation_level=None)) as log:
            log.execute("ALTER TABLE message DROP COLUMN headers")
            log.execute("PRAGMA user_version = 1")
