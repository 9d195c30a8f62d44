"""One generation of the search index in SQLite: its tables, how documents go in, and how they are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import orjson

from services.search.domain import Document, Notice, Screening
from services.search.ports.index.cursor import asked_by
from services.search.ports.index.highlight import CLOSING, OPENING, marked_fields, spans_of
from services.search.ports.index.port import FacetCount, Hit, Query, Results, earliest
from services.search.ports.index.query import parse
from services.search.ports.index.sqlite_sql import WEIGHTS, Found, match_expression, spelled
from shared.db.many import GIVEN, as_json
from shared.errors import Invalid
from shared.events.ingest import Bibliography
from shared.paging import cut

#: How each analyzer cuts words.
TOKENIZERS = {
    "english": "porter unicode61 remove_diacritics 2",
    "standard": "unicode61 remove_diacritics 2",
}

#: How many words the * of one query may stand for; each costs the search about a millisecond.
_MAX_EXPANSION = 1_000

#: The columns whose words a search for beginnings (`leader*`) finds.
_WORDY = "title, abstract, authors, venue"

_NOT_IN_BODY = {"title", "abstract", "provenance"}

#: `newest` is the date turned round, so that one index serves "newest first, then by record".
_TABLES = """
CREATE TABLE records_{id} (
    id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE, review TEXT NOT NULL, version INTEGER NOT NULL,
    revision INTEGER NOT NULL, screening_revision INTEGER NOT NULL, listed INTEGER NOT NULL,
    day INTEGER NOT NULL, newest INTEGER NOT NULL, year TEXT, kind TEXT, language TEXT, status TEXT, venue TEXT,
    body BLOB NOT NULL);
CREATE INDEX newest_{id} ON records_{id} (review, newest, record) WHERE listed;
CREATE INDEX listed_{id} ON records_{id} (review, record) WHERE listed;
CREATE TABLE sources_{id} (id INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
CREATE TABLE notices_{id} (id INTEGER NOT NULL, notice TEXT NOT NULL, PRIMARY KEY (id, notice)) WITHOUT ROWID;
CREATE TABLE forms_{id} (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts_{id} USING fts5({columns}, tokenize = '{tokenizer}');
INSERT INTO texts_{id} (texts_{id}, rank) VALUES ('automerge', {segments});
"""

#: Pieces of FTS5's index of one size that it lets lie before it begins to merge them. With twice its default of 4 a
#: document costs a sixth less, and a search hardly more (SQLite's FTS5 page, "The 'automerge' Configuration Option").
_SEGMENTS = 8

#: Cuts texts as a search does but for the stems, and keeps nothing of them. In memory, of one connection.
_CUTTING = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.cut USING fts5({_WORDY}, tokenize = '{TOKENIZERS['standard']}',"
    " content = '', detail = none, columnsize = 0)",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(temp, cut, row)",
)

#: The id of a record, title, abstract, authors, venue, and its DOI and review as they are spelled.
_Text = tuple[int, str | None, str | None, str, str | None, str, str]


class Generation:
    """One generation inside one transaction."""

    def __init__(self, db: sqlite3.Connection, id: int, analyzer: str) -> None:
        self._db, self.id, self._analyzer = db, id, analyzer
        self._expansion = _MAX_EXPANSION

    def create(self) -> None:
        tokenizer = TOKENIZERS[self._analyzer]
        program = _TABLES.format(id=self.id, columns=", ".join(WEIGHTS), tokenizer=tokenizer, segments=_SEGMENTS)
        for statement in program.split(";\n"):
            self._db.execute(statement)

    def complete(self) -> None:
        """Makes the table that a generation of an earlier release lacks: nothing was noticed then."""
        table = f"notices_{self.id} (id INTEGER NOT NULL, notice TEXT NOT NULL, PRIMARY KEY (id, notice))"
        self._db.execute(f"CREATE TABLE IF NOT EXISTS {table} WITHOUT ROWID")

    def drop(self) -> None:
        for table in ("texts", "forms", "sources", "notices", "records"):
            self._db.execute(f"DROP TABLE IF EXISTS {table}_{self.id}")

    def mark(self) -> str:
        mark: str
        (mark,) = self._db.execute("SELECT mark FROM generations WHERE id = ?", [self.id]).fetchone()
        return mark

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
        where, values = ("AND review = ?", [review]) if review is not None else ("", [])
        return self._one(f"SELECT count(*) FROM records_{self.id} WHERE listed {where}", values)

    def search(self, query: Query) -> Results:
        found = Found(query, self.id, self._match(query))
        page = cut(self._db.execute(*found.page()).fetchall(), asked_by(query), lambda row: row[1:])
        total, facets = self._counts(query, found)
        return Results(
            hits=self._hits(query, page.rows, found.match),
            total=total,
            facets=facets,
            next=page.next,
        )

    # -- reading ---------------------------------------------------------------------------------

    def _match(self, query: Query) -> str | None:
        expression = parse(query.text)
        if expression is None:
            return None
        return match_expression(expression, query.review, self._forms if self._analyzer == "english" else None)

    def _forms(self, beginning: str) -> list[str]:
        """The words of the index that begin so: stems do not, so FTS5 alone would miss most of them."""
        rows = self._db.execute(
            f"SELECT word FROM forms_{self.id} WHERE word >= ? AND word < ? LIMIT ?",
            [beginning, beginning + "\U0010ffff", self._expansion + 1],
        ).fetchall()
        self._expansion -= len(rows)
        if self._expansion < 0:
            why = f"its words that end in * stand for more than {_MAX_EXPANSION} different words: write more of them"
            raise Invalid(f"search text: {why}", errors=[{"at": "text", "why": why}])
        return [word for (word,) in rows]

    def _hits(self, query: Query, page: list[tuple[int, float, str]], match: str | None) -> list[Hit]:
        ids = [id for id, *_ in page]
        documents, marked = self._documents("id", ids), self._marked(ids, match)
        scored = match is not None and query.sort == "relevance"
        return [
            Hit(documents[id], -position if scored else None, marked.get(id, {})) for id, position, *_ in page
        ]  # bm25() is negative: the better, the lower

    def _documents(self, key: Literal["id", "record"], values: list[int] | list[str]) -> dict[int, Document]:
        rows = self._db.execute(
            f"SELECT r.id, r.record, r.review, r.version, r.revision, r.screening_revision, r.body, t.title, t.abstract"
            f" FROM json_each(?) AS wanted CROSS JOIN records_{self.id} AS r ON r.{key} = wanted.value"
            f" LEFT JOIN texts_{self.id} AS t ON t.rowid = r.id",
            [orjson.dumps(values)],
        )
        return {id: self._document(*row) for id, *row in rows}

    def _document(
        self, record: str, review: str, version: int, revision: int, screening_revision: int, body: bytes,
        title: str | None, abstract: str | None,
    ) -> Document:  # fmt: skip
        parts = orjson.loads(body)
        described = parts["bibliography"]
        return Document(
            record=record,
            review=review,
            revision=revision,
            bibliography=None
            if described is None
            else Bibliography.model_validate({**described, "title": title, "abstract": abstract}),
            screening_revision=screening_revision,
            screening=Screening(**parts["screening"]),
            notices=tuple(Notice(**notice) for notice in parts.get("notices", ())),
            seen=self._seen(version),
        )

    def _marked(self, ids: list[int], match: str | None) -> dict[int, dict[str, list[str]]]:
        if match is None:
            return {}
        texts = f"texts_{self.id}"
        rows = self._db.execute(
            f"SELECT {texts}.rowid, title, abstract, highlight({texts}, 0, ?, ?), highlight({texts}, 1, ?, ?)"
            f" FROM json_each(?) AS wanted CROSS JOIN {texts} ON {texts}.rowid = wanted.value WHERE {texts} MATCH ?",
            [OPENING, CLOSING, OPENING, CLOSING, orjson.dumps(ids), match],
        )
        return {
            id: marked_fields(title, abstract, spans_of(in_title or ""), spans_of(in_abstract or ""))
            for id, title, abstract, in_title, in_abstract in rows
        }

    def _counts(self, query: Query, found: Found) -> tuple[int, dict[str, list[FacetCount]]]:
        facets: dict[str, list[FacetCount]] = {name: [] for name in query.facets}
        total = 0
        for name, value, count in self._db.execute(*found.counts()):
            if name == "total":
                total = count
            else:
                facets[name].append(FacetCount(value, count))
        return total, facets

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
        self._each(f"DELETE FROM texts_{self.id} WHERE rowid {those}", writing.texts_out)
        self._each(f"DELETE FROM sources_{self.id} WHERE id {those}", writing.texts_out)
        body = f"{_columns(14)}, CAST(json_extract(value, '$[14]') AS BLOB)"
        self._each(f"INSERT OR REPLACE INTO records_{self.id} SELECT {body} FROM given", writing.rows)
        columns = f"(rowid, {', '.join(WEIGHTS)})"
        self._each(f"INSERT INTO texts_{self.id} {columns} SELECT {_columns(7)} FROM given", writing.texts_in)
        self._each(f"INSERT INTO sources_{self.id} SELECT {_columns(2)} FROM given", writing.sources)
        self._each(f"DELETE FROM notices_{self.id} WHERE id {those}", writing.noticed)
        self._each(f"INSERT OR IGNORE INTO notices_{self.id} SELECT {_columns(2)} FROM given", writing.notices)
        if self._analyzer == "english":
            self._add_forms([row[0] for row in writing.texts_in])

    def _add_forms(self, texts: list[int]) -> None:
        """Adds the words of these texts to those that beginnings are looked for among. SQLite does all of it, and
        lets Python's lock go meanwhile: in Python it took an eighth of the time for which a pipeline holds that."""
        for table in _CUTTING:
            self._db.execute(table)
        those = f"SELECT rowid, {_WORDY} FROM texts_{self.id} WHERE rowid IN (SELECT value FROM given)"
        self._each(f"INSERT INTO temp.cut (rowid, {_WORDY}) {those}", texts)
        self._db.execute(f"INSERT OR IGNORE INTO forms_{self.id} SELECT term FROM temp.words")
        self._db.execute("INSERT INTO temp.cut (cut) VALUES ('delete-all')")

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
        self.texts_in: list[_Text] = []
        self.sources: list[tuple[int, str]] = []
        self.noticed: list[int] = []
        self.notices: list[tuple[int, str]] = []

    def add(self, document: Document, state: dict[str, int] | None) -> dict[str, int]:
        """Takes a document in, given its record's stored state; returns the state it will have."""
        new = {
            "id": state["id"] if state else self._free_id,
            "version": state["version"] + 1 if state else 1,
            "revision": document.revision,
            "listed": int(document.bibliography is not None),
        }
        self._free_id += state is None
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
            self.texts_in.append(
                (
                    id,
                    described.title,
                    described.abstract,
                    "; ".join(described.authors),
                    described.venue,
                    spelled(described.identifiers.doi or ""),
                    spelled(document.review),
                )
            )
            self.sources += {(id, source.source) for source in described.sources}


def _row(document: Document, state: dict[str, int]) -> tuple[object, ...]:
    described = document.bibliography or Bibliography()
    day = earliest(described)
    body: dict[str, object] = {
        "bibliography": document.bibliography and described.model_dump(exclude=_NOT_IN_BODY, exclude_none=True),
        "screening": document.screening,
    }
    if document.notices:
        body["notices"] = document.notices
    return (
        state["id"], document.record, document.review, state["version"],
        document.revision, document.screening_revision, state["listed"],
        day, -day, (described.published or "")[:4] or None, described.kind or None, described.language or None,
        document.screening.status, described.venue or None, orjson.dumps(body).decode(),
    )  # fmt: skip


def _columns(count: int) -> str:
    return ", ".join(f"json_extract(value, '$[{at}]')" for at in range(count))
