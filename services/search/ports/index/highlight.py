"""Marks what was found in a text, as HTML that is safe whatever the text contains."""

from __future__ import annotations

import html
import re
import secrets

from shared.folding import composed

#: What an adapter's engine puts around a find. Random, so that no text can contain and forge it.
OPENING = f"\x02{secrets.token_hex(8)}\x02"
CLOSING = f"\x03{secrets.token_hex(8)}\x03"

FRAGMENTS = 3
FRAGMENT_SIZE = 220
_LEAD_IN = 60

Span = tuple[int, int]
_MARK = re.compile(f"({OPENING}|{CLOSING})")


def spans_of(marked: str) -> list[Span]:
    """Where the engine's marks stand, as offsets into the text without them; in order, never touching."""
    spans: list[Span] = []
    offset = start = 0
    for piece in _MARK.split(marked):
        if piece == OPENING:
            start = offset
        elif piece == CLOSING:
            spans.append((start, offset))
        else:
            offset += len(piece)
    return united(spans)


def united(spans: list[Span]) -> list[Span]:
    """The same marks with those that overlap or touch made one."""
    kept: list[Span] = []
    for start, end in sorted(spans):
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        elif end > start:
            kept.append((start, end))
    return kept


def marked_fields(
    title: str | None, abstract: str | None, in_title: list[Span], in_abstract: list[Span]
) -> dict[str, list[str]]:
    """What a hit shows of its finds: the whole title, the abstract's best fragments, neither without a find."""
    marked = {
        "title": [marked_whole(title or "", in_title)] if in_title else [],
        "abstract": marked_fragments(abstract or "", in_abstract),
    }
    return {name: pieces for name, pieces in marked.items() if pieces}


def marked_whole(text: str, spans: list[Span]) -> str:
    """The whole text with <mark> around the spans and everything else escaped."""
    return _marked(text, spans, 0, len(text))


def marked_fragments(text: str, spans: list[Span]) -> list[str]:
    """The pieces of the text with the most finds, in the text's order; at most three of about 220 characters."""
    windows = _windows(text, spans)
    best = sorted(windows, key=lambda window: -len(_inside(spans, *window)))[:FRAGMENTS]
    return [_marked(text, spans, *window) for window in sorted(best)]


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
    return [(start, end) for start, end in spans if left <= start and end <= right]


def _marked(text: str, spans: list[Span], left: int, right: int) -> str:
    pieces, offset = ["…" if left > 0 else ""], left
    for start, end in _inside(spans, left, right):
        pieces += [_safe(text[offset:start]), "<mark>", _safe(text[start:end]), "</mark>"]
        offset = end
    return "".join([*pieces, _safe(text[offset:right]), "…" if right < len(text) else ""])


def _safe(text: str) -> str:
    return html.escape(composed(text))
