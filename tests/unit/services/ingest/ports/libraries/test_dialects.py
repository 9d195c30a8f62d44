"""By whom a file was made, and what was decided in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.libraries.dialects import accession_of, decisions_of, dialect_of, noted


@pytest.mark.parametrize(
    ("head", "dialect"),
    [
        ("TY  - JOUR\nDB  - Scopus\n", "scopus"),
        ("TY  - JOUR\nAN  - WOS:000444108200009\n", "wos"),
        ("FN Clarivate Analytics Web of Science\nVR 1.0\n", "wos"),
        ("TY  - JOUR\nU2  - L373791783\nDB  - Embase\n", "embase"),
        ("<1>\nVN  - Ovid Technologies\n", "ovid"),
        ("Record #1 of 6\nTY  - JOUR\nAN  - CN-01234567\n", "cochrane"),
        ("TY  - JOUR\nDB  - ProQuest Dissertations & Theses Global\n", "proquest"),
        ("TY  - JOUR\nDP  - EBSCOhost\n", "ebsco"),
        ("\nPMID- 30689646\nOWN - NLM\n", "pubmed"),
        ("\nOWN - ERIC\nTI  - A title\n", "eric"),
        ("TY  - JOUR\nDA  - 2019///\nPY  - 2019\n", "zotero"),
        ("TY  - JOUR\nTI  - A title\nID  - 369\nER  - \n", "endnote"),
        ("TY  - JOUR\nL1  - file:///home/ana/a.pdf\n", "mendeley"),
        ("TY  - JOUR\nID  - Covidence #12\n", "covidence"),
        ("Covidence #,Study,Title\n", "covidence"),
        ("TY  - JOUR\nAN  - rayyan-264552525\n", "rayyan"),
        ("TY  - JOUR\nDB  - Scopus\nN1  - ASReview_relevant\n", "asreview"),
        ("TY  - JOUR\nTI  - A title\nAB  - We searched MEDLINE, Web of Science and Embase in Covidence.\n", None),
    ],
)
def test_a_file_shows_who_made_it(head, dialect):
    assert dialect_of(head) == dialect


def test_what_rayyan_says_is_read_by_person_in_every_way_it_writes_it():
    assert decisions_of(
        [
            'RAYYAN-INCLUSION: {"Ana Ruiz"=>"Excluded", "Ben"=>"Included"} | RAYYAN-LABELS: a,b | '
            'RAYYAN-EXCLUSION-REASONS: wrong outcome,foreign language | USER-NOTES: {"Ben"=>["look again", "later"]}',
            "<p>RAYYAN-LABELS: second</p>",
        ]
    ) == {
        "rayyan.inclusion.Ana Ruiz": "Excluded",
        "rayyan.inclusion.Ben": "Included",
        "rayyan.labels": "a,b",
        "rayyan.exclusion_reasons": "wrong outcome,foreign language",
        "rayyan.user_notes.Ben": 'look again", "later',
    }


def test_what_asreview_and_covidence_say_is_read():
    assert decisions_of(["Notes 1. ASReview_relevant. Notes 2.", "ASReview_prior"]) == {
        "asreview": "relevant",
        "asreview.prior": "yes",
    }
    assert decisions_of(["ASReview_not_seen"]) == {"asreview": "not_seen"}
    assert decisions_of(["Covidence #1234"]) == {"covidence.number": "1234"}
    assert decisions_of(["screened in Covidence 2021", "no decision"]) == {}


def test_the_database_makes_a_number_one():
    assert accession_of(["30689646"], [], ["Embase"]) == "Embase:30689646"
    assert accession_of(["30689646"], [], []) is None
    assert accession_of([], ["https://lens.org/106-059-195-106-980"], []) == "106-059-195-106-980"
    assert accession_of(["see above"], [], ["psyh"]) == "psyh:see"


@given(
    decisions=st.dictionaries(
        st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
        st.text(st.characters(exclude_characters="|", exclude_categories=["Cs", "Cc"]), min_size=1),
        max_size=4,
    )
)
def test_decisions_that_were_noted_are_read_again(decisions):
    said = {name: " ".join(value.split()) for name, value in decisions.items()}

    assert decisions_of([noted(decisions)]) == {f"living.{name}": value for name, value in said.items() if value}


@given(note=st.text())
def test_no_note_breaks_the_reading(note):
    decisions_of([note, f"RAYYAN-{note}", f"RAYYAN-INCLUSION: {note}", f'USER-NOTES: {{"{note}"=>["{note}"]}}'])
