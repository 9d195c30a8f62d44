"""What XML cannot say is said by another character, whoever wrote it, and all else stays."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st

from shared.characters import NOT_XML, sayable


@given(st.text(st.characters(codec=None)))
def test_any_text_is_one_that_xml_can_hold_and_loses_no_other_character(text):
    said = sayable(text)

    assert ET.fromstring(f"<a>{escape(said)}</a>".encode()) is not None
    assert [one for one, other in zip(text, said, strict=True) if one != other] == NOT_XML.findall(text)


def test_what_cannot_be_said_may_be_left_out():
    assert sayable("a\x00b\ufffe\ud800\U0001f600\t", "") == "ab\U0001f600\t"
