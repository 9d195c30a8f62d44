"""That a revision is withdrawn is told to everybody who is told of revisions, and its entry of each feed says so."""

from __future__ import annotations

from datetime import UTC, datetime

from services.notify import domain
from services.notify.domain.saying import say, text_of
from shared.events.synthesis import RevisionWithdrawn
from tests.unit.services.notify.rig import REVIEW, revision_published

HOOK = "http://127.0.0.1:9/hook"
AT = f"/notify/reviews/{REVIEW}"


def withdrawn(number: int = 2, **different) -> RevisionWithdrawn:
    seen = {"review": REVIEW, "revision": f"rev_{number}", "number": number, "why": "It is wrong.", "by": "lea",
            "in_force": 1}  # fmt: skip
    return RevisionWithdrawn(**{**seen, **different})


def test_whoever_is_told_of_any_revision_is_told_and_nobody_else(bench):
    every = bench.subscribe(HOOK)
    of_one = bench.subscribe(HOOK, cmocs=["nothing"], least="MAJOR")
    of_course = bench.subscribe(HOOK, kinds=["course"])

    bench.hears(withdrawn(), withdrawn())

    assert [it["kind"] for it in bench.deliveries(every)] == ["withdrawal"]
    assert [it["kind"] for it in bench.deliveries(of_one)] == ["withdrawal"]
    assert bench.deliveries(of_course) == []


def test_it_says_why_and_what_to_read_instead():
    body = domain.withdrawal_notification(
        withdrawn(replaced_by=1), at=datetime(2020, 1, 1, tzinfo=UTC), public_url="https://living.example"
    )

    text = text_of(say(body))

    assert text.startswith(f"Revision 2 of the review {REVIEW} is withdrawn\n")
    assert "It is wrong." in text and "Read revision 1 instead." in text and "Revision 1 is in force." in text
    assert text.endswith("Open the revision: https://living.example/reviews/garden/findings/2\n")


def test_its_entry_of_each_feed_says_so_from_then_on_and_the_others_do_not(bench):
    reader = bench.person("ana", "reader")
    bench.hears(revision_published(1), revision_published(2))
    before = reader.get(f"{AT}/cmocs/a/feed.atom")

    bench.hears(withdrawn())

    titles = [it["title"] for it in reader.get(f"{AT}/feed.json").json()["items"]]
    assert [title.partition(" of ")[0] for title in titles] == [
        "Revision 2", "Withdrawn: Revision 2", "Revision 1",
    ]  # fmt: skip
    after = reader.get(f"{AT}/cmocs/a/feed.atom", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200 and after.text.count("Withdrawn") == 2 and "It is wrong." in after.text
