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

#: A word: letters and digits of any script.
WORD = re.compile(r"[^\W_]+")

_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa", "λ": "lambda",
    "μ": "mu", "π": "pi", "σ": "sigma", "τ": "tau", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_GREEK_LETTER = re.compile("|".join(_GREEK))


# Matching


def decomposed(text: str) -> str:
    """The text with accents apart from their letters, and compatible characters in their plain form (NFKD: ﬁ is fi)."""
    return unicodedata.normalize("NFKD", text)


def without_marks(text: str) -> str:
    """The same without the accents."""
    return "".join(letter for letter in decomposed(text) if not unicodedata.combining(letter))


def plain(text: str) -> str:
    """For matching: lower case, without apostrophes or diacritics, with Greek and rarer letters spelled out."""
    text = _APOSTROPHE.sub("", text).casefold()
    return text if text.isascii() else _GREEK_LETTER.sub(_greek, without_marks(text).translate(_LETTERS))


def plain_words(text: str) -> tuple[str, ...]:
    """All the words of a text as they are matched."""
    return tuple(WORD.findall(plain(text)))


def _greek(letter: re.Match[str]) -> str:
    return _GREEK[letter[0]]


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
