"""Plain rows: read once, held, changed, and written by as few statements as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db import migrate
from shared.db.engine import OF_REQUESTS, Database
from shared.db.rows import Rows
from shared.db.said import LOCK, Said, drive
from shared.db.types import Counter, Instant, Json
from shared.ids import new_id
from tests.databases import drop_database, made


class Base(SQLModel, registry=registry()):
    pass


THEN = datetime(2026, 11, 26, 12, 30, 15, 123456, tzinfo=UTC)


class Cup(SQLModel):
    cupboard: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    colour: str | None = None
    filled: int = Field(sa_type=Counter)
    tags: list[str] = Field(sa_type=Json)
    made_at: datetime = Field(sa_type=Instant)
    broken_at: datetime | None = Field(default=None, sa_type=Instant)
    owner: dict[str, str] | None = Field(default=None, sa_type=Json)


class CupRow(Cup, Base, table=True):
    __tablename__ = "cups"


class Spoon(SQLModel):
    id: str = Field(primary_key=True)
    cup: str


class SpoonRow(Spoon, Base, table=True):
    __tablename__ = "spoons"


class Crumb(SQLModel):
    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    name: str


class CrumbRow(Crumb, Base, table=True):
    __tablename__ = "crumbs"


def cup(name: str, **about: Any) -> Cup:
    return Cup(**{"cupboard": "s", "id": name, "filled": 0, "tags": ["old: 100 %", 'a "b"'], "made_at": THEN, **about})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request, tmp_path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/rows.db"
    else:
        url = request.getfixturevalue("real_postgres_url").replace("{database}", new_id("rows"))
    with made(url, Base.metadata) as database:
        yield database


@pytest.fixture
def statements(database) -> list[str]:
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: seen.append(given[2].split()[0]))
    return seen


def kept(database: Database, *cups: Cup) -> None:
    with database.session() as session:
        rows = Rows(session)
        for one in cups:
            rows.add(CupRow, one)
        rows.flush()
        session.commit()


CUPS_OF = Said("SELECT {cups} FROM cups WHERE cupboard = :cupboard ORDER BY id {lock}", CupRow, postgresql=LOCK)
NAMED = Said(
    "SELECT id, broken_at FROM cups WHERE id {among} AND made_at <= :made_at ORDER BY id",
    sqlite={"among": "IN (SELECT value FROM json_each(:names))"}, postgresql={"among": "= ANY(:names)"},
)  # fmt: skip


def test_a_row_comes_back_as_it_was_made_whichever_way_it_is_asked_for(database):
    made = cup("a", colour="blue", filled=2**40, broken_at=THEN)
    kept(database, made)

    with database.session() as session:
        rows = Rows(session)
        (said,) = rows.read(CUPS_OF, {"cupboard": "s"}, CupRow)
    with database.session() as session:
        (selected,) = Rows(session).read(select(CupRow), None, CupRow)
    with database.session() as session:
        held = Rows(session).hold(CupRow, cupboard="s", id="a")

    assert said.model_dump() == selected.model_dump() == held.model_dump() == made.model_dump()
    assert said.made_at.tzinfo is UTC


def test_what_is_set_is_written_and_nothing_else(database, statements):
    kept(database, cup("a"), cup("b"), cup("c"))
    statements.clear()

    with database.session() as session:
        rows = Rows(session)
        a, b, _ = rows.read(CUPS_OF, {"cupboard": "s"}, CupRow)
        a.colour, b.colour = "red", "green"
        a.tags = [*a.tags, "new"]
        rows.flush()
        rows.flush()
        session.commit()

    assert statements == ["SELECT", "UPDATE", "UPDATE"] if database.sqlite else ["SELECT", "WITH"]
    with database.session() as session:
        found = Rows(session).read(CUPS_OF, {"cupboard": "s"}, CupRow)
    assert [(one.colour, one.tags[2:]) for one in found] == [("red", ["new"]), ("green", []), (None, [])]


def test_nothing_is_null_in_a_column_of_json_too(database):
    kept(database, cup("a"), cup("b", owner={"name": "Ada"}))
    with database.session() as session:
        rows = Rows(session)
        rows.hold(CupRow, cupboard="s", id="b").owner = None
        rows.flush()
        session.commit()

    with database.session() as session:
        session.add(CupRow(**cup("c").model_dump()))
        session.commit()
        null = select(CupRow.id).where(CupRow.owner.is_(None)).order_by(CupRow.id)
        assert session.execute(null).scalars().all() == ["a", "b", "c"]


def test_many_rows_that_are_set_alike_are_one_statement(database, statements):
    kept(database, *(cup(f"c{number:03d}") for number in range(40)))
    statements.clear()

    with database.session() as session:
        rows = Rows(session)
        for number, one in enumerate(rows.read(CUPS_OF, {"cupboard": "s"}, CupRow)):
            one.filled = number
        rows.flush()
        session.commit()

    assert statements == ["SELECT", "UPDATE"]
    with database.session() as session:
        found = Rows(session).read(CUPS_OF, {"cupboard": "s"}, CupRow)
    assert [one.filled for one in found] == list(range(40))


def test_a_row_is_one_object_however_often_it_is_read(database):
    kept(database, cup("a"))
    with database.session() as session:
        rows = Rows(session)
        one = rows.hold(CupRow, cupboard="s", id="a")
        one.colour = "red"

        assert rows.read(CUPS_OF, {"cupboard": "s"}, CupRow) == [one]
        assert rows.read(select(CupRow), None, CupRow)[0] is one
        assert one.colour == "red"


def test_a_look_sees_what_this_work_has_made_and_set(database):
    kept(database, cup("a"))
    with database.session() as session:
        rows = Rows(session)
        rows.hold(CupRow, cupboard="s", id="a").broken_at = THEN
        rows.add(CupRow, cup("b"))

        found = rows.read(NAMED, {"names": ["a", "b", "c"], "made_at": THEN})

    assert [name for name, _ in found] == ["a", "b"] and found[0][1] is not None


def test_a_look_at_another_table_writes_nothing_yet(database, statements):
    kept(database, cup("a"))
    statements.clear()
    with database.session() as session:
        rows = Rows(session)
        one = rows.hold(CupRow, cupboard="s", id="a")
        one.colour = "red"
        rows.read(Said("SELECT {spoons} FROM spoons WHERE cup = :cup", SpoonRow), {"cup": "a"}, SpoonRow)
        one.colour = "blue"
        rows.flush()

    assert statements == ["SELECT", "SELECT", "UPDATE"]


def test_what_nobody_looks_at_again_is_written_last_and_in_one_piece(database, statements):
    kept(database, cup("a"))
    statements.clear()
    with database.session() as session:
        rows = Rows(session)
        rows.later(Said("UPDATE cups SET tags = '[]' WHERE id = :id"), {"id": "a"})
        rows.insert(SpoonRow, [{"id": "x", "cup": "a"}, {"id": "y", "cup": "a"}])
        rows.insert(SpoonRow, [])
        rows.add(CupRow, cup("b"))
        assert statements == []
        rows.flush()
        session.commit()

    assert len(statements) == (3 if database.sqlite else 1)
    with database.session() as session:
        rows = Rows(session)
        a, b = rows.read(CUPS_OF, {"cupboard": "s"}, CupRow)
        assert (a.id, a.tags, b.id) == ("a", [], "b")
        assert [spoon.id for spoon in rows.read(select(SpoonRow).order_by(SpoonRow.id), None, SpoonRow)] == ["x", "y"]


def test_many_rows_come_in_their_order_whatever_else_is_written(database):
    names = [f"{number:05d}" for number in reversed(range(1700))]
    with database.session() as session:
        rows = Rows(session)
        rows.insert(CrumbRow, [{"name": name} for name in names[:1200]])
        rows.add(CupRow, cup("a"))
        rows.insert(CrumbRow, [{"name": name} for name in names[1200:]])
        rows.flush()
        session.commit()

    with database.session() as session:
        found = Said("SELECT name FROM crumbs ORDER BY seq").run(session.connection(), {}).fetchall()
    assert [name for (name,) in found] == names


def test_a_look_that_need_not_see_what_is_pending_leaves_it_as_it_was_set(database):
    kept(database, cup("a"), cup("b"))
    with database.session() as session:
        rows = Rows(session)
        one = rows.hold(CupRow, cupboard="s", id="a")
        one.colour = "red"

        a, b = rows.read(CUPS_OF, {"cupboard": "s"}, CupRow, pending=False)

        assert a is one and (a.colour, b.colour) == ("red", None)
        rows.flush()
        session.commit()
    with database.session() as session:
        assert Rows(session).hold(CupRow, cupboard="s", id="a").colour == "red"


def test_rows_of_several_tables_come_together(database):
    with database.session() as session:
        rows = Rows(session)
        rows.add(CupRow, cup("a"))
        rows.add(SpoonRow, Spoon(id="x", cup="a"))
        both = Said("SELECT {cups}, {spoons} FROM cups JOIN spoons ON spoons.cup = cups.id", CupRow, SpoonRow)
        ((found, spoon),) = rows.read(both, {}, CupRow, SpoonRow)

    assert (found.id, found.made_at, spoon.id) == ("a", THEN, "x")


def test_a_held_row_is_not_read_again_until_it_is_dropped(database, statements):
    kept(database, cup("a"))
    statements.clear()
    with database.session() as session:
        rows = Rows(session)
        one = rows.hold(CupRow, cupboard="s", id="a")
        assert rows.hold(CupRow, cupboard="s", id="a") is one
        assert statements == ["SELECT"]

        drive(rows.connection, "UPDATE cups SET colour = 'grey'", ())
        rows.drop(CupRow, "s", "a")

        assert rows.hold(CupRow, cupboard="s", id="a").colour == "grey"
        assert rows.hold(CupRow, cupboard="s", id="b") is None


def test_errors_are_those_of_every_other_way_to_the_database_and_tell_no_values(database):
    kept(database, cup("a"))

    with database.session() as session, pytest.raises(IntegrityError) as twice:
        rows = Rows(session)
        rows.add(CupRow, cup("a", colour="secret"))
        rows.flush()
    with database.session() as session, pytest.raises((ProgrammingError, OperationalError)):
        Said("SELECT nothing FROM nowhere").run(session.connection(), {})

    assert "secret" not in str(twice.value)


@pytest.mark.real
def test_a_connection_that_was_cut_is_not_lent_again(real_postgres_url):
    url = real_postgres_url.replace("{database}", new_id("rows"))
    database = Database(url, pool_size=1, patience=OF_REQUESTS)
    migrate.ensure_database(database)
    try:
        with database.session() as session, pytest.raises(OperationalError) as cut:
            own = Said("SELECT pg_backend_pid()").run(session.connection(), {}).fetchone()[0]
            other = Database(url)
            with other.session() as killer:
                Said("SELECT pg_terminate_backend(:pid)").run(killer.connection(), {"pid": own})
            other.close()
            Said("SELECT 1").run(session.connection(), {})
        assert cut.value.connection_invalidated

        with database.session() as session:
            assert Said("SELECT 1").run(session.connection(), {}).fetchone() == (1,)
    finally:
        database.close()
        drop_database(url)
