"""The same work or not: one decision for each way in which sources describe works differently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.matching import cite, decide
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, work

A_DOI = "10.5334/ijic.4684"


def decided(one: dict[str, Any], other: dict[str, Any]):
    return decide(cite(work("crossref", "1", **one)), cite(work("openalex", "2", **other)))


def verdict(one: dict[str, Any], other: dict[str, Any]) -> str:
    return decided(one, other).verdict


@pytest.mark.parametrize(
    "spelling",
    [
        LONG_TITLE.upper(),
        "How leadership works in integrated care systems - a realist review.",
        "How “leadership” works in integrated care-systems: a realist review",
        "<i>How</i> leadership works in integrated care systems: a realist review [Review] [33 refs]",
        "RETRACTED ARTICLE: How leadership works in integrated care systems: a realist review",
    ],
)
def test_a_title_in_another_spelling_is_the_same(spelling):
    assert verdict({}, {"title": spelling}) == "same"


def test_diacritics_greek_letters_and_ligatures_do_not_matter():
    one = {"title": "Œdème, naïve coöperation and β-blockers in Ångström units", "authors": ["Łukasz Müller-Grün"]}
    other = {"title": "Oedeme, naive cooperation and beta-blockers in Angstrom units", "authors": ["Muller-Grun L"]}

    assert verdict(one, other) == "same"


@pytest.mark.parametrize(
    "names",
    [
        ["Nicholson C", "Hepworth J", "Burridge L", "Marley J"],
        ["Caroline Nicholson", "Julie Hepworth", "Letitia H. Burridge", "John E Marley"],
        ["NICHOLSON, C.", "MARLEY, J. E.", "HEPWORTH, J.", "BURRIDGE, L. H."],
        ["C. Nicholson", "J. Hepworth"],
    ],
)
def test_names_in_another_order_or_form_are_the_same_people(names):
    assert verdict({}, {"authors": names}) == "same"


def test_a_missing_subtitle_is_the_same_where_all_else_agrees():
    assert verdict({}, {"title": "How leadership works in integrated care systems"}) == "same"
    assert verdict({}, {"title": "How leadership works in integrated care systems", "published": "2021"}) == "maybe"


def test_a_misspelt_title_is_the_same_where_all_else_agrees():
    assert verdict({}, {"title": "How leadreship works in integrated care systems: a realist review"}) == "same"
    assert verdict({}, {"title": "How leadership works in integrated home systems: a realist review"}) == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Leadership in integrated care systems part 1", "Leadership in integrated care systems part 2"),
        ("Leadership in integrated care systems in 2018", "Leadership in integrated care systems in 2019"),
        ("Leadership in integrated care systems II", "Leadership in integrated care systems III"),
    ],
)
def test_works_of_a_series_stay_apart(one, other):
    assert verdict({"title": one}, {"title": other}) == "different"


@pytest.mark.parametrize("mark", ["Correction to: {}", "Erratum: {}", "Reply to: {}", "{}: protocol for a review"])
def test_a_correction_a_reply_or_a_protocol_is_another_work(mark):
    assert verdict({}, {"title": mark.format(LONG_TITLE)}) == "different"


def test_a_shared_doi_makes_one_work_however_it_is_described():
    other = {
        "title": "How leadership works in integrated care systems",
        "authors": [],
        "published": "2021",
        "venue": None,
    }

    seen = decided({"doi": A_DOI}, {"doi": A_DOI, **other})

    assert seen.verdict == "same"
    assert f"both have the DOI {A_DOI}" in seen.evidence


def test_a_supplements_doi_on_other_titles_is_left_to_a_person():
    seen = decided({"doi": A_DOI}, {"doi": A_DOI, "title": "Digital tools for population health management"})

    assert seen.verdict == "maybe"
    assert "the titles differ" in seen.evidence


def test_identifiers_that_contradict_each_other_are_left_to_a_person():
    assert verdict({"doi": "10.1/a"}, {"doi": "10.1/b"}) == "maybe"
    assert verdict({"pmid": "1", "doi": A_DOI}, {"pmid": "2", "doi": A_DOI}) == "maybe"


def test_two_openalex_ids_do_not_contradict_a_shared_doi():
    assert verdict({"openalex": "W1", "doi": A_DOI}, {"openalex": "W2", "doi": A_DOI}) == "same"


def test_a_preprint_and_its_article_are_two_works_until_a_person_says_otherwise():
    preprint = {"doi": "10.1101/2018.01.01", "kind": "preprint", "venue": "medRxiv"}

    assert verdict(preprint, {"doi": A_DOI}) == "maybe"
    assert verdict({**preprint, "doi": None}, {"pmid": "7"}) == "maybe"


def test_what_sources_call_a_work_does_not_matter_under_one_doi():
    assert verdict({"doi": A_DOI, "kind": "preprint"}, {"doi": A_DOI, "kind": "article"}) == "same"


def test_updates_of_a_cochrane_review_stay_apart():
    here = {"venue": "Cochrane Database of Systematic Reviews"}

    assert verdict({**here, "published": "2008"}, {**here, "published": "2012"}) == "different"
    assert verdict(here, {**here, "venue": "Cochrane Database Syst Rev"}) == "maybe"
    one, other = {**here, "doi": "10.1/cd1.pub2"}, {**here, "doi": "10.1/cd1.pub3", "published": "2012"}
    assert verdict(one, other) == "different"


def test_the_same_title_in_another_venue_is_left_to_a_person():
    assert verdict({}, {"venue": "Meeting abstracts of the Society for Social Medicine"}) == "maybe"


@pytest.mark.parametrize(
    "venue",
    ["Int J Integr Care", "International journal of integrated care : IJIC", "Intl. Journal of Integrated Care"],
)
def test_a_venue_in_another_form_is_the_same(venue):
    assert verdict({}, {"venue": venue}) == "same"


def test_a_repository_is_no_venue():
    assert verdict({}, {"venue": "DOAJ (DOAJ: Directory of Open Access Journals)"}) == "same"


def test_a_work_printed_a_year_after_it_appeared_online_is_the_same():
    assert verdict({}, {"published": "2019"}) == "same"
    assert verdict({}, {"published": "2019", "authors": PEOPLE[:3]}) == "maybe"
    assert verdict({}, {"published": "2019", "venue": None}) == "maybe"


@pytest.mark.parametrize("title", ["Abstracts", "Editorial", "Book reviews", "Poster presentations", "In this issue"])
def test_a_title_that_is_about_nothing_needs_an_identifier(title):
    assert verdict({"title": title}, {"title": title}) != "same"
    assert not [key for key in cite(work("crossref", "1", title=title)).keys if not key.startswith("doi:")]
    assert verdict({"title": title, "doi": A_DOI}, {"title": title, "doi": A_DOI}) == "same"


def test_the_shorter_a_title_the_more_must_agree():
    assert verdict({"title": "Pleural disease"}, {"title": "Pleural disease"}) == "same"
    assert verdict({"title": "Pleural disease"}, {"title": "Pleural disease", "venue": None}) == "maybe"
    assert verdict({}, {"venue": None}) == "same"


def test_without_authors_a_title_is_only_a_reason_to_look():
    assert verdict({}, {"authors": []}) == "maybe"
    assert verdict({}, {"authors": ["Anonymous"]}) == "maybe"
    assert verdict({"title": "Pleural disease"}, {"title": "Pleural disease", "authors": []}) == "different"


def test_other_authors_are_another_work():
    assert verdict({}, {"authors": ["Rosa, Ute"], "venue": None}) == "different"


def test_an_untitled_work_needs_authors_beside_its_identifier():
    assert verdict({"doi": A_DOI}, {"doi": A_DOI, "title": None}) == "same"
    assert verdict({"doi": A_DOI}, {"doi": A_DOI, "title": None, "authors": []}) == "maybe"
    assert verdict({}, {"title": None}) == "different"


def test_what_one_source_lists_twice_is_left_to_a_person():
    one, other = (cite(work("openalex", source_id)) for source_id in ("W1", "W2"))

    assert decide(one, other).verdict == "maybe"
    assert "openalex itself keeps them apart" in decide(one, other).evidence


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "title": st.one_of(st.none(), st.text(max_size=60), st.sampled_from([LONG_TITLE, "Editorial"])),
                "authors": st.lists(st.one_of(st.text(max_size=20), st.sampled_from(PEOPLE)), max_size=4),
                "venue": st.one_of(st.none(), st.text(max_size=30)),
                "published": st.sampled_from([None, "2018", "2019-04", "2021-05-06"]),
                "doi": st.sampled_from([None, "10.1/a", "10.1/b"]),
            }
        ),
        min_size=2,
        max_size=2,
    )
)
def test_a_decision_has_evidence_and_does_not_depend_on_who_is_asked_first(pair):
    one, other = cite(work("crossref", "1", **pair[0])), cite(work("pubmed", "2", **pair[1]))

    assert decide(one, other) == decide(other, one)
    assert all(decide(one, other).evidence)


@settings(deadline=None)
@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_what_is_the_same_is_always_found(title, authors):
    one = cite(work("crossref", "1", title=title, authors=authors))
    other = cite(work("pubmed", "2", title=title, authors=authors))

    if decide(one, other).verdict != "different":
        assert one.keys & other.keys
