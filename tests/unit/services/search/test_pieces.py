"""What the synthesis says is found beside records: fragments, CMOCs and signed revisions, also after a rebuild."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.search.jobs.rebuild import rebuild_index
from services.search.manifest import SERVICE
from shared.bus.port import Message
from shared.events.ingest import Bibliography, RecordDiscovered, RecordNoticed
from shared.events.protocol import VersionPublished
from shared.events.synthesis import (
    CmocState,
    CmocWords,
    FragmentDescribed,
    LinkSaid,
    RevisionDrafted,
    RevisionPublished,
    RevisionWithdrawn,
    TheoryChanged,
)
from shared.tokens import PUBLIC
from tests.unit.services.synthesis.rig import protocol
from tests.workbench import Workbench

BASE = "/search/reviews/small"


@pytest.fixture
def search(workbench) -> Workbench:
    bench = workbench(SERVICE, upgrade_at_start=False)
    bench.platform.event_log.create_topics()
    return bench


def described(fragment: str, says: str | None, revision: int = 1, **about) -> FragmentDescribed:
    link = LinkSaid(link=f"l-{fragment}", cmoc="c1", element="outcome", stance="supports", inference="explicit")
    given = {"record": "rec", "study": "s", "suspended": False, "quote": None, "links": [link] if says else []}
    return FragmentDescribed(
        review="small", fragment=fragment, revision=revision, paraphrase=says, locator="p. 1", **given | about
    )


def published(number: int = 1, **about) -> RevisionPublished:
    words = CmocWords(
        cmoc="c1", theory="trust", heading="Trust", context="in wards", resource="time", reasoning="feel safe",
        outcome="speak up",
    )  # fmt: skip
    given = {
        "revision": f"small:{number}", "number": number, "cycle": number, "title": "A small review",
        "change_class": "MAJOR", "states": [], "changes": [], "summary": "Leaders who listen are told more.",
        "fragments_sha256": "0", "content_sha256": "0", "preceding": None, "searched_through": {}, "signed_by": "dora",
        "signature": "x", "because": [], "words": [words],
    }  # fmt: skip
    return RevisionPublished(review="small", **given | about)


def adopts(search: Workbench, *cmocs: str, version: int = 1) -> None:
    event = VersionPublished.of(protocol(cmocs), version, "dora", None)
    search.hears_envelope(search.envelope(event)._replace(dataversion=type(event).version))


def find(search: Workbench, what: str, q: str = "", **about) -> list[dict]:
    search.running.resources.refresh()
    answer = search.person(role="reader").get(f"{BASE}/{what}", params={"q": q, **about})
    assert answer.status_code == 200, answer.text
    items: list[dict] = answer.json()["items"]
    return items


def test_a_fragment_is_found_by_its_words_with_what_it_is_tied_to(search):
    search.hears(described("f1", "Leaders share power"), described("f2", "Nurses rest"))

    [found] = find(search, "fragments", "leader power", stance="supports")

    assert (found["fragment"], found["record"], found["paraphrase"]) == ("f1", "rec", "Leaders share power")
    assert [one["cmoc"] for one in found["links"]] == ["c1"]
    assert found["marked"] == ["<mark>Leaders</mark> share <mark>power</mark>"]
    assert find(search, "fragments", cmoc="c2") == []


def test_one_that_counts_no_more_is_not_found_whichever_news_comes_first(search):
    search.hears(described("f1", None, revision=2), described("f1", "Leaders share power"))

    assert find(search, "fragments") == []
    assert search.person(role="reader").get(f"{BASE}/fragments/f1/alike").status_code == 404


def test_one_of_a_retracted_report_says_so(search):
    search.hears(
        RecordDiscovered(review="small", record="rec", revision=1, run="run", bibliography=Bibliography(title="T")),
        RecordNoticed(
            review="small", record="rec", notice="n", kind="retraction", reason="made up", source="crossref"
        ),
        described("f1", "Leaders share power", suspended=True),
    )  # fmt: skip

    [found] = find(search, "fragments", standing="suspended")

    assert found["suspended"] and [one["kind"] for one in found["notices"]] == ["retraction"]


def test_cmocs_are_found_by_their_words_with_what_the_draft_says(search):
    adopts(search, "c1", "c2")
    state = CmocState(cmoc="c1", theory="trust", status="contested", support=3)
    search.hears(RevisionDrafted(review="small", draft="d", change_class="MINOR", states=[state]))

    [found] = find(search, "theories", "reasoning c1", status="contested")

    assert (found["cmoc"], found["standing"], found["support"]) == ("c1", "stated", 3)
    assert [one["cmoc"] for one in find(search, "theories", "trust", theory="trust")] == sorted(
        ["c1", "c2"], key=[one["cmoc"] for one in find(search, "theories")].index
    )


def test_a_cmoc_that_is_set_aside_says_so_and_is_found_still(search):
    adopts(search, "c1", "c2")
    search.hears(TheoryChanged(review="small", cmoc="c2", happened="refuted", why="three trials"))

    [found] = find(search, "theories", "c2", standing="refuted")

    assert (found["cmoc"], found["why"]) == ("c2", "three trials")


def test_a_signed_revision_is_found_by_what_it_changed_and_by_its_summary(search):
    search.hears(published())

    assert [one["number"] for one in find(search, "releases", "listen")] == [1]
    assert [one["number"] for one in find(search, "releases", "speak up", change_class="MAJOR")] == [1]
    assert find(search, "releases", change_class="NONE") == []


def test_whoever_reads_a_public_review_finds_what_was_signed_and_nothing_else(search):
    search.hears(published(), described("f1", "Leaders share power"))
    adopts(search, "c1")
    search.running.resources.refresh()
    public = search.person(f"{PUBLIC}:small", PUBLIC, ("small",), scopes=frozenset({"records"}))

    assert public.get(f"{BASE}/releases", params={"q": "listen"}).json()["total"] == 1
    for path in ("/fragments", "/fragments/f1/alike", "/theories", "/records"):
        assert public.get(BASE + path).status_code == 403, path


def test_what_is_like_a_fragment_is_found_with_its_links(search):
    said = "shared leadership builds trust across boundaries"
    search.hears(described("f1", said), described("f2", f"{said} slowly"), described("f3", "nurses rest"))
    search.running.resources.refresh()

    found = search.person(role="reader").get(f"{BASE}/fragments/f1/alike").json()["items"]

    assert [one["fragment"] for one in found] == ["f2"]


def test_what_a_kind_is_not_narrowed_by_and_what_cannot_be_understood_is_refused_by_name(search):
    reader = search.person(role="reader")

    assert reader.get(f"{BASE}/fragments", params={"q": '"open'}).status_code == 422
    assert reader.get(f"{BASE}/releases", params={"cmoc": "c1"}).status_code == 422
    many = reader.get(f"{BASE}/fragments", params={"cmoc": [f"c{n}" for n in range(51)]})
    assert many.status_code == 422 and "cmoc" in many.text


def test_facets_are_counted_where_they_are_asked_for(search):
    search.hears(described("f1", "trust"), described("f2", "trust"))
    search.running.resources.refresh()

    page = search.person(role="reader").get(f"{BASE}/fragments", params={"q": "trust", "facets": "true"}).json()

    assert page["facets"]["cmoc"] == [{"value": "c1", "count": 2}]


@pytest.mark.parametrize("withdrawn_first", [False, True])
def test_a_revision_that_is_withdrawn_says_so_whichever_news_comes_first(search, withdrawn_first):
    withdrawn = RevisionWithdrawn(
        review="small", revision="small:1", number=1, why="miscoded", by="dora", replaced_by=2
    )  # fmt: skip
    news = [published(), withdrawn]
    search.hears(*(reversed(news) if withdrawn_first else news), published(2))

    found = {one["number"]: one for one in find(search, "releases", "leaders", change_class="MAJOR")}

    assert (found[1]["withdrawn"], found[1]["replaced_by"]) == ("miscoded", 2)
    assert found[2]["withdrawn"] is None


def test_a_rebuild_from_the_log_gives_the_same(search):
    event = VersionPublished.of(protocol(["c1", "c2"]), 1, "dora", None)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    envelopes = [
        search.envelope(event)._replace(dataversion=type(event).version),
        search.envelope(described("f1", "Leaders share power")),
        search.envelope(described("f2", "Nurses rest")),
        search.envelope(described("f2", None, revision=2)),
        search.envelope(TheoryChanged(review="small", cmoc="c2", happened="set_aside", why="none")),
        search.envelope(published()),
        search.envelope(RevisionWithdrawn(review="small", revision="small:1", number=1, why="miscoded", by="dora")),
    ]
    envelopes = [one._replace(time=(at + timedelta(minutes=n)).isoformat()) for n, one in enumerate(envelopes)]
    for one in envelopes:
        search.hears_envelope(one)
    before = [find(search, what) for what in ("fragments", "theories", "releases")]
    topics = {
        "protocol": "protocol.versions",
        "synthesis.fragment.described": "synthesis.evidence",
        "synthesis.theory.changed": "synthesis.theories",
        "synthesis.revision.published": "synthesis.revisions",
        "synthesis.revision.withdrawn": "synthesis.revisions",
    }
    messages = [
        Message(topics[one.type if one.type in topics else "protocol"], one.subject, one.to_json(), {})
        for one in reversed(envelopes)
    ]
    search.platform.event_log.append(messages)
    search.person(role="admin").post("/search/rebuilds")
    search.runs(rebuild_index)

    after = [find(search, what) for what in ("fragments", "theories", "releases")]

    assert len(before[0]) == 1 and len(before[1]) == 2 and len(before[2]) == 1
    assert after == before
