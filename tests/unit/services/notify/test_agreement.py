"""Leads are told of two people who agree less than the protocol asks for, and nobody else is."""

from __future__ import annotations

from typing import Any

from defusedxml.ElementTree import fromstring
from pydantic import TypeAdapter
from sqlalchemy import select

from services.notify.domain.saying import say
from services.notify.models import NotificationRow
from shared.events.people import RoleChanged
from shared.events.screening import AgreementFell
from shared.wire.notify import Notification
from tests.unit.services.notify.rig import REVIEW, run_finished
from tests.unit.services.notify.test_searches import ATOM, FEED, HOOK, bodies, delivered_to, search_due
from tests.unit.services.notify.test_trouble import BASE


def agreement_fell(**different: Any) -> AgreementFell:
    seen = {"review": REVIEW, "stage": "sift", "first": "ana", "second": "ben", "n": 25, "kappa": 0.125, "floor": 0.6}
    return AgreementFell(**{**seen, **different})


def test_leads_who_are_told_of_trouble_hear_of_it_once(bench):
    leads = bench.subscribe(HOOK, by="lea", role="lead", kinds=["trouble"])
    bench.subscribe(HOOK, by="ana", kinds=["revision", "search"])

    heard = bench.envelope(agreement_fell())
    bench.hears_envelope(heard)
    bench.hears_envelope(heard)

    assert delivered_to(bench) == [leads["id"]]
    (body,) = bodies(bench)
    assert (body["type"], body["data"]["kappa"], body["data"]["n"]) == ("agreement.fell", 0.125, 25)


def test_it_stands_in_the_feed_of_leads(bench):
    bench.hears(agreement_fell())

    feed = fromstring(bench.person("lea", "lead").get(FEED).content)

    (entry,) = feed.findall("a:entry", ATOM)
    assert entry.findtext("a:title", namespaces=ATOM) == "Agreement at sift fell to 0.12"
    assert "kappa 0.12 over 25 tasks; the floor is 0.60" in (entry.findtext("a:content", namespaces=ATOM) or "")


def test_who_is_a_lead_no_more_is_told_nothing_that_waited_and_has_none_of_it_sent_again(bench):
    both = bench.subscribe(HOOK, by="lea", role="lead", kinds=["revision", "trouble"])
    bench.hears(agreement_fell())

    bench.hears(RoleChanged(review=REVIEW, person="lea", role="adjudicator", before="lead"))

    (delivery,) = bench.deliveries(both, by="lea")
    assert delivery["state"] == "cancelled"
    again = bench.person("lea", "adjudicator").post(f"{BASE}/{both['id']}/deliveries/{delivery['id']}/redeliver")
    assert (again.status_code, again.json()["type"]) == (409, "urn:living:problem:for_leads")


def test_what_leads_are_told_is_said_alike_in_their_feed_and_by_mail(bench):
    bench.hears(run_finished("run_1", error="gone"), run_finished("run_2"), search_due(owner="ana"), agreement_fell())
    with bench.work(readonly=True) as work:
        written = work.session.scalars(select(NotificationRow.body).order_by(NotificationRow.number)).all()
    mailed = [say(TypeAdapter(Notification).validate_json(body)) for body in written]

    entries = fromstring(bench.person("lea", "lead").get(FEED).content).findall("a:entry", ATOM)

    said = [tuple(entry.findtext(name, namespaces=ATOM) for name in ("a:title", "a:content")) for entry in entries]
    assert said == [(it.headline, "".join(f"<p>{line}</p>" for line in it.first)) for it in mailed[::-1]]
    assert "No watch over openalex fails any more; trouble was first told on 2020-01-01." in mailed[1].first
