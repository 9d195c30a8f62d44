"""Documents: a report as its parts, for whoever draws it: words of ours, what data state, and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Literal

from shared.reporting.asking import Number, Query
from shared.reporting.checklists import Kind


@dataclass(frozen=True, slots=True)
class Words:
    """Words of ours; a number never stands in them."""

    text: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A name, a date, or words, as data have them."""

    text: str


Run = Words | Stated | Number


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; what `caption` calls it. `cut` says that there is more than is shown."""

    caption: Paragraph
    head: tuple[str, ...]
    rows: tuple[tuple[Paragraph, ...], ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """What data do not say yet, and the page below the review's at which that is mended."""

    why: str
    mended_at: str


@dataclass(frozen=True, slots=True)
class Authored:
    """What a person wrote, or is to write (`text` None): for what it is asked, by whom, when, and when the review had
    which revision and version of its protocol. `out_of_date` says that it has later ones."""

    item: str
    asks: str
    text: str | None = None
    by: str | None = None
    at: datetime | None = None
    confirmed: bool = False
    revision: int | None = None
    protocol_version: int | None = None
    out_of_date: bool = False


Block = Paragraph | Table | Lack
State = Literal["filled", "out_of_date", "lacking"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the guideline, with what data say of it and what people wrote."""

    number: str
    section: str
    about: str
    blocks: tuple[Block, ...]
    authored: tuple[Authored, ...]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What lacks: what data do not say yet, and the names of what nobody has written."""
        not_there = (block.why.removesuffix(".") for block in self.blocks if isinstance(block, Lack))
        return (*not_there, *(it.item for it in self.authored if it.text is None))

    @property
    def state(self) -> State:
        if self.lacks:
            return "lacking"
        return "out_of_date" if any(it.out_of_date for it in self.authored) else "filled"


@dataclass(frozen=True, slots=True)
class Document:
    """A report on a review, of one revision or as it is now, up to the end of a day."""

    kind: Kind
    title: str
    source: str
    review: str
    name: str
    revision: int | None
    on: str
    items: tuple[Item, ...]

    def runs(self) -> Iterator[Run]:
        """All that is said by data, in the order in which it is read."""
        for item in self.items:
            for block in item.blocks:
                for paragraph in paragraphs_of(block):
                    yield from paragraph.runs

    def queries(self) -> list[Query]:
        """Where its numbers come from, each once, in the order in which they are read."""
        return list(dict.fromkeys(run.query for run in self.runs() if isinstance(run, Number)))

    def counted(self, state: State) -> int:
        """How many items are so."""
        return sum(item.state == state for item in self.items)


def paragraphs_of(block: Block) -> Iterator[Paragraph]:
    """The paragraphs of a block, of a table its caption and its cells, row by row."""
    if isinstance(block, Paragraph):
        yield block
    elif isinstance(block, Table):
        yield block.caption
        for row in block.rows:
            yield from row


def said(words: str, **runs: Run) -> Paragraph:
    """A paragraph of words of ours, in which what data say stands by its name: `Found: {n}.`"""
    made: list[Run] = []
    for text, name, _, _ in Formatter().parse(words):
        if text:
            made.append(Words(text))
        if name is not None:
            made.append(runs[name])
    return Paragraph(tuple(made))
