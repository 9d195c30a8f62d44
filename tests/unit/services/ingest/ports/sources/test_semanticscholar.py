"""Semantic Scholar: papers with null fields, days that are none, tokens until none comes, and lists of ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from services.ingest.ports.sources.citing import Seed
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import (
    Heard,
    Page,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.semanticscholar import FIELDS, MOST_LISTED, SemanticScholar, read_papers
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

FIRST, SECOND = "a" * 40, "b" * 40
PAPER = {
    "paperId": FIRST,
    "externalIds": {
        "MAG": "2145482038",
        "DOI": "10.1093/MIND/LIX.236.433",
        "PubMed": "38807956",
        "PubMedCentral": "11130558",
        "ArXiv": "2308.07499",
    },
    "title": "Leading &amp; trusting",
    "abstract": "We asked.\nP < 0.05.",
    "venue": "The Philosophy of AI",
    "year": 2018,
    "publicationDate": "2018-10-02",
    "publicationTypes": ["JournalArticle", "Review"],
    "journal": {"name": "Mind", "pages": "433-460", "volume": "LIX"},
    "authors": [{"authorId": "2262347", "name": "A. Turing"}, {"authorId": None, "name": None}, {"name": "B. Crick"}],
}
NULLS = dict.fromkeys(PAPER) | {"paperId": FIRST, "title": "Leading"}


def read(paper: object) -> SourceRecord | Rejection:
    page = read_papers({"total": 1, "token": None, "data": [paper]})
    return (page.records + page.rejections)[0]


def test_a_paper_is_read():
    assert read(PAPER) == SourceRecord(
        source="semanticscholar",
        source_id=FIRST,
        title="Leading & trusting",
        abstract="We asked. P < 0.05.",
        authors=["A. Turing", "B. Crick"],
        venue="Mind",
        other_venues=["The Philosophy of AI"],
        volume="LIX",
        pages="433-460",
        published="2018-10-02",
        kind="review",
        identifiers=Identifiers(doi="10.1093/mind/lix.236.433", pmid="38807956", pmcid="PMC11130558"),
    )


def test_fields_that_are_null_count_as_absent():
    assert read(NULLS) == SourceRecord(source="semanticscholar", source_id=FIRST, title="Leading")


def test_fields_of_another_shape_count_as_absent():
    odd = {name: [["odd"]] for name in PAPER} | {"paperId": FIRST, "title": "Leading"}
    assert read(odd) == SourceRecord(source="semanticscholar", source_id=FIRST, title="Leading")


@pytest.mark.parametrize(
    ("day", "year", "published"),
    [
        ("2018-01-01", 2018, "2018"),
        (None, 2018, "2018"),
        ("2018-10-02", None, "2018-10-02"),
        ("odd", 2018, "2018"),
        (None, 0, None),
        ("9999-12-31", None, None),
        ({}, "2018", "2018"),
    ],
)
def test_the_first_of_january_is_no_day_to_be_believed(day, year, published):
    assert read(PAPER | {"publicationDate": day, "year": year}).published == published


@pytest.mark.parametrize(
    ("venue", "ids", "kind", "doi"),
    [
        ("arXiv.org", {"ArXiv": "2308.07499"}, "preprint", "10.48550/arxiv.2308.07499"),
        ("arXiv.org", {"DOI": "10.48550/arXiv.2308.07499"}, "preprint", "10.48550/arxiv.2308.07499"),
        ("bioRxiv", {"DOI": "10.1101/2022.08.27.505518"}, "preprint", "10.1101/2022.08.27.505518"),
        ("arXiv.org", {"DOI": "10.3389/frobt.2023.1277635"}, "article", "10.3389/frobt.2023.1277635"),
        ("Genome Research", {"DOI": "10.1101/gr.277"}, "article", "10.1101/gr.277"),
        ("Mind", {"ArXiv": 7}, "article", None),
    ],
)
def test_a_paper_is_a_preprint_where_its_server_and_its_doi_say_so(venue, ids, kind, doi):
    paper = PAPER | {"journal": None, "venue": venue, "externalIds": ids, "publicationTypes": ["JournalArticle"]}
    assert (read(paper).kind, read(paper).identifiers.doi) == (kind, doi)


@pytest.mark.parametrize("paper", [{}, [], None, "paper", {"paperId": None, "title": "Leading"}, {"paperId": 7}])
def test_what_nothing_identifies_is_rejected_with_its_beginning(paper):
    rejection = read(paper)
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "it has no paperId, so nothing identifies it"
    assert rejection.excerpt


def source(net: Net, **settings) -> SemanticScholar:
    access = Access("https://api.semanticscholar.org/graph/v1", "team@example.org", SecretStr("secret-s2-key"))
    return SemanticScholar(access, net.client, **net.timing, **settings)


def page_of(*titles: str, token: str | None, total: int = 4):
    papers = [{"paperId": title, "title": title} for title in titles]
    return json_reply({"total": total, "token": token, "data": papers})


def test_a_walk_goes_on_until_no_token_comes():
    net = Net(page_of("a", "b", token="X"), page_of("c", "d", token=None))
    pages = list(source(net, page_size=2).pages(query("lead* | +manage\n -fail")))
    assert [asked.get("token") for asked in net.asked] == [None, "X"]
    assert {(asked["query"], asked["publicationDateOrYear"]) for asked in net.asked} == {
        ("lead* | +manage -fail", "2018-01-01:2018-12-31")
    }
    assert {(asked["sort"], asked["fields"]) for asked in net.asked} == {("paperId", FIELDS)}
    assert [page.found for page in pages] == [2, 2]
    assert [page.cursor is None for page in pages] == [False, True]
    assert {page.reported for page in pages} == {4}


def test_a_walk_goes_on_where_a_page_is_short_or_empty_and_its_token_says_so():
    short, empty, last = page_of("a", token="X"), page_of(token="Y"), page_of("c", "d", token=None)
    net = Net(short, short, short, empty, empty, empty, last)
    pages = list(source(net, page_size=2).pages(query()))
    assert [asked.get("token") for asked in net.asked] == [None] * 3 + ["X"] * 3 + ["Y"] * 3
    assert [page.found for page in pages] == [1, 0, 2]


def test_a_token_that_has_lapsed_begins_the_window_again():
    first = next(source(Net(page_of("a", "b", token="X")), page_size=2).pages(query()))
    lapsed = json_reply({"error": "Invalid or expired token"}, 400)
    net = Net(lapsed, page_of("a", "b", token="Z"), page_of("c", "d", token=None))
    pages = list(source(net, page_size=2).pages(query(), cursor=first.cursor))
    assert [record.source_id for page in pages for record in page.records] == ["a", "b", "c", "d"]


def test_a_window_begins_with_its_year_since_years_alone_count_as_their_first_day():
    net = Net(page_of(token=None, total=0))
    list(source(net).pages(query(since=date(2018, 6, 30), until=date(2020, 6, 30))))
    assert net.asked[0]["publicationDateOrYear"] == "2018-01-01:2020-06-30"


def test_a_result_of_nothing_may_lack_its_list():
    (page,) = source(Net(json_reply({"total": 0, "offset": 0}))).pages(query())
    assert (page.found, page.reported, page.cursor) == (0, 0, None)


def test_the_key_is_in_a_header_and_never_in_the_address():
    net = Net(page_of(token=None, total=0))
    list(source(net).pages(query()))
    assert net.requests[0].headers["x-api-key"] == "secret-s2-key"
    assert "secret" not in str(net.requests[0].url)


def test_two_requests_are_more_than_a_second_apart():
    net = Net(page_of("a", "b", token="X"), page_of("c", "d", token=None))
    list(source(net, page_size=2).pages(query()))
    assert net.slept == [pytest.approx(1.1)]


def test_too_many_requests_are_unavailable_whatever_their_code_looks_like():
    net = Net(json_reply({"message": "Too Many Requests. Please wait", "code": "429"}, 429))
    with pytest.raises(SourceUnavailable, match="HTTP 429"):
        list(source(net).pages(query()))
    assert len(net.requests) == 4


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (json_reply({"error": "Unrecognized or unsupported fields: [x]"}, 400), "unsupported fields"),
        (json_reply({"message": "Forbidden"}, 403), "Forbidden"),
        (json_reply({"error": "Paper with id 0 not found"}, 404), "not found"),
        (text_reply("no", "text/plain", 400), "no"),
    ],
)
def test_a_refusal_is_told_in_its_words(reply, words):
    with pytest.raises(SourceRefused, match=words):
        list(source(Net(reply)).pages(query()))


def test_a_strategy_too_long_for_an_address_is_refused_before_it_is_asked():
    net = Net(page_of(token=None))
    with pytest.raises(SourceRefused, match="the strategy has 60,000 characters"):
        list(source(net).pages(query("x" * 60_000)))
    assert net.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        text_reply("<html>Down</html>", "text/html"),
        text_reply("", "application/json"),
        json_reply([]),
        json_reply({"message": "Internal Server Error"}),
        json_reply({"total": 3}),
        json_reply({"total": "3", "data": []}),
        json_reply({"total": 3, "data": {}}),
        json_reply({"total": 3, "token": "x" * 5000, "data": []}),
        text_reply("[" * 100_000, "application/json"),
    ],
)
def test_what_is_no_answer_of_the_bulk_search_is_drift(reply):
    with pytest.raises(SourceDrifted):
        list(source(Net(reply)).pages(query()))


def test_papers_are_looked_up_by_a_list_of_ids_and_null_is_what_is_no_more():
    net = Net(json_reply([None, PAPER | {"paperId": SECOND}]))
    kept: list[Heard] = []
    (page,) = source(net).look_up([FIRST, SECOND, "no id"], date(2020, 1, 1), kept.append)
    assert orjson.loads(net.requests[0].content) == {"ids": [FIRST, SECOND]}
    assert ([record.source_id for record in page.records], page.missing, page.cursor) == ([SECOND], [], None)
    assert FIRST in kept[0].asked and "fields=" in kept[0].asked


def test_a_list_of_another_length_than_that_of_the_ids_is_drift():
    with pytest.raises(SourceDrifted, match="a list of 2 papers was expected"):
        list(source(Net(json_reply([PAPER]))).look_up([FIRST, SECOND], date(2020, 1, 1)))


def test_a_look_up_of_nothing_asks_nobody():
    net = Net(json_reply([]))
    assert [page.found for page in source(net).look_up(["no id"], date(2020, 1, 1))] == [0]
    assert net.requests == []


#: The answer to a part of the list of what a report cites, by its offset and its limit.
References = Callable[[int, int], httpx.Response]


def own_id(number: int) -> str:
    return f"{number:040x}"


def part(offset: int, papers: range, following: int | None = None) -> httpx.Response:
    body: dict[str, Any] = {"offset": offset, "data": [{"citedPaper": {"paperId": own_id(each)}} for each in papers]}
    return json_reply(body if following is None else body | {"next": following})


def chased(references: References, size: int = 3) -> tuple[list[Page], Net]:
    """A chase of one report that nothing cites; every work that it cites is there."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/references"):
            return references(int(request.url.params["offset"]), int(request.url.params["limit"]))
        if request.url.path.endswith("/citations"):
            return json_reply({"offset": 0, "data": []})
        ids = orjson.loads(request.content)["ids"]
        return json_reply([{"paperId": each, "title": f"Work {each}", "year": 2020} for each in ids])

    net = Net(answer)
    source = SemanticScholar(Access("https://s2.example"), net.client, page_size=size, **net.timing)
    return list(source.chase([Seed(record="rec-a", ids=[FIRST])])), net


def numbers(pages: list[Page]) -> list[int]:
    return sorted(int(record.source_id, 16) for page in pages for record in page.records)


def missing(pages: list[Page]) -> list[str]:
    return [each for page in pages for each in page.missing]


def offsets(net: Net) -> list[int]:
    return [
        int(each["offset"])
        for each, sent in zip(net.asked, net.requests, strict=True)
        if "/references" in sent.url.path
    ]


def test_what_a_list_would_pass_over_is_asked_for():
    pages, net = chased(lambda start, limit: part(start, range(start, min(start + 2, 7)), 500 if start < 6 else None))

    assert numbers(pages) == list(range(7)) and missing(pages) == []
    assert offsets(net) == [0, 2, 4, 6]


def test_what_a_list_passes_over_and_does_not_give_is_missing_and_what_is_behind_it_is_read():
    def references(start: int, limit: int) -> httpx.Response:
        if start < 3:
            return part(start, range(3), 50)
        return part(start, range(start, start), 50) if start < 50 else part(start, range(50, 52))

    pages, net = chased(references)

    assert numbers(pages) == [0, 1, 2, 50, 51]
    assert missing(pages) == [f"references 4 to 50 of {FIRST}"]
    assert offsets(net) == [0, 3, 3, 3, 50]


def test_a_report_that_is_not_there_any_more_amid_its_list_keeps_what_was_read_and_lacks_the_rest():
    gone = json_reply({"error": "Paper not found"}, 404)
    pages, _ = chased(lambda start, limit: part(start, range(start, start + 3), start + 3) if start < 6 else gone)

    assert numbers(pages) == list(range(6))
    assert missing(pages) == [f"references 7 and more of {FIRST}"]
    assert not any("does not know" in remark for page in pages for remark in page.remarks)


def test_a_list_that_repeats_its_first_page_is_given_up_and_the_rest_is_missing():
    pages, net = chased(lambda start, limit: part(start, range(3), start + 3))

    assert numbers(pages) == [0, 1, 2]
    assert missing(pages) == [f"references 4 to 6 of {FIRST}", f"references 7 and more of {FIRST}"]
    assert offsets(net) == [0, 3, 3, 3, 6]


def test_a_page_that_is_repeated_once_is_asked_for_again():
    repeated = iter([True])

    def references(start: int, limit: int) -> httpx.Response:
        papers = range(3) if start and next(repeated, False) else range(start, start + 3)
        return part(start, papers, 3 if not start else None)

    pages, _ = chased(references)

    assert numbers(pages) == list(range(6)) and missing(pages) == []


def test_a_list_moves_on_by_what_was_asked_for_and_ends_where_its_documentation_says():
    def references(start: int, limit: int) -> httpx.Response:
        return json_reply({"offset": start, "data": [{"citedPaper": {"paperId": None}}] * 2_000, "next": start + 1})

    pages, net = chased(references, size=1_000)

    assert offsets(net) == list(range(0, 10_000, 1_000))
    assert [remark.split()[:4] for remark in pages[0].remarks] == [
        ["semanticscholar", "lists", "9,999", "references"], [str(MOST_LISTED), "of", str(MOST_LISTED), "references"]
    ]  # fmt: skip


def test_what_is_missing_of_a_report_of_the_longest_doi_is_told_within_an_ids_bounds():
    doi = "10.1000/" + "x" * 292
    gone = json_reply({"error": "Paper not found"}, 404)

    def answer(request: httpx.Request) -> httpx.Response:
        return gone if int(request.url.params["offset"]) else part(0, range(0, 0), 3)

    net = Net(answer)
    source = SemanticScholar(Access("https://s2.example"), net.client, page_size=3, **net.timing)
    pages = list(source.chase([Seed(record="rec-a", doi=doi)]))

    assert missing(pages) and max(map(len, missing(pages))) <= 300


def two_reports(refusal: httpx.Response) -> list[Page]:
    """A chase of a report that is refused and of one that is not."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "DOI:" in request.url.path:
            return refusal
        if request.method == "POST":
            return json_reply([{"paperId": own_id(0), "title": "Work"}])
        return part(0, range(1)) if request.url.path.endswith("/references") else json_reply({"offset": 0, "data": []})

    net = Net(answer)
    source = SemanticScholar(Access("https://s2.example"), net.client, **net.timing)
    return list(source.chase([Seed(record="rec-a", doi="10.1000/a"), Seed(record="rec-b", ids=[FIRST])]))


@pytest.mark.parametrize("status", [400, 414, 422])
def test_a_report_whose_doi_is_refused_is_named_and_the_others_are_chased(status):
    pages = two_reports(json_reply({"error": "that is no DOI"}, status))

    assert numbers(pages) == [0] and [link.seed for page in pages for link in page.links] == ["rec-b"]
    assert missing(pages) == ["references of DOI:10.1000/a", "citations of DOI:10.1000/a"]
    assert [page.remarks for page in pages] == [["DOI:10.1000/a is refused: that is no DOI"]] * 2


def test_a_key_that_is_refused_is_no_fault_of_a_report():
    with pytest.raises(SourceRefused, match="Forbidden"):
        two_reports(json_reply({"message": "Forbidden"}, 403))


def test_a_list_that_is_refused_amid_it_keeps_what_was_read_and_lacks_the_rest():
    no = json_reply({"error": "offset + limit must be < 6"}, 400)
    pages, _ = chased(lambda start, limit: no if start else part(0, range(3), 3))

    assert numbers(pages) == [0, 1, 2] and missing(pages) == [f"references 4 and more of {FIRST}"]
