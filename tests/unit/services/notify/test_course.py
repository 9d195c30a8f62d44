"""What becomes of a review is told to those who ask for it, with why and since when, and stands in its feed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.notify import domain
from services.notify.domain.saying import say, text_of
from shared.events.people import HandoverAccepted
from shared.events.synthesis import CourseChanged
from tests.unit.services.notify.rig import REVIEW, revision_published

HOOK = "http://127.0.0.1:9/hook"
SINCE = datetime(2020, 3, 1, tzinfo=UTC)


def course_changed(course: str, before: str = "living", **different) -> CourseChanged:
    seen = {"review": REVIEW, "course": course, "before": before, "why": "No funds.", "by": "lea", "since": SINCE}
    return CourseChanged(**{**seen, **different})


def said(event: CourseChanged) -> str:
    body = domain.course_notification(event, at=SINCE, public_url="https://living.example")
    assert body is not None
    return text_of(say(body))


@pytest.mark.parametrize(
    ("course", "before", "headline"),
    [("paused", "living", "is paused"), ("living", "paused", "goes on"), ("retired", "paused", "is retired")],
)
def test_it_says_what_the_review_is_since_when_and_why(course, before, headline):
    text = said(course_changed(course, before))

    assert text.startswith(f"The review {REVIEW} {headline}\n")
    assert "Since 2020-03-01. Why, as a lead says: No funds." in text
    assert text.endswith("Open the review: https://living.example/reviews/garden/findings\n")


def test_it_goes_to_those_who_ask_for_it_and_to_nobody_else(bench):
    asked = bench.subscribe(HOOK, kinds=["course"])
    of_before = bench.subscribe(HOOK)

    bench.hears(course_changed("paused"), course_changed("living", "paused"))

    seen = bench.deliveries(asked)
    assert sorted((it["kind"], it["about"]) for it in seen) == [("course", "living"), ("course", "paused")]
    assert bench.deliveries(of_before) == []


def test_that_it_goes_on_as_it_did_is_told_to_nobody(bench):
    asked = bench.subscribe(HOOK, kinds=["course"])

    bench.hears(course_changed("living", why="We say so again."))

    assert bench.deliveries(asked) == []


def test_that_it_was_handed_over_is_told_to_the_same_and_stands_in_the_feed(bench):
    asked = bench.subscribe(HOOK, kinds=["course"])
    event = HandoverAccepted(review=REVIEW, handover="handover_1", before="lea", to="ana", why="I leave.")

    bench.hears(event, event)

    assert [(it["kind"], it["about"]) for it in bench.deliveries(asked)] == [("course", "handed_over")]
    (entry,) = bench.person("ana", "reader").get(f"/notify/reviews/{REVIEW}/feed.json").json()["items"]
    assert entry["title"] == f"The review {REVIEW} has another lead" and "I leave." in entry["content_text"]


def test_the_feeds_have_it_among_the_revisions_newest_first(bench):
    bench.hears(revision_published(1), course_changed("paused"), revision_published(2))

    reader, at = bench.person("ana", "reader"), f"/notify/reviews/{REVIEW}"
    titles = [it["title"] for it in reader.get(f"{at}/feed.json").json()["items"]]
    assert [title.split(" of ")[0] for title in titles] == [
        "Revision 2",
        f"The review {REVIEW} is paused",
        "Revision 1",
    ]
    assert f"The review {REVIEW} is paused" in reader.get(f"{at}/feed.atom").text
    assert "paused" not in reader.get(f"{at}/cmocs/a/feed.atom").text


def test_an_event_of_before_it_named_anybody_is_told_by_when_it_happened():
    event = CourseChanged(review=REVIEW, course="paused", before="living", why="No funds.")

    assert "Since 2020-03-01." in said(event)
