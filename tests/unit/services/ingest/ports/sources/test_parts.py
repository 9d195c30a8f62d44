"""Where in its venue a work is: volume, issue, pages and numbers, as each source has them."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.crossref import read_items
from services.ingest.ports.sources.doaj import read_articles as read_doaj
from services.ingest.ports.sources.europepmc import read_results
from services.ingest.ports.sources.openalex import read_works
from services.ingest.ports.sources.port import Page, SourceRecord
from services.ingest.ports.sources.pubmed import read_articles

CROSSREF = {
    "DOI": "10.5555/a",
    "type": "journal-article",
    "title": ["Leading"],
    "container-title": ["Journal of Shared Care", "Care Series"],
    "short-container-title": ["J Shar Care"],
    "volume": "12",
    "issue": "3",
    "page": "123\u2013130",
    "article-number": "e7",
    "ISSN": ["1555-5275", "15555275", "1555-5276"],
    "ISBN": ["http://id.crossref.org/isbn/0306406152"],
    "editor": [{"family": "Okoye", "given": "Ada"}],
    "publisher": "Care &amp; Co",
}
EUROPEPMC = {
    "source": "MED",
    "id": "7",
    "title": "Leading",
    "pageInfo": "e4",
    "journalInfo": {
        "volume": "12",
        "issue": "Suppl 1",
        "journal": {
            "title": "Journal of Shared Care",
            "medlineAbbreviation": "J Shar Care",
            "isoabbreviation": "J. Shar. Care",
            "issn": "1555-5275",
            "essn": "1555-5275",
        },
    },
}
OPENALEX = {
    "id": "https://openalex.org/W1",
    "title": "Leading",
    "biblio": {"volume": "12", "issue": "3", "first_page": "123", "last_page": "130"},
    "primary_location": {"source": {"display_name": "Journal of Shared Care", "issn_l": "1555-5275", "issn": []}},
}
DOAJ = {
    "id": "1",
    "bibjson": {
        "title": "Leading",
        "start_page": "123",
        "end_page": "123",
        "journal": {"title": "J", "volume": "12", "number": "3", "issns": ["1555-5275"], "publisher": "Care"},
    },
}
PUBMED = """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article>
<Journal><ISSN IssnType="Print">1555-5275</ISSN><JournalIssue><Volume>12</Volume><Issue>3</Issue></JournalIssue>
<Title>Journal of Shared Care</Title><ISOAbbreviation>J Shar Care</ISOAbbreviation></Journal>
<ArticleTitle>Leading</ArticleTitle>{pages}
<AuthorList Type="editors"><Author><LastName>Lind</LastName></Author></AuthorList>
<AuthorList Type="authors"><Author><LastName>Okoye</LastName></Author></AuthorList></Article>
<MedlineJournalInfo><MedlineTA>J Shared Care</MedlineTA></MedlineJournalInfo>
</MedlineCitation><PubmedData/></PubmedArticle></PubmedArticleSet>"""
BOOK = """<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>8</PMID><Book>
<Publisher><PublisherName>Care Press</PublisherName></Publisher><BookTitle>Leading</BookTitle><Volume>2</Volume>
<AuthorList Type="editors"><Author><LastName>Lind</LastName></Author></AuthorList><Isbn>9780306406157</Isbn></Book>
</BookDocument><PubmedBookData/></PubmedBookArticle></PubmedArticleSet>"""


def only(page: Page) -> SourceRecord:
    (record,) = page.records
    return record


def crossref(**fields: object) -> SourceRecord:
    return only(
        read_items({"message-type": "work-list", "message": {"total-results": 1, "items": [CROSSREF | fields]}})
    )


def pubmed(pages: str) -> SourceRecord:
    return only(read_articles(fromstring(PUBMED.replace("{pages}", pages))))


def part(record: SourceRecord) -> tuple[str | None, ...]:
    return record.volume, record.issue, record.pages, record.article_number


def test_a_deposit_of_crossref_tells_all_parts():
    record = crossref()

    assert part(record) == ("12", "3", "123-130", "e7")
    assert (record.venue, record.other_venues) == ("Journal of Shared Care", ["Care Series", "J Shar Care"])
    assert record.issns == ["1555-5275"]  # The second is the same, and the third has another check digit.
    assert record.isbns == ["9780306406157"]
    assert (record.editors, record.publisher) == (["Okoye, Ada"], "Care & Co")


def test_a_result_of_europe_pmc_tells_all_parts():
    record = only(read_results({"hitCount": 1, "resultList": {"result": [EUROPEPMC]}}))

    assert part(record) == ("12", "Suppl 1", "e4", None)
    assert record.other_venues == ["J Shar Care", "J. Shar. Care"]
    assert record.issns == ["1555-5275"]


def test_a_lite_result_of_europe_pmc_tells_them_beside_its_title():
    lite = {"source": "MED", "id": "7", "title": "Leading", "journalVolume": "12", "issue": "3", "pageInfo": "4-5"}
    record = only(read_results({"hitCount": 1, "resultList": {"result": [lite | {"journalIssn": "1555-5275; x"}]}}))

    assert part(record) == ("12", "3", "4-5", None)
    assert record.issns == ["1555-5275"]


def test_a_work_of_openalex_tells_volume_issue_and_pages():
    record = only(read_works({"meta": {"count": 1, "next_cursor": None}, "results": [OPENALEX]}))

    assert part(record) == ("12", "3", "123-130", None)
    assert record.issns == ["1555-5275"]


def test_an_article_of_doaj_tells_volume_issue_and_pages():
    record = only(read_doaj({"total": 1, "results": [DOAJ]}))

    assert part(record) == ("12", "3", "123", None)
    assert (record.issns, record.publisher) == (["1555-5275"], "Care")


@pytest.mark.parametrize(
    ("pagination", "pages"),
    [
        ("<Pagination><MedlinePgn>123-30</MedlinePgn></Pagination>", "123-30"),
        ("<Pagination><StartPage>123</StartPage><EndPage>130</EndPage></Pagination>", "123-130"),
        ("<Pagination><MedlinePgn>e0123</MedlinePgn></Pagination>", "e0123"),
        ("", None),
    ],
)
def test_a_citation_of_pubmed_tells_volume_issue_and_pages(pagination, pages):
    record = pubmed(pagination)

    assert part(record) == ("12", "3", pages, None)
    assert record.other_venues == ["J Shar Care", "J Shared Care"]
    assert (record.authors, record.editors, record.issns) == (["Okoye"], ["Lind"], ["1555-5275"])


def test_a_book_of_pubmed_tells_its_volume_editors_and_number():
    record = only(read_articles(fromstring(BOOK)))

    assert (record.volume, record.editors, record.isbns) == ("2", ["Lind"], ["9780306406157"])
    assert record.publisher == "Care Press"


def test_a_part_that_cannot_be_one_is_left_out_with_a_remark_and_the_work_is_read():
    page = read_items(
        {"message-type": "work-list", "message": {"total-results": 1, "items": [CROSSREF | {"volume": "9" * 301}]}}
    )

    assert only(page).volume is None
    assert any("is no volume we can use" in remark for remark in page.remarks)


def test_a_release_that_reads_more_changes_no_record_that_says_nothing_of_it():
    record = crossref(
        **dict.fromkeys(("volume", "issue", "page", "article-number", "ISSN", "ISBN", "editor", "publisher"))
    )
    record = record.model_copy(update={"other_venues": []})

    assert not {"volume", "issue", "pages", "issns", "urls"} & record.model_dump().keys()


@pytest.mark.parametrize(
    ("texts", "pages"),
    [
        (("123", "130"), "123-130"),
        (("123 \u2014 130",), "123-130"),
        (("S1",), "S1"),
        ((7, 9), "7-9"),
        (("-",), None),
        ((None, ""), None),
    ],
)
def test_pages_are_written_with_plain_hyphens(texts, pages):
    assert normal.pages(*texts) == pages
