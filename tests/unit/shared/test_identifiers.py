"""Identifiers in one form, however they were written."""

from __future__ import annotations

import pytest

from shared import identifiers


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10.1108/JICA-07-2021-0040", "10.1108/jica-07-2021-0040"),
        ("https://doi.org/10.5334/IJIC.4684", "10.5334/ijic.4684"),
        ("http://dx.doi.org/10.1016/S0140-6736(24)02600-X", "10.1016/s0140-6736(24)02600-x"),
        ("doi: 10.1000/abc", "10.1000/abc"),
        ("https://doi.org/10.1002%2Fabc", "10.1002/abc"),
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
