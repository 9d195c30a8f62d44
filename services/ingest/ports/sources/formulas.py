"""Folds each formula among the tokens of a text into the text that it is; what comes in several forms comes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.ingest.ports.sources import tags
from services.ingest.ports.sources.mathml import rendered
from services.ingest.ports.sources.tags import Close, Open, Text, Token
from services.ingest.ports.sources.tex import formula, without_tex

#: What a folded formula stands in.
FORMULA = "formula"

#: How deep formulas are followed; what lies deeper is read as if it stood there.
_DEEPEST = 50
_FRAMED = tags.MATH | tags.TEX | tags.FORMULAS | tags.HIDDEN


def folded(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens with the text of each formula in their place, and without what is hidden."""
    return _Folding().of(tokens)


@dataclass(slots=True)
class _Frame:
    """An element whose text is made of all that is in it: pairs of a child's name and text, "" for text alone."""

    name: str
    attributes: dict[str, str]
    parts: list[tuple[str, str]] = field(default_factory=list)

    def take(self, text: str) -> None:
        if self.name in tags.MATH:
            text = text.strip(" \t\r\n")  # What it is indented with.
        if text:
            self.parts.append(("", text))

    def all_text(self) -> str:
        return "".join(text for _, text in self.parts)

    def text(self) -> str:
        if self.name in tags.HIDDEN:
            return ""
        if self.name in tags.MATH:
            return rendered(self.name, self.attributes, [text for _, text in self.parts])
        if self.name in tags.TEX:
            return formula(self.all_text())
        mathml = [text for name, text in self.parts if name == "math" and text]
        latex = [text for name, text in self.parts if name in tags.TEX and text]
        if self.name == "alternatives":
            return (mathml or latex or [self.all_text().strip()])[0]
        if mathml and latex:
            return "".join(text for name, text in self.parts if name not in tags.TEX)
        return without_tex(self.all_text())


class _Folding:
    """Holds the elements that are open; one that is never closed ends with the text, and hides nothing of it."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._open = Counter[str]()
        self._deeper = 0

    def of(self, tokens: Iterable[Token]) -> Iterator[Token]:
        for token in tokens:
            if isinstance(token, Text):
                if self._frames:
                    self._frames[-1].take(token.text)
                else:
                    yield Text(without_tex(token.text))
            elif token.name not in _FRAMED:
                if not self._frames:
                    yield token
            elif isinstance(token, Open):
                self._begin(token)
            else:
                yield from self._close(token.name)
        while self._frames:
            yield from self._end(cut_off=True)

    def _begin(self, token: Open) -> None:
        if len(self._frames) == _DEEPEST:
            self._deeper += 1
            return
        self._open[token.name] += 1
        self._frames.append(_Frame(token.name, token.attributes))

    def _close(self, name: str) -> Iterator[Token]:
        if self._deeper:
            self._deeper -= 1
        elif self._open[name]:
            while self._frames[-1].name != name:
                yield from self._end(cut_off=True)
            yield from self._end()

    def _end(self, *, cut_off: bool = False) -> Iterator[Token]:
        frame = self._frames.pop()
        self._open[frame.name] -= 1
        text = frame.all_text() if cut_off and frame.name in tags.HIDDEN else frame.text()
        if self._frames:
            # The children of a formula count by their places, so that one without text has its place, too.
            self._frames[-1].parts.append((frame.name, text))
        elif text:
            name = frame.name if frame.name in tags.PARAGRAPHS else FORMULA
            yield from (Open(name), Text(text), Close(name))
