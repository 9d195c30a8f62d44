"""The feed: well-formed Atom with exactly one entry a revision, whatever the revision says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import revision_notification
from services.notify.ports.channels.atom import FeedPage, write_feed
from shared.events.synthesis import Change
from tests.unit.services.notify.rig import REVIEW, review_overdue, revision_published

PATH = f"/notify/reviews/{REVIEW}/feed.atom"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
NOW = datetime(2020, 1, 1, tzinfo=UTC)


def entries(feed: Element) -> list[Element]:
    return feed.findall("a:entry", ATOM)


def texts(feed: Element, path: str) -> list[str]:
    return [found.text or "" for found in feed.findall(path, ATOM)]


def links(feed: Element) -> dict[str, str]:
    return {link.attrib.get("rel", "alternate"): link.attrib["href"] for link in feed.findall("a:link", ATOM)}


def read(client, path: str = PATH) -> Element:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/atom+xml")
    return fromstring(answer.content)


def written(event) -> Element:
    notification = revision_notification(event, at=NOW, public_url="https://living.example")
    return fromstring(write_feed(FeedPage(REVIEW, [notification], "https://a/", "https://a/", None)))


def test_the_feed_has_exactly_one_entry_for_each_revision_newest_first(bench):
    bench.hears(revision_published(1), revision_published(2), revision_published(2), revision_published(3))
    bench.hears(revision_published(1, review="orchard"), review_overdue())

    feed = read(bench.person("ana", "reader"))

    assert texts(feed, "a:entry/a:id") == [f"urn:living:revision:rev_{number}" for number in (3, 2, 1)]


def test_an_entry_has_all_that_atom_asks_for(bench):
    bench.hears(revision_published(2))

    feed = read(bench.person("ana", "reader"))

    assert texts(feed, "a:id") == ["urn:living:review:garden:revisions"]
    assert texts(feed, "a:updated") == texts(feed, "a:entry/a:updated") == ["2020-01-01T00:00:00+00:00"]
    assert texts(feed, "a:entry/a:title") == ["Revision 2 of “How gardens work”"]
    assert texts(feed, "a:entry/a:author/a:name") == ["Review team garden"]
    assert links(feed)["self"] == f"http://127.0.0.1:8000{PATH}"
    assert links(entries(feed)[0]) == {"alternate": "http://127.0.0.1:8000/reviews/garden/findings/2"}


def test_an_entry_tells_what_changed_per_cmoc():
    (content,) = texts(written(revision_published()), "a:entry/a:content")

    assert "<p>One more study; a new CMOC.</p>" in content
    assert "<h3>CMOC a of the theory Growing</h3><ul><li>Independent studies that speak to it" in content
    assert "not only against it: 2 before, 3 now.</li><li>outcome, before: calm. Now: calm &amp; focus</li>" in content
    assert "<li>It is partially supported.</li>" in content and "not only against it: a: 3, b: 1." in content


def test_an_entry_says_as_a_person_would_what_became_of_a_cmoc():
    said = [
        ("added", None, "no_evidence", "It is new: without evidence yet."),
        ("set aside", "contested", None, "It is set aside; it was contested."),
        ("status", "supported", "contested", "It was supported, and is contested now."),
        ("flagged", False, True, "a person is to judge it again."),
        ("flagged", True, False, "A person has judged it again"),
        ("links added", None, 1, "1 link of evidence came."),
        ("links withdrawn", None, 2, "2 links of evidence went."),
        ("further changes", None, 9, "And 9 more changes."),
        ("theory t1", "Trust", None, "A theory is stated no more: Trust"),
        ("theory t1", None, "Trust: it grows", "A theory is new: Trust: it grows"),
        ("theory t1", "Trust: it grows", "Trust: it stays", "A theory, before: Trust: it grows. Now: Trust: it stays"),
    ]
    changes = [Change(cmoc="a", what=it[0], before=it[1], after=it[2], change_class="PATCH") for it in said]

    feed = written(revision_published(changes=changes, signed_by="person_1"))

    (content,) = texts(feed, "a:entry/a:content")
    assert [words for *_, words in said if words not in content] == []
    assert "PATCH" not in content and "true" not in content and "person_1" not in content


def test_what_an_entry_tells_is_escaped_since_nobody_vouches_for_it():
    evil = "<script>alert('&')</script>"
    change = Change(cmoc=evil, what=evil, before=evil, after={"x": evil}, change_class="PATCH")

    feed = written(revision_published(summary=evil, title=evil, signed_by=evil, changes=[change]))

    (content,) = texts(feed, "a:entry/a:content")
    assert "<script" not in content
    assert content.count("&lt;script&gt;") == 5
    assert texts(feed, "a:entry/a:title") == [f"Revision 1 of “{evil}”"]


def test_a_drill_says_so_in_its_title_and_its_text():
    feed = written(revision_published(drill=True))

    assert texts(feed, "a:entry/a:title") == ["Exercise: Revision 1 of “How gardens work”"]
    assert "This is an exercise" in texts(feed, "a:entry/a:content")[0]


def test_a_revision_without_changes_says_that_nothing_changed():
    feed = written(revision_published(change_class="NONE", changes=[]))

    assert "No CMOC changed." in texts(feed, "a:entry/a:content")[0]


@given(text=st.text(), other=st.text())
def test_any_text_makes_well_formed_xml(text, other):
    change = Change(cmoc=text, what=other, before=text, after=[other], change_class="PATCH")

    feed = written(
        revision_published(title=text, summary=other, signed_by=text or "x", changes=[change], revision=text)
    )

    assert len(entries(feed)) == 1


def test_a_review_without_revisions_has_an_empty_feed(bench):
    feed = read(bench.person("ana", "reader"))

    assert entries(feed) == []
    assert texts(feed, "a:updated") == ["1970-01-01T00:00:00+00:00"]


def test_older_entries_are_reached_by_the_next_links_without_gaps_or_doubles(bench):
    bench.hears(*(revision_published(number) for number in range(1, 8)))
    client, path, found = bench.person("ana", "reader"), f"{PATH}?limit=3", []

    while path is not None:
        feed = read(client, path)
        found += [texts(feed, "a:entry/a:id")]
        assert links(feed)["first"] == f"http://127.0.0.1:8000{PATH}?limit=3"
        next_link = links(feed).get("next")
        path = next_link and f"{PATH}?{urlsplit(next_link).query}"

    assert [len(page) for page in found] == [3, 3, 1]
    numbers = [entry.rpartition("_")[2] for page in found for entry in page]
    assert numbers == ["7", "6", "5", "4", "3", "2", "1"]


def test_a_page_holds_a_hundred_entries_at_most(bench):
    bench.hears(*(revision_published(number) for number in range(1, 103)))
    client = bench.person("ana", "reader")

    assert len(entries(read(client))) == 100
    assert client.get(f"{PATH}?limit=101").status_code == 422


def test_a_reader_that_has_the_newest_feed_is_told_so(bench):
    bench.hears(revision_published(1))
    client = bench.person("ana", "reader")
    answer = client.get(PATH)
    etag, modified = answer.headers["etag"], answer.headers["last-modified"]

    for known in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"other", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
    ):
        again = client.get(PATH, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["last-modified"]) == (etag, modified)

    bench.clock.advance(hours=1)
    bench.hears(revision_published(2))
    for known in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        assert len(entries(fromstring(client.get(PATH, headers=known).content))) == 2


@pytest.mark.parametrize(
    "known",
    [
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": "Mon, 99 Foo 2020"},
        {"If-None-Match": ""},
        {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ],
)
def test_a_reader_that_knows_something_else_gets_the_feed(bench, known):
    bench.hears(revision_published(1))

    assert bench.person("ana", "reader").get(PATH, headers=known).status_code == 200


def test_a_feed_reader_may_send_its_token_as_a_password(bench):
    bearer = bench.person("ana", "reader").headers["authorization"]
    basic = base64.b64encode(b"ana:" + bearer.removeprefix("Bearer ").encode()).decode()

    assert bench.anybody().get(PATH, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert bench.anybody().get(PATH).status_code == 401


@pytest.mark.parametrize("name", ["If-None-Match", "If-Modified-Since"])
def test_a_condition_longer_than_any_we_give_out_is_refused(bench, name):
    answer = bench.person("rita", "reader").get("/notify/reviews/r/feed.atom", headers={name: "x" * 1001})

    assert (answer.status_code, answer.json()["errors"][0]["at"]) == (422, name)
