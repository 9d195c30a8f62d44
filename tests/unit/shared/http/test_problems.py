"""Every error is one problem document, and no input brings the platform down."""

from __future__ import annotations

import errno

import pytest

from shared.errors import Invalid
from shared.paging import decode_cursor, encode_cursor
from shared.service import every
from shared.storage import unusable
from tests.toy import TOY, overdue


@pytest.fixture
def bench(workbench):
    return workbench(TOY, max_body_bytes=2000)


def test_a_problem_tells_what_where_and_which_request(bench):
    answer = bench.person().get("/toy/reviews/r/nothing", headers={"X-Request-ID": "my-request-1"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "my-request-1"
    assert answer.json()["request_id"] == "my-request-1"
    assert answer.json()["instance"] == "/toy/reviews/r/nothing"


def test_a_request_id_that_could_forge_a_log_line_is_replaced(bench):
    answer = bench.person().get("/healthz", headers={"X-Request-ID": 'x" level="error' * 20})

    assert answer.headers["x-request-id"].startswith("req_")


def test_a_body_over_the_limit_is_refused_whether_it_says_its_size_or_not(bench):
    ana = bench.person()

    assert ana.post("/toy/reviews/r/notes", content=b"x" * 3000).status_code == 413
    assert ana.post("/toy/reviews/r/notes", content=iter([b"x" * 1500, b"x" * 1500])).status_code == 413
    assert ana.get("/toy/reviews/r/notes").json() == []


def test_the_same_thing_twice_is_a_conflict_and_not_an_error_of_ours(bench):
    ana = bench.person()

    assert ana.post("/toy/reviews/r/notes").status_code == 200
    again = ana.post("/toy/reviews/r/notes")
    assert (again.status_code, again.json()["title"]) == (409, "conflict")


def test_a_retried_command_is_answered_and_not_done_again(bench):
    ana = bench.person()
    answers = [ana.post("/toy/reviews/r/notes", headers={"Idempotency-Key": "key-0001"}) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"review": "r"})] * 2


def test_a_disk_that_is_full_is_told_without_its_path(bench, monkeypatch, tmp_path):
    def full(*args: object, **about: object) -> None:
        raise unusable(tmp_path / "blobs", OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(bench.running, "work", full)

    answer = bench.person().get("/toy/reviews/r/notes")

    assert (answer.status_code, answer.json()["title"]) == (503, "disk full")
    assert "is full" in answer.json()["detail"] and str(tmp_path) not in answer.text
    assert "retry-after" not in answer.headers


def test_an_unexpected_error_is_told_without_its_insides(bench, monkeypatch):
    monkeypatch.setattr(bench.running, "work", lambda *args, **about: 1 / 0)

    answer = bench.person().get("/toy/reviews/r/notes")

    assert answer.status_code == 500
    assert "division" not in answer.text


@pytest.mark.parametrize(
    "cursor", ["", "%%%", "bm90IGpzb24", encode_cursor("", [1]), encode_cursor("", [1, 2]), "e30", "W10", "MQ"]
)
def test_a_cursor_of_somewhere_else_is_a_clear_error(bench, cursor):
    answer = bench.person(role="lead").get("/toy/reviews/r/events", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["errors"][0]["at"]) == (422, "cursor")


def test_a_cursor_comes_back_as_it_was():
    assert decode_cursor("runs", encode_cursor("runs", ["2019", 7])) == ("2019", 7)
    with pytest.raises(Invalid):
        decode_cursor("runs", encode_cursor("runs", ["2019"])[:-1])
    with pytest.raises(Invalid, match="belongs to another listing"):
        decode_cursor("records", encode_cursor("runs", ["2019", 7]))


def test_the_journal_is_read_page_by_page_and_by_cause(bench):
    ana = bench.person()
    for number in range(5):
        assert ana.post("/toy/reviews/r/notes".replace("/r/", f"/r{number}/")).status_code == 200
    lead = bench.person(role="lead")
    seen, cursor = [], None
    with bench.work() as work:
        for number in range(5):
            work.emit(overdue(f"page{number}"), because=[f"evt_{number}"])
        for _ in range(3):
            work.emit(overdue("r"))
    while True:
        page = lead.get(
            "/toy/reviews/r/events", params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        ).json()
        seen += [item["seq"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(seen) == 3 == len(set(seen))
    first = lead.get("/toy/reviews/r/events", params={"limit": 1}).json()["next"]
    assert lead.get("/toy/reviews/page3/events", params={"cursor": first}).status_code == 422
    (caused,) = lead.get("/toy/reviews/page3/events", params={"cause": ["evt_3", "evt_9"]}).json()["items"]
    assert caused["because"] == ["evt_3"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/nowhere", 404), ("/toy/reviews/r/notes", 401), ("/openapi.json", 200)],
)
def test_every_answer_has_the_usual_security_headers(bench, path, status):
    answer = bench.anybody().get(path)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers


def test_an_unexpected_error_has_them_too_and_its_request_id(bench, monkeypatch):
    monkeypatch.setattr(bench.running, "work", lambda *args, **about: 1 / 0)

    answer = bench.person().get("/toy/reviews/r/notes")

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_what_was_answered_to_a_token_is_kept_by_no_cache(bench):
    assert bench.person().get("/toy/reviews/r/notes").headers["cache-control"] == "no-store"
    assert "cache-control" not in bench.anybody().get("/healthz").headers


def test_a_platform_behind_https_asks_for_https_only(workbench):
    bench = workbench(TOY, public_url="https://reviews.example.org")

    assert bench.anybody().get("/healthz").headers["strict-transport-security"].startswith("max-age=")


def test_a_callers_request_id_is_told_back_and_is_not_the_flow_it_begins(bench):
    answer = bench.person().post("/toy/reviews/r/notes", headers={"X-Request-ID": "rec_of_somebody_else"})

    assert answer.headers["x-request-id"] == "rec_of_somebody_else"
    (shown,) = bench.journal()
    assert shown.correlationid.startswith("flow_")


def test_invented_methods_do_not_grow_the_metrics(bench):
    bench.platform.event_log.create_topics()
    anybody, before = bench.anybody(), None
    for number in range(200):
        assert anybody.request(f"INVENTED{number}", "/toy/reviews/r/notes").status_code == 405
        if number == 0:
            before = len(bench.platform.metrics.text().splitlines())

    text = bench.platform.metrics.text().decode()
    assert len(text.splitlines()) == before
    assert "INVENTED" not in text and 'method="other"' in text


def test_metrics_count_requests_by_route_and_backlogs_by_service(bench):
    bench.platform.event_log.create_topics()
    bench.person().post("/toy/reviews/r/notes")
    bench.running.log_look.look()

    text = bench.person(role="reader").get("/metrics").text

    assert 'living_http_requests_total{method="POST",route="/toy/reviews/{review}/notes",status="200"} 1.0' in text
    assert 'living_outbox_waiting{service="toy"} 1.0' in text
    assert 'living_log_lag{partition="0",service="toy",topic="synthesis.reviews"} 0.0' in text


def test_metrics_tell_each_part_what_is_held_and_how_long_jobs_take(bench):
    def tidy(running: object) -> None:
        pass

    bench.running.run_job(every(minutes=1, run=tidy))
    text = bench.person(role="reader").get("/metrics").text

    assert 'living_leading{part="jobs",service="toy"} 1.0' in text
    assert 'living_leading{part="relay",service="toy"} 0.0' in text
    assert 'living_held_keys{cause="not_yet",service="toy"} 0.0' in text
    assert 'living_parked_events{service="toy"} 0.0' in text
    assert 'living_job_seconds_count{ended="well",job="tidy",service="toy"} 1.0' in text
