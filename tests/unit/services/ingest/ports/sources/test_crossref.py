"""Crossref: items as publishers deposit them, offsets that reach only so far, and an end that must be noticed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date

import httpx
import pytest

from services.ingest.ports.sources.crossref import Crossref, read_items
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import (
    Notice,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

ITEM = {
    "DOI": "10.1108/JICA-06-2018-0042",
    "type": "journal-article",
    "title": ["System wide\n     collaboration?"],
    "subtitle": ["Health &amp; social care"],
    "author": [
        {"given": "Jenny", "family": "Shand", "sequence": "first"},
        {"given": "William A.", "family": "Baumgartner", "suffix": "Jr."},
        {"family": "Plato"},
        {"name": "HEC Montréal"},
        {"sequence": "additional", "affiliation": []},
    ],
    "container-title": ["Journal of Integrated Care", "JICA"],
    "abstract": "<jats:title>Purpose</jats:title><jats:p>To ask.</jats:p>",
    "issued": {"date-parts": [[2019, 1]]},
    "language": "en",
    "created": {"date-time": "2018-12-05T08:00:00Z"},
    "indexed": {"date-time": "2024-09-04T22:59:26Z"},
}


def read(item: object) -> SourceRecord | Rejection:
    page = read_items({"message-type": "work-list", "message": {"total-results": 1, "items": [item]}})
    return (page.records + page.rejections)[0]


def test_an_item_is_read():
    assert read(ITEM) == SourceRecord(
        source="crossref",
        source_id="10.1108/jica-06-2018-0042",
        title="System wide collaboration?: Health & social care",
        other_titles=["System wide collaboration?"],
        abstract="Purpose: To ask.",
        authors=["Shand, Jenny", "Baumgartner, William A. Jr.", "Plato", "HEC Montréal"],
        venue="Journal of Integrated Care",
        other_venues=["JICA"],
        published="2019-01",
        kind="article",
        language="en",
        identifiers=Identifiers(doi="10.1108/jica-06-2018-0042"),
        entered="2018-12-05",
        updated="2024-09-04",
    )


def test_further_titles_are_kept_beside_the_first():
    record = read(ITEM | {"title": ["Lari Marathon", "Lari Maraton"], "original-title": ["Lari"], "subtitle": []})
    assert (record.title, record.other_titles) == ("Lari Marathon", ["Lari Maraton", "Lari"])


@pytest.mark.parametrize(
    ("title", "subtitle", "read_as"),
    [
        ("Leading care", ["A realist review"], "Leading care: A realist review"),
        ("Leading care:", ["A realist review"], "Leading care: A realist review"),
        ("Leading care.", ["A realist review"], "Leading care: A realist review"),
        ("Leading care", ["A realist review", "", "Of ten years"], "Leading care: A realist review: Of ten years"),
        ("Leading care: a realist review", ["A realist review"], "Leading care: a realist review"),
        ("Leading care", ["LEADING CARE"], "Leading care"),
        ("Leading care", ["Okoye, Leading care"], "Leading care"),
        ("Leading care", [""], "Leading care"),
        ("Leading care", None, "Leading care"),
    ],
)
def test_a_subtitle_is_part_of_the_title_unless_it_repeats_it(title, subtitle, read_as):
    assert read(ITEM | {"title": [title], "subtitle": subtitle}).title == read_as


def test_a_short_title_is_another_title():
    record = read(ITEM | {"title": ["Leading integrated care"], "subtitle": [], "short-title": ["Leading ICS"]})
    assert (record.title, record.other_titles) == ("Leading integrated care", ["Leading ICS"])


def test_a_subtitle_without_a_title_is_no_title():
    assert read(ITEM | {"title": []}).title is None


def test_a_referees_report_is_rejected_with_what_it_reviews():
    related = {"is-review-of": [{"id-type": "doi", "id": "10.1000/REVIEWED", "asserted-by": "subject"}]}
    rejection = read(ITEM | {"type": "peer-review", "relation": related})
    assert isinstance(rejection, Rejection)
    assert "a referee's report on 10.1000/reviewed" in rejection.reason
    assert "a referee's report on another work" in read(ITEM | {"type": "peer-review"}).reason


def test_a_book_without_authors_is_its_editors():
    edited = ITEM | {"type": "edited-book", "author": [], "editor": [{"family": "Okoye", "given": "Ada"}]}
    assert read(edited).authors == ["Okoye, Ada"]
    assert read(edited | {"author": [{"family": "Lind"}]}).authors == ["Lind"]
    assert read(edited | {"type": "book-chapter"}).authors == []


def test_empty_title_arrays_leave_no_title():
    record = read(ITEM | {"title": [], "subtitle": []})
    assert (record.title, record.other_titles) == (None, [])


@pytest.mark.parametrize(
    ("dates", "read_as"),
    [
        ({"issued": {"date-parts": [[None]]}}, None),
        ({"issued": {"date-parts": [[2020]]}}, "2020"),
        ({"issued": {"date-parts": [[2020, 5, 26]]}}, "2020-05-26"),
        ({"issued": {"date-parts": [[None]]}, "published-print": {"date-parts": [[2018, 3]]}}, "2018-03"),
        ({"issued": {"date-parts": []}, "posted": {"date-parts": [[2021, 2, 3]]}}, "2021-02-03"),
        ({"issued": None}, None),
        ({"published-online": {"date-parts": [[2018, 12, 5]]}}, "2018-12-05"),
        ({"published-online": {"date-parts": [[2019, 1, 30]]}}, "2019-01-30"),
        ({"published-online": {"date-parts": [[2019, 7]]}}, "2019-01"),
        (
            {"issued": {"date-parts": [[2003]]}, "published-online": {"date-parts": [[2012, 3, 1]]}},
            "2003",
        ),
        ({"issued": {"date-parts": [[None]]}, "approved": {"date-parts": [[2025, 4]]}}, "2025-04"),
        ({"issued": {"date-parts": [[1992]]}, "approved": {"date-parts": [[2008, 2, 6]]}}, "1992"),
        ({"issued": None, "created": {"date-parts": [[2007, 9, 8]]}}, "2007"),
        ({"issued": {"date-parts": [[9999]]}}, None),
        ({"issued": {"date-parts": [[1000000, 1]]}}, None),
        ({"issued": {"date-parts": [[1000]]}}, None),
        ({"issued": {"date-parts": [[2020, 1, 1609459200000]]}}, "2020-01"),
    ],
)
def test_a_date_is_as_precise_as_it_was_deposited(dates, read_as):
    assert read(ITEM | dates).published == read_as


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("component", "part of a work"), ("journal-issue", "an issue of a journal"), ("journal", "a journal, not a work")],
)
def test_what_is_no_work_is_rejected_in_words_a_methodologist_accepts(kind, reason):
    rejection = read(ITEM | {"type": kind})
    assert isinstance(rejection, Rejection)
    assert reason in rejection.reason
    assert rejection.source_id == "10.1108/jica-06-2018-0042"


@pytest.mark.parametrize("item", [{}, {"DOI": "not a doi"}, {"DOI": None, "title": ["Leading"]}, 3])
def test_an_item_without_a_doi_is_rejected(item):
    assert "no well-formed DOI" in read(item).reason


def test_an_item_with_a_doi_alone_is_a_record():
    assert isinstance(read({"DOI": "10.1000/a"}), SourceRecord)


def test_a_preprint_is_kept_by_its_server():
    record = read({"DOI": "10.1101/1", "type": "posted-content", "institution": [{"name": "bioRxiv"}]})
    assert (record.kind, record.venue) == ("preprint", "bioRxiv")


def test_a_retraction_notice_strikes_another_work():
    updated = {"date-parts": [[2021, 4, 1]]}
    record = read(ITEM | {"update-to": [{"DOI": "10.1000/OLD", "type": "retraction", "updated": updated}]})
    assert record.kind == "notice"
    assert record.notices == [
        Notice(
            kind="retraction",
            of=Identifiers(doi="10.1000/old"),
            by="doi:10.1108/jica-06-2018-0042",
            published="2021-04-01",
        )
    ]


def test_a_work_that_was_struck_says_so():
    record = read(ITEM | {"updated-by": [{"DOI": "10.1000/N", "type": "expression_of_concern"}]})
    assert record.notices == [Notice(kind="expression_of_concern", by="doi:10.1000/n")]
    assert record.kind == "article"


def test_a_new_version_strikes_nothing():
    record = read(ITEM | {"update-to": [{"DOI": "10.1000/v1", "type": "new_version"}]})
    assert (record.notices, record.kind) == ([], "article")


def test_a_work_that_was_changed_in_place_is_no_notice_of_itself():
    record = read(ITEM | {"update-to": [{"DOI": "10.1108/JICA-06-2018-0042", "type": "correction"}]})
    assert (record.kind, record.notices) == ("article", [Notice(kind="correction")])
    record = read(ITEM | {"update-to": [{"DOI": "10.1108/JICA-06-2018-0042", "type": "new_version"}]})
    assert (record.kind, record.notices) == ("article", [])


def test_an_update_by_what_has_no_doi_is_told_all_the_same():
    record = read(ITEM | {"updated-by": [{"DOI": "unavailable", "type": "retraction"}, {"type": "withdrawal"}]})
    assert record.notices == [Notice(kind="retraction"), Notice(kind="withdrawal")]
    (notice,) = read(ITEM | {"update-to": [{"DOI": "see vol. 3", "type": "retraction"}]}).notices
    assert notice.text == "see vol. 3"


def test_a_type_of_update_that_nobody_knows_is_remarked():
    item = ITEM | {"update-to": [{"DOI": "10.1000/old", "type": "polish"}]}
    page = read_items({"message-type": "work-list", "message": {"total-results": 1, "items": [item]}})
    assert page.records[0].notices == []
    assert page.remarks == ["10.1108/jica-06-2018-0042: 'polish' is no kind of update we can use"]


def relation(name: str, asserted_by: str = "subject", other: str = "10.1000/OTHER", id_type: str = "doi") -> dict:
    return {"relation": {name: [{"id-type": id_type, "id": other, "asserted-by": asserted_by}]}}


@pytest.mark.parametrize(
    ("said", "kind", "of", "by"),
    [
        (relation("is-retraction-of"), "retraction", "10.1000/other", "doi:10.1108/jica-06-2018-0042"),
        (relation("is-correction-of"), "correction", "10.1000/other", "doi:10.1108/jica-06-2018-0042"),
        (relation("has-correction"), "correction", None, "doi:10.1000/other"),
        (relation("correction", "object"), "correction", None, "doi:10.1000/other"),
        (relation("retraction", "subject"), "retraction", "10.1000/other", "doi:10.1108/jica-06-2018-0042"),
        (relation("is-replaced-by"), "replacement", None, "doi:10.1000/other"),
        (relation("replaces"), "replacement", "10.1000/other", "doi:10.1108/jica-06-2018-0042"),
        (relation("has-retraction", other="77", id_type="pmid"), "retraction", None, "pmid:77"),
    ],
)
def test_a_relation_to_a_notice_is_read(said, kind, of, by):
    record = read(ITEM | said)
    assert record.notices == [Notice(kind=kind, of=Identifiers(doi=of) if of else None, by=by)]
    assert record.kind == ("notice" if of else "article")


@pytest.mark.parametrize("name", ["is-version-of", "has-review", "is-preprint-of", "has-preprint", "is-comment-on"])
def test_a_relation_of_another_sort_says_nothing(name):
    assert read(ITEM | relation(name)).notices == []


@pytest.mark.parametrize("broken", [relation("is-retraction-of", other="?"), {"relation": {"correction": 3}}])
def test_a_relation_to_nothing_is_none(broken):
    assert read(ITEM | broken).notices == []


def test_a_preprint_that_a_later_version_replaces_is_not_struck():
    assert read(ITEM | {"type": "posted-content"} | relation("is-replaced-by")).notices == []


def test_what_update_and_relation_both_say_is_said_once():
    record = read(
        ITEM | {"updated-by": [{"DOI": "10.1000/n", "type": "correction"}]} | relation("correction", "object")
    )
    assert record.notices == [Notice(kind="correction", by="doi:10.1000/n")]


def test_a_notice_by_its_title_alone_names_its_work():
    record = read(ITEM | {"title": ["Erratum to: How leadership works"], "subtitle": [], "abstract": None})
    assert record.kind == "notice"
    (notice,) = record.notices
    assert (notice.kind, notice.text, notice.of) == ("correction", "How leadership works", None)


def source(net: Net, rows: int = 2, **settings: int) -> Crossref:
    access = Access("https://api.crossref.org", "team@example.org")
    return Crossref(access, net.client, rows=rows, **settings, **net.timing)


def page_of(*dois: str, cursor: str | None = None, total: int = 4, **headers: str):
    message = {"total-results": total, "items": [{"DOI": f"10.1000/{doi}"} for doi in dois]}
    if cursor:
        message["next-cursor"] = cursor
    return json_reply({"status": "ok", "message-type": "work-list", "message": message}, **headers)


def test_a_walk_goes_by_offsets_in_the_order_of_registration():
    net = Net(page_of("1", "2"), page_of("3", "4"))
    pages = list(source(net).pages(query()))
    assert [(asked["offset"], asked["sort"], asked["order"]) for asked in net.asked] == [
        ("0", "created", "asc"), ("2", "created", "asc")
    ]  # fmt: skip
    assert [page.found for page in pages] == [2, 2]
    assert [page.cursor is None for page in pages] == [False, True]


def test_a_page_that_lacks_what_the_count_lets_expect_is_asked_for_again():
    net = Net(page_of("1", "2"), page_of("3"), page_of("3", "4"))
    assert [page.found for page in source(net).pages(query())] == [2, 2]


def test_a_page_that_stays_short_costs_no_later_page():
    net = Net(page_of("1"), page_of("1"), page_of("1"), page_of("2", "3"), page_of("4"))
    pages = list(source(net).pages(query()))
    assert [asked["offset"] for asked in net.asked] == ["0", "0", "0", "1", "3"]
    assert [page.found for page in pages] == [1, 2, 1]


def test_a_page_that_stays_empty_ends_the_walk_and_the_count_tells():
    net = Net(page_of("1", "2"), page_of())
    pages = list(source(net).pages(query()))
    assert [(page.found, page.reported, page.cursor is None) for page in pages] == [(2, 4, False), (0, 4, True)]


def test_a_saved_cursor_goes_on_at_its_offset():
    net = Net(page_of("1", "2"), page_of("3", "4"))
    first = next(source(net).pages(query()))
    assert [page.found for page in source(net).pages(query(), cursor=first.cursor)] == [2]
    assert net.asked[-1]["offset"] == "2"


def test_a_page_that_got_lost_is_asked_for_again():
    net = Net(page_of("1", "2"), httpx.ReadTimeout("slow"), page_of("3", "4"))
    assert [page.found for page in source(net).pages(query())] == [2, 2]


def days_of(asked: dict[str, str]) -> tuple[date, date]:
    filters = dict(part.split(":") for part in asked["filter"].split(","))
    first, last = filters.get("from-created-date", "1000-01-01"), filters.get("until-created-date", "3000-01-01")
    return date.fromisoformat(first), date.fromisoformat(last)


def registry(days: dict[str, date]) -> Net:
    """Works by the day on which they were registered; a cursor is the offset that it stands at."""

    def answer(request):
        asked = net.asked[-1]
        first, last = days_of(asked)
        found = sorted((day, doi) for doi, day in days.items() if first <= day <= last)
        start = int(asked.get("offset") or asked["cursor"].strip("*") or 0)
        page = found[start : start + int(asked["rows"])]
        following = str(start + len(page)) if "cursor" in asked else None
        return page_of(*(doi for _, doi in page), cursor=following, total=len(found))

    net = Net(answer)
    return net


def test_a_window_with_too_many_works_is_cut_by_the_days_of_registration():
    days = {f"{month}-{day}": date(2018, month, day) for month in range(1, 13) for day in (1, 15, 20)}
    pages = list(source(registry(days), ceiling=5).pages(query()))
    found = [record.source_id.removeprefix("10.1000/") for page in pages for record in page.records]
    assert sorted(found) == sorted(days)
    assert {page.reported for page in pages} == {36}
    assert [page.cursor for page in pages if page.cursor is None] == [pages[-1].cursor]


def test_a_day_with_too_many_works_is_scrolled():
    days = {str(number): date(2018, 3, 4) for number in range(9)} | {"a": date(2018, 3, 3), "b": date(2018, 3, 5)}
    pages = list(source(registry(days), ceiling=5).pages(query()))
    found = [record.source_id.removeprefix("10.1000/") for page in pages for record in page.records]
    assert sorted(found) == sorted(days)
    assert [page.cursor for page in pages if page.cursor is None] == [pages[-1].cursor]


def test_a_scroll_that_broke_off_begins_its_day_again_and_no_other():
    days = {str(number): date(2018, 3, 4) for number in range(9)} | {"a": date(2018, 3, 3), "b": date(2018, 3, 5)}
    walked = list(source(registry(days), ceiling=5).pages(query()))
    for stop in range(1, len(walked)):
        rest = source(registry(days), ceiling=5).pages(query(), cursor=walked[stop - 1].cursor)
        given = {each.source_id for page in [*walked[:stop], *rest] for each in page.records}
        assert len(given) == len(days)


def crowded(scrolled: Callable[[int], httpx.Response]) -> Net:
    """Nine works of one day; `scrolled` answers the requests of a scroll by their number."""
    numbers = itertools.count()

    def answer(request):
        asked = net.asked[-1]
        first, last = days_of(asked)
        if "cursor" in asked:
            return scrolled(next(numbers))
        return page_of("1", "2", total=9) if first <= date(2018, 3, 4) <= last else page_of(total=0)

    net = Net(answer)
    return net


def test_a_scroll_that_got_lost_is_not_asked_for_again_since_the_cursor_has_moved():
    def scrolled(number: int) -> httpx.Response:
        if number:
            raise httpx.ReadTimeout("slow")
        return page_of("1", "2", cursor="c", total=9)

    net = crowded(scrolled)
    with pytest.raises(SourceUnavailable, match="ReadTimeout"):
        list(source(net, ceiling=5).pages(query()))
    assert [asked["cursor"] for asked in net.asked if "cursor" in asked] == ["*", "c"]


def test_a_walk_without_an_end_is_noticed():
    net = crowded(lambda number: page_of("1", "2", cursor="c", total=9))
    with pytest.raises(SourceDrifted, match="no end"):
        list(source(net, ceiling=5).pages(query()))


def test_an_expired_cursor_makes_the_source_unavailable_for_no_time():
    fault = {"type": "cursor-invalid", "value": "x", "message": "Cursor specified but it is invalid"}
    body = {"status": "failed", "message-type": "resource-failure", "message": [fault]}
    net = Net(page_of("1", "2"), json_reply(body, 404))
    pages = source(net).pages(query())
    next(pages)
    with pytest.raises(SourceUnavailable, match="walked anew") as caught:
        next(pages)
    assert caught.value.retry_after == 0


def test_dois_are_looked_up_together_and_one_with_a_comma_by_itself():
    single = json_reply({"message-type": "work", "message": {"DOI": "10.1000/c,d"}})
    net = Net(page_of("a", total=1), single, text_reply("Resource not found.", "text/plain", 404))
    pages = list(source(net).look_up(["10.1000/a", "10.1000/c,d", "10.1000/b", "10.1000/e,f"], date(2026, 11, 1)))
    assert net.asked[0]["filter"] == "doi:10.1000/a,doi:10.1000/b,from-index-date:2026-11-01"
    assert [record.source_id for page in pages for record in page.records] == ["10.1000/a", "10.1000/c,d"]
    assert str(net.requests[1].url).endswith("/works/10.1000%2Fc%2Cd")
    assert [page.cursor for page in pages] == [None] * 3


def test_the_window_is_one_of_index_dates_beside_the_strategys_own_filter():
    net = Net(page_of(total=0))
    list(source(net).pages(query("query.bibliographic=integrated care&filter=type:journal-article")))
    asked = net.asked[0]
    assert asked["query.bibliographic"] == "integrated care"
    assert asked["filter"] == "type:journal-article,from-index-date:2018-01-01,until-index-date:2018-12-31"
    assert asked["rows"] == "2"


def test_plain_text_is_a_bibliographic_query():
    net = Net(page_of(total=0))
    list(source(net).pages(query("integrated care leadership")))
    assert net.asked[0]["query.bibliographic"] == "integrated care leadership"


@pytest.mark.parametrize("name", ["cursor", "rows", "sample", "mailto", "sort"])
def test_a_strategy_cannot_change_how_the_walk_is_done(name):
    with pytest.raises(SourceRefused, match=f"parameter '{name}'"):
        list(source(Net(page_of(total=0))).pages(query(f"query=a&{name}=1")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("query.bibliographic=R&D in integrated care", "%26"),
        ("query=a&b", "%26"),
        ("query.author=Okoye&query.author=Lind", "given twice"),
    ],
)
def test_a_strategy_that_would_be_cut_short_is_refused(text, why):
    with pytest.raises(SourceRefused, match=why):
        list(source(Net(page_of(total=0))).pages(query(text)))


@pytest.mark.parametrize("text", ["R&D in integrated care", "query.bibliographic=R%26D in integrated care"])
def test_an_ampersand_of_the_words_is_asked_for(text):
    net = Net(page_of(total=0))
    list(source(net).pages(query(text)))
    assert net.asked[0]["query.bibliographic"] == "R&D in integrated care"


def test_whom_to_write_to_is_in_a_header_and_not_in_the_address():
    net = Net(page_of(total=0))
    list(source(net).pages(query()))
    assert "mailto:team@example.org" in net.requests[0].headers["user-agent"]
    assert "example.org" not in str(net.requests[0].url)


def test_the_pace_follows_what_the_answers_allow():
    paced = {"x_rate_limit_limit": "10", "x_rate_limit_interval": "1s", "x_api_pool": "polite"}
    net = Net(page_of("1", "2", total=5, **paced), page_of("3", "4", total=5, **paced), page_of("5", total=5, **paced))
    pages = list(source(net).pages(query()))
    assert net.slept == pytest.approx([1.0, 0.1])
    assert pages[0].quota["x-api-pool"] == "polite"


def test_a_validation_failure_is_told_in_crossrefs_words():
    fault = {"type": "filter-not-available", "value": "x", "message": "there is no such filter"}
    body = {"status": "failed", "message-type": "validation-failure", "message": [fault]}
    with pytest.raises(SourceRefused, match="no such filter"):
        list(source(Net(json_reply(body, 400))).pages(query()))


@pytest.mark.parametrize("media_type", ["text/plain", "application/json;charset=utf-8"])
def test_resource_not_found_is_drift_whatever_it_is_labelled(media_type):
    with pytest.raises(SourceDrifted, match="Resource not found"):
        list(source(Net(text_reply("Resource not found.", media_type, 404))).pages(query()))


def test_a_page_for_people_under_rate_limiting_is_waited_out():
    net = Net(text_reply("<html><h1>429 Too Many Requests</h1></html>", "text/html", 429), page_of("1", total=1))
    assert [page.found for page in source(net).pages(query())] == [1]


@pytest.mark.parametrize(
    "body", [{}, {"message-type": "work", "message": {"DOI": "10.1/a"}}, {"message": {"items": []}}]
)
def test_an_answer_that_is_no_work_list_is_drift(body):
    with pytest.raises(SourceDrifted, match="not a work-list"):
        list(source(Net(json_reply(body))).pages(query()))


def test_a_look_up_that_gives_less_than_its_count_names_what_it_may_be():
    net = Net(page_of("a", total=2))
    (page,) = source(net).look_up(["10.1000/a", "10.1000/b"], date(2026, 11, 1))
    assert (page.missing, len(net.requests)) == (["10.1000/b"], 3)
