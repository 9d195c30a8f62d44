"""A public review: anybody gets a token to read what it has published, for as long as its lead lets them."""

from __future__ import annotations

from httpx import Response

from shared.events.people import AccessWithdrawn, PublicityChanged
from shared.events.protocol import Protocol, VersionPublished
from shared.keys.ring import KeyRing
from shared.tokens import LONGEST, Person, opened
from tests.unit.services.people.rig import REVIEW, PeopleBench, done, refused
from tests.unit.services.protocol.examples import small

AT = f"/people/reviews/{REVIEW}/publicity"


def asks(bench: PeopleBench, review: str = REVIEW) -> Response:
    return bench.anybody().post("/people/public-tokens", json={"review": review})


def ring(bench: PeopleBench) -> KeyRing:
    return bench.platform.ring


def published(review: str, title: str) -> VersionPublished:
    return VersionPublished.of(Protocol.model_validate(small(review=review, title=title)), 1, "lea")


def test_a_lead_says_that_anybody_may_read_and_every_member_sees_that(bench: PeopleBench):
    lea, rita = bench.comes_in("Lea", "lead"), bench.comes_in("Rita", "reader")
    assert done(rita.asks.get(f"/people/reviews/{REVIEW}"))["public"] is False

    assert done(lea.asks.put(AT, json={"public": True}))["public"] is True

    assert done(rita.asks.get(f"/people/reviews/{REVIEW}"))["public"] is True
    assert [event.public for event in bench.emitted(PublicityChanged)] == [True]


def test_nobody_but_a_lead_says_so(bench: PeopleBench):
    bench.comes_in("Lea", "lead")

    for role in ("reader", "reviewer", "adjudicator"):
        refused(bench.comes_in(role, role).asks.put(AT, json={"public": True}), 403, "role_needed")
    refused(asks(bench), 403, "other_review")


def test_the_same_said_again_is_no_news_and_ends_no_token(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")

    for _ in range(2):
        done(lea.asks.put(AT, json={"public": True}))

    assert len(bench.emitted(PublicityChanged)) == 1 and bench.emitted(AccessWithdrawn) == []
    refused(lea.asks.put(AT, json={"public": "perhaps"}), 422, "invalid", "body.public")


def test_anybody_gets_a_token_of_minutes_for_that_review_alone(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    done(lea.asks.put(AT, json={"public": True}))

    made = done(asks(bench))

    person, _ = opened(ring(bench), made["access_token"])
    assert (dict(person.roles), sorted(person.scopes or ())) == ({REVIEW: "public"}, ["records", "subscribe"])
    assert (made["expires_in"], made["scope"]) == (LONGEST.total_seconds(), "records subscribe")


def test_a_review_that_is_not_public_and_one_that_there_is_not_are_answered_alike(bench: PeopleBench):
    bench.comes_in("Lea", "lead")

    closed, nowhere = asks(bench), asks(bench, "nowhere")

    assert refused(closed, 403, "other_review")["detail"] == refused(nowhere, 403, "other_review")["detail"].replace(
        "nowhere", REVIEW
    )
    refused(asks(bench, "not a name"), 422, "invalid", "body.review")


def test_such_a_token_opens_nothing_that_is_of_people(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    done(lea.asks.put(AT, json={"public": True}))
    anybody = bench.with_token(done(asks(bench))["access_token"])

    for path in ("/people/me", f"/people/reviews/{REVIEW}", f"/people/reviews/{REVIEW}/members", "/people/keys"):
        refused(anybody.get(path), 403, "role_needed")
    refused(anybody.put(AT, json={"public": False}), 403, "role_needed")
    refused(anybody.post("/people/reviews/another"), 403, "role_needed")


def test_once_it_is_public_no_longer_no_token_of_before_counts_and_none_is_given(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    done(lea.asks.put(AT, json={"public": True}))
    before, _ = opened(ring(bench), done(asks(bench))["access_token"])

    done(lea.asks.put(AT, json={"public": False}))

    refused(asks(bench), 403, "other_review")
    (withdrawn,) = bench.emitted(AccessWithdrawn)
    assert withdrawn.subject == before.id == Person.anybody(REVIEW).id and before.number < withdrawn.number


def test_once_it_is_public_again_a_new_token_counts(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    for public in (True, False, True):
        done(lea.asks.put(AT, json={"public": public}))

    person, _ = opened(ring(bench), done(asks(bench))["access_token"])

    assert person.number == bench.emitted(AccessWithdrawn)[0].number


def test_which_reviews_are_public_is_told_to_whoever_asks_and_of_others_nothing(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    bench.comes_in("Mia", "lead", review="hidden")
    at = "/people/public-reviews"
    assert done(bench.anybody().get(at))["items"] == []

    done(lea.asks.put(AT, json={"public": True}))
    bench.hears(published(REVIEW, "What gardens do"), published("hidden", "What is hidden"))

    assert done(bench.anybody().get(at))["items"] == [{"review": REVIEW, "title": "What gardens do"}]
    assert done(lea.asks.get(at))["items"] == [{"review": REVIEW, "title": "What gardens do"}]
    done(lea.asks.put(AT, json={"public": False}))
    assert done(bench.anybody().get(at))["items"] == []
    refused(bench.anybody().get(at, params={"limit": 0}), 422, "invalid", "query.limit")
