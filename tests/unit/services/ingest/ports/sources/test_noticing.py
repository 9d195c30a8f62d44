"""Notices in the words of the sources, and in titles alone."""

from __future__ import annotations

import pytest

from services.ingest.ports.sources.noticing import linked, of_link, of_title, of_update, with_title
from services.ingest.ports.sources.port import Notice
from shared.events.values import Identifiers

ABSTRACT = "We asked people who lead integrated care what they had seen change, and why they thought it had. " * 4
WORK = "Shared records in rural clinics of the north"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("retraction", "retraction"),
        ("withdrawal", "withdrawal"),
        ("removal", "withdrawal"),
        ("partial_retraction", "partial_retraction"),
        ("correction", "correction"),
        ("corrigendum", "correction"),
        ("Erratum", "correction"),
        ("addendum", "correction"),
        ("clarification", "correction"),
        ("expression-of-concern", "expression_of_concern"),
        ("Expression of Concern", "expression_of_concern"),
        ("retract_and_replace", "replacement"),
        ("new_version", None),
        ("new_edition", None),
        ("polish", None),
        (None, None),
    ],
)
def test_a_type_of_update_is_one_of_our_kinds(word, kind):
    assert of_update(word) == kind


@pytest.mark.parametrize(
    ("word", "link"),
    [
        ("RetractionIn", ("retraction", False)),
        ("Retraction of", ("retraction", True)),
        ("PartialRetractionOf", ("partial_retraction", True)),
        ("Expression of concern in", ("expression_of_concern", False)),
        ("ExpressionOfConcernFor", ("expression_of_concern", True)),
        ("Erratum for", ("correction", True)),
        ("CorrectedandRepublishedIn", ("replacement", False)),
        ("Corrected and republished from", ("replacement", True)),
        ("RetractedandRepublishedFrom", ("replacement", True)),
        ("RepublishedIn", ("correction", False)),
        ("Republished from", ("correction", True)),
        ("UpdateOf", ("correction", True)),
        ("Update in", ("correction", False)),
        ("Comment in", None),
        ("Cites", None),
        ("Preprint in", None),
        ("AssociatedDataset", None),
        ("SummaryForPatientsIn", None),
        ("x" * 10_000, None),
        (None, None),
    ],
)
def test_a_link_between_citations_has_a_kind_and_a_direction(word, link):
    assert of_link(word) == link


def test_a_work_that_a_link_names_twice_is_one_work():
    reference = "J Test. 2015 Mar 3;12(4):55. doi: 10.5555/ORIG.1."
    assert linked("RetractionOf", "555", reference, "pmid:777") == [
        Notice(kind="retraction", of=Identifiers(pmid="555", doi="10.5555/orig.1"), by="pmid:777")
    ]
    assert linked("RetractionOf", None, reference, "pmid:777") == [
        Notice(kind="retraction", of=Identifiers(doi="10.5555/orig.1"), by="pmid:777")
    ]


def test_a_reference_to_two_works_strikes_both():
    (one, other) = linked("RetractionOf", None, "A. doi: 10.5555/a. B. https://doi.org/10.5555/b", "pmid:7")
    assert (one.of, other.of) == (Identifiers(doi="10.5555/a"), Identifiers(doi="10.5555/b"))


def test_a_reference_without_an_identifier_is_kept_as_it_is():
    assert linked("RetractionOf", None, "J Test. 2015;12(4):55", "pmid:777") == [
        Notice(kind="retraction", text="J Test. 2015;12(4):55", by="pmid:777")
    ]
    assert linked("RetractionIn", None, "J Test. 2016;13(1):5", "pmid:555") == [
        Notice(kind="retraction", by="J Test. 2016;13(1):5")
    ]
    assert linked("RetractionOf", None, " ", "pmid:777") == []


def test_what_has_no_kind_of_its_own_says_what_it_is():
    assert linked("UpdateIn", "9", None, "pmid:7") == [Notice(kind="correction", by="pmid:9", said="UpdateIn")]
    (republished,) = linked("Republished from", "9", None, "pmid:7")
    assert (republished.of, republished.said) == (Identifiers(pmid="9"), "Republished from")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        (f"Retraction: {WORK}", "retraction"),
        (f"Retraction – {WORK}", "retraction"),
        (f"Retraction Note: {WORK}", "retraction"),
        (f"Retraction notice to “{WORK}” [J. Care 12 (2020) 55–60]", "retraction"),
        (f"Retraction of: {WORK}", "retraction"),
        (f"Notice of Retraction: {WORK}", "retraction"),
        (f"Statement of Retraction: {WORK}", "retraction"),
        (f"Partial retraction: {WORK}", "partial_retraction"),
        (f"Erratum to: {WORK}", "correction"),
        (f"Erratum to '{WORK}'", "correction"),
        (f"Erratum: {WORK}", "correction"),
        (f"Corrigendum to {WORK}", "correction"),
        (f"Correction to: {WORK}", "correction"),
        (f"Correction to {WORK}", "correction"),
        (f"Correction: {WORK}", "correction"),
        (f"Correction for Okoye et al., {WORK}", "correction"),
        (f"Publisher Correction: {WORK}", "correction"),
        (f"Author's correction: {WORK}", "correction"),
        (f"Publisher’s Erratum: {WORK}", "correction"),
        (f"Addendum: {WORK}", "correction"),
        (f"Expression of concern: {WORK}", "expression_of_concern"),
        (f"Editorial Expression of Concern: {WORK}", "expression_of_concern"),
        (f"Withdrawal: {WORK}", "withdrawal"),
        (f"Notice of withdrawal: {WORK}", "withdrawal"),
    ],
)
def test_a_notices_title_names_the_work_it_strikes(title, kind):
    its_kind, notices = with_title("article", [], title, None, "doi:10.5555/n")
    assert its_kind == "notice"
    assert notices == [Notice(kind=kind, text=WORK, by="doi:10.5555/n", said="its title")]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        (f"RETRACTED: {WORK}", "retraction"),
        (f"Retracted Article: {WORK}", "retraction"),
        (f"[RETRACTED] {WORK}", "retraction"),
        (f"[Retracted Article] {WORK}", "retraction"),
        (f"{WORK} (Retracted article. See vol. 12, pg 55, 2020)", "retraction"),
        (f"{WORK} [Retracted]", "retraction"),
        (f"WITHDRAWN: {WORK}", "withdrawal"),
        (f"REMOVED: {WORK}", "withdrawal"),
        (f"TEMPORARY REMOVAL: {WORK}", "withdrawal"),
        (f"{WORK} (Withdrawn)", "withdrawal"),
    ],
)
def test_a_struck_works_title_says_so_of_itself(title, kind):
    assert with_title("review", [], title, ABSTRACT, "doi:10.5555/a") == (
        "review",
        [Notice(kind=kind, said="its title")],
    )


@pytest.mark.parametrize(
    "title",
    [
        "Correction of scoliosis in children",
        "Correction for attenuation in surveys of staff",
        "Correction to the leading term",
        "Retraction of the tongue under sedation",
        "Withdrawal of life support in intensive care",
        "Withdrawal symptoms in general practice",
        "Removal of a foreign body",
        "Expression of emotional arousal in piglets",
        "Expression of concern among nurses",
        "Corrections officers and their leaders",
        "Withdrawn adolescents in school",
        "Removed from home: children in care",
        "Retracted eyelids after surgery",
        "Errands and their costs",
        "Publisher policies on open data",
        "Update of a guideline on shared records",
        "Why are papers retracted? A review",
        "Trends in retracted publications: a study",
        "Articles that were withdrawn (or never sent)",
        "",
        None,
    ],
)
def test_an_ordinary_works_title_says_nothing(title):
    assert of_title(title, None) is None


@pytest.mark.parametrize(
    "title", ["Withdrawal: a qualitative study", "Retraction: technique and results", "Correction: a new method"]
)
def test_a_title_that_may_be_a_works_counts_where_there_is_no_abstract(title):
    assert of_title(title, ABSTRACT) is None
    assert of_title(title, None) is not None


def test_a_title_adds_nothing_to_what_the_source_says():
    known = [Notice(kind="retraction", of=Identifiers(pmid="5"), by="pmid:7")]
    assert with_title("notice", known, f"Retraction: {WORK}", None, "pmid:7") == ("notice", known)
    assert with_title("notice", known, f"Retracted: {WORK}", None, "pmid:7") == ("notice", known)
    struck = [Notice(kind="retraction", by="pmid:9")]
    assert with_title("article", struck, f"RETRACTED: {WORK}", None, "pmid:7") == ("article", struck)


def test_a_title_that_names_no_work_makes_a_notice_that_strikes_nothing():
    assert with_title("article", [], "Erratum", None, "doi:10.5555/n") == ("notice", [])
    assert with_title("article", [], "Department of Error", None, "doi:10.5555/n") == ("notice", [])
    assert with_title("article", [], "Correction.", None, "doi:10.5555/n") == ("notice", [])


def test_a_title_that_names_a_doi_names_the_work_by_it():
    _, (notice,) = with_title("article", [], "Retraction: 10.5555/ABC", None, "doi:10.5555/n")
    assert (notice.of, notice.text) == (Identifiers(doi="10.5555/abc"), None)


def test_a_hostile_title_is_read_at_once():
    assert of_title("(retracted " * 400, None) is None
    assert of_title("x (" * 2_000 + "retracted", None) is None
