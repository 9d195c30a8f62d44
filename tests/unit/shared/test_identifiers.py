"""Identifiers in one form, however they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import identifiers


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10.1108/JICA-07-2021-0040", "10.1108/jica-07-2021-0040"),
        ("https://doi.org/10.5334/IJIC.4684", "10.5334/ijic.4684"),
        ("http://dx.doi.org/10.1016/S0140-6736(24)02600-X", "10.1016/s0140-6736(24)02600-x"),
        ("doi: 10.1000/abc", "10.1000/abc"),
        ("https://doi.org/10.1002%2Fabc", "10.1002/abc"),
        ("https://DOI.org/10.1000/abc?utm_source=x&y=1#section", "10.1000/abc"),
        ("https://doi.org/doi:10.1000/abc", "10.1000/abc"),
        ("http://www.doi.org/10.1000/abc", "10.1000/abc"),
        ("doi.org/10.1000/abc", "10.1000/abc"),
        ("https://doi-org.proxy.example.edu/10.1000/abc", "10.1000/abc"),
        ("DOI 10.1000/ABC.", "10.1000/abc"),
        ("info:doi/10.1000/abc", "10.1000/abc"),
        ("10.1000/abc.,;", "10.1000/abc"),
        ("(10.1000/abc)", "10.1000/abc"),
        ("10.1000/abc)", "10.1000/abc"),
        ("[10.1000/a(b)c]", "10.1000/a(b)c"),
        ("10.1016/S0140-6736(24)01653-2.", "10.1016/s0140-6736(24)01653-2"),
        ("\u201c10.1000/abc\u201d", "10.1000/abc"),
        ('"10.1000/abc"', "10.1000/abc"),
        ("10.1000%2Fabc", "10.1000/abc"),
        (
            "10.1002/1521-4095(200010)12:20%3C1539::AID-ADMA1539%3E3.0.CO;2-S",
            "10.1002/1521-4095(200010)12:20<1539::aid-adma1539>3.0.co;2-s",
        ),
        ("https://doi.org/10.1002/a(1)1:1<1::AID-X>3.0.CO;2-#", "10.1002/a(1)1:1<1::aid-x>3.0.co;2-#"),
        ("10.1002/x&lt;1&gt;y", "10.1002/x<1>y"),
        ("10.1000 / abc", "10.1000/abc"),
        ("10.1000/a\u200bb\u2010c", "10.1000/ab-c"),
        ("https://example.org/10.1000/abc", None),
        ("10.1000/.", None),
        ("10.1000/abc and more", None),
        ("10.1016/j. socscimed", None),
        ("ijic.4684", None),
        ("", None),
        (None, None),
        (10.5, None),
        ("10.1000/" + "x" * 400, None),
    ],
)
def test_a_doi_is_lower_case_without_its_resolver(written, read):
    assert identifiers.doi(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [("30108519", "30108519"), (30108519, "30108519"), ("https://pubmed.ncbi.nlm.nih.gov/10601965", "10601965")],
)
def test_a_pmid_is_digits(written, read):
    assert identifiers.pmid(written) == read
    assert identifiers.pmid("PMC12") is None
    assert identifiers.pmid("0") is None
    assert identifiers.pmid(None) is None


@pytest.mark.parametrize(
    "written", ["PMC64646", "64646", "https://www.ncbi.nlm.nih.gov/pmc/articles/64646", "pmc64646.2"]
)
def test_a_pmcid_has_its_prefix_and_no_version(written):
    assert identifiers.pmcid(written) == "PMC64646"


def test_an_openalex_id_is_a_w_number():
    assert identifiers.openalex("https://openalex.org/W4288083134") == "W4288083134"
    assert identifiers.openalex("https://openalex.org/A1") is None


@pytest.mark.parametrize("text", ["10.1234/a\0b", "10.1234/a b", "10.١٢٣٤/a", "10.1234/" + "x" * 300, "10.1234/\x1f"])
def test_a_doi_holds_nothing_that_an_index_cannot_keep(text):
    assert identifiers.doi(text) is None


@pytest.mark.parametrize("hostile", ["doi:" * 500, "(" * 2000, "10.1000/" + ")" * 1900, "%25" * 600, "&amp;" * 400])
def test_a_hostile_doi_is_none(hostile):
    assert identifiers.doi(hostile) is None


@pytest.mark.parametrize(
    ("reference", "dois"),
    [
        ("J Test. 2015 Mar 3;12(4):55. doi: 10.5555/orig.1", ["10.5555/orig.1"]),
        ("Lancet. 2024;404:1227. DOI:10.1016/S0140-6736(24)01653-2.", ["10.1016/s0140-6736(24)01653-2"]),
        ("See https://doi.org/10.5555/a, and (10.5555/B); 10.5555/a.", ["10.5555/a", "10.5555/b"]),
        ("J Test. 2015;12(4):55", []),
    ],
)
def test_dois_are_found_in_a_reference(reference, dois):
    assert list(identifiers.dois_in(reference)) == dois


def test_pubmed_ids_are_found_where_a_reference_names_them():
    assert list(identifiers.pmids_in("J Test. 2015. [PMID: 555]; PMID 77 and 88")) == ["555", "77"]


@given(st.text(alphabet="0123456789Xx- \n\r٠²①.,:", max_size=20))
def test_whatever_stands_for_a_number_of_a_book_or_journal_is_one_or_none(text):
    for number in (identifiers.isbn(text), identifiers.issn(text)):
        assert number is None or number.replace("-", "").isascii()
