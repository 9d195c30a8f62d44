"""Open copies: each DOI is asked for once and again in time, what is answered is kept, and trouble is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from alembic import command
from sqlalchemy import event, select

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest import store
from services.ingest.jobs import copies, pulling, quotas
from services.ingest.manifest import SERVICE
from services.ingest.models import OpenCopiesRow
from services.ingest.ports.fulltext.unpaywall import Unpaywall
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.port import SourceDrifted
from shared.db import migrate
from shared.events.ingest import SourceParked, SourceResumed
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from shared.paging import PageAsked
from tests.contract.test_sources import Faults, answering, hanging
from tests.unit.services.ingest.conftest import opened
from tests.unit.services.ingest.rig import IngestBench, strategy, version, work

PAPERS = Path(__file__).parents[4] / "reviews" / "ics-leadership" / "papers.yaml"
CONTACT = "team@review.example"
#: An article of an open journal, one of another, and what no file has.
OPEN, CLOSED, UNKNOWN = "10.5334/ijic.3106", "10.1111/1468-0009.12357", "10.5555/nobody-knows"
TITLES = {OPEN: "Trust among partners", CLOSED: "Sharing power", UNKNOWN: "Measuring what is shared"}
PAGE = f"https://doi.org/{OPEN}"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Faults]]:
    app = Faults(replay_app(PapersCorpus.load(PAPERS)))
    with ReplayServer(app) as server:
        yield server.url, app


@pytest.fixture
def faults(served) -> Faults:
    served[1].clear()
    return served[1]


@pytest.fixture
def unpaywall(served) -> Iterator[Callable[..., Unpaywall]]:
    """Makes the real adapter, before the replay of its API."""
    with httpx.Client() as client:

        def make(timeout: float = 60, contact: str = CONTACT) -> Unpaywall:
            limits = Limits(timeout=timeout, tries=2, longest_pause=60)
            access = Access(f"{served[0]}/unpaywall", contact)
            return Unpaywall(access, client, limits=limits, sleep=lambda seconds: None)

        yield make


@pytest.fixture
def contact() -> str:
    return CONTACT


@pytest.fixture
def bench(database_url, tmp_path, unpaywall, faults, contact) -> Iterator[IngestBench]:
    """A review of three records with DOIs that passed a stage, each of another kind."""
    with opened(tmp_path, database_url, full_texts=unpaywall(), contact=contact) as made:
        made.sources["crossref"].put(*(work("crossref", doi, title, doi=doi) for doi, title in TITLES.items()))
        made.adopt(strategy("crossref"))
        made.pull()
        for doi in TITLES:
            advance(made, doi)
        yield made


def record(bench: IngestBench, doi: str) -> str:
    return bench.get("records", doi=doi)["items"][0]["record"]


def advance(bench: IngestBench, doi: str) -> None:
    bench.hears(
        RecordAdvanced(
            review=bench.review, record=record(bench, doi), revision=2, stage="title", next_stage="full-text"
        )
    )


def exclude(bench: IngestBench, doi: str) -> None:
    bench.hears(
        RecordExcluded(
            review=bench.review, record=record(bench, doi), revision=3, stage="full-text", rule=None, reason="no"
        )
    )


def ask(bench: IngestBench) -> None:
    bench.runs(copies.find_open_copies)


def listed(bench: IngestBench) -> dict[str | None, dict[str, Any] | None]:
    return {row["doi"]: row["open_copies"] for row in bench.items("open-copies")}


def found(bench: IngestBench) -> dict[str | None, str | None]:
    return {doi: row and row["found"] for doi, row in listed(bench).items()}


def counts(bench: IngestBench) -> dict[str, Any]:
    return bench.get("status")["open_copies"]


def test_each_record_that_passed_a_stage_is_asked_for_and_where_it_is_open_is_shown(bench, faults):
    ask(bench)

    assert found(bench) == {OPEN: "open", CLOSED: "closed", UNKNOWN: "unknown"}
    (shown,) = bench.get(f"records/{record(bench, OPEN)}")["open_copies"]
    best = {"url": PAGE, "pdf": None, "page": PAGE, "licence": "cc-by", "version": "published", "host": "publisher"}
    assert (shown["doi"], shown["openness"], shown["copies"]) == (OPEN, "gold", [best])
    assert (shown["answered_at"], shown["trouble"]) == ("2020-01-01T00:00:00Z", None)
    assert faults.requests == 3


def test_how_many_are_open_is_told_by_the_status_of_the_review(bench):
    assert counts(bench)["not_asked"] == 3
    ask(bench)

    assert counts(bench) == {
        "open": 1, "closed": 1, "unknown": 1, "not_asked": 0, "without_doi": 0, "troubled": 0, "trouble": None,
        "asks": True,
    }  # fmt: skip


def test_who_passed_no_stage_has_no_doi_or_is_excluded_is_not_asked_for(bench, faults):
    bench.sources["crossref"].put(
        work("crossref", "w4", "A new one", doi="10.5555/new"), work("crossref", "w5", "One without a DOI")
    )
    bench.pull_again()
    (bare,) = [one for one in bench.items("records") if one["identifiers"]["doi"] is None]
    bench.hears(
        RecordAdvanced(review=bench.review, record=bare["record"], revision=2, stage="title", next_stage="full-text")
    )
    exclude(bench, CLOSED)
    ask(bench)

    assert found(bench) == {OPEN: "open", UNKNOWN: "unknown", None: None}
    assert (faults.requests, counts(bench)["without_doi"]) == (2, 1)


def test_a_record_that_is_included_without_a_stage_before_or_reopened_is_asked_for(bench, faults):
    exclude(bench, CLOSED)
    bench.sources["crossref"].put(work("crossref", "w4", "A new one", doi="10.5555/new"))
    bench.pull_again()
    bench.hears(
        RecordIncluded(review=bench.review, record=record(bench, "10.5555/new"), revision=2, title="", judgements=[]),
        RecordReopened(
            review=bench.review, record=record(bench, CLOSED), revision=4, stage="full-text", reason="again"
        ),
    )
    ask(bench)

    assert faults.requests == 4 and found(bench)["10.5555/new"] == "unknown" and found(bench)[CLOSED] == "closed"


def test_it_is_asked_again_after_the_days_that_are_set_and_not_before(bench, faults):
    ask(bench)
    bench.clock.advance(days=89, hours=23)
    ask(bench)
    assert faults.requests == 3

    bench.clock.advance(hours=1)
    ask(bench)
    assert faults.requests == 6
    assert listed(bench)[OPEN]["answered_at"] == "2020-03-31T00:00:00Z"


def test_those_never_asked_for_come_before_those_answered_longest_ago(bench, faults, monkeypatch):
    monkeypatch.setattr(copies, "MOST_A_TURN", 1)
    dois = [CLOSED, OPEN, UNKNOWN]
    for _ in dois:
        ask(bench)
        bench.clock.advance(hours=1)
    assert [listed(bench)[doi]["answered_at"][:13] for doi in dois] == [f"2020-01-01T0{hour}" for hour in range(3)]

    bench.clock.advance(days=90)
    bench.sources["crossref"].put(work("crossref", "w4", "A new one", doi="10.9999/new"))
    bench.pull()
    advance(bench, "10.9999/new")
    for doi in ("10.9999/new", CLOSED, OPEN):
        before = faults.requests
        ask(bench)
        assert listed(bench)[doi]["answered_at"] == bench.clock.now().isoformat().replace("+00:00", "Z")
        assert faults.requests == before + 1


def test_a_doi_in_two_reviews_is_asked_for_once_and_shown_in_both(bench, faults):
    bench.hears(version(1, strategy("crossref"), review="orchard"))
    bench.pull()
    first, bench.review = bench.review, "orchard"
    advance(bench, OPEN)
    ask(bench)

    assert faults.requests == 3
    assert found(bench) == {OPEN: "open"}
    bench.review = first
    assert found(bench)[OPEN] == "open"


def test_a_merger_loses_nothing_of_either_record(bench, faults):
    """The younger of the two records is known by another DOI, and what was told of it is shown with the older."""
    ask(bench)
    lead = {"verdict": "same", "reason": "the same work"}
    twin = work("crossref", "w4", TITLES[OPEN], doi="10.5555/twin", published="2018-03-09")
    bench.sources["crossref"].put(twin)
    bench.pull_again()
    advance(bench, "10.5555/twin")
    ask(bench)
    (pair,) = bench.items("duplicates")
    survivor, absorbed = pair["first"]["record"], pair["second"]["record"]

    bench.post(f"duplicates/{pair['duplicate']}", lead)
    ask(bench)

    shown = bench.get(f"records/{survivor}")["open_copies"]
    assert {row["doi"]: row["found"] for row in shown} == {OPEN: "open", "10.5555/twin": "unknown"}
    assert absorbed not in {row["record"] for row in bench.items("open-copies")}
    assert faults.requests == 4


def test_a_record_whose_doi_becomes_known_later_is_asked_for_then(bench, faults):
    bench.sources["crossref"].put(work("crossref", "w4", "A new one", pmid="77"))
    bench.pull_again()
    (one,) = bench.get("records", pmid="77")["items"]
    bench.hears(
        RecordAdvanced(review=bench.review, record=one["record"], revision=2, stage="title", next_stage="full-text")
    )
    ask(bench)
    bench.sources["crossref"].put(work("crossref", "w4", "A new one", pmid="77", doi="10.5555/new"))
    bench.pull_again()
    ask(bench)

    assert found(bench)["10.5555/new"] == "unknown" and faults.requests == 4


@pytest.mark.parametrize("contact", [""])
def test_nobody_is_asked_while_no_contact_is_set(bench, faults):
    ask(bench)

    assert faults.requests == 0 and counts(bench)["not_asked"] == 3


def test_a_thousand_that_are_due_are_asked_for_in_turns(bench, faults):
    source = bench.sources["crossref"]
    source.per_page = 500
    source.put(*(work("crossref", f"w{n}", f"Work number {n} of many", doi=f"10.5555/{n}") for n in range(997)))
    bench.pull_again()
    waiting = [one["record"] for one in bench.items("records", limit=200) if one["identifiers"]["doi"] not in TITLES]
    bench.hears(
        *(
            RecordAdvanced(review=bench.review, record=each, revision=2, stage="title", next_stage="full-text")
            for each in waiting
        )
    )
    assert len(waiting) == 997

    for turn in range(1, 11):
        ask(bench)
        assert faults.requests == turn * copies.MOST_A_TURN
    ask(bench)

    assert faults.requests == 1_000
    seen = counts(bench)
    assert (seen["open"], seen["closed"], seen["unknown"], seen["not_asked"]) == (1, 1, 998, 0)
    assert [(row["source"], row["requests"]) for row in bench.lead.get("/ingest/quota").json()["items"]] == [
        ("unpaywall", 1_000)
    ]


def test_no_more_is_asked_for_in_a_day_than_its_terms_allow(bench, faults):
    bench.running.resource(Sources).full_texts.most_a_day = 2
    ask(bench)
    ask(bench)
    assert faults.requests == 2

    bench.clock.advance(days=1)
    ask(bench)
    assert faults.requests == 3


def test_a_service_that_asks_to_be_left_alone_is_and_goes_on_by_itself(bench, faults):
    faults.next(answering(429, "text/html", b"<h1>429</h1>", retry_after="7200"))
    ask(bench)
    ask(bench)
    bench.clock.advance(minutes=119)
    ask(bench)
    assert faults.requests == 1
    (parked,) = bench.get("status")["parked"]
    assert (parked["source"], parked["why"]) == ("unpaywall", "unpaywall asks to wait 7200 s (HTTP 429)")
    with bench.work(readonly=True) as at:
        seen = {gauge.name: dict(gauge.values) for gauge in quotas.gauges(at)}
    assert seen["living_source_parked"][("unpaywall",)] == 1
    assert seen["living_source_refusals_today"][("unpaywall",)] == 1

    bench.clock.advance(minutes=1)
    ask(bench)
    assert counts(bench)["not_asked"] == counts(bench)["troubled"] == 0


def test_reviews_are_told_that_it_is_left_alone_and_that_it_answers_again(bench, faults):
    faults.next(answering(429, "text/html", b"<h1>429</h1>", retry_after="7200"))
    ask(bench)
    (parked,) = bench.emitted(SourceParked)
    assert (parked.review, parked.source) == (bench.review, "unpaywall")

    bench.clock.advance(hours=2)
    bench.pull()  # What is left alone no longer is forgotten here, but for what its answer alone shows.
    assert bench.emitted(SourceResumed) == []
    ask(bench)
    ask(bench)

    (resumed,) = bench.emitted(SourceResumed)
    assert (resumed.review, resumed.source) == (bench.review, "unpaywall")


@pytest.mark.parametrize(
    ("status", "media_type", "body", "why"),
    [
        (200, "text/html", b"<html>Down for maintenance</html>", "JSON was expected"),
        (404, "text/html", b"<html>404</html>", "nothing at the address"),
        (500, "text/plain", b"oops", "HTTP 500"),
    ],
    ids=["a page for people", "no such address", "an error"],
)
def test_trouble_is_told_and_stands_in_the_way_of_no_other(bench, faults, status, media_type, body, why):
    faults.next(answering(status, media_type, body), times=1 if status == 404 else 2)
    ask(bench)

    seen = listed(bench)[CLOSED]
    assert why in seen["trouble"] and seen["found"] is None
    assert counts(bench)["troubled"] == 1 and why in counts(bench)["trouble"]
    faults.clear()
    ask(bench)
    assert found(bench) == {CLOSED: None, OPEN: "open", UNKNOWN: "unknown"}

    bench.clock.advance(minutes=1)
    ask(bench)
    assert found(bench)[CLOSED] == "closed" and counts(bench)["troubled"] == 0


def test_a_service_that_refuses_us_is_left_alone_for_an_hour_and_no_doi_is_blamed(bench, faults):
    faults.next(answering(422, "application/json", b'{"message": "Please use your own email address"}'))
    ask(bench)
    ask(bench)

    assert faults.requests == 1
    (parked,) = bench.get("status")["parked"]
    assert "your own email address" in parked["why"]
    assert (counts(bench)["troubled"], counts(bench)["not_asked"]) == (0, 3)
    bench.clock.advance(hours=1)
    ask(bench)
    assert found(bench) == {CLOSED: "closed", OPEN: "open", UNKNOWN: "unknown"}


def test_those_that_fail_for_good_keep_no_other_waiting(bench, monkeypatch):
    monkeypatch.setattr(copies, "MOST_TROUBLES", 2)
    bad = [f"10.5555/bad-{n}" for n in range(20)]
    bench.sources["crossref"].put(*(work("crossref", doi, f"Fails {doi} for good", doi=doi) for doi in bad))
    bench.pull_again()
    for doi in bad:
        advance(bench, doi)
    full_texts = bench.running.resource(Sources).full_texts
    find = full_texts.find

    def failing(doi: str, keep: Any) -> Any:
        if doi in bad:
            raise SourceDrifted("no such answer", source="unpaywall")
        return find(doi, keep)

    monkeypatch.setattr(full_texts, "find", failing)
    for _ in range(len(bad) // 2 + 1):
        ask(bench)
        bench.clock.advance(minutes=1)

    assert {doi: found(bench)[doi] for doi in TITLES} == {CLOSED: "closed", OPEN: "open", UNKNOWN: "unknown"}
    assert counts(bench)["troubled"] == len(bad)


@pytest.mark.waits
def test_a_service_that_hangs_is_trouble_and_no_longer_waited_for_than_is_set(bench, faults, unpaywall):
    bench.running.resource(Sources).full_texts = unpaywall(timeout=0.3)
    faults.next(hanging, times=2)
    ask(bench)

    assert "ReadTimeout" in counts(bench)["trouble"]


def test_what_was_answered_before_stays_while_there_is_trouble_and_pauses_grow(bench, faults):
    ask(bench)
    bench.clock.advance(days=90)
    faults.next(answering(500, "text/plain", b"oops"), times=2)
    ask(bench)
    bench.clock.advance(minutes=1)
    faults.next(answering(500, "text/plain", b"oops"), times=2)
    for doi in (OPEN, UNKNOWN):
        exclude(bench, doi)
    ask(bench)

    row = listed(bench)[CLOSED]
    assert (row["found"], row["answered_at"]) == ("closed", "2020-01-01T00:00:00Z")
    assert row["retry_at"] == (bench.clock.now() + timedelta(minutes=2)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "file:///etc/passwd", "http://xn--/", "https://user:pw@host.example/1",
        "https://host.example:99999999/1", "https://host.example/\x9f1", "https://host.example/\u202egpj.exe",
        "https://host.example/a b", "https://", "https://host.example/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_on_the_web_is_not_shown(bench, faults, url):
    odd = {"url": url, "url_for_pdf": "file:///etc/passwd", "license": None}
    good = {"url": "https://repository.example/1", "version": "acceptedVersion", "host_type": "repository"}
    body = {"doi": CLOSED, "is_oa": True, "oa_status": "green", "best_oa_location": odd, "oa_locations": [odd, good]}
    faults.next(answering(200, "application/json", orjson.dumps(body)))
    ask(bench)

    row = listed(bench)[CLOSED]
    assert [one["url"] for one in row["copies"]] == ["https://repository.example/1"]
    assert row["remarks"] == ["1 of its locations have no address that can be used"]


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("answered", range(3))
def test_a_process_that_is_killed_goes_on_with_the_doi_it_asked_for(bench, faults, monkeypatch, answered):
    keep, left = copies._keep, [answered]

    def dying(*args: Any) -> Any:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return keep(*args)

    with monkeypatch.context() as patched:
        patched.setattr(copies, "_keep", dying)
        with pytest.raises(Killed):
            ask(bench)
    ask(bench)

    assert found(bench) == {OPEN: "open", CLOSED: "closed", UNKNOWN: "unknown"}
    assert faults.requests == 4


def test_a_fault_of_ours_is_written_down_raised_and_in_the_way_of_no_other(bench, monkeypatch):
    keep = copies._keep

    def failing(at: Any, doi: str, answer: Any) -> Any:
        if doi == CLOSED:
            raise ValueError("a mistake")
        return keep(at, doi, answer)

    monkeypatch.setattr(copies, "_keep", failing)
    with pytest.raises(ValueError, match="a mistake"):
        ask(bench)
    ask(bench)

    assert found(bench) == {CLOSED: None, OPEN: "open", UNKNOWN: "unknown"}
    assert counts(bench)["trouble"] == "ValueError: a mistake"


def test_a_database_that_is_away_is_no_trouble_of_a_doi(bench, monkeypatch):
    def away(*args: Any) -> Any:
        raise ConnectionRefusedError("away")

    with monkeypatch.context() as patched:
        patched.setattr(copies, "_keep", away)
        with pytest.raises(ConnectionRefusedError):
            ask(bench)

    with bench.work(readonly=True) as at:
        assert at.session.execute(select(OpenCopiesRow)).all() == []


def test_what_is_known_of_all_is_measured(bench, faults):
    faults.next(answering(500, "text/plain", b"oops"), times=2)
    ask(bench)
    ask(bench)
    with bench.work(readonly=True) as at:
        seen = {gauge.name: dict(gauge.values) for gauge in pulling.gauges(at)}

    assert seen["living_open_copies"] == {("open",): 1, ("closed",): 0, ("unknown",): 1}
    assert seen["living_open_copies_failing"] == {(): 1}


def test_the_listing_is_read_by_pages_and_of_a_review_that_is_there(bench):
    ask(bench)
    first = bench.get("open-copies", limit=2)
    rest = bench.get("open-copies", limit=2, cursor=first["next"])

    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    assert bench.reader.get("/ingest/reviews/nowhere/open-copies").status_code == 404


def test_records_of_a_release_before_are_asked_for_too(bench):
    with bench.running.database.engine.connect() as connection:
        command.stamp(migrate._config(SERVICE, connection), "head")  # A bench's tables are made without migrations.
        command.downgrade(migrate._config(SERVICE, connection), "0009")
        connection.commit()
    migrate.upgrade(bench.running.database, SERVICE)

    ask(bench)

    assert found(bench) == {OPEN: "open", CLOSED: "closed", UNKNOWN: "unknown"}


def test_records_that_passed_are_found_without_looking_at_the_others(bench):
    """Of 100,000 records few have passed, and a page asks for them each time that it is made."""
    said: list[tuple[str, Any]] = []

    def hear(connection: Any, cursor: Any, statement: str, given: Any, *rest: Any) -> None:
        said.append((statement, given))

    with bench.work() as looking:
        engine = looking.session.get_bind()
        event.listen(engine, "before_cursor_execute", hear)
        store.count_copies(looking, "gardens")
        store.trouble_with_copies(looking, "gardens")
        store.page_of_passed(looking, "gardens", PageAsked(100))
        store.passed_unsought(looking, "gardens", "", 100)
        store.wake_retrievals(looking, OPEN)
        store.reviews_of_passed(looking)
        event.remove(engine, "before_cursor_execute", hear)
        connection, plans = looking.session.connection(), []
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, given in said:
            if "merged_into" in statement:
                plans.append(str(connection.exec_driver_sql(f"{explain} {statement}", given).all()))

    assert len(plans) == 6
    assert [plan for plan in plans if "records_passed" not in plan] == []
