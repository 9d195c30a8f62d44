"""Diagrams: the figures of a synthesis as shapes, out of what the API says; templates make the lines of them.

Each shape knows what it is in words, and on a page where it leads; a long name is cut, and whole in its title.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from services.web import drawing
from shared.characters import sayable
from shared.events.synthesis import CmocState, Element, Stance
from shared.wire.synthesis import CmocDrafted, MapEdge, Statement, StudyCell, StudySpeaking, SupportAt, TheoryMap

#: In units of the drawing: how high a line of words is, what is around words in a box, and between boxes.
LINE, PAD, GAP = 18, 10, 16

#: How wide a character is about, of most.
_LETTER = 7.0

#: In how many lines words are said at most.
_MOST_LINES = 9

PARTS: tuple[Element, ...] = ("context", "resource", "reasoning", "outcome")
ELEMENTS: tuple[Element, ...] = (*PARTS, "whole")

#: CMOCs that a picture of the matrix has side by side at most, and that one of support has below each other.
MOST_COLUMNS, MOST_ROWS = 12, 60

#: How high the bar of the greatest support is.
_BAR = 30


@dataclass(frozen=True, slots=True)
class Words:
    """A line of words, from its left end or around its middle."""

    left: float
    top: float
    text: str
    kind: str = ""
    middle: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Something with words in it, all of which `title` says; `to` is where it leads on a page."""

    left: float
    top: float
    wide: float
    high: float
    kind: str
    words: Sequence[Words] = ()
    title: str = ""
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """From one point to another, with a mark on it where it has one, since colour alone says nothing to some."""

    start: tuple[float, float]
    end: tuple[float, float]
    kind: str
    mark: str = ""
    at: float = 0.5
    title: str = ""
    to: str | None = None
    arrow: bool = False

    @property
    def tip(self) -> str:
        """The head of an arrow, as points."""
        (left, top), (x1, y1) = self.end, self.start
        if x1 == left:
            back = 5 if top > y1 else -5
            return f"{left - 5},{top - back} {left},{top} {left + 5},{top - back}"
        back = 5 if left > x1 else -5
        return f"{left - back},{top - 5} {left},{top} {left - back},{top + 5}"

    @property
    def marked(self) -> tuple[float, float]:
        """Where its mark is."""
        (x1, y1), (x2, y2) = self.start, self.end
        return round(x1 + (x2 - x1) * self.at, 1), round(y1 + (y2 - y1) * self.at, 1)


@dataclass(slots=True)
class Diagram:
    """A figure: what it is, how large, and its shapes. Those that come later lie on top."""

    title: str
    wide: int
    high: int
    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


# One CMOC


def of_cmoc(cmoc: Statement | CmocDrafted, to: Callable[[Element], str] | None = None) -> Diagram:
    """Context, mechanism (resource and reasoning) and outcome, each with how it is evidenced and by how much."""
    wide, top = 264, 76
    texts = {part: _part_words(cmoc, part) for part in PARTS}
    highs = {part: len(texts[part]) * LINE + 2 * PAD for part in PARTS}
    mechanism = highs["resource"] + highs["reasoning"] + 44 + GAP * 2
    high = max(mechanism, highs["context"], highs["outcome"])
    lefts = {"context": 16, "mechanism": 16 + wide + 48, "outcome": 16 + 2 * wide + 2 * 48 + 2 * GAP}
    title = _said(drawing.text("pictures.cmoc", cmoc=cmoc.cmoc))
    whole = [f"{drawing.text('record.element.whole')}: {said}" for said in _counts(cmoc, "whole")]
    found = Diagram(title, lefts["outcome"] + wide + 16, round(top + high + 44 + len(whole) * LINE))
    status = drawing.text(f"findings.status.{cmoc.status}")
    found.words += [
        Words(16, 28, _cut(f"{cmoc.cmoc}: {status}", 100), "head"),
        Words(16, 50, drawing.text("findings.support", n=cmoc.support), "dim"),
    ]
    middle = top + high / 2
    found.boxes.append(Box(lefts["mechanism"], top + (high - mechanism) / 2, wide + 2 * GAP, mechanism, "frame"))
    inner, first = lefts["mechanism"] + GAP, top + (high - mechanism) / 2 + 28
    found.words.append(Words(inner, first - 9, drawing.text("pictures.mechanism"), "dim"))
    second = first + highs["resource"] + GAP * 2
    spots = {
        "context": (16, middle - highs["context"] / 2), "resource": (inner, first), "reasoning": (inner, second),
        "outcome": (lefts["outcome"], middle - highs["outcome"] / 2),
    }  # fmt: skip
    for part in PARTS:
        left, at = spots[part]
        words = [Words(left + PAD, at + PAD + 13 + n * LINE, text, kind) for n, (text, kind) in enumerate(texts[part])]
        kind = f"box evidenced-{cmoc.elements.get(part, 'none')}"
        said = f"{drawing.text(f'findings.part.{part}')}: {_words_of(cmoc, part)}"
        found.boxes.append(Box(left, at, wide, highs[part], kind, words, _said(said), to(part) if to else None))
    found.lines += [
        Line((16 + wide, middle), (lefts["mechanism"], middle), "way", arrow=True),
        Line((lefts["mechanism"] + wide + 2 * GAP, middle), (lefts["outcome"], middle), "way", arrow=True),
        Line((inner + wide / 2, first + highs["resource"]), (inner + wide / 2, second), "way", arrow=True),
    ]
    below = [*whole, drawing.text("pictures.evidenced")]
    found.words += [Words(16, top + high + 28 + n * LINE, text, "dim") for n, text in enumerate(below)]
    return found


def _part_words(cmoc: Statement | CmocDrafted, part: Element) -> list[tuple[str, str]]:
    """What a part says, how it is evidenced, and what speaks to it by stance."""
    evidenced = drawing.text(f"findings.evidenced.{cmoc.elements.get(part, 'none')}")
    return [
        (drawing.text(f"findings.part.{part}"), "head"),
        *((text, "") for text in _wrapped(_words_of(cmoc, part), 34)),
        (_cut(evidenced, 36), "dim"),
        *((text, "dim") for text in _counts(cmoc, part)),
    ]


def _counts(cmoc: Statement | CmocDrafted, element: Element) -> list[str]:
    """What speaks to an element, stance by stance."""
    return [
        drawing.text(
            "pictures.count", stance=drawing.text(f"record.stance.{one.stance}"), links=one.links, studies=one.studies
        )
        for one in cmoc.by_element.get(element, [])
    ]


def _words_of(cmoc: Any, part: Element) -> str:
    return str(getattr(cmoc, part))


# The map of the theories


def of_map(found: TheoryMap, review: str | None = None) -> Diagram:
    """Theories, their CMOCs and the studies that speak to these, side by side; where a `review` is given everything
    leads to its page."""
    columns = ((16, 210), (276, 320), (796, 330))
    many = max(len(found.theories), len(found.cmocs), len(found.studies), 1)
    step, top = 56, 84
    picture = Diagram(
        _said(drawing.text("pictures.map", title=found.title)), columns[2][0] + columns[2][1] + 16,
        top + many * step + 40,
    )  # fmt: skip
    picture.words.append(Words(16, 28, _cut(picture.title, 110), "head"))
    for (left, _), name in zip(columns, ("theories", "cmocs", "studies"), strict=True):
        picture.words.append(Words(left, 64, drawing.text(f"pictures.{name}"), "dim"))
    cmoc_at = _spread([it.cmoc for it in found.cmocs], many, step, top)
    studies = _near(found.edges, cmoc_at, [it.study for it in found.studies])
    study_at = _spread(studies, many, step, top)
    theory_at = _spread([it.theory for it in found.theories], many, step, top)
    for cmoc in found.cmocs:
        start = (columns[0][0] + columns[0][1], theory_at[cmoc.theory])
        picture.lines.append(Line(start, (columns[1][0], cmoc_at[cmoc.cmoc]), "way"))
    titles = {it.study: it.title or it.study for it in found.studies}
    for edge in found.edges:
        picture.lines.append(_edge(edge, titles[edge.study], cmoc_at, study_at, columns, review))
    for theory in found.theories:
        picture.boxes.append(
            _named(columns[0], theory_at[theory.theory], [theory.heading], f"{theory.heading}: {theory.statement}")
        )
    for one in found.cmocs:
        said = drawing.text("pictures.counted", status=drawing.text(f"findings.status.{one.status}"),
                            studies=one.support, links=one.links)  # fmt: skip
        whole = f"{one.cmoc} ({said}): {one.reasoning} → {one.outcome}"
        to = drawing.url("reviews", review, "synthesis", "cmocs", one.cmoc) if review else None
        picture.boxes.append(
            _named(
                columns[1],
                cmoc_at[one.cmoc],
                [f"{one.cmoc}: {one.outcome}", said],
                whole,
                f"box status-{one.status}",
                to,
            )
        )
    by_id = {it.study: it for it in found.studies}
    for name in studies:
        study = by_id[name]
        said = drawing.text("pictures.reported", reports=study.reports, links=study.links)
        to = _evidence_of(review, study.record)
        picture.boxes.append(
            _named(columns[2], study_at[name], [titles[name], said], f"{titles[name]} ({said})", to=to)
        )
    legend = " · ".join(f"{mark_of(it)} {drawing.text(f'record.stance.{it}')}" for it in STANCES)
    picture.words.append(Words(16, picture.high - 14, legend, "dim"))
    return picture


#: In the order in which a picture names them.
STANCES: tuple[Stance, ...] = ("supports", "refines", "bounds", "inverse", "contradicts")


def mark_of(stance: Stance) -> str:
    """The letter that stands for a stance on a line or in a cell."""
    return drawing.text(f"pictures.mark.{stance}")


def _edge(
    edge: MapEdge, title: str, cmoc_at: Mapping[str, float], study_at: Mapping[str, float],
    columns: Sequence[tuple[int, int]], review: str | None,
) -> Line:  # fmt: skip
    said = drawing.text(
        "pictures.edge", study=title, stance=drawing.text(f"record.stance.{edge.stance}"), cmoc=edge.cmoc,
        links=edge.links, explicit=edge.explicit,
    )  # fmt: skip
    # Lines of two stances between the same two lie beside each other, and their marks do, too.
    aside = (STANCES.index(edge.stance) - 2) * 4
    start = (columns[1][0] + columns[1][1], cmoc_at[edge.cmoc] + aside)
    end = (columns[2][0], study_at[edge.study] + aside)
    at = 0.8 - 0.12 * STANCES.index(edge.stance)
    to = opened(review, edge) if review else None
    return Line(start, end, f"stance-{edge.stance}", mark_of(edge.stance), at, _said(said), to)


def opened(review: str, edge: MapEdge) -> str:
    """Where an edge's links are, with their quotes."""
    at = drawing.url("reviews", review, "synthesis", "cmocs", edge.cmoc)
    return drawing.again(at, {}, study=edge.study, stance=edge.stance) + "#evidence"


def _near(edges: Iterable[MapEdge], at: Mapping[str, float], studies: Sequence[str]) -> list[str]:
    """Studies in such an order that each is about beside the CMOCs that it speaks to, so that fewer lines cross."""
    spots: dict[str, list[float]] = {study: [] for study in studies}
    for edge in edges:
        spots[edge.study].append(at[edge.cmoc])
    return sorted(studies, key=lambda it: (sum(spots[it]) / len(spots[it]) if spots[it] else 0.0, it))


def _spread(names: Sequence[str], many: int, step: int, top: int) -> dict[str, float]:
    """Where each of a column's boxes has its middle, evenly over as much as the longest column takes."""
    apart = many * step / max(len(names), 1)
    return {name: round(top + apart * (n + 0.5), 1) for n, name in enumerate(names)}


def _named(
    column: tuple[int, int], middle: float, lines: Sequence[str], title: str, kind: str = "box", to: str | None = None
) -> Box:
    left, wide = column
    longest = int((wide - 2 * PAD) / _LETTER)
    top = middle - (22 if len(lines) > 1 else 14)
    words = [
        Words(left + PAD, top + 18 + n * 17, _cut(_said(text), longest), "" if n == 0 else "dim")
        for n, text in enumerate(lines)
    ]
    return Box(left, top, wide, 44 if len(lines) > 1 else 28, kind, words, _said(title), to)


# The evidence matrix


def of_matrix(title: str, cmocs: Sequence[str], studies: Sequence[StudySpeaking], review: str | None = None) -> Diagram:
    """Studies by the elements of CMOCs: in each cell the letters of the stances, framed where it is said outright."""
    left, cell, head, row = 320, 30, 92, 28
    wide = left + len(cmocs) * (len(ELEMENTS) * cell + 10) + 16
    found = Diagram(_said(title), max(wide, 640), head + len(studies) * row + 44)
    found.words.append(Words(16, 28, _cut(found.title, int((found.wide - 32) / 8)), "head"))
    spots: dict[tuple[str, str], float] = {}
    for n, cmoc in enumerate(cmocs):
        start = left + n * (len(ELEMENTS) * cell + 10)
        found.words.append(Words(start, 58, _cut(cmoc, 20), ""))
        for at, element in enumerate(ELEMENTS):
            spots[cmoc, element] = start + at * cell
            letter = drawing.text(f"pictures.element.{element}")
            found.words.append(Words(start + at * cell + cell / 2, 80, letter, "dim", middle=True))
    for n, study in enumerate(studies):
        top = head + n * row
        name, to = study.title or study.study, _evidence_of(review, study.record)
        words = [Words(20, top + 18, _cut(_said(name), 40))]
        found.boxes.append(Box(16, top, left - 26, row - 4, "plain", words, _said(name), to))
        found.boxes += [_cell(spots[it], top, cell, study, it) for it in spots]
    found.words.append(Words(16, found.high - 14, drawing.text("pictures.matrix_legend"), "dim"))
    return found


def _cell(left: float, top: float, wide: float, study: StudySpeaking, at: tuple[str, str]) -> Box:
    some = [it for it in study.cells if (it.cmoc, it.element) == at]
    by_stance = sorted(some, key=lambda it: STANCES.index(it.stance))
    letters = "".join(mark_of(it.stance) for it in by_stance)
    kind = f"cell {_kind_of(some)}" if some else "cell"
    said = "; ".join(f"{drawing.text(f'record.stance.{it.stance}')} {it.links} ({it.explicit})" for it in by_stance)
    words = [Words(left + wide / 2 - 1, top + 17, _cut(letters, 3), middle=True)] if letters else []
    return Box(left, top, wide - 2, 24, kind, words, _said(f"{at[0]}, {at[1]}: {said}") if said else "")


def _kind_of(some: Sequence[StudyCell]) -> str:
    """By what a cell is coloured: whether it is said outright, and whether it is all for the CMOC or some against."""
    if not any(it.explicit for it in some):
        return "inferred"
    stances = {it.stance for it in some}
    return "said against" if "contradicts" in stances else "said for" if stances <= {"supports", "refines"} else "said"


# Support over time


def of_support(title: str, revisions: Sequence[SupportAt], to: Callable[[str], str] | None = None) -> Diagram:
    """Of each CMOC its independent studies at each revision, as bars, with the number above each."""
    newest = {state.cmoc: state for revision in revisions for state in revision.states}
    rows = list(newest.values())[:MOST_ROWS]
    most = max((state.support for revision in revisions for state in revision.states), default=0) or 1
    left, column, head, row = 240, 72, 92, _BAR + 34
    wide = left + max(len(revisions), 6) * column + 16
    found = Diagram(_said(title), wide, head + len(rows) * row + 20)
    found.words.append(Words(16, 28, _cut(found.title, int((wide - 32) / 8)), "head"))
    for n, revision in enumerate(revisions):
        middle = left + n * column + column / 2
        mark = drawing.text("pictures.drill_mark") if revision.drill else ""
        found.words += [
            Words(middle, 60, f"{revision.number}{mark}", "", middle=True),
            Words(middle, 78, f"{revision.signed_at:%Y-%m}", "dim", middle=True),
        ]
    for n, state in enumerate(rows):
        ground = head + n * row + _BAR + 18
        found.lines.append(Line((left, ground), (left + len(revisions) * column, ground), "way"))
        words = [
            Words(20, ground - 16, _cut(state.cmoc, 28)),
            Words(20, ground + 2, drawing.text(f"findings.status.{state.status}"), "dim"),
        ]
        found.boxes.append(
            Box(16, ground - 36, left - 32, 44, "plain", words, state.cmoc, to(state.cmoc) if to else None)
        )
        found.boxes += _bars(state.cmoc, revisions, left, column, ground, most)
    return found


def _bars(cmoc: str, revisions: Sequence[SupportAt], left: int, column: int, ground: float, most: int) -> Iterable[Box]:
    for n, revision in enumerate(revisions):
        state = support_of(revision, cmoc)
        if state is None:
            continue
        high = round(state.support * _BAR / most, 1)
        start = left + n * column + column / 2 - 14
        words = [Words(start + 14, ground - high - 5, str(state.support), middle=True)]
        said = drawing.text("pictures.bar", cmoc=cmoc, n=state.support, revision=revision.number)
        yield Box(start, ground - high, 28, high, "bar", words, said)


def support_of(revision: SupportAt, cmoc: str) -> CmocState | None:
    """How a CMOC stood by a revision; None where that does not state it."""
    return next((it for it in revision.states if it.cmoc == cmoc), None)


def _evidence_of(review: str | None, record: str | None) -> str | None:
    return drawing.url("reviews", review, "records", record, "evidence") if review and record else None


def _said(text: str) -> str:
    return sayable(" ".join(text.split()), "")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _wrapped(text: str, longest: int) -> list[str]:
    lines = wrap(_said(text), longest) or [""]
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]}…"]
