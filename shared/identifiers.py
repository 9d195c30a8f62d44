"""What works are called elsewhere: one form for each identifier, and whether it is one.

Every function takes whatever a source or a person wrote, and answers the normal form, or None for what is none.
The library `idutils` does not serve: it takes a DOI with blanks, control characters or digits of other scripts, and
fails on one with escapes; PubMed id 0; and no PMC id that is bare or has a version.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from stdnum import isbn as isbn_numbers
from stdnum import issn as issn_numbers

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\x00-\x1f\x7f]+")
_DOI_RESOLVER = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
#: What people write around a DOI: one resolver after another, also a library's way to it (doi-org.proxy.example.edu).
_AROUND_DOI = re.compile(
    r"(?:(?P<address>https?://(?:[a-z]{1,10}\.)?doi[.-]org(?:[.:][\w.:-]{1,100})?/|(?:[a-z]{1,10}\.)?doi\.org/)"
    r"|info:doi/|urn:doi:|doi\s*[:=]?\s*(?=10\.|https?:|doi))\s*",
    re.IGNORECASE,
)
_QUERY = re.compile(r"\?.*|#(?=.).*", re.DOTALL)
_ESCAPED, _BROKEN_AT_SLASH = re.compile(r"%[0-9A-Fa-f]{2}"), re.compile(r"\s*/\s*")
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_DOI_IN_TEXT = re.compile(r"(?<![\w.])10\.[0-9]{4,9}/[^\s\x00-\x1f\x7f]{1,300}")
_PMID_IN_TEXT = re.compile(r"\bPMID\s{0,3}:?\s{0,3}([1-9][0-9]{0,9})\b", re.IGNORECASE)
#: Characters looked at: a DOI in the escapes of its escapes is no longer.
_LONGEST_WRITTEN = 2_000
_PMID = re.compile(r"(?:^|/)0*([1-9][0-9]{0,9})/?$")
_PMCID = re.compile(r"(?:^|/)(?:PMC)?0*([1-9][0-9]{0,9})(?:\.[0-9]+)?/?$", re.IGNORECASE)
_OPENALEX = re.compile(r"(?:^|/)(W[0-9]{1,15})/?$", re.IGNORECASE)
_LONGEST_DOI = 300
_LONGEST_NUMBER = 40


def without_resolver(text: str) -> str:
    """A DOI as it was written, bare."""
    return _DOI_RESOLVER.sub("", text.strip())


def doi(text: object) -> str | None:
    """In lower case, without what is written around it: a resolver with query and fragment, `doi:`, quotes, brackets
    and punctuation at its end. Escapes (`%2F`, `&amp;`) are undone; one with a blank inside is none."""
    if not isinstance(text, str) or len(text) > _LONGEST_WRITTEN:
        return None
    bare = html.unescape(text.translate(_UNSEEN)).translate(_HYPHENS).strip().strip(_QUOTES + "([{<").lstrip()
    for _ in range(4):
        around = _AROUND_DOI.match(bare)
        if around is None:
            break
        bare = bare[around.end() :]
        if around["address"]:
            bare = _QUERY.sub("", bare, count=1)
    for _ in range(2):
        bare = unquote(bare) if _ESCAPED.search(bare) else bare
    bare = _without_end(_BROKEN_AT_SLASH.sub("/", bare, count=1).strip()).lower()
    return bare if len(bare) <= _LONGEST_DOI and _DOI.fullmatch(bare) else None


def _without_end(bare: str) -> str:
    """Without punctuation at its end and brackets that close or open nothing; a DOI may well have pairs of them."""
    while bare and (
        bare[-1] in ".,;:!\u2026" + _QUOTES
        or bare[-1] in _BRACKETS.values()
        or (bare[-1] in _BRACKETS and bare.count(bare[-1]) > bare.count(_BRACKETS[bare[-1]]))
    ):
        bare = bare[:-1]
    return bare


def dois_in(text: str) -> Iterator[str]:
    """The DOIs that stand in a text, such as a reference's, each once."""
    found = (doi(each[0]) for each in _DOI_IN_TEXT.finditer(text))
    yield from dict.fromkeys(each for each in found if each)


def pmids_in(text: str) -> Iterator[str]:
    """The PubMed ids that a text names as such (`PMID: 123`), each once."""
    yield from dict.fromkeys(_PMID_IN_TEXT.findall(text))


def pmid(text: object) -> str | None:
    """A PubMed id, as bare digits."""
    return _tail(_PMID, text)


def pmcid(text: object) -> str | None:
    """A PubMed Central id, as `PMC123`, without a version."""
    digits = _tail(_PMCID, text)
    return digits and f"PMC{digits}"


def openalex(text: object) -> str | None:
    """An OpenAlex work id, as `W123`."""
    tail = _tail(_OPENALEX, text)
    return tail and tail.upper()


def issn(text: object) -> str | None:
    """The number of a journal or series, as `1234-567X`; None where its check digit is not right."""
    return _issn(str(text)[:_LONGEST_NUMBER])


@lru_cache(maxsize=10_000)
def _issn(text: str) -> str | None:
    """Remembered, since a file holds the same journals over and over."""
    try:
        return issn_numbers.format(issn_numbers.validate(text))
    except ValueError:  # Its own kind of it, or one of Python, which a sign that is a digit and no number brings.
        return None


def isbn(text: object) -> str | None:
    """The number of a book, in thirteen bare digits; None where its check digit is not right."""
    return _isbn(str(text)[:_LONGEST_NUMBER])


@lru_cache(maxsize=10_000)
def _isbn(text: str) -> str | None:
    """Remembered, since every ISSN of a file may be one."""
    try:
        return isbn_numbers.to_isbn13(isbn_numbers.validate(text)).replace("-", "")
    except ValueError:  # Its own kind of it, or one of Python, which a sign that is a digit and no number brings.
        return None


def url(text: object) -> str | None:
    """An address on the web as it is written; None for what is none, or names who may go there."""
    if not isinstance(text, str) or len(text := text.strip()) > _LONGEST_WRITTEN or not text.isprintable():
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username and " " not in text
    except ValueError:
        return None
    return text if usable else None


def _tail(pattern: re.Pattern[str], text: object) -> str | None:
    found = pattern.search(str(text).strip()) if isinstance(text, str | int) else None
    return found[1] if found else None
