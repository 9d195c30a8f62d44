"""The corpus of bibliographic facts: how a paper looks in each source, and what the first review's file holds."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import yaml

from demo.replay.facts import PapersFile
from demo.replay.papers import PapersCorpus
from services.ingest.ports.sources import crossref, europepmc, openalex, pubmed
from services.ingest.ports.sources.port import SourceRecord
from services.ingest.ports.sources.reading import Reader
from shared.errors import Invalid

REVIEW = Path(__file__).parents[4] / "reviews" / "ics-leadership" / "papers.yaml"
READ = {
    "openalex": openalex.read_work,
    "crossref": crossref.read_work,
    "pubmed": pubmed.read_article,
    "europepmc": europepmc.read_result,
}
PAPER = """
papers:
  - key: shand-2019
    title: System wide collaboration
    authors: ["Shand, J.", "MacLeod, M.L.P."]
    venue: Journal of Integrated Care
    abbreviation: J Integr
    year: 2019
    volume: "27"
    pages: 83-94
    doi: 10.1108/JICA-06-2018-0042
    sources:
      crossref: {entered: 2019-01-17, title: "System &amp; wide", subtitle: Leaders, venue: J &amp; I}
      openalex: {id: W9900000007, entered: 2019-02-01, doi: null}
      pubmed: {id: "99000007", entered: 2019-02-02, pmcid: PMC99000007}
      europepmc: {id: "PMC:PMC99000007", entered: 2019-02-03, without: [authors, venue]}
"""


def corpus_of(text: str, folder: Path) -> PapersCorpus:
    path = folder / "papers.yaml"
    path.write_text(text, encoding="utf-8")
    return PapersCorpus.load(path)


def records_of(corpus: PapersCorpus) -> dict[str, list[SourceRecord]]:
    return {
        source: [read(entry.wire(), Reader(source, read)) for entry in corpus.entries(source)]
        for source, read in READ.items()
    }


@pytest.fixture(scope="module")
def review() -> PapersCorpus:
    return PapersCorpus.load(REVIEW)


def test_a_paper_looks_different_in_each_source(tmp_path):
    one = {source: records[0] for source, records in records_of(corpus_of(PAPER, tmp_path)).items()}
    assert {source: record.source_id for source, record in one.items()} == {
        "openalex": "W9900000007",
        "crossref": "10.1108/jica-06-2018-0042",
        "pubmed": "99000007",
        "europepmc": "PMC:PMC99000007",
    }
    assert one["crossref"].title == "System & wide: Leaders"
    assert one["crossref"].other_titles == ["System & wide"]
    assert one["pubmed"].title == one["europepmc"].title == "System wide collaboration"
    assert one["openalex"].authors == ["J. Shand", "M.L.P. MacLeod"]
    assert one["crossref"].authors == ["Shand, J.", "MacLeod, M.L.P."]
    assert one["pubmed"].authors == ["Shand, J", "MacLeod, M L P"]
    assert one["europepmc"].authors == []
    assert (one["openalex"].identifiers.doi, one["crossref"].venue, one["europepmc"].venue) == (None, "J & I", None)
    assert {record.published for record in one.values()} == {"2019"}
    assert one["openalex"].entered == date(2019, 2, 1)


def test_the_wire_forms_are_those_of_the_sources(tmp_path):
    corpus = corpus_of(PAPER, tmp_path)
    work, item, result = (corpus.entries(source)[0].wire() for source in ("openalex", "crossref", "europepmc"))
    assert work["publication_date"] == "2019-01-01"
    assert work["doi"] is None
    assert item["DOI"] == "10.1108/JICA-06-2018-0042"
    assert item["issued"] == {"date-parts": [[2019]]}
    assert result["title"] == "System wide collaboration."
    assert "pmid" not in result
    article = corpus.entries("pubmed")[0].wire()
    assert article.findtext(".//ArticleTitle") == "System wide collaboration."
    assert article.findtext(".//Author/Initials") == "J"


@pytest.mark.parametrize(
    ("change", "position"),
    [
        (("year: 2019", "year: soon"), "papers/0/year"),
        (("key: shand-2019", "kee: shand-2019"), "papers/0/key"),
        (("without: [authors, venue]", "without: [soul]"), "papers/0/sources/europepmc/without/0"),
        (("entered: 2019-01-17", "entered: never"), "papers/0/sources/crossref/entered"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_place(tmp_path, change, position):
    with pytest.raises(Invalid) as caught:
        corpus_of(PAPER.replace(*change), tmp_path)
    assert position in [fault["at"] for fault in caught.value.errors]


def test_a_file_that_is_no_yaml_is_refused(tmp_path):
    with pytest.raises(Invalid, match="is not YAML"):
        corpus_of("papers: [", tmp_path)


def test_the_review_has_its_22_papers_in_two_sources_each_at_least(review):
    carried = Counter(entry.paper.key for source in READ for entry in review.entries(source))
    assert len(carried) == 22
    assert min(carried.values()) >= 2
    assert all(review.entries(source) for source in READ)


def test_the_reviews_papers_enter_in_the_year_of_the_reference_list(review):
    entries = [entry for source in READ for entry in review.entries(source)]
    assert all(entry.entered.year == entry.paper.year for entry in entries)
    years = {entry.paper.key: entry.paper.year for entry in entries}
    assert Counter(years.values()) == {2018: 5, 2019: 3, 2020: 7, 2021: 3, 2022: 4}


def test_every_copy_of_the_reviews_papers_is_a_record_without_an_abstract(review):
    records = [record for records in records_of(review).values() for record in records]
    assert all(isinstance(record, SourceRecord) for record in records)
    assert not any(record.abstract for record in records)
    assert all(record.title and record.authors and record.published for record in records)


def test_the_reviews_made_up_ids_are_told_at_sight(review):
    assert all(entry.copy.id.startswith("W99000000") for entry in review.entries("openalex"))
    assert all(entry.copy.id.startswith("990000") for entry in review.entries("pubmed"))
    assert all(":990000" in entry.copy.id or "PMC990000" in entry.copy.id for entry in review.entries("europepmc"))


def test_some_of_the_reviews_papers_can_only_be_merged_by_title_author_and_year(review):
    groups: dict[str, set[str]] = {}
    for source, records in records_of(review).items():
        for entry, record in zip(review.entries(source), records, strict=True):
            names = {name for name in record.identifiers.model_dump().values() if name}
            alone = not any(names & known for known in groups.values() if known is not groups.get(entry.paper.key))
            assert alone, f"{entry.paper.key} shares an identifier with another paper"
            groups.setdefault(entry.paper.key, set()).update(names)
    apart = {key for key in groups if _needs_its_title(review, key)}
    assert apart == {"urtaran-2018", "kozlowska-2020", "elliott-2020", "bell-2022"}


def _needs_its_title(review: PapersCorpus, key: str) -> bool:
    """Whether some copy of the paper shares no identifier with any other copy of it."""
    copies = [
        {name for name in record.identifiers.model_dump().values() if name}
        for source, records in records_of(review).items()
        for entry, record in zip(review.entries(source), records, strict=True)
        if entry.paper.key == key
    ]
    return any(all(not one & other for other in copies if other is not one) for one in copies)


def test_the_example_of_a_paper_in_the_manual_of_reviews_is_read():
    manual = (Path(__file__).parents[4] / "reviews" / "README.md").read_text(encoding="utf-8")
    (example,) = (text.partition("```")[0] for text in manual.split("```yaml\n") if text.startswith("papers:"))

    (paper,) = PapersFile.model_validate(yaml.safe_load(example)).papers

    assert paper.cites == ["one-2018"] and set(paper.sources) == {"pubmed", "openalex"}
