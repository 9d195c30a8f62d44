"""Which words of a record tell it from others, so that more like it can be looked for: those it says and few do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from math import log

from services.search.ports.index.words import BAR, Words
from shared.events.ingest import Bibliography

#: Words that are looked for, and the share of them that what is alike has too. These are what Elasticsearch's
#: `more_like_this` takes where nothing is said.
MOST_TERMS, LEAST_SHARED = 25, 0.3

#: A word that one record alone has finds nobody else.
LEAST_RECORDS = 2

#: Characters of an abstract that are looked at: what tells is said early.
_LOOKED_AT = 10_000

#: How much more a word of a title counts.
_TITLE = 2

#: What tells nothing of any text in English; every record has most of them, so to count them takes long.
_STOP_WORDS = (
    "a an and are as at be been by for from has have in is it its not of on or our that the their these they this to "
    "was we were which who will with"
)


def stop_words(words: Words) -> frozenset[str]:
    """The words that tell nothing, by what they count as."""
    return _stop_words(words.analyzer)


@cache
def _stop_words(analyzer: str) -> frozenset[str]:
    # By its name: a thing that is kept here would never go.
    return frozenset(map(Words(analyzer).stem, _STOP_WORDS.split()))


def texts_of(about: Bibliography) -> tuple[str, str]:
    """What of a record is looked at: its title, and the beginning of its abstract."""
    return about.title or "", (about.abstract or "")[:_LOOKED_AT]


def terms_of(about: Bibliography, words: Words) -> Counter[str]:
    """The words of a record by what they count as, and how much each is said."""
    title, abstract = ([term for term in words.apart([text])[0].split() if term != BAR] for text in texts_of(about))
    said = Counter(abstract)
    for term in title:
        said[term] += _TITLE
    return Counter({term: number for term, number in said.items() if term not in stop_words(words)})


def telling(said: Mapping[str, int], spread: Mapping[str, int], listed: int) -> list[str]:
    """The words that tell most, the best first: of those that `spread` says how many of the `listed` records have."""
    weights = {
        term: number * log(1 + listed / spread[term])
        for term, number in said.items()
        if spread.get(term, 0) >= LEAST_RECORDS
    }
    return sorted(weights, key=lambda term: (-weights[term], term))[:MOST_TERMS]


def is_alike(terms: list[str], other: Mapping[str, int]) -> bool:
    """Whether a record has enough of these words."""
    return sum(term in other for term in terms) >= max(1, int(len(terms) * LEAST_SHARED))
