"""What is done to text before it is compared: case, accents, punctuation and blanks, each way by its name.

Three ways differ on purpose. *Matching* works by one source's title looks as much like another's as it can. *Finding*
goes character by character, whatever stands beside it, so that what was found can be marked in the text as it was, and
keeps what makes another word of one: vowel signs, voicing, tones. *A name's look* goes as far as a reader's eye.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

#: The Unicode that says here what a letter is.
UNICODE = unicodedata.unidata_version


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code))[0] == "M"


#: What is written into words and no reader sees: soft hyphens, joiners, marks of direction.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


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
_ACCENT = re.compile(
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
    bare = _ACCENT.sub("", decomposed(_INVISIBLE.sub("", text))).translate(_LETTERS)
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


def _spans(text: str) -> list[range]:
    """The ranges of characters that a list such as `0300-036F 0711` names."""
    bounds = (one.partition("-") for one in text.split())
    return [range(int(first, 16), int(last or first, 16) + 1) for first, _, last in bounds]


#: Marks that a word may have or lack and be the same: accents, points of Hebrew, Arabic and Syriac. No others are: the
#: signs of Indic scripts and of Thai are vowels and tones, those of kana make other sounds.
_ACCENTS = _spans(
    "0300-036F 0483-0489 0591-05BD 05BF 05C1-05C2 05C4-05C5 05C7 0610-061A 064B-065F 0670 06D6-06DC 06DF-06E4 06E7-06E8"
    " 06EA-06ED 0711 0730-074A 08CA-08FF 1AB0-1ACE 1DC0-1DFF 20D0-20F0 2DE0-2DFF A66F-A672 A674-A67D A69E-A69F FB1E"
    " FE20-FE2F"
)

#: Characters that nobody sees beside those of the category of formats (Cf): fillers, selectors, and Arabic's stretcher.
_UNSEEN = _spans("034F 0640 115F-1160 17B4-17B5 180B-180F 3164 FE00-FE0F FFA0 E0100-E01EF")

#: Scripts written without blanks between words, and Hangul, whose words take endings of every kind: Thai and Lao,
#: Myanmar, Khmer, those of Yunnan and Java, kana, Chinese characters, Yi.
_UNSPACED = _spans(
    "0E00-0EFF 1000-109F 1780-17DD 1950-19DF 1A20-1AAF 1B00-1B7F 3005-3007 3041-30FA 30FC-312F 31A0-31BF 31F0-31FF"
    " 3400-4DBF 4E00-9FFF A000-A48F A980-A9FF AA60-AA7F AC00-D7A3 F900-FAFF 1B000-1B16F 20000-3FFFD"
)

#: Compatible forms of what is no letter, that say a word all the same: squared units and words of East Asia.
_SQUARED = range(0x3200, 0x3400)

_HYPHENS = "‐‑‒–−﹣－֊־·‧"
_APOSTROPHES = "’‘ʼʻ´＇׳״"

_AS = {
    "ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ħ": "h", "ŧ": "t",
    # Arabic letters that hands and keyboards take for each other.
    "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ہ": "ه",
}  # fmt: skip


def _is_in(spans: list[range], char: str) -> bool:
    return any(ord(char) in span for span in spans)


def stands_alone(word: str) -> bool:
    """Whether it is a character of a script that is written without blanks, and so a word by itself."""
    return len(word) == 1 and _is_in(_UNSPACED, word) and unicodedata.category(word)[0] in "LMN"


class _Findable(dict[str, str]):
    """What each character beyond ASCII is for finding, worked out when it is first met."""

    def __missing__(self, char: str) -> str:
        self[char] = found = self._worked_out(char)
        return found

    def _worked_out(self, char: str) -> str:
        category = unicodedata.category(char)
        if category == "Cf" or _is_in(_UNSEEN, char):
            return ""
        if char in _HYPHENS:
            return "-"
        if char in _APOSTROPHES:
            return "'"
        if category == "Nd":
            return str(unicodedata.decimal(char))
        if category[0] not in "LMN" and ord(char) not in _SQUARED:
            return " "
        return f" {char} " if "가" <= char <= "힣" else self._letters(char)

    def _letters(self, char: str) -> str:
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        kept = "".join(_AS.get(it, it) for it in plain if not _is_in(_ACCENTS, it) and not _is_in(_UNSEEN, it))
        parts = (it if unicodedata.category(it)[0] in "LMN" else " " for it in unicodedata.normalize("NFC", kept))
        return "".join(f" {it} " if stands_alone(it) else it for it in parts)


_FINDABLE = _Findable()

#: Kana of half width, whose voicing is a character of its own.
_HALF_WIDTH = re.compile("[\uff66-\uff9f]+")
_ONE = re.compile("[\uff66-\uff9d][\uff9e\uff9f]?|.", re.DOTALL)


@lru_cache(maxsize=10_000)
def _findable_run(run: str) -> bytes:
    """The same for characters beyond ASCII that follow each other."""
    run = _HALF_WIDTH.sub(lambda kana: unicodedata.normalize("NFKC", kana[0]), run)
    return "".join(map(_FINDABLE.__getitem__, run)).encode()


def _findably(error: UnicodeError) -> tuple[bytes, int]:
    """What an encoder that knows ASCII alone writes for a run of other characters."""
    assert isinstance(error, UnicodeEncodeError)
    return _findable_run(error.object[error.start : error.end]), error.end


codecs.register_error("living-findably", _findably)

#: ASCII as it is found: lower case, and blanks for all that is no letter, digit, hyphen or apostrophe.
_ASCII = bytes(
    byte if byte > 127 else ord({"`": "'"}.get(char, char.lower() if char.isalnum() or char in "-'" else " "))
    for byte, char in enumerate(map(chr, range(256)))
)


_QUOTES = str.maketrans("“”„‟", '""""')


def compatible(text: str) -> str:
    """The text with compatible characters in their plain form, and each letter and its accents as one (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def composed(text: str) -> str:
    """The text with each letter and its accents as one character, where Unicode has one (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def findable(text: str) -> str:
    """For finding: what is left of a text by which it can be found, in words of letters, digits, `-` and `'` between
    blanks.

    Letters are lower case and without accents, digits plain, what nobody sees is gone. Each character of a script that
    is written without blanks is a word.
    """
    # An encoder finds what is beyond ASCII many times faster than a pattern does.
    return composed(text).encode("ascii", "living-findably").translate(_ASCII).decode()


def each_findable(text: str) -> Iterator[tuple[int, str]]:
    """What `findable` makes of each character of a composed text, after its offset; together they are the same."""
    for match in _ONE.finditer(text):
        yield match.start(), findable(match[0])


def asked(text: str) -> str:
    """What someone looks for, each character in its place: control characters and half surrogates as blanks, plain
    quotes."""
    readable = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return readable.translate(_QUOTES)


def is_found(text: str) -> bool:
    """Whether a text has a letter or a digit, without which nothing can find it."""
    return not set(findable(text)) <= set(" -'")


def is_one_word(text: str) -> bool:
    """Whether there is nothing but letters, their marks and digits, and what nobody sees."""
    return all(unicodedata.category(char)[0] in "LNM" or not findable(char) for char in text)


# A name's look


def seen(name: str) -> str:
    """A name as it looks to a reader: a colon of double width is a colon (NFKC), case and outer blanks are nothing."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


# What a character is


def kind(char: str) -> str:
    """Its general category, by the Unicode that this Python knows: Lu, Mn, Zs and so on."""
    return unicodedata.category(char)


def form(char: str) -> str:
    """What kind of compatible form a character is of another, such as `<super>`; empty for what is none, or one that
    reads alike (NFKC's decompositions)."""
    said, bracket, _ = unicodedata.decomposition(char).partition(">")
    return said + bracket if bracket else ""


def mark_class(char: str) -> int:
    """How a mark stands to its letter (canonical combining class); 0 for what is no mark, and for vowel signs."""
    return unicodedata.combining(char)


def is_arabic(char: str) -> bool:
    """Whether it is a letter of Arabic script, or of its kin that also join (Syriac)."""
    return unicodedata.bidirectional(char) == "AL"
