"""Filters: a subscription to a theory, a CMOC or a class of changes is told of just that, by one query."""

from __future__ import annotations

import pytest
from sqlalchemy import event as alchemy
from sqlalchemy import func, select

from services.notify.domain.filters import EVERYTHING, concerned
from services.notify.models import ChangedCmocRow, InterestRow
from shared.events.synthesis import Change, CmocState, CmocWords
from tests.unit.services.notify.rig import REVIEW, review_overdue, revision_published

HOOK = "http://127.0.0.1:9/hook"


def change(cmoc: str, what: str = "support", class_: str = "PATCH", **values) -> Change:
    return Change(cmoc=cmoc, what=what, change_class=class_, **values)


def words(cmoc: str, theory: str) -> CmocWords:
    parts = {"context": "c", "resource": "m", "reasoning": "r", "outcome": "o"}
    return CmocWords(cmoc=cmoc, theory=theory, heading=theory, **parts)


def revisions_of(bench, subscription) -> list[str]:
    return sorted(it["about"] for it in bench.deliveries(subscription))


def rows(work, table) -> int:
    return work.session.scalars(select(func.count()).select_from(table)).one()


def test_somebody_who_named_a_cmoc_is_told_of_no_other(bench):
    of_a, of_b = bench.subscribe(HOOK, cmocs=["a"]), bench.subscribe(HOOK, cmocs=["b"])

    bench.hears(revision_published(1, changes=[change("a")]), revision_published(2, changes=[change("b")]))

    assert (revisions_of(bench, of_a), revisions_of(bench, of_b)) == (["rev_1"], ["rev_2"])


def test_somebody_who_named_a_theory_is_told_of_its_cmocs_and_of_its_own_words(bench):
    growing = bench.subscribe(HOOK, theories=["Growing"])

    bench.hears(
        revision_published(1, changes=[change("a")]), revision_published(2, changes=[change("b")]),
        revision_published(3, changes=[change("", "theory Growing", "MINOR")]),
        revision_published(4, changes=[change("b", "theory", "MINOR", before="Growing", after="Resting")]),
    )  # fmt: skip

    assert revisions_of(bench, growing) == ["rev_1", "rev_3", "rev_4"]


def test_a_cmoc_that_is_stated_no_more_is_told_to_whoever_named_its_theory(bench):
    growing = bench.subscribe(HOOK, theories=["Growing"])

    gone = revision_published(1, states=[], changes=[change("z", "set aside", "MAJOR")], words=[words("z", "Growing")])
    bench.hears(gone)

    assert revisions_of(bench, growing) == ["rev_1"]


def test_a_change_that_is_too_small_is_not_told_whatever_else_the_revision_changes(bench):
    minor, major = (bench.subscribe(HOOK, cmocs=["a"], least=least) for least in ("MINOR", "MAJOR"))

    bench.hears(
        revision_published(1, change_class="MAJOR", changes=[change("a"), change("b", "added", "MAJOR")]),
        revision_published(2, changes=[change("a", "status", "MINOR")]),
        revision_published(3, change_class="MAJOR", changes=[change("a", "set aside", "MAJOR")]),
    )

    assert (revisions_of(bench, minor), revisions_of(bench, major)) == (["rev_2", "rev_3"], ["rev_3"])


def test_a_signed_no_change_goes_only_to_whom_asks_for_it(bench):
    usual, all_of_them = bench.subscribe(HOOK), bench.subscribe(HOOK, least="NONE")

    bench.hears(revision_published(1, change_class="NONE", changes=[]))

    assert (revisions_of(bench, usual), revisions_of(bench, all_of_them)) == ([], ["rev_1"])


def test_where_an_event_holds_not_all_changes_whatever_it_states_may_have_changed():
    event = revision_published(changes=[change("a", "added", "MAJOR"), change("", "further changes", "PATCH", after=9)])

    changed = concerned(event)

    assert changed == {EVERYTHING: 2, "cmoc a": 3, "theory Growing": 3, "cmoc b": 1, "theory Resting": 1}


def test_other_kinds_of_notification_are_told_whatever_cmocs_are_named(bench):
    subscription = bench.subscribe(HOOK, role="lead", kinds=["revision", "overdue"], cmocs=["nothing"])

    bench.hears(revision_published(), review_overdue())

    assert [it["kind"] for it in bench.deliveries(subscription)] == ["overdue"]


@pytest.mark.parametrize(
    ("wish", "at"),
    [
        ({"cmocs": ["a"], "kinds": ["queue"]}, "kinds"),
        ({"theories": [" "]}, "theories"),
        ({"least": "HUGE"}, "least"),
        ({"zone": "Mars/Phobos"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"every": "hourly"}, "every"),
    ],
)
def test_a_wish_that_says_nothing_is_refused_with_its_field(bench, wish, at):
    body = {"channel": "webhook", "url": HOOK, **wish}

    answer = bench.person("ana").post(f"/notify/reviews/{REVIEW}/subscriptions", json=body)

    assert answer.status_code == 422
    assert at in answer.text


def test_whom_a_revision_concerns_takes_as_many_queries_however_much_it_changes(bench):
    for number in range(15):
        bench.subscribe(HOOK, by=f"p{number}", cmocs=[f"c{number}"])

    def asked_for(event) -> int:
        seen: list[str] = []
        engine = bench.running.database.engine

        def note(connection, cursor, statement, *rest) -> None:
            seen.append(statement)

        alchemy.listen(engine, "before_cursor_execute", note)
        try:
            bench.hears(event)
        finally:
            alchemy.remove(engine, "before_cursor_execute", note)
        return len([it for it in seen if it.startswith("SELECT") and "FROM subscriptions" in it])

    states = [CmocState(cmoc=f"c{n}", theory=f"t{n % 9}", status="supported", support=1) for n in range(300)]
    few = asked_for(revision_published(1, states=states, changes=[change("c1")]))
    many = asked_for(revision_published(2, states=states, changes=[change(f"c{n}") for n in range(300)]))

    assert few == many == 1


def test_a_subscription_that_is_over_is_looked_for_no_more(bench):
    subscription = bench.subscribe(HOOK, cmocs=["a", "b"])

    bench.person("ana").delete(f"/notify/reviews/{REVIEW}/subscriptions/{subscription['id']}")

    with bench.work() as work:
        assert rows(work, InterestRow) == 0


def test_each_cmoc_has_a_feed_of_its_own_in_both_forms(bench):
    bench.hears(revision_published(1, changes=[change("a")]), revision_published(2, changes=[change("b")]))

    reader = bench.person("ana")
    atom = reader.get(f"/notify/reviews/{REVIEW}/cmocs/a/feed.atom")
    as_json = reader.get(f"/notify/reviews/{REVIEW}/cmocs/b/feed.json")
    all_of_them = reader.get(f"/notify/reviews/{REVIEW}/feed.json", params={"limit": 1})

    assert atom.text.count("<entry>") == 1 and "Revision 1 of" in atom.text
    assert as_json.headers["content-type"].startswith("application/feed+json")
    assert [it["url"] for it in as_json.json()["items"]] == [f"http://127.0.0.1:8000/reviews/{REVIEW}/findings/2"]
    assert all_of_them.json()["next_url"].startswith(f"http://127.0.0.1:8000/notify/reviews/{REVIEW}/feed.json?")
    older = reader.get(all_of_them.json()["next_url"].removeprefix("http://127.0.0.1:8000"))
    assert [it["title"] for it in older.json()["items"]] == ["Revision 1 of “How gardens work”"]
    known = reader.get(f"/notify/reviews/{REVIEW}/feed.json", headers={"If-None-Match": as_json.headers["etag"]})
    assert known.status_code == 200
    with bench.work() as work:
        assert rows(work, ChangedCmocRow) == 2
