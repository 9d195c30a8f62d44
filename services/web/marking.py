"""Words of the protocol that speak for a record or against it, marked in what a page shows of it."""

from __future__ import annotations

from markupsafe import Markup, escape

from shared.events.stages import Highlights
from shared.highlighting import spans
from shared.wire.screening import TaskInHand

_MARK = Markup('<mark class="{}">{}</mark>')


def marked(task: TaskInHand) -> dict[str, Markup]:
    """Title and abstract of a card, with what speaks for it and against it marked."""
    return {name: _marked(getattr(task.record, name) or "", task.highlights) for name in ("title", "abstract")}


def _marked(text: str, highlights: Highlights | None) -> Markup:
    shown, at = Markup(), 0
    for begins, ends, side in spans(text, highlights):
        shown += escape(text[at:begins]) + _MARK.format(side, text[begins:ends])
        at = ends
    return shown + escape(text[at:])
