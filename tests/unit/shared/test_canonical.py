"""Canonical JSON is RFC 8785's, and spells what earlier releases hashed anew as they did."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical import canonical_json, sha256, sha256_of_texts
from shared.errors import Invalid

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
#: Keys without characters beyond the Basic Multilingual Plane, whose order is the same in UTF-16 and in UTF-8.
KEYS = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
HASHED_BEFORE = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=10,
)


def test_the_example_of_the_rfc():
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    spelled = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(value) == spelled.encode()


def test_keys_are_sorted_as_utf_16_has_them():
    assert list(json.loads(canonical_json({"\ufb33": 1, "\U0001f600": 2}))) == ["\U0001f600", "\ufb33"]


@given(HASHED_BEFORE)
def test_what_earlier_releases_hashed_anew_has_the_same_bytes(value):
    assert canonical_json(value) == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(st.lists(st.lists(TEXTS)))
def test_rows_of_texts_have_the_hash_of_their_canonical_json(rows):
    assert sha256_of_texts(rows) == sha256(rows)


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800", {1: 2}, object()])
def test_what_has_no_spelling_is_refused(value):
    with pytest.raises(Invalid, match="no canonical JSON"):
        sha256(value)
