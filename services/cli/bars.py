"""A picture of coverage: one bar a source and strategy, what it brought alone beside what others brought too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from shared.wire.ingest import Coverage, Share

#: In units of the drawing: its width, where bars begin, how long the longest is, and from line to line.
_WIDTH, _LEFT, _LONGEST, _STEP = 900, 260, 480, 26

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2430 } .dim { fill: #667085 }
.only { fill: #1f6f8b } .shared { fill: #9ec5d3 } .paper { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e8ee } .dim { fill: #9aa3b5 }
  .only { fill: #5bb5d0 } .shared { fill: #2f5a69 } .paper { fill: #14171f }
}
"""


def drawn(found: Coverage) -> str:
    """An SVG image, for light and dark pages, with words for who cannot see it."""
    groups = [("Sources", found.sources), ("Strategies", found.strategies)]
    height = 70 + sum(40 + _STEP * len(shares) for _, shares in groups)
    size = {"viewBox": f"0 0 {_WIDTH} {height}", "width": str(_WIDTH), "height": str(height), "role": "img"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    heading = f"{found.review}: {found.records} records, {found.included} included"
    SubElement(svg, "title").text = heading
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(svg, 20, 28, heading)
    _text(svg, 20, 48, "dark: brought by it alone; light: by others too; in brackets: included, lost without it", "dim")
    top = 70
    for name, shares in groups:
        _text(svg, 20, top + 16, name, "dim")
        top += 26
        most = max((share.records for share in shares), default=0) or 1
        for share in shares:
            _bar(svg, top, share, _LONGEST / most)
            top += _STEP
        top += 14
    return tostring(svg, encoding="unicode")


def _bar(svg: Element, top: int, share: Share, scale: float) -> None:
    named = share.name if len(share.name) <= 34 else f"{share.name[:33]}…"
    _text(svg, _LEFT - 10, top + 14, named, anchor="end")
    only, rest = share.only * scale, (share.records - share.only) * scale
    for kind, left, width in (("only", _LEFT, only), ("shared", _LEFT + only, rest)):
        box = {"x": f"{left:.1f}", "y": str(top), "width": f"{width:.1f}", "height": "18", "class": kind}
        SubElement(svg, "rect", box)
    said = f"{share.records} ({share.included}, {share.only_included})"
    _text(svg, _LEFT + only + rest + 8, top + 14, said, "dim")


def _text(svg: Element, left: float, top: float, words: str, kind: str = "", anchor: str = "start") -> None:
    about = {"x": f"{left:.1f}", "y": str(top), "text-anchor": anchor} | ({"class": kind} if kind else {})
    SubElement(svg, "text", about).text = words
