"""Says a query in SQL and in FTS5's own words, so that nothing a person types is read as either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.search.domain import NO_NOTICE
from services.search.ports.index.cursor import position_of
from services.search.ports.index.port import FACET_SIZE, Query, as_number
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import AllOf, AnyOf, Beginning, Doi, Row, Sought, Without
from services.search.ports.index.words import MARK, SIGNS, Words
from shared.paging import with_one_more

#: The columns of the full-text table, in order, and how much a find in each weighs.
WEIGHTS = {"title": 3.0, "abstract": 1.0, "authors": 1.0, "venue": 0.5, "doi": 0.0, "scope": 0.0}

_COLUMNS = {None: "{title abstract authors venue}", "author": "authors"}

#: How FTS5 splits what goes in, at blanks alone, as a string of SQL.
TOKENIZER = f"\"ascii tokenchars '{SIGNS}{MARK}'\""
_CONSONANTS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrtv")

#: Farther from 0 than any rank.
_FARTHEST = 1e308

#: What stands for a `?`.
Value = str | int | float


def spelled(text: str) -> str:
    """Spells any text as one word that no tokenizer cuts.

    Its UTF-8 bytes in hexadecimal, in consonants: beginnings stay beginnings.
    """
    return text.encode().hex().translate(_CONSONANTS)


def match_expression(wanted: Sought, review: str, words: Words) -> str:
    """The MATCH expression that finds the query in one review."""
    return f"{_everything(review)} AND {_Translator(review, words).translate(wanted)}"


def any_of(terms: Iterable[str], review: str) -> str:
    """The MATCH expression that finds what has any of these words, by what they count as, in its title or abstract."""
    return f"{_everything(review)} AND {{title abstract}} : ({' OR '.join(map(_quoted, terms))})"


def _everything(review: str) -> str:
    return f'scope : "{spelled(review)}"'


class _Translator:
    def __init__(self, review: str, words: Words) -> None:
        self._review, self._words = review, words

    def translate(self, wanted: Sought) -> str:
        match wanted:
            case Doi(name, begins):
                return f'doi : "{spelled(name)}"{" *" if begins else ""}'
            case Row(words, field):
                return f"{_column(field)} : {_quoted(' '.join(map(self._words.stem, words)))}"
            case Beginning(letters, field):
                either = " OR ".join(f"{_quoted(one)} *" for one in self._words.beginnings(letters))
                return f"{_column(field)} : ({either})"
            case Everything():
                return _everything(self._review)
            case AnyOf(parts):
                return f"({' OR '.join(map(self.translate, parts))})"
            case AllOf(parts):
                return self._all_of(parts)
            case Without():
                return self._all_of((wanted,))

    def _all_of(self, parts: tuple[Sought, ...]) -> str:
        """FTS5 knows `a NOT b` only, so what is wanted comes first: if nothing else is, everything."""
        wanted = [self.translate(part) for part in parts if not isinstance(part, Without)]
        unwanted = [self.translate(part.part) for part in parts if isinstance(part, Without)]
        found = f"({' AND '.join(wanted)})" if wanted else _everything(self._review)
        return f"({found} NOT ({' OR '.join(unwanted)}))" if unwanted else found


def _column(field: str | None) -> str:
    return _COLUMNS.get(field) or str(field)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


class Found:
    """What a query finds, as SQL: the statement of its page, and that of its counts."""

    def __init__(self, query: Query, generation: int, match: str | None) -> None:
        self._query, self._generation, self.match = query, generation, match
        self._values: list[Value] = []
        conditions = ["r.listed", f"r.review = {self._value(query.review)}", *self._filters()]
        if match is None:
            tables = f"records_{generation} AS r"
        else:
            # CROSS JOIN holds SQLite to this order: the words first, then the record of each find.
            tables = f"texts_{generation} CROSS JOIN records_{generation} AS r ON r.id = texts_{generation}.rowid"
            conditions.append(f"texts_{generation} MATCH {self._value(match)}")
        self._from = f"FROM {tables} WHERE {' AND '.join(conditions)}"

    def records(self) -> tuple[str, list[Value]]:
        """The record of each hit, on whatever page."""
        return f"SELECT r.record {self._from}", self._values

    def rows(self) -> tuple[str, list[Value]]:
        """Rows of what they are, id, place, record for each hit of the page, and one more to see whether another page
        follows; then of what they are, NULL, count, value, for the `total` and each facet.

        What is found is worked out once for all of them.
        """
        columns = ", ".join(f"r.{name}" for name in self._query.facets if name not in ("source", "notice"))
        found = f"SELECT r.id AS id, {self._position()} AS place, r.record AS record{columns and ', ' + columns}"
        beyond, values = self._beyond("(place, record) > (?, ?)", "record > ?")
        facets = "".join(f" UNION ALL SELECT * FROM ({self._facet(name)})" for name in self._query.facets)
        return (
            f"WITH found AS MATERIALIZED ({found} {self._from})"
            f" SELECT * FROM (SELECT 'hit', id, place, record FROM found {beyond}"
            f" ORDER BY place, record LIMIT {with_one_more(self._query.limit)})"
            f" UNION ALL SELECT 'total', NULL, count(*), NULL FROM found{facets}",
            [*self._values, *values],
        )

    @property
    def is_ranked(self) -> bool:
        """Whether the words alone decide what is found and in which order, but for equal ranks."""
        return bool(self.match) and self._query.sort == "relevance" and not (self._query.facets or self._is_narrowed)

    @property
    def _lists_all(self) -> bool:
        return self.match is None and not self._is_narrowed

    @property
    def _is_narrowed(self) -> bool:
        query = self._query
        return bool(query.filters or query.published_from or query.published_until)

    def ranked(self) -> tuple[str, list[Value]]:
        """The hits and the total of `rows` where the words alone decide: only those of the page, and what ranks as they
        do, are looked up among the records. `scope` keeps to the review, and what is not listed has no words."""
        after = position_of(self._query, (int | float, str)) or [-_FARTHEST, ""]
        texts, size = f"texts_{self._generation}", with_one_more(self._query.limit)
        return (
            f"WITH found AS MATERIALIZED (SELECT rowid AS id, {self._position()} AS place FROM {texts}"
            f" WHERE {texts} MATCH ?)"
            f" SELECT * FROM (SELECT 'hit', found.id, place, r.record AS record FROM found"
            f" CROSS JOIN records_{self._generation} AS r ON r.id = found.id WHERE place BETWEEN ?"
            f" AND coalesce((SELECT place FROM found WHERE place > ? ORDER BY place LIMIT 1 OFFSET {size}),"
            f" {_FARTHEST})"
            f" AND (place, r.record) > (?, ?) ORDER BY place, r.record LIMIT {size})"
            " UNION ALL SELECT 'total', NULL, count(*), NULL FROM found",
            [str(self.match), after[0], after[0], *after],
        )

    def listing(self) -> tuple[str, list[Value]]:
        """The hits of `rows` where nothing is scored and counted: an index has them in order, from any of them on."""
        beyond, values = self._beyond("(r.newest, r.record) > (?, ?)", "r.record > ?")
        order = "r.newest, r.record" if self._query.sort == "newest" else "r.record"
        return (
            f"SELECT 'hit', r.id, {self._position()}, r.record {self._from} {beyond.replace('WHERE', 'AND')}"
            f" ORDER BY {order} LIMIT {with_one_more(self._query.limit)}",
            [*self._values, *values],
        )

    def total(self) -> tuple[str, list[Value]]:
        """The row of the `total` of `rows`, by itself; of all that a review lists it is kept."""
        if self._lists_all:
            kept = f"SELECT listed FROM counted_{self._generation} WHERE review = ?"
            return f"SELECT 'total', NULL, coalesce(({kept}), 0), NULL", [self._query.review]
        return f"SELECT 'total', NULL, count(*), NULL {self._from}", self._values

    def _beyond(self, placed: str, unplaced: str) -> tuple[str, list[Value]]:
        after = position_of(self._query, (int | float, str))
        if not after:
            return "", []
        # Without a text all have one place, and SQLite finds its way in an index by the record alone.
        if self.match is None and self._query.sort == "relevance":
            return f"WHERE {unplaced}", after[1:]
        return f"WHERE {placed}", after

    def _facet(self, name: str) -> str:
        joined = f"JOIN sources_{self._generation} USING (id)" if name == "source" else ""
        if name == "notice":
            joined = (
                f"JOIN (SELECT f.id AS id, coalesce(n.notice, '{NO_NOTICE}') AS notice FROM found AS f"
                f" LEFT JOIN notices_{self._generation} AS n ON n.id = f.id) USING (id)"
            )
        return (
            f"SELECT '{name}', NULL, count(*) AS many, {name} FROM found {joined} WHERE {name} IS NOT NULL"
            f" GROUP BY {name} ORDER BY many DESC, {name} LIMIT {FACET_SIZE}"
        )

    def _position(self) -> str:
        if self._query.sort == "newest":
            return "r.newest"
        weights = ", ".join(map(str, WEIGHTS.values()))
        return f"bm25(texts_{self._generation}, {weights})" if self.match else "0"

    def _filters(self) -> Iterator[str]:
        query = self._query
        if query.published_from or query.published_until:
            yield "r.day > 0"
        if query.published_from:
            yield f"r.day >= {self._value(as_number(query.published_from))}"
        if query.published_until:
            yield f"r.day <= {self._value(as_number(query.published_until))}"
        for name, values in query.filters.items():
            among = f"IN ({', '.join(map(self._value, values))})"
            if name == "source":
                yield f"r.id IN (SELECT id FROM sources_{self._generation} AS s WHERE s.id = r.id AND source {among})"
            elif name == "notice":
                noticed = f"SELECT 1 FROM notices_{self._generation} AS n WHERE n.id = r.id"
                nothing = f" OR NOT EXISTS ({noticed})" if NO_NOTICE in values else ""
                yield f"(EXISTS ({noticed} AND n.notice {among}){nothing})"
            else:
                yield f"r.{name} {among}"

    def _value(self, value: Value) -> str:
        self._values.append(value)
        return "?"
