"""Applying protocols over HTTP: numbered versions, once, by leads, with nothing stored when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from services.protocol.manifest import SERVICE
from shared.client.http import Http
from shared.client.protocol import ProtocolClient
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import parts
from shared.events.protocol import VersionPublished
from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.protocol.examples import SMALL, as_yaml, small
from tests.workbench import Workbench

YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def bench(workbench) -> Workbench:
    return workbench(SERVICE)


@pytest.fixture
def client(bench) -> Callable[..., ProtocolClient]:
    def make(role: str = "lead", name: str = "dora", reviews: tuple[str, ...] = ("*",)) -> ProtocolClient:
        person = bench.person(name, role, reviews)
        token = person.headers["authorization"].removeprefix("Bearer ")
        return ProtocolClient(Http("http://testserver", token, client=person))

    return make


def test_a_protocol_becomes_version_1_and_is_told_whole(bench, client):
    applied = client().apply("small", as_yaml(SMALL))

    assert (applied.version, applied.changed) == (1, True)
    [seen] = bench.emitted(VersionPublished)
    assert (seen.review, seen.version, seen.sha256, seen.published_by) == ("small", 1, applied.sha256, "dora")
    assert seen.protocol.cmocs[0].resource == "time"


def test_a_check_says_what_changes_and_what_is_asked_and_keeps_nothing(bench, client):
    lead = client()
    before = lead.check("small", as_yaml(SMALL))
    lead.apply("small", as_yaml(SMALL))
    after = lead.check("small", as_yaml(small(title="Larger")))

    assert (before.newest, before.changes) == (0, [])
    assert (after.newest, [(it.at, it.after) for it in after.changes]) == (1, [("title", "Larger")])
    assert [(it.strategy, it.source) for it in after.asked] and all(it.strings for it in after.asked)
    assert lead.newest("small").version == 1 and len(bench.emitted(VersionPublished)) == 1


def test_a_check_tells_every_error_as_applying_does_and_is_for_leads(client):
    said = []
    for ask in (client().check, client().apply):
        with pytest.raises(Invalid) as refused:
            ask("small", as_yaml(small(title="", stages=[])))
        said.append(refused.value.errors)

    assert said[0] == said[1] and {it["at"] for it in said[0]} >= {"title", "stages"}
    with pytest.raises(Forbidden):
        client("reviewer").check("small", as_yaml(SMALL))


def test_what_a_version_changed_is_shown_of_each_and_is_nothing_of_the_first(client):
    lead = client()
    lead.apply("small", as_yaml(SMALL))
    lead.apply("small", as_yaml(small(title="Larger")))

    assert lead.changes("small", 1).changes == []
    (change,) = client("reader").changes("small", 2).changes
    assert (change.at, change.before, change.after) == ("title", SMALL["title"], "Larger")
    with pytest.raises(NotFound):
        lead.changes("small", 3)


def test_an_applied_protocol_is_a_line_of_the_log_and_the_same_once_more_is_none(bench, client):
    with capture_logs() as lines:
        client().apply("small", as_yaml(SMALL))
        client().apply("small", as_yaml(SMALL))

    (line,) = [line for line in lines if line["event"] == "protocol applied"]
    assert (line["review"], line["version"], line["by"]) == ("small", 1, "dora")


def test_applying_the_same_content_again_changes_nothing(bench, client):
    first = client().apply("small", as_yaml(SMALL))
    again = client().apply("small", "# the same\n" + as_yaml(dict(reversed(SMALL.items()))))
    as_json = client().apply("small", json.dumps(SMALL), form="json")

    assert [(one.version, one.changed) for one in (again, as_json)] == [(1, False), (1, False)]
    assert again.sha256 == first.sha256
    assert len(bench.emitted(VersionPublished)) == 1


def test_other_content_makes_the_next_version_and_the_old_ones_stay(bench, client):
    lead = client()
    lead.apply("small", as_yaml(SMALL))
    lead.apply("small", as_yaml(small(title="Larger")))
    back = lead.apply("small", as_yaml(SMALL), follows=2)

    assert back.version == 3
    assert [head.version for head in lead.versions("small")] == [1, 2, 3]
    assert [head.version for head in lead.versions("small", newest_first=True)] == [3, 2, 1]
    assert [event.version for event in bench.emitted(VersionPublished)] == [1, 2, 3]
    assert lead.version("small", 2).protocol.title == "Larger"
    assert lead.newest("small").version == 3


def test_an_older_file_takes_back_what_a_colleague_changed_only_where_it_says_so(bench, client):
    lead, colleague = client(), client(name="carla")
    lead.apply("small", as_yaml(SMALL))
    colleague.apply("small", as_yaml(small(title="Larger")), follows=1)

    with pytest.raises(Conflict) as refused:
        lead.apply("small", as_yaml(SMALL))

    assert refused.value.slug == "older_version"
    assert "version 1 again" in refused.value.detail and "version 2, by carla" in refused.value.detail
    assert lead.newest("small").version == 2
    assert lead.apply("small", as_yaml(SMALL), follows=2).version == 3


@pytest.mark.parametrize("follows", [1, 3])
def test_a_file_that_follows_another_version_than_the_newest_is_refused_and_nothing_changes(bench, client, follows):
    lead = client()
    lead.apply("small", as_yaml(SMALL))
    lead.apply("small", as_yaml(small(title="Larger")), follows=1)

    with pytest.raises(Conflict) as refused:
        lead.apply("small", as_yaml(small(title="Mine")), follows=follows)

    assert refused.value.slug == "not_the_newest" and refused.value.detail.startswith("follows: ")
    assert [seen.version for seen in bench.emitted(VersionPublished)] == [1, 2]
    assert lead.newest("small").version == 2


def test_a_first_version_follows_none(client):
    with pytest.raises(Conflict) as refused:
        client().apply("small", as_yaml(SMALL), follows=1)

    assert "no version is the newest" in refused.value.detail


def test_a_malformed_protocol_is_answered_with_every_error_and_nothing_is_stored(bench, client):
    spoiled = small(strategies=[{"id": "one", "source": "scopus", "query": "x"}], cmocs=[])

    with pytest.raises(Invalid) as caught:
        client().apply("small", as_yaml(spoiled))

    assert {error["at"] for error in caught.value.errors} == {"strategies[0].source", "cmocs"}
    assert all("line" in error for error in caught.value.errors)
    assert caught.value.slug == "malformed_protocol"
    with pytest.raises(NotFound):
        client().newest("small")
    assert bench.all_emitted() == []


def test_a_protocol_for_another_review_is_refused(client):
    with pytest.raises(Invalid) as caught:
        client().apply("other", as_yaml(SMALL))

    assert caught.value.errors[0]["at"] == "review"


@pytest.mark.parametrize("content_type", ["application/yaml", "application/x-yaml", "text/yaml; charset=utf-8"])
def test_yaml_goes_by_its_usual_names(bench, content_type):
    answer = bench.person(role="lead").post(
        "/protocol/reviews/small/versions", content=as_yaml(SMALL), headers={"Content-Type": content_type}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_any_other_form_is_a_clear_problem(bench, content_type):
    answer = bench.person(role="lead").post(
        "/protocol/reviews/small/versions", content=as_yaml(SMALL), headers={"Content-Type": content_type}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "Content-Type"


def test_only_a_lead_of_the_review_applies_and_is_stopped_before_anything_is_read(bench, client):
    for stranger in (client("adjudicator"), client("lead", reviews=("other",))):
        with pytest.raises(Forbidden):
            stranger.apply("small", "[" * 1000)
    assert bench.anybody().post("/protocol/reviews/small/versions", content="", headers=YAML).status_code == 401


def test_a_retried_command_gets_its_first_answer(bench):
    lead, headers = bench.person(role="lead"), YAML | {"Idempotency-Key": "apply-once-0001"}
    answers = [
        lead.post("/protocol/reviews/small/versions", content=as_yaml(SMALL), headers=headers).json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["changed"] is True


def test_a_token_lists_the_reviews_it_holds_for_page_by_page(bench, client):
    for review in ("a", "b", "c"):
        client().apply(review, as_yaml(small(review=review)))

    assert [row.review for row in client("reader").reviews()] == ["a", "b", "c"]
    assert [row.review for row in client("reader", reviews=("c", "a")).reviews()] == ["a", "c"]
    page = bench.person(role="reader").get("/protocol/reviews?limit=2").json()
    rest = bench.person(role="reader").get(f"/protocol/reviews?limit=2&cursor={page['next']}").json()
    assert [row["review"] for row in page["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None


def test_what_is_not_there_and_what_is_made_up_are_clear_problems(bench, client):
    client().apply("small", as_yaml(SMALL))
    reader = bench.person(role="reader")

    assert reader.get("/protocol/reviews/none").status_code == 404
    assert reader.get("/protocol/reviews/none/versions").status_code == 404
    assert reader.get("/protocol/reviews/small/versions/2").status_code == 404
    assert reader.get("/protocol/reviews/small/versions/99999999999999999999").status_code == 422
    assert reader.get("/protocol/reviews/small/versions?cursor=WyJ4Il0").status_code == 422
    assert reader.get("/protocol/reviews?cursor=%00").status_code == 422


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def either_bench(request, workbench) -> Iterator[Workbench]:
    if request.param == "sqlite":
        yield workbench(SERVICE)
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
    bench = workbench(SERVICE, database_url=url)
    yield bench
    bench.close()
    drop_database(url.format(service="protocol"))


@pytest.mark.waits
def test_of_leads_who_apply_at_once_none_is_lost_and_none_overwritten(either_bench):
    def apply(number: int) -> int:
        lead = either_bench.person(f"lead{number}", "lead")
        body = as_yaml(small(title=f"Title {number}"))
        return lead.post("/protocol/reviews/small/versions", content=body, headers=YAML).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(apply, range(6)))

    seen = either_bench.emitted(VersionPublished)
    # The very first may collide on making the review, which is a conflict that says so; nothing else may.
    assert set(statuses) <= {200, 409}
    assert [event.version for event in seen] == list(range(1, statuses.count(200) + 1))
    assert len({event.protocol.title for event in seen}) == len(seen) >= 1


def test_why_a_version_was_made_is_kept_with_it_and_told(bench, client):
    lead, why = client(), "Our advisors ask for it:\nmore of <b>towns</b>"
    lead.apply("small", as_yaml(SMALL))
    lead.apply("small", as_yaml(small(title="Larger")), why=f"  {why}\n")

    first, second = lead.versions("small")
    assert (first.why, second.why) == (None, why) and lead.version("small", 2).why == why
    assert [event.why for event in bench.emitted(VersionPublished)] == [None, why]


def test_the_same_content_for_another_reason_changes_nothing(bench, client):
    lead = client()
    lead.apply("small", as_yaml(SMALL), why="it begins")
    again = lead.apply("small", as_yaml(SMALL), why="it begins anew")

    assert not again.changed and lead.newest("small").why == "it begins"
    assert len(bench.emitted(VersionPublished)) == 1


@pytest.mark.parametrize("why", ["", " \n ", "x" * 1001, "a\0b", "a\x1b[2Jb", "a\rb", "a\x85b"])
def test_a_reason_that_is_none_is_refused_at_its_name_and_nothing_is_applied(client, why):
    lead = client()
    with pytest.raises(Invalid) as refused:
        lead.apply("small", as_yaml(SMALL), why=why)

    assert [fault["at"] for fault in refused.value.errors] == ["query.why"]
    with pytest.raises(NotFound):
        lead.newest("small")


def test_how_much_of_each_part_a_version_changed_is_listed_with_it(client):
    lead = client()
    lead.apply("small", as_yaml(SMALL))
    cmocs = [{**cmoc, "outcome": "something else"} for cmoc in SMALL["cmocs"]]
    lead.apply("small", as_yaml(small(title="Larger", cmocs=cmocs)))

    first, second = client("reader").versions("small")
    assert (first.changed, second.changed) == ({}, {"title": 1, "cmocs": len(cmocs)})


def test_no_new_review_is_called_as_a_page_is_and_one_of_before_goes_on(bench, client, monkeypatch):
    for ask in (client().apply, client().check):
        with pytest.raises(Invalid, match="pages have it as an address"):
            ask("new", as_yaml(small(review="new")))
    assert bench.emitted(VersionPublished) == []

    with monkeypatch.context() as before:
        before.setattr(parts, "_NO_NAMES", frozenset())
        client().apply("new", as_yaml(small(review="new")))
    assert client().apply("new", as_yaml(small(review="new", title="Another title"))).version == 2


def test_what_a_review_asks_is_told_with_the_sources_that_are_searched_for_it(client):
    by_hand = {"id": "library", "manual": "A Library", "query": "gardens", "every_days": 90}
    client().apply("small", as_yaml(small(strategies=[*SMALL["strategies"], by_hand])))

    asked = client("reader").question("small")

    assert (asked.title, asked.question) == (SMALL["title"], SMALL["question"])
    named = {it.source: it.database for it in asked.sources}
    assert named.pop("import:a-library") == "A Library" and set(named.values()) == {None} and named
