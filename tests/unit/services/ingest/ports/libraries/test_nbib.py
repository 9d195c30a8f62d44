"""NBIB of PubMed, with its links to other citations, and the forms of it that ERIC and Ovid have."""

from __future__ import annotations

from datetime import date

import pytest

from services.ingest.ports.libraries.catalog import WRITERS, lacks_of
from services.ingest.ports.libraries.port import Entry, Exported, Fault
from services.ingest.ports.sources.port import Notice
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.libraries.reading import entry, opened, read, record

CITATION = """
PMID- 30689646
OWN - NLM
STAT- In-Data-Review
LR  - 20190128
IS  - 1932-6203 (Electronic)
VI  - 14
IP  - 1
DP  - 2019 Feb
TI  - Changes between 2000 and 2015 in the Plateau: A
      response to restoration.
PG  - e0209483
LID - 10.1371/journal.pone.0209483 [doi]
LID - S0140-6736(19)30001-1 [pii]
AB  - The Plateau is one of
      the most severe areas.
FAU - Wu, Dan
AU  - Wu D
AD  - An institute.
CN  - The Plateau Group
LA  - eng
PT  - Journal Article
PT  - Review
DEP - 20190128
TA  - PLoS One
JT  - PloS one
PMC - PMC6349315
EDAT- 2019/01/29 06:00
OT  - grassland
"""


def test_a_citation_of_pubmed_is_read_as_pubmed_itself_has_it():
    found = entry(CITATION)

    assert (found.record.source_id, found.accession, found.line) == ("30689646", True, 2)
    assert found.record.title == "Changes between 2000 and 2015 in the Plateau: A response to restoration"
    assert found.record.abstract == "The Plateau is one of the most severe areas."
    assert found.record.authors == ["Wu, Dan", "The Plateau Group"]
    assert found.record.identifiers == Identifiers(
        doi="10.1371/journal.pone.0209483", pmid="30689646", pmcid="PMC6349315"
    )
    assert (found.record.venue, found.record.other_venues, found.record.issns) == (
        "PloS one",
        ["PLoS One"],
        ["1932-6203"],
    )
    assert (found.record.volume, found.record.issue, found.record.pages) == ("14", "1", "e0209483")
    assert (found.record.published, found.record.kind, found.record.language) == ("2019-01-28", "review", "en")
    assert (found.record.entered, found.record.updated) == (date(2019, 1, 29), date(2019, 1, 28))
    assert found.fields == {"OWN": "NLM", "PT": "Journal Article\nReview", "OT": "grassland"}


@pytest.mark.parametrize(
    ("link", "notices"),
    [
        ("RIN - J Foo. 2020;1(1):1. PMID: 123", [Notice(kind="retraction", by="pmid:123")]),
        ("ROF - J Foo. 2018;1(1):1. PMID: 45", [Notice(kind="retraction", of=Identifiers(pmid="45"), by="pmid:1")]),
        ("EIN - J Foo. 2020;1(2):9. PMID: 123", [Notice(kind="correction", by="pmid:123")]),
        ("ECI - J Foo. 2020;1(2):9. PMID: 123", [Notice(kind="expression_of_concern", by="pmid:123")]),
        ("EFR - J Foo. doi: 10.5555/x", [Notice(kind="correction", of=Identifiers(doi="10.5555/x"), by="pmid:1")]),
        ("CIN - J Foo. 2020;1(2):9. PMID: 123", []),
        ("PT  - Retracted Publication", [Notice(kind="retraction")]),
    ],
)  # fmt: skip
def test_what_pubmed_says_of_published_reports_is_heard(link, notices):
    assert record(f"PMID- 1\nTI  - A title.\n{link}\n").notices == notices


def test_citations_are_told_apart_by_blank_lines_and_by_their_numbers():
    found = read(
        "PMID- 1\nTI  - One.\n\nPMID- 2\nTI  - Two.\nPMID- 3\nTI  - Three.\n\n\nStray words\n\nPMID- 4\nTI  - Four."
    )

    assert [it.record.title for it in found if isinstance(it, Entry)] == ["One", "Two", "Three", "Four"]
    assert [it.line for it in found if isinstance(it, Entry)] == [1, 4, 6, 12]
    assert [(it.line, it.is_record) for it in found if isinstance(it, Fault)] == [(10, False)]


def test_a_translated_title_is_bare_and_its_own_stands_beside_it():
    found = record("PMID- 1\nOWN - NLM\nTI  - [Leading teams].\nTT  - Teams leiten.\nLA  - ger\n")

    assert (found.title, found.other_titles, found.language) == ("Leading teams", ["Teams leiten"], "de")


def test_eric_has_numbers_and_addresses_of_its_own():
    found = entry(
        "\nOWN - ERIC\nTI  - Paper title.\nAU  - Smith, Tom\nJT  - A journal\nAID - http://dx.doi.org/10.1000/123\n"
        "OID - EJ1131633\nVI  - 10\nPG  - 1-9\nDP  - 2000\nISSN - ISSN-0028-0836\nLA  - English\n"
        "PT  - Journal Articles\n"
    )

    assert (found.record.source_id, found.record.title) == ("ERIC:EJ1131633", "Paper title.")
    assert (found.record.identifiers.doi, found.record.issns) == ("10.1000/123", ["0028-0836"])
    assert (found.record.kind, found.record.language) == ("article", "en")


def test_ovid_numbers_its_citations_in_the_file():
    library = opened(
        "<1>\nVN  - Ovid Technologies\nDB  - Embase\nAN  - 2001234567\nTI  - One\nAU  - Smith J\nJN  - A journal\n"
        "YR  - 2020\n\n"
        "<2>\nVN  - Ovid Technologies\nDB  - Ovid MEDLINE(R)\nUI  - 30689646\nTI  - Two\nLG  - English\n"
    )
    one, two = (it for it in library.entries if isinstance(it, Entry))

    assert (library.format, library.dialect) == ("nbib", "ovid")
    assert (one.record.source_id, one.record.venue, one.record.published) == ("Embase:2001234567", "A journal", "2020")
    assert (two.record.source_id, two.record.identifiers.pmid, two.line) == ("30689646", "30689646", 10)


def test_what_is_written_is_as_pubmed_writes_it():
    bibliography = Bibliography(
        title="A title.", abstract="One.\nTwo.", authors=["Doe, Jane"], language="de", published="2019-04-01",
        kind="article", identifiers=Identifiers(doi="10.5555/a", pmid="1"), urls=["https://example.org"],
    )  # fmt: skip

    (body,) = WRITERS["nbib"]([Exported("rec_1", bibliography, {"stage": "full_text"})])

    assert body.decode().split("\r\n") == [
        "PMID- 1", "OWN - LIVING", "DP  - 2019 Apr 1", "TI  - A title.", "LID - 10.5555/a [doi]", "AB  - One.",
        "AB  - Two.", "FAU - Doe, Jane", "LA  - ger", "PT  - Journal Article",
        "GN  - LIVING-RECORD: rec_1 | LIVING-STAGE: full_text", "", "",
    ]  # fmt: skip
    assert entry(body).fields["living.stage"] == "full_text"
    assert lacks_of("nbib") == {"urls", "article_number", "openalex", "databases"}
