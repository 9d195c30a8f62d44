"""What speaks for and against two citations being of one work: each thing weighed by itself, with its sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from services.ingest.domain.citations import Citation
from services.ingest.domain.marks import Mark
from services.ingest.domain.names import Name, same_person
from services.ingest.domain.pages import Spots, compare_spots
from services.ingest.domain.titles import TitleMatch, better, compare_titles, stage
from services.ingest.domain.venues import reissues, same_venue
from shared.events.protocol import ADDED, FILES
from shared.events.values import Identifiers

#: What the one of two related works is beside the other.
Relation = Literal[
    "erratum", "comment", "review", "protocol", "update", "part", "abstract", "preprint", "republication"
]

People = Literal["all", "agree", "few", "none", "unknown"]
Years = Literal["equal", "near", "far", "unknown"]
Venues = Literal["equal", "other", "unknown"]

#: Sources that are a team's own, its files and what it adds by hand: a work is in these as often as it was brought.
_OWN = (FILES, ADDED)

_IDENTIFIERS = {"doi": "DOI", "pmid": "PubMed id", "pmcid": "PMC id", "openalex": "OpenAlex id"}

_TITLES: dict[TitleMatch, str] = {
    "equal": "the titles agree",
    "close": "the titles agree but for their spelling",
    "part": "one title is the other without its subtitle",
    "stage": "one title is the other's with another part or stage",
    "signs": "one title has signs that the other lacks",
    "marked": "one title is of a correction, a reply or another stage",
    "counts": "the titles differ in what they count",
    "word": "the titles differ in a word",
    "other": "the titles differ",
    "unknown": "a title is missing",
}

_SPOTS: dict[Spots, str] = {
    "all": "volume and pages agree",
    "equal": "volume and first page agree",
    "pages": "the first page agrees",
    "issue": "volume and issue agree",
    "volume": "the volumes agree",
    "own": "one counts its pages by itself",
    "issues": "the issues differ",
    "other": "volume or pages differ",
}

#: Of these matches, those that speak for one work, and those that speak against it.
_FOR: tuple[str, ...] = ("equal", "close", "all", "pages", "issue", "volume")
_AGAINST: tuple[str, ...] = ("stage", "signs", "marked", "counts", "word", "other", "issues")

#: How sentences read that are made anew of each pair.
_SAID_FOR = re.compile(r"both (have the|are of) .*|they are in one journal by its number|the venues agree")
_SAID_AGAINST = re.compile(
    r"their .*s differ: .*|they are of .* and .*|the venues differ|only one is a .*|.* itself keeps them apart"
)
_PEOPLE = re.compile(r"(\d+) of (\d+) authors agree")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Each thing that was weighed about two citations, with its sentence."""

    shared: dict[str, str]
    contradicted: dict[str, str]
    title: TitleMatch
    relation: Relation | None
    specificity: int
    people: People
    years: Years
    venues: Venues
    spots: Spots
    abstracts: bool
    kinds: Relation | None
    versions: Literal["equal", "other", "unknown"] | None
    apart: tuple[str, ...]
    stated: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        return (*self.shared.values(), *self.contradicted.values(), *self.stated, *self.apart)

    @property
    def authors_agree(self) -> bool:
        return self.people in ("all", "agree")

    @property
    def in_one_spot(self) -> bool:
        return self.spots in ("all", "equal")


def speaks(sentence: str) -> Literal["for", "against", "neither"]:
    """Whether a sentence of what was weighed speaks for two citations being of one work; what an earlier release said
    otherwise speaks for neither."""
    if people := _PEOPLE.fullmatch(sentence):
        met, of = map(int, people.groups())
        return "for" if met * 2 >= of else "against"
    if sentence in _sentences(_FOR) or _SAID_FOR.fullmatch(sentence):
        return "for"
    if sentence in _sentences(_AGAINST) or _SAID_AGAINST.fullmatch(sentence):
        return "against"
    return "neither"


def _sentences(matches: Collection[str]) -> set[str]:
    return {sentence for said in (_TITLES, _SPOTS) for match, sentence in said.items() if match in matches}


def weigh(one: Citation, other: Citation) -> Evidence:
    """Compares two citations."""
    shared, contradicted = _compare_identifiers(one.identifiers, other.identifiers)
    title, relation = _compare_titles(one, other)
    people, people_stated = _compare_authors(one.authors, other.authors)
    years, years_stated = _compare_years(one.year, other.year)
    venues, venues_stated = _compare_venues(one, other)
    spots = compare_spots(one.spot, other.spot)
    stated = [_TITLES[title], people_stated, years_stated, venues_stated, *([_SPOTS[spots]] if spots in _SPOTS else [])]
    return Evidence(
        shared=shared,
        contradicted=contradicted,
        title=title,
        relation=relation,
        specificity=min(one.title.specificity, other.title.specificity),
        people=people,
        years=years,
        venues=venues,
        spots=spots,
        abstracts=one.spot.is_of_abstract and other.spot.is_of_abstract,
        kinds=_compare_kinds(one, other),
        versions=_compare_versions(one, other, spots),
        apart=() if shared else tuple(_what_keeps_apart(one, other)),
        stated=tuple(stated),
    )


def _compare_identifiers(one: Identifiers, other: Identifiers) -> tuple[dict[str, str], dict[str, str]]:
    shared, contradicted = {}, {}
    for kind, called in _IDENTIFIERS.items():
        left, right = getattr(one, kind), getattr(other, kind)
        if left is None or right is None:
            continue
        if left == right:
            shared[kind] = f"both have the {called} {left}"
        elif kind != "openalex":  # OpenAlex gives one work two ids often enough.
            contradicted[kind] = f"their {called}s differ: {left}, {right}"
    return shared, contradicted


def _compare_titles(one: Citation, other: Citation) -> tuple[TitleMatch, Relation | None]:
    """The best match of all titles; what the titles themselves say of part and stage stands."""
    best = compare_titles(one.title, other.title)
    if best == "marked":
        return best, _relation_of(one.title.marks ^ other.title.marks)
    if best == "stage" and (said := stage(one.title, other.title)):
        return best, said
    if best != "equal" and (one.further or other.further) and one.title.marks == other.title.marks:
        for left, right in product((one.title, *one.further), (other.title, *other.further)):
            if left.is_telling and right.is_telling:
                best = better(best, compare_titles(left, right))
    return best, None


def _relation_of(marks: frozenset[Mark]) -> Relation:
    return min(marks, key=("erratum", "comment", "review", "abstract", "protocol", "update", "part").index)


def _compare_kinds(one: Citation, other: Citation) -> Relation | None:
    """What the sources' names of kinds say that one is beside the other; they name them too differently for more."""
    kinds = {one.kind, other.kind}
    if len(kinds) == 1:
        return None
    if "notice" in kinds:
        return "erratum"
    if "preprint" in kinds:
        return "preprint"
    return None


def _compare_versions(one: Citation, other: Citation, spots: Spots) -> Literal["equal", "other", "unknown"] | None:
    """Of works whose venue publishes new versions under their title: whether they are the same version; None for
    other works."""
    if not (one.version or other.version or reissues(one.venues) or reissues(other.venues)):
        return None
    if one.version and other.version and one.version != other.version:
        return "other"
    if one.year != other.year:
        return "other" if one.year and other.year else "unknown"
    known = spots in ("all", "equal", "issue", "volume") or bool(one.version and one.version == other.version)
    return "equal" if known else "unknown"


def _what_keeps_apart(one: Citation, other: Citation) -> Iterator[str]:
    """What speaks against two works that share no identifier; with one, the sources name kinds too differently."""
    for kind in ("preprint", "notice"):
        if (one.kind == kind) != (other.kind == kind):
            yield f"only one is a {kind}"
    if one.source == other.source and not one.source.startswith(_OWN):
        yield f"{one.source} itself keeps them apart"


def _compare_authors(one: Sequence[Name], other: Sequence[Name]) -> tuple[People, str]:
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


def _compare_years(one: int | None, other: int | None) -> tuple[Years, str]:
    if one is None or other is None:
        return "unknown", "a year is missing"
    if one == other:
        return "equal", f"both are of {one}"
    return ("near" if abs(one - other) == 1 else "far"), f"they are of {min(one, other)} and {max(one, other)}"


def _compare_venues(one: Citation, other: Citation) -> tuple[Venues, str]:
    if not one.issns.isdisjoint(other.issns):
        return "equal", "they are in one journal by its number"
    if not one.venues or not other.venues:
        return "unknown", "a venue is missing"
    if same_venue(one.venues, other.venues):
        return "equal", "the venues agree"
    return "other", "the venues differ"
