"""Notices: retractions and the like are told once for each source, and can be taken back."""

from __future__ import annotations

import pytest
from sqlmodel import select

from services.ingest.models import NoticeRow
from services.ingest.ports.sources.port import Notice, SourceRecord
from shared.events.ingest import RecordDiscovered, RecordNoticed
from shared.events.values import Identifiers
from tests.unit.services.ingest.rig import IngestBench, retracted, strategy, work

CROSSREF = work("crossref", "10.1000/a", doi="10.1000/a")
OPENALEX = work("openalex", "W1", doi="10.1000/a", openalex="W1")
PUBMED = work("pubmed", "7", doi="10.1000/a", pmid="7")

#: Crossref's record of a notice; it strikes the work that it names.
STRIKING = work(
    "crossref", "10.1000/notice", "Retraction: How leadership works in integrated care systems", doi="10.1000/notice",
    kind="notice", notices=[Notice(kind="retraction", of=Identifiers(doi="10.1000/a"), by="doi:10.1000/notice")],
)  # fmt: skip


@pytest.fixture
def bench(bench: IngestBench) -> IngestBench:
    bench.adopt(strategy("crossref"), strategy("openalex"), strategy("pubmed"))
    return bench


def pull(bench: IngestBench, *records: SourceRecord) -> None:
    for record in records:
        bench.sources[record.source].put(record)
    bench.pull_again()


def seen(bench: IngestBench) -> list[tuple[str, str]]:
    return [(event.kind, event.source) for event in bench.emitted(RecordNoticed)]


def the_record(bench: IngestBench) -> str:
    (found,) = bench.items("records", doi="10.1000/a")
    return found["record"]


def test_a_retraction_is_told_once_however_often_it_is_pulled(bench):
    pull(bench, OPENALEX)
    assert seen(bench) == []

    pull(bench, retracted(OPENALEX))
    pull(bench)
    pull(bench, retracted(OPENALEX).model_copy(update={"abstract": "Changed."}))

    (event,) = bench.emitted(RecordNoticed)
    assert (event.record, event.kind, event.source) == (the_record(bench), "retraction", "openalex")
    assert event.reason == "openalex tells of its retraction"
    assert event.drill is False


def test_a_work_that_arrives_retracted_is_told_after_its_discovery(bench):
    pull(bench, retracted(OPENALEX, by="doi:10.1000/n", published="2019-05"))

    kinds = [type(event) for event in bench.all_emitted()]
    assert kinds.index(RecordDiscovered) < kinds.index(RecordNoticed)
    assert bench.emitted(RecordNoticed)[0].reason == "openalex tells of its retraction, by doi:10.1000/n, on 2019-05"


def test_each_source_that_tells_of_it_is_told(bench):
    pull(bench, retracted(OPENALEX), retracted(PUBMED))

    assert sorted(seen(bench)) == [("retraction", "openalex"), ("retraction", "pubmed")]


def test_a_notices_own_record_strikes_the_work_it_names(bench):
    pull(bench, CROSSREF)
    pull(bench, STRIKING)

    (event,) = bench.emitted(RecordNoticed)
    assert (event.record, event.source) == (the_record(bench), "crossref")


def test_a_notice_that_comes_before_its_work_waits_for_it(bench):
    pull(bench, STRIKING)
    assert seen(bench) == []

    pull(bench, CROSSREF)
    pull(bench)

    assert [event.record for event in bench.emitted(RecordNoticed)] == [the_record(bench)]


def test_a_notice_waits_until_its_work_is_known_by_that_identifier(bench):
    pull(bench, STRIKING, work("pubmed", "7", pmid="7"))
    assert seen(bench) == []

    pull(bench, PUBMED)

    assert seen(bench) == [("retraction", "crossref")]


def test_a_flag_that_its_source_takes_back_is_a_reinstatement(bench):
    pull(bench, retracted(OPENALEX))
    pull(bench, OPENALEX)
    pull(bench)

    assert seen(bench) == [("retraction", "openalex"), ("reinstatement", "openalex")]

    pull(bench, retracted(OPENALEX))
    assert seen(bench)[2:] == [("retraction", "openalex")]


def test_a_flag_taken_back_by_one_source_stands_while_another_upholds_it(bench):
    pull(bench, retracted(OPENALEX), retracted(PUBMED))
    pull(bench, OPENALEX)
    assert len(seen(bench)) == 2

    pull(bench, PUBMED)
    assert seen(bench)[2:] == [("reinstatement", "pubmed")]


def test_a_correction_that_is_no_longer_listed_reinstates_nothing(bench):
    pull(bench, retracted(OPENALEX, kind="correction"))
    pull(bench, OPENALEX)

    assert seen(bench) == [("correction", "openalex")]


def test_notices_follow_their_record_into_a_merger(bench):
    older = work("crossref", "10.1000/a", doi="10.1000/a", venue="BMJ")
    pull(bench, older)
    pull(bench, retracted(work("pubmed", "7", pmid="7", venue="Lancet")))
    pull(bench, work("openalex", "W1", doi="10.1000/a", pmid="7", openalex="W1", venue=None))

    first, second = bench.emitted(RecordNoticed)
    assert first.notice == second.notice
    assert first.record != second.record == the_record(bench)
    (shown,) = bench.get(f"records/{the_record(bench)}")["notices"]
    assert (shown["kind"], shown["source"], shown["stands"]) == ("retraction", "pubmed", True)


def give(bench: IngestBench, kind: str, status: int = 201, role: str = "lead", **fields) -> dict:
    body = {"kind": kind, "reason": "the yearly exercise", "drill": True, **fields}
    return bench.post(f"records/{the_record(bench)}/notices", body, status=status, role=role)


def test_a_drill_is_told_as_one_and_undone_by_a_reinstatement(bench):
    pull(bench, CROSSREF)

    given = give(bench, "retraction")
    give(bench, "reinstatement")

    first, second = bench.emitted(RecordNoticed)
    assert (first.notice, first.drill, first.reason) == (given["notice"], True, "the yearly exercise")
    assert (second.kind, second.drill) == ("reinstatement", True)
    assert bench.journal()[-1].actor == "lea"
    assert bench.journal()[-1].correlationid == the_record(bench)
    shown = bench.get(f"records/{the_record(bench)}")["notices"]
    assert [(one["kind"], one["stands"]) for one in shown] == [("retraction", False), ("reinstatement", False)]


def test_a_drill_and_the_real_thing_do_not_undo_each_other(bench):
    pull(bench, retracted(OPENALEX))
    give(bench, "reinstatement", status=409)
    give(bench, "retraction")
    give(bench, "reinstatement", drill=False, reason="the retraction was withdrawn")

    assert seen(bench) == [("retraction", "openalex"), ("retraction", "person"), ("reinstatement", "person")]
    give(bench, "reinstatement")
    give(bench, "reinstatement", status=409)


def test_what_a_person_reinstated_the_source_does_not_reinstate_again(bench):
    pull(bench, retracted(OPENALEX))
    give(bench, "reinstatement", drill=False)

    pull(bench, OPENALEX)

    assert seen(bench) == [("retraction", "openalex"), ("reinstatement", "person")]


def test_only_a_lead_gives_a_notice_of_a_known_kind_on_a_live_record(bench):
    pull(bench, CROSSREF)
    give(bench, "retraction", role="adjudicator", status=403)
    give(bench, "scandal", status=422)
    give(bench, "retraction", status=422, reason="\0")
    give(bench, "retraction", status=422, colour="red")
    bench.post("records/rec_x/notices", {"kind": "retraction", "reason": "x"}, status=404)
    assert seen(bench) == []


def test_an_absorbed_record_takes_no_notice_but_names_its_survivor(bench):
    pull(bench, work("crossref", "10.1000/a", doi="10.1000/a", venue="BMJ"))
    pull(bench, work("pubmed", "7", pmid="7", venue="Lancet"))
    first, second = (record["record"] for record in bench.items("records"))
    pull(bench, work("openalex", "W1", doi="10.1000/a", pmid="7", venue=None))

    answer = bench.post(f"records/{second}/notices", {"kind": "retraction", "reason": "x"}, status=409)

    assert first in answer["detail"]


def test_a_retried_command_gives_its_notice_once(bench):
    pull(bench, CROSSREF)
    path, body = f"records/{the_record(bench)}/notices", {"kind": "correction", "reason": "a table"}

    first = bench.post(path, body, status=201, **{"Idempotency-Key": "notice-once"})
    again = bench.post(path, body, status=201, **{"Idempotency-Key": "notice-once"})

    assert first == again
    assert len(seen(bench)) == 1


@pytest.mark.parametrize(
    "known", [{"pmid": "555"}, {"doi": "10.5555/struck"}, {"pmid": "555", "doi": "10.5555/struck"}]
)
def test_a_notice_that_names_a_work_twice_strikes_whoever_knows_one_of_the_names(bench, known):
    struck = work("pubmed", "555", **known)
    notice = work("pubmed", "777", "Retraction: how leadership works in a few systems", kind="notice", pmid="777")
    striking = retracted(notice, of=Identifiers(pmid="555", doi="10.5555/struck"))

    pull(bench, striking)
    pull(bench, struck)
    assert seen(bench) == [("retraction", "pubmed")]

    pull(bench, striking.model_copy(update={"notices": []}))
    assert seen(bench) == [("retraction", "pubmed"), ("reinstatement", "pubmed")]


TITLE = "How leadership works in integrated care systems of the rural north"
BY_TITLE = work(
    "crossref", "10.1000/n", f"Retraction: {TITLE}", kind="notice", doi="10.1000/n",
    notices=[Notice(kind="retraction", text=TITLE, by="doi:10.1000/n", said="its title")],
)  # fmt: skip


def waiting(bench: IngestBench) -> list[str | None]:
    with bench.work() as work:
        return [row.waits_for for row in work.session.exec(select(NoticeRow)) if row.record is None and row.stands]


def test_a_notice_by_its_title_strikes_the_one_work_of_that_title(bench):
    pull(bench, work("pubmed", "7", TITLE, pmid="7"))
    pull(bench, BY_TITLE)

    (event,) = bench.emitted(RecordNoticed)
    (struck,) = bench.items("records", pmid="7")
    assert event.record == struck["record"]
    assert event.reason == (f"crossref tells of its retraction (its title), naming it as {TITLE!r}, by doi:10.1000/n")


def test_a_notice_by_its_title_waits_for_its_work(bench):
    pull(bench, BY_TITLE)
    assert seen(bench) == []

    pull(bench, work("pubmed", "7", TITLE, pmid="7"))

    assert seen(bench) == [("retraction", "crossref")]


def test_a_title_of_two_works_strikes_neither(bench):
    pull(bench, work("pubmed", "7", TITLE, pmid="7", venue="BMJ"), work("pubmed", "8", TITLE, pmid="8", venue="Lancet"))
    pull(bench, BY_TITLE)

    assert len(bench.items("records")) == 3
    assert seen(bench) == []
    assert len(waiting(bench)) == 1


def test_a_notice_that_names_its_work_by_a_reference_alone_stays_open_and_says_which(bench):
    notice = work("pubmed", "9", "Retraction", pmid="9", kind="notice")
    pull(bench, PUBMED, retracted(notice, text="J Test. 2015;12(4):55", by="pmid:9"))

    assert seen(bench) == []
    assert waiting(bench) == ["text:J Test. 2015;12(4):55"]
    (carrier,) = bench.items("records", pmid="9")
    shown = bench.get(f"records/{carrier['record']}")
    assert [(one["record"], one["stands"]) for one in shown["strikes"]] == [(None, True)]
    assert "naming it as 'J Test. 2015;12(4):55'" in shown["strikes"][0]["reason"]
    assert shown["notices"] == []

    pull(bench, notice)
    assert seen(bench) == []


def test_notices_are_shown_in_the_order_in_which_they_were_told(bench):
    """One that waited for its work is older than what was told of that work meanwhile."""
    known = work("pubmed", "7", pmid="7")
    pull(bench, STRIKING)
    pull(bench, retracted(known, kind="correction"))
    pull(bench, retracted(PUBMED, kind="correction"))

    assert seen(bench) == [("correction", "pubmed"), ("retraction", "crossref")]
    shown = bench.get(f"records/{the_record(bench)}")["notices"]
    assert [one["kind"] for one in shown] == ["correction", "retraction"]
    assert shown[0]["notice"] > shown[1]["notice"]
