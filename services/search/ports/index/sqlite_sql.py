"""Says a query in SQL and in FTS5's own words, so that nothing a person types is read as either."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.search.domain import NO_NOTICE
from services.search.ports.index.cursor import position_of
from services.search.ports.index.port import FACET_SIZE, Query, as_number
from services.search.ports.index.query import And, Expression, Not, Or, Phrase, Prefix
from shared.paging import with_one_more

#: The columns of the full-text table, in order, and how much a find in each weighs.
WEIGHTS = {"title": 3.0, "abstract": 1.0, "authors": 1.0, "venue": 0.5, "doi": 0.0, "scope": 0.0}

_COLUMNS = {None: "{title abstract authors venue}", "author": "authors"}
_CONSONANTS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrtv")

#: What stands for a `?`.
Value = str | int | float

#: Gives the words of the index that begin so; None where FTS5 can look for beginnings itself.
Expand = Callable[[str], list[str]]


def spelled(text: str) -> str:
    """Spells any text as one word that no tokenizer cuts and no stemmer shortens.

    Its UTF-8 bytes in hexadecimal, in consonants: beginnings stay beginnings.
    """
    return text.encode().hex().translate(_CONSONANTS)


def match_expression(expression: Expression, review: str, expand: Expand | None) -> str:
    """The MATCH expression that finds the query in one review. `expand` may raise Invalid."""
    return f"{_everything(review)} AND {_Translator(review, expand).translate(expression)}"


def _everything(review: str) -> str:
    return f'scope : "{spelled(review)}"'


class _Translator:
    def __init__(self, review: str, expand: Expand | None) -> None:
        self._review, self._expand = review, expand

    def translate(self, expression: Expression) -> str:
        match expression:
            case Phrase(text, "doi"):
                return f'doi : "{spelled(text)}"'
            case Prefix(text, "doi"):
                return f'doi : "{spelled(text)}" *'
            case Phrase(text, field):
                return f"{_column(field)} : {_quoted(text)}"
            case Prefix(text, field):
                return self._beginning(text, _column(field))
            case Or(parts):
                return f"({' OR '.join(map(self.translate, parts))})"
            case And(parts):
                return self._all_of(parts)
            case Not():
                return self._all_of((expression,))

    def _all_of(self, parts: tuple[Expression, ...]) -> str:
        """FTS5 knows `a NOT b` only, so what is wanted comes first: if nothing else is, everything."""
        wanted = [self.translate(part) for part in parts if not isinstance(part, Not)]
        unwanted = [self.translate(part.part) for part in parts if isinstance(part, Not)]
        found = f"({' AND '.join(wanted)})" if wanted else _everything(self._review)
        return f"({found} NOT ({' OR '.join(unwanted)}))" if unwanted else found

    def _beginning(self, text: str, column: str) -> str:
        if self._expand is None:
            return f"{column} : {_quoted(text)} *"
        words = self._expand(text)
        # No word begins so: a term that no document can have, since it has vowels.
        return f"{column} : ({' OR '.join(map(_quoted, words))})" if words else 'scope : "none"'


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

    def page(self) -> tuple[str, list[Value]]:
        """Rows of id, place, record: one more than the page holds, to see whether another follows."""
        after = position_of(self._query, (int | float, str))
        beyond, values = ("WHERE (place, record) > (?, ?)", after) if after else ("", [])
        found = f"SELECT r.id AS id, {self._position()} AS place, r.record AS record {self._from}"
        # Scores are worked out once for each find; without them SQLite can walk an index instead.
        keep = "MATERIALIZED" if self.match else "NOT MATERIALIZED"
        return (
            f"WITH found AS {keep} ({found}) SELECT id, place, record FROM found {beyond}"
            f" ORDER BY place, record LIMIT {with_one_more(self._query.limit)}",
            [*self._values, *values],
        )

    def counts(self) -> tuple[str, list[Value]]:
        """Rows of facet, value, count; the facet `total` counts all finds."""
        if not self._query.facets:
            return f"SELECT 'total', NULL, count(*) {self._from}", self._values
        columns = "r.id, r.year, r.kind, r.language, r.status, r.venue"
        facets = "".join(f" UNION ALL SELECT * FROM ({self._facet(name)})" for name in self._query.facets)
        return (
            f"WITH found AS MATERIALIZED (SELECT {columns} {self._from})"
            f" SELECT 'total', NULL, count(*) FROM found{facets}",
            self._values,
        )

    def _facet(self, name: str) -> str:
        joined = f"JOIN sources_{self._generation} USING (id)" if name == "source" else ""
        if name == "notice":
            joined = (
                f"JOIN (SELECT f.id AS id, coalesce(n.notice, '{NO_NOTICE}') AS notice FROM found AS f"
                f" LEFT JOIN notices_{self._generation} AS n ON n.id = f.id) USING (id)"
            )
        return (
            f"SELECT '{name}', {name}, count(*) AS many FROM found {joined} WHERE {name} IS NOT NULL"
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
