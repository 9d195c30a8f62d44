"""What is sent is read strictly: nothing unknown, nothing of another kind, nothing that no database holds."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.manifest import SERVICE as INGEST
from services.notify.manifest import SERVICE as NOTIFY
from services.screening.manifest import SERVICE as SCREENING
from services.search.manifest import SERVICE as SEARCH
from services.synthesis.manifest import SERVICE as SYNTHESIS
from tests.toy import TOY

FEED = {"channel": "feed"}
FRAGMENT = {"locator": "p. 4", "paraphrase": "what it says", "data_type": "observation"}
DRAFT = {"fragments_sha256": "0", "draft": "d"}
LINK = {"cmoc": "c", "element": "context"}


def faults(answer: Any) -> list[str]:
    """The places of all that is wrong with a refused request."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [fault["at"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("service", "path", "body", "at"),
    [
        (SCREENING, "leases/l/vote", {"answer": "include", "field": {"cmocs": ["c1"]}}, "body.field"),
        (SCREENING, "leases/l/vote", {"answer": True}, "body.answer"),
        (SCREENING, "leases/l/vote", {"answer": "include", "reason": "a\0b"}, "body.reason"),
        (SCREENING, "leases/l/vote", {"answer": "include", "fields": {"note": True}}, "body.fields.note"),
        (SCREENING, "claims", {"stages": "sift"}, "body.stages"),
        (NOTIFY, "subscriptions", {**FEED, "cmoc": "x"}, "body.cmoc"),
        (NOTIFY, "subscriptions", {**FEED, "kinds": ["revision", "revision"]}, "body"),
        (INGEST, "records/rec_1/notices", {"kind": "retraction", "reason": "why", "drill": 1}, "body.drill"),
        (INGEST, "records/rec_1/notices", {"kind": "retraction", "reason": " "}, "body.reason"),
        (INGEST, "records/rec_1/notices", {"kind": "retraction", "reason": "x" * 2001}, "body.reason"),
        (
            SYNTHESIS, "evidence", {"record": "r", "fragment": {**FRAGMENT, "page": 4}, "links": [LINK]},
            "body.fragment.page",
        ),
        (
            SYNTHESIS, "evidence", {"record": "r", "fragment": {**FRAGMENT, "locator": 4}, "links": [LINK]},
            "body.fragment.locator",
        ),
        (SYNTHESIS, "evidence", {"record": "r", "fragment": FRAGMENT, "links": []}, "body.links"),
        (SYNTHESIS, "draft/sign", {"fragments_sha256": "0", "summary": "x", "drill": "true"}, "body.drill"),
    ],
)  # fmt: skip
def test_a_body_with_what_nobody_declared_or_of_another_kind_is_refused_naming_it(workbench, service, path, body, at):
    answer = workbench(service).person(role="admin").post(f"/{service.name}/reviews/r/{path}", json=body)

    assert at in faults(answer)


@pytest.mark.parametrize(
    ("service", "path", "body", "seen"),
    [
        (SYNTHESIS, "draft/sign", {**DRAFT, "summary": ""}, "body.summary: says nothing; write something"),
        (SYNTHESIS, "draft/sign", DRAFT, "body.summary: must be given"),
        (SYNTHESIS, "draft/sign", {**DRAFT, "summary": 5}, "body.summary: must be text"),
        (SYNTHESIS, "draft/sign", {**DRAFT, "summary": "x" * 5001}, "body.summary: must have at most 5000 characters"),
        (SYNTHESIS, "evidence/batch", {"evidence": []}, "body.evidence: must hold at least 1; it holds 0"),
        (SYNTHESIS, "evidence/batch", {"evidence": {}}, "body.evidence: must be a list"),
        (SCREENING, "claims", {"count": 51}, "body.count: must be 50 or less"),
        (SCREENING, "claims", {"kind": "other"}, "body.kind: must be 'screening' or 'conflict'"),
        (SCREENING, "claims", {"stages": "s"}, "body.stages: nothing here takes this; look at how it is spelled"),
    ],
)
def test_what_is_wrong_is_told_in_plain_words(workbench, service, path, body, seen):
    answer = workbench(service).person(role="admin").post(f"/{service.name}/reviews/r/{path}", json=body)

    assert answer.json()["detail"] == seen


@pytest.mark.parametrize(
    ("service", "path", "at"),
    [
        (SEARCH, "records?stat=open", "query.stat"),
        (SEARCH, "records?published_from=0", "query.published_from"),
        (SEARCH, "records?published_from=20200101", "query.published_from"),
        (SEARCH, "records?facet=size", "query.facet.0"),
        (SEARCH, "records?q=a%00b", "query.q"),
        (NOTIFY, "subscriptions?everyone=1", "query.everyone"),
        (NOTIFY, "subscriptions?limit=1.0", "query.limit"),
        (NOTIFY, "subscriptions?limit=1_0", "query.limit"),
        (NOTIFY, "subscriptions?limit=1&limit=2", "query.limit"),
        (TOY, "events?after=9223372036854775808", "query.after"),
        (TOY, "events?after=-1", "query.after"),
        (TOY, "events?correlation=%00", "query.correlation"),
        (TOY, "events?cursor=WyJ4I!l0", "cursor"),
        (SYNTHESIS, "diff?before=0&after=1", "query.before"),
        (SYNTHESIS, "revisions/9223372036854775808", "path.number"),
        (SYNTHESIS, "revisions/one", "path.number"),
        (SCREENING, "records/a%00b", "path.record"),
    ],
)
def test_a_query_or_address_that_says_something_else_is_refused_naming_it(workbench, service, path, at):
    assert at in faults(workbench(service).person(role="admin").get(f"/{service.name}/reviews/r/{path}"))


def test_a_mistyped_parameter_is_told_with_those_there_are(workbench):
    answer = workbench(TOY).person(role="lead").get("/toy/reviews/r/events?limt=5")

    assert answer.json()["detail"] == (
        "query.limt: there is no such parameter here; there are: after, cause, correlation, cursor, event, limit"
    )


def test_the_largest_place_in_a_journal_is_asked_for_and_found_empty(workbench):
    answer = workbench(TOY).person(role="lead").get("/toy/reviews/r/events?after=9223372036854775807")

    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "OPTIONS", "BREW"])
def test_a_method_an_address_has_not_is_answered_with_those_it_has(workbench, method):
    answer = workbench(TOY).person().request(method, "/toy/reviews/r/notes")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_stranger_is_asked_who_they_are_before_anything_they_sent_is_read(workbench):
    stranger = workbench(NOTIFY).anybody()

    assert stranger.get("/notify/reviews/r/subscriptions?no=such").status_code == 401
    assert stranger.post("/notify/reviews/r/subscriptions", json={"no": "such"}).status_code == 401


@pytest.mark.parametrize("body", [b"\x80", b"{", b"", b'{"channel": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_a_clear_problem(workbench, body):
    headers = {"Content-Type": "application/json"}
    answer = workbench(NOTIFY).person().post("/notify/reviews/r/subscriptions", content=body, headers=headers)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ('{"answer": "include", "answer": "exclude"}', "body.answer"),
        ('{"answer": "include", "fields": {"note": "a", "note": "b"}}', "body.note"),
        ('{"answer": "include", "a\\u0000": 1, "a\\u0000": 1}', "body.a\\x00"),
    ],
)
def test_a_body_that_says_one_thing_twice_is_refused_naming_it(workbench, body, at):
    json = {"Content-Type": "application/json"}

    answer = workbench(SCREENING).person().post("/screening/reviews/r/leases/l/vote", content=body, headers=json)

    assert faults(answer) == [at]
