"""PubMed: citations in XML, windows of entry dates, a ceiling, and lists of numbers that are fetched."""

from __future__ import annotations

import re
from datetime import date
from xml.etree.ElementTree import fromstring

import pytest
from pydantic import SecretStr

from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import (
    Notice,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.pubmed import PubMed, read_articles
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
)
PARTS = {
    "pmid": '<PMID Version="1">30108519</PMID>',
    "pubdate": "<Year>2018</Year><Month>Aug</Month>",
    "journal": "<Title>Leadership in health services</Title>",
    "title": "<ArticleTitle>Leading <i>across</i> boundaries.</ArticleTitle>",
    "location": '<ELocationID EIdType="doi" ValidYN="Y">10.1108/LHS-1</ELocationID>',
    "abstract": "<Abstract><AbstractText>We asked.</AbstractText></Abstract>",
    "authors": (
        '<AuthorList CompleteYN="Y">'
        '<Author ValidYN="Y"><LastName>Sims</LastName><ForeName>Sarah J</ForeName><Initials>SJ</Initials></Author>'
        '<Author ValidYN="Y"><LastName>Hora</LastName><Initials>D</Initials><Suffix>Jr</Suffix></Author>'
        '<Author ValidYN="N"><LastName>Simms</LastName></Author>'
        '<Author ValidYN="Y"><CollectiveName>The ICS Study Group</CollectiveName></Author></AuthorList>'
    ),
    "language": "<Language>eng</Language>",
    "types": "<PublicationType>Journal Article</PublicationType>",
    "vernacular": "",
    "articledate": "",
    "corrections": "",
    "other": "",
    "ids": '<ArticleId IdType="pubmed">30108519</ArticleId><ArticleId IdType="pmc">PMC6079548</ArticleId>',
    "references": "",
}


def article(**parts: str) -> str:
    part = PARTS | parts
    return f"""<PubmedArticle><MedlineCitation>{part["pmid"]}
      <DateRevised><Year>2018</Year><Month>08</Month><Day>17</Day></DateRevised>
      <Article><Journal><JournalIssue><PubDate>{part["pubdate"]}</PubDate></JournalIssue>{part["journal"]}</Journal>
      {part["title"]}{part["location"]}{part["abstract"]}{part["authors"]}{part["language"]}
      <PublicationTypeList>{part["types"]}</PublicationTypeList>{part["vernacular"]}{part["articledate"]}</Article>
      <CommentsCorrectionsList>{part["corrections"]}</CommentsCorrectionsList>{part["other"]}</MedlineCitation>
      <PubmedData><History><PubMedPubDate PubStatus="entrez"><Year>2018</Year><Month>8</Month><Day>16</Day>
      </PubMedPubDate></History><ArticleIdList>{part["ids"]}</ArticleIdList>{part["references"]}</PubmedData>
      </PubmedArticle>"""


def article_set(*articles: str) -> str:
    return f"<?xml version='1.0'?>{DOCTYPE}<PubmedArticleSet>{''.join(articles)}</PubmedArticleSet>"


def read(**parts: str) -> SourceRecord | Rejection:
    page = read_articles(fromstring(article_set(article(**parts))))
    return (page.records + page.rejections)[0]


def test_a_citation_is_read():
    assert read() == SourceRecord(
        source="pubmed",
        source_id="30108519",
        title="Leading across boundaries",
        abstract="We asked.",
        authors=["Sims, Sarah J", "Hora, D Jr", "The ICS Study Group"],
        venue="Leadership in health services",
        published="2018-08",
        kind="article",
        language="en",
        identifiers=Identifiers(doi="10.1108/lhs-1", pmid="30108519", pmcid="PMC6079548"),
        entered="2018-08-16",
        updated="2018-08-17",
    )


@pytest.mark.parametrize(
    ("title", "read_as"),
    [
        ("<ArticleTitle>Why lead?</ArticleTitle>", "Why lead?"),
        ("<ArticleTitle>And then...</ArticleTitle>", "And then..."),
        ("<ArticleTitle>&lt;i&gt;In vitro&lt;/i&gt; care.</ArticleTitle>", "In vitro care"),
        ("<ArticleTitle></ArticleTitle>", None),
        ("", None),
        ("<ArticleTitle>[Not Available].</ArticleTitle>", None),
    ],
)
def test_a_title_loses_its_final_dot_only(title, read_as):
    assert read(title=title).title == read_as


def test_a_translated_title_leaves_its_brackets_and_keeps_the_original_beside_it():
    record = read(
        title="<ArticleTitle>[Challenging treatment resistance].</ArticleTitle>",
        vernacular="<VernacularTitle>Herausforderung Therapieresistenz.</VernacularTitle>",
    )
    assert record.title == "Challenging treatment resistance"
    assert record.other_titles == ["Herausforderung Therapieresistenz"]


def test_a_title_that_is_not_available_gives_way_to_the_original():
    record = read(
        title="<ArticleTitle>[Not Available].</ArticleTitle>",
        vernacular="<VernacularTitle>Führung im Verbund.</VernacularTitle>",
    )
    assert record.title == "Führung im Verbund"


def test_a_labelled_abstract_keeps_its_labels():
    abstract = (
        '<Abstract><AbstractText Label="OBJECTIVE">To <i>ask</i>.</AbstractText>'
        '<AbstractText Label="UNLABELLED">Text.</AbstractText><AbstractText Label="EMPTY"/>'
        "<CopyrightInformation>Copyright</CopyrightInformation></Abstract>"
    )
    assert read(abstract=abstract).abstract == "OBJECTIVE: To ask.\nText."
    assert read(abstract="").abstract is None


@pytest.mark.parametrize(
    ("pubdate", "articledate", "published"),
    [
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "", "1998-12"),
        ("<Year>2024</Year><Season>Spring</Season>", "", "2024"),
        (
            "<Year>2018</Year>",
            "<ArticleDate><Year>2018</Year><Month>07</Month><Day>31</Day></ArticleDate>",
            "2018-07-31",
        ),
        ("<MedlineDate>unknown</MedlineDate>", "", None),
    ],
)
def test_a_date_is_the_electronic_one_or_that_of_the_issue(pubdate, articledate, published):
    assert read(pubdate=pubdate, articledate=articledate).published == published


@pytest.mark.parametrize(
    ("printed", "online", "published"),
    [
        ("<Year>2019</Year><Month>Mar</Month>", "2018-12-05", "2018-12-05"),
        ("<Year>2018</Year><Month>Nov</Month>", "2018-12-05", "2018-11"),
        ("<Year>2018</Year>", "2018-12-05", "2018-12-05"),
        ("<MedlineDate>2018 Fall-2019 Winter</MedlineDate>", "2019-01-02", "2018"),
        ("<Year>9999</Year>", "2018-12-05", "2018-12-05"),
    ],
)
def test_the_earlier_of_print_and_online_is_the_date(printed, online, published):
    year, month, day = online.split("-")
    stamp = (
        f"<ArticleDate DateType='Electronic'><Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></ArticleDate>"
    )
    assert read(pubdate=printed, articledate=stamp).published == published


def other(language: str, text: str) -> str:
    return f'<OtherAbstract Type="Publisher" Language="{language}"><AbstractText>{text}</AbstractText></OtherAbstract>'


def test_an_abstract_that_stands_elsewhere_is_read_in_english_first():
    both = other("spa", "Preguntamos.") + other("eng", "We asked elsewhere.")
    assert read(abstract="", other=both).abstract == "We asked elsewhere."
    assert read(abstract="", other=other("spa", "Preguntamos.")).abstract == "Preguntamos."
    assert read(other=both).abstract == "We asked."
    assert read(abstract="", other=other("eng", "Abstract available from the publisher.")).abstract is None


def test_ids_of_the_works_it_cites_are_not_its_own():
    references = (
        "<ReferenceList><Reference><ArticleIdList><ArticleId IdType='doi'>10.9999/cited</ArticleId>"
        "<ArticleId IdType='pmc'>PMC1</ArticleId></ArticleIdList></Reference></ReferenceList>"
    )
    record = read(references=references, location="", ids="")
    assert record.identifiers == Identifiers(pmid="30108519")


def test_the_listed_doi_outranks_the_located_one_and_a_void_one_does_not_count():
    assert read(ids='<ArticleId IdType="doi">10.1108/LISTED</ArticleId>').identifiers.doi == "10.1108/listed"
    assert read(location='<ELocationID EIdType="doi" ValidYN="N">10.1/void</ELocationID>').identifiers.doi is None


def test_a_doi_that_is_none_is_left_out_with_a_remark():
    page = read_articles(
        fromstring(article_set(article(location="", ids='<ArticleId IdType="doi">see p. 3</ArticleId>')))
    )
    assert page.records[0].identifiers.doi is None
    assert page.remarks == ["30108519: 'see p. 3' is no DOI we can use"]


def test_a_retracted_article_names_its_notice():
    retracted = (
        "<PublicationType>Journal Article</PublicationType><PublicationType>Retracted Publication</PublicationType>"
    )
    named = '<CommentsCorrections RefType="RetractionIn"><PMID>5</PMID></CommentsCorrections>'
    assert read(types=retracted, corrections=named).notices == [Notice(kind="retraction", by="pmid:5")]
    assert read(types=retracted).notices == [Notice(kind="retraction")]


def test_a_citation_that_was_updated_or_republished_says_so():
    links = (
        '<CommentsCorrections RefType="UpdateIn"><PMID>5</PMID></CommentsCorrections>'
        '<CommentsCorrections RefType="RepublishedFrom"><RefSource>J. 2018. DOI:10.1000/FIRST</RefSource>'
        "</CommentsCorrections>"
    )
    record = read(corrections=links)
    assert record.kind == "article"
    assert record.notices == [
        Notice(kind="correction", by="pmid:5", said="UpdateIn"),
        Notice(kind="correction", of=Identifiers(doi="10.1000/first"), by="pmid:30108519", said="RepublishedFrom"),
    ]


def test_a_work_that_was_published_twice_is_a_concern():
    twice = "<PublicationType>Journal Article</PublicationType><PublicationType>Duplicate Publication</PublicationType>"
    assert read(types=twice).notices == [Notice(kind="expression_of_concern", said="Duplicate Publication")]


def test_a_correction_strikes_another_citation():
    corrections = (
        '<CommentsCorrections RefType="ErratumFor"><PMID>7</PMID></CommentsCorrections>'
        '<CommentsCorrections RefType="RetractionOf"><RefSource>J. 2018. doi: 10.1000/OLD.</RefSource>'
        "</CommentsCorrections>"
        '<CommentsCorrections RefType="ErratumFor"><RefSource>nowhere</RefSource></CommentsCorrections>'
        '<CommentsCorrections RefType="Cites"><PMID>8</PMID></CommentsCorrections>'
    )
    record = read(types="<PublicationType>Published Erratum</PublicationType>", corrections=corrections)
    assert record.kind == "notice"
    assert record.notices == [
        Notice(kind="correction", of=Identifiers(pmid="7"), by="pmid:30108519"),
        Notice(kind="retraction", of=Identifiers(doi="10.1000/old"), by="pmid:30108519"),
        Notice(kind="correction", text="nowhere", by="pmid:30108519"),
    ]


BOOK = """<PubmedBookArticle><BookDocument><PMID>20301295</PMID>
  <ArticleIdList><ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>
  <Book><Publisher><PublisherName>NIHR</PublisherName></Publisher><BookTitle>Leading Systems</BookTitle>
  <PubDate><Year>2022</Year></PubDate><AuthorList Type="editors"><Author><LastName>Ed</LastName></Author></AuthorList>
  </Book>{0}<Language>eng</Language></BookDocument>
  <PubmedBookData><History><PubMedPubDate PubStatus="entrez"><Year>2022</Year><Month>3</Month><Day>1</Day>
  </PubMedPubDate></History></PubmedBookData></PubmedBookArticle>"""


def test_a_chapter_and_a_book_are_read():
    chapter = (
        "<ArticleTitle>On trust.</ArticleTitle><AuthorList><Author><LastName>Sims</LastName></Author></AuthorList>"
    )
    page = read_articles(fromstring(article_set(BOOK.format(chapter), BOOK.format(""))))
    inner, whole = page.records
    assert (inner.title, inner.venue, inner.kind, inner.authors) == ("On trust", "Leading Systems", "chapter", ["Sims"])
    assert (whole.title, whole.venue, whole.kind, whole.authors) == ("Leading Systems", "NIHR", "book", ["Ed"])
    assert inner.identifiers == Identifiers(pmid="20301295")
    assert inner.entered == date(2022, 3, 1)


def test_what_is_neither_article_nor_book_is_rejected():
    page = read_articles(fromstring(article_set("<DeleteCitation><PMID>1</PMID></DeleteCitation>", article(pmid=""))))
    assert [rejection.reason for rejection in page.rejections] == [
        "it is a <DeleteCitation>, neither an article nor a book",
        "it has no citation with a PMID and an article",
    ]


def source(net: Net, **settings) -> PubMed:
    access = Access("https://eutils.example.org", "team@example.org", SecretStr("secret-ncbi-key"))
    return PubMed(access, net.client, **net.timing, **settings)


def searched(count: int, *pmids: int, **more: object):
    """A search's answer: its count, and the numbers from 1 on where none are given."""
    listed = [str(pmid) for pmid in pmids or range(1, min(count, 9_999) + 1)]
    result = {"count": str(count), "idlist": listed} | more
    return json_reply({"header": {}, "esearchresult": result}, x_ratelimit_remaining="9")


def fetched(*pmids: int):
    text = article_set(*(article(pmid=f"<PMID>{pmid}</PMID>") for pmid in pmids))
    return text_reply(text, "text/xml; charset=UTF-8")


def fault(text: str, status: int = 400, media_type: str = "text/xml"):
    return text_reply(f"<eFetchResult><ERROR>{text}</ERROR></eFetchResult>", media_type, status)


def test_one_search_lists_what_many_pages_fetch():
    net = Net(searched(5), fetched(1, 2), fetched(3, 4), fetched(5))
    pages = list(source(net, per_page=2).pages(query("leadership[ti]")))
    search, *fetches = net.asked
    days = "2018/01/01:2018/12/31"
    assert search["term"] == f"(leadership[ti]) AND ({days}[edat] OR {days}[crdt])"
    assert (search["retmode"], search["retmax"]) == ("json", "9999")
    assert [asked["id"] for asked in fetches] == ["1,2", "3,4", "5"]
    assert [page.found for page in pages] == [2, 2, 1]
    assert [page.reported for page in pages] == [5, 5, 5]
    assert pages[-1].cursor is None


@pytest.mark.parametrize(("by", "datetype"), [("changed", "mdat"), ("published", "pdat")])
def test_a_window_of_other_days_stands_beside_the_term(by, datetype):
    net = Net(searched(0))
    list(source(net).pages(query("leadership[ti]").model_copy(update={"by": by})))
    window = {"datetype": datetype, "mindate": "2018/01/01", "maxdate": "2018/12/31"}
    assert net.asked[0].items() >= ({"term": "leadership[ti]"} | window).items()


def test_a_list_shorter_than_its_count_is_asked_for_again_and_what_each_lists_is_fetched():
    net = Net(searched(3, 1, 2), searched(3, 1, 3), fetched(1, 2, 3))
    assert [page.found for page in source(net).pages(query())] == [3]


def test_a_list_that_stays_shorter_than_its_count_is_told_by_the_count():
    net = Net(searched(3, 1, 2), searched(3, 1, 2), searched(3, 1, 2), fetched(1, 2))
    assert [(page.found, page.reported, page.cursor) for page in source(net).pages(query())] == [(2, 3, None)]


def test_only_what_was_changed_since_is_looked_up():
    net = Net(searched(2, 7, 12), fetched(7), fetched(12))
    pages = list(source(net, per_page=1).look_up(["12", "7", "30"], date(2026, 11, 1)))
    assert net.asked[0]["term"] == "12[uid] OR 7[uid] OR 30[uid]"
    assert (net.asked[0]["datetype"], net.asked[0]["mindate"]) == ("mdat", "2026/11/01")
    assert [asked["id"] for asked in net.asked[1:]] == ["7", "12"]
    assert [record.source_id for page in pages for record in page.records] == ["7", "12"]


def test_nothing_found_is_one_empty_page():
    pages = list(source(Net(searched(0))).pages(query()))
    assert [(page.found, page.cursor, page.reported) for page in pages] == [(0, None, 0)]


def test_requests_are_posts_that_hide_the_key_and_name_the_tool():
    net = Net(searched(1), fetched(1))
    list(source(net).pages(query()))
    assert {request.method for request in net.requests} == {"POST"}
    assert not any("secret" in str(request.url) for request in net.requests)
    assert net.asked[0]["api_key"] == "secret-ncbi-key"
    assert net.asked[0]["tool"] == "living-reviews"
    assert net.asked[0]["email"] == "team@example.org"


def test_a_window_with_too_many_citations_is_halved_and_nothing_is_left_out():
    def net_of(days: dict[date, int]) -> Net:
        def answer(request):
            asked = net.asked[-1]
            if "id" in asked:
                return fetched(*map(int, asked["id"].split(",")))
            first, last = (date(*map(int, day.split("/"))) for day in re.findall(r"\d{4}/\d\d/\d\d", asked["term"])[:2])
            inside = [pmid for day, pmid in days.items() if first <= day <= last]
            return searched(len(inside), *inside)

        net = Net(answer)
        return net

    days = {date(2018, month, day): month * 100 + day for month in range(1, 13) for day in (1, 15, 20)}
    pages = list(source(net_of(days), per_page=2, ceiling=5).pages(query()))
    ids = [record.source_id for page in pages for record in page.records]
    assert sorted(ids) == sorted(str(pmid) for pmid in days.values())
    assert {page.reported for page in pages} == {36}
    assert [page.cursor for page in pages if page.cursor is None] == [None]


def test_a_day_with_too_many_citations_asks_for_a_narrower_strategy():
    with pytest.raises(SourceRefused, match="10000 citations of 2018-01-01 alone"):
        list(source(Net(searched(10_000))).pages(query()))


def test_a_saved_cursor_goes_on_behind_the_highest_number_given_whatever_entered_meanwhile():
    net = Net(searched(3, 2, 5, 9), fetched(2, 5), searched(4, 2, 3, 5, 9), fetched(9))
    first = next(source(net, per_page=2).pages(query()))
    rest = list(source(net, per_page=2).pages(query(), cursor=first.cursor))
    assert [record.source_id for page in rest for record in page.records] == ["9"]
    assert len(first.cursor) < 2000
    assert "secret" not in first.cursor


@pytest.mark.parametrize("cursor", ["nonsense", "{}", '{"since": "2001-01-01", "until": "2001-02-01"}'])
def test_a_cursor_outside_the_window_begins_it_again(cursor):
    net = Net(searched(1), fetched(1))
    assert [page.found for page in source(net).pages(query(), cursor=cursor)] == [1]


def test_a_citation_that_does_not_come_is_asked_for_again_by_itself():
    net = Net(searched(3), fetched(1, 2), fetched(3))
    (page,) = source(net).pages(query())
    assert [asked["id"] for asked in net.asked[1:]] == ["1,2,3", "3"]
    assert (page.found, page.missing) == (3, [])


@pytest.mark.parametrize("came", [(1, 2), ()])
def test_a_citation_that_was_listed_and_never_comes_is_named(came):
    net = Net(searched(3), fetched(*came), fetched())
    (page,) = source(net).pages(query())
    assert page.found == len(came)
    assert page.missing == [str(pmid) for pmid in (1, 2, 3) if pmid not in came]
    assert (page.reported, page.cursor) == (3, None)


def test_the_pace_follows_what_the_answers_allow():
    result = {"count": "3", "idlist": ["1", "2", "3"]}
    net = Net(json_reply({"esearchresult": result}, x_ratelimit_limit="10"), fetched(1), fetched(2), fetched(3))
    list(source(net, per_page=1).pages(query()))
    assert net.slept == pytest.approx([0.1, 0.1, 0.1])


def test_a_rate_limit_inside_a_200_is_waited_out():
    limited = json_reply({"error": "API rate limit exceeded", "api-key": "1.2.3.4", "count": "4", "limit": "3"})
    net = Net(limited, searched(1), limited, fetched(1))
    assert [page.found for page in source(net).pages(query())] == [1]
    assert net.slept.count(1.0) == 2


def test_an_error_inside_a_200_is_no_empty_result():
    with pytest.raises(SourceRefused, match="Invalid db name"):
        list(source(Net(json_reply({"esearchresult": {"ERROR": "Invalid db name specified: x"}}))).pages(query()))
    with pytest.raises(SourceUnavailable, match="Backend failed"):
        list(source(Net(json_reply({"esearchresult": {"ERROR": "Search Backend failed: oops"}}))).pages(query()))
    with pytest.raises(SourceRefused, match="API key invalid"):
        list(source(Net(json_reply({"error": "API key invalid"}, 400))).pages(query()))


def test_a_timeout_that_calls_itself_our_fault_is_tried_again():
    net = Net(searched(1), fault("Error: External viewer error: Empty Response. Status: Timeout"), fetched(1))
    assert [page.found for page in source(net).pages(query())] == [1]


def test_a_web_page_where_xml_was_due_is_drift():
    html = text_reply("<html><head><title>PmFetch response</title></head></html>", "text/html")
    with pytest.raises(SourceDrifted, match="XML was expected, text/html came"):
        list(source(Net(searched(1), html)).pages(query()))
    labelled = text_reply("<html><head/></html>", "text/xml")
    with pytest.raises(SourceDrifted, match="<html> came"):
        list(source(Net(searched(1), labelled)).pages(query()))


def test_an_entity_bomb_is_drift():
    bomb = '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><PubmedArticleSet>&z;</PubmedArticleSet>'
    with pytest.raises(SourceDrifted, match="EntitiesForbidden"):
        list(source(Net(searched(1), text_reply(bomb, "text/xml"))).pages(query()))


def test_a_search_without_its_parts_is_drift():
    with pytest.raises(SourceDrifted, match="no count"):
        list(source(Net(json_reply({"esearchresult": {}}))).pages(query()))
    with pytest.raises(SourceDrifted, match="no count"):
        list(source(Net(searched(3, idlist=None))).pages(query()))
    with pytest.raises(SourceDrifted, match="no PMID"):
        list(source(Net(searched(3, idlist=["1", "x", "3"]))).pages(query()))


def test_what_pubmed_remarks_on_the_strategy_is_told():
    remarked = searched(
        1,
        errorlist={"phrasesnotfound": ["leedership"], "fieldsnotfound": []},
        warninglist={"phrasesignored": [], "quotedphrasesnotfound": ['"system leading"'], "outputmessages": []},
    )
    page = next(source(Net(remarked, fetched(1))).pages(query()))
    assert page.remarks == ["phrasesnotfound: leedership", 'quotedphrasesnotfound: "system leading"']


def test_a_look_up_that_lists_less_than_its_count_names_what_it_may_be():
    net = Net(searched(2, 7), searched(2, 7), searched(2, 7), fetched(7))
    pages = list(source(net).look_up(["7", "12", "30"], date(2026, 11, 1)))
    assert [missing for page in pages for missing in page.missing] == ["12", "30"]
