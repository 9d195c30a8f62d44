"""Folds letters to their plain form (é to e), so that a name is found however its accents were typed.

Done here, on what is indexed and on what is asked, because not every Elasticsearch has a folding filter.
"""

from __future__ import annotations

import codecs
import unicodedata


class _Plain(dict[int, str]):
    """The plain form of each character, worked out when it is first met; always one character."""

    def __missing__(self, code: int) -> str:
        base, *marks = unicodedata.normalize("NFD", chr(code))
        plain = base if marks and all(unicodedata.category(mark) == "Mn" for mark in marks) else chr(code)
        self[code] = plain
        return plain


#: Typographic apostrophes are part of a word, like the plain one.
_PLAIN = _Plain({ord("’"): "'", ord("‘"): "'"})


def _plainly(error: UnicodeError) -> tuple[bytes, int]:
    """What an encoder that knows ASCII alone writes for a run of other characters."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].translate(_PLAIN).encode("utf-8", "surrogatepass"), error.end


codecs.register_error("living-plainly", _plainly)


def composed(text: str) -> str:
    """The text with each letter and its accents as one character, where Unicode has one (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The composed text with accents taken off its letters and plain apostrophes.

    Exactly as long as `composed(text)`, so that a place in the one is the same place in the other.
    """
    if text.isascii():
        return text
    # An encoder finds what is beyond ASCII many times faster than a pattern does.
    return composed(text).encode("ascii", "living-plainly").decode("utf-8", "surrogatepass")
