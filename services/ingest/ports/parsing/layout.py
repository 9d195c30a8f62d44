"""The layout of pages: pieces of lines become lines, columns in reading order, and paragraphs that run on behind a
column's or a page's end. What stands at the edge of page after page is left out of them."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from services.ingest.domain.passages import Composer, NotParsed, Parse


@dataclass(frozen=True, slots=True)
class Piece:
    """Words on one line, and where they stand; y goes up, as in PDF."""

    words: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    is_bold: bool = False

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


@dataclass
class Line:
    """Pieces beside each other, from left to right."""

    pieces: list[Piece]
    page: int = 0

    @cached_property
    def words(self) -> str:
        parts: list[str] = []
        for before, piece in zip([None, *self.pieces], self.pieces, strict=False):
            if before is not None and piece.left - before.right > 0.1 * piece.size:
                parts.append(" ")
            parts.append(piece.words)
        return "".join(parts)

    @cached_property
    def left(self) -> float:
        return min(piece.left for piece in self.pieces)

    @cached_property
    def right(self) -> float:
        return max(piece.right for piece in self.pieces)

    @cached_property
    def bottom(self) -> float:
        return self._longest.bottom

    @cached_property
    def size(self) -> float:
        return self._longest.size

    @cached_property
    def is_bold(self) -> bool:
        return all(piece.is_bold for piece in self.pieces)

    @cached_property
    def _longest(self) -> Piece:
        return max(self.pieces, key=lambda piece: len(piece.words))


@dataclass
class Block:
    """A column of lines, or what stands across all columns."""

    lines: list[Line] = field(default_factory=list)

    @cached_property
    def left(self) -> float:
        return _usual([line.left for line in self.lines])

    @cached_property
    def right(self) -> float:
        return max((line.right for line in self.lines), default=0.0)

    @cached_property
    def pitch(self) -> float:
        """From one line to the next, usually."""
        steps = [a.bottom - b.bottom for a, b in zip(self.lines, self.lines[1:], strict=False) if a.bottom > b.bottom]
        return statistics.median_low(steps) if steps else 0.0


#: Columns within columns, at most; lines on both sides of a gutter, at least; its width, in sizes of type.
_DEEPEST, _LEAST_LINES, _GUTTER = 3, 3, 0.6
#: Pages on which the same must stand at the edge, at least, and how many lines there are looked at.
_LEAST_PAGES, _EDGE = 3, 2
_NUMBER = re.compile(r"(?:page |p\. ?|[-–] ?)?(\d{1,4}|[ivxl]{1,6})(?:(?: of |/)\d{1,4})?(?: ?[-–])?", re.IGNORECASE)
_ENDS = re.compile(r"[.!?:;][\"'”’)\]]*[⁰¹²³⁴⁵⁶⁷⁸⁹,–-]*$")
_HYPHEN = re.compile(r"[^\W\d_][-‐\u00ad]$")
_NUMBERED = re.compile(r"(?:\d{1,2}\.?|\d{1,2}(?:\.\d{1,2}){1,3}\.?|[IVX]{1,5}\.|[A-Z]\.)\s+[A-Z]")
_BULLET = re.compile(r"[•●▪‣◦■–-]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s")
_KNOWN = re.compile(
    r"(?:abstract|summary|introduction|background|methods?|methodology|results|findings|discussion|conclusions?"
    r"|references|acknowledge?ments|funding|limitations|strengths and limitations|keywords)",
    re.IGNORECASE,
)
_LONGEST_HEADING = 200


def composed(parser: str, pages: Sequence[Sequence[Piece]]) -> Parse:
    """The text of pages, which have some. Raises NotParsed."""
    kept = _without_edges(pages)
    composing = Composer(parser)
    sizes = Counter[float]()
    for page in kept:
        for piece in page:
            sizes[round(piece.size, 1)] += len(piece.words)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    found = False
    for each in _paragraphs(kept, body):
        first, last = each.lines[0].page, each.lines[-1].page
        kind = "h" if each.is_heading else "p"
        locator = f"page{first}/{kind}{counts[first][kind] + 1}"
        if each.is_heading:
            composing.heading(each.words, locator, 1, first)
            counts[first][kind] += 1
        elif composing.paragraph(each.words, locator, first, last):
            counts[first][kind] += 1
            found = True
    if not found:
        raise NotParsed("no_text_layer")
    return composing.done()


# What stands at the edge of page after page


def _without_edges(pages: Sequence[Sequence[Piece]]) -> list[list[Piece]]:
    """The pages without running headers, footers and page numbers, where it is certain that they are some: the same
    words, whatever their numbers, at the same height of several pages."""
    edges = [_edge_lines(page) for page in pages]
    seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for number, lines in enumerate(edges):
        for line in lines:
            for height in _heights(line):
                seen[_alike(line.words), height].add(number)
    numbers = _page_numbers(edges)
    kept = []
    for number, (page, lines) in enumerate(zip(pages, edges, strict=True)):
        gone = {
            id(piece)
            for line in lines
            if line.words in numbers.get(number, ())
            or any(len(seen[_alike(line.words), height]) >= _LEAST_PAGES for height in _heights(line))
            for piece in line.pieces
        }
        kept.append([piece for piece in page if id(piece) not in gone])
    return kept


def _edge_lines(page: Sequence[Piece]) -> list[Line]:
    lines = _lines(page)
    return lines if len(lines) <= 2 * _EDGE else [*lines[:_EDGE], *lines[-_EDGE:]]


def _heights(line: Line) -> tuple[int, int]:
    """Where a line stands, as two steps, one of which it shares with what stands a little higher or lower."""
    return round(line.bottom / 8), round((line.bottom + 4) / 8) + 1_000_000


def _alike(words: str) -> str:
    return re.sub(r"\d+", "#", words).casefold()


def _page_numbers(edges: Sequence[Sequence[Line]]) -> dict[int, set[str]]:
    """Lines that are nothing but a number, of those that count pages: one more on each."""
    found: dict[int, dict[int, str]] = {}
    for number, lines in enumerate(edges):
        found[number] = {
            int(said[1]): line.words
            for line in lines
            if (said := _NUMBER.fullmatch(line.words)) is not None and said[1].isdigit()
        }
    steps = Counter(value - number for number, values in found.items() for value in values)
    certain = {step for step, count in steps.items() if count >= 2}
    return {
        number: {words for value, words in values.items() if value - number in certain}
        for number, values in found.items()
    }


# Columns


def _lines(pieces: Sequence[Piece]) -> list[Line]:
    """Pieces as lines, from above."""
    lines: list[Line] = []
    for piece in sorted(pieces, key=lambda it: (-it.middle, it.left)):
        line = next((it for it in reversed(lines[-3:]) if _is_beside(it, piece)), None)
        if line is None:
            lines.append(Line([piece]))
        else:
            line.pieces.append(piece)
    return [Line(sorted(line.pieces, key=lambda it: it.left)) for line in lines]


def _is_beside(line: Line, piece: Piece) -> bool:
    first = max(line.pieces, key=lambda it: it.size)
    overlap = min(first.top, piece.top) - max(first.bottom, piece.bottom)
    return overlap > 0.5 * min(first.size, piece.size)


def _usual_gutter(pages: Sequence[Sequence[Piece]]) -> float | None:
    """Where most pages of several columns are parted, which a page with little in one of them does not show."""
    found = [gutter for page in pages if (gutter := _gutter(page)) is not None]
    return statistics.median_low(found) if 2 * len(found) >= len(pages) else None


def _blocks(pieces: Sequence[Piece], usual: float | None = None, depth: int = 0) -> Iterator[Block]:
    """Columns in reading order: what stands across them parts those above from those below it."""
    gutter = _gutter(pieces) if depth < _DEEPEST else None
    if gutter is None and usual is not None:
        gutter = usual if sum(it.left < usual < it.right for it in pieces) <= 0.2 * len(pieces) else None
    if gutter is None:
        if pieces:
            yield Block(_lines(pieces))
        return
    left: list[Piece] = []
    right: list[Piece] = []
    across: list[Piece] = []
    for line in _lines(pieces):
        crossing = [it for it in line.pieces if it.left < gutter < it.right]
        if crossing:
            if left or right:
                yield from _blocks(left, depth=depth + 1)
                yield from _blocks(right, depth=depth + 1)
                left, right = [], []
            across += line.pieces
            continue
        if across:
            yield Block(_lines(across))
            across = []
        left += [it for it in line.pieces if it.right <= gutter]
        right += [it for it in line.pieces if it.left >= gutter]
    if across:
        yield Block(_lines(across))
    yield from _blocks(left, depth=depth + 1)
    yield from _blocks(right, depth=depth + 1)


def _gutter(pieces: Sequence[Piece]) -> float | None:
    """Where a page is parted into columns; None where it has one. Few pieces cross it, and on both of its sides lines
    stand beside each other."""
    if len(pieces) < 2 * _LEAST_LINES:
        return None
    start, end = min(it.left for it in pieces), max(it.right for it in pieces)
    size = statistics.median(it.size for it in pieces)
    wide = end - start
    if wide < 8 * size:
        return None
    best: tuple[float, float] | None = None
    edges = sorted({round(it.left - 0.5, 1) for it in pieces if start + 0.15 * wide < it.left < start + 0.85 * wide})
    for at in edges:
        left = [it for it in pieces if it.right <= at]
        right = [it for it in pieces if it.left >= at]
        crossing = len(pieces) - len(left) - len(right)
        if len(left) < _LEAST_LINES or len(right) < _LEAST_LINES or crossing > 0.6 * len(pieces):
            continue
        beside = _beside(left, right)
        if beside < max(_LEAST_LINES, 0.5 * min(len(left), len(right))):
            continue
        # Its right side is an edge: many lines begin there, and none reaches it from the left.
        begin = sum(it.left - at < 2 * size for it in right)
        reach = max(it.right for it in left)
        if at - reach < _GUTTER * size - 0.5 or begin < 0.4 * len(right):
            continue
        # Of words, not of numbers in a table.
        if statistics.median(it.right - it.left for it in left) < 6 * size and len(left) > len(right) * 3:
            continue
        score = begin - 2.0 * crossing
        if best is None or score > best[0]:
            best = score, (at + reach) / 2
    return best[1] if best is not None else None


def _beside(left: Sequence[Piece], right: Sequence[Piece]) -> int:
    """How many pieces of one side have another beside them within a line's height or so."""
    heights = sorted(it.middle for it in right)
    if not heights:
        return 0
    low, high = heights[0], heights[-1]
    return sum(low - it.size <= it.middle <= high + it.size for it in left)


# Paragraphs


@dataclass
class _Paragraph:
    """Lines that belong together."""

    lines: list[Line]
    is_heading: bool = False

    @property
    def words(self) -> str:
        said = ""
        for line in self.lines:
            said = _joined(said, line.words)
        return said


def _joined(said: str, words: str) -> str:
    """Two lines as one. A hyphen at the end of the first may be the word's own or not, and stays as one that may."""
    if not said:
        return words
    if _HYPHEN.search(said) and words[:1].isalpha():
        return said[:-1] + ("\u00ad" if words[0].islower() else "-") + words
    if said[-1:] in "-‐–—/" and said[-2:-1].strip():
        return said + words
    return f"{said} {words}"


def _paragraphs(pages: Sequence[Sequence[Piece]], body: float) -> Iterator[_Paragraph]:
    running: _Paragraph | None = None
    before: Block | None = None
    waiting: list[_Paragraph] = []
    usual = _usual_gutter(pages)
    for number, page in enumerate(pages, 1):
        for block in _blocks(page, usual):
            for line in block.lines:
                line.page = number
            for index, cut in enumerate(_cut(block, body)):
                runs_on = index == 0 and running is not None and before is not None and not cut.is_heading
                if runs_on and running is not None and before is not None and _goes_on(running, before, cut, block):
                    running.lines += cut.lines
                    continue
                if cut.is_heading or not _is_aside(cut, body):
                    if running is not None:
                        yield running
                    yield from waiting
                    waiting = []
                    running, before = cut, block
                else:
                    # A note or a caption between the halves of a paragraph stands behind it.
                    waiting.append(cut)
    if running is not None:
        yield running
    yield from waiting


def _is_aside(paragraph: _Paragraph, body: float) -> bool:
    """Whether it is in smaller type than the text, as notes and captions are."""
    return statistics.median(line.size for line in paragraph.lines) < 0.92 * body


def _goes_on(paragraph: _Paragraph, its: Block, following: _Paragraph, block: Block) -> bool:
    """Whether a paragraph that came to the end of its column goes on with the first lines of another."""
    last, first = paragraph.lines[-1], following.lines[0]
    if paragraph.is_heading or abs(last.size - first.size) > 0.08 * last.size:
        return False
    if its is not block and last is not its.lines[-1] and not _is_last_of_text(last, its):
        return False
    if _HYPHEN.search(last.words):
        return True
    indented = first.left - block.left > 0.7 * first.size and len(block.lines) > 1
    if first.words[:1].islower() and not _ENDS.search(last.words):
        return True
    is_full = its.right - last.right < 2.5 * last.size
    return is_full and not indented and not _ENDS.search(last.words)


def _is_last_of_text(last: Line, block: Block) -> bool:
    """Whether below it in its column there is smaller type alone."""
    at = block.lines.index(last) if last in block.lines else -1
    return at >= 0 and all(line.size < 0.92 * last.size for line in block.lines[at + 1 :])


def _cut(block: Block, body: float) -> Iterator[_Paragraph]:
    """The paragraphs of a column."""
    lines: list[Line] = []
    for line in block.lines:
        if lines and _begins(block, lines, line, body):
            yield _Paragraph(lines, _is_heading(lines, body))
            lines = []
        lines.append(line)
    if lines:
        yield _Paragraph(lines, _is_heading(lines, body))


def _begins(block: Block, lines: Sequence[Line], line: Line, body: float) -> bool:
    """Whether a line begins another paragraph than those before it are of."""
    last = lines[-1]
    if abs(last.size - line.size) > 0.12 * max(last.size, line.size):
        return True
    step = last.bottom - line.bottom
    usual = block.pitch or 1.2 * line.size
    if step > 1.4 * max(usual, line.size) or (step > 1.25 * usual and step > 1.3 * line.size):
        return True
    if last.is_bold != line.is_bold and (_is_heading([line], body) or _is_heading(lines, body)):
        return True
    if _HYPHEN.search(last.words):
        return False
    ended = bool(_ENDS.search(last.words))
    is_short = block.right - last.right > 3.0 * last.size
    indent = line.left - block.left
    last_indent = last.left - block.left
    if indent > 0.7 * line.size and last_indent < 0.3 * line.size and indent < 4 * line.size:
        return ended or is_short
    if _BULLET.match(line.words) and (ended or is_short):
        return True
    if (_NUMBERED.match(line.words) or _KNOWN.fullmatch(line.words)) and is_short:
        return _is_heading([line], body)
    if len(lines) == 1 and _KNOWN.fullmatch(last.words):
        return True
    return ended and is_short and not line.words[:1].islower()


def _is_heading(lines: Sequence[Line], body: float) -> bool:
    """Whether lines are a heading: larger or bolder than the text, or a number and a few words, without an end."""
    words = " ".join(line.words for line in lines)
    if len(words) > _LONGEST_HEADING or len(lines) > 4 or not any(char.isalpha() for char in words):
        return False
    if _KNOWN.fullmatch(words):
        return True
    size = statistics.median(line.size for line in lines)
    if size >= 1.08 * body:
        return not (words.endswith(".") and len(words) > 80)
    if all(line.is_bold for line in lines) and not words.endswith((".", ",", ";")):
        return True
    return bool(_NUMBERED.match(words)) and len(words) < 80 and not words.endswith((".", ",", ";")) and len(lines) == 1


def _usual(values: Sequence[float]) -> float:
    """The value that most of these are, or nearly."""
    if not values:
        return 0.0
    counted = Counter(round(value) for value in values)
    most = counted.most_common(1)[0]
    return float(most[0]) if most[1] > 1 else float(min(values))
