"""The canonical description: which source gives which field, whatever came first."""

from __future__ import annotations

from itertools import permutations

import pytest

from services.ingest.domain.description import Contribution, changes, describe
from tests.unit.services.ingest.rig import LONG_TITLE, PEOPLE, work

CROSSREF = work("crossref", "10.1/a", doi="10.1/a", published="2018-03", abstract="Cut.", authors=PEOPLE[:1])
PUBMED = work("pubmed", "7", pmid="7", published="2018-03-08", kind="review", language="en", authors=PEOPLE)
EUROPEPMC = work("europepmc", "MED:7", pmid="7", pmcid="PMC1", abstract="All of the abstract.", published="2018")
OPENALEX = work("openalex", "W1", openalex="W1", abstract="All of the abstract, rebuilt.", venue=None)


def description(*records):
    return describe(Contribution(record, f"run_{record.source}") for record in records)


@pytest.mark.parametrize("order", list(permutations([CROSSREF, PUBMED, EUROPEPMC, OPENALEX])))
def test_the_order_of_arrival_does_not_matter(order):
    assert description(*order) == description(CROSSREF, PUBMED, EUROPEPMC, OPENALEX)


def test_each_field_comes_from_the_source_trusted_most_for_it_and_says_so():
    described = description(CROSSREF, PUBMED, EUROPEPMC, OPENALEX)

    assert described.abstract == "All of the abstract."
    assert described.authors == PEOPLE
    assert described.published == "2018-03-08"
    assert described.kind == "review"
    assert described.identifiers.model_dump() == {"doi": "10.1/a", "pmid": "7", "pmcid": "PMC1", "openalex": "W1"}
    assert described.provenance == {
        "title": "crossref:10.1/a",
        "abstract": "europepmc:MED:7",
        "authors": "pubmed:7",
        "venue": "crossref:10.1/a",
        "published": "pubmed:7",
        "kind": "pubmed:7",
        "language": "pubmed:7",
        "identifiers.doi": "crossref:10.1/a",
        "identifiers.pmid": "pubmed:7",
        "identifiers.pmcid": "europepmc:MED:7",
        "identifiers.openalex": "openalex:W1",
    }
    assert [one.run for one in described.sources] == ["run_crossref", "run_europepmc", "run_openalex", "run_pubmed"]


def test_a_title_without_its_subtitle_gives_way_to_the_whole():
    short = CROSSREF.model_copy(update={"title": "How leadership works"})

    assert description(short, OPENALEX).title == LONG_TITLE


def test_a_missing_value_is_missing_and_has_no_provenance():
    described = description(work("crossref", "1", None, authors=[], venue=None, published=None, kind="other"))

    assert (described.title, described.abstract, described.authors, described.published) == (None, None, [], None)
    assert set(described.provenance) == {"kind"}


def test_where_it_is_in_its_venue_is_told_by_the_source_that_tells_most_of_it():
    ahead = CROSSREF.model_copy(update={"volume": "12"})
    printed = PUBMED.model_copy(update={"volume": "12(1)", "issue": "3", "pages": "123-30"})

    described = description(ahead, printed)

    assert (described.volume, described.issue, described.pages) == ("12(1)", "3", "123-30")
    assert described.provenance["volume"] == described.provenance["pages"] == "pubmed:7"
    assert "article_number" not in described.provenance


def test_of_sources_that_tell_as_much_of_it_most_decide_and_the_date_goes_with_it():
    odd = work("import:aaa", "1", volume="20", issue="4", pages="1-24", published="2021")
    scopus = work("import:scopus", "2", volume="20", issue="4", pages="661-684", published="2022")
    pubmed = work("import:pubmed", "3", volume="20", issue="4", pages="661-684", published="2022")

    described = description(odd, scopus, pubmed)

    assert (described.pages, described.published) == ("661-684", "2022")
    assert described.provenance["pages"] == described.provenance["published"] == "import:pubmed:3"


def test_a_file_of_a_database_is_trusted_as_the_database_is_and_after_it():
    brought = work("import:pubmed", "7", venue="Journal of Files")
    other = work("import:aaa", "8", venue="Journal of Others")

    assert description(other, brought).venue == "Journal of Files"
    assert description(other, brought, PUBMED).provenance["venue"] == "pubmed:7"


def test_further_titles_are_those_of_all_sources_each_once():
    first = CROSSREF.model_copy(update={"other_titles": ["Liderar", LONG_TITLE.upper()]})
    second = PUBMED.model_copy(update={"other_titles": ["LIDERAR.", "Führen"]})

    described = description(first, second)

    assert described.other_titles == ["Liderar", "Führen"]
    assert described.provenance["other_titles.0"] == "crossref:10.1/a"
    assert described.provenance["other_titles.1"] == "pubmed:7"


def test_keywords_are_those_of_all_sources_one_source_after_the_other_each_once():
    described = description(
        PUBMED.model_copy(update={"keywords": ["Leadership", "Humans"]}),
        OPENALEX.model_copy(update={"keywords": ["LEADERSHIP", "humans"]}),
        CROSSREF.model_copy(update={"keywords": ["Trust", "humans"]}),
    )

    assert described.keywords == ["Trust", "humans", "Leadership"]
    provenance = {name: said for name, said in described.provenance.items() if name.startswith("keywords")}
    assert provenance == {"keywords.0": "crossref:10.1/a", "keywords.2": "pubmed:7"}


def test_a_description_has_no_more_keywords_than_a_work_may_have():
    crowd = [work("crossref", f"{n}", keywords=[f"{n} {word}" for word in range(150)]) for n in range(2)]

    assert len(description(*crowd).keywords) == 200


def test_keywords_in_another_order_are_no_change():
    before = description(PUBMED.model_copy(update={"keywords": ["a", "b"]}))

    assert changes(before, before.model_copy(update={"keywords": ["b", "a"]})) == []
    assert changes(before, before.model_copy(update={"keywords": ["b"]})) == ["keywords"]


def test_numbers_addresses_and_the_publisher_come_from_the_first_source_that_has_them():
    described = description(
        PUBMED.model_copy(update={"issns": ["1555-5275"], "editors": ["Okoye, Ada"]}),
        EUROPEPMC.model_copy(
            update={"publisher": "Care", "urls": ["https://care.example/a"], "isbns": ["9780306406157"]}
        ),
    )

    assert (described.issns, described.isbns) == (["1555-5275"], ["9780306406157"])
    assert (described.publisher, described.urls) == ("Care", ["https://care.example/a"])
    assert described.editors == ["Okoye, Ada"]
    assert described.provenance["publisher"] == "europepmc:MED:7"


def test_changes_are_named():
    before, after = description(CROSSREF), description(CROSSREF, PUBMED)

    assert changes(before, before) == []
    assert set(changes(before, after)) >= {"authors", "published", "identifiers", "sources"}
    assert "title" not in changes(before, after)


def test_what_a_person_typed_is_trusted_last_of_all():
    typed = work("added:website", "work_1", abstract="As it was typed there.", venue="A website")
    doaj = work("doaj", "d1", abstract="As it is in the journal.", venue="Journal of Shared Care")

    described = description(typed, doaj)

    assert (described.abstract, described.venue) == ("As it is in the journal.", "Journal of Shared Care")


def test_it_is_restricted_where_one_of_them_is():
    account = work("added:contact", "addition_1", restricted=True)

    assert description(account, CROSSREF).restricted
    assert not description(CROSSREF).restricted and "restricted" not in CROSSREF.model_dump()
