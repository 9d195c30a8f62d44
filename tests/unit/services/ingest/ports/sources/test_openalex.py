"""OpenAlex: works of two schemas, cursors, budgets and refusals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date

import pytest
from pydantic import SecretStr

from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.openalex import FIELDS, OpenAlex, abstract_of, read_works
from services.ingest.ports.sources.port import (
    Notice,
    Page,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.reading import Position, walk
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

OF_2026 = {
    "id": "https://openalex.org/W4311043552",
    "doi": "https://doi.org/10.36312/ESAINTIKA.v6i3.897",
    "title": "Leading <i>across</i> systems &amp; places",
    "display_name": "Leading across systems",
    "publication_year": 2022,
    "publication_date": "2022-11-30",
    "ids": {
        "openalex": "https://openalex.org/W4311043552",
        "pmid": "https://pubmed.ncbi.nlm.nih.gov/10706275",
        "pmcid": "https://www.ncbi.nlm.nih.gov/pmc/articles/6741693",
    },
    "language": "en",
    "primary_location": {"source": {"display_name": "Journal of Integrated Care", "type": "journal"}},
    "type": "article",
    "authorships": [
        {"author": {"display_name": "Suzie Sims"}, "raw_author_name": "S. Sims"},
        {"author": {"display_name": None}, "raw_author_name": "Fletcher, S."},
    ],
    "abstract_inverted_index": {"Leaders": [0], "lead": [1, 4], "when": [3]},
    "is_retracted": False,
    "created_date": "2025-10-10T00:00:00",
    "updated_date": "2025-11-06T03:46:38.306776",
}


def read(work: object) -> SourceRecord | Rejection:
    page = read_works({"meta": {"count": 1}, "results": [work]})
    return (page.records + page.rejections)[0]


def test_a_work_of_2026_is_read():
    record = read(OF_2026)
    assert record == SourceRecord(
        source="openalex",
        source_id="W4311043552",
        title="Leading across systems & places",
        abstract="Leaders lead when lead",
        authors=["Suzie Sims", "Fletcher, S."],
        venue="Journal of Integrated Care",
        published="2022-11-30",
        kind="article",
        language="en",
        identifiers=Identifiers(
            doi="10.36312/esaintika.v6i3.897", pmid="10706275", pmcid="PMC6741693", openalex="W4311043552"
        ),
        entered="2025-10-10",
        updated="2025-11-06",
    )


def test_a_work_of_2023_is_read():
    old = OF_2026 | {"primary_location": None, "host_venue": {"display_name": "Critical Care"}}
    old = old | {"type": "journal-article", "created_date": "2016-06-24"}
    del old["language"]
    record = read(old)
    assert (record.venue, record.language, record.kind) == ("Critical Care", None, "article")


def test_a_date_that_openalex_filled_up_is_a_year_again():
    assert read(OF_2026 | {"publication_date": "2020-01-01"}).published == "2020"
    assert read(OF_2026 | {"publication_date": "2020-02-01"}).published == "2020-02-01"
    assert read(OF_2026 | {"publication_date": None}).published == "2022"


def test_an_abstract_is_rebuilt_from_positions_with_gaps():
    assert abstract_of({"b": [7], "a": [0, 9]}) == "a b a"
    assert abstract_of({"<p": [0], "/>": [1]}) is None
    assert abstract_of({}) is None
    assert abstract_of(None) is None
    assert abstract_of({"a": "0"}) is None


def test_a_retracted_work_carries_a_notice():
    assert read(OF_2026 | {"is_retracted": True}).notices == [Notice(kind="retraction")]


def test_a_work_without_a_title_is_a_record_still():
    record = read(OF_2026 | {"title": None, "display_name": None})
    assert isinstance(record, SourceRecord)
    assert record.title is None


@pytest.mark.parametrize("work", [{}, {"id": "https://openalex.org/A1"}, [], None, "work", {"id": 7}])
def test_what_nothing_identifies_is_rejected_with_its_beginning(work):
    rejection = read(work)
    assert isinstance(rejection, Rejection)
    assert "nothing identifies it" in rejection.reason
    assert rejection.excerpt


def test_fields_of_another_shape_count_as_absent():
    odd = {name: ["odd"] for name in OF_2026} | {"id": OF_2026["id"]}
    assert read(odd) == SourceRecord(
        source="openalex", source_id="W4311043552", identifiers=Identifiers(openalex="W4311043552")
    )


def test_a_title_that_is_a_book_is_rejected():
    rejection = read(OF_2026 | {"title": "word " * 2000})
    assert rejection.reason == "its title is longer than 5000 characters, so it is not one"
    assert len(rejection.excerpt) == 500


def test_a_crowd_of_authors_beyond_belief_is_rejected():
    crowd = [{"author": {"display_name": "A"}}] * 20_001
    assert read(OF_2026 | {"authorships": crowd}).reason == "it has more than 20000 authors, which no work has"


def source(net: Net, **settings) -> OpenAlex:
    access = Access("https://api.openalex.org", "team@example.org", SecretStr("secret-openalex-key"))
    return OpenAlex(access, net.client, **net.timing, **settings)


def page_of(*ids: str, cursor: str | None, count: int = 4):
    works = [{"id": f"https://openalex.org/{each}"} for each in ids]
    return json_reply({"meta": {"count": count, "next_cursor": cursor}, "results": works}, x_ratelimit_remaining="9")


def cursors(pages: Iterable[Page]) -> list[str | None]:
    """The source's own cursors in those of the pages."""
    return [page.cursor and Position.model_validate_json(page.cursor).at for page in pages]


def test_a_walk_goes_on_until_the_page_after_the_last():
    net = Net(page_of("W1", "W2", cursor="b"), page_of("W3", "W4", cursor="c"), page_of(cursor=None))
    pages = list(source(net, per_page=2).pages(query()))
    assert [asked["cursor"] for asked in net.asked] == ["*", "b", "c"]
    assert cursors(pages) == ["b", "c", None]
    assert [page.found for page in pages] == [2, 2, 0]
    assert {page.reported for page in pages} == {4}
    assert pages[0].quota["x-ratelimit-remaining"] == "9"


def test_a_walk_ends_where_an_empty_page_still_has_a_cursor():
    net = Net(page_of("W1", cursor="b", count=1), page_of(cursor="c", count=1))
    assert cursors(source(net).pages(query())) == ["b", None]


def test_a_walk_ends_where_the_cursor_stands_still():
    net = Net(page_of("W1", cursor="b", count=2), page_of("W2", cursor="b", count=2))
    assert [page.found for page in source(net, per_page=1).pages(query())] == [1, 1]


def test_a_page_that_is_empty_too_early_is_asked_for_again():
    net = Net(page_of("W1", cursor="b", count=2), page_of(cursor=None, count=2), page_of("W2", cursor=None, count=2))
    assert [page.found for page in source(net, per_page=1).pages(query())] == [1, 1]
    assert [asked["cursor"] for asked in net.asked] == ["*", "b", "b"]


def test_a_walk_that_breaks_off_each_time_ends_with_its_count():
    net = Net(page_of("W1", cursor="b", count=2), page_of(cursor=None, count=2))
    pages = list(source(net, per_page=1).pages(query()))
    assert [(page.found, page.reported) for page in pages] == [(1, 2), (0, 2)]
    assert len(net.requests) == 4


def test_an_empty_page_in_the_middle_of_a_walk_does_not_end_it():
    empty = page_of(cursor="c", count=2)
    net = Net(page_of("W1", cursor="b", count=2), empty, empty, empty, page_of("W2", cursor=None, count=2))
    assert [page.found for page in source(net, per_page=1).pages(query())] == [1, 0, 1]


def test_a_walk_without_an_end_is_noticed():
    numbers = itertools.count()
    net = Net(lambda request: page_of("W1", cursor=str(next(numbers)), count=1))
    with pytest.raises(SourceDrifted, match="no end"):
        list(source(net, per_page=1).pages(query()))


def test_works_are_looked_up_by_their_ids():
    net = Net(page_of("W1", "W3", cursor="b"))
    (page,) = source(net).look_up(["W1", "W2", "W3"], date(2026, 11, 1))
    assert net.asked[0]["filter"] == "ids.openalex:W1|W2|W3"
    assert "cursor" not in net.asked[0] and page.cursor is None
    assert [record.source_id for record in page.records] == ["W1", "W3"]


def test_a_filter_is_sent_as_one_with_the_window_of_publication_dates():
    net = Net(page_of(cursor=None))
    list(source(net, per_page=7).pages(query('title_and_abstract.search:"integrated care",language:en')))
    asked = net.asked[0]
    window = "from_publication_date:2018-01-01,to_publication_date:2018-12-31"
    assert asked["filter"] == f'title_and_abstract.search:"integrated care",language:en,{window}'
    assert asked["per_page"] == "7"
    assert asked["select"] == FIELDS
    assert "search" not in asked


def test_text_without_a_filters_name_is_searched():
    net = Net(page_of(cursor=None))
    list(source(net).pages(query('"integrated care": leadership')))
    assert net.asked[0]["search"] == '"integrated care": leadership'


def test_the_key_is_in_a_header_and_never_in_the_address():
    net = Net(page_of(cursor=None))
    list(source(net).pages(query()))
    assert net.requests[0].headers["authorization"] == "Bearer secret-openalex-key"
    assert "secret" not in str(net.requests[0].url)


def test_a_burst_is_waited_out():
    net = Net(json_reply({"error": "Rate limit"}, 429, x_ratelimit_remaining="5000"), page_of(cursor=None))
    list(source(net).pages(query()))
    assert 1.0 in net.slept


def test_an_empty_budget_stops_the_source_until_the_reset():
    body = {"error": "Rate limit exceeded", "message": "Insufficient budget. Resets at midnight UTC."}
    net = Net(json_reply(body, 429, x_ratelimit_remaining="0", x_ratelimit_reset="53578"))
    with pytest.raises(SourceUnavailable, match="budget is used up") as caught:
        list(source(net).pages(query()))
    assert caught.value.retry_after == 53578
    assert len(net.requests) == 1


def test_an_empty_budget_without_a_reset_waits_for_the_next_day():
    net = Net(text_reply("Insufficient budget", "text/plain", 429))
    with pytest.raises(SourceUnavailable) as caught:
        list(source(net).pages(query()))
    assert caught.value.retry_after == 24 * 3600


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "Invalid query parameters error.", "message": "leadership is not a valid field."}),
        (401, {"error": "Invalid or missing API key", "message": "API key not found"}),
    ],
)
def test_a_refusal_is_told_in_openalexs_words(status, body):
    with pytest.raises(SourceRefused, match=body["message"]):
        list(source(Net(json_reply(body, status))).pages(query("leadership:x")))


def test_a_page_for_people_is_no_empty_result():
    with pytest.raises(SourceDrifted, match="nothing at the address"):
        list(source(Net(text_reply("<html>404</html>", "text/html", 404))).pages(query()))


@pytest.mark.parametrize(
    "body", [{}, [], {"results": []}, {"meta": {"count": 0}}, {"meta": {"count": "3"}, "results": []}]
)
def test_an_answer_without_its_parts_is_drift(body):
    with pytest.raises(SourceDrifted, match=r"no meta\.count"):
        list(source(Net(json_reply(body))).pages(query()))


def test_a_saved_cursor_is_where_a_walk_goes_on():
    net = Net(page_of("W3", cursor="c", count=1), page_of(cursor=None, count=1))
    list(source(net).pages(query(), cursor=Position(at="b").model_dump_json()))
    assert net.asked[0]["cursor"] == "b"


def test_a_lapsed_cursor_starts_the_window_again():
    lapsed = json_reply({"error": "Pagination error.", "message": "Cursor value is invalid"}, 400)
    net = Net(lapsed, page_of("W1", cursor="b", count=1), page_of(cursor=None, count=1))
    saved = Position(at="old", given=7).model_dump_json()
    assert [page.found for page in source(net).pages(query(), cursor=saved)] == [1, 0]
    assert [asked["cursor"] for asked in net.asked] == ["old", "*", "b"]


def test_a_refusal_in_the_middle_of_a_walk_does_not_start_it_again():
    def ask(position: str):
        if position == "b":
            raise SourceRefused("no", source="openalex")
        return read_works({"meta": {"count": 2, "next_cursor": "b"}, "results": [OF_2026]})

    with pytest.raises(SourceRefused):
        list(walk(ask, None, "*", 1))


def test_a_look_up_that_gives_less_than_its_count_names_what_it_may_be():
    (page,) = source(Net(page_of("W1", cursor=None, count=2))).look_up(["W1", "W2"], date(2026, 11, 1))
    assert page.missing == ["W2"]
