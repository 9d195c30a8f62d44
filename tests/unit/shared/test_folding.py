"""Folding: what is left of a text by which it can be found, character by character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.folding import composed, each_findable, findable, is_found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Trust, in TEAMS!", "trust in teams"),
        ("Häkkinen", "hakkinen"),
        ("Ha\u0308kkinen", "hakkinen"),
        ("people’s well‑being", "people's well-being"),
        ("Straße Øre Łódź", "strasse ore lodz"),
        ("ệ Й", "e и"),
        ("soft\u00adly zero\u200bwidth", "softly zerowidth"),
        ("CO₂ ① ﬁn Ⅲ ½", "co2 1 fin iii 1 2"),
        ("٢٠١٩ २०२१", "2019 2021"),
        ("स्वास्थ्य", "स्वास्थ्य"),
        ("日本のcare", "日 本 の care"),
        ("が ｶﾞ", "が ガ"),
        ("ที่", "ท ี ่"),
        ("한국", "한 국"),
        ("كِتَاب أثر صـحة", "كتاب اثر صحه"),
        ("“x” – …", "x -"),
        ("Leader™ a_b", "leader a b"),
    ],
)
def test_what_is_findable(text: str, found: str) -> None:
    assert findable(text).split() == found.split()


_texts = st.text(st.one_of(st.characters(), st.sampled_from("ae -'’\u00ad\u0301ดูमिा中が한ßﬁﾞｶ")), max_size=40)


@given(_texts)
def test_each_character_is_findable_whatever_stands_beside_it(text: str) -> None:
    assert "".join(found for _, found in each_findable(composed(text))) == findable(text)


@given(_texts)
def test_what_is_findable_is_so_as_it_is(text: str) -> None:
    assert findable(findable(text)).split() == findable(text).split()
    assert is_found(text) == is_found(findable(text))
