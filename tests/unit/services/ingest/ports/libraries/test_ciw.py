"""The tagged text of Web of Science, and that of EndNote."""

from __future__ import annotations

import pytest

from services.ingest.ports.libraries.port import Entry, Fault
from services.ingest.ports.sources.port import Notice
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.libraries.reading import entry, opened, read, record

ARTICLE = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Parkes, PS
   Majeed, AP
AF Parkes, Paul S.
   Majeed, Ann P.
TI Interactions stabilizing the core
   complex
SO BIOCHEMISTRY
SE Annals
LA English
DT Article; Proceedings Paper
DE light; harvest
AB Reconstitution with a
   polypeptide.
C1 A university, USA.
CR ALLEN JP, 1986, P NATL ACAD SCI USA
   Arluison W, 2004, BIOCHEMISTRY-US
SN 0006-2960
EI 1932-6203
PU AMER CHEMICAL SOC
JI Biochemistry
PD JUN 8
PY 2004
VL 43
IS 22
BP 7003
EP 7016
AR 107
DI 10.1021/BI049798f
PM 15170338
UT WOS:000221807500019
ER

EF
"""


def test_a_record_of_web_of_science_is_read():
    found = entry(ARTICLE)

    assert (found.record.source_id, found.accession, found.line) == ("WOS:000221807500019", True, 3)
    assert found.record.title == "Interactions stabilizing the core complex"
    assert found.record.abstract == "Reconstitution with a polypeptide."
    assert found.record.authors == ["Parkes, Paul S.", "Majeed, Ann P."]
    assert found.record.identifiers == Identifiers(doi="10.1021/bi049798f", pmid="15170338")
    assert (found.record.venue, found.record.other_venues) == ("BIOCHEMISTRY", ["Annals", "Biochemistry"])
    assert (found.record.volume, found.record.issue, found.record.pages) == ("43", "22", "7003-7016")
    assert (found.record.article_number, found.record.issns) == ("107", ["0006-2960", "1932-6203"])
    assert (found.record.published, found.record.kind, found.record.publisher) == (
        "2004-06-08", "conference_paper", "AMER CHEMICAL SOC",
    )  # fmt: skip
    assert found.fields == {"DE": "light; harvest", "UT": "WOS:000221807500019"}


def test_it_is_known_under_any_name_and_what_lacks_its_end_is_read():
    library = opened(ARTICLE.replace("ER\n", "") + ARTICLE[ARTICLE.index("PT J") :], name="savedrecs.txt")
    one, two = library.entries

    assert (library.format, library.dialect) == ("ciw", "wos")
    assert isinstance(one, Entry) and one.remarks == ("it ends without ER",)
    assert isinstance(two, Entry) and two.remarks == ()


def test_an_abstract_keeps_the_lines_that_were_not_broken_to_fit():
    long = "Methods: " + "we looked again and again, " * 5
    found = record(f"PT J\nTI A title\nAB Background: it is known.\n   {long}\nER\n")

    assert found.abstract == f"Background: it is known.\n{long.strip()}"


def test_a_season_is_no_month_and_what_was_retracted_says_so():
    found = record("PT J\nTI A title\nPD WIN\nPY 2019\nDT Article; Retracted Publication\nUT WOS:1\nER\n")

    assert found.published == "2019"
    assert found.notices == [Notice(kind="retraction", said="Retracted Publication")]


def test_junk_of_web_of_science_is_named():
    found = read("FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nTI One\nER\n\nA note\n\nPT J\nTI Two\nER\nEF\n")

    assert [(it.line, isinstance(it, Fault)) for it in found] == [(3, False), (7, True), (9, False)]


# EndNote


def test_endnotes_own_tags_are_read():
    found = entry(
        "%0 Book Section\n%A Guo, Wenbo\n%A Straub, Detmar W.\n%E Doe, Jane\n%T A chapter\n%B A book\n%D 2021\n"
        "%8 September  1, 2021\n%V 45\n%N 3\n%P 1309-1348\n%@ 978-3-16-148410-0\n%I A press\n%U https://example.org/1\n"
        "%R 10.5555/a\n%X One.\n\nTwo.\n%G English\n%K trust\nsourcing\n%+ A street\n%Z ASReview_relevant\n"
    )

    assert (found.record.title, found.record.venue, found.record.kind) == ("A chapter", "A book", "chapter")
    assert (found.record.authors, found.record.editors) == (["Guo, Wenbo", "Straub, Detmar W."], ["Doe, Jane"])
    assert (found.record.published, found.record.pages, found.record.language) == ("2021-09-01", "1309-1348", "en")
    assert (found.record.isbns, found.record.urls) == (["9783161484100"], ["https://example.org/1"])
    assert (found.record.abstract, found.record.identifiers.doi) == ("One.\nTwo.", "10.5555/a")
    assert found.fields == {"%K": "trust\nsourcing", "%Z": "ASReview_relevant", "asreview": "relevant"}


@pytest.mark.parametrize(
    "text",
    [
        "%T One\n%0 Journal Article\n%A Doe, J\n\n%A Roe, K\n%T Two\n\n%T Three\n",
        "%0 Journal Article\n%T One\n%0 Journal Article\n%T Two\n%T Three\n",
    ],
)
def test_its_records_are_told_apart_by_blank_lines_or_by_how_they_begin(text):
    assert [it.record.title for it in read(text) if isinstance(it, Entry)] == ["One", "Two", "Three"]
