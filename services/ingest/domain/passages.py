"""A text as it was parsed: its words in reading order, cut into headings and paragraphs that can be named.

Offsets count characters of the canonical text, which is all passages with a blank line between two. A locator names one
passage of a parse, and the same one for as long as a parser stays as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # A process that parses loads no more than it must.
    from shared.wire.ingest import PassageKind, Unparsed

#: Which parser reads each kind of copy today, with the number of its way to read: what was parsed by another is parsed
#: anew.
PARSERS: Final[Mapping[str, str]] = {"jats": "jats-1", "html": "html-1", "txt": "plain-1", "pdf": "pdf-1"}

#: Pages, passages and characters of a text at most, and bytes of a copy that is parsed, by its kind.
MOST_PAGES, MOST_PASSAGES, LONGEST_TEXT = 1_500, 200_000, 20_000_000
LARGEST: Final[Mapping[str, int]] = {
    "jats": 64 * 1024 * 1024, "html": 32 * 1024 * 1024, "txt": 32 * 1024 * 1024, "pdf": 256 * 1024 * 1024
}  # fmt: skip

#: How often a copy may kill what parses it, and how often it is begun in all, before it is said to be damaged.
MOST_DEATHS, MOST_TRIES = 3, 10

#: Why a copy is not parsed, in words for people.
REASONS: Final[Mapping[Unparsed, str]] = {
    "no_text_layer": "its pages are pictures, without text",
    "encrypted": "it is encrypted, and opens by a password alone",
    "too_many_pages": f"it has more than {MOST_PAGES} pages",
    "too_large": "it takes more room than a text may",
    "bomb": "it unpacks to far more than it has, as no report does",
    "timed_out": "it takes longer than a text may",
    "damaged": "it cannot be read to its end",
    "metadata_only": "its publisher gives what describes it, and not what it says",
}

#: Digits that stand raised, which as plain ones were taken for those of a number before them.
RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_FORM = 1
_BETWEEN = "\n\n"


class NotParsed(Exception):
    """A copy has no passages, for a reason that has a name."""

    def __init__(self, why: Unparsed) -> None:
        super().__init__(REASONS[why])
        self.why = why


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading or a paragraph: where it stands in the text, under which headings, and on which pages if it has
    some."""

    kind: PassageKind
    locator: str
    start: int
    end: int
    section: str | None = None
    page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True)
class Parse:
    """What a parser made of a copy."""

    parser: str
    text: str
    passages: Sequence[Passage]

    @cached_property
    def sha256(self) -> str:
        """The hash of the canonical text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def paragraphs(self) -> int:
        return sum(each.kind == "paragraph" for each in self.passages)

    def of(self, passage: Passage) -> str:
        """What a passage says."""
        return self.text[passage.start : passage.end]

    def at(self, offset: int) -> Passage:
        """The passage that a character stands in, or that follows it."""
        low, high = 0, len(self.passages) - 1
        while low < high:
            middle = (low + high) // 2
            if self.passages[middle].end <= offset:
                low = middle + 1
            else:
                high = middle
        return self.passages[low]

    def named(self, locator: str) -> Passage | None:
        return next((each for each in self.passages if each.locator == locator), None)

    def to_json(self) -> bytes:
        passages = [astuple(each) for each in self.passages]
        kept = {"form": _FORM, "parser": self.parser, "text": self.text, "passages": passages}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def read_parse(content: bytes) -> Parse:
    """A parse as it was kept. Raises ValueError for what is none: a parser may have been led astray by what it read."""
    kept = json.loads(content)
    if not isinstance(kept, dict) or kept.get("form") != _FORM:
        raise ValueError("no parse, or one of another form")
    text, parser = kept["text"], kept["parser"]
    if not isinstance(text, str) or not isinstance(parser, str) or len(text) > LONGEST_TEXT:
        raise ValueError("a parse without a text that may be kept")
    text.encode()  # Half a surrogate pair is no text.
    passages = list(_passages(kept["passages"], len(text)))
    if not any(each.kind == "paragraph" for each in passages) or "\0" in text:
        raise ValueError("a parse without a paragraph")
    return Parse(parser, text, passages)


def _passages(kept: Any, length: int) -> Iterator[Passage]:
    behind, locators = 0, set[str]()
    if len(kept) > MOST_PASSAGES:
        raise ValueError("too many passages")
    for kind, locator, start, end, section, page, last_page in kept:
        sound = (
            kind in ("heading", "paragraph")
            and type(start) is int and type(end) is int and behind <= start < end <= length
            and isinstance(locator, str) and 0 < len(locator) <= 100 and locator not in locators
            and (section is None or isinstance(section, str))
            and all(it is None or (type(it) is int and 0 < it <= MOST_PAGES) for it in (page, last_page))
        )  # fmt: skip
        if not sound:
            raise ValueError("a passage that is none")
        behind = end
        locators.add(locator)
        yield Passage(kind, locator, start, end, section, page, last_page)


@dataclass
class Composer:
    """A text as it comes, passage by passage. Raises NotParsed (`too_large`) where it is more than a text may be."""

    parser: str
    _parts: list[str] = field(default_factory=list)
    _passages: list[Passage] = field(default_factory=list)
    _headings: list[tuple[int, str]] = field(default_factory=list)
    _length: int = 0

    def heading(self, words: str, locator: str, level: int = 1, page: int | None = None) -> None:
        """A heading, under which all stands that follows, up to one of its level."""
        if said := self._put("heading", words, locator, page, page):
            self._headings = [each for each in self._headings if each[0] < level] + [(level, said)]

    def leave(self, level: int) -> None:
        """What follows stands under no heading of this level any more."""
        self._headings = [each for each in self._headings if each[0] < level]

    def paragraph(self, words: str, locator: str, page: int | None = None, last_page: int | None = None) -> bool:
        """Answers whether it says anything."""
        return bool(self._put("paragraph", words, locator, page, last_page or page))

    def done(self) -> Parse:
        return Parse(self.parser, _BETWEEN.join(self._parts), self._passages)

    def _put(self, kind: PassageKind, words: str, locator: str, page: int | None, last_page: int | None) -> str:
        if not (words := clean(words)):
            return ""
        start = self._length + (len(_BETWEEN) if self._parts else 0)
        self._length = start + len(words)
        if self._length > LONGEST_TEXT or len(self._passages) == MOST_PASSAGES:
            raise NotParsed("too_large")
        section = " > ".join(said[:200] for _, said in self._headings)[:1000] or None
        self._parts.append(words)
        self._passages.append(Passage(kind, locator, start, self._length, section, page, last_page))
        return words


_CLEANED: dict[int, str | None] = {
    code: None for code in (*range(0x09), *range(0x0E, 0x1C), 0x7F, 0xFEFF, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000))
}
_CLEANED |= {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}


def clean(words: str) -> str:
    """Words as a passage has them: single blanks, no ligatures, nothing that is no text."""
    return " ".join(words.translate(_CLEANED).split())
