"""Descriptions of works to write and read again, and what is read of a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from services.ingest.ports.libraries.port import Entry, Exported, Fault, Opened
from services.ingest.ports.sources.markup import clean
from services.ingest.ports.sources.normal import pages
from services.ingest.ports.sources.noticing import of_title
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers
from shared.identifiers import doi, isbn, issn
from tests.contract.bibliographies import keywords

#: What each of the formats gives a meaning to.
SIGNS = "=+-@'\"\\;,.:{}[]()$%&#_^~<>|/`!?\u00e9\u0301\u2013\u4e2d\u0939 \u00a0\U0001f600"

URLS = ["https://example.org/a?b=1&c=%20#d", "http://example.org/~x_y/{z}", "https://é.example/;"]


def lines(min_size: int = 1, max_size: int = 60) -> st.SearchStrategy[str]:
    """One line of a description, as every source's is cleaned."""
    letters = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from(SIGNS + "abcABC 019")
    return st.text(letters, min_size=min_size, max_size=max_size).map(clean).filter(bool)


def names() -> st.SearchStrategy[str]:
    family = st.sampled_from(
        ["Smith", "van der Berg", "O'Neil", "Müller", "李", "Smith and Sons", "A; B", "{Team}", "=X"]
    )
    given = st.sampled_from(["Ada", "J.-P.", "A B", "Karl Jr", "明"])
    return st.tuples(family, given).map(", ".join) | family | lines(max_size=30)


def issns() -> st.SearchStrategy[str]:
    def numbered(seven: int) -> str:
        digits = f"{seven:07}"
        check = -sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True)) % 11
        return f"{digits[:4]}-{digits[4:]}{'X' if check == 10 else check}"

    return st.integers(1_000, 9_999_999).map(numbered).filter(issn)


def isbns() -> st.SearchStrategy[str]:
    def numbered(nine: int) -> str:
        digits = f"978{nine:09}"
        check = -sum(int(digit) * (1 + 2 * (index % 2)) for index, digit in enumerate(digits)) % 10
        return f"{digits}{check}"

    return st.integers(0, 999_999_999).map(numbered).filter(isbn)


def dates() -> st.SearchStrategy[str]:
    day = st.dates().filter(lambda day: 1001 <= day.year <= 2199).map(lambda day: day.isoformat())
    return st.tuples(day, st.sampled_from([4, 7, 10])).map(lambda it: it[0][: it[1]])


def identifiers() -> st.SearchStrategy[Identifiers]:
    ending = st.text("abcxyz0189-._;()/<>&%#", min_size=1, max_size=20).filter(lambda text: text[-1] in "abcxyz0189")
    return st.builds(
        Identifiers,
        # Each has one form; what has another is none of ours.
        doi=st.none() | ending.map("10.1000/{}".format).filter(lambda text: doi(text) == text),
        pmid=st.none() | st.integers(1, 99_999_999).map(str),
        pmcid=st.none() | st.integers(1, 9_999_999).map("PMC{}".format),
        openalex=st.none() | st.integers(1, 9_999_999_999).map("W{}".format),
    )


def bibliographies() -> st.SearchStrategy[Bibliography]:
    kinds = ["article", "review", "preprint", "conference_paper", "book", "chapter", "thesis", "report", "editorial",
             "letter", "dataset", "other"]  # fmt: skip
    numbers = st.none() | lines(max_size=12)

    def several(of: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[list[str]]:
        return st.lists(of, max_size=most, unique=True)

    return st.builds(
        Bibliography,
        # What a title says that it is, such as an erratum, is read out of it.
        title=lines().filter(lambda it: of_title(it, None) is None),
        other_titles=several(lines()),
        abstract=st.none() | st.lists(lines(), min_size=1, max_size=4).map("\n".join),
        keywords=keywords(lines()),
        authors=several(names(), 4),
        editors=several(names()),
        venue=st.none() | lines(),
        volume=numbers,
        issue=numbers,
        pages=st.none() | st.sampled_from(["1-9", "e12", "S1-S9", "12, 14", "=1"]) | lines(max_size=9).map(pages),
        article_number=numbers,
        issns=several(issns()),
        isbns=several(isbns()),
        publisher=st.none() | lines(),
        urls=several(st.sampled_from(URLS)),
        published=st.none() | dates(),
        kind=st.sampled_from(kinds),
        language=st.none() | st.sampled_from(["en", "de", "zh", "pt", "tlh"]),
        identifiers=identifiers(),
    )  # fmt: skip


def described(it: Any, without: Iterable[str] = ()) -> dict[str, Any]:
    """What a record or a description says of the work."""
    names = [name for name in Bibliography.model_fields if name not in {"sources", "provenance", *without}]
    return {name: getattr(it, name) for name in names}


def written(module: ModuleType, records: Iterable[Exported]) -> bytes:
    return b"".join(module.write(records))


def opened(module: ModuleType, data: bytes, name: str = "library") -> Opened:
    read: Callable[..., Opened] = module.read
    return read(io.BytesIO(data), name=name, source="import")


def everything(module: ModuleType, data: bytes) -> list[Entry | Fault]:
    return list(opened(module, data).entries)


def entries(module: ModuleType, data: bytes) -> list[Entry]:
    """The entries of a file in which nothing is at fault."""
    found = everything(module, data)
    assert [it for it in found if isinstance(it, Fault)] == []
    return [it for it in found if isinstance(it, Entry)]


def faults(module: ModuleType, data: bytes) -> list[Fault]:
    return [it for it in everything(module, data) if isinstance(it, Fault)]
