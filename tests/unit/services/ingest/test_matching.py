"""The same work or not: one decision for each way in which sources describe works differently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.evidence import speaks
from services.ingest.domain.matching import cite, decide
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, work

A_DOI = "10.5334/ijic.4684"
T = "Shared records in rural clinics of the north"


def decided(one: dict[str, Any], other: dict[str, Any]):
    return decide(cite(work("crossref", "1", **one)), cite(work("openalex", "2", **other)))


def verdict(one: dict[str, Any], other: dict[str, Any]) -> str:
    return decided(one, other).verdict


def related(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, str | None]:
    decision = decided(one, other)
    return decision.verdict, decision.relation


@pytest.mark.parametrize(
    "spelling",
    [
        LONG_TITLE.upper(),
        "How leadership works in integrated care systems - a realist review.",
        "How “leadership” works in integrated care-systems: a realist review",
        "<i>How</i> leadership works in integrated care systems: a realist review [Review] [33 refs]",
        *(
            struck.format(LONG_TITLE)
            for struck in (
                "RETRACTED ARTICLE: {}",
                "RETRACTED: {}",
                "Retracted article: {}",
                "[Retracted] {}",
                "(Retracted) {}",
                "WITHDRAWN: {}",
                "{} (Retracted)",
                "{} [RETRACTED]",
                "{} - RETRACTED",
                "Temporary removal: {}",
                "{} (Retracted article. See vol. 12, pg. 3, 2001)",
                "RETRACTED ARTICLE {}",
            )
        ),
        *(
            noted.format(LONG_TITLE)
            for noted in (
                "{} [see comments]",
                "{}. [Erratum in: Int J Integr Care. 2019;1(2):3]",
                "[{}]",
                "{} [published erratum appears in Int J Integr Care 2019;12(3):4]",
                "{} (Structured abstract)",
            )
        ),
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


def test_a_preprint_and_its_article_are_two_related_works():
    preprint = {"doi": "10.1101/2018.01.01", "kind": "preprint", "venue": "medRxiv"}

    assert related(preprint, {"doi": A_DOI}) == ("different", "preprint")
    assert related({**preprint, "doi": None}, {"pmid": "7"}) == ("different", "preprint")
    assert related({**preprint, "kind": "article"}, {"doi": A_DOI}) == ("different", "preprint")


def test_what_sources_call_a_work_does_not_matter_under_one_doi():
    assert verdict({"doi": A_DOI, "kind": "preprint"}, {"doi": A_DOI, "kind": "article"}) == "same"


def test_updates_of_a_cochrane_review_stay_apart():
    here = {"venue": "Cochrane Database of Systematic Reviews"}

    assert verdict({**here, "published": "2008"}, {**here, "published": "2012"}) == "different"
    assert verdict(here, {**here, "venue": "Cochrane Database Syst Rev"}) == "maybe"
    one, other = {**here, "doi": "10.1/cd1.pub2"}, {**here, "doi": "10.1/cd1.pub3", "published": "2012"}
    assert verdict(one, other) == "different"
    one, other = (here | {"doi": f"10.1002/14651858.cd002273.pub{version}"} for version in (2, 3))
    assert related(one, other) == ("different", "update")


def test_one_version_of_a_cochrane_review_is_the_same():
    here = {"venue": "Cochrane Database of Systematic Reviews", "pages": "CD002273"}

    assert verdict(here | {"volume": "4"}, here | {"volume": "4", "venue": "Cochrane Database Syst Rev"}) == "same"
    assert verdict(here | {"issue": "4"}, here | {"issue": "2"}) == "maybe"


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


def test_what_came_from_files_may_be_in_them_twice():
    one, other = (cite(work("import:embase", source_id)) for source_id in ("1", "2"))

    assert decide(one, other).verdict == "same"


@pytest.mark.parametrize(
    ("title", "relation"),
    [
        ("{} (Erratum)", "erratum"),
        ("{} [Corrigendum]", "erratum"),
        ("Corrigendum to {}", "erratum"),
        ("Author correction: {}", "erratum"),
        ("Retraction notice to: {}", "erratum"),
        ("Retraction: {}", "erratum"),
        ("Expression of concern: {}", "erratum"),
        ("{} (vol 12, pg 34, 2001)", "erratum"),
        ("[Comment in] {}", "comment"),
        ("Comment on “{}”", "comment"),
        ("Re: {}", "comment"),
        ("{} - Author reply", "comment"),
        ("{} (Review of the book by Ada Okoye)", "review"),
        ("Book review: {}", "review"),
        ("{} (Abstract P-12)", "abstract"),
        ("{}: study protocol", "protocol"),
        ("Protocol for {}", "protocol"),
        ("{}: rationale and design", "protocol"),
        ("{}: an updated systematic review", "update"),
        ("{}: part 2", "part"),
        ("{}: II. Results of the trial", "part"),
        ("{}: five-year follow-up", "part"),
    ],
)
def test_what_is_about_a_work_is_another_that_is_related(title, relation):
    assert related({"title": T}, {"title": title.format(T)}) == ("different", relation)


def test_two_corrections_of_one_work_are_compared_as_they_are_written():
    assert verdict({"title": f"Erratum: {T}"}, {"title": f"Erratum: {T}"}) == "same"
    assert verdict({"title": f"{T}: protocol A"}, {"title": f"{T}: protocol B"}) == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Care for HIV+ mothers in rural clinics", "Care for HIV- mothers in rural clinics"),
        ("Outcomes in Rh+ women in rural clinics", "Outcomes in Rh− women in rural clinics"),
        ("Growth of ApoE+/- mice in rural clinics", "Growth of ApoE-/- mice in rural clinics"),
        ("Care for adults <50 years in rural clinics", "Care for adults &gt;50 years in rural clinics"),
        ("Care for adults ≤65 years in rural clinics", "Care for adults >=65 years in rural clinics"),
        ("Care for scores <20 or >30 in rural clinics", "Care for scores <10 or >30 in rural clinics"),
        ("Hepatitis A vaccination of nurses in clinics", "Hepatitis vaccination of nurses in clinics"),
        ("Attitudes of nurses to patients with dementia", "Attitudes to nurses of patients with dementia"),
        ("Children who die in rural clinics at night", "Children who in rural clinics at night"),
        (
            "Treatment of hypertension in rural clinics of the north",
            "Treatment of hypotension in rural clinics of the north",
        ),
        ("Care for symptomatic patients in rural clinics", "Care for asymptomatic patients in rural clinics"),
        ("ग्रामीण बाल स्वास्थ्य सेवाओं में साझा अभिलेख", "ग्रामीण बल स्वास्थ्य सेवाओं में साझा अभिलेख"),
        ("บริการสุขภาพเด็กในคลินิกชนบท", "บริการสุขภาพเดกในคลินิกชนบท"),
        ("农村诊所共享记录的研究", "城市诊所共享记录的研究"),
    ],
)
def test_what_tells_two_titles_apart_is_not_cut(one, other):
    assert verdict({"title": one}, {"title": other}) == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller Gesundheit für ländliche Praxen", "Mueller Gesundheit fuer laendliche Praxen"),
        ("Große Straßen und kleine Dörfer", "Grosse Strassen und kleine Doerfer"),
        ("Die Rolle der Pflege im ländlichen Raum", "Rolle der Pflege im ländlichen Raum"),
        ("Le rôle des dossiers partagés en clinique", "Rôle des dossiers partagés en clinique"),
        ("ＡＢＣ trial of shared ﬁles in clinics", "ABC trial of shared files in clinics"),
        ("Effects of <i>E. coli</i> on H<sub>2</sub>O in clinics", "Effects of E. coli on H2O in clinics"),
        ("CD4(+) T cells in shared clinics", "CD4+ T cells in shared clinics"),
        ("Care for ≥65 years in rural clinics", "Care for >or=65 years in rural clinics"),
        ("Κοινά αρχεία σε αγροτικές κλινικές", "κοινα αρχεια σε αγροτικες κλινικες"),
        ("مراقبة الصحة في العيادات الريفية", "مُراقَبة الصحة في العيادات الريفية"),
        ("नई माँ की सेवा", "नई माँ की सेवा"),
        ("农村诊所共享记录", "农村诊所共享记录"),
        ("농촌 간호 기록", "농촌 간호 기록"),
    ],
)
def test_one_title_in_two_spellings_is_the_same_in_every_script(one, other):
    left, right = (cite(work(source, "1", title=title, venue=None)) for source, title in (("a", one), ("b", other)))

    assert left.keys & right.keys
    assert decide(left, right).verdict == "same"


def test_titles_in_two_languages_of_one_work_meet():
    spanish = {"title": "Registros compartidos en clínicas rurales del norte", "other_titles": [f"[{T}.]"]}

    assert verdict(spanish, {"title": T}) == "same"
    assert cite(work("a", "1", **spanish)).keys & cite(work("b", "2", title=T)).keys
    assert verdict({"title": f"Registros compartidos en las clínicas rurales; {T}"}, {"title": T}) == "same"


def test_a_translated_title_is_the_same_work_on_the_same_pages():
    spanish = {"title": "Registros compartidos en clínicas rurales del norte"}
    here = {"volume": "12", "pages": "123-30"}

    assert cite(work("a", "1", **here, **spanish)).keys & cite(work("b", "2", **here, title=T)).keys
    assert verdict(here | spanish, {"volume": "12", "pages": "123-130", "title": T}) == "same"
    assert verdict(here | spanish, {"volume": "12", "pages": "131-9", "title": T}) == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"pages": "123-30"}, {"pages": "123-130"}),
        ({"pages": "S12-S15"}, {"pages": "s12-15"}),
        ({"pages": "0123"}, {"pages": "123-9"}),
        ({"pages": "e12345"}, {"article_number": "12345"}),
        ({"pages": "e12345"}, {"pages": "1-9", "article_number": "e12345"}),
        ({"pages": "230-5, 246-51"}, {"pages": "246-51, 230-5"}),
        ({"pages": "13-May"}, {"pages": "5-13"}),
        ({"pages": "12-15", "volume": "65 (Supplement 1)"}, {"pages": "12-15", "volume": "065"}),
    ],
)
def test_the_same_volume_and_page_make_one_work_of_venues_in_two_languages(one, other):
    one, other = ({"volume": "65"} | each for each in (one, other))

    assert verdict(one | {"venue": "Zhonghua Hu Li Za Zhi"}, other | {"venue": "Chinese Journal of Nursing"}) == "same"


def test_other_pages_of_one_year_are_left_to_a_person():
    here = {"volume": "12", "issue": "1"}

    assert verdict(here | {"pages": "3-9"}, here | {"pages": "20-8"}) == "maybe"
    assert verdict(here, {"volume": "13"}) == "maybe"
    assert verdict(here, {"volume": "12", "issue": "2"}) == "maybe"
    assert verdict(here | {"pages": "3-9"}, {"volume": "15", "pages": "20-8", "published": "2021"}) == "different"


def test_a_work_in_press_is_the_same_as_the_printed_one():
    printed = {"volume": "12", "issue": "1", "pages": "123-130"}

    assert verdict({}, printed) == "same"
    assert verdict({"pages": "1-8"}, printed) == "same"
    assert verdict({"pages": "1-8", "volume": "12"}, printed) == "same"
    assert verdict({"published": "2017"}, printed) == "same"


def test_a_meetings_abstract_and_a_second_publication_are_related():
    article = {"volume": "12", "pages": "123-130"}
    elsewhere = {"venue": "Digestive and Liver Disease", "volume": "42"}

    assert related(article, elsewhere | {"pages": "S79"}) == ("different", "abstract")
    assert related(article, elsewhere | {"pages": "79-90"}) == ("different", "republication")


def test_a_number_of_its_journal_makes_venues_one():
    assert verdict({}, {"venue": "IJIC Online"}) == "maybe"
    assert verdict({"issns": ["1568-4156"]}, {"venue": "IJIC Online", "issns": ["1568-4156"]}) == "same"


def test_one_pubmed_id_is_one_record_under_another_title():
    spanish = {"title": "Registros compartidos en clínicas rurales del norte"}

    assert verdict({"pmid": "7"}, {"pmid": "7", **spanish}) == "same"
    assert verdict({"pmid": "7", "doi": "10.1/a"}, {"pmid": "7", "doi": "10.1/b"}) == "same"
    assert verdict({"pmid": "7", "doi": "10.1/a"}, {"pmid": "7", "doi": "10.1/b", **spanish}) == "same"
    assert verdict({"pmid": "7"}, {"pmid": "7", **spanish, "authors": ["Rosa, Ute"]}) == "maybe"


def test_under_one_doi_a_source_may_leave_out_what_a_text_is():
    assert verdict({"doi": A_DOI, "title": T}, {"doi": A_DOI, "title": f"{T}: five-year follow-up"}) == "same"
    assert verdict({"doi": A_DOI, "title": T}, {"doi": A_DOI, "title": f"Erratum: {T}"}) == "maybe"


def test_abstracts_of_one_supplement_are_other_works():
    here = {"doi": A_DOI, "volume": "59"}
    other = {"title": "Digital tools for population health management", "authors": ["Rosa, Ute"]}

    assert verdict(here | {"pages": "S353"}, here | {"pages": "S509"} | other) == "different"


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
                "volume": st.sampled_from([None, "12", "Suppl 2"]),
                "pages": st.one_of(st.none(), st.sampled_from(["1-9", "123-30", "e12"]), st.text(max_size=10)),
                "other_titles": st.lists(st.sampled_from([LONG_TITLE, f"Erratum: {LONG_TITLE}", T]), max_size=2),
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


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("both have the DOI 10.1/a", "for"),
        ("the titles agree", "for"),
        ("1 of 2 authors agree", "for"),
        ("both are of 2019", "for"),
        ("volume and pages agree", "for"),
        ("they are in one journal by its number", "for"),
        ("their DOIs differ: 10.1/a, 10.1/b", "against"),
        ("the titles differ in a word", "against"),
        ("0 of 2 authors agree", "against"),
        ("they are of 2019 and 2021", "against"),
        ("the issues differ", "against"),
        ("only one is a preprint", "against"),
        ("openalex itself keeps them apart", "against"),
        ("authors are missing", "neither"),
        ("one title is the other without its subtitle", "neither"),
        ("lea decided that they are one: I have read both", "neither"),
    ],
)
def test_a_sentence_speaks_for_one_work_or_against_it_or_neither_way(sentence, says):
    assert speaks(sentence) == says
