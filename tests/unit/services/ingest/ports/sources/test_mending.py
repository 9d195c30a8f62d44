"""Mending: an answer keeps all that can be read of it, and what is no answer stays none."""

from __future__ import annotations

import json

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.ports.sources.mending import DEEPEST, mended_json, mended_xml

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'["a \xff b"]', ["a \ufffd b"]),
        (b'["a \xf0\x9f b"]', ["a \ufffd b"]),
        (rb'["\ud83d"]', ["\ufffd"]),
        (rb'["\udc00 \ud83d \ud83d\ude00"]', ["\ufffd \ufffd 😀"]),
        (rb'["\\ud83d"]', ["\\ud83d"]),
        (b'["a\x00\x1fb\nc"]', ["a  b c"]),
        (b"[NaN, -Infinity, 1]", [None, None, 1]),
        (b"[" + b"9" * 5000 + b"]", [None]),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": ' + b"[" * 5000 + b'"]"' + b"]" * 5000 + b', "b": [1]}', None),
    ],
)
def test_what_is_odd_is_mended_and_the_rest_is_as_it_came(raw, read):
    mended = mended_json(raw)

    assert (mended == read) if read is not None else mended["b"] == [1]


@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST, 254, 100_000])
def test_what_lies_too_deep_is_left_out_and_its_neighbours_are_not(levels):
    raw = b'{"deep": ' + b"[" * levels + b"7" + b"]" * levels + b', "text": "] [", "after": {"a": [1, 2]}}'

    mended = mended_json(raw)

    assert (mended["text"], mended["after"]) == ("] [", {"a": [1, 2]})
    innermost = mended["deep"]
    while isinstance(innermost, list) and innermost:
        (innermost,) = innermost
    assert innermost == (7 if levels < DEEPEST else None)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'{"a": [1', b'{"a": "x', b"[" * 5000, b"]", b"[1]]", b"[1] [2]", b"\xff"]
)
def test_what_is_cut_off_or_something_else_is_no_json(raw):
    with pytest.raises(ValueError):
        mended_json(raw)


@given(JSON)
@example({"a": '[{"', "b": ["\\"]})
def test_sound_json_reads_as_it_is(value):
    assert mended_json(json.dumps(value).encode()) == value


@given(JSON, st.binary(min_size=1, max_size=3), st.floats(0, 1))
def test_whatever_stands_anywhere_in_json_it_is_read_or_refused(value, noise, where):
    raw = json.dumps(value).encode()
    at = int(where * len(raw))

    try:
        mended_json(raw[:at] + noise + raw[at:])
    except ValueError:
        return


@pytest.mark.parametrize(
    ("inner", "read"),
    [
        (b"a \x0b b", "a \ufffd b"),
        (b"a \xff b", "a \ufffd b"),
        (b"a &#x1f;&#0; b", "a \ufffd\ufffd b"),
        (b"a &#xD83D; &#128512; &#99999999; b", "a \ufffd 😀 \ufffd b"),
        ("a \ufffe b".encode(), "a \ufffd b"),
        (b"a &eacute; &lt; &amp; b", "a é < & b"),
        (b"a & b &bogus; c&", "a & b &bogus; c&"),
    ],
)
def test_what_is_no_xml_is_mended_and_the_rest_is_as_it_came(inner, read):
    assert fromstring(mended_xml(b"<a>" + inner + b"</a>")).text == read
