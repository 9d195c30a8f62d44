"""A listing is read page by page, each from where the last one ended, by the index of its order, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select
from sqlmodel import col

from shared.db import migrate
from shared.db.paging import read_page
from shared.db.tables import HeldKeyRow
from shared.errors import Invalid
from shared.ids import new_id
from shared.paging import PageAsked, decode_cursor
from tests.databases import made
from tests.toy import TOY

TOPIC, KEY, PARTITION = col(HeldKeyRow.topic), col(HeldKeyRow.key), col(HeldKeyRow.partition)

KEYS = [("books", "a"), ("books", "b"), ("loans", "a"), ("loans", "b"), ("loans", "ä")]


class Looking:
    """All of a work that a page needs."""

    def __init__(self, session) -> None:
        self.session = session


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def look(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'pages.db'}"
    else:
        url = request.getfixturevalue("real_postgres_url").replace("{database}", new_id("pages")[:20])
    with made(url, migrate.merged_metadata(TOY)) as database:
        with database.session() as session:
            for number, (topic, key) in enumerate(KEYS):
                about = {"partition": number, "cause": "fault", "reason": "r", "since": "2026-11-27T00:00:00+00:00"}
                session.add(HeldKeyRow.model_validate({"consumer": "toy", "topic": topic, "key": key, **about}))
            session.commit()
        with database.session(readonly=True) as session:
            yield Looking(session)


def walk(look: Looking, limit: int, **how) -> list[tuple[str, str]]:
    """Every key, page by page, with the cursors that go over HTTP."""
    found, asked = [], PageAsked(limit, None, "toy")
    while True:
        page = read_page(look, select(HeldKeyRow), asked, TOPIC, KEY, **how)
        assert 0 < len(page.rows) <= limit
        found += [(row.topic, row.key) for row in page.rows]
        if page.next is None:
            return found
        asked = PageAsked(limit, decode_cursor("toy", page.next), "toy")


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 9])
def test_every_row_comes_once_and_in_order_however_large_the_pages(look, limit):
    assert walk(look, limit) == KEYS
    assert walk(look, limit, descending=True) == KEYS[::-1]


def test_a_row_is_what_was_selected(look):
    asked = PageAsked(1)

    assert read_page(look, select(KEY), asked, TOPIC, KEY).rows == ["a"]
    assert read_page(look, select(KEY, PARTITION), asked, TOPIC, KEY).rows == [("a", 0)]
    assert read_page(look, select(HeldKeyRow, PARTITION), asked, TOPIC, KEY).rows[0][1] == 0


def test_nothing_has_no_next_page(look):
    found = read_page(look, select(HeldKeyRow).where(TOPIC == "none"), PageAsked(3), TOPIC, KEY)

    assert (found.rows, found.next) == ([], None)


@pytest.mark.parametrize("at", [(), ("a",), ("a", "b", "c"), ("a", 1), ("a", None), ("a", ["b"]), ("a", "\0")])
def test_a_place_of_another_listing_is_refused(look, at):
    with pytest.raises(Invalid, match=r"^cursor: it belongs to another listing"):
        read_page(look, select(HeldKeyRow), PageAsked(3, at), TOPIC, KEY)


@pytest.mark.parametrize("number", [2**31, -(2**31), 2**63, True, 1.0, "1"])
def test_a_number_that_the_column_cannot_hold_is_of_another_listing(look, number):
    with pytest.raises(Invalid, match=r"^cursor: it belongs to another listing"):
        read_page(look, select(HeldKeyRow), PageAsked(3, [number]), PARTITION)

    assert read_page(look, select(KEY), PageAsked(3, [2**31 - 1]), PARTITION).rows == []


def test_a_page_is_found_by_the_index_of_its_order(look):
    said = []
    engine = look.session.get_bind()
    listen = lambda connection, cursor, statement, given, *rest: said.append((statement, given))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    query = select(HeldKeyRow).where(col(HeldKeyRow.consumer) == "toy")
    read_page(look, query, PageAsked(1, ("books", "a")), TOPIC, KEY)
    event.remove(engine, "before_cursor_execute", listen)
    statement, given = said[-1]
    connection = look.session.connection()
    if engine.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
        assert "(topic,key)>(?,?)" in plan[0][-1].replace(" ", "") and "TEMP B-TREE" not in str(plan)
    else:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", given).all())
        assert "ROW(" in plan.partition("Index Cond")[2].partition("\n")[0] and "Sort" not in plan
