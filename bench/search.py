"""Search: questions of the kinds that people ask of an index of many records, asked through the port and, in turn, of
the same index by its bare client in the plainest way.

The bare side answers the identifiers and titles of 20 hits; the port their whole documents with marks, and the total.
"""

from __future__ import annotations

import random
import resource
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from elasticsearch import Elasticsearch

from bench import corpus
from services.search.domain import Document
from services.search.ports.index import Query, SearchIndex, open_index
from services.search.ports.index.words import Words
from shared.settings import Settings

_REVIEW = "bench"

#: Records of one `put`, and questions of each kind: those that warm both sides, and those that are timed.
_AT_ONCE, _WARMING, _EACH = 2_000, 10, 60

#: Hits of a page, and how far a deep one lies beyond the first.
_PAGE, _DEPTH = 20, 2_000

#: Elasticsearch's fields that together have all words.
_FIELDS = ["words.heads", "words.abstract"]

#: How many times the bare query's p95 a search may take.
REACH = {"embedded": 2.0, "real": 1.5}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what the bare side needs to ask the same: words that are all looked for or one phrase of them,
    the beginning of one, a word that is unwanted, the field."""

    kind: str
    query: Query
    words: tuple[str, ...] = ()
    phrase: bool = False
    begins: bool = False
    without: str | None = None
    field: str | None = None
    skipped: int = 0


@dataclass(slots=True)
class Asked:
    """One kind of question: the seconds of each time it was asked, through the port and of the bare client."""

    kind: str
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def times(self) -> float:
        """How many times the bare p95 ours is."""
        return p95(self.ours) / p95(self.bare)

    def described(self) -> dict[str, Any]:
        """The figures for programs, in milliseconds."""
        sides = {"ours": self.ours, "bare": self.bare}
        found = {
            f"{side}_{name}": of(each) * 1000
            for side, each in sides.items()
            for name, of in (("p50", statistics.median), ("p95", p95))
        }
        return {"kind": self.kind, "asked": len(self.ours), **found, "times": self.times}


@dataclass(frozen=True, slots=True)
class Searches:
    """A run: each kind and all together, the seconds that filling took, and the most memory of this process, bytes."""

    records: int
    kinds: list[Asked]
    filled: float
    peak: int

    @property
    def together(self) -> Asked:
        together = Asked("all")
        for it in self.kinds:
            together.ours += it.ours
            together.bare += it.bare
        return together

    def described(self) -> dict[str, Any]:
        """The run for programs."""
        kinds = [it.described() for it in (*self.kinds, self.together)]
        return {"records": self.records, "kinds": kinds, "filled": self.filled, "peak": self.peak}


class Bare(Protocol):
    """The index without the port."""

    def ask(self, question: Question) -> int:
        """Answers how many hits it got, each with its title."""
        ...


def measure(settings: Settings, count: int, tell: Callable[[int], None]) -> Searches:
    """Fills an index, asks it, and drops it."""
    url, name = settings.resolved(settings.search_url), settings.search_index
    words = Words(settings.search_analyzer)
    with closing(open_index(url, name=name, analyzer=settings.search_analyzer)) as index:
        index.ready()
        began = time.perf_counter()
        for there in fill(index, count):
            tell(there)
        index.refresh()
        filled = time.perf_counter() - began
        bare: Bare = BareSqlite(url, name, words) if url.startswith("sqlite:") else BareElastic(url, name, words)
        _ask(index, bare, list(questions(index, _WARMING, seed=1)))
        kinds = _ask(index, bare, list(questions(index, _EACH, seed=2)))
        index.drop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Searches(count, kinds, filled, peak)


def fill(index: SearchIndex, count: int) -> Iterator[int]:
    there, records = 0, corpus.records(_REVIEW, count, mixed=True)
    while events := list(islice(records, _AT_ONCE)):
        index.put(
            Document(record=it.record, review=it.review, revision=it.revision, bibliography=it.bibliography)
            for it in events
        )
        there += len(events)
        yield there


def _ask(index: SearchIndex, bare: Bare, questions: Sequence[Question]) -> list[Asked]:
    """Asks each question once on both sides, by turns first through the port and first of the bare client: an answer
    that is remembered helps neither."""
    kinds = {it.kind: Asked(it.kind) for it in questions}
    for turn, it in enumerate(questions):
        sides = [
            (kinds[it.kind].ours, lambda it=it: index.search(it.query)),
            (kinds[it.kind].bare, lambda it=it: bare.ask(it)),
        ]
        for seconds, ask in sides if turn % 2 else reversed(sides):
            began = time.perf_counter()
            ask()
            seconds.append(time.perf_counter() - began)
    return list(kinds.values())


def questions(index: SearchIndex, each: int, seed: int, *, deep: bool = True) -> Iterator[Question]:
    """Questions in words of the titles, where frequent ones come as often as there; the same ones in every run."""
    rng = random.Random(seed)
    titles = [words for title in corpus.titles() if len(words := _plain_words(title)) > 4]
    frequent = Counter(word for words in titles for word in set(words)).most_common(each)
    for common, _ in frequent:
        title, at, three = rng.choice(titles), rng.randrange(3), rng.choice(rng.choice(titles))
        one, two = title[at : at + 2]
        yield _asked("one word", one, words=(one,))
        yield _asked("two words", f"{one} {three}", words=(one, three))
        yield _asked("phrase", f'"{one} {two}"', words=(one, two), phrase=True)
        yield _asked("beginning", f"{three[:5]}*", words=(three[:5],), begins=True)
        yield _asked("not", f"{one} -{three}", words=(one,), without=three)
        yield _asked("field", f"title:{one}", words=(one,), field="title")
        yield _asked("filter", two, words=(two,), only=("article",))
        yield _asked("listing", "")
        if deep:
            yield _deep(index, _asked("deep page", common, words=(common,)))


def _plain_words(title: str) -> list[str]:
    return [word for word in title.lower().split() if word.isascii() and word.isalpha() and len(word) > 3]


def _asked(kind: str, text: str, only: tuple[str, ...] = (), **rest: Any) -> Question:
    return Question(kind, Query(review=_REVIEW, text=text, limit=_PAGE, kind=only), **rest)


def _deep(index: SearchIndex, question: Question) -> Question:
    """The same question for a page far beyond its first, or for its last one."""
    query, skipped = replace(question.query, limit=200), 0
    while skipped < _DEPTH and (following := index.search(query).next):
        query, skipped = replace(query, cursor=following), skipped + 200
    return replace(question, query=replace(query, limit=_PAGE), skipped=skipped)


def p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


class BareSqlite:
    """FTS5's 20 best by its own rank, over a connection of its own."""

    def __init__(self, url: str, name: str, words: Words) -> None:
        self._words = words
        self.db = sqlite3.connect(url.removeprefix("sqlite:"))
        live = "SELECT id FROM generations WHERE name = ? AND live"
        (self.generation,) = self.db.execute(live, [name]).fetchone()

    def ask(self, question: Question) -> int:
        found, values = self._found(question)
        titled = (
            f"SELECT id, json_extract(bibliography, '$.title') FROM ({found})"
            f" JOIN described_{self.generation} USING (id)"
        )
        return len(self.db.execute(titled, values).fetchall())

    def _found(self, question: Question) -> tuple[str, list[Any]]:
        records, texts = f"records_{self.generation}", f"texts_{self.generation}"
        page = f"LIMIT {_PAGE} OFFSET {question.skipped}"
        if not question.words:
            return f"SELECT id FROM {records} WHERE listed AND review = ? ORDER BY record {page}", [_REVIEW]
        match = self.match(question)
        if kinds := question.query.kind:
            joined = f"{texts} JOIN {records} AS r ON r.id = {texts}.rowid WHERE {texts} MATCH ? AND r.kind = ?"
            return f"SELECT r.id AS id FROM {joined} ORDER BY rank {page}", [match, *kinds]
        return f"SELECT rowid AS id FROM {texts} WHERE {texts} MATCH ? ORDER BY rank {page}", [match]

    def match(self, question: Question) -> str:
        if question.begins:
            return f'"{question.words[0]}" *'
        each = list(map(self._words.stem, question.words))
        match = f'"{" ".join(each)}"' if question.phrase else " ".join(f'"{one}"' for one in each)
        if question.without:
            match = f'{match} NOT "{self._words.stem(question.without)}"'
        return f"{question.field} : {match}" if question.field else match


class BareElastic:
    """The 20 best by Elasticsearch's own score, over a client of its own."""

    def __init__(self, url: str, name: str, words: Words) -> None:
        self._words, self.name, self.url = words, name, url
        self._client = Elasticsearch(url)

    def ask(self, question: Question) -> int:
        answer = self._client.search(
            index=self.name,
            query={"bool": self.found(question)},
            source=["title"],
            size=_PAGE,
            from_=question.skipped,
            sort=None if question.words else ["record"],
        )
        return len(answer["hits"]["hits"])

    def found(self, question: Question) -> dict[str, Any]:
        only: list[dict[str, Any]] = [{"term": {"review": _REVIEW}}]
        if kinds := question.query.kind:
            only.append({"terms": {"kind": list(kinds)}})
        stems = [self._words.stem(word) for word in question.words]
        if question.begins:
            should = [{"prefix": {name: question.words[0]}} for name in _FIELDS]
            must = [{"bool": {"should": should}}]
        elif question.phrase:
            must = [self._in_fields(" ".join(stems), type="phrase")]
        elif question.field:
            must = [{"match": {f"words.{question.field}": stems[0]}}]
        else:
            must = [self._in_fields(stem) for stem in stems]
        without = [self._in_fields(self._words.stem(question.without))] if question.without else []
        return {"filter": only, "must": must, "must_not": without}

    def _in_fields(self, text: str, **rest: str) -> dict[str, Any]:
        return {"multi_match": {"query": text, "fields": _FIELDS, **rest}}
