"""Folding: accents go, places stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.folding import composed, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("trust", "trust"),
        ("Häkkinen", "Hakkinen"),
        ("Ha\u0308kkinen", "Hakkinen"),
        ("GARCÍA", "GARCIA"),
        ("people’s", "people's"),
        ("Straße Øre", "Straße Øre"),
        ("ệ", "e"),
        ("й", "и"),
        ("한국", "한국"),
        ("“x” – …", "“x” – …"),
    ],
)
def test_accents_are_taken_off(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_a_place_in_the_folded_text_is_the_same_place_in_the_composed(text: str) -> None:
    assert len(fold(text)) == len(composed(text))


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert len(fold(fold(text))) <= len(fold(text))
    assert fold(text.encode("ascii", "ignore").decode()) == text.encode("ascii", "ignore").decode()
