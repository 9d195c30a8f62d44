"""What an older database holds when it is brought up to date: what people decided about pairs holds on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, text
from sqlalchemy.engine import Connection
from sqlalchemy.schema import MetaData

from services.ingest.jobs import keying
from services.ingest.manifest import SERVICE
from shared.db import migrate
from shared.db.engine import Database
from shared.settings import Settings
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

AT = datetime(2020, 1, 1, tzinfo=UTC)

#: Each record with what it says; the second was merged into the first by hand, and the third is kept apart from it.
RECORDS = {
    "rec_1": work("crossref", "a", doi="10.1/a"),
    "rec_2": work("pubmed", "7", "Of other things entirely", pmid="7"),
    "rec_3": work("europepmc", "1", doi="10.1/a"),
}


@pytest.fixture
def old(database_url, tmp_path) -> Any:
    folder = tmp_path / "old"
    settings = {"database_url": database_url} if database_url else {}
    given = Settings(data_dir=folder, _env_file=None, **settings)
    database = Database(given.resolved(given.database_url, "ingest"))
    migrate.ensure_database(database)
    with database.engine.connect() as connection:
        command.upgrade(migrate._config(SERVICE, connection), "0014")
        _fill(connection)
        connection.commit()
    migrate.upgrade(database, SERVICE)
    assert migrate.drift(database, SERVICE) == []
    yield database, IngestBench(folder, **settings)
    database.close()


def test_what_people_decided_about_pairs_holds_on(old):
    _, bench = old
    bench.runs(keying.make_keys_anew)

    assert bench.clusters() == {frozenset({"crossref:a", "pubmed:7"}), frozenset({"europepmc:1"})}
    rulings = bench.items("rulings")
    assert [(row["kind"], row["decided_by"], row["reason"]) for row in rulings] == [
        ("apart", "lea", "another trial"),
        ("same", "lea", "they were merged by hand"),
    ]
    assert [row["state"] for row in bench.items("duplicates", state="different")] == ["different"]
    bench.adopt(strategy("openalex"))
    bench.sources["openalex"].put(work("openalex", "W1", doi="10.1/a"))
    bench.pull()
    assert len(bench.clusters()) == 2
    bench.close()


def test_the_older_keys_come_back(old):
    database, bench = old
    bench.runs(keying.make_keys_anew)
    bench.close()
    with database.engine.connect() as connection:
        command.downgrade(migrate._config(SERVICE, connection), "0014")
        held = connection.execute(text("SELECT record FROM record_keys WHERE key = 'doi:10.1/a' ORDER BY record"))
        assert list(held.scalars()) == ["rec_1", "rec_3"]
        connection.rollback()


def _fill(connection: Connection) -> None:
    tables = MetaData()
    tables.reflect(connection)

    def add(table: str, **row: Any) -> None:
        connection.execute(insert(tables.tables[table]).values(**row))

    add("reviews", review=REVIEW, protocol_version=0, records=2, source_records=3)
    for record, said in RECORDS.items():
        merged_into = "rec_1" if record == "rec_2" else None
        its = [each for name, each in RECORDS.items() if name == record or (record, name) == ("rec_1", "rec_2")]
        sources = [{"source": each.source, "id": each.source_id, "run": "run_1"} for each in its]
        add(
            "records", id=record, review=REVIEW, revision=1, bibliography={"sources": sources},
            run="run_1", discovered_at=AT, merged_into=merged_into, followed=True, standing="waiting",
        )  # fmt: skip
        add(
            "source_records", review=REVIEW, source=said.source, source_id=said.source_id,
            record=merged_into or record, content_hash=said.content_hash, because=[], run="run_1", seen_in="run_1",
            content=said.model_dump(mode="json", exclude_defaults=True),
        )  # fmt: skip
    add("merges", absorbed="rec_2", review=REVIEW, into="rec_1", evidence=[], merged_by="lea", merged_at=AT)
    add(
        "duplicates", id="dup_1", review=REVIEW, first="rec_1", second="rec_3", state="different", evidence=[],
        opened_at=AT, decided_by="lea", decided_at=datetime(2020, 1, 2, tzinfo=UTC), reason="another trial",
    )  # fmt: skip
