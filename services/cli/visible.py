"""Visible: what others wrote is shown without the characters that a terminal would act on instead of showing them."""

from __future__ import annotations

import re

#: Controls but for line ends and tabs (ESC and C1, which begin sequences that move, colour and rename), and what turns
#: the direction of the characters behind it (Unicode Technical Report 36, 2.5).
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """A text with a replacement character for each that a terminal would act on."""
    return _ACTING.sub("\ufffd", text)


def escaped(document: str) -> str:
    """JSON with each of these escaped, so that it means the same."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
