"""Europe PMC: results of three origins, cursor marks, and errors inside a 200."""

from __future__ import annotations

from datetime import date

import pytest

from services.ingest.ports.sources.europepmc import EuropePMC, read_results
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import (
    Notice,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.reading import Position
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

RESULT = {
    "id": "40468710",
    "source": "MED",
    "pmid": "40468710",
    "pmcid": "PMC12124214",
    "doi": "10.1016/S0140-6736(24)02716-8",
    "title": "Leading &amp; <i>trusting</i>.",
    "authorString": "Al-Abbadey M, ICS Group.",
    "authorList": {
        "author": [
            {"fullName": "Al-Abbadey M", "firstName": "Miznah", "lastName": "Al-Abbadey", "initials": "M"},
            {"fullName": "Aufegger L", "lastName": "Aufegger", "initials": "L"},
            {"collectiveName": "ICS Group"},
            {"fullName": "Only Full"},
        ]
    },
    "journalInfo": {
        "dateOfPublication": "2025 Dec",
        "monthOfPublication": 12,
        "yearOfPublication": 2025,
        "printPublicationDate": "2025-12-01",
        "journal": {"title": "Lancet (London, England)"},
    },
    "pubYear": "2025",
    "abstractText": "<h4>Background</h4>We asked.<h4>Methods</h4>H<sub>2</sub>O.",
    "language": "eng",
    "pubTypeList": {"pubType": ["research-article", "Journal Article"]},
    "firstIndexDate": "2024-12-22",
    "dateOfRevision": "2024-12-23",
    "firstPublicationDate": "2025-12-01",
}


def read(result: object) -> SourceRecord | Rejection:
    page = read_results({"hitCount": 1, "resultList": {"result": [result]}})
    return (page.records + page.rejections)[0]


def test_a_result_is_read():
    assert read(RESULT) == SourceRecord(
        source="europepmc",
        source_id="MED:40468710",
        title="Leading & trusting",
        abstract="Background: We asked.\nMethods: H2O.",
        authors=["Al-Abbadey, Miznah", "Aufegger, L", "ICS Group", "Only Full"],
        venue="Lancet (London, England)",
        published="2025-12",
        kind="article",
        language="en",
        identifiers=Identifiers(doi="10.1016/s0140-6736(24)02716-8", pmid="40468710", pmcid="PMC12124214"),
        entered="2024-12-22",
        updated="2024-12-23",
    )


def test_a_result_of_pubmed_central_has_its_id_there():
    record = read({"id": "PMC99", "source": "PMC", "title": "Leading"})
    assert (record.source_id, record.identifiers) == ("PMC:PMC99", Identifiers(pmcid="PMC99"))


def test_a_preprint_is_one_by_its_origin_and_is_kept_by_its_server():
    record = read(
        {
            "id": "PPR1",
            "source": "PPR",
            "doi": "10.1101/1",
            "title": "Leading",
            "bookOrReportDetails": {"publisher": "medRxiv", "yearOfPublication": 2020},
            "pubTypeList": {"pubType": ["Preprint"]},
            "firstPublicationDate": "2020-04-05",
        }
    )
    assert (record.kind, record.venue, record.published) == ("preprint", "medRxiv", "2020-04-05")
    assert record.identifiers == Identifiers(doi="10.1101/1")


def test_a_lite_result_is_read_as_far_as_it_goes():
    lite = {
        "id": "1",
        "source": "MED",
        "title": "Leading.",
        "authorString": "Schoenfeld JD, O'Neill AF.",
        "journalTitle": "Lancet",
        "pubType": "published erratum; correction",
        "pubYear": "2025",
    }
    record = read(lite)
    assert (record.authors, record.venue, record.kind, record.published) == (
        ["Schoenfeld JD", "O'Neill AF"],
        "Lancet",
        "notice",
        "2025",
    )


def test_the_day_of_electronic_publication_outranks_the_issue():
    assert read(RESULT | {"electronicPublicationDate": "2025-06-18"}).published == "2025-06-18"


def test_the_first_publication_counts_as_far_as_it_is_known():
    issue = {"dateOfPublication": "2025 Mar", "monthOfPublication": 3, "yearOfPublication": 2025}
    result = RESULT | {"journalInfo": issue}
    assert read(result | {"firstPublicationDate": "2024-12-17"}).published == "2024-12-17"
    assert read(result | {"firstPublicationDate": "2024-12-01"}).published == "2024-12"
    assert read(result | {"firstPublicationDate": "2025-03-01"}).published == "2025-03"
    assert read(result | {"firstPublicationDate": "2025-01-01"}).published == "2025-03"


def test_a_month_that_is_not_known_is_not_invented():
    issue = {"dateOfPublication": "2020", "monthOfPublication": 0, "yearOfPublication": 2020}
    assert read(RESULT | {"journalInfo": issue, "firstPublicationDate": "2020-01-01"}).published == "2020"


def test_a_translated_title_leaves_its_brackets():
    assert read(RESULT | {"title": "[Leading together.]"}).title == "Leading together"
    assert read(RESULT | {"title": "[Leading together]."}).title == "Leading together"


def test_notices_are_read_in_both_directions():
    def corrected(*pairs: tuple[str, str]) -> dict:
        listed = [{"id": pmid, "source": "MED", "type": kind} for pmid, kind in pairs]
        return {"commentCorrectionList": {"commentCorrection": listed}}

    struck = read(RESULT | corrected(("5", "Retraction in"), ("6", "Comment in")))
    assert struck.notices == [Notice(kind="retraction", by="pmid:5")]
    strikes = read(RESULT | corrected(("7", "Erratum for")))
    assert strikes.notices == [Notice(kind="correction", of=Identifiers(pmid="7"), by="pmid:40468710")]
    typed = read(RESULT | {"pubTypeList": {"pubType": ["Retracted Publication", "Journal Article"]}})
    assert typed.notices == [Notice(kind="retraction")]


@pytest.mark.parametrize("result", [{}, {"id": "1"}, {"source": "MED"}, None])
def test_what_nothing_identifies_is_rejected(result):
    assert "nothing identifies it" in read(result).reason


def test_an_empty_shell_is_rejected():
    assert read({"id": "C1", "source": "CTX"}).reason == (
        "it has no title, no abstract and no identifier known elsewhere"
    )


def source(net: Net, **settings) -> EuropePMC:
    return EuropePMC(Access("https://ebi.example.org", "team@example.org"), net.client, **net.timing, **settings)


def page_of(*ids: str, mark: str | None, hits: int = 3):
    results = [{"id": each, "source": "MED", "title": "Leading"} for each in ids]
    body = {"version": "6.9", "hitCount": hits, "resultList": {"result": results}}
    return json_reply(body | ({"nextCursorMark": mark} if mark else {}))


def test_a_walk_ends_without_a_next_mark():
    net = Net(page_of("1", "2", mark="AoE="), page_of("3", mark=None))
    pages = list(source(net, page_size=2).pages(query()))
    assert [asked["cursorMark"] for asked in net.asked] == ["*", "AoE="]
    assert [page.cursor is None for page in pages] == [False, True]
    assert [page.reported for page in pages] == [3, 3]


def test_a_walk_ends_on_the_same_mark():
    net = Net(page_of("1", "2", mark="AoE="), page_of("3", mark="AoE="))
    assert [page.found for page in source(net, page_size=2).pages(query())] == [2, 1]
    assert len(net.requests) == 2


def test_an_empty_page_that_comes_too_early_is_asked_for_again():
    net = Net(page_of("1", "2", mark="AoE="), page_of(mark=None), page_of("3", mark=None))
    assert [page.found for page in source(net, page_size=2).pages(query())] == [2, 1]


def test_a_long_strategy_goes_by_post():
    net = Net(page_of(mark=None, hits=0))
    strategy = " OR ".join(f'TITLE:"system {number}"' for number in range(200))
    list(source(net).pages(query(strategy)))
    assert (net.requests[0].method, net.requests[0].url.path[-11:]) == ("POST", "/searchPOST")
    assert net.asked[0]["query"].startswith(f"({strategy}) AND FIRST_IDATE:[")


@pytest.mark.parametrize(("by", "field"), [("changed", "UPDATE_DATE"), ("published", "FIRST_PDATE")])
def test_a_window_may_be_one_of_other_days(by, field):
    net = Net(page_of(mark=None, hits=0))
    list(source(net).pages(query("TITLE:trust").model_copy(update={"by": by})))
    assert net.asked[0]["query"] == f"(TITLE:trust) AND {field}:[2018-01-01 TO 2018-12-31]"


def test_only_what_was_changed_since_is_looked_up():
    net = Net(page_of("1", mark=None, hits=1))
    (page,) = source(net).look_up(["MED:1", "PPR:PPR2"], date(2026, 11, 1))
    named = '(SRC:MED AND EXT_ID:"1") OR (SRC:PPR AND EXT_ID:"PPR2")'
    assert net.asked[0]["query"] == f"({named}) AND UPDATE_DATE:[2026-11-01 TO 2999-12-31]"
    assert [record.source_id for record in page.records] == ["MED:1"]


def test_nothing_found_is_one_empty_page():
    assert [(page.found, page.cursor) for page in source(Net(page_of(mark=None, hits=0))).pages(query())] == [(0, None)]


def test_the_window_is_one_of_first_indexing_and_abstracts_are_asked_for():
    net = Net(page_of(mark=None))
    list(source(net).pages(query("TITLE:leader* OR TITLE:trust")))
    asked = net.asked[0]
    assert asked["query"] == "(TITLE:leader* OR TITLE:trust) AND FIRST_IDATE:[2018-01-01 TO 2018-12-31]"
    assert (asked["resultType"], asked["format"], asked["pageSize"]) == ("core", "json", "100")


def test_an_error_inside_a_200_is_no_empty_result():
    body = {"errCode": 404, "errMsg": "Invalid page size provided. Valid size is between 1 and 1000"}
    with pytest.raises(SourceRefused, match="Invalid page size"):
        list(source(Net(json_reply(body))).pages(query()))
    with pytest.raises(SourceUnavailable, match="maintenance"):
        list(source(Net(json_reply({"errCode": 503, "errMsg": "maintenance"}))).pages(query()))


def test_maintenance_in_plain_text_is_waited_out():
    closed = text_reply('"This API is temporarily unavailable due to maintenance."', "text/plain", 503)
    net = Net(closed, page_of("1", mark=None))
    assert [page.found for page in source(net).pages(query())] == [1]


@pytest.mark.parametrize("body", [{}, {"hitCount": 3}, {"hitCount": "3", "resultList": {"result": []}}, []])
def test_an_answer_without_its_parts_is_drift(body):
    with pytest.raises(SourceDrifted, match="no hitCount"):
        list(source(Net(json_reply(body))).pages(query()))


def test_another_format_is_drift():
    with pytest.raises(SourceDrifted, match="JSON was expected"):
        list(source(Net(text_reply("<responseWrapper/>", "application/xml"))).pages(query()))


def test_a_lapsed_mark_starts_the_window_again():
    lapsed = json_reply({"errCode": 404, "errMsg": "Invalid cursorMark"})
    net = Net(lapsed, page_of("1", mark=None, hits=1))
    saved = Position(at="old").model_dump_json()
    assert [page.found for page in source(net).pages(query(), cursor=saved)] == [1]
    assert [asked["cursorMark"] for asked in net.asked] == ["old", "*"]


def test_a_look_up_that_gives_less_than_its_count_names_what_it_may_be():
    net = Net(page_of("1", mark=None, hits=2))
    pages = list(source(net).look_up(["MED:1", "MED:2"], date(2026, 11, 1)))
    assert [missing for page in pages for missing in page.missing] == ["MED:2"]
