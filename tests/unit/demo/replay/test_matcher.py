"""What the replay's matcher understands of a strategy, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.replay.corpus import Text
from demo.replay.matcher import Notation, QuerySyntax, everywhere, normalise, parse

NOTATION = Notation(
    fields={"": everywhere, "ti": lambda text: text.title, "journal": lambda text: text.venue},
    dates={"first_idate": lambda entry: entry.entered},
)


@dataclass(frozen=True)
class Paper:
    title: str = "Collaborative governance: health leaders' trust"
    venue: str = "Journal of Integrated Care"
    key: str = "1"
    published: date = date(2020, 1, 1)
    entered: date = date(2020, 2, 11)

    def text(self) -> Text:
        return Text(title=self.title, venue=self.venue)

    def wire(self) -> None:
        return None


def matches(query: str, **paper) -> bool:
    return parse(query, NOTATION)(Paper(**paper))


@pytest.mark.parametrize(
    "query",
    [
        "governance",
        "GOVERNANCE",
        '"collaborative governance"',
        '"collaborative governance health"',
        "collab*",
        '"collaborative gov*"',
        "integrated care",
        "cartilage OR trust",
        "governance AND trust",
        "(cartilage OR governance) AND (bone OR trust)",
        "governance NOT cartilage",
        "cartilage OR governance trust",
        "governance[ti]",
        "integrated[journal] AND governance[ti]",
        "JOURNAL:integrated",
        'JOURNAL:"integrated care"',
        "JOURNAL:(cartilage OR integrated)",
        "leaders",
        "leaders'",
        '"trust governance"[ti:~2]',
        '"Governance Collaborative"[ti:~0]',
        '"trust governance"~2 AND leaders',
        "FIRST_IDATE:[2020-02-11 TO 2020-02-11]",
        "(trust) AND FIRST_IDATE:[2020-01-01 TO 2020-12-31]",
    ],
)
def test_these_strategies_find_the_paper(query):
    assert matches(query)


@pytest.mark.parametrize(
    "query",
    [
        "govern",
        '"governance collaborative"',
        '"trust governance"[ti:~1]',
        '"trust cartilage"[ti:~9]',
        '"trust governance"~1',
        "governance AND cartilage",
        "NOT governance",
        "integrated[ti]",
        "JOURNAL:governance",
        "cartilage OR governance bone",
        "FIRST_IDATE:[2020-02-12 TO 2020-12-31]",
        '"*"[journal] AND cartilage',
        '""',
    ],
)
def test_these_do_not(query):
    assert not matches(query)


def test_accents_and_punctuation_do_not_matter():
    assert matches('"nuno solinis inter organisational"', title="Nuño-Solinís: inter-organisational")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "at the end"),
        ("(governance", "not closed"),
        ("governance)", "nothing was expected"),
        ("governance AND", "at the end"),
        ("governance[mesh]", "no field 'mesh'"),
        ("MESH:governance", "no field 'MESH'"),
        ('"governance', "cannot be read"),
        ("AND governance OR", "at the end"),
        ("FIRST_IDATE:[2020 TO 2021]", "not a range of dates"),
        ("NEVER:[2020-01-01 TO 2021-01-01]", "not a range of dates"),
        ("[ti]", "a term was expected"),
        ("(" * 60 + "a" + ")" * 60, "deeper than"),
    ],
)
def test_what_cannot_be_read_is_refused(query, message):
    with pytest.raises(QuerySyntax, match=message):
        parse(query, NOTATION)


@given(st.text(max_size=60))
def test_any_text_is_matched_or_refused(query):
    try:
        found = matches(query)
    except QuerySyntax:
        return
    assert found in {True, False}


@given(st.sampled_from(["governance", "trust", "cartilage"]), st.sampled_from(["leaders", "bone"]))
def test_operators_obey_the_laws_of_logic(one, other):
    assert matches(f"NOT ({one} OR {other})") == matches(f"(NOT {one}) AND (NOT {other})")


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)
