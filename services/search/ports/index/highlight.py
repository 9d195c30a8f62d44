"""Marks what was found in a text, as HTML that is safe whatever the text contains."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from services.search.ports.index.query import Field
from services.search.ports.index.sought import AllOf, AnyOf, Beginning, Row, Sought
from services.search.ports.index.words import Words, compounds, counted, located, shared
from shared.events.ingest import Bibliography
from shared.folding import composed

FRAGMENTS = 3
FRAGMENT_SIZE = 220
_LEAD_IN = 60

#: The fields whose finds are marked.
_MARKED: tuple[Field, ...] = ("title", "abstract")

#: Characters of a text that are looked at.
_LOOKED_AT = 100_000

#: Marks of a text, and words that are held against phrases in it: what goes beyond marks nothing more.
_MOST_MARKS, _MOST_COMPARED = 5_000, 500_000

#: Letters of a beginning that few words have.
_LONG_HEAD = 4

Span = tuple[int, int]

_FOLLOWING = re.compile(" *([^ ]+)")


class Finds:
    """What a query looks for, to be found again in a text that it has found."""

    def __init__(self, wanted: Sought, words: Words) -> None:
        leaves = list(_wanted(wanted))
        self._in = {field: _Sight(leaves, field, words) for field in _MARKED} if leaves else {}

    def marked(self, described: Bibliography | None) -> dict[str, list[str]]:
        """What a hit shows of its finds: the whole title, the abstract's best fragments, neither without a find."""
        if not self._in or described is None:
            return {}
        title, abstract = composed(described.title or ""), composed(described.abstract or "")
        in_title = self.spans(title, "title")
        marked = {
            "title": [marked_whole(title, in_title)] if in_title else [],
            "abstract": marked_fragments(abstract, self.spans(abstract, "abstract")),
        }
        return {name: pieces for name, pieces in marked.items() if pieces}

    def spans(self, text: str, field: Field) -> list[Span]:
        """Where it stands in a composed text of this field, as offsets; in order, never touching."""
        return united(list(islice(self._in[field].spans(text[:_LOOKED_AT]), _MOST_MARKS))) if self._in else []


_Rows = tuple[tuple[str, ...], ...]


class _Sight(dict[str, tuple[bool, _Rows]]):
    """What is looked for in one field: of each word that was met, whether it is found, and the phrases that may begin
    with it. Only words that begin as one that is wanted are looked at: few are, and mostly the same ones."""

    def __init__(self, leaves: list[Row | Beginning], field: Field, words: Words) -> None:
        wanted = [leaf for leaf in leaves if leaf.field in (None, field)]
        rows = {tuple(map(words.stem, leaf.words)): leaf.guess for leaf in wanted if isinstance(leaf, Row)}
        self._stem = words.stem
        self._single = {row[0] for row in rows if len(row) == 1}
        self._begins = tuple(leaf.letters for leaf in wanted if isinstance(leaf, Beginning))
        self._phrases = [row for row in rows if len(row) > 1]
        self._compared = 0
        after = {row: f" {shared(row[1])}" for row, guess in rows.items() if guess and len(shared(row[0])) < _LONG_HEAD}
        self._heads = _shortest({*self._begins, *(shared(row[0]) for row in rows if row not in after)})
        #: Many words begin as what is short and hardly ever there (`t reatment`): it is looked for only where some word
        #: begins as the one after it.
        self._rare = [(shared(row[0]), following) for row, following in after.items()]

    def __missing__(self, word: str) -> tuple[bool, _Rows]:
        stem = self._stem(counted(word))
        found = word.startswith(self._begins) or stem in self._single
        self[word] = seen = (found, tuple(row for row in self._phrases if row[0] == stem))
        return seen

    def spans(self, text: str) -> Iterator[Span]:
        where, self._compared = located(text), 0
        # With a blank before each word and behind it: what stands there at an offset stands in the text one before.
        blank = f" {where.letters.replace('-', ' ')} "
        for head in (*self._heads, *(head for head, following in self._rare if following in blank)):
            at = blank.find(f" {head}")
            while at >= 0:
                end = blank.index(" ", at + 1)
                found, rows = self[blank[at + 1 : end]]
                if found:
                    yield where.span(at, end - 1)
                for row in rows:
                    if last := self._end_of(row, blank, end):
                        yield where.span(at, last - 1)
                at = blank.find(f" {head}", end)
        for start, end in compounds(where.letters):
            whole = where.letters[start:end].replace("-", "")
            if whole.startswith(self._heads) and self[whole][0]:
                yield where.span(start, end)

    def _end_of(self, row: tuple[str, ...], blank: str, end: int) -> int | None:
        """Where a phrase ends whose first word ends there; None if others follow than its own."""
        for stem in row[1:]:
            self._compared += 1
            if self._compared > _MOST_COMPARED:
                return None
            following = _FOLLOWING.match(blank, end)
            if following is None or self._stem(counted(following[1])) != stem:
                return None
            end = following.end(1)
        return end


def _shortest(heads: set[str]) -> tuple[str, ...]:
    """Without those that begin as another one does."""
    kept: list[str] = []
    for head in sorted(heads):
        if not (kept and head.startswith(kept[-1])):
            kept.append(head)
    return tuple(kept)


def _wanted(wanted: Sought) -> Iterator[Row | Beginning]:
    match wanted:
        case Row() | Beginning():
            yield wanted
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _wanted(part)


def united(spans: list[Span]) -> list[Span]:
    """The same marks with those that overlap or touch made one."""
    kept: list[Span] = []
    for start, end in sorted(spans):
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        elif end > start:
            kept.append((start, end))
    return kept


def marked_whole(text: str, spans: list[Span]) -> str:
    """The whole text with <mark> around the spans and everything else escaped."""
    return _marked(text, spans, 0, len(text))


def marked_fragments(text: str, spans: list[Span]) -> list[str]:
    """The pieces of the text with the most finds, in the text's order; at most three of about 220 characters."""
    within = {window: _inside(spans, *window) for window in _windows(text, spans)}
    best = sorted(within, key=lambda window: -len(within[window]))[:FRAGMENTS]
    return [_marked(text, within[window], *window) for window in sorted(best)]


def _windows(text: str, spans: list[Span]) -> list[Span]:
    """Pieces that hold all spans, each cut where words end."""
    windows: list[Span] = []
    for start, end in spans:
        if windows and start < windows[-1][1]:
            windows[-1] = (windows[-1][0], max(windows[-1][1], end))
            continue
        free_from = windows[-1][1] if windows else 0
        left = max(free_from, start - _LEAD_IN)
        right = max(end, min(len(text), left + FRAGMENT_SIZE))
        windows.append((_word_start(text, left, start), _word_end(text, end, right)))
    return windows


def _word_start(text: str, left: int, latest: int) -> int:
    """The first beginning of a word at or after `left`, at the latest `latest`."""
    if left == 0 or text[left - 1].isspace():
        return left
    gap = re.compile(r"\s+").search(text, left, latest)
    return gap.end() if gap else latest


def _word_end(text: str, earliest: int, right: int) -> int:
    """The last end of a word at or before `right`, at the earliest `earliest`."""
    if right == len(text):
        return right
    while right > earliest and not text[right].isspace():
        right -= 1
    return right


def _inside(spans: list[Span], left: int, right: int) -> list[Span]:
    """Those within, of spans in order that never touch."""
    some = spans[bisect_left(spans, (left, 0)) : bisect_left(spans, (right, 0))]
    return some[:-1] if some and some[-1][1] > right else some


def _marked(text: str, spans: list[Span], left: int, right: int) -> str:
    pieces, offset = ["…" if left > 0 else ""], left
    for start, end in spans:
        pieces += [_safe(text[offset:start]), "<mark>", _safe(text[start:end]), "</mark>"]
        offset = end
    return "".join([*pieces, _safe(text[offset:right]), "…" if right < len(text) else ""])


def _safe(text: str) -> str:
    return html.escape(composed(text))
