"""Notices are written once, for those who asked for them."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from services.notify import store
from services.notify.models import DeliveryRow, NotificationRow, SubscriptionRow
from shared.events.notify import NoticeDelivered
from shared.events.people import AccessWithdrawn, MemberLeft
from tests.unit.services.notify.rig import REVIEW, review_overdue, revision_published

HOOK = "http://127.0.0.1:9/hook"


def count(bench, table) -> int:
    with bench.work(readonly=True) as work:
        return work.session.scalars(select(func.count()).select_from(table)).one()


def test_a_published_revision_makes_one_delivery_for_each_webhook(bench):
    subscriptions = [bench.subscribe(HOOK), bench.subscribe(HOOK), bench.subscribe(HOOK, by="ben")]

    bench.hears(revision_published())

    with bench.work(readonly=True) as work:
        seen = work.session.scalars(select(DeliveryRow.subscription)).all()
    assert sorted(seen) == sorted(subscription["id"] for subscription in subscriptions)


def test_a_redelivered_event_makes_no_second_delivery(bench):
    bench.subscribe(HOOK)
    envelope = bench.envelope(revision_published())

    bench.hears_envelope(envelope)
    bench.hears_envelope(envelope)

    assert (count(bench, NotificationRow), count(bench, DeliveryRow)) == (1, 1)


def test_the_same_revision_told_by_another_event_makes_no_second_delivery_either(bench):
    bench.subscribe(HOOK)

    bench.hears(revision_published(), revision_published())

    assert (count(bench, NotificationRow), count(bench, DeliveryRow)) == (1, 1)
    assert len(bench.emitted(NoticeDelivered)) == 1


def test_revisions_of_different_reviews_that_share_an_id_are_told_apart(bench):
    bench.hears(revision_published(), revision_published(review="orchard"))

    assert count(bench, NotificationRow) == 2


def test_the_database_itself_refuses_a_second_delivery_of_a_notice(bench):
    subscription = bench.subscribe(HOOK)
    bench.hears(revision_published())

    with bench.work(readonly=True) as work:
        notification = work.session.scalars(select(NotificationRow)).one()
    with pytest.raises(Exception, match=r"(?i)unique"), bench.work() as work:
        store.add_deliveries(work, notification, [subscription["id"]])


def test_nothing_is_written_for_ended_subscriptions_feeds_or_other_reviews(bench):
    ended = bench.subscribe(HOOK)
    bench.person("ana", "reader").delete(f"/notify/reviews/{REVIEW}/subscriptions/{ended['id']}")
    bench.subscribe(None, channel="feed")
    bench.subscribe(HOOK)

    bench.hears(revision_published(review="orchard"))

    assert count(bench, DeliveryRow) == 0


def test_an_alarm_goes_only_to_those_who_asked_for_it(bench):
    lead = bench.subscribe(HOOK, by="lea", role="lead", kinds=["overdue"])
    bench.subscribe(HOOK)

    bench.hears(review_overdue(), review_overdue())

    with bench.work(readonly=True) as work:
        seen = work.session.scalars(select(DeliveryRow.subscription)).all()
    assert seen == [lead["id"]]


def test_who_asked_for_alarms_only_is_not_told_of_revisions(bench):
    bench.subscribe(HOOK, by="lea", role="lead", kinds=["overdue"])

    bench.hears(revision_published())

    assert count(bench, DeliveryRow) == 0


def test_the_feeds_entry_is_told_as_what_followed_from_the_revision(bench):
    (heard,) = bench.hears(revision_published(), correlation="flow")

    (seen,) = bench.journal()
    assert (seen.type, seen.correlationid, seen.causationid) == ("notify.notice.delivered", "flow", heard.id)
    assert (seen.data["channel"], seen.data["about"]) == ("feed", "rev_1")


def test_many_subscriptions_are_written_to_a_chunk_at_a_time(bench, monkeypatch):
    monkeypatch.setattr(store, "CHUNK", 7)
    with bench.work() as work:
        for number in range(40):
            kinds = ["overdue"] if number % 10 == 0 else ["revision"]
            row = work.add(
                SubscriptionRow(
                    id=f"sub_{number:02}", review=REVIEW, owner=f"p{number}", channel="webhook", url=HOOK,
                    host="127.0.0.1", secret="whsec_AAAA", kinds=kinds, created_at=work.now,
                )
            )  # fmt: skip
            store.add_interests(work, row)

    bench.hears(revision_published())

    assert count(bench, DeliveryRow) == 36


def test_whoever_leaves_a_review_is_told_nothing_more_of_it(bench):
    gone, stays = bench.subscribe("http://127.0.0.1:9/a", by="ana"), bench.subscribe("http://127.0.0.1:9/b", by="ben")

    bench.hears(MemberLeft(review=REVIEW, person="ana", role="reader"))

    seen = {name: bench.person(name, "reader").get(f"/notify/reviews/{REVIEW}/subscriptions").json()["items"]
            for name in ("ana", "ben")}  # fmt: skip
    assert [(it["id"], it["active"]) for it in (*seen["ana"], *seen["ben"])] == [
        (gone["id"], False), (stays["id"], True),
    ]  # fmt: skip


def test_a_program_whose_key_was_withdrawn_is_told_nothing_more(bench):
    made = bench.subscribe("http://127.0.0.1:9/a", by="key_1")

    bench.hears(AccessWithdrawn(review=REVIEW, subject="key_1", number=1))

    (seen,) = bench.person("key_1", "reader").get(f"/notify/reviews/{REVIEW}/subscriptions").json()["items"]
    assert (seen["id"], seen["active"], seen["ended_why"]) == (made["id"], False, "its key was withdrawn")


def test_a_person_one_of_whose_roles_changed_is_told_as_before(bench):
    bench.subscribe("http://127.0.0.1:9/a", by="person_1")

    bench.hears(AccessWithdrawn(review=REVIEW, subject="person_1", number=1))

    (seen,) = bench.person("person_1", "reader").get(f"/notify/reviews/{REVIEW}/subscriptions").json()["items"]
    assert seen["active"]
