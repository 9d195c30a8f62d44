"""EndNote's XML, as EndNote, Covidence, the Systematic Review Accelerator and others write it, record by record.

It comes as one line of many megabytes, so it is parsed piece by piece. A file that declares what it is made of, such as
entities, is refused.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from services.ingest.ports.libraries.encoding import encoding_of
from services.ingest.ports.libraries.endnote_fields import said_of
from services.ingest.ports.libraries.endnote_writing import LACKS as LACKS
from services.ingest.ports.libraries.endnote_writing import OWN_APPLICATION
from services.ingest.ports.libraries.endnote_writing import write as write
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Fault, Opened, UnreadableLibrary
from services.ingest.ports.libraries.said import fault
from services.ingest.ports.sources.mending import mended_xml

_PIECE, _HEAD = 32 * 1024, 16 * 1024
#: Elements of a record at most, and how deep they may lie.
_MOST_PARTS, _DEEPEST = 50_000, 50
_ROOTS = {"xml", "records", "record"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS = re.compile(
    r"utf-8(?:-sig)?|ascii|iso8859-[0-9]{1,2}|cp(?:125[0-8]|437|850|852|866|874|932|949|950)|koi8-[ru]|mac-\w{3,10}"
    r"|gb2312|gbk|gb18030|big5(?:hkscs)?|shift_jis\w{0,5}|euc_(?:jp|kr|jis_2004)|iso2022_(?:jp|kr)|johab|tis-620"
)
_DECLARATION = re.compile(r"<\?xml.{0,200}?\?>", re.DOTALL)
_OPEN_REFERENCE = re.compile(r"&[#\w]{0,40}\Z")
_DIALECTS = (
    ("living", re.compile(f"<source-app[^>]*>{OWN_APPLICATION}<")),
    ("covidence", re.compile("covidence", re.IGNORECASE)),
    ("sra", re.compile(r"sra-|systematic review accelerator|SRA\.enl", re.IGNORECASE)),
    ("zotero", re.compile(r"<source-app[^>]*>Zotero<")),
    ("endnote", re.compile(r"<source-app[^>]*>EndNote<")),
)


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """The records of a file. One that is cut off, or broken at some line, is read up to there and the rest a fault."""
    encoding = encoding_of(file, name=name).name
    file.seek(0)
    head = file.read(_HEAD)
    if (declared := _DECLARED.search(head)) and not encoding.startswith("utf-16"):
        encoding = _known(declared[1].decode()) or encoding
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("<"):
        raise UnreadableLibrary.at(name, 1, "it does not begin like XML")
    dialect = next((dialect for dialect, shows in _DIALECTS if shows.search(text)), None)
    reading = _Reading(name, source, own=dialect == "living", mends="<![CDATA[" not in text)
    return Opened("endnote", dialect, encoding, reading.entries(file, encoding))


def _known(encoding: str) -> str | None:
    """Python's name of an encoding of texts, of which it knows others too: of bytes, of addresses, of escapes."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return None
    return name if _ENCODINGS.fullmatch(name) else None


class _Record:
    """A record as far as it has come: its texts by the names of the elements that they are in."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.parts: list[tuple[str, str]] = []
        self.size = 0

    @property
    def is_too_long(self) -> bool:
        return self.size > LARGEST_RECORD or len(self.parts) > _MOST_PARTS

    @property
    def excerpt(self) -> str:
        return "; ".join(text for _, text in self.parts[:20])


class _Target:
    """What the parser tells of elements and texts. Styles within a text count for nothing."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._path: list[str] = []
        self._text: list[str] = []
        self.depth, self.events = 0, 0
        self.record: _Record | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        self.depth += 1
        name = tag.rpartition("}")[2]
        if self.depth == 1 and name not in _ROOTS:
            self._reading.refuse(f"it is XML of another kind, of <{name[:50]}>")
        if self.depth > _DEEPEST:
            self._reading.refuse(f"its elements lie deeper than {_DEEPEST}")
        if self.record is None:
            if name == "record":
                self.record = _Record(self._reading.line)
            return
        self.record.size += len(tag) + sum(len(name) + len(value) for name, value in attributes.items())
        if name != "style":
            self._path.append(name)
            self._text.clear()
            if self.record.is_too_long:
                return
            if name == "ref-type" and (kind := attributes.get("name")):
                self.record.parts.append(("ref-type", kind))
            elif attributes.get("name") and name == "database":
                self.record.parts.append(("database", attributes["name"]))

    def end(self, tag: str) -> None:
        self.events += 1
        self.depth -= 1
        name = tag.rpartition("}")[2]
        if self.record is None or name == "style":
            return
        if self._path:
            text = "".join(self._text)
            self._text.clear()
            path = "/".join(self._path)
            self._path.pop()
            self.record.size += len(path)
            if text.strip() and not self.record.is_too_long and path not in ("ref-type", "database"):
                self.record.parts.append((path, text))
        else:
            self._reading.done(self.record)
            self.record = None

    def data(self, text: str) -> None:
        self.events += 1
        if self.record is not None:
            self.record.size += len(text)
            if not self.record.is_too_long:
                self._text.append(text)

    def close(self) -> None:
        """There is no tree to give."""


class _Reading:
    """One file as it is parsed, and the records that are whole and wait to be given."""

    def __init__(self, name: str, source: str, *, own: bool, mends: bool) -> None:
        self._name, self._source, self._own, self._mends = name, source, own, mends
        self._target = _Target(self)
        self._parser = DefusedXMLParser(target=self._target, forbid_dtd=True)
        self._ready: deque[Entry | Fault] = deque()
        self._given = 0

    @property
    def line(self) -> int:
        return max(int(self._parser.parser.CurrentLineNumber), 1)

    def refuse(self, why: str) -> NoReturn:
        raise UnreadableLibrary.at(self._name, self.line, why)

    def done(self, record: _Record) -> None:
        self._given += 1
        if record.is_too_long:
            why = f"record {self._given} is longer than {LARGEST_RECORD} bytes"
            self._ready.append(fault(record.line, why, record.excerpt))
            return
        said = said_of(record.parts, own=self._own)
        self._ready.append(said.entry(line=record.line, source=self._source, excerpt=record.excerpt))

    def entries(self, file: BinaryIO, encoding: str) -> Iterator[Entry | Fault]:
        file.seek(0)
        since = 0
        try:
            for text in self._texts(file, encoding):
                before = self._target.events
                self._parser.feed(text)
                since = 0 if self._target.events > before else since + len(text)
                if since > LARGEST_RECORD:
                    self.refuse("one of its tags is longer than any record may be")
                yield from self._taken()
            self._parser.close()
            yield from self._taken()
        except DefusedXmlException as error:
            why = "it declares what it is made of, as no library does"
            raise UnreadableLibrary.at(self._name, self.line, why) from error
        except (ParseError, ValueError, AssertionError) as error:
            yield from self._taken()
            line = getattr(error, "position", (self.line, 0))[0]
            if not self._given and self._target.record is None:
                raise UnreadableLibrary.at(self._name, max(line, 1), f"it is no sound XML ({error})") from error
            yield self._broken(max(line, 1), error)

    def _broken(self, line: int, error: Exception) -> Fault:
        record = self._target.record
        why = f"the file cannot be read on after {self._given} records ({' '.join(str(error).split())[:200]})"
        return fault(record.line if record else line, f"{why}, line {line}", record.excerpt if record else "")

    def _taken(self) -> Iterator[Entry | Fault]:
        while self._ready:
            yield self._ready.popleft()

    def _texts(self, file: BinaryIO, encoding: str) -> Iterator[str]:
        """The file as text, piece by piece, without characters that XML does not have. It declares no encoding."""
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        held, is_first = "", True
        while piece := file.read(_PIECE):
            text = held + decoder.decode(piece)
            if is_first and text:
                is_first = False
                text = _DECLARATION.sub(
                    lambda found: "\n" * found[0].count("\n"), text.lstrip("\ufeff"), count=1
                ).lstrip(" \t")
            open_reference = _OPEN_REFERENCE.search(text)
            cut = open_reference.start() if open_reference else len(text)
            held = text[cut:]
            if mended := self._mended(text[:cut]):
                yield mended
        if rest := self._mended(held + decoder.decode(b"", final=True)):
            yield rest

    def _mended(self, text: str) -> str:
        text = _CONTROL.sub(" ", text)
        return mended_xml(text.encode("utf-8", "replace")) if self._mends and "&" in text else text
