"""Languages have one code each."""

from __future__ import annotations

import pytest

from shared.languages import language


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("haw", "haw"),
        ("ben", "bn"),
        ("scr", "hr"),
        ("mol", "ro"),
        ("zh-Hant-TW", "zh"),
        ("mul", "mul"),
        ("", None),
        (7, None),
        ("und", None),
        ("english", None),
        (None, None),
    ],
)
def test_a_language_has_two_letters_where_it_can(code, read):
    assert language(code) == read
