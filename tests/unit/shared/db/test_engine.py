"""What a closed database leaves open: nothing; and the right to be the only one, taken over when its holder is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from shared.db import migrate
from shared.db.engine import Database, opened
from shared.db.faults import FileFault
from shared.db.tables import BusBase, FactRow
from shared.ids import new_id
from tests.databases import drop_database
from tests.waiting import eventually


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def url(request, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/toy.db"
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("engine"))
    yield url
    drop_database(url)


@pytest.fixture
def databases(url) -> Iterator[tuple[Database, Database]]:
    one, other = Database(url), Database(url)
    migrate.ensure_database(one)
    yield one, other
    one.close()
    other.close()


def test_only_one_leads_at_a_time(databases):
    first, second = databases[0].leadership("leader"), databases[1].leadership("leader")

    assert first.hold()
    assert not second.hold()
    assert first.hold()

    first.release()
    assert second.hold()
    second.release()


def test_two_rights_of_different_names_do_not_meet(databases):
    leader, migrator = databases[0].leadership("leader"), databases[1].leadership("migrate")

    assert leader.hold() and migrator.hold()

    leader.release()
    migrator.release()


@pytest.mark.waits
def test_a_killed_leader_is_followed_at_once(databases, url):
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, url], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    follower = databases[1].leadership("leader")
    assert not follower.hold()

    holder.kill()
    holder.wait()
    holder.stdout.close()

    eventually(follower.hold)
    follower.release()


def test_a_file_that_is_away_when_a_query_writes_first_is_told_as_that(tmp_path):
    with opened(f"sqlite:///{tmp_path}/toy.db") as database:
        BusBase.metadata.create_all(database.engine)
        (tmp_path / "toy.db").unlink()
        with database.session() as session:
            session.add(FactRow(name="a", value="b", since=datetime.now(UTC)))
            # SQLAlchemy adds to such an error that it came up on the way to a query.
            with pytest.raises(FileFault, match="was removed or replaced"):
                session.exec(select(FactRow)).all()


_HOLD = """
import sys, time
from shared.db.engine import Database
right = Database(sys.argv[1]).leadership("leader")
assert right.hold()
print("held", flush=True)
time.sleep(600)
"""


def test_a_connection_that_comes_back_after_the_close_is_closed(url):
    database = Database(url)
    migrate.ensure_database(database)
    late = database.engine.connect()
    kept = late.connection.dbapi_connection
    database.close()

    late.close()

    with pytest.raises(database.engine.dialect.loaded_dbapi.Error, match="closed"):
        kept.cursor().execute("SELECT 1")
