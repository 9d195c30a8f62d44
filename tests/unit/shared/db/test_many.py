"""Many rows at once come out as they went in, in both databases and by each of the ways in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db.engine import Database
from shared.db.many import insert_many
from shared.db.types import Counter, Instant, Json
from shared.ids import new_id
from tests.databases import made
from tests.disks import mounted


class Base(SQLModel, registry=registry()):
    pass


#: Fewer and more rows than PostgreSQL copies, and more than one statement takes.
SIZES = [1, 29, 30, 501]


class Jar(Base, table=True):
    __tablename__ = "jars"

    id: int = Field(primary_key=True, sa_type=Counter)
    label: str | None = None
    count: int
    weight: float | None = None
    sealed: bool
    holds: list[Any] = Field(sa_type=Json)
    about: dict[str, Any] | None = Field(default=None, sa_type=Json)
    filled_at: datetime | None = Field(default=None, sa_type=Instant)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request, tmp_path_factory) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('many')}/many.db"
    else:
        url = request.getfixturevalue("real_postgres_url").replace("{database}", new_id("many"))
    with made(url, Base.metadata) as database:
        yield database


def jar(number: int, **about: Any) -> dict[str, Any]:
    empty = {"label": None, "count": 0, "weight": None, "sealed": False, "holds": [], "about": None, "filled_at": None}
    return {"id": number, **empty, **about}


def put(database: Database, rows: list[dict[str, Any]]) -> None:
    with database.session() as session:
        session.execute(delete(Jar))
        insert_many(session, Jar, rows)
        session.commit()


def stored(database: Database) -> list[dict[str, Any]]:
    with database.session(readonly=True) as session:
        return [row.model_dump() for row in session.execute(select(Jar).order_by(Jar.id)).scalars()]


def comes_back(database: Database, size: int, **about: Any) -> None:
    rows = [jar(number, **about) for number in range(size)]
    put(database, rows)
    assert stored(database) == rows


ODD = [
    "", " ", "null", "\\N", "\\.", "\\", "a\tb", "a\nb", "a\r\nb", '"', "'", "{}", "[1]", "1", "true", "%s", ":rows",
    "$.label",
    "é", "e\u0301", "\u202eright to left", "\U0001f9ea", "\u2028", "\x01", "\x7f", "\ufeff", "x" * 300_000,
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text)[:20])
def test_odd_text_comes_back_as_it_was(database, size, text):
    comes_back(database, size, label=text, holds=[text], about={text: text, "deep": [{"er": text}]})


@pytest.mark.parametrize("size", SIZES)
def test_numbers_and_what_is_not_there_come_back_as_they_were(database, size):
    about = {"none": None, "yes": True, "no": False, "whole": 2**53 + 1, "part": 0.1, "small": -1e-9, "empty": {}}
    comes_back(database, size, count=2**31 - 1, weight=0.1, sealed=True, holds=[None, [], {}, -1], about=about)
    comes_back(database, size, count=-1, weight=1e300, about={})
    comes_back(database, size)


@pytest.mark.parametrize("size", SIZES)
def test_an_instant_comes_back_in_utc_to_the_microsecond(database, size):
    there = datetime(2026, 3, 1, 0, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    rows = [jar(number, filled_at=there + timedelta(days=number % 300)) for number in range(size)]

    put(database, rows)

    assert [row["filled_at"] for row in stored(database)] == [row["filled_at"] for row in rows]
    assert all(row["filled_at"].tzinfo is UTC for row in stored(database))


@pytest.mark.parametrize("size", [2, 30])
def test_of_rows_with_one_key_none_is_written_and_the_database_goes_on(database, size):
    put(database, [jar(7)])

    with database.session() as session, pytest.raises(IntegrityError):
        insert_many(session, Jar, [jar(number % 20) for number in range(size - 1, -1, -1)] + [jar(7)])
    comes_back(database, size)


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize("text", ["\0", "ab\0cd", "\\\0"])
def test_a_text_with_nul_is_refused_and_never_cut_off(database, size, text):
    put(database, [jar(7)])

    with database.session() as session, pytest.raises((ValueError, DataError)):
        insert_many(session, Jar, [jar(100 + number, label=text) for number in range(size)])
    assert stored(database) == [jar(7)]
    comes_back(database, size, label=text.replace("\0", "\\u0000"))


def test_rows_of_more_bytes_than_a_statement_takes_are_written_in_several(database, monkeypatch):
    monkeypatch.setattr("shared.db.many._LARGEST", 1_000)

    comes_back(database, 29, label="x" * 400)


@pytest.mark.waits
def test_no_room_on_another_disk_is_needed(database, tmp_path, monkeypatch):
    with mounted(tmp_path / "tiny", "64k") as tiny, tiny.full():
        monkeypatch.setenv("SQLITE_TMPDIR", str(tiny.folder))
        comes_back(database, 501, label="x" * 5_000)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "label": st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
                "count": st.integers(-(2**31), 2**31 - 1),
                "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "sealed": st.booleans(),
                "holds": st.lists(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab\\\"'\n\t")),
            }
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_is_written_comes_back(database, jars):
    rows = [jar(number, **about) for number, about in enumerate(jars)]
    put(database, rows)
    assert stored(database) == rows
