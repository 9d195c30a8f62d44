"""What is marked in a text that a page shows: words of the protocol, what a search found, and what is coded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from shared.events.stages import Highlights
from shared.highlighting import spans
from shared.wire.ingest import PassageView
from shared.wire.screening import TaskInHand
from shared.wire.synthesis import EvidenceView

_MARK = Markup('<mark class="{}">{}</mark>')
_FOUND = Markup("<mark>{}</mark>")


def marked(task: TaskInHand) -> dict[str, Markup]:
    """Title and abstract of a card, with what speaks for it and against it marked."""
    return marked_in({"title": task.record.title or "", "abstract": task.record.abstract or ""}, task.highlights)


def marked_in(texts: Mapping[str, str], highlights: Highlights | None) -> dict[str, Markup]:
    """The same of any texts, by name."""
    return {name: _marked(text, highlights) for name, text in texts.items()}


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


class Piece(NamedTuple):
    """Words of a passage that the same links quote, or none; and those of the links whose quote ends with them."""

    words: str
    coded: Sequence[EvidenceView]
    ending: Sequence[EvidenceView]


def pieces_of(passage: PassageView, links: Sequence[EvidenceView]) -> list[Piece]:
    """A passage, cut where a quote of some link begins or ends, whichever of them overlap."""
    spans = [(it.selector.start, it.selector.end, it) for it in links if it.selector is not None]
    here = [(max(begins, passage.start), min(ends, passage.end), it) for begins, ends, it in spans]
    here = [it for it in here if it[0] < it[1]]
    cuts = sorted({passage.start, passage.end, *(at for begins, ends, _ in here for at in (begins, ends))})
    return [
        Piece(
            passage.words[begins - passage.start : ends - passage.start],
            [it for first, last, it in here if first <= begins and ends <= last],
            [it for _, last, it in here if last == ends],
        )
        for begins, ends in pairwise(cuts)
    ]
