"""Picturing: a diagram as pixels, for documents that take no SVG.

Drawn with the one face that comes with us (DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew), so that a picture is
the same on every machine; signs that it lacks are empty boxes, and are whole in the SVG.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from resvg_py import svg_to_bytes

_FACE = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"

#: Pixels of the picture for each unit of the drawing: sharp in print at half a page's width.
_ZOOM = 2


async def png_of(svg: str) -> bytes:
    """A diagram of ours as PNG. It loads nothing from anywhere, and is drawn beside the loop that answers."""
    return await asyncio.to_thread(_drawn, svg)


def _drawn(svg: str) -> bytes:
    return bytes(
        svg_to_bytes(
            svg_string=svg,
            zoom=_ZOOM,
            skip_system_fonts=True,
            font_files=[str(_FACE)],
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )
    )
