"""What is done to text before it is compared: case, accents, punctuation and blanks, each way by its name.

Three ways differ on purpose. *Matching* works by one source's title looks as much like another's as it can, and may
change a text's length. *Finding* words keeps every place where it was, so that what was found can be marked, and leaves
letters that are no accented form of another (ß, ø) as they are, since the index of either server splits and compares
them so. *A name's look* goes as far as a reader's eye.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code))[0] == "M"


#: What is written into words and no reader sees: soft hyphens, joiners, marks of direction.
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def _ranges(codes: Iterable[int]) -> str:
    """A character class of these characters, as runs."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


#: Marks that are part of a letter's spelling, and never a sign between words: of every script that has any.
_MARKS = _ranges(code for code in (*range(0x0300, 0xAC00), *range(0x10A00, 0x12000)) if _is_mark(code))

#: A word: letters and digits of any script, each with its marks.
WORD = re.compile(rf"(?:[^\W_][{_MARKS}]*)+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")

#: Accents of Latin, Greek and Cyrillic letters, and the points of Hebrew and Arabic, which are mostly left out. In
#: other scripts a mark is a vowel or makes another letter of one (Hindi, Thai, Japanese), and stays.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)

_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi",
    "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip

#: Greek letters as symbols; within a Greek word they are letters.
_GREEK_SYMBOL = re.compile(rf"(?<![\u0370-\u03ff])[{''.join(_GREEK)}]{{1,2}}(?![\u0370-\u03ff])")


# Matching


def decomposed(text: str) -> str:
    """The text with accents apart from their letters, and compatible characters in their plain form (NFKD: ﬁ is fi)."""
    return unicodedata.normalize("NFKD", text)


def without_marks(text: str) -> str:
    """The same without the accents."""
    return "".join(letter for letter in decomposed(text) if not unicodedata.combining(letter))


def plain(text: str) -> str:
    """For matching: lower case, without apostrophes, with Greek and rarer letters spelled out; without accents, but
    with all marks that are vowels in their script."""
    text = _APOSTROPHE.sub("", text).casefold()
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", decomposed(_UNSEEN.sub("", text))).translate(_LETTERS)
    return bare if bare.isascii() else _GREEK_SYMBOL.sub(_greek, unicodedata.normalize("NFC", bare))


def plain_words(text: str) -> tuple[str, ...]:
    """All the words of a text as they are matched."""
    if text.isascii():  # As most are, which then need fewer steps.
        bare = _APOSTROPHE.sub("", text) if "'" in text or "`" in text else text
        return tuple(_ASCII_WORD.findall(bare.lower()))
    return tuple(WORD.findall(plain(text)))


def _greek(letter: re.Match[str]) -> str:
    return "".join(_GREEK[each] for each in letter[0])


# Finding


class _Plain(dict[int, str]):
    """The plain form of each character, worked out when it is first met; always one character."""

    def __missing__(self, code: int) -> str:
        letters = unicodedata.normalize("NFD", chr(code))
        base, marks = letters[0], letters[1:]
        plain = base if marks and all(unicodedata.category(mark) == "Mn" for mark in marks) else chr(code)
        self[code] = plain
        return plain


#: Typographic apostrophes are part of a word, like the plain one.
_PLAIN = _Plain({ord("’"): "'", ord("‘"): "'"})

_QUOTES = str.maketrans("“”„‟", '""""')


def _plainly(error: UnicodeError) -> tuple[bytes, int]:
    """What an encoder that knows ASCII alone writes for a run of other characters."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].translate(_PLAIN).encode("utf-8", "surrogatepass"), error.end


codecs.register_error("living-plainly", _plainly)


def composed(text: str) -> str:
    """The text with each letter and its accents as one character, where Unicode has one (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """For finding: the composed text with accents taken off its letters and plain apostrophes; its case stays.

    Exactly as long as `composed(text)`, so that a place in the one is the same place in the other. Done here, on what
    is indexed and on what is asked, because not every Elasticsearch has a folding filter.
    """
    if text.isascii():
        return text
    # An encoder finds what is beyond ASCII many times faster than a pattern does.
    return composed(text).encode("ascii", "living-plainly").decode("utf-8", "surrogatepass")


def beginning(word: str) -> str:
    """A word as its beginning is looked for."""
    return fold(word).lower()


def asked(text: str) -> str:
    """What someone looks for, each character in its place: control characters and half surrogates as blanks, plain
    quotes."""
    readable = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return readable.translate(_QUOTES)


def is_found(text: str) -> bool:
    """Whether a text has a letter or a digit, without which nothing can find it."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def is_one_word(text: str) -> bool:
    """Whether there is nothing but letters, their marks and digits."""
    return all(unicodedata.category(char)[0] in "LNM" for char in text)


# A name's look


def seen(name: str) -> str:
    """A name as it looks to a reader: a colon of double width is a colon (NFKC), case and outer blanks are nothing."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


# What a character is


def kind(char: str) -> str:
    """Its general category, by the Unicode that this Python knows: Lu, Mn, Zs and so on."""
    return unicodedata.category(char)


def mark_class(char: str) -> int:
    """How a mark stands to its letter (canonical combining class); 0 for what is no mark, and for vowel signs."""
    return unicodedata.combining(char)


def is_arabic(char: str) -> bool:
    """Whether it is a letter of Arabic script, or of its kin that also join (Syriac)."""
    return unicodedata.bidirectional(char) == "AL"
