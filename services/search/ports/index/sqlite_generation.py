"""One generation of the search index in SQLite: its tables, how documents go in, and how they are found."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Literal

import orjson

from services.search.domain import Document, Notice, Screening
from services.search.ports.index import sqlite_pieces
from services.search.ports.index.cursor import asked_by
from services.search.ports.index.highlight import Finds
from services.search.ports.index.port import FacetCount, Hit, Query, Results, earliest
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import Sought, sought
from services.search.ports.index.sqlite_pieces import SqlitePieces
from services.search.ports.index.sqlite_sql import TOKENIZER, WEIGHTS, Found, any_of, match_expression, spelled
from services.search.ports.index.telling import is_alike, telling, terms_of
from services.search.ports.index.words import Words
from shared.db.many import GIVEN, as_json
from shared.events.ingest import Bibliography
from shared.paging import cut

#: `newest` is the date turned round, so that one index serves "newest first, then by record". What a description says
#: is in a table of its own, so that a search goes through short rows; FTS5 keeps nothing of its words but
#: where they are, and splits at blanks: `services.search.ports.index.words` has done the rest. How many a review lists
#: is counted as they come, since whoever looks through a large one asks for that with each page.
_TABLES = """
CREATE TABLE records_{id} (
    id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE, review TEXT NOT NULL, version INTEGER NOT NULL,
    revision INTEGER NOT NULL, screening_revision INTEGER NOT NULL, listed INTEGER NOT NULL,
    day INTEGER NOT NULL, newest INTEGER NOT NULL, year TEXT, kind TEXT, language TEXT, status TEXT, stage TEXT,
    venue TEXT,    rest TEXT NOT NULL);
CREATE TABLE described_{id} (id INTEGER PRIMARY KEY, bibliography BLOB NOT NULL);
CREATE INDEX newest_{id} ON records_{id} (review, newest, record) WHERE listed;
CREATE INDEX listed_{id} ON records_{id} (review, record) WHERE listed;
CREATE TABLE counted_{id} (review TEXT PRIMARY KEY, listed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sources_{id} (id INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
CREATE TABLE notices_{id} (id INTEGER NOT NULL, notice TEXT NOT NULL, PRIMARY KEY (id, notice)) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts_{id} USING fts5({columns}, content = '', tokenize = {tokenizer});
INSERT INTO texts_{id} (texts_{id}, rank) VALUES ('automerge', {segments});
"""

#: Pieces of FTS5's index of one size that it lets lie before it begins to merge them. With twice its default of 4 a
#: document costs a sixth less, and a search hardly more (SQLite's FTS5 page, "The 'automerge' Configuration Option").
_SEGMENTS = 8

_NOT_KEPT = {"provenance"}

#: How many times as many as are shown are looked through for what is alike.
_LOOKED_THROUGH = 3

#: A record's id, the words of its title, abstract, authors and venue, and its DOI and review as they are spelled.
_Texts = tuple[int, str, str, str, str, str, str]


#: All tables that a generation has, or had in an earlier release.
_EACH = ("texts", "forms", "sources", "notices", "described", "counted", "records", *sqlite_pieces.EACH)


def drop_tables(db: sqlite3.Connection, id: int) -> None:
    """Deletes all that is of a generation, of whatever form."""
    for table in _EACH:
        db.execute(f"DROP TABLE IF EXISTS {table}_{id}")


class Generation:
    """One generation inside one transaction."""

    def __init__(self, db: sqlite3.Connection, id: int, words: Words) -> None:
        self._db, self.id, self._words = db, id, words

    def create(self) -> None:
        columns = ", ".join(WEIGHTS)
        program = _TABLES.format(id=self.id, columns=columns, segments=_SEGMENTS, tokenizer=TOKENIZER)
        for statement in [*program.split(";\n"), *sqlite_pieces.tables(self.id)]:
            self._db.execute(statement)

    @property
    def pieces(self) -> SqlitePieces:
        return SqlitePieces(self._db, self.id, self._words)

    def get(self, records: Collection[str]) -> dict[str, Document]:
        documents = self._documents("record", list(records))
        return {document.record: document for document in documents.values()}

    def put(self, documents: Iterable[Document]) -> set[str]:
        """Answers the records that were refused."""
        batch = list(documents)
        stored = self._states([document.record for document in batch])
        writing, refused = _Writing(self._free_id()), set()
        for document in batch:
            state = stored.get(document.record)
            if document.seen != (self._seen(state["version"]) if state else None):
                refused.add(document.record)
            else:
                stored[document.record] = writing.add(document, state)
        self._write(writing)
        return refused

    def count(self, review: str | None) -> int:
        where, values = ("WHERE review = ?", [review]) if review is not None else ("", [])
        return self._one(f"SELECT coalesce(sum(listed), 0) FROM counted_{self.id} {where}", values)

    def search(self, query: Query) -> Results:
        wanted = sought(query.text)
        match = None if wanted == Everything() else match_expression(wanted, query.review, self._words)
        found = Found(query, self.id, match)
        rows, total, facets = self._found(query, found)
        page = cut(rows, asked_by(query), lambda row: row[1:])
        return Results(hits=self._hits(query, page.rows, wanted), total=total, facets=facets, next=page.next)

    def matching(self, query: Query) -> set[str]:
        """All records that a query finds."""
        wanted = sought(query.text)
        match = None if wanted == Everything() else match_expression(wanted, query.review, self._words)
        return {record for (record,) in self._db.execute(*Found(query, self.id, match).records())}

    def like(self, record: str, review: str, limit: int) -> list[Hit]:
        document = self.get([record]).get(record)
        if document is None or document.review != review or document.bibliography is None:
            return []
        said = terms_of(document.bibliography, self._words)
        terms = telling(said, self._spread(said), self.count(None))
        if not terms:
            return []
        weights = ", ".join(map(str, WEIGHTS.values()))
        texts = f"texts_{self.id}"
        rows = self._db.execute(
            f"SELECT {texts}.rowid, bm25({texts}, {weights}) AS place FROM {texts}"
            f" CROSS JOIN records_{self.id} AS r ON r.id = {texts}.rowid"
            f" WHERE {texts} MATCH ? AND r.listed AND r.review = ? AND r.record <> ? ORDER BY place, r.record LIMIT ?",
            [any_of(terms, review), review, record, limit * _LOOKED_THROUGH],
        ).fetchall()
        documents = self._documents("id", [id for id, _ in rows])
        alike = (
            Hit(documents[id], -rank, {})
            for id, rank in rows
            if is_alike(terms, terms_of(documents[id].bibliography or Bibliography(), self._words))
        )
        return list(islice(alike, limit))

    def _spread(self, terms: Iterable[str]) -> dict[str, int]:
        """How many records have each of these words."""
        vocabulary = f"vocabulary_{self.id}"
        made = f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{vocabulary} USING fts5vocab(main, texts_{self.id}, row)"
        self._db.execute(made)
        asked = f"SELECT v.term, v.doc FROM json_each(?) AS wanted CROSS JOIN temp.{vocabulary} AS v"
        return dict(self._db.execute(f"{asked} ON v.term = wanted.value", [orjson.dumps(list(terms))]).fetchall())

    # -- reading ---------------------------------------------------------------------------------

    def _found(
        self, query: Query, found: Found
    ) -> tuple[list[tuple[int, float, str]], int, dict[str, list[FacetCount]]]:
        """Id, place and record of the page's hits, and what is counted."""
        facets: dict[str, list[FacetCount]] = {name: [] for name in query.facets}
        hits, total = [], 0
        if found.is_ranked:
            once = [found.ranked()]
        else:
            once = [found.rows()] if found.match or facets else [found.listing(), found.total()]
        for what, id, number, text in (row for statement in once for row in self._db.execute(*statement)):
            if what == "hit":
                hits.append((id, number, text))
            elif what == "total":
                total = number
            else:
                facets[what].append(FacetCount(text, number))
        return hits, total, facets

    def _hits(self, query: Query, page: list[tuple[int, float, str]], wanted: Sought) -> list[Hit]:
        documents, finds = self._documents("id", [id for id, *_ in page]), Finds(wanted, self._words)
        scored = wanted != Everything() and query.sort == "relevance"
        # bm25() is negative: the better, the lower.
        return [
            Hit(documents[id], -rank if scored else None, finds.marked(documents[id].bibliography))
            for id, rank, _ in page
        ]

    def _documents(self, key: Literal["id", "record"], values: list[int] | list[str]) -> dict[int, Document]:
        rows = self._db.execute(
            f"SELECT r.id, r.record, r.review, r.version, r.revision, r.screening_revision, r.rest, d.bibliography"
            f" FROM json_each(?) AS wanted CROSS JOIN records_{self.id} AS r ON r.{key} = wanted.value"
            f" LEFT JOIN described_{self.id} AS d ON d.id = r.id",
            [orjson.dumps(values)],
        )
        return {id: self._document(*row) for id, *row in rows}

    def _document(
        self, record: str, review: str, version: int, revision: int, screening_revision: int, rest: str,
        bibliography: bytes | None,
    ) -> Document:  # fmt: skip
        parts = orjson.loads(rest)
        return Document(
            record=record,
            review=review,
            revision=revision,
            bibliography=None if bibliography is None else _bibliography(bibliography),
            screening_revision=screening_revision,
            screening=Screening(**parts["screening"]),
            notices=tuple(Notice(**notice) for notice in parts.get("notices", ())),
            seen=self._seen(version),
        )

    def _one(self, sql: str, values: list[str]) -> int:
        number: int
        (number,) = self._db.execute(sql, values).fetchone()
        return number

    # -- writing ---------------------------------------------------------------------------------

    def _seen(self, version: int) -> str:
        return f"{self.id}:{version}"

    def _states(self, records: list[str]) -> dict[str, dict[str, int]]:
        rows = self._db.execute(
            f"SELECT record, r.id, version, revision, listed FROM json_each(?) AS wanted"
            f" CROSS JOIN records_{self.id} AS r ON r.record = wanted.value",
            [orjson.dumps(records)],
        )
        names = ("id", "version", "revision", "listed")
        return {record: dict(zip(names, state, strict=True)) for record, *state in rows}

    def _free_id(self) -> int:
        return self._one(f"SELECT coalesce(max(id), 0) + 1 FROM records_{self.id}", [])

    def _write(self, writing: _Writing) -> None:
        those = "IN (SELECT value FROM given)"
        texts = f"texts_{self.id}"
        columns = f"rowid, {', '.join(WEIGHTS)}"
        # FTS5 takes a text out by its words.
        words = f"({texts}, {columns}) SELECT 'delete', {_columns(7)} FROM given"
        self._each(f"INSERT INTO {texts} {words}", self._words_of(writing.texts_out))
        self._each(f"DELETE FROM described_{self.id} WHERE id {those}", writing.texts_out)
        self._each(f"DELETE FROM sources_{self.id} WHERE id {those}", writing.texts_out)
        self._each(f"INSERT OR REPLACE INTO records_{self.id} SELECT {_columns(16)} FROM given", writing.rows)
        described = "json_extract(value, '$[0]'), CAST(json_extract(value, '$[1]') AS BLOB)"
        counted = f"INSERT INTO counted_{self.id} SELECT {_columns(2)} FROM given WHERE true"
        more = [it for it in writing.listed.items() if it[1]]
        self._each(f"{counted} ON CONFLICT DO UPDATE SET listed = listed + excluded.listed", more)
        self._each(f"INSERT INTO described_{self.id} SELECT {described} FROM given", writing.described)
        words = f"({columns}) SELECT {_columns(7)} FROM given"
        self._each(f"INSERT INTO {texts} {words}", self._texts(writing.texts_in))
        self._each(f"INSERT INTO sources_{self.id} SELECT {_columns(2)} FROM given", writing.sources)
        self._each(f"DELETE FROM notices_{self.id} WHERE id {those}", writing.noticed)
        self._each(f"INSERT OR IGNORE INTO notices_{self.id} SELECT {_columns(2)} FROM given", writing.notices)

    def _words_of(self, ids: list[int]) -> list[_Texts]:
        """What went into the index of words of these."""
        documents = self._documents("id", ids) if ids else {}
        return self._texts([(id, it.review, it.bibliography or Bibliography()) for id, it in documents.items()])

    def _texts(self, described: list[tuple[int, str, Bibliography]]) -> list[_Texts]:
        fields = self._words.indexed(field for _, _, it in described for field in _fields(it))
        words = zip(fields, fields, fields, fields, strict=True)
        return [
            (id, *texts, spelled(it.identifiers.doi or ""), spelled(review))
            for (id, review, it), texts in zip(described, words, strict=True)
        ]

    def _each(self, words: str, given: Sequence[object]) -> None:
        """Says it for all that is given, in one step."""
        if given:
            self._db.execute(f"{GIVEN.format(given='?')} {words}", [as_json(given)])


class _Writing:
    """The rows of one `put`, collected so that each table is written once."""

    def __init__(self, free_id: int) -> None:
        self._free_id = free_id
        self.rows: list[tuple[object, ...]] = []
        self.texts_out: list[int] = []
        self.described: list[tuple[int, str]] = []
        self.texts_in: list[tuple[int, str, Bibliography]] = []
        self.sources: list[tuple[int, str]] = []
        self.noticed: list[int] = []
        self.notices: list[tuple[int, str]] = []
        #: How many more a review lists than before.
        self.listed = Counter[str]()

    def add(self, document: Document, state: dict[str, int] | None) -> dict[str, int]:
        """Takes a document in, given its record's stored state; returns the state it will have."""
        new = {
            "id": state["id"] if state else self._free_id,
            "version": state["version"] + 1 if state else 1,
            "revision": document.revision,
            "listed": int(document.bibliography is not None),
        }
        self._free_id += state is None
        self.listed[document.review] += new["listed"] - (state["listed"] if state else 0)
        self.rows.append(_row(document, new))
        if document.notices:
            self.noticed.append(new["id"])
            self.notices += [(new["id"], kind) for kind in document.noticed]
        if state is None or state["revision"] != document.revision:
            self._add_text(document, new["id"], was_listed=bool(state and state["listed"]))
        return new

    def _add_text(self, document: Document, id: int, *, was_listed: bool) -> None:
        if was_listed:
            self.texts_out.append(id)
        if (described := document.bibliography) is not None:
            kept = described.model_dump(exclude=_NOT_KEPT, exclude_none=True)
            self.described.append((id, orjson.dumps(kept).decode()))
            self.texts_in.append((id, document.review, described))
            self.sources += {(id, source.source) for source in described.sources}


def _fields(described: Bibliography) -> tuple[Iterable[str], ...]:
    return [described.title or ""], [described.abstract or ""], described.authors, [described.venue or ""]


def _bibliography(kept: bytes) -> Bibliography:
    return Bibliography.model_validate(orjson.loads(kept))


def _row(document: Document, state: dict[str, int]) -> tuple[object, ...]:
    described = document.bibliography or Bibliography()
    day = earliest(described)
    rest: dict[str, object] = {"screening": document.screening}
    if document.notices:
        rest["notices"] = document.notices
    return (
        state["id"], document.record, document.review, state["version"],
        document.revision, document.screening_revision, state["listed"],
        day, -day, (described.published or "")[:4] or None, described.kind or None, described.language or None,
        document.screening.status, document.screening.stage, described.venue or None, orjson.dumps(rest).decode(),
    )  # fmt: skip


def _columns(count: int) -> str:
    return ", ".join(f"json_extract(value, '$[{at}]')" for at in range(count))
