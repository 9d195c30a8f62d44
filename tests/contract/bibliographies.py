"""Descriptions of works as the platform has them, made by chance: text of any script, as its readers leave it."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st
from stdnum import ean
from stdnum.issn import calc_check_digit

from services.ingest.ports.libraries.common import lines_of_prose, name_of, one_line
from services.ingest.ports.sources import normal, noticing
from services.ingest.ports.sources.port import Kind
from shared import identifiers
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers

_LETTERS = st.sampled_from("abcdeXYZ 0123456789.,:;-–'\"()[]{}<>&%$#@|/\\=+*~_ßüéñłАбв中文字हिन्दीعر ") | st.characters(
    min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]
)

#: Tags of every format, since a line that looks like one is what breaks a format.
_TAGS = st.sampled_from(
    ["TY  - ", "ER  - ", "AB  - ", "PMID- ", "TI  -", "%T ", "PT J", "@article{", "</title>", "=1+1"]
)


def settled(text: str) -> str | None:
    """A text as its readers leave it, however often they read it."""
    read = one_line(text)
    return read if read and one_line(read) == read and one_line(read.replace(";", "")) else None


def lines(longest: int = 40) -> st.SearchStrategy[str]:
    texts = st.text(_LETTERS, min_size=1, max_size=longest)
    return (texts | st.builds(str.__add__, _TAGS, texts)).map(settled).filter(bool)


def _is_title(text: str) -> bool:
    return noticing.of_title(text, None) is None


def _abstracts() -> st.SearchStrategy[str]:
    texts = st.lists(lines(), min_size=1, max_size=4).map("\n".join)
    return texts.filter(lambda text: lines_of_prose(text) == text)


def _names() -> st.SearchStrategy[str]:
    parts = st.text(st.sampled_from("abcdéüßАбв中문 -.'’"), min_size=1, max_size=12)
    names = st.builds("{}, {}".format, parts, parts) | parts
    return names.map(name_of).filter(bool).filter(lambda name: name_of(name) == name)


def _numbers() -> st.SearchStrategy[str]:
    """Volumes, issues and numbers of articles."""
    texts = st.from_regex(r"[A-Z]{0,2}[0-9]{1,5}( ?(Suppl|Pt) ?[0-9])?", fullmatch=True)
    return texts.filter(lambda text: normal.part(text) == text)


def _pages() -> st.SearchStrategy[str]:
    return st.from_regex(r"[eS]?[0-9]{1,6}(-[eS]?[0-9]{1,4}){0,3}", fullmatch=True).filter(
        lambda text: normal.pages(text) == text
    )


def _issns() -> st.SearchStrategy[str]:
    digits = st.from_regex(r"[0-9]{7}", fullmatch=True)
    return digits.map(lambda it: identifiers.issn(it + calc_check_digit(it))).filter(bool)


def _isbns() -> st.SearchStrategy[str]:
    digits = st.from_regex(r"978[0-9]{9}", fullmatch=True)
    return digits.map(lambda it: it + ean.calc_check_digit(it)).filter(lambda it: identifiers.isbn(it) == it)


def _dates() -> st.SearchStrategy[str]:
    days = st.dates().filter(lambda day: 1001 <= day.year <= 2199).map(lambda day: day.isoformat())
    return st.builds(lambda day, end: day[:end], days, st.sampled_from([4, 7, 10]))


def _urls() -> st.SearchStrategy[str]:
    paths = st.from_regex(r"[a-zA-Z0-9/._~%&=?;-]{0,30}", fullmatch=True)
    return paths.map("https://example.org/{}".format).filter(lambda url: identifiers.url(url) == url)


def _identifiers() -> st.SearchStrategy[Identifiers]:
    dois = st.from_regex(r"10\.[0-9]{4,6}/[a-z0-9.()/_-]{1,20}", fullmatch=True)
    numbers = st.integers(1, 10**8 - 1)
    return st.builds(
        Identifiers,
        doi=st.none() | dois.filter(lambda doi: identifiers.doi(doi) == doi),
        pmid=st.none() | numbers.map(str),
        pmcid=st.none() | numbers.map("PMC{}".format),
        openalex=st.none() | numbers.map("W{}".format),
    )


def keywords(lines: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Keywords as every source's are left: each once, without a star around it."""
    words = lines.filter(lambda word: word == word.strip("* ") and "/*" not in word)
    return st.lists(words, max_size=4, unique_by=str.casefold)


def _other_titles(bibliography: Bibliography) -> bool:
    return bibliography.title not in bibliography.other_titles


def bibliographies() -> st.SearchStrategy[Bibliography]:
    """Any description of a work with a title."""
    return st.builds(
        Bibliography,
        title=lines(80).filter(_is_title),
        other_titles=st.lists(lines(), max_size=2, unique=True),
        abstract=st.none() | _abstracts(),
        keywords=keywords(lines()),
        authors=st.lists(_names(), max_size=4),
        editors=st.lists(_names(), max_size=2),
        venue=st.none() | lines(),
        volume=st.none() | _numbers(),
        issue=st.none() | _numbers(),
        pages=st.none() | _pages(),
        article_number=st.none() | _numbers(),
        issns=st.lists(_issns(), max_size=2, unique=True),
        isbns=st.lists(_isbns(), max_size=2, unique=True),
        publisher=st.none() | lines(),
        urls=st.lists(_urls(), max_size=2, unique=True),
        published=st.none() | _dates(),
        kind=st.sampled_from(get_args(Kind)),
        language=st.none() | st.sampled_from(["en", "fr", "de", "zh", "es", "pt", "hi", "nl", "fa", "el", "sq", "yue"]),
        identifiers=_identifiers(),
    ).filter(_other_titles)
