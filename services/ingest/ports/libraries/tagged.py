"""Records of tagged text, line by line: what the readers of RIS, NBIB, Web of Science and EndNote's own have in common.

Nothing is passed over in silence: a line that is of no record is a fault with its number, a record that is too long is
one too, and what had to be guessed (a record without its end) is remarked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.ingest.ports.libraries.common import Described, entry_of
from services.ingest.ports.libraries.encoding import Line
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Fault, UnreadableLibrary
from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import EXCERPT
from services.ingest.ports.sources.reading import Reader

#: Lines before the first record from which on a file is of another kind.
_MOST_BEFORE = 10_000
_MOST_REMARKS = 10
#: As old programs of DOS write it.
_END_OF_FILE = "\x1a"


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a format of tagged text is built.

    `tag_of` tells a line's tag and value, or None for one that goes on with the value before; `begins` whether a tag
    with its value begins a record, and `is_next` whether such a tag does that while another record is read. `ends` is
    the tag that ends one, if any does. A record that lacks its beginning is one if it has one of `telling`. `passed`
    are tags of the file itself, and `between` is what its makers always write between records. `joint` is what stands
    between a value and a line with which it goes on.
    """

    name: str
    tag_of: Callable[[str], tuple[str, str] | None]
    begins: Callable[[str, str], bool]
    first: str
    telling: frozenset[str]
    joint: Callable[[str], str]
    ends: str | None = None
    passed: frozenset[str] = frozenset()
    between: re.Pattern[str] | None = None

    def is_idle(self, text: str) -> bool:
        """Whether a line outside of any record is one of those that are always there."""
        return self.between is not None and self.between.fullmatch(text) is not None

    def is_next(self, block: Block, tag: str) -> bool:
        return True


class Spaced(Grammar):
    """One whose records are told apart by blank lines: a tag that begins one does so only after such a line, or where
    the record has it already."""

    def is_next(self, block: Block, tag: str) -> bool:
        return block.after_blank or block.fault is not None or tag in block.values


@dataclass(slots=True)
class Block:
    """One record as it stands in the file: its values by their tags, the line where it begins, and how it begins."""

    line: int
    values: dict[str, list[str]] = field(default_factory=dict)
    head: str = ""
    remarks: list[str] = field(default_factory=list)
    fault: str | None = None
    begun: bool = True
    last: int = 0
    _size: int = 0
    _open: list[str] = field(default_factory=list)
    _further: list[str] = field(default_factory=list)
    _tail: list[Line] = field(default_factory=list)
    _gap: bool = False

    def add(self, tag: str, value: str, line: Line) -> None:
        self._gap = False
        if self._tail:
            self.take_in("\n")
        if self._further:
            self._end_value()
        self._grow(line)
        if self.fault is None:
            self._open = self.values.setdefault(tag, [])
            self._open.append(value)

    def go_on(self, line: Line, joint: str) -> None:
        """Takes in a line with which the last value goes on, or, after a blank line, keeps it apart until it shows
        whether it is one."""
        self._grow(line)
        if self.fault is not None:
            return
        if self._gap:
            self._tail.append(line)
        else:
            self._further += [joint, line.text.strip()]

    def take_in(self, joint: str) -> None:
        """What was kept apart is of the last value."""
        for line in self._tail:
            self._further += [joint, line.text.strip()]
        self._tail = []

    def blank(self) -> None:
        self._gap = True

    @property
    def after_blank(self) -> bool:
        return self._gap and not self._tail

    def close(self) -> list[Line]:
        """Ends it; gives the lines after its end, where it has no other."""
        tail, self._tail = self._tail, []
        self._end_value()
        return tail

    def first(self, *tags: str) -> str:
        """The first value of the first of these tags that says something; empty where none does."""
        for tag in tags:
            for value in self.values.get(tag, ()):
                if value:
                    return value
        return ""

    def all(self, *tags: str) -> list[str]:
        """The values of all these tags that say something."""
        values = self.values
        return [value for tag in tags if tag in values for value in values[tag] if value]

    def _end_value(self) -> None:
        """The value that was added last has no further lines."""
        if self._further:
            self._open[-1] = "".join([self._open[-1], *self._further]).strip()
            self._further = []

    def _grow(self, line: Line) -> None:
        self.last, text, cut, remark = line
        if len(self.head) < EXCERPT:
            self.head += text[:EXCERPT] + "\n"
        self._size += len(text) + 1
        if remark and len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(f"line {self.last}: {remark}")
        if cut or self._size > LARGEST_RECORD:
            self.fault = f"it is longer than {LARGEST_RECORD // 1024 // 1024} MiB, which no record is"
            # What follows is only looked through for its end.
            self.values, self._open, self._further, self._tail = {}, [], [], []


@dataclass(slots=True)
class _Junk:
    """Lines between records, one after the other."""

    line: int
    last: int
    excerpt: str

    def fault(self, grammar: Grammar) -> Fault:
        lines = f"line {self.line} is" if self.line == self.last else f"lines {self.line} to {self.last} are"
        return Fault(self.line, f"{lines} of no record of {grammar.name}", squeeze(self.excerpt)[:EXCERPT], False)


def blocks_of(lines: Iterable[Line], grammar: Grammar, *, name: str) -> Iterator[Block | Fault]:
    """The records of a file and what is none, in their order.

    Raises UnreadableLibrary at its end, or after many lines, when it holds no record.
    """
    block: Block | None = None
    junk: _Junk | None = None
    found, number = False, 1
    for line in lines:
        number = line.number
        if not found and block is None and number > _MOST_BEFORE:
            break
        closed: Sequence[Block | Fault] = ()
        text = line.text.lstrip("\ufeff") if line.text.startswith("\ufeff") else line.text
        if not text or text.isspace() or text == _END_OF_FILE:
            if block is not None:
                block.blank()
            continue
        tagged = grammar.tag_of(text)
        if tagged is not None and block is not None and tagged[0] != grammar.ends and not grammar.begins(*tagged):
            block.add(*tagged, line)  # As most lines are.
            continue
        if block is None and (grammar.is_idle(text) if tagged is None else tagged[0] in grammar.passed):
            continue
        if tagged is None and block is not None:
            block.go_on(line, grammar.joint(text))
        elif tagged is None or (block is None and tagged[0] == grammar.ends):
            junk = _more(junk, line)
        elif block is not None and tagged[0] == grammar.ends:
            block.take_in("\n")
            block.last = number
            closed, block, junk = _closed(block, junk, grammar), None, None
        else:
            if block is not None and grammar.is_next(block, tagged[0]):
                if grammar.ends and block.begun:
                    block.remarks.append(f"it ends without {grammar.ends}")
                closed, block, junk = _closed(block, junk, grammar), None, None
            if block is None:
                block = Block(line.number, begun=grammar.begins(*tagged))
            block.add(*tagged, line)
        if closed:
            found = found or any(isinstance(it, Block) for it in closed)
            yield from closed
    if block is not None:
        if grammar.ends:
            block.remarks.append(f"the file ends within it, before {grammar.ends}")
        block.take_in("\n")
        closed, junk = _closed(block, junk, grammar), None
        found = found or any(isinstance(it, Block) for it in closed)
        yield from closed
    if not found:
        raise UnreadableLibrary.at(name, number, f"no record of {grammar.name} begins up to here")
    if junk is not None:
        yield junk.fault(grammar)


def _is_record(block: Block, grammar: Grammar) -> bool:
    return block.begun or block.fault is not None or not grammar.telling.isdisjoint(block.values)


def _closed(block: Block, junk: _Junk | None, grammar: Grammar) -> list[Block | Fault]:
    """What came before a record, the record, and what came after it."""
    tail = block.close()
    found: list[Block | Fault] = [] if junk is None else [junk.fault(grammar)]
    if not _is_record(block, grammar):
        return [*found, _Junk(block.line, block.last, block.head).fault(grammar)]
    if not block.begun:
        block.remarks.append(f"it begins without {grammar.first}")
    after: _Junk | None = None
    for line in tail:
        if not grammar.is_idle(line.text):
            after = _more(after, line)
    return [*found, block] if after is None else [*found, block, after.fault(grammar)]


def _more(junk: _Junk | None, line: Line) -> _Junk:
    if junk is None:
        return _Junk(line.number, line.number, line.text[:EXCERPT])
    junk.last = line.number
    if len(junk.excerpt) < EXCERPT:
        junk.excerpt += "\n" + line.text[:EXCERPT]
    return junk


def entries_of(
    blocks: Iterable[Block | Fault], describe: Callable[[Block, Reader], Described], source: str
) -> Iterator[Entry | Fault]:
    """What `describe` finds of each record, and the faults among them."""
    for block in blocks:
        if isinstance(block, Fault):
            yield block
        elif block.fault is not None:
            yield Fault(block.line, block.fault, squeeze(block.head)[:EXCERPT])
        else:
            yield entry_of(block, describe, source=source, line=block.line, excerpt=block.head, remarks=block.remarks)
