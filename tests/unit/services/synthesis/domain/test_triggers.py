"""The rules that say when a review needs another look."""

from __future__ import annotations

from services.synthesis.domain import triggers
from services.synthesis.domain.triggers import fired
from tests.unit.services.synthesis.domain.test_changes import statement

NONE = dict.fromkeys(("context", "resource", "reasoning", "outcome"), "none")


def rules(before, after) -> set[tuple[str, str]]:
    return {(one.rule, one.subject) for one in fired(before, after)}


def test_a_new_contradiction_or_bound_fires_once_it_is_not_published_yet():
    doubted = statement(challenges=["l1"], elements=NONE)

    assert rules(None, doubted) == {(triggers.DOUBT_ARRIVED, "c1")}
    assert rules(statement(elements=NONE), doubted) == {(triggers.DOUBT_ARRIVED, "c1")}
    assert rules(doubted, doubted) == set()
    assert rules(doubted, statement(elements=NONE)) == set()


def test_an_inferred_element_that_becomes_explicit_fires_for_that_element():
    before, after = (statement(elements=NONE | {"outcome": how}) for how in ("inferred", "explicit"))

    assert rules(before, after) == {(triggers.INFERRED_NOW_EXPLICIT, "c1:outcome")}
    assert rules(after, before) == set()


def test_first_evidence_for_a_cmoc_published_without_any_fires():
    without = statement(status="no_evidence", support=0, elements=NONE)

    assert rules(without, statement(elements=NONE)) == {(triggers.FIRST_EVIDENCE, "c1")}
    assert rules(None, statement(elements=NONE)) == set()


def test_a_protocol_says_how_many_studies_and_doubts_ask_for_another_look():
    before, after = statement(elements=NONE), statement(elements=NONE, studies=["s1", "s2"], challenges=["l1", "l2"])
    by = {
        (supports, doubts): {it.rule for it in fired(before, after, new_supports=supports, doubts_needed=doubts)}
        for supports in (1, 2, 3)
        for doubts in (2, 3)
    }

    assert {asked for asked, rules in by.items() if triggers.DOUBT_ARRIVED in rules} == {(n, 2) for n in (1, 2, 3)}
    new = len(set(after.studies) - set(before.studies))
    assert {asked for asked, rules in by.items() if triggers.NEW_SUPPORTS in rules} == {
        (n, doubts) for n in (1, 2, 3) if n <= new for doubts in (2, 3)
    }
