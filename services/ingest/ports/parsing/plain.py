"""Plain text: paragraphs between blank lines."""

from __future__ import annotations

import re

from services.ingest.domain.passages import PARSERS, Composer, NotParsed, Parse
from services.ingest.ports.parsing.html import decoded

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐\u00ad][^\S\n]*\n\s*(?=[a-zß-öø-ÿ])")


def parse(content: bytes) -> Parse:
    """Raises NotParsed."""
    text = decoded(content).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    composing, number = Composer(PARSERS["txt"]), 0
    for words in _BLANK.split(text):
        # What ends a line may be the word's own hyphen, or not.
        if composing.paragraph(_HYPHEN.sub("\u00ad", words), f"p{number + 1}"):
            number += 1
    if not number:
        raise NotParsed("damaged")
    return composing.done()
