"""arXiv: entries of a feed, versions and journals, windows it keeps to or not, and changes read backwards."""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from services.ingest.ports.sources.arxiv import ArXiv, read_feed
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
from tests.unit.services.ingest.ports.sources.wire import Net, query, text_reply

ATOM = "application/atom+xml; charset=utf-8"


def entry(own: str = "1802.08567v2", title: str = "Leading", **fields: str) -> str:
    """An entry; a field of arXiv's own begins with `arxiv_`."""
    fields = {"published": "2018-02-27T08:18:33Z", "updated": "2018-05-01T23:59:59Z"} | fields
    named = "".join(f"<{(tag := name.replace('_', ':', 1))}>{escape(text)}</{tag}>" for name, text in fields.items())
    author = "<author><name>Kees  Immink</name><arxiv:affiliation>Ohio</arxiv:affiliation></author>"
    return f"<entry><id>http://arxiv.org/abs/{own}</id><title>{escape(title)}</title>{named}{author}</entry>"


def feed(*entries: str, total: int | str | None = None) -> str:
    spaces = 'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"'
    counted = f"<opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>"
    return f'<feed {spaces} xmlns="http://www.w3.org/2005/Atom">{counted}{"".join(entries)}</feed>'


def read(item: str) -> SourceRecord | Rejection:
    page = read_feed(fromstring(feed(item)))
    return (page.records + page.rejections)[0]


def reply(*entries: str, total: int | None = None, status: int = 200) -> httpx.Response:
    return text_reply(feed(*entries, total=total), ATOM, status)


def test_an_entry_is_a_preprint_with_the_doi_that_arxiv_gives_it():
    summary = "  We show x<p and q>y,\n with $\\alpha$ & more. "
    assert read(entry(title="Leading\n  $x$ < y", summary=summary, arxiv_comment="44 pages")) == SourceRecord(
        source="arxiv",
        source_id="1802.08567",
        title="Leading x < y",
        abstract="We show x<p and q>y, with α & more.",
        authors=["Kees Immink"],
        venue="arXiv",
        published="2018-02-27",
        kind="preprint",
        identifiers=Identifiers(doi="10.48550/arxiv.1802.08567"),
        entered="2018-02-27",
        updated="2018-05-01",
    )


@pytest.mark.parametrize(
    ("reference", "venue", "published"),
    [
        ("Phys. Rev. Lett. 98, 010403 (2007)", "Phys. Rev. Lett.", "2007"),
        ("ActaAstron.56:1-50,2006", "ActaAstron.", "2006"),
        ("Proceedings 2018, printed 2019", "Proceedings", None),
        ("J. Phys. 1850", "J. Phys.", None),
        ("12", None, None),
        ("", None, None),
    ],
)
def test_an_entry_that_names_a_journals_doi_is_that_article_and_of_its_year(reference, venue, published):
    record = read(entry(arxiv_doi="10.1109/ICSTW55395.2022.00035", arxiv_journal_ref=reference))
    assert (record.kind, record.venue, record.published) == ("article", venue, published)
    assert record.identifiers == Identifiers(doi="10.1109/icstw55395.2022.00035")
    assert record.entered == date(2018, 2, 27)


@pytest.mark.parametrize("doi", ["10.48550/arXiv.1802.08567", "no doi", ""])
def test_a_doi_that_is_arxivs_own_or_none_leaves_a_preprint(doi):
    record = read(entry(arxiv_doi=doi))
    assert (record.kind, record.identifiers.doi) == ("preprint", "10.48550/arxiv.1802.08567")


@pytest.mark.parametrize(
    ("own", "source_id"),
    [
        ("astro-ph/0601001v1", "astro-ph/0601001"),
        ("math.AG/0601001", "math.AG/0601001"),
        ("0704.0001v12", "0704.0001"),
        ("2104.12255", "2104.12255"),
    ],
)
def test_an_id_is_told_without_its_version(own, source_id):
    assert read(entry(own)).source_id == source_id


@pytest.mark.parametrize("own", ["", "abc", "1802.1", "1802.08567v", "x" * 10_000, "v1v1v1"])
def test_what_has_no_id_of_arxiv_is_rejected(own):
    rejection = read(entry(own))
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "it has no arXiv id, so nothing identifies it"


@pytest.mark.parametrize(
    "fields",
    [
        {"arxiv_comment": "This paper has been withdrawn by the author due to an error"},
        {"arxiv_comment": "Withdrawn by the authors"},
        {"arxiv_comment": "(paper withdrawn)"},
        {"summary": "The submission was temporarily withdrawn."},
    ],
)
def test_a_withdrawn_entry_carries_its_notice(fields):
    assert read(entry(**fields)).notices == [Notice(kind="withdrawal")]


@pytest.mark.parametrize(
    "fields",
    [
        {"arxiv_comment": "Withdrawn from PRL, now at PRD"},
        {"arxiv_comment": "30 pages; an earlier version has been withdrawn"},
        {"summary": "Withdrawn patients were followed for a year."},
        {"summary": "The work was withdrawn from the cylinder."},
        {"title": "Withdrawn"},
    ],
)
def test_what_only_speaks_of_withdrawing_is_no_notice(fields):
    assert read(entry(**fields)).notices == []


def source(net: Net, **settings) -> ArXiv:
    return ArXiv(Access("https://export.arxiv.org/api", "team@example.org"), net.client, **net.timing, **settings)


def numbered(*numbers: int, **fields: str) -> list[str]:
    return [entry(f"1802.{number:05}v1", **fields) for number in numbers]


def test_a_window_is_one_of_days_of_submission_in_the_order_of_them():
    net = Net(reply())
    assert [page.found for page in source(net).pages(query("ti:lead OR\n abs:lead"))] == [0]
    assert net.asked == [
        {
            "search_query": "(ti:lead OR abs:lead) AND submittedDate:[201801010000 TO 201901010000]",
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
            "start": "0",
            "max_results": "500",
        }
    ]
    assert net.requests[0].method == "GET"


def test_a_window_until_the_last_day_there_is_has_an_end():
    net = Net(reply())
    list(source(net).pages(query(until=date.max)))
    assert net.asked[0]["search_query"].endswith("TO 999912312359]")


def test_a_long_strategy_goes_by_post():
    net = Net(reply())
    list(source(net).pages(query(" OR ".join(["ti:leadership"] * 4000))))
    assert net.requests[0].method == "POST"
    assert net.requests[0].url.query == b""


def test_an_empty_page_of_a_result_that_is_not_is_asked_for_again_every_three_seconds():
    net = Net(reply(*numbered(1, 2), total=3), reply(total=3), reply(total=3), reply(*numbered(3), total=3))
    pages = list(source(net, page_size=2).pages(query()))
    assert [asked["start"] for asked in net.asked] == ["0", "2", "2", "2"]
    assert [page.found for page in pages] == [2, 1]
    assert [page.reported for page in pages] == [3, 3]
    assert pages[-1].cursor is None
    assert net.slept == [3.0, 3.0, 3.0]


def test_entries_from_outside_the_window_are_drift_as_arxiv_did_not_take_it_for_one():
    outside = numbered(1, 2, published="2011-02-27T08:18:33Z")
    with pytest.raises(SourceDrifted, match="2 of 2 entries, the first of 2011-02-27, lie outside"):
        list(source(Net(reply(*outside))).pages(query()))


def test_a_day_that_is_another_elsewhere_is_no_drift():
    (page,) = source(Net(reply(entry(published="2019-01-01T01:00:00Z")))).pages(query())
    assert page.found == 1


def changed(*days: str) -> list[str]:
    return [entry(f"1802.{n:05}v1", updated=f"{day}T12:00:00Z") for n, day in enumerate(days)]


def test_changes_are_read_from_the_latest_backwards_until_all_are_older_than_the_window():
    first, second = changed("2020-03-03", "2020-03-02"), changed("2020-01-01", "2019-12-31")
    third = changed("2019-12-31", "2019-12-30")
    net = Net(*(reply(*page, total=900) for page in (first, second, third)))
    asked = query("ti:lead", since=date(2020, 1, 1), until=date(2020, 3, 1)).model_copy(update={"by": "changed"})
    pages = list(source(net, page_size=2).pages(asked))
    assert [each["start"] for each in net.asked] == ["0", "2", "4"]
    assert {(each["search_query"], each["sortBy"], each["sortOrder"]) for each in net.asked} == {
        ("ti:lead", "lastUpdatedDate", "descending")
    }
    assert [page.cursor for page in pages] == ['{"start":2}', '{"start":4}', None]
    assert {page.reported for page in pages} == {None}


def test_changes_go_on_from_a_cursor_and_end_with_the_result():
    net = Net(reply(*changed("2018-03-03"), total=3))
    asked = query().model_copy(update={"by": "changed"})
    (page,) = source(net, page_size=2).pages(asked, cursor='{"start":2}')
    assert (net.asked[0]["start"], page.cursor) == ("2", None)


def test_changes_that_come_in_another_order_are_drift():
    net = Net(reply(*changed("2018-03-03", "2018-06-02")))
    with pytest.raises(SourceDrifted, match="by their latest change, and 1 of 2 are out of turn"):
        list(source(net).pages(query().model_copy(update={"by": "changed"})))


def test_more_changes_than_arxiv_gives_are_refused_and_never_cut_off():
    net = Net(lambda request: reply(*changed("2018-03-03", "2018-03-02"), total=900))
    given = []
    with pytest.raises(SourceRefused, match="more than 4 entries that changed since 2018-01-01"):
        for page in source(net, page_size=2, ceiling=4).pages(query().model_copy(update={"by": "changed"})):
            given.append(page)
    assert len(given) == 2


def error(text: str, status: int) -> httpx.Response:
    item = f"<entry><id>https://arxiv.org/api/errors#x</id><title>Error</title><summary>{text}</summary></entry>"
    return text_reply(feed(item), ATOM, status)


@pytest.mark.parametrize("status", [200, 400])
def test_an_entry_that_is_an_error_is_a_refusal_in_its_words(status):
    with pytest.raises(SourceRefused, match="incorrect id format for abc"):
        list(source(Net(error("incorrect id format for abc", status))).pages(query()))


def test_a_work_titled_error_is_a_work():
    assert read(entry(title="Error")).title == "Error"


def test_a_rate_that_was_exceeded_is_unavailable():
    with pytest.raises(SourceUnavailable, match="HTTP 429"):
        list(source(Net(text_reply("Rate exceeded.", "text/html", 429))).pages(query()))


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + feed().replace("<feed", "<feed b='&b;'")


@pytest.mark.parametrize(
    "answer",
    [
        text_reply("<html>Down</html>", "text/html"),
        text_reply("", ATOM),
        text_reply("<surprise/>", ATOM),
        text_reply(feed(total="many"), ATOM),
        text_reply(feed(total="-1"), ATOM),
        text_reply("<" + "surprise" * 1000 + "/>", ATOM),
        text_reply(BOMB, ATOM),
        text_reply('{"feed": {}}', "application/json"),
    ],
)
def test_what_is_no_feed_is_drift(answer):
    with pytest.raises(SourceDrifted):
        list(source(Net(answer)).pages(query()))


def test_an_entry_nested_beyond_measure_costs_no_other_its_turn():
    deep = "<b>" * 20_000 + "</b>" * 20_000
    body = feed(entry().replace("<title>Leading</title>", f"<title>{deep}</title>"), entry("1802.00002"))
    (page,) = source(Net(text_reply(body, ATOM))).pages(query())
    assert [record.source_id for record in page.records] == ["1802.08567", "1802.00002"]


def test_works_are_looked_up_by_ids_that_can_be_one():
    net = Net(reply(*numbered(1)))
    (page,) = source(net).look_up(["1802.00001", "0000.0000", "abc"], date(2020, 1, 1))
    assert net.asked == [{"id_list": "1802.00001,0000.0000", "start": "0", "max_results": "100"}]
    assert ([record.source_id for record in page.records], page.missing) == (["1802.00001"], [])


def test_a_character_that_is_none_costs_neither_its_entry_nor_the_page():
    body = feed(entry(title="a BAD b"), entry("1802.00002")).encode().replace(b"BAD", b"\xff")
    (page,) = source(Net(httpx.Response(200, content=body, headers={"content-type": ATOM}))).pages(query())
    assert [record.title for record in page.records] == ["a \ufffd b", "Leading"]
