"""Full texts: brought or found, read by whom they are for, taken back, and carried along by mergers and splits."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.ingest.domain.texts import MOST_COPIES, MOST_TRIES
from services.ingest.jobs import copies, pruning, quotas, texts
from services.ingest.models import RecordRow, ReviewRow
from services.ingest.ports.fulltext.port import FullText, Location
from services.ingest.ports.sources.port import SourceUnavailable
from shared.events.base import Event
from shared.events.ingest import TextNotRetrieved, TextRetrieved, TextSought, TextWithdrawn
from shared.events.screening import RecordAdvanced, RecordExcluded, RecordIncluded, RecordReopened
from shared.runtime.blobs import sweep_bucket
from shared.wire.ingest import LARGEST_TEXT
from tests.unit.services.ingest.conftest import opened
from tests.unit.services.ingest.publisher import ARTICLE, LANDING, PDF, Publisher, dripping, page, redirect, refusal
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work
from tests.unit.services.ingest.text_child import CONTACT, local_fetcher

DOI, OTHER = "10.5555/boards", "10.5555/wards"
TITLE, OTHER_TITLE = "How boards decide", "Of wards and other things entirely"


@pytest.fixture
def ready(bench: IngestBench) -> IngestBench:
    """A review of two records, of which none passed a stage."""
    return fill(bench)


def fill(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"), strategy("pubmed"))
    bench.sources["crossref"].put(work("crossref", DOI, TITLE, doi=DOI))
    bench.pull()
    # The later one is the younger record, which a merger absorbs.
    bench.sources["pubmed"].put(work("pubmed", "7", OTHER_TITLE, doi=OTHER, pmid="7", published="2021"))
    bench.pull_again()
    return bench


def record(bench: IngestBench, doi: str = DOI) -> str:
    return bench.get("records", doi=doi)["items"][0]["record"]


def advance(bench: IngestBench, doi: str = DOI, stage: str = "title") -> None:
    bench.hears(
        RecordAdvanced(review=REVIEW, record=record(bench, doi), revision=2, stage=stage, next_stage="full-text")
    )


def upload(bench: IngestBench, content: bytes = PDF, role: str = "reviewer", by: str = "ana") -> str:
    answer = bench.person(by, role).post(f"/ingest/reviews/{REVIEW}/text-files", content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()["sha256"]


def bring(
    bench: IngestBench, content: bytes = PDF, *, of: str | None = None, status: int = 201, role: str = "reviewer",
    by: str = "ana", **about: Any,
) -> Any:  # fmt: skip
    body = {"file": upload(bench, content, by=by), "name": "boards.pdf", **about}
    path = f"/ingest/reviews/{REVIEW}/records/{of or record(bench)}/texts"
    answer = bench.person(by, role).post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def withdraw(bench: IngestBench, text: str, *, by: str = "ana", role: str = "reviewer", status: int = 200) -> Any:
    path = f"/ingest/reviews/{REVIEW}/texts/{text}/withdraw"
    answer = bench.person(by, role).post(path, json={"reason": "the wrong file"})
    assert answer.status_code == status, answer.text
    return answer.json()


def decide(bench: IngestBench, state: str, *, of: str | None = None, status: int = 200) -> Any:
    path = f"records/{of or record(bench)}/retrieval"
    return bench.post(path, {"state": state, "reason": "no library has it"}, role="reviewer", status=status)


def seen(bench: IngestBench, of: str | None = None) -> tuple[str | None, list[str]]:
    """What is so of a record's text, and the copies that stand."""
    found = bench.get(f"records/{of or record(bench)}/texts")
    standing = [each["text"] for each in found["texts"] if each["withdrawn_at"] is None]
    return found["retrieval"] and found["retrieval"]["state"], standing


def said(bench: IngestBench) -> list[tuple[str, str]]:
    """What was told of texts: what, and of which record."""
    of_texts = (TextSought, TextRetrieved, TextNotRetrieved, TextWithdrawn)
    of_them: list[Event] = [event for event in bench.all_emitted() if isinstance(event, of_texts)]
    return [(event.type.rpartition(".")[2], event.key) for event in of_them]


def read(bench: IngestBench, text: str, role: str, by: str = "rea", **key: Any) -> Any:
    return bench.person(by, role, **key).get(f"/ingest/reviews/{REVIEW}/texts/{text}/file")


# Sought


def test_a_text_is_sought_once_its_record_passes_a_stage_and_only_then(ready):
    assert seen(ready) == (None, [])

    advance(ready)
    advance(ready, stage="abstract")
    ready.hears(RecordIncluded(review=REVIEW, record=record(ready), revision=3, title=None, judgements=[]))

    assert seen(ready) == ("sought", [])
    assert said(ready) == [("sought", record(ready))]
    assert ready.get("status")["retrievals"]["sought"] == 1


def test_it_is_told_on_the_flow_of_its_record(ready):
    advance(ready)
    bring(ready)

    flows = {one.correlationid for one in ready.journal() if one.type.startswith("ingest.text.")}
    assert flows == {record(ready)}


def test_what_had_passed_before_an_upgrade_is_sought_by_itself(ready, monkeypatch):
    monkeypatch.setattr(texts, "LOOKED_AT", 1)
    with ready.work("upgrade") as doing:
        doing.session.execute(update(RecordRow).values(stage="title"))
        doing.session.execute(update(ReviewRow).values(seeking=""))

    ready.runs(texts.seek_texts_of_before)
    ready.runs(texts.seek_texts_of_before)

    assert [state for state, _ in map(lambda doi: seen(ready, record(ready, doi)), (DOI, OTHER))] == ["sought"] * 2
    assert len(said(ready)) == 2


NEEDING = {"stages": ["title", "scope", "full-text", "rigour"], "needs": {"full-text": "full_text"}}


def go(bench: IngestBench, stage: str, next_stage: str, doi: str = DOI, revision: int = 2) -> None:
    about = {"review": REVIEW, "record": record(bench, doi), "revision": revision}
    bench.hears(RecordAdvanced(**about, stage=stage, next_stage=next_stage))


def test_where_a_protocol_marks_a_stage_texts_are_sought_of_what_comes_to_it(ready):
    ready.adopt(strategy("crossref"), strategy("pubmed"), number=2, **NEEDING)
    ready.runs(texts.seek_texts_of_before)

    go(ready, "title", "scope")
    ready.runs(texts.seek_texts_of_before)
    assert said(ready) == []

    go(ready, "scope", "full-text", revision=3)
    go(ready, "full-text", "rigour", revision=4)
    assert [what for what, _ in said(ready)] == ["sought"]


def test_what_is_sent_back_to_a_stage_that_needs_it_is_sought(ready):
    ready.adopt(strategy("crossref"), strategy("pubmed"), number=2, **NEEDING)

    ready.hears(RecordReopened(review=REVIEW, record=record(ready), revision=2, stage="full-text", reason="anew"))

    assert [what for what, _ in said(ready)] == ["sought"]


def test_a_later_version_that_marks_a_stage_has_sought_what_is_there_or_beyond(ready):
    ready.adopt(strategy("crossref"), strategy("pubmed"), number=2, **{**NEEDING, "needs": {"rigour": "full_text"}})
    go(ready, "scope", "full-text")
    go(ready, "title", "scope", doi=OTHER)
    assert said(ready) == []

    ready.adopt(strategy("crossref"), strategy("pubmed"), number=3, **NEEDING)
    ready.runs(texts.seek_texts_of_before)

    assert seen(ready) == ("sought", [])
    assert len(said(ready)) == 1


def test_somebody_says_that_it_cannot_be_had_and_asks_for_it_again(ready):
    advance(ready)

    given_up = decide(ready, "not_retrieved")
    decide(ready, "not_retrieved")
    assert (given_up["state"], given_up["by"], given_up["reason"]) == ("not_retrieved", "lea", "no library has it")
    assert given_up["retry_at"] is None
    decide(ready, "sought")

    assert seen(ready) == ("sought", [])
    assert [what for what, _ in said(ready)] == ["sought", "not_retrieved", "sought"]


def test_what_was_never_sought_is_sought_first_where_somebody_says_that_it_cannot_be_had(ready):
    decide(ready, "not_retrieved")

    assert [what for what, _ in said(ready)] == ["sought", "not_retrieved"]


def test_what_has_a_copy_cannot_be_given_up(ready):
    bring(ready)

    refused = decide(ready, "not_retrieved", status=409)

    assert refused["type"].endswith("is_retrieved")
    assert seen(ready)[0] == "retrieved"


def test_each_record_is_listed_with_what_is_so_of_it_and_all_are_counted(ready):
    advance(ready)
    advance(ready, OTHER)
    decide(ready, "not_retrieved", of=record(ready, OTHER))

    assert [one["record"] for one in ready.items("retrievals", state="sought")] == [record(ready)]
    assert {one["state"]: one["title"] for one in ready.items("retrievals", limit=1)} == {
        "sought": TITLE, "not_retrieved": OTHER_TITLE,
    }  # fmt: skip
    counts = ready.get("status")["retrievals"]
    assert (counts["sought"], counts["retrieved"], counts["not_retrieved"]) == (1, 0, 1)
    assert ready.reader.get("/ingest/reviews/nowhere/retrievals").status_code == 404


# Brought


def test_a_copy_that_a_reviewer_brings_is_kept_told_and_given_back(ready):
    advance(ready)

    made = bring(ready, licence="CC BY 4.0", version="accepted", url="https://publisher.example/1")

    assert (made["kind"], made["licence_class"], made["readers"], made["added_by"]) == ("pdf", "open", "members", "ana")
    (copy,) = ready.emitted(TextRetrieved)
    assert (copy.sha256, copy.size, copy.licence, copy.text_version) == (
        made["sha256"],
        len(PDF),
        "CC BY 4.0",
        "accepted",
    )
    assert seen(ready) == ("retrieved", [made["text"]])
    answer = read(ready, made["text"], "reader")
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"] == f'attachment; filename="{made["text"]}.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_event_carries_what_a_file_is_called_or_says(ready):
    bring(ready, name="Okoye-Ada-private.pdf", url="https://publisher.example/secret")

    said_of_it = b"".join(one.to_json() for one in ready.journal() if one.type.startswith("ingest.text."))
    assert b"Okoye" not in said_of_it and b"%PDF" not in said_of_it and b"secret" not in said_of_it


def test_the_same_file_again_is_the_copy_that_is_there(ready):
    first, again = bring(ready), bring(ready)

    assert again["text"] == first["text"]
    assert len(ready.emitted(TextRetrieved)) == 1


@pytest.mark.parametrize(
    ("content", "kind"), [(PDF, "pdf"), (ARTICLE, "jats"), (LANDING, "html"), (b"Boards decide.", "txt")]
)
def test_each_kind_is_taken_as_its_bytes_show_it(ready, content, kind):
    assert bring(ready, content, name="called.docx")["kind"] == kind


@pytest.mark.parametrize(
    ("content", "about", "status", "why"),
    [
        (b"PK\x03\x04" + bytes(50), {}, 422, "ZIP archive"),
        (b" ", {}, 422, "empty"),
        (PDF, {"licence": "cc-by-nc", "licence_class": "open"}, 422, "licence_class"),
        (PDF, {"licence": "all rights reserved", "readers": "members"}, 403, "a lead alone"),
        (PDF, {"name": " "}, 422, "name"),
        (PDF, {"licence": "x" * 301}, 422, "licence"),
        (PDF, {"readers": "everybody"}, 422, "readers"),
        (PDF, {"url": "javascript:alert(1)"}, 422, "url"),
        (PDF, {"file": "0" * 64}, 404, "no file of this hash"),
    ],
)
def test_what_cannot_be_a_copy_is_refused_and_nothing_is_kept(ready, content, about, status, why):
    refused = bring(ready, content, status=status, **about)

    assert why in str(refused)
    assert seen(ready) == (None, []) and said(ready) == []


def test_a_copy_of_what_is_no_record_or_lives_on_in_another_is_refused(ready):
    bring(ready, of="rec_0", status=404)
    one, other = record(ready), record(ready, OTHER)
    ready.post(f"records/{one}/merge", {"other": other, "reason": "one study"})

    assert bring(ready, of=other, status=409)["type"].endswith("record_absorbed")
    ready.post(f"records/{other}/retrieval", {"state": "sought", "reason": "so"}, status=409)


def test_a_record_has_no_more_copies_than_it_may(ready, monkeypatch):
    monkeypatch.setattr("services.ingest.commands.texts.MOST_COPIES", 2)
    bring(ready, PDF), bring(ready, ARTICLE)

    assert bring(ready, b"one more", status=409)["type"].endswith("copies_full")
    assert MOST_COPIES > 2


def test_a_file_that_is_too_large_is_refused_before_it_is_read(ready):
    headers = {"Content-Length": str(LARGEST_TEXT + 1)}
    answer = ready.person("ana", "reviewer").post(f"/ingest/reviews/{REVIEW}/text-files", content=b"x", headers=headers)

    assert answer.status_code == 413


# Read


@pytest.mark.parametrize(
    ("about", "may"),
    [
        ({"licence": "cc-by"}, {"reader": True, "reviewer": True, "lead": True}),
        ({"licence": "cc-by-nc-nd"}, {"reader": True, "reviewer": True, "lead": True}),
        ({}, {"reader": False, "reviewer": True, "lead": True}),
        ({"licence_class": "closed"}, {"reader": False, "reviewer": True, "lead": True}),
        ({"licence": "cc-by", "readers": "leads"}, {"reader": False, "reviewer": False, "lead": True}),
    ],
)
def test_a_copy_is_read_by_whom_it_is_for(ready, about, may):
    text = bring(ready, **about)["text"]

    assert {role: read(ready, text, role).status_code == 200 for role in may} == may
    refused = [read(ready, text, role).json() for role, allowed in may.items() if not allowed]
    assert all(each["status"] == 403 and "for " in each["detail"] for each in refused)


def test_a_lead_alone_lets_more_people_read_than_the_licence_does_and_a_program_never(ready):
    closed = bring(ready, role="lead", by="lea", licence_class="closed", readers="members")
    free = bring(ready, ARTICLE, licence="cc-by")
    program = {"scopes": frozenset({"records"}), "key": "key_1"}

    assert read(ready, closed["text"], "reader").status_code == 200
    assert read(ready, closed["text"], "reader", by="key_1", **program).json()["type"].endswith("copy_closed")
    assert read(ready, free["text"], "reader", by="key_1", **program).status_code == 200
    # A key of a person's own is that person.
    assert read(ready, closed["text"], "reader", by="rea", **program).status_code == 200


@pytest.mark.parametrize("role", ["reader"])
def test_readers_bring_nothing_and_decide_nothing(ready, role):
    body = {"file": upload(ready), "name": "boards.pdf"}

    ready.post(f"records/{record(ready)}/texts", body, role=role, status=403)
    ready.post(f"records/{record(ready)}/retrieval", {"state": "sought", "reason": "so"}, role=role, status=403)
    assert ready.reader.post(f"/ingest/reviews/{REVIEW}/text-files", content=PDF).status_code == 403


def test_what_was_said_of_a_copy_is_corrected_by_saying_it_of_the_same_file(ready):
    first = bring(ready, licence="cc-by")
    assert bring(ready, name="again.pdf") == bring(ready, licence="CC BY 4.0", by="ben") == first

    bring(ready, licence="cc-by-nc", by="ben", status=403)
    second = bring(ready, licence="cc-by-nc")
    third = bring(ready, readers="leads", role="lead", by="lea")

    assert [each["licence_class"] for each in (first, second)] == ["open", "open_noncommercial_or_noderivs"]
    assert seen(ready) == ("retrieved", [third["text"]])
    gone = ready.get(f"texts/{first['text']}")
    assert gone["withdrawn_by"] == "ana" and second["text"] in gone["withdrawn_why"]
    retrieved = [("retrieved", record(ready)), ("withdrawn", record(ready))]
    assert said(ready) == [("sought", record(ready)), retrieved[0], *retrieved, *retrieved]
    assert read(ready, third["text"], "lead").content == PDF
    assert read(ready, third["text"], "reviewer").status_code == 403


@pytest.mark.parametrize("content", [PDF[:-10], b"%PDF-1.7\n" + b"0" * 300_000, ARTICLE[:-20]])
def test_a_file_that_breaks_off_is_no_copy(ready, content):
    refused = bring(ready, content, status=422)

    assert refused["errors"][0]["at"] == "file"
    assert "breaks off" in refused["detail"]
    assert seen(ready) == (None, [])


def test_nobody_names_a_file_that_they_did_not_send_whatever_hash_they_were_shown(ready):
    for_leads = bring(ready, role="lead", by="lea", readers="leads")
    shown = ready.get(f"records/{record(ready)}/texts")["texts"][0]["sha256"]
    body = {"file": shown, "name": "boards.pdf"}

    ready.adopt(strategy("crossref"), review="orchard")
    elsewhere = ready.person("rea", "lead").post("/ingest/reviews/orchard/imports", json=body)
    for path in (f"records/{record(ready)}/texts", f"records/{record(ready, OTHER)}/texts"):
        answer = ready.person("ana", "reviewer").post(f"/ingest/reviews/{REVIEW}/{path}", json=body)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_file")

    assert shown == for_leads["sha256"]
    assert elsewhere.json()["type"].endswith("unknown_file")
    # Whoever has the bytes needs no hash that is shown.
    assert bring(ready, of=record(ready, OTHER))["sha256"] == shown


def test_who_sent_a_file_is_forgotten_long_after(ready):
    body = {"file": upload(ready), "name": "boards.pdf"}
    with ready.work("prune") as at:
        assert pruning.uploads_of_long_ago(at, datetime.now(UTC) - timedelta(minutes=1), 10) == 0
        assert pruning.uploads_of_long_ago(at, datetime.now(UTC) + timedelta(minutes=1), 10) == 1

    answer = ready.person("ana", "reviewer").post(f"/ingest/reviews/{REVIEW}/records/{record(ready)}/texts", json=body)
    assert answer.json()["type"].endswith("unknown_file")


def test_a_copy_that_is_none_and_that_of_another_review_are_not_found(ready):
    text = bring(ready)["text"]
    ready.adopt(strategy("crossref"), review="orchard")

    assert read(ready, "text_0", "lead").status_code == 404
    assert ready.lead.get(f"/ingest/reviews/orchard/texts/{text}/file").status_code == 404
    assert ready.lead.get("/ingest/reviews/orchard/records/rec_0/texts").status_code == 404


# Taken back


def test_a_wrong_file_is_taken_back_its_text_sought_again_and_its_bytes_swept(ready):
    made = bring(ready)

    gone = withdraw(ready, made["text"])
    withdraw(ready, made["text"])

    assert (gone["withdrawn_by"], gone["withdrawn_why"]) == ("ana", "the wrong file")
    assert seen(ready) == ("sought", [])
    assert [what for what, _ in said(ready)] == ["sought", "retrieved", "withdrawn", "sought"]
    assert ready.emitted(TextWithdrawn)[0].left == 0
    assert read(ready, made["text"], "lead").status_code == 404
    assert sweep_bucket(ready.running, made["sha256"][:2], datetime.now(UTC) + timedelta(minutes=1)) == 1


def test_what_another_copy_uses_is_not_swept(ready):
    made = bring(ready)
    other = bring(ready, of=record(ready, OTHER))

    withdraw(ready, made["text"])

    assert sweep_bucket(ready.running, made["sha256"][:2], datetime.now(UTC) + timedelta(minutes=1)) == 0
    assert read(ready, other["text"], "reviewer").content == PDF


def test_with_another_copy_it_stays_retrieved(ready):
    first, second = bring(ready), bring(ready, ARTICLE)

    withdraw(ready, first["text"])

    assert seen(ready) == ("retrieved", [second["text"]])
    assert ready.emitted(TextWithdrawn)[0].left == 1


def test_a_copy_is_taken_back_by_whoever_added_it_or_a_lead(ready):
    made = bring(ready)

    withdraw(ready, made["text"], by="ben", status=403)
    assert withdraw(ready, made["text"], by="lea", role="lead")["withdrawn_by"] == "lea"
    withdraw(ready, "text_0", status=404)


def test_the_same_file_may_be_brought_again_after_it_was_taken_back(ready):
    made = bring(ready)
    withdraw(ready, made["text"])

    again = bring(ready)

    assert again["text"] != made["text"] and seen(ready) == ("retrieved", [again["text"]])


# Carried along


def test_a_copy_lives_on_in_the_survivor_and_comes_back_with_its_record(ready):
    one, other = record(ready), record(ready, OTHER)
    advance(ready)
    made = bring(ready, of=other)

    ruling = ready.post(f"records/{one}/merge", {"other": other, "reason": "one study"})
    assert seen(ready, one) == ("retrieved", [made["text"]])
    ready.post(f"rulings/{ruling['ruling']}/undo", {"reason": "they are two"})

    assert seen(ready, other) == ("retrieved", [made["text"]])
    assert seen(ready, one) == ("sought", [])
    assert said(ready)[-3:] == [("withdrawn", one), ("sought", one), ("retrieved", other)]
    assert ready.get("status")["retrievals"]["sought"] == 1


def test_a_copy_that_was_taken_back_meanwhile_is_missed_by_the_record_that_comes_back(ready):
    one, other = record(ready), record(ready, OTHER)
    made = bring(ready, of=other)
    ruling = ready.post(f"records/{one}/merge", {"other": other, "reason": "one study"})
    withdraw(ready, made["text"])

    ready.post(f"rulings/{ruling['ruling']}/undo", {"reason": "they are two"})

    assert (seen(ready, one)[0], seen(ready, other)) == ("sought", ("sought", []))


# Found


class Telling:
    """Says where texts are open, as it is told to."""

    name = "unpaywall"
    most_a_day = 100_000

    def __init__(self) -> None:
        self.known: dict[str, list[Location]] = {}

    def find(self, doi: str, keep: Any = None) -> FullText | None:
        return FullText(doi=doi, locations=self.known[doi]) if doi in self.known else None


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        yield server


@pytest.fixture
def telling() -> Telling:
    return Telling()


@pytest.fixture
def fetching(database_url, tmp_path, telling, publisher) -> Iterator[IngestBench]:
    """The same review, whose records both passed a stage, and a publisher of their texts."""
    urls = {"europepmc_url": publisher.url("/europepmc"), "pubmed_url": publisher.url("/eutils")}
    with opened(tmp_path, database_url, full_texts=telling, fetcher=local_fetcher(), contact=CONTACT, **urls) as made:
        fill(made)
        advance(made)
        yield made


def look(bench: IngestBench) -> None:
    """Has it be asked where texts are open, and those be fetched."""
    bench.runs(copies.find_open_copies)
    bench.runs(texts.fetch_open_texts)


def open_at(publisher: Publisher, *paths: str, **about: Any) -> list[Location]:
    return [Location(url=publisher.url(path), pdf=publisher.url(path), **about) for path in paths]


def sought(bench: IngestBench, of: str | None = None) -> Any:
    return bench.get(f"records/{of or record(bench)}/texts")["retrieval"]


@pytest.mark.waits
def test_a_copy_is_fetched_from_where_it_is_open_with_its_licence(fetching, telling, publisher):
    publisher.pages["/a.pdf"] = page(PDF)
    telling.known[DOI] = open_at(publisher, "/a.pdf", licence="cc-by", version="accepted")

    look(fetching)
    look(fetching)

    (copy,) = fetching.get(f"records/{record(fetching)}/texts")["texts"]
    assert (copy["source"], copy["licence"], copy["licence_class"], copy["readers"]) == (
        "unpaywall", "cc-by", "open", "members",
    )  # fmt: skip
    assert (copy["url"], copy["version"], copy["added_by"]) == (publisher.url("/a.pdf"), "accepted", "ingest:texts")
    assert read(fetching, copy["text"], "reader").content == PDF
    assert publisher.asked == ["/a.pdf"]
    assert [what for what, _ in said(fetching)] == ["sought", "retrieved"]


@pytest.mark.waits
def test_an_article_of_pubmed_central_is_fetched_as_jats_beside_the_open_copy(fetching, telling, publisher):
    fetching.sources["crossref"].put(work("crossref", DOI, TITLE, doi=DOI, pmcid="PMC77"))
    fetching.pull_again()
    publisher.pages |= {"/europepmc/PMC77/fullTextXML": page(ARTICLE, "text/xml"), "/a.pdf": page(PDF)}
    telling.known[DOI] = open_at(publisher, "/a.pdf")

    look(fetching)

    found = fetching.get(f"records/{record(fetching)}/texts")["texts"]
    assert {(each["source"], each["kind"], each["licence_class"]) for each in found} == {
        ("europepmc", "jats", "open"), ("unpaywall", "pdf", "unknown"),
    }  # fmt: skip


@pytest.mark.waits
def test_what_europe_pmc_does_not_give_pubmed_central_may(fetching, publisher):
    fetching.sources["crossref"].put(work("crossref", DOI, TITLE, doi=DOI, pmcid="PMC77"))
    fetching.pull_again()
    asked = "/eutils/efetch.fcgi?db=pmc&id=77&retmode=xml&tool=living-reviews"
    publisher.pages[asked] = page(b"<pmc-articleset>" + ARTICLE[21:] + b"</pmc-articleset>", "text/xml")

    look(fetching)

    assert [each["source"] for each in fetching.get(f"records/{record(fetching)}/texts")["texts"]] == ["pmc"]
    assert publisher.asked == ["/europepmc/PMC77/fullTextXML", asked]


@pytest.mark.waits
def test_the_next_location_is_tried_where_one_fails(fetching, telling, publisher):
    publisher.pages |= {
        "/paywall": page(LANDING), "/inside": redirect("http://169.254.169.254/"), "/a.pdf": page(PDF),
    }  # fmt: skip
    telling.known[DOI] = open_at(publisher, "/paywall", "/inside", "/gone", "/a.pdf")

    look(fetching)

    assert seen(fetching)[0] == "retrieved"
    assert publisher.asked == ["/paywall", "/inside", "/gone", "/a.pdf"]


@pytest.mark.waits
def test_where_all_fail_it_is_said_why_and_tried_again_some_times_with_growing_pauses(fetching, telling, publisher):
    publisher.pages |= {"/a": refusal(403), "/b": page(LANDING, "text/html")}
    telling.known[DOI] = open_at(publisher, "/a", "/b")

    look(fetching)
    first = sought(fetching)
    look(fetching)
    for _ in range(MOST_TRIES):
        fetching.clock.advance(days=2)
        look(fetching)

    assert (first["state"], first["tries"]) == ("sought", 1)
    assert "HTTP 403" in first["trouble"] and "HTML" in first["trouble"]
    last = sought(fetching)
    assert (last["state"], last["tries"], last["retry_at"]) == ("sought", MOST_TRIES, None)
    assert len(publisher.asked) == 2 * MOST_TRIES
    assert fetching.get("status")["retrievals"]["resting"] == 1
    assert [what for what, _ in said(fetching)] == ["sought"]


@pytest.mark.waits
def test_what_rests_is_looked_for_again_when_more_is_known_or_somebody_asks(fetching, telling, publisher):
    look(fetching)
    assert (sought(fetching)["retry_at"], publisher.asked) == (None, [])
    publisher.pages["/a.pdf"] = page(PDF)
    telling.known[DOI] = open_at(publisher, "/gone")
    fetching.clock.advance(days=91)
    look(fetching)
    assert sought(fetching)["tries"] == 1

    telling.known[DOI] = open_at(publisher, "/a.pdf")
    fetching.clock.advance(days=91)
    look(fetching)

    assert seen(fetching)[0] == "retrieved"


@pytest.mark.waits
def test_what_somebody_asks_for_is_looked_for_at_once_before_it_passes_a_stage(fetching, telling, publisher):
    publisher.pages["/b.pdf"] = page(PDF)
    advance(fetching, OTHER)
    telling.known[OTHER] = open_at(publisher, "/gone")
    look(fetching)
    telling.known[OTHER] = open_at(publisher, "/b.pdf")

    decide(fetching, "sought", of=record(fetching, OTHER))
    look(fetching)

    assert publisher.asked == ["/gone", "/gone"]
    assert sought(fetching, record(fetching, OTHER))["tries"] == 1


@pytest.mark.waits
def test_nothing_is_fetched_of_what_is_excluded_until_it_is_reopened(fetching, telling, publisher):
    publisher.pages["/a.pdf"] = page(PDF)
    telling.known[DOI] = open_at(publisher, "/a.pdf")
    fetching.runs(copies.find_open_copies)
    out = {"review": REVIEW, "record": record(fetching), "revision": 3, "stage": "full-text"}
    fetching.hears(RecordExcluded(**out, rule=None, reason="no"))
    fetching.runs(texts.fetch_open_texts)
    assert publisher.asked == []

    fetching.hears(RecordReopened(**out, reason="so"))
    fetching.runs(texts.fetch_open_texts)

    assert publisher.asked == ["/a.pdf"]


@pytest.mark.waits
def test_a_copy_that_was_taken_back_is_not_fetched_again(fetching, telling, publisher):
    publisher.pages["/a.pdf"] = page(PDF)
    telling.known[DOI] = open_at(publisher, "/a.pdf")
    look(fetching)

    withdraw(fetching, seen(fetching)[1][0], by="lea", role="lead")
    look(fetching)

    assert seen(fetching) == ("sought", [])
    assert "taken back" in sought(fetching)["trouble"]


@pytest.mark.waits
def test_what_was_found_goes_with_the_source_record_that_led_to_it(fetching, telling, publisher):
    one, other = record(fetching), record(fetching, OTHER)
    fetching.post(f"records/{one}/merge", {"other": other, "reason": "one study"})
    survivor = one if fetching.get(f"records/{one}")["merged_into"] is None else other
    publisher.pages["/a.pdf"] = page(PDF)
    doi = fetching.get(f"records/{survivor}")["bibliography"]["identifiers"]["doi"]
    telling.known[doi] = open_at(publisher, "/a.pdf")
    decide(fetching, "sought", of=survivor)
    fetching.hears(RecordAdvanced(review=REVIEW, record=survivor, revision=4, stage="title", next_stage="full-text"))
    look(fetching)
    (copy,) = seen(fetching, survivor)[1]

    source = "crossref:" + DOI if doi == DOI else "pubmed:7"
    fetching.post(f"records/{one}/split", {"source_records": [source], "reason": "another text"})

    holders = {each["record"] for each in fetching.items("records") if source in each["sources"]}
    assert [seen(fetching, holder) for holder in holders] == [("retrieved", [copy])]


@pytest.mark.waits
def test_what_somebody_brings_while_it_is_fetched_stands_and_nothing_is_kept_twice(fetching, telling, publisher):
    def brought_meanwhile(handler: Any) -> None:
        bring(fetching, ARTICLE)
        page(PDF)(handler)

    publisher.pages["/a.pdf"] = brought_meanwhile
    telling.known[DOI] = open_at(publisher, "/a.pdf")

    look(fetching)

    assert [each["source"] for each in fetching.get(f"records/{record(fetching)}/texts")["texts"]] == ["person"]


@pytest.mark.waits
def test_no_transaction_is_open_while_a_publisher_is_waited_for(fetching, telling, publisher):
    def slow(handler: Any) -> None:
        # Whoever asks for a write meanwhile is answered, also where writers go one after another.
        decide(fetching, "sought", of=record(fetching, OTHER))
        page(PDF)(handler)

    publisher.pages["/a.pdf"] = slow
    telling.known[DOI] = open_at(publisher, "/a.pdf")

    look(fetching)

    assert seen(fetching)[0] == "retrieved"


@pytest.mark.waits
@pytest.mark.parametrize("step", ["put", "named", "written", "committed"])
def test_a_process_that_is_killed_at_any_step_leaves_one_copy_or_none(tmp_path, telling, publisher, step):
    publisher.pages["/a.pdf"] = page(PDF)
    telling.known[DOI] = open_at(publisher, "/a.pdf")
    with opened(tmp_path, None, full_texts=telling, fetcher=local_fetcher(), contact=CONTACT) as bench:
        advance(fill(bench))
        bench.runs(copies.find_open_copies)

        child = [sys.executable, "-m", "tests.unit.services.ingest.text_child", step, str(tmp_path)]
        assert subprocess.run(child, timeout=300, check=False).returncode == -signal.SIGKILL
        assert seen(bench)[0] == ("retrieved" if step == "committed" else "sought")
        look(bench)

        assert seen(bench)[0] == "retrieved" and len(bench.emitted(TextRetrieved)) == 1
        assert len(bench.get(f"records/{record(bench)}/texts")["texts"]) == 1


@pytest.mark.waits
def test_two_processes_that_fetch_the_same_keep_it_once(fetching, telling, publisher):
    both = threading.Barrier(2)

    def waits_for_the_other(handler: Any) -> None:
        both.wait()
        page(PDF)(handler)

    publisher.pages["/a.pdf"] = waits_for_the_other
    telling.known[DOI] = open_at(publisher, "/a.pdf")
    fetching.runs(copies.find_open_copies)

    with ThreadPoolExecutor(2) as pool:
        for turn in [pool.submit(fetching.runs, texts.fetch_open_texts) for _ in range(2)]:
            turn.result()

    assert len(publisher.asked) == 2
    assert len(fetching.get(f"records/{record(fetching)}/texts")["texts"]) == 1
    assert len(fetching.emitted(TextRetrieved)) == 1


@pytest.mark.waits
@pytest.mark.parametrize("settings", [{"fetch_texts": False}, {"contact": ""}])
def test_nobody_is_asked_where_it_is_switched_off_or_nobody_could_be_written_to(fetching, publisher, settings):
    fetching.running.settings = fetching.settings.model_copy(update=settings)
    publisher.pages["/a.pdf"] = page(PDF)

    fetching.runs(texts.fetch_open_texts)

    assert publisher.asked == []


@pytest.mark.waits
def test_a_source_that_asks_to_be_left_alone_is(fetching, publisher):
    fetching.sources["crossref"].put(work("crossref", DOI, TITLE, doi=DOI, pmcid="PMC77"))
    fetching.pull_again()
    with fetching.work() as doing:
        for source in ("europepmc", "pubmed"):
            away = SourceUnavailable("the budget is spent", source=source, retry_after=86_400)
            quotas.park(doing, REVIEW, away)

    look(fetching)

    assert publisher.asked == [] and sought(fetching)["tries"] == 0


@pytest.mark.waits
def test_a_stop_ends_the_turn_and_what_was_begun_is_fetched_by_the_next(fetching, telling, publisher):
    def stops(handler: Any) -> None:
        fetching.running.stopping.set()
        dripping(handler)

    publisher.pages["/a.pdf"] = stops
    telling.known[DOI] = open_at(publisher, "/a.pdf")
    look(fetching)
    assert sought(fetching)["tries"] == 0
    fetching.running.stopping.clear()
    publisher.pages["/a.pdf"] = page(PDF)

    look(fetching)

    assert seen(fetching)[0] == "retrieved"


# Of restricted records


ACCOUNT = {
    "kind": "account", "title": "A manager of a new system", "how": "contact", "where": "interview", "why": "boards",
    "consent": "may be quoted without a name; noted by A. Okoye",
}  # fmt: skip


def test_the_copies_of_an_account_are_for_reviewers_and_go_with_its_consent(ready):
    account = ready.post("records", ACCOUNT, status=201)["record"]

    open_one = bring(ready, of=account, licence="CC-BY-4.0", status=422)
    for_all = bring(ready, of=account, readers="members", role="lead", by="lea", status=422)
    kept = bring(ready, of=account)

    assert [at["at"] for at in open_one["errors"]] == ["licence_class"]
    assert [at["at"] for at in for_all["errors"]] == ["readers"]
    assert (kept["licence_class"], kept["readers"]) == ("unknown", "reviewers")
    assert [each.record for each in ready.emitted(TextRetrieved)] == [account]
    ready.post(f"records/{account}/withdraw", {"reason": "they took it back"})
    (gone,) = ready.emitted(TextWithdrawn)
    assert (gone.record, gone.reason) == (account, "they took it back")
    assert ready.get(f"records/{account}/texts")["texts"][0]["withdrawn_why"] == "they took it back"
    assert bring(ready, PDF + b" ", of=account, status=409)["type"].endswith("was_withdrawn")


def test_an_account_is_no_report_that_is_sought(ready):
    account = ready.post("records", ACCOUNT, status=201)["record"]

    ready.hears(
        RecordAdvanced(review=REVIEW, record=account, revision=2, stage="title", next_stage="full-text"),
        RecordIncluded(review=REVIEW, record=account, revision=3, title="A manager", judgements=[]),
    )

    assert ready.emitted(TextSought) == []
    body = {"state": "not_retrieved", "reason": "there is none"}
    refused = ready.post(f"records/{account}/retrieval", body, role="reviewer", status=409)
    assert refused["type"].endswith("restricted")
