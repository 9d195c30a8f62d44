"""A database of the release before: its subscriptions go on being told of everything, at once, and its revisions are in
the feeds of the CMOCs that they changed."""

from __future__ import annotations

import pytest
from alembic import command

from services.notify import jobs
from services.notify.manifest import SERVICE
from shared.db import migrate
from tests.unit.services.notify.rig import REVIEW, revision_published

pytestmark = pytest.mark.waits


def goes_back_and_comes_back(bench) -> None:
    """Has the database be one of the release before, and then of this one."""
    database = bench.running.database
    with database.engine.connect() as connection:
        command.stamp(migrate._config(SERVICE, connection), "head")  # A bench's tables are made without migrations.
        command.downgrade(migrate._config(SERVICE, connection), "0007")
        connection.commit()
    migrate.upgrade(database, SERVICE)


def test_what_there_was_goes_on_as_before(bench, receiver):
    subscription = bench.subscribe(receiver.url)
    bench.hears(revision_published(1))
    bench.runs(jobs.deliver_due)

    goes_back_and_comes_back(bench)
    bench.hears(revision_published(2, change_class="NONE", changes=[]))
    bench.runs(jobs.deliver_due)

    assert len(receiver.received) == 2  # Also of a signed "no change", as before.
    shown = bench.person("ana").get(f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}").json()
    wished = {name: shown[name] for name in ("least", "every", "zone", "theories", "cmocs", "active")}
    assert wished == {
        "least": "NONE", "every": "at once", "zone": "UTC", "theories": [], "cmocs": [], "active": True,
    }  # fmt: skip
    feed = bench.person("ana").get(f"/notify/reviews/{REVIEW}/cmocs/b/feed.atom").text
    assert feed.count("<entry>") == 1
    assert migrate.drift(bench.running.database, SERVICE) == []
