"""Keywords of a work, as each source has them: of its authors, and of those who index it."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from services.ingest.ports.sources.crossref import read_items
from services.ingest.ports.sources.doaj import read_articles as read_doaj
from services.ingest.ports.sources.europepmc import read_results
from services.ingest.ports.sources.openalex import read_works
from services.ingest.ports.sources.port import Page
from services.ingest.ports.sources.pubmed import read_articles

PUBMED = """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID>
<Article><ArticleTitle>Leading</ArticleTitle></Article>
<MeshHeadingList><MeshHeading><DescriptorName MajorTopicYN="Y">Leadership</DescriptorName>
<QualifierName>trends</QualifierName></MeshHeading>
<MeshHeading><DescriptorName>Humans</DescriptorName></MeshHeading></MeshHeadingList>
<KeywordList Owner="NOTNLM"><Keyword>shared <i>care</i></Keyword><Keyword>humans</Keyword><Keyword/></KeywordList>
</MedlineCitation><PubmedData/></PubmedArticle></PubmedArticleSet>"""
BOOK = """<PubmedArticleSet><PubmedBookArticle><BookDocument>
<PMID>8</PMID><Book><BookTitle>Leading</BookTitle></Book>
<KeywordList Owner="NLM"><Keyword>boards</Keyword></KeywordList></BookDocument>
</PubmedBookArticle></PubmedArticleSet>"""
EUROPEPMC = {
    "source": "MED", "id": "7", "title": "Leading",
    "meshHeadingList": {"meshHeading": [{"descriptorName": "Leadership"}, {"descriptorName": None}, "Humans"]},
    "keywordList": {"keyword": ["Shared care", "leadership", 5]},
}  # fmt: skip
OPENALEX = {
    "id": "https://openalex.org/W1", "title": "Leading",
    "keywords": [{"id": "https://openalex.org/keywords/trust", "display_name": "Trust", "score": 0.5}, {"score": 1}, 3],
}  # fmt: skip
CROSSREF = {
    "total-results": 1,
    "items": [
        {"DOI": "10.5555/a", "type": "journal-article", "title": ["Leading"], "subject": ["Health &amp; Care", 1]}
    ],
}
DOAJ = {"id": "1", "bibjson": {"title": "Leading", "keywords": ["trust", "Trust", "care"]}}


def words(page: Page) -> list[str]:
    (record,) = page.records
    return record.keywords


def test_pubmed_has_descriptors_of_mesh_and_keywords():
    assert words(read_articles(fromstring(PUBMED))) == ["Leadership", "Humans", "shared care"]
    assert words(read_articles(fromstring(BOOK))) == ["boards"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (read_results({"hitCount": 1, "resultList": {"result": [EUROPEPMC]}}), ["Leadership", "Shared care"]),
        (read_works({"meta": {"count": 1}, "results": [OPENALEX]}), ["Trust"]),
        (read_items({"message-type": "work-list", "message": CROSSREF}), ["Health & Care"]),
        (read_doaj({"total": 1, "results": [DOAJ]}), ["trust", "care"]),
    ],
    ids=["europepmc", "openalex", "crossref", "doaj"],
)
def test_each_other_source_has_its_own_list(page, expected):
    assert words(page) == expected


@pytest.mark.parametrize("odd", [None, "trust", {"a": 1}, [["x"]], [{"display_name": {}}]])
def test_keywords_of_another_form_are_none(odd):
    assert words(read_works({"meta": {"count": 1}, "results": [OPENALEX | {"keywords": odd}]})) == []
    assert words(read_doaj({"total": 1, "results": [{"id": "1", "bibjson": {"title": "A", "keywords": odd}}]})) == []
