"""Characters: what XML has no way to say, so that no text of people or sources spoils a file."""

from __future__ import annotations

import re
from typing import Final

#: What XML 1.0 cannot hold in any spelling, escaped or not.
NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: What stands in a text for a character that is lost.
REPLACEMENT: Final = "\ufffd"


def sayable(text: str, instead: str = REPLACEMENT) -> str:
    """The text with something else for each character that no XML can hold."""
    return NOT_XML.sub(instead, text)
