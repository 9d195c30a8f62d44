"""Whoever is to search by hand is told once that it is due, and once that its day has passed; leads where nobody is."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from sqlalchemy import select

from services.notify.models import DeliveryRow, NotificationRow
from shared.events.ingest import SearchDue, SearchFulfilled
from shared.events.people import RoleChanged
from shared.events.synthesis import NotSearched
from tests.unit.services.notify.rig import REVIEW, revision_published, run_finished

HOOK = "http://127.0.0.1:9/hook"
FEED = f"/notify/reviews/{REVIEW}/trouble.atom"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
DUE = date(2020, 1, 1)


def search_due(**different: Any) -> SearchDue:
    seen = {
        "review": REVIEW, "watch": "watch_embase", "strategy": "embase", "database": "Embase", "query": "garden*:ti",
        "due": DUE, "overdue": False, "owner": None,
    }  # fmt: skip
    return SearchDue(**{**seen, **different})


def search_fulfilled(**different: Any) -> SearchFulfilled:
    seen = {
        "review": REVIEW, "search": "search_1", "watch": "watch_embase", "strategy": "embase",
        "source": "import:embase", "database": "Embase", "question": "q", "protocol_version": 1, "query": "garden*:ti",
        "planned": None, "searched_on": DUE, "due": DUE, "how": "imported", "reported": 4, "entries": 4, "by": "lea",
    }  # fmt: skip
    return SearchFulfilled(**{**seen, **different})


def delivered_to(bench, state: str = "waiting") -> list[str]:
    with bench.work(readonly=True) as work:
        mine = select(DeliveryRow.subscription).where(DeliveryRow.state == state).order_by(DeliveryRow.id)
        return list(work.session.scalars(mine))


def bodies(bench) -> list[dict[str, Any]]:
    with bench.work(readonly=True) as work:
        return [
            orjson.loads(body)
            for body in work.session.scalars(select(NotificationRow.body).order_by(NotificationRow.number))
        ]


def test_its_owner_is_told_where_they_have_a_subscription_for_that_and_nobody_else(bench):
    bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.subscribe(HOOK, by="ben", kinds=["search"])
    bench.subscribe(HOOK, by="ana", kinds=["revision"])
    mine = bench.subscribe(HOOK, by="ana", role="reviewer", kinds=["search"])

    bench.hears(search_due(owner="ana"))

    assert delivered_to(bench) == [mine["id"]]
    (body,) = bodies(bench)
    assert (body["type"], body["data"]["due"], body["data"]["query"]) == ("search.due", "2020-01-01", "garden*:ti")


@pytest.mark.parametrize("owner", [None, "ana"])
def test_leads_are_told_where_it_is_nobodys_or_its_owner_has_no_such_subscription(bench, owner):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.subscribe(HOOK, by="ana", kinds=["revision"])
    bench.subscribe(HOOK, by="ben", kinds=["search"])

    bench.hears(search_due(owner=owner))

    assert delivered_to(bench) == [lead["id"]]


def test_each_day_is_told_once_as_due_and_once_as_past(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])

    for _ in range(2):
        bench.hears(search_due(), search_due(overdue=True))
    bench.hears(search_due(due=date(2020, 1, 29)))

    assert [body["type"] for body in bodies(bench)] == ["search.due", "search.overdue", "search.due"]
    assert delivered_to(bench) == [lead["id"]] * 3


def test_a_search_that_was_made_is_asked_of_nobody_any_more(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.hears(search_due(), search_due(overdue=True), search_due(watch="watch_scopus", strategy="scopus"))

    bench.hears(search_fulfilled())

    assert delivered_to(bench, "cancelled") == [lead["id"]] * 2
    assert delivered_to(bench) == [lead["id"]]


def test_who_leads_no_more_is_told_of_it_no_more_and_its_owner_still_is(bench):
    bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble", "revision"])
    mine = bench.subscribe(HOOK, by="leo", role="lead", kinds=["trouble", "search"])
    bench.hears(search_due(owner="lea"), search_due(owner="leo", watch="watch_scopus"))

    for person in ("lea", "leo"):
        bench.hears(RoleChanged(review=REVIEW, person=person, role="reviewer", before="lead"))

    assert delivered_to(bench) == [mine["id"]]


def test_who_is_a_lead_no_more_cannot_have_a_search_of_nobody_sent_again(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble", "revision"])
    bench.hears(search_due(), RoleChanged(review=REVIEW, person="lea", role="reviewer", before="lead"))
    (delivery,) = bench.deliveries(lead, by="lea")

    again = f"/notify/reviews/{REVIEW}/subscriptions/{lead['id']}/deliveries/{delivery['id']}/redeliver"
    answer = bench.person("lea").post(again)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:living:problem:for_leads")


def test_the_feed_of_leads_has_them_among_its_trouble_the_newest_first(bench):
    bench.hears(run_finished("run_1", error="gone"), search_due(owner="ana", query="<b>*"), search_due(overdue=True))

    answer = bench.person("lea", "lead").get(FEED)

    entries = fromstring(answer.content).findall("a:entry", ATOM)
    assert [entry.findtext("a:title", namespaces=ATOM) for entry in entries] == [
        "Search Embase by hand: overdue since 2020-01-01", "Search Embase by hand: due on 2020-01-01",
        "Trouble with openalex on 2020-01-01",
    ]  # fmt: skip
    assert "&lt;b&gt;*" in str(entries[1].findtext("a:content", namespaces=ATOM))
    assert bench.person("ana", "reviewer").get(FEED).status_code == 403


def test_a_revision_that_goes_without_a_search_says_so_to_its_subscribers(bench):
    bench.subscribe(HOOK, by="ana")
    without = NotSearched(strategy="embase", database="Embase", due=DUE, reason="No licence & no access.")

    bench.hears(revision_published(), revision_published(2, not_searched=[without]))

    first, second = (body["data"] for body in bodies(bench))
    assert "not_searched" not in first
    assert second["not_searched"] == [without.model_dump(mode="json")]
    feed = bench.person("ana", "reader").get(f"/notify/reviews/{REVIEW}/feed.atom").text
    assert "Embase, due on 2020-01-01: No licence" in feed
