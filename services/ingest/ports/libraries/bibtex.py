"""BibTeX of every maker, read block by block.

bibtexparser reads a file whole, and keeps it; so the file is cut into blocks here, where a line begins one, and each is
given to its splitter alone. A block that it cannot read is mended where it is plain how, and else a fault.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from bibtexparser import model
from bibtexparser.splitter import Splitter

from services.ingest.ports.libraries.bibtex_fields import said_of, value_of
from services.ingest.ports.libraries.bibtex_writing import LACKS as LACKS
from services.ingest.ports.libraries.bibtex_writing import write as write
from services.ingest.ports.libraries.encoding import Line, encoding_of, head_of, lines_of
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Fault, Opened, UnreadableLibrary
from services.ingest.ports.libraries.said import fault

# What it says of broken blocks is in their faults.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)

_BEGINS = re.compile(r"[ \t]*@[ \t]*(\w+)[ \t]*[{(]")
_BEGINS_NEXT = re.compile(r"[ \t]*@[ \t]*\w+[ \t]*$")
_HEAD = re.compile(r"\s*@[ \t]*(\w+)[ \t]*[{(]([^,\n={}]{0,300}),?[ \t]*\r?(?=\n)")
_NO_ENTRY = re.compile(r"\s*@[ \t]*(?:comment|string|preamble)\b", re.IGNORECASE)
_A_FIELD = re.compile(r"\n[ \t]*([A-Za-z][\w-]{0,40})[ \t]*=[ \t]*(?=[{\"0-9]|[a-z]{3,9}[ \t]*+,?[ \t]*+(?:\n|\Z))")
_NO_COMMA = re.compile(r"[}\"0-9][ \t]*\r?\n[ \t]*[A-Za-z][\w-]{0,40}[ \t]*=[ \t]*[{\"0-9]")
_MENDED = "its braces or commas do not match, so each line is read as a field"
_NOT_EMPTY = re.compile(r"[^\s,;}]")
_MOST_MACROS = 10_000

#: By what the beginning of a file shows who made it.
_DIALECTS = tuple(
    (dialect, re.compile(pattern, re.IGNORECASE))
    for dialect, pattern in (
        ("living", r"\A\s*@comment\{living-reviews\}"),
        ("jabref", r"@comment\{\s*jabref-|^% Encoding:"),
        ("wos", r"@\w+\s*\{\s*(?:WOS|ISI):|^[ \t]*Unique-ID\s*="),
        ("scopus", r"^[ \t]*source\s*=\s*[{\"]Scopus|scopus\.com/inward|^Scopus\s*$"),
        ("ebsco", r"ebscohost\.com"),
        ("ieee", r"^[ \t]*publisher\s*=\s*[{\"]IEEE|ieeexplore\.ieee\.org|@\w+\{(?:IEEE)?[0-9]{7,8},"),
        ("acm", r"issue_date\s*=|Association for Computing Machinery|dl\.acm\.org"),
        ("proquest", r"proquest\.com"),
        ("zotero", r"^[ \t]*(?:urldate|langid|file)\s*=\s*\{.*(?:\n.*){0,30}^[ \t]*(?:keywords|abstract|file)\s*="),
        ("google scholar", r"@\w+\{[a-z]{2,20}[12][0-9]{3}[a-z]{2,20},"),
    )
)  # fmt: skip


@dataclass(slots=True)
class Block:
    """What stands from one line that begins a block to the next; before the first one there is no block."""

    lines: list[Line] = field(default_factory=list)
    size: int = 0
    too_long: bool = False

    def add(self, line: Line) -> None:
        self.size += len(line.text) + 1
        self.too_long = self.too_long or line.cut or self.size > LARGEST_RECORD
        if not self.too_long or not self.lines:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """The entries of a file. What stands between them is a fault that is no record, but for comments and preambles."""
    encoding = encoding_of(file, name=name)
    head = head_of(file, encoding)
    dialect = next((dialect for dialect, pattern in _DIALECTS if _search(pattern, head)), None)
    if not any(_BEGINS.match(line) for line in head.splitlines()) and "@" not in head:
        raise UnreadableLibrary.at(name, 1, "no line of it begins an entry, such as @article{")
    reading = _Reading(name, source, own=dialect == "living")
    return Opened("bibtex", dialect, encoding.name, reading.entries(_blocks(lines_of(file, encoding))))


def _search(pattern: re.Pattern[str], head: str) -> bool:
    return re.search(pattern.pattern, head, re.IGNORECASE | re.MULTILINE) is not None


def _blocks(lines: Iterator[Line]) -> Iterator[Block]:
    block = Block()
    for line in lines:
        if _BEGINS.match(line.text) or _BEGINS_NEXT.match(line.text):
            if block.lines:
                yield block
            block = Block()
        block.add(line)
    if block.lines:
        yield block


class _Reading:
    """One file as it is read, with the abbreviations that it has defined so far."""

    def __init__(self, name: str, source: str, *, own: bool) -> None:
        self._name, self._source, self._own = name, source, own
        self._macros: dict[str, str] = {}
        self._defined = 0

    def entries(self, blocks: Iterable[Block]) -> Iterator[Entry | Fault]:
        found, last = False, 1
        for block in blocks:
            last = block.lines[-1].number
            begins = _BEGINS.match(block.text)
            found = found or begins is not None
            if block.too_long:
                if begins is None and not found:
                    break
                why = f"it is longer than {LARGEST_RECORD} bytes, or its end is missing"
                yield fault(block.lines[0].number, why, block.lines[0].text, is_record=begins is not None)
            else:
                yield from self._of_block(block)
        if not found:
            raise UnreadableLibrary.at(self._name, last, "no line of it begins an entry, such as @article{")

    def _of_block(self, block: Block) -> Iterator[Entry | Fault]:
        first, text = block.lines[0].number, block.text
        remarks = list(dict.fromkeys(line.remark for line in block.lines if line.remark))
        parts = Splitter(text).split().blocks
        is_mended = False
        for index, part in enumerate(parts):
            line = first + (part.start_line or 0)
            if isinstance(part, model.ImplicitComment):
                # A line of its own that begins with a percent sign is a comment wherever TeX is written.
                said = "\n".join(each for each in part.comment.splitlines() if not each.lstrip().startswith("%"))
                if _NOT_EMPTY.search(said) and not is_mended:
                    yield fault(line, "it stands between the entries", said, is_record=False)
            elif isinstance(part, model.String):
                if why := self._define(part):
                    yield fault(line, why, part.raw or part.key, is_record=False)
            elif isinstance(part, model.ParsingFailedBlock):
                entry = part.ignore_error_block
                if isinstance(entry, model.Entry):
                    yield self._entry(entry, line, [*remarks, *_twice(part)])
                    continue
                rest = _until_next(text, part.start_line or 0, parts[index + 1 :])
                if mended := by_lines(rest):
                    is_mended = True
                    yield self._entry(mended, line, [*remarks, _MENDED])
                else:
                    reason = " ".join(str(getattr(part.error, "abort_reason", part.error)).split())[:300]
                    yield fault(line, reason, rest, is_record=not _NO_ENTRY.match(rest))
            elif isinstance(part, model.Entry):
                is_mended = False
                # Where a comma lacks, the next field is taken for a part of the value.
                if any(_NO_COMMA.search(str(it.value)) for it in part.fields) and (mended := by_lines(part.raw or "")):
                    yield self._entry(mended, line, [*remarks, _MENDED])
                else:
                    yield self._entry(part, line, remarks)

    def _define(self, string: model.String) -> str | None:
        """Keeps an abbreviation with its value, resolved once; answers why it cannot be kept, if so."""
        name = string.key.lower()
        try:
            value = value_of(string.value, self._macros)
        except ValueError as error:
            return str(error)
        defined = self._defined + len(value) - len(self._macros.get(name, ""))
        if (name not in self._macros and len(self._macros) >= _MOST_MACROS) or defined > LARGEST_RECORD:
            return (
                f"there are more than {_MOST_MACROS} abbreviations, or they are longer than {LARGEST_RECORD} characters"
            )
        self._macros[name], self._defined = value, defined
        return None

    def _entry(self, entry: model.Entry, line: int, remarks: list[str]) -> Entry | Fault:
        try:
            said = said_of(entry, self._macros, own=self._own)
        except ValueError as error:
            return fault(line, str(error), entry.raw or "")
        said.remarks += remarks
        return said.entry(line=line, source=self._source, excerpt=entry.raw or "")


def _twice(block: model.ParsingFailedBlock) -> Iterator[str]:
    """What is remarked of an entry that gives a field twice; one whose key was met before is as good as any."""
    for name in sorted(getattr(block, "duplicate_keys", ())):
        yield f"it gives {name} more than once, of which the first counts"


def _until_next(text: str, line: int, parts: list[model.Block]) -> str:
    """A block that cannot be read, up to the next one that is more than text."""
    after = (part.start_line for part in parts if not isinstance(part, model.ImplicitComment))
    return "\n".join(text.split("\n")[line : next((it for it in after if it is not None and it > line), None)])


def by_lines(text: str) -> model.Entry | None:
    """An entry whose braces do not match, where each field begins on a line of its own; None for any other."""
    head = _HEAD.match(text)
    begins = list(_A_FIELD.finditer(text))
    if head is None or not begins or _NO_ENTRY.match(text):
        return None
    fields = []
    for index, begin in enumerate(begins):
        end = begins[index + 1].start() if index + 1 < len(begins) else len(text)
        value = text[begin.end() : end].rstrip(" \t\r\n,")
        if index + 1 == len(begins):
            # The last brace is the entry's, unless it is the only one.
            value = re.sub(r"\}[\s,]*\}\Z", "}", value)
        inner = value[1:].removesuffix("}" if value[:1] == "{" else '"') if value[:1] in ("{", '"') else value
        fields.append(model.Field(key=begin[1], value=f"{{{_balanced(inner)}}}"))
    return model.Entry(entry_type=head[1].lower(), key=head[2].strip(), fields=fields, raw=text)


def _balanced(text: str) -> str:
    """A value in braces that match: where they do not, none of them is any."""
    depth = 0
    for sign in re.finditer(r"(?<!\\)[{}]", text):
        depth += 1 if sign[0] == "{" else -1
        if depth < 0:
            break
    return text if depth == 0 else re.sub(r"(?<!\\)[{}]", "", text)
