"""The picture of the flow of records: a PRISMA 2020 flow diagram, with a row for each stage of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from shared.events.protocol import Protocol
from shared.wire.screening import Flow, FlowView, StageFlow

#: In units of the drawing: where boxes begin, how wide they are, how high a line is, what is between two rows.
_LEFT, _RIGHT, _WIDE, _LINE, _GAP, _PAD = 60, 500, 400, 18, 34, 12

#: Of how many lines a row is at least, so that what it is part of can be named along it.
_LEAST = 3

#: How many characters a box has room for.
_LONGEST = 54

#: What begins the source of what people added by hand, which no search of a database brought.
_ADDED = "added:"

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2430 } .dim { fill: #667085 } .head { font-weight: 600 }
.paper { fill: #ffffff } .box { fill: none; stroke: #667085 } .band { fill: #e4eef2 } .line { stroke: #667085 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e8ee } .dim { fill: #9aa3b5 } .paper { fill: #14171f } .box { stroke: #9aa3b5 }
  .band { fill: #22343d } .line { stroke: #9aa3b5 }
}
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the diagram: the box on the way down, and what leaves the way (or comes in) beside it."""

    phase: str
    box: list[str]
    beside: list[str]
    comes_in: bool = False


def drawn(protocol: Protocol, found: FlowView) -> str:
    """An SVG image, for light and dark pages, with words for who cannot see it."""
    rows = list(_rows(protocol, found))
    heights = [max(len(row.box), len(row.beside), _LEAST) * _LINE + 2 * _PAD for row in rows]
    width, height = _RIGHT + _WIDE + 20, 80 + sum(heights) + _GAP * len(rows)
    size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height), "role": "img"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    heading = f"{protocol.title}: flow of records {_when(found)}"
    SubElement(svg, "title").text = heading
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(svg, _LEFT, 30, _short(heading, 110), "head")
    _text(svg, _LEFT, 52, "PRISMA 2020; n are records, a work that was found twice is one", "dim")
    top = 70
    for number, (row, high) in enumerate(zip(rows, heights, strict=True)):
        if number == 0 or rows[number - 1].phase != row.phase:
            alike = [at for at, other in enumerate(rows) if other.phase == row.phase]
            _band(svg, row.phase, top, sum(heights[at] + _GAP for at in alike) - _GAP)
        _box(svg, _LEFT, top, len(row.box) * _LINE + 2 * _PAD, row.box)
        if row.beside:
            _box(svg, _RIGHT, top, len(row.beside) * _LINE + 2 * _PAD, row.beside)
            ends = (_RIGHT, _LEFT + _WIDE) if row.comes_in else (_LEFT + _WIDE, _RIGHT)
            _arrow(svg, (ends[0], top + 20), (ends[1], top + 20))
        if number + 1 < len(rows):
            bottom = top + len(row.box) * _LINE + 2 * _PAD
            _arrow(svg, (_LEFT + _WIDE // 2, bottom), (_LEFT + _WIDE // 2, top + high + _GAP))
        top += high + _GAP
    return tostring(svg, encoding="unicode")


def _when(found: FlowView) -> str:
    if found.cycle is None:
        return f"at the end of {found.on}"
    return f"in cycle {found.cycle} ({found.since or 'the beginning'} to {found.on})"


def _rows(protocol: Protocol, found: FlowView) -> Iterator[_Row]:
    searched = {name: n for name, n in found.identified.sources.items() if not name.startswith(_ADDED)}
    added = {name: n for name, n in found.identified.sources.items() if name.startswith(_ADDED)}
    yield _Row(
        "Identification",
        [f"Records from databases and registers (n = {sum(searched.values())})", *_sources(searched)],
        [f"Records from other methods (n = {sum(added.values())})", *_sources(added)],
        comes_in=True,
    )
    left = found.identified.n - found.duplicates.n - sum(flow.n for flow in found.kept_out.values())
    yield _Row(
        "Identification",
        [f"Records left to screen (n = {left})"],
        [
            "Records removed before screening:",
            f"  duplicates (n = {found.duplicates.n})",
            *(f"  by the rule {rule} (n = {flow.n})" for rule, flow in found.kept_out.items()),
        ],
    )
    labels = {stage.name: {reason.value: reason.label for reason in stage.reasons} for stage in protocol.stages}
    assessed = False
    for stage in found.stages:
        if stage.stage == found.assessed_from:
            assessed = bool(found.texts.sought.n)
            if assessed:
                yield _Row(
                    "Screening",
                    [
                        f"Reports sought for retrieval (n = {found.texts.sought.n})",
                        *_waiting(found.texts.awaited, "awaited still"),
                    ],
                    [f"Reports not retrieved (n = {found.texts.not_retrieved.n})"],
                )
        what = "Reports assessed" if assessed else "Records screened"
        yield _Row(
            "Screening",
            [
                f"{what}: {stage.stage} (n = {stage.reached.n})",
                *_waiting(stage.waiting),
                *_before(stage.passed_before.n + stage.excluded_before.n),
            ],
            list(_out(stage, labels.get(stage.stage, {}), "Reports" if assessed else "Records")),
        )
    yield _Row("Included", [f"Records included (n = {found.included.n})"], [])


def _sources(found: dict[str, int]) -> Iterable[str]:
    return (f"  {name or 'source not kept'} (n = {n})" for name, n in found.items())


def _waiting(found: Flow, what: str = "not decided yet") -> list[str]:
    return [f"  of these {what} (n = {found.n})"] if found.n else []


def _before(n: int) -> list[str]:
    return [f"  of these decided before (n = {n})"] if n else []


def _out(stage: StageFlow, labels: dict[str, str], what: str) -> Iterator[str]:
    yield f"{what} excluded (n = {stage.excluded.n})"
    yield from _before(stage.excluded_before.n)
    for reason, flow in stage.excluded_for.items():
        yield f"  {labels.get(reason, reason)} (n = {flow.n})"
    without = stage.excluded.n - sum(flow.n for flow in stage.excluded_for.values())
    if stage.excluded_for and without:
        yield f"  for no reason of the stage (n = {without})"


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _line(words: str) -> str:
    """A line that fits into a box, with its figure whole."""
    said, bracket, figure = words.rpartition(" (n = ")
    return f"{_short(said, _LONGEST - len(figure) - 6)}{bracket}{figure}" if bracket else _short(words, _LONGEST)


def _text(svg: Element, left: float, top: float, words: str, kind: str = "", **about: str) -> None:
    given = {"x": str(left), "y": str(top), **about} | ({"class": kind} if kind else {})
    SubElement(svg, "text", given).text = words


def _box(svg: Element, left: int, top: int, high: int, lines: list[str]) -> None:
    box = {"x": str(left), "y": str(top), "width": str(_WIDE), "height": str(high), "rx": "4", "class": "box"}
    SubElement(svg, "rect", box)
    for number, words in enumerate(lines):
        indent = 14 if words.startswith("  ") else 0
        _text(svg, left + 12 + indent, top + _PAD + 13 + number * _LINE, _line(words.strip()))


def _band(svg: Element, phase: str, top: int, high: int) -> None:
    """What a part of the diagram is, along its left side, from bottom to top."""
    SubElement(svg, "rect", {"x": "16", "y": str(top), "width": "26", "height": str(high), "rx": "4", "class": "band"})
    middle = top + high / 2
    _text(svg, 34, middle, phase, "head", **{"text-anchor": "middle", "transform": f"rotate(-90 34 {middle})"})


def _arrow(svg: Element, start: tuple[int, int], end: tuple[int, int]) -> None:
    ends = {"x1": str(start[0]), "y1": str(start[1]), "x2": str(end[0]), "y2": str(end[1])}
    SubElement(svg, "line", ends | {"class": "line"})
    (left, top), back = end, 5 if end[0] >= start[0] else -5
    tip = [(left - 5, top - 5), (left, top), (left + 5, top - 5)]
    if start[1] == end[1]:
        tip = [(left - back, top - 5), (left, top), (left - back, top + 5)]
    points = " ".join(f"{x},{y}" for x, y in tip)
    SubElement(svg, "polyline", {"points": points, "class": "line", "fill": "none"})
