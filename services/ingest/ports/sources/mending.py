"""Mends answers in which single characters are wrong, so that one item's bad byte does not cost a page of others.

What stands for no character becomes U+FFFD, as the Unicode standard has it; what is nested beyond all measure
becomes null; the rest stays as it came. An answer that is cut off, or is something else, is not mended.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from shared.characters import NOT_XML, REPLACEMENT, sayable

#: How deep an answer may be nested; what lies deeper is left out.
DEEPEST = 100

_RAW_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
#: A text that nothing closes goes on to the end, so that none within it is looked for.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]')

_REFERENCE = re.compile(r"&(?:#(?P<number>[0-9]{1,9}|x[0-9a-fA-F]{1,8});|(?P<name>[A-Za-z][A-Za-z0-9]{0,31});)?")
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}


def mended_json(body: bytes) -> Any:
    """Reads JSON with bytes that are no UTF-8, halves of surrogate pairs, raw control characters, NaN, numbers
    beyond all measure or endless nesting. Raises ValueError for what is no JSON all the same."""
    text = _RAW_CONTROL.sub(" ", body.decode("utf-8", "replace").removeprefix("\ufeff"))
    text = _ESCAPE.sub(lambda escape: "\\ufffd" if escape["lone"] else escape[0], text)
    # A number without end is none: no date, no count.
    return json.loads(_flattened(text), parse_constant=lambda _: None, parse_int=_integer)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None


def _flattened(text: str) -> str:
    """The JSON with null in the place of whatever lies deeper than DEEPEST."""
    kept, copied, depth = [], 0, 0
    for token in _STRUCTURE.finditer(text):
        sign = token[0]
        if sign in ("[", "{"):
            depth += 1
            if depth == DEEPEST + 1:
                kept += [text[copied : token.start()], "null"]
        elif sign in ("]", "}"):
            depth -= 1
            if depth == DEEPEST:
                copied = token.end()
    return "".join(kept if depth > DEEPEST else [*kept, text[copied:]])


def mended_xml(body: bytes) -> str:
    """XML text with U+FFFD for what is no character of XML, named entities of HTML as their characters, and bare
    ampersands escaped. It may still not be well-formed."""
    text = sayable(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    return _REFERENCE.sub(_mended_reference, text)


def _mended_reference(reference: re.Match[str]) -> str:
    number, name = reference["number"], reference["name"]
    if number is not None:
        code = int(number[1:], 16) if number[0] == "x" else int(number)
        sound = code <= 0x10FFFF and not NOT_XML.match(chr(code))
        return reference[0] if sound else REPLACEMENT
    if name in _XML_NAMES:
        return reference[0]
    known = html.unescape(reference[0])
    return "&amp;" + reference[0][1:] if known == reference[0] else html.escape(known, quote=False)
