"""Whether two sources describe the same work: what works are found by, and a decision with its evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal, Protocol

from rapidfuzz import fuzz

from services.ingest.domain.words import (
    MARKS,
    Name,
    abbreviates,
    main_title,
    name,
    numbers,
    same_person,
    specificity,
    telling,
    title_words,
    venue_forms,
)
from shared.events.values import Identifiers

Verdict = Literal["same", "maybe", "different"]

#: From how many words about its subject a title tells a work apart; fewer need more agreement, none an identifier.
TELLING_TITLE = 3

#: Names compared of a long author list; OpenAlex cuts its own lists at 100.
_AUTHORS = 30

#: Least likeness (0-100, rapidfuzz ratio) of two titles, and of each place where they differ, to be a misspelling.
_LIKE_TITLE, _LIKE_WORDS = 90, 75

#: Least likeness of two venues' names that are one journal written differently.
_LIKE_VENUE = 85

#: Where OpenAlex found a copy, which is no venue.
_REPOSITORIES = frozenset(["arxiv", "doaj", "figshare", "pmc", "pubmed", "ssrn", "zenodo"])

#: Venues that publish one work again under its title; there a title says nothing about the version.
_REISSUING = (("cdsr",), ("cochrane", "database", "systematic", "reviews"))


class Described(Protocol):
    """What matching reads of a source's record."""

    @property
    def source(self) -> str: ...
    @property
    def source_id(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def other_titles(self) -> list[str]: ...
    @property
    def authors(self) -> list[str]: ...
    @property
    def editors(self) -> list[str]: ...
    @property
    def venue(self) -> str | None: ...
    @property
    def other_venues(self) -> list[str]: ...
    @property
    def volume(self) -> str | None: ...
    @property
    def issue(self) -> str | None: ...
    @property
    def pages(self) -> str | None: ...
    @property
    def article_number(self) -> str | None: ...
    @property
    def issns(self) -> list[str]: ...
    @property
    def published(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def identifiers(self) -> Identifiers: ...


@dataclass(frozen=True)
class Citation:
    """A source's description of a work as matching sees it: everything in one spelling."""

    source: str
    source_id: str
    words: tuple[str, ...]
    main: tuple[str, ...]
    authors: tuple[Name, ...]
    year: int | None
    venue: str | None
    kind: str
    identifiers: Identifiers

    @property
    def key(self) -> tuple[str, str]:
        """Whose record it is, and its name there."""
        return self.source, self.source_id

    @cached_property
    def keys(self) -> frozenset[str]:
        """What a work is found by; two citations that share no key are never compared."""
        return frozenset((*identifier_keys(self.identifiers), *_title_keys(self)))

    @cached_property
    def specificity(self) -> int:
        return specificity(self.words)

    @cached_property
    def subject(self) -> tuple[str, ...]:
        """The telling words of the title."""
        return telling(self.words)

    @cached_property
    def main_subject(self) -> tuple[str, ...]:
        """The telling words of the title without its subtitle."""
        return telling(self.main)

    @cached_property
    def venues(self) -> tuple[tuple[str, ...], ...]:
        """The venue's possible names; none where it is where a copy lies."""
        forms = venue_forms(self.venue) if self.venue else ()
        return () if any(_REPOSITORIES.intersection(form[:2]) for form in forms) else forms


def cite(record: Described) -> Citation:
    """Reads a source's record for matching."""
    title = record.title or ""
    return Citation(
        source=record.source,
        source_id=record.source_id,
        words=title_words(title),
        main=title_words(main_title(title)),
        authors=tuple(person for text in record.authors[:_AUTHORS] if (person := name(text))),
        year=int(record.published[:4]) if record.published else None,
        venue=record.venue,
        kind=record.kind,
        identifiers=record.identifiers,
    )


def identifier_keys(identifiers: Identifiers) -> list[str]:
    """The keys of known identifiers, such as `doi:10.5334/ijic.4684`."""
    return [f"{kind}:{value}" for kind, value in identifiers if value]


def title_key(title: str) -> str | None:
    """The key of a whole title, by which a work that no identifier names is found; None for one that does not tell its
    work apart."""
    words = title_words(title)
    return _hashed("title", "".join(telling(words))) if specificity(words) > TELLING_TITLE else None


def _title_keys(citation: Citation) -> Iterator[str]:
    """The whole title, the title without its subtitle, and the first author and year with either end of the title.

    A title that is about nothing (`Editorial`) gives no key: only an identifier finds such a work.
    """
    if not citation.specificity:
        return
    subject = citation.subject
    yield _hashed("title", "".join(subject))
    if len(citation.main) < len(citation.words) and specificity(citation.main) >= TELLING_TITLE:
        yield _hashed("title", "".join(citation.main_subject))
    if citation.authors and citation.year and len(subject) > TELLING_TITLE:
        yield _hashed("start", citation.authors[0].family, str(citation.year), *subject[:2])
        yield _hashed("end", citation.authors[0].family, str(citation.year), *subject[-2:])


def _hashed(kind: str, *parts: str) -> str:
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
    return f"{kind}:{digest}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What comparing two citations came to, and why: one sentence for each thing that was weighed."""

    verdict: Verdict
    evidence: tuple[str, ...]
    by_identifier: bool = False


def decide(one: Citation, other: Citation) -> Decision:
    """Decides whether two citations are of the same work. It does not matter which is given first.

    `same` is only said where nothing speaks against it; what might be the same is left to a person.
    """
    seen = _compare(*sorted((one, other), key=lambda citation: citation.key))
    verdict = _with_identifier(seen) if seen.shared else _without_identifier(seen)
    return Decision(verdict, seen.evidence, by_identifier=bool(seen.shared))


@dataclass(frozen=True)
class _Comparison:
    """Each thing that was weighed about two citations, with its sentence."""

    shared: list[str]
    contradicted: list[str]
    title: Literal["equal", "close", "part", "other", "unknown"]
    specificity: int
    people: Literal["all", "agree", "few", "none", "unknown"]
    years: Literal["equal", "near", "far", "unknown"]
    venues: Literal["equal", "other", "unknown"]
    apart: list[str]
    stated: list[str]

    @property
    def evidence(self) -> tuple[str, ...]:
        return (*self.shared, *self.contradicted, *self.stated, *self.apart)

    @property
    def authors_agree(self) -> bool:
        return self.people in ("all", "agree")


def _with_identifier(seen: _Comparison) -> Verdict:
    """A shared identifier is enough unless another contradicts it, or the descriptions do.

    One DOI may stand on many conference abstracts of a supplement, so the title must agree too.
    """
    if seen.contradicted or seen.apart or seen.title == "other":
        return "maybe"
    if seen.title == "unknown":
        return "same" if seen.authors_agree and seen.years != "far" else "maybe"
    if not seen.specificity:
        return "same" if seen.title == "equal" and seen.people != "none" and seen.years != "far" else "maybe"
    if seen.people == "none":
        telling_title = seen.title == "equal" and seen.specificity >= TELLING_TITLE
        return "same" if telling_title and seen.years != "far" else "maybe"
    return "same"


def _without_identifier(seen: _Comparison) -> Verdict:
    """Title, authors and year must agree, and nothing may speak against; the shorter the title, the more."""
    if seen.title in ("other", "unknown") or not seen.specificity:
        return "different"
    if seen.contradicted or seen.apart:
        alike = seen.title != "part" and seen.authors_agree and seen.years != "far"
        return "maybe" if alike else "different"
    if not seen.authors_agree:
        return "maybe" if _worth_a_look(seen) else "different"
    return "same" if _agrees_throughout(seen) else "maybe"


def _worth_a_look(seen: _Comparison) -> bool:
    """Whether two works whose authors are unknown or differ may still be one."""
    telling_title = seen.title == "equal" and seen.specificity >= TELLING_TITLE
    return telling_title and seen.years in ("equal", "unknown") and (seen.people != "none" or seen.venues == "equal")


def _agrees_throughout(seen: _Comparison) -> bool:
    if seen.venues == "other":
        return False
    if seen.title == "equal" and seen.specificity >= TELLING_TITLE:
        # Printed a year after it appeared online; a meeting's abstract rarely has just the same authors.
        printed_later = seen.years == "near" and seen.venues == "equal" and seen.people == "all"
        return seen.years == "equal" or printed_later
    long_enough = seen.specificity >= (1 if seen.title == "equal" else TELLING_TITLE)
    return long_enough and seen.years == "equal" and seen.venues == "equal"


def _compare(one: Citation, other: Citation) -> _Comparison:
    shared, contradicted = _compare_identifiers(one.identifiers, other.identifiers)
    title, title_stated = _compare_titles(one, other)
    people, people_stated = _compare_authors(one.authors, other.authors)
    years, years_stated = _compare_years(one.year, other.year)
    venues, venues_stated = _compare_venues(one.venues, other.venues)
    return _Comparison(
        shared=shared,
        contradicted=contradicted,
        title=title,
        specificity=min(one.specificity, other.specificity),
        people=people,
        years=years,
        venues=venues,
        apart=[] if shared else list(_what_keeps_apart(one, other)),
        stated=[title_stated, people_stated, years_stated, venues_stated],
    )


_IDENTIFIERS = {"doi": "DOI", "pmid": "PubMed id", "pmcid": "PMC id", "openalex": "OpenAlex id"}


def _compare_identifiers(one: Identifiers, other: Identifiers) -> tuple[list[str], list[str]]:
    shared, contradicted = [], []
    for kind, called in _IDENTIFIERS.items():
        left, right = getattr(one, kind), getattr(other, kind)
        if left is None or right is None:
            continue
        if left == right:
            shared.append(f"both have the {called} {left}")
        elif kind != "openalex":  # OpenAlex gives one work two ids often enough.
            contradicted.append(f"their {called}s differ: {left}, {right}")
    return shared, contradicted


def _what_keeps_apart(one: Citation, other: Citation) -> Iterator[str]:
    """What speaks against two works that share no identifier; with one, the sources name kinds too differently."""
    for kind in ("preprint", "notice"):
        if (one.kind == kind) != (other.kind == kind):
            yield f"only one is a {kind}"
    if one.source == other.source:
        yield f"{one.source} itself keeps them apart"
    if any(form[: len(name)] == name for name in _REISSUING for form in one.venues + other.venues):
        yield "their venue publishes new versions of a work under its title"


def _compare_titles(
    one: Citation, other: Citation
) -> tuple[Literal["equal", "close", "part", "other", "unknown"], str]:
    if not one.words or not other.words:
        return "unknown", "a title is missing"
    left, right = one.subject, other.subject
    if "".join(left) == "".join(right):
        return "equal", "the titles agree"
    if MARKS.intersection(left) != MARKS.intersection(right):
        return "other", "one title is of a correction, a reply or another stage"
    short, long = sorted((one, other), key=lambda citation: len(citation.words))
    if _is_part(short.subject, long.subject, long.main_subject):
        return "part", "one title is the other without its subtitle"
    if fuzz.ratio("".join(left), "".join(right)) < _LIKE_TITLE:
        return "other", "the titles differ"
    if numbers(one.words) != numbers(other.words):
        return "other", "the titles differ in what they count"
    if _misspelt(left, right):
        return "close", "the titles agree but for their spelling"
    return "other", "the titles differ in a word"


def _is_part(short: Sequence[str], long: Sequence[str], main: Sequence[str]) -> bool:
    return short == main or (len(short) > TELLING_TITLE and long[: len(short)] == short)


def _misspelt(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two titles are alike wherever they differ."""
    return all(
        fuzz.ratio("".join(one[i:j]), "".join(other[k:m])) >= _LIKE_WORDS
        for step, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        if step != "equal"
    )


def _compare_authors(
    one: Sequence[Name], other: Sequence[Name]
) -> tuple[Literal["all", "agree", "few", "none", "unknown"], str]:
    """How many of the shorter list are in the longer; the first authors count most."""
    if not one or not other:
        return "unknown", "authors are missing"
    few, many = sorted((one, other), key=len)
    met = sum(any(same_person(person, another) for another in many) for person in few)
    stated = f"{met} of {len(few)} authors agree"
    if met == len(few) == len(many):
        return "all", stated
    firsts = any(same_person(few[0], person) for person in many[:3])
    firsts = firsts or any(same_person(many[0], person) for person in few[:3])
    if met * 2 >= len(few) and (firsts or met > 1):
        return "agree", stated
    return ("few" if met else "none"), stated


def _compare_years(one: int | None, other: int | None) -> tuple[Literal["equal", "near", "far", "unknown"], str]:
    if one is None or other is None:
        return "unknown", "a year is missing"
    if one == other:
        return "equal", f"both are of {one}"
    return ("near" if abs(one - other) == 1 else "far"), f"they are of {min(one, other)} and {max(one, other)}"


def _compare_venues(
    one: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]
) -> tuple[Literal["equal", "other", "unknown"], str]:
    if not one or not other:
        return "unknown", "a venue is missing"
    if any(_same_venue(left, right) for left in one for right in other):
        return "equal", "the venues agree"
    return "other", "the venues differ"


def _same_venue(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    short, long = sorted((one, other), key=len)
    return (
        abbreviates(short, long)
        or (len(short) > 1 and long[: len(short)] == short)
        or (len(long) > 1 and short == ("".join(word[0] for word in long),))
        or fuzz.ratio(" ".join(one), " ".join(other)) >= _LIKE_VENUE
    )
