"""What an older database holds when it is brought up to date: leases, votes and counts come along, none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.schema import MetaData

from services.screening import jobs
from services.screening.manifest import SERVICE
from shared.db import migrate
from shared.db.engine import Database, opened
from shared.events.ingest import TextSought
from shared.settings import Settings
from tests.unit.services.screening.flow_recount import figures_of
from tests.unit.services.screening.rig import (
    REVIEW,
    ScreeningRig,
    found_at,
    make_bench,
    merged,
    parted,
    protocol,
    stated,
    updated,
)
from tests.unit.services.screening.test_conflicts import parted_on
from tests.unit.services.screening.test_settling import looked_at, looks_and_gives_back, outcome, settles

AT = datetime(2020, 1, 1, tzinfo=UTC)

#: Of each record: its state, and of its task at the first stage the state and who answered what.
RECORDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "r1": ("excluded", "excluded", {"ana": "exclude", "ben": "exclude"}),
    "r2": ("screening", "conflict", {"ana": "include", "ben": "unsure"}),
    "r3": ("screening", "open", {"cy": "include"}),
    "r4": ("screening", "open", {}),
}

COUNTED = [
    ("", "screening", 3),
    ("", "excluded", 1),
    ("sift", "open", 2),
    ("sift", "conflict", 1),
    ("sift", "excluded", 1),
]


@pytest.fixture
def old_rig(settings, tmp_path) -> Any:
    """A rig on a database that was made and filled by the first migration."""
    folder = tmp_path / "old"
    given = Settings(data_dir=folder, _env_file=None, **settings)
    database = Database(given.resolved(given.database_url, "screening"))
    migrate.ensure_database(database)
    with database.engine.connect() as connection:
        command.upgrade(migrate._config(SERVICE, connection), "0002")
        _fill(connection)
        connection.commit()
    migrate.upgrade(database, SERVICE)
    assert migrate.drift(database, SERVICE) == []
    yield database, lambda: ScreeningRig(make_bench(folder, **settings))
    database.close()


@dataclass
class Today:
    """A database of this release, which goes back to what an earlier one knows and comes up again."""

    folder: Path
    settings: dict[str, Any]

    def rig(self) -> ScreeningRig:
        return ScreeningRig(make_bench(self.folder, **self.settings))

    @contextmanager
    def taken_back(self, to: str) -> Iterator[Connection]:
        """What it held when it stood at that migration; it is at the newest again afterwards."""
        with self.opened() as database:
            with database.engine.connect() as connection:
                command.downgrade(migrate._config(SERVICE, connection), to)
                yield connection
                connection.commit()
            migrate.upgrade(database, SERVICE)
            assert migrate.drift(database, SERVICE) == []

    def opened(self) -> AbstractContextManager[Database]:
        given = Settings(data_dir=self.folder, _env_file=None, **self.settings)
        return opened(given.resolved(given.database_url, "screening"))


@pytest.fixture
def today(settings, tmp_path) -> Today:
    made = Today(tmp_path / "today", settings)
    with made.opened() as database:
        migrate.ensure_database(database)
        migrate.upgrade(database, SERVICE)
    return made


def test_an_older_database_keeps_its_leases_votes_and_counts(old_rig):
    _, opened = old_rig
    rig = opened()

    assert rig.claims("dee")["lease"] == "lease_of_dee"
    (sift, depth) = rig.gets("/agreement", "lea", "lead").json()
    # The pair that was counted, and the conflict's, which the older rules counted only once it was decided.
    assert sift["pairs"] == [
        {"first": "exclude", "second": "exclude", "n": 1},
        {"first": "include", "second": "unsure", "n": 1},
    ]
    assert (sift["one_vote"], depth["n"], depth["one_vote"]) == (1, 0, 0)
    assert [seen["stage"] for seen in rig.gets("/agreement", "ana").json()] == ["sift"]
    assert rig.gets("/agreement", "cy").status_code == 403
    assert (rig.queue("sift")["open"], rig.queue("sift")["conflicts"], rig.queue("sift")["decided"]) == (2, 1, 1)
    assert rig.gets("/funnel").json()["discovered"] == 4

    rig.answers("eve", "exclude", "adjudicator", "conflict", reason="a balcony")
    rig.bench.runs(jobs.fold_counts)
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 2
    rig.bench.close()


def test_no_vote_of_before_is_taken_back_since_others_may_have_seen_it(old_rig):
    _, opened = old_rig
    rig = opened()

    refused = rig.asks("/tasks/task_of_r3/take-back", None, "cy")

    assert (refused.status_code, refused.json()["title"]) == (409, "votes are in")
    rig.bench.close()


def test_the_older_tables_come_back_with_what_was_counted(old_rig):
    database, _ = old_rig
    with database.engine.connect() as connection:
        command.downgrade(migrate._config(SERVICE, connection), "0002")
        pairs = connection.execute(text("SELECT stage, first, second, n FROM vote_pairs ORDER BY first")).all()
        states = connection.execute(text("SELECT state, n FROM counts WHERE stage = 'sift' ORDER BY state")).all()
        paired = connection.execute(text("SELECT person FROM votes WHERE paired ORDER BY id")).scalars().all()
        assert "count_changes" not in inspect(connection).get_table_names()
        connection.rollback()

    assert pairs == [("sift", "exclude", "exclude", 1), ("sift", "include", "unsure", 1)]
    assert states == [("conflict", 1), ("excluded", 1), ("open", 2)]
    assert sorted(paired) == ["ana", "ana", "ben", "ben"]


def test_what_is_parked_waits_for_people_again_in_the_tables_before_that(old_rig):
    database, opened = old_rig
    rig = opened()
    waiting = [rig.claims("dee"), rig.claims("eve", "adjudicator", kind="conflict")]
    for task, name in zip(waiting, ("dee", "eve"), strict=True):
        parked = rig.asks(f"/tasks/{task['task']}/park", {"reason": "later"}, name, "adjudicator")
        assert parked.status_code == 200, parked.text
    rig.bench.close()

    with database.engine.connect() as connection:
        command.downgrade(migrate._config(SERVICE, connection), "0008")
        found = connection.execute(
            text("SELECT state, places FROM tasks WHERE id IN (:first, :second) ORDER BY state"),
            {"first": waiting[0]["task"], "second": waiting[1]["task"]},
        ).all()
        states = {row.first: row.n for row in connection.execute(text(_STATES))}
        assert not {"parkings", "returns", "skips", "notes"} & set(inspect(connection).get_table_names())
        connection.rollback()

    assert [tuple(row) for row in found] == [("conflict", 1), ("open", 2)]
    assert (states["open"], states["conflict"], states.get("parked", 0)) == (2, 1, 0)


def test_the_flow_of_before_is_filled_by_the_days_of_tasks_whose_records_have_no_source(today):
    rig = today.rig()
    rig.discovers("r1", "r2", "r3", "r4", "r5", source="openalex")
    rig.discovers("old", published="2010")
    rig.bench.clock.advance(hours=24)
    for name in ("ana", "ben"):
        rig.answers(name, "include")
        rig.answers(name, "exclude", reason="a balcony")
    rig.bench.clock.advance(hours=24)
    form = {"cmocs": ["c1"]}
    for name in ("ana", "ben"):
        rig.answers(name, "rich", stage="depth", fields=form)
    rig.hears(merged("r4", into="r3"), merged("r2", into="r5"), TextSought(review=REVIEW, record="r1"))
    days = ["2019-12-31", "2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]
    known = [rig.gets("/flow", on=day).json() for day in days]
    rig.bench.close()

    with today.taken_back("0013") as connection:
        assert "flow" not in inspect(connection).get_table_names()
    again = today.rig()
    filled = [again.gets("/flow", on=day).json() for day in days]
    again.bench.close()

    assert [_figures(flow) for flow in filled] == [_figures(flow) for flow in known]
    assert [flow["identified"]["sources"] for flow in filled] == [{}, {"": 6}, {"": 6}, {"": 6}, {"": 6}]
    assert (filled[-1]["duplicates"]["n"], filled[-1]["included"]["n"], filled[-1]["excluded"]["n"]) == (2, 1, 1)


def test_records_of_before_stand_for_one_source_record_each_until_they_are_told_of_again(today):
    rig = today.rig()
    rig.discovers("r1", "r2", "r3", "r4", source="openalex")
    rig.discovers("old", published="2010", source="pubmed")
    rig.bench.runs(jobs.fold_counts)
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="a view", excluded_for=None)
    rig.hears(merged("r2", into="r1"))
    before = [rig.gets(path).json() for path in ("/flow", "/funnel")]
    rig.bench.close()

    with today.taken_back("0019"):
        pass
    again = today.rig()

    assert [again.gets(path).json() for path in ("/flow", "/funnel")] == before
    again.bench.clock.advance(hours=24)
    # What lives on in a record of before is among what that lists; what is merged now was listed by the survivor.
    again.hears(updated("r1", revision=20, sources=[found_at(*it) for it in (("openalex", "r1"), ("openalex", "r2"))]))
    both = [found_at("openalex", "r3"), found_at("openalex", "r4"), found_at("doaj", "1")]
    again.hears(updated("r3", revision=20, sources=both), merged("r4", into="r3"))
    flow = again.gets("/flow").json()
    assert flow["identified"] == {"n": 6, "sources": {"doaj": 1, "openalex": 4, "pubmed": 1}}
    assert flow["duplicates"] == {"n": 3, "sources": {"doaj": 1, "openalex": 2}}
    assert again.gets("/flow", on="2020-01-01").json()["identified"] == before[0]["identified"]
    again.hears(parted("r2", "r1", 30, sources=[found_at("openalex", "r2")]))
    assert again.gets("/flow").json()["identified"]["n"] == 6
    again.bench.close()


def test_what_a_batch_decided_is_a_decision_of_nobody_to_an_earlier_release_and_stands(today):
    rig = today.rig()
    rig.discovers("r1", "r2")
    rig.hears(stated("r1", "out"))
    rig.asks_for("imported", imported="import_1", mapping={"out": {"answer": "exclude"}})
    rig.asks_for("decide", records=["r2"], answer="include")
    rig.bench.close()

    with today.taken_back("0014") as connection:
        by = connection.execute(text("SELECT decided_by FROM tasks WHERE stage = 'sift'")).scalars().all()
    again = today.rig()

    assert by == ["agreement", "agreement"]
    assert again.record("r1")["stages"][0]["judgement"]["votes"] == []
    # Who decided was lost with the release before; what was decided was not.
    assert [again.record(record)["state"] for record in ("r1", "r2")] == ["excluded", "screening"]
    assert again.record("r2")["stage"] == "depth"
    again.bench.close()


def test_looks_of_before_wait_where_their_conflict_does(today):
    rig = today.rig()
    parted_on(rig, "r1", "r2", "r3")
    waits, parked, decided = (looks_and_gives_back(rig, "cy", record, "include") for record in ("r1", "r2", "r3"))
    rig.asks(f"/tasks/{parked}/park", {"reason": "later"}, "lea", "lead")
    settles(rig, decided)
    rig.bench.close()

    with today.taken_back("0019"):
        pass
    again = today.rig()

    assert [it["task"] for it in looked_at(again)] == [waits]
    again.asks(f"/tasks/{parked}/unpark", None, "lea", "lead")
    assert outcome(settles(again, parked, waits)) == ["advanced", "advanced"]
    again.bench.close()


def _figures(flow: dict[str, Any]) -> dict[tuple[str, ...], int]:
    """How many there are of each, whatever brought them."""
    counted: Counter[tuple[str, ...]] = Counter()
    for (*figure, _), n in figures_of(flow).items():
        counted[tuple(figure)] += n
    return dict(counted)


_STATES = """
SELECT first, sum(n) AS n FROM (
    SELECT first, n FROM counts WHERE what = 'state' AND stage = 'sift'
    UNION ALL SELECT first, n FROM count_changes WHERE what = 'state' AND stage = 'sift'
) AS parts GROUP BY first
"""


def _fill(connection: Connection) -> None:
    tables = MetaData()
    tables.reflect(connection)
    rows: dict[str, list[dict[str, Any]]] = {"records": [], "tasks": [], "votes": []}
    for record, (state, task_state, answers) in RECORDS.items():
        rows["records"].append(_record(record, state))
        rows["tasks"].append(_task(record, task_state, answers))
        rows["votes"] += [_vote(record, name, answer, task_state == "excluded") for name, answer in answers.items()]
    rows["protocols"] = [
        {
            "review": REVIEW,
            "version": 1,
            "document": protocol().model_dump_json(),
            "correlation": "c",
            "adopted_at": AT,
        }
    ]
    rows["leases"] = [_lease("dee", "r4", None), _lease("ana", "r1", "voted")]
    rows["counts"] = [{"review": REVIEW, "stage": stage, "state": state, "n": n} for stage, state, n in COUNTED]
    rows["vote_pairs"] = [{"review": REVIEW, "stage": "sift", "first": "exclude", "second": "exclude", "n": 1}]
    for table, given in rows.items():
        connection.execute(insert(tables.tables[table]), given)


def _record(record: str, state: str) -> dict[str, Any]:
    return {
        "review": REVIEW, "id": record, "state": state, "stage": "sift", "step": 1, "described": 1, "title": record,
        "authors": [], "identifiers": {}, "passed": [], "notices": [], "correlation": record, "arrived_at": AT,
    }  # fmt: skip


def _task(record: str, state: str, answers: dict[str, str]) -> dict[str, Any]:
    names = [*answers, "dee"] if record == "r4" else [*answers]
    return {
        "id": f"task_of_{record}", "review": REVIEW, "record": record, "stage": "sift", "protocol_version": 1,
        "adjudicators": "adjudicator", "state": state, "position": int(record[1:]), "votes_needed": 2,
        "votes_cast": len(answers), "places": {"open": 1, "conflict": 1}.get(state, 0),
        "taker": names[0] if names else "", "takers": "".join(f"\n{name}" for name in names) + "\n" if names else "",
        "told": "evt_1", "opened_at": AT,
    }  # fmt: skip


def _vote(record: str, name: str, answer: str, paired: bool) -> dict[str, Any]:
    task = f"task_of_{record}"
    return {
        "id": f"vote_of_{name}_{record}", "task": task, "person": name, "cast_on": task, "answer": answer,
        "fields": {}, "protocol_version": 1, "deciding": False, "paired": paired, "cast_at": AT,
    }  # fmt: skip


def _lease(name: str, record: str, ended: str | None) -> dict[str, Any]:
    return {
        "id": f"lease_of_{name}", "review": REVIEW, "task": f"task_of_{record}", "record": record, "stage": "sift",
        "person": name, "kind": "screening", "taken_at": AT,
        "expires_at": AT.replace(hour=1), "ended": ended,
    }  # fmt: skip
