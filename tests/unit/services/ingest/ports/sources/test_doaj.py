"""DOAJ: articles as their publishers wrote them, numbered pages, and strategies that it would misread."""

from __future__ import annotations

from datetime import date
from urllib.parse import unquote

import pytest

from services.ingest.ports.sources.doaj import DOAJ, misread, read_articles
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import (
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

ARTICLE = {
    "id": "0000196fbeb147e29d612e9e8629692b",
    "created_date": "2020-06-30T17:32:48Z",
    "last_updated": "2022-12-22T01:47:46Z",
    "bibjson": {
        "title": "Leading &amp; <i>trusting</i>",
        "abstract": "<h4>Background</h4>We asked &lt; 5.",
        "year": "2020",
        "month": "June",
        "author": [{"name": "Ana Falcão", "orcid_id": "x"}, {"name": ""}, {}, {"name": "ICS Group"}],
        "identifier": [
            {"id": "2183-8135", "type": "pissn"},
            {"id": "no doi", "type": "DOI"},
            {"id": "https://doi.org/10.29315/GM.v7i2.328", "type": "DOI"},
        ],
        "journal": {"title": "Gazeta Médica", "language": ["PT"], "issns": ["2183-8135"]},
    },
}


def read(article: object) -> SourceRecord | Rejection:
    page = read_articles({"total": 1, "results": [article]})
    return (page.records + page.rejections)[0]


def changed(**fields: object) -> dict[str, object]:
    return ARTICLE | {"bibjson": {**ARTICLE["bibjson"], **fields}}


def test_an_article_is_read():
    assert read(ARTICLE) == SourceRecord(
        source="doaj",
        source_id="0000196fbeb147e29d612e9e8629692b",
        title="Leading & trusting",
        abstract="Background: We asked < 5.",
        authors=["Ana Falcão", "ICS Group"],
        venue="Gazeta Médica",
        issns=["2183-8135"],
        published="2020-06",
        kind="article",
        language="pt",
        identifiers=Identifiers(doi="10.29315/gm.v7i2.328"),
        entered="2020-06-30",
        updated="2022-12-22",
    )


def test_a_language_is_told_only_where_the_journal_has_one():
    journal = {"title": "Gazeta Médica", "language": ["EN", "PT"]}
    assert read(changed(journal=journal)).language is None


@pytest.mark.parametrize(
    ("month", "published"), [("6", "2020-06"), ("06", "2020-06"), ("0", "2020"), (None, "2020"), ("Lente", "2020")]
)
def test_a_month_is_a_number_or_a_name_or_is_left_out(month, published):
    assert read(changed(month=month)).published == published


@pytest.mark.parametrize("article", [{}, [], None, "article", {"id": 7}, {"id": " ", "bibjson": {"title": "Leading"}}])
def test_what_nothing_identifies_is_rejected_with_its_beginning(article):
    rejection = read(article)
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "it has no id, so nothing identifies it"
    assert rejection.excerpt


def test_fields_of_another_shape_count_as_absent():
    odd = changed(**{name: {"odd": ["odd"]} for name in ARTICLE["bibjson"]})
    assert read(odd).reason == "it has no title, no abstract and no identifier known elsewhere"
    assert read(odd | {"bibjson": "odd"}).source_id == ARTICLE["id"]


def source(net: Net, **settings) -> DOAJ:
    return DOAJ(Access("https://doaj.org/api/v4", "team@example.org"), net.client, **net.timing, **settings)


def page_of(*numbers: int, total: int, size: int = 2, **more: object):
    results = [{"id": f"{number:032x}", "bibjson": {"title": f"Leading {number}"}} for number in numbers]
    return json_reply({"total": total, "page": 1, "pageSize": size, "results": results} | more)


def asked_of(net: Net) -> list[str]:
    return [unquote(request.url.raw_path.decode().partition("?")[0].rpartition("/")[2]) for request in net.requests]


@pytest.mark.parametrize(
    ("by", "text", "sort"),
    [
        ("came", "(title:leadership) AND created_date:[2018-01-01 TO 2018-12-31]", "created_date:asc"),
        ("changed", "(title:leadership) AND last_updated:[2018-01-01 TO 2018-12-31]", "last_updated:asc"),
        ("published", "(title:leadership) AND bibjson.year:[2018 TO 2018]", "created_date:asc"),
    ],
)
def test_a_window_comes_behind_the_strategy_in_the_path(by, text, sort):
    net = Net(page_of(total=0, size=100))
    list(source(net).pages(query("title:leadership").model_copy(update={"by": by})))
    assert asked_of(net) == [text]
    assert net.asked == [{"page": "1", "pageSize": "100", "sort": sort}]


def test_pages_are_numbered_until_the_total_is_reached():
    net = Net(page_of(1, 2, total=3), page_of(3, total=3))
    pages = list(source(net, page_size=2).pages(query()))
    assert [asked["page"] for asked in net.asked] == ["1", "2"]
    assert [page.found for page in pages] == [2, 1]
    assert [page.reported for page in pages] == [3, 3]
    assert [page.cursor is None for page in pages] == [False, True]


def test_an_empty_page_in_the_middle_is_asked_for_again_and_ends_nothing():
    net = Net(page_of(1, 2, total=5), *[page_of(total=5)] * 3, page_of(5, total=5))
    pages = list(source(net, page_size=2).pages(query()))
    assert [asked["page"] for asked in net.asked] == ["1", "2", "2", "2", "3"]
    assert [page.found for page in pages] == [2, 0, 1]


def test_a_window_of_years_with_too_many_is_cut_by_the_days_on_which_records_came():
    net = Net(page_of(1, 2, total=5), page_of(1, 2, total=2), page_of(3, 4, total=3), page_of(5, total=3))
    pages = list(source(net, page_size=2, ceiling=4).pages(query("a").model_copy(update={"by": "published"})))
    assert [record.source_id[-1] for page in pages for record in page.records] == ["1", "2", "3", "4", "5"]
    years = "(a) AND bibjson.year:[2018 TO 2018]"
    assert asked_of(net)[:2] == [years, f"{years} AND created_date:[1990-01-01 TO 2045-07-01]"]


def test_pages_of_another_size_than_was_asked_for_are_drift():
    with pytest.raises(SourceDrifted, match="pages of 100 records were asked for, and come with 50"):
        list(source(Net(page_of(1, total=1, size=50))).pages(query()))


def test_two_requests_are_half_a_second_apart():
    net = Net(page_of(1, 2, total=3), page_of(3, total=3))
    list(source(net, page_size=2).pages(query()))
    assert net.slept == [0.5]


@pytest.mark.parametrize(
    "text",
    [
        "leadership",
        'title:"integrated care" AND abstract:(lead OR manage)',
        'title:a OR title:b AND bibjson.journal.title:"x: y: z"',
        'title:"care: a review" AND abstract:b',
        r"title:a abstract\:b",
        "created_date:[2018-01-01T00:00:00Z TO 2019-01-01T00:00:00Z]",
        "title:a AND\nabstract:b",
    ],
)
def test_a_strategy_that_doaj_reads_as_it_is_meant_is_asked(text):
    net = Net(page_of(total=0, size=100))
    assert [page.found for page in source(net).pages(query(text))] == [0]


@pytest.mark.parametrize("text", ["title:a abstract:b", "title:a NOT (abstract:b)", 'title:"a" -abstract:b', "a:b:c"])
def test_a_strategy_whose_fields_doaj_would_take_for_words_is_refused_before_it_is_asked(text):
    net = Net(page_of(total=0, size=100))
    with pytest.raises(SourceRefused, match=r"neither AND nor OR before the field (abstract|b)$"):
        list(source(net).pages(query(text)))
    assert net.requests == []


def test_a_long_strategy_is_judged_in_no_time():
    assert misread("(a_" * 20_000 + ":" + "a" * 100_000 + ":b") is None


def test_a_refusal_is_told_in_its_words():
    net = Net(json_reply({"status": "bad_request", "error": "Query contains disallowed Lucene features"}, 400))
    with pytest.raises(SourceRefused, match="disallowed Lucene features"):
        list(source(net).pages(query("lead*")))


@pytest.mark.parametrize(
    "reply",
    [
        text_reply("<html>Down</html>", "text/html"),
        text_reply("", "application/json"),
        json_reply([]),
        json_reply({"total": "3", "pageSize": 100, "results": []}),
        json_reply({"total": 3, "pageSize": 100, "results": {}}),
        json_reply({"total": -1, "pageSize": 100, "results": []}),
        text_reply("[" * 100_000, "application/json"),
    ],
)
def test_what_is_no_search_answer_is_drift(reply):
    with pytest.raises(SourceDrifted):
        list(source(Net(reply)).pages(query()))


def test_an_item_nested_beyond_measure_costs_no_other_its_place():
    deep = '{"id": "' + "a" * 32 + '", "bibjson": {"title": ' + "[" * 5000 + "]" * 5000 + "}}"
    sound = '{"id": "' + "b" * 32 + '", "bibjson": {"title": "Sound"}}'
    body = f'{{"total": 2, "pageSize": 100, "results": [{deep}, {sound}]}}'
    (page,) = source(Net(text_reply(body, "application/json"))).pages(query())
    assert ([record.title for record in page.records], len(page.rejections)) == (["Sound"], 1)


def test_a_busy_doaj_is_unavailable():
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        list(source(Net(text_reply("busy", "text/plain", 503))).pages(query()))


def test_works_are_looked_up_by_their_ids_whatever_their_days():
    first, second = "a" * 32, "b" * 32
    net = Net(json_reply({"total": 1, "pageSize": 100, "results": [ARTICLE | {"id": first}]}))
    (page,) = source(net).look_up([first, second, 'x" OR title:y'], date(2020, 1, 1))
    assert asked_of(net) == [f'id.exact:("{first}" OR "{second}")']
    assert ([record.source_id for record in page.records], page.missing) == ([first], [])


def test_a_look_up_that_lacks_what_its_count_has_is_made_again_and_names_what_did_not_come():
    first, second = "a" * 32, "b" * 32
    net = Net(json_reply({"total": 2, "pageSize": 100, "results": [ARTICLE | {"id": first}]}))
    (page,) = source(net).look_up([first, second], date(2020, 1, 1))
    assert ([record.source_id for record in page.records], page.missing) == ([first], [second])
    assert len(net.requests) == 3


def test_a_look_up_of_nothing_asks_nobody():
    net = Net(page_of(total=0))
    (page,) = source(net).look_up(["no id"], date(2020, 1, 1))
    assert (page.found, net.requests) == (0, [])
