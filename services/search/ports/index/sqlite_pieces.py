"""Pieces in one generation of the search index in SQLite, in tables of their own beside those of records."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

import orjson

from services.search.domain import Piece, Said
from services.search.ports.index.highlight import Finds
from services.search.ports.index.pieces import (
    ALL_TAGS,
    PieceHit,
    PieceQuery,
    PieceResults,
    as_described,
    marked_in,
    most_first,
    scope_of,
)
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import sought
from services.search.ports.index.sqlite_sql import TOKENIZER, WEIGHTS, any_of, match_expression, spelled
from services.search.ports.index.telling import is_alike, telling, terms_of
from services.search.ports.index.words import Words
from shared.paging import cut, with_one_more

#: As those of records. What is written anew is taken out of the index of words by the words that it had.
TABLES = """
CREATE TABLE pieces_{id} (
    id INTEGER PRIMARY KEY, piece TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, review TEXT NOT NULL, kind TEXT NOT NULL,
    version INTEGER NOT NULL, listed INTEGER NOT NULL, parts BLOB NOT NULL);
CREATE INDEX listed_pieces_{id} ON pieces_{id} (scope, piece) WHERE listed;
CREATE TABLE tags_{id} (id INTEGER NOT NULL, number INTEGER NOT NULL, {tags}, PRIMARY KEY (id, number)) WITHOUT ROWID;
CREATE VIRTUAL TABLE piece_texts_{id} USING fts5({columns}, content = '', tokenize = {tokenizer})
"""
EACH = ("piece_texts", "tags", "pieces")

_LOOKED_THROUGH = 3


def tables(id: int) -> list[str]:
    """What makes them."""
    made = TABLES.format(
        id=id, tags=", ".join(f"{it} TEXT" for it in ALL_TAGS), columns=", ".join(WEIGHTS), tokenizer=TOKENIZER
    )
    return made.split(";\n")


class SqlitePieces:
    """Those of one generation, inside one transaction."""

    def __init__(self, db: sqlite3.Connection, id: int, words: Words) -> None:
        self._db, self._id, self._words = db, id, words

    def get(self, pieces: Collection[str]) -> dict[str, Piece]:
        return {it.piece: it for it in self._read("piece", list(pieces)).values()}

    def put(self, pieces: Iterable[Piece]) -> set[str]:
        refused = set()
        for piece in pieces:
            old = self.get([piece.piece]).get(piece.piece)
            if piece.seen != (old.seen if old else None):
                refused.add(piece.piece)
            else:
                self._put(piece, old)
        return refused

    def search(self, query: PieceQuery) -> PieceResults:
        wanted = sought(query.text)
        match = None if wanted == Everything() else match_expression(wanted, query.scope, self._words)
        found, values = self._found(query, match)
        page = query.page
        after = "WHERE (place, piece) > (?, ?)" if page.after else ""
        rows = self._db.execute(
            f"SELECT id, place, piece FROM ({found}) {after} ORDER BY place, piece LIMIT {with_one_more(query.limit)}",
            [*values, *(page.after or [])],
        ).fetchall()
        (total,) = self._db.execute(f"SELECT count(*) FROM ({found})", values).fetchone()
        shown = cut(rows, page, lambda row: row[1:])
        pieces, finds = self._read("id", [id for id, *_ in shown.rows]), Finds(wanted, self._words)
        hits = [
            PieceHit(pieces[id], -rank if match else None, marked_in(finds, pieces[id])) for id, rank, _ in shown.rows
        ]
        tagged, among = _tagged(query)
        facets = {
            name: most_first(
                self._db.execute(
                    f"SELECT t.{name}, count(DISTINCT t.id) FROM ({found}) AS f"
                    f" JOIN tags_{self._id} AS t ON t.id = f.id WHERE t.{name} IS NOT NULL{tagged} GROUP BY t.{name}",
                    [*values, *among],
                )
            )
            for name in query.counted
        }
        return PieceResults(hits, total, facets, shown.next)

    def like(self, piece: str, review: str, limit: int) -> list[PieceHit]:
        one = self.get([piece]).get(piece)
        if one is None or one.review != review or not one.listed:
            return []
        said = terms_of(as_described(one), self._words)
        vocabulary = f"piece_vocabulary_{self._id}"
        texts = f"piece_texts_{self._id}"
        self._db.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{vocabulary} USING fts5vocab(main, {texts}, row)")
        spread = self._db.execute(
            f"SELECT v.term, v.doc FROM json_each(?) AS wanted CROSS JOIN temp.{vocabulary} AS v"
            " ON v.term = wanted.value",
            [orjson.dumps(list(said))],
        )
        (listed,) = self._db.execute(f"SELECT count(*) FROM pieces_{self._id} WHERE listed").fetchone()
        terms = telling(said, dict(spread.fetchall()), listed)
        if not terms:
            return []
        rows = self._db.execute(
            f"SELECT p.id, {_rank(texts)} AS place FROM {texts} CROSS JOIN pieces_{self._id} AS p"
            f" ON p.id = {texts}.rowid WHERE {texts} MATCH ? AND p.piece <> ? ORDER BY place, p.piece LIMIT ?",
            [any_of(terms, scope_of(review, one.kind)), piece, limit * _LOOKED_THROUGH],
        ).fetchall()
        pieces = self._read("id", [id for id, _ in rows])
        alike = (
            PieceHit(pieces[id], -rank, {})
            for id, rank in rows
            if is_alike(terms, terms_of(as_described(pieces[id]), self._words))
        )
        return list(islice(alike, limit))

    def _found(self, query: PieceQuery, match: str | None) -> tuple[str, list[Any]]:
        """Id, place and name of all that a query finds."""
        texts, values = f"piece_texts_{self._id}", list[Any]()
        if match is None:
            found = f"SELECT p.id AS id, 0 AS place, p.piece AS piece FROM pieces_{self._id} AS p WHERE p.listed"
        else:
            found = (
                f"SELECT p.id AS id, {_rank(texts)} AS place, p.piece AS piece FROM {texts}"
                f" CROSS JOIN pieces_{self._id} AS p ON p.id = {texts}.rowid WHERE {texts} MATCH ? AND p.listed"
            )
            values.append(match)
        tagged, among = _tagged(query)
        tagged = tagged and f" AND EXISTS (SELECT 1 FROM tags_{self._id} AS t WHERE t.id = p.id{tagged})"
        return f"{found} AND p.scope = ?{tagged}", [*values, query.scope, *among]

    def _read(self, key: str, values: list[Any]) -> dict[int, Piece]:
        rows = self._db.execute(
            f"SELECT p.id, p.piece, p.review, p.kind, p.version, p.parts FROM json_each(?) AS wanted"
            f" CROSS JOIN pieces_{self._id} AS p ON p.{key} = wanted.value",
            [orjson.dumps(values)],
        )
        return {
            id: Piece(
                piece=piece, review=review, kind=kind, parts=parts_of(orjson.loads(parts)),
                seen=f"{self._id}:{version}",
            )
            for id, piece, review, kind, version, parts in rows
        }  # fmt: skip

    def _put(self, piece: Piece, old: Piece | None) -> None:
        row = (
            self._db.execute(f"SELECT id, version FROM pieces_{self._id} WHERE piece = ?", [piece.piece]).fetchone()
            or self._db.execute(f"SELECT coalesce(max(id), 0) + 1, 0 FROM pieces_{self._id}").fetchone()
        )
        id, version = row
        texts, columns = f"piece_texts_{self._id}", ", ".join(WEIGHTS)
        spots = ", ".join("?" * len(WEIGHTS))
        if old is not None and old.listed:
            out = f"INSERT INTO {texts} ({texts}, rowid, {columns}) VALUES ('delete', ?, {spots})"
            self._db.execute(out, [id, *self._texts(old)])
        self._db.execute(
            f"INSERT OR REPLACE INTO pieces_{self._id} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [id, piece.piece, scope_of(piece.review, piece.kind), piece.review, piece.kind, version + 1, piece.listed,
             orjson.dumps(kept_parts(piece))],
        )  # fmt: skip
        self._db.execute(f"DELETE FROM tags_{self._id} WHERE id = ?", [id])
        if not piece.listed:
            return
        self._db.execute(f"INSERT INTO {texts} (rowid, {columns}) VALUES (?, {spots})", [id, *self._texts(piece)])
        self._db.executemany(
            f"INSERT INTO tags_{self._id} VALUES ({', '.join('?' * (2 + len(ALL_TAGS)))})",
            [[id, number, *map(tag.get, ALL_TAGS)] for number, tag in enumerate(piece.tags)],
        )

    def _texts(self, piece: Piece) -> list[str]:
        title, text = self._words.indexed([[piece.heading], [piece.text]])
        return [title, text, "", "", "", spelled(scope_of(piece.review, piece.kind))]


def _rank(texts: str) -> str:
    return f"bm25({texts}, {', '.join(map(str, WEIGHTS.values()))})"


def _tagged(query: PieceQuery) -> tuple[str, list[str]]:
    """What one tag is to have."""
    asked = "".join(f" AND t.{name} IN ({', '.join('?' * len(values))})" for name, values in query.tags if values)
    return asked, [value for _, values in query.tags for value in values]


def kept_parts(piece: Piece) -> dict[str, list[Any]]:
    """Its parts as they are kept."""
    return {name: [list(said.rank), said.about] for name, said in piece.parts.items()}


def parts_of(kept: dict[str, Any]) -> dict[str, Said]:
    return {name: Said((rank[0], rank[1], rank[2]), about) for name, (rank, about) in kept.items()}
