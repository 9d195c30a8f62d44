"""Words of the protocol that speak for a record or against it, marked in what a page shows of it."""

from __future__ import annotations

import re
from html import unescape

from markupsafe import Markup, escape

from shared.events.stages import Highlights
from shared.highlighting import spans
from shared.wire.screening import TaskInHand

_MARK = Markup('<mark class="{}">{}</mark>')
_FOUND = Markup("<mark>{}</mark>")


def marked(task: TaskInHand) -> dict[str, Markup]:
    """Title and abstract of a card, with what speaks for it and against it marked."""
    return {name: _marked(getattr(task.record, name) or "", task.highlights) for name in ("title", "abstract")}


def _marked(text: str, highlights: Highlights | None) -> Markup:
    shown, at = Markup(), 0
    for begins, ends, side in spans(text, highlights):
        shown += escape(text[at:begins]) + _MARK.format(side, text[begins:ends])
        at = ends
    return shown + escape(text[at:])


def found_in(html: str) -> Markup:
    """What a search marks of a text, which has it as HTML. Nothing of that is taken over but where the marks are."""
    shown, inside = Markup(), False
    for piece in re.split(r"(</?mark>)", html):
        if piece in ("<mark>", "</mark>"):
            inside = piece == "<mark>"
            continue
        shown += _FOUND.format(unescape(piece)) if inside else escape(unescape(piece))
    return shown
