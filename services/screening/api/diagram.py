"""The picture of the flow of records: a PRISMA 2020 flow diagram, with a row for each stage of the protocol.

What other methods than databases and registers brought has a column of its own, where there is any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from xml.etree.ElementTree import Element, SubElement, tostring

from services.screening.domain.flow import BY_CITATIONS
from shared.events.protocol import ADDED, FILES, Protocol
from shared.wire.screening import Flow, FlowFigures, FlowView, StageFlow

#: In units of the drawing: where boxes begin, how high a line is, what is between two boxes, and between two rows.
_LEFT, _LINE, _BETWEEN, _GAP, _PAD = 60, 18, 40, 34, 12

#: How wide a box is, by how many columns there are.
_WIDE = {1: 400, 2: 310}

#: How wide a character is about, of most.
_LETTER = 6.9

#: How high a row is at least for each character of what it is part of, which is named along it.
_ALONG = 9

#: In how many lines a label is said at most.
_MOST_LINES = 3

#: How high the heading of the columns is, with what is above it.
_HEAD, _TITLED = 30, 66

_COLUMNS = ("Identification via databases and registers", "Identification via other methods")

#: What people added by hand was found so.
_FOUND_BY = {
    "website": "websites", "organisation": "organisations", "citation_search": "citation searching, by hand",
    "contact": "contacts", "expert": "experts", "hand_search": "hand searching", "other": "other ways",
}  # fmt: skip

#: Between words that stay in one line.
_UNBROKEN = "\N{NO-BREAK SPACE}"

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2430 } .dim { fill: #667085 } .head { font-weight: 600 }
.paper { fill: #ffffff } .box { fill: none; stroke: #667085 } .band { fill: #e4eef2 } .line { stroke: #667085 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e8ee } .dim { fill: #9aa3b5 } .paper { fill: #14171f } .box { stroke: #9aa3b5 }
  .band { fill: #22343d } .line { stroke: #9aa3b5 }
}
"""


@dataclass(frozen=True, slots=True)
class _Step:
    """A box on the way down a column, and what leaves the way beside it."""

    box: list[str]
    beside: list[str]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the diagram, with a step in each column; the last has one box for all of them."""

    phase: str
    steps: list[_Step]

    @property
    def high(self) -> int:
        boxes = (lines for step in self.steps for lines in (step.box, step.beside))
        return max(len(self.phase) * _ALONG, *map(_high, boxes))


def drawn(protocol: Protocol, found: FlowView) -> str:
    """An SVG image, for light and dark pages, with words for who cannot see it."""
    columns = [found.databases, found.other_methods] if found.other_methods.identified.sources else [found]
    wide = _WIDE[len(columns)]
    rows = [
        _Row(row.phase, [_Step(_broken(step.box, wide), _broken(step.beside, wide)) for step in row.steps])
        for row in _rows(protocol, found, columns)
    ]
    lefts = [_LEFT + number * 2 * (wide + _BETWEEN) for number in range(len(columns))]
    width = lefts[-1] + 2 * wide + _BETWEEN + 20
    top = _TITLED + (_HEAD + 12 if len(columns) > 1 else 0)
    height = top + sum(row.high + _GAP for row in rows)
    size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height), "role": "img"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    heading = f"{protocol.title}: flow of records {_when(found)}"
    SubElement(svg, "title").text = heading
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(svg, _LEFT, 28, _short(heading, int((width - _LEFT) / (_LETTER + 1))), "head")
    _text(
        svg,
        _LEFT,
        50,
        "PRISMA 2020; what sources gave is identified, and of a work that they gave twice one goes on",
        "dim",
    )
    if len(columns) > 1:
        for left, name in zip(lefts, _COLUMNS, strict=True):
            _band(svg, left, _TITLED, 2 * wide + _BETWEEN, _HEAD)
            _text(svg, left + wide + _BETWEEN / 2, _TITLED + 20, name, "head", **{"text-anchor": "middle"})
    _draw_rows(svg, rows, lefts, wide, top)
    return tostring(svg, encoding="unicode")


def _draw_rows(svg: Element, rows: Sequence[_Row], lefts: Sequence[int], wide: int, top: int) -> None:
    tops = [top + sum(row.high + _GAP for row in rows[:number]) for number in range(len(rows) + 1)]
    for phase, alike in groupby(range(len(rows)), lambda number: rows[number].phase):
        numbers = list(alike)
        _phase(svg, phase, tops[numbers[0]], tops[numbers[-1] + 1] - _GAP - tops[numbers[0]])
    for number, row in enumerate(rows):
        at, below = tops[number], tops[number + 1]
        for left, step in zip(lefts, row.steps, strict=False):
            _box(svg, left, at, wide, step.box)
            if step.beside:
                _box(svg, left + wide + _BETWEEN, at, wide, step.beside)
                _arrow(svg, (left + wide, at + 20), (left + wide + _BETWEEN, at + 20))
            bottom, middle = at + _high(step.box), left + wide // 2
            if number + 2 < len(rows) or (number + 1 < len(rows) and left == lefts[0]):
                _arrow(svg, (middle, bottom), (middle, below))
            elif number + 1 < len(rows):
                # What came in other ways goes into the one box of what is included.
                turn = below + _high(rows[-1].steps[0].box) // 2
                _line(svg, (middle, bottom), (middle, turn))
                _arrow(svg, (middle, turn), (lefts[0] + wide, turn))


def _when(found: FlowView) -> str:
    if found.cycle is None:
        return f"at the end of {found.on}"
    return f"in cycle {found.cycle} ({found.since or 'the beginning'} to {found.on})"


def _rows(protocol: Protocol, found: FlowView, columns: Sequence[FlowFigures]) -> Iterator[_Row]:
    what = "Records identified" if len(columns) > 1 else "Identified from databases and registers"
    yield _Row("Identification", [_identified(what, each) for each in columns])
    labels = {stage.name: {reason.value: reason.label for reason in stage.reasons} for stage in protocol.stages}
    assessed = False
    for number, stage in enumerate(found.stages):
        if stage.stage == found.assessed_from:
            assessed = bool(found.texts.sought.n)
            if assessed:
                yield _Row("Screening", [_texts(each) for each in columns])
        said = labels.get(stage.stage, {})
        steps = [_judged(each.stages[number], said, assessed) for each in columns]
        if stage.stage == found.assessed_from:
            # What could not be retrieved stands there too, until people say what becomes of it.
            for step, each in zip(steps, columns, strict=True):
                step.box.extend(_waiting(each.texts.not_retrieved, "not retrieved"))
        yield _Row("Screening", steps)
    included = [f"Records included (n = {found.included.n})"]
    if len(columns) > 1:
        included += [
            f"  from databases and registers (n = {found.databases.included.n})",
            f"  from other methods (n = {found.other_methods.included.n})",
        ]
    yield _Row("Included", [_Step(included, [])])


def _identified(what: str, found: FlowFigures) -> _Step:
    sources = [f"  {_named(name)} (n = {n})" for name, n in found.identified.sources.items()]
    removed = [
        f"  duplicate records (n = {found.duplicates.n})",
        *(f"  by the rule {rule} (n = {flow.n})" for rule, flow in found.kept_out.items()),
    ]
    return _Step([f"{what} (n = {found.identified.n})", *sources], ["Records removed before screening:", *removed])


def _named(source: str) -> str:
    if source.startswith(BY_CITATIONS):
        return f"citation searching, {source.removeprefix(BY_CITATIONS)}"
    if source.startswith(ADDED):
        how = source.removeprefix(ADDED)
        return _FOUND_BY.get(how, how)
    return source.removeprefix(FILES) or "source not kept"


def _texts(found: FlowFigures) -> _Step:
    return _Step(
        [
            f"Reports sought for retrieval (n = {found.texts.sought.n})",
            *_waiting(found.texts.awaited, "no copy kept here"),
        ],
        [f"Reports not retrieved (n = {found.texts.not_retrieved.n})"],
    )


def _judged(stage: StageFlow, labels: dict[str, str], assessed: bool) -> _Step:
    what = "Reports assessed" if assessed else "Records screened"
    decided_before = _before(stage.passed_before.n + stage.excluded_before.n)
    box = [f"{what}: {stage.stage} (n = {stage.reached.n})", *_waiting(stage.waiting), *decided_before]
    return _Step(box, list(_out(stage, labels, "Reports" if assessed else "Records")))


def _waiting(found: Flow, what: str = "not decided yet") -> list[str]:
    return [f"  of these {what} (n = {found.n})"] if found.n else []


def _before(n: int) -> list[str]:
    return [f"  of these decided before (n = {n})"] if n else []


def _out(stage: StageFlow, labels: dict[str, str], what: str) -> Iterable[str]:
    yield f"{what} excluded (n = {stage.excluded.n})"
    yield from _before(stage.excluded_before.n)
    for reason, flow in stage.excluded_for.items():
        yield f"  {labels.get(reason, reason)} (n = {flow.n})"
    without = stage.excluded.n - sum(flow.n for flow in stage.excluded_for.values())
    if stage.excluded_for and without:
        yield f"  for no reason of the stage (n = {without})"


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _broken(lines: Sequence[str], wide: int) -> list[str]:
    """Lines that fit into a box: a long label goes over several, with its figure whole."""
    return [part for words in lines for part in _parts(words, int((wide - 38) / _LETTER))]


def _parts(words: str, longest: int) -> Iterator[str]:
    indent = "  " if words.startswith("  ") else ""
    said, bracket, figure = words.strip().rpartition(" (n = ")
    said = _short(said if bracket else figure, longest * _MOST_LINES - 2 * len(figure) - 6)
    counted = f" {(bracket + figure).strip().replace(' ', _UNBROKEN)}" if bracket else ""
    for part in wrap(said + counted, longest):
        yield indent + part.replace(_UNBROKEN, " ")


def _high(lines: Sequence[str]) -> int:
    return len(lines) * _LINE + 2 * _PAD


def _text(svg: Element, left: float, top: float, words: str, kind: str = "", **about: str) -> None:
    given = {"x": str(left), "y": str(top), **about} | ({"class": kind} if kind else {})
    SubElement(svg, "text", given).text = words


def _box(svg: Element, left: int, top: int, wide: int, lines: list[str]) -> None:
    _rect(svg, left, top, wide, _high(lines), "box")
    for number, words in enumerate(lines):
        indent = 14 if words.startswith("  ") else 0
        _text(svg, left + 12 + indent, top + _PAD + 13 + number * _LINE, words.strip())


def _band(svg: Element, left: int, top: int, wide: int, high: int) -> None:
    _rect(svg, left, top, wide, high, "band")


def _rect(svg: Element, left: int, top: int, wide: int, high: int, kind: str) -> None:
    given = {"x": str(left), "y": str(top), "width": str(wide), "height": str(high), "rx": "4", "class": kind}
    SubElement(svg, "rect", given)


def _phase(svg: Element, phase: str, top: int, high: int) -> None:
    """What a part of the diagram is, along its left side, from bottom to top."""
    _band(svg, 16, top, 26, high)
    middle = top + high / 2
    _text(svg, 34, middle, phase, "head", **{"text-anchor": "middle", "transform": f"rotate(-90 34 {middle})"})


def _line(svg: Element, start: tuple[int, int], end: tuple[int, int]) -> None:
    ends = {"x1": str(start[0]), "y1": str(start[1]), "x2": str(end[0]), "y2": str(end[1])}
    SubElement(svg, "line", ends | {"class": "line"})


def _arrow(svg: Element, start: tuple[int, int], end: tuple[int, int]) -> None:
    _line(svg, start, end)
    (left, top), back = end, 5 if end[0] >= start[0] else -5
    tip = [(left - 5, top - 5), (left, top), (left + 5, top - 5)]
    if start[1] == end[1]:
        tip = [(left - back, top - 5), (left, top), (left - back, top + 5)]
    points = " ".join(f"{x},{y}" for x, y in tip)
    SubElement(svg, "polyline", {"points": points, "class": "line", "fill": "none"})
