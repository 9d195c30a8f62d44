"""CSL-JSON, as Zotero, citation processors and their like write it: a list of items, read one at a time.

No reader of JSON that is at hand gives the items of a list before it has all of them, so they are told apart here, by
their brackets alone; what is no JSON within one costs no other one its record.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from services.ingest.ports.libraries.csljson_fields import csl_of, said_of
from services.ingest.ports.libraries.encoding import encoding_of
from services.ingest.ports.libraries.outgoing import in_pieces
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, Opened, UnreadableLibrary
from services.ingest.ports.libraries.said import fault
from services.ingest.ports.sources.mending import mended_json

#: There is a field for all that a description has, if need be one of ours in `custom`.
LACKS: frozenset[str] = frozenset()

_PIECE = 64 * 1024
#: What tells where an item ends: brackets, and what stands in quotation marks.
_SIGN = re.compile(r'["\\\[\]{}]')
_IN_QUOTES = re.compile(r'["\\]')
#: What may stand between two items.
_BETWEEN = ", \t\r\n\ufeff"
_OWN = re.compile(r'"custom":\{"living_record"')


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """The items of a list, or a single one."""
    encoding = encoding_of(file, name=name).name
    file.seek(0)
    head = file.read(_PIECE).decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if not head.startswith(("[", "{")):
        raise UnreadableLibrary.at(name, 1, "it does not begin like a list of JSON")
    dialect = "living" if _OWN.search(head) else "zotero" if "zotero.org/" in head else None
    file.seek(0)
    return Opened("csl-json", dialect, encoding, _entries(file, encoding, name, source, own=dialect == "living"))


def _entries(file: BinaryIO, encoding: str, name: str, source: str, *, own: bool) -> Iterator[Entry | Fault]:
    for line, text in _items(file, encoding, name):
        if len(text) > LARGEST_RECORD:
            yield fault(line, f"it is longer than {LARGEST_RECORD} bytes", text)
            continue
        try:
            item = _loaded(text)
        except (ValueError, RecursionError) as error:
            yield fault(line, f"it is no JSON ({error})", text)
            continue
        if not isinstance(item, dict):
            yield fault(line, "it is no item of a library", text)
            continue
        try:
            said = said_of(item, own=own)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            yield fault(line, f"its fields are in no form that is known ({type(error).__name__})", text)
        else:
            yield said.entry(line=line, source=source, excerpt=text)


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return mended_json(text.encode("utf-8", "replace"))


def _items(file: BinaryIO, encoding: str, name: str) -> Iterator[tuple[int, str]]:
    """Each item with the line where it begins; of one longer than any record only its beginning is kept."""
    depth, line, begins = 0, 1, 1
    in_quotes = escaped = is_list = False
    held: list[str] = []
    size = 0

    def keep(part: str) -> None:
        nonlocal size
        if size <= LARGEST_RECORD:
            held.append(part)
        size += len(part)

    for text in _texts(file, encoding):
        start = position = 0
        if escaped:
            escaped, position = False, 1
        while sign := (_IN_QUOTES if in_quotes else _SIGN).search(text, position):
            position = sign.end()
            match sign[0]:
                case '"':
                    in_quotes = not in_quotes
                case "\\":
                    position += 1
                    escaped = position > len(text)
                case "[" | "{":
                    if not depth and (between := text[start : sign.start()].strip(_BETWEEN)):
                        yield line, between
                    if not depth and not is_list and sign[0] == "[":
                        is_list, start = True, position
                        continue
                    if not depth:
                        line += text.count("\n", start, sign.start())
                        start, begins = sign.start(), line
                    depth += 1
                case _ if depth:
                    depth -= 1
                    if not depth:
                        keep(text[start:position])
                        yield begins, "".join(held)
                        held, size = [], 0
                        line += text.count("\n", start, position)
                        start = position
                case _:
                    if between := text[start : sign.start()].strip(_BETWEEN):
                        yield line, between
                    line += text.count("\n", start, position)
                    is_list, start = sign[0] != "]" and is_list, position
        if depth:
            keep(text[start:])
        elif between := text[start:].strip(_BETWEEN):
            yield line, between
        line += text.count("\n", start)
    if depth or is_list:
        if held:
            yield begins, "".join(held)
        raise UnreadableLibrary.at(name, line, "it is cut off: a bracket that is opened is never closed")


def _texts(file: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while piece := file.read(_PIECE):
        if text := decoder.decode(piece):
            yield text
    if rest := decoder.decode(b"", final=True):
        yield rest


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """A list of items, one a line."""
    return in_pieces(_pieces(records))


def _pieces(records: Iterable[Exported]) -> Iterator[str]:
    yield "["
    for number, record in enumerate(records):
        yield ("," if number else "") + "\n" + orjson.dumps(csl_of(record)).decode()
    yield "\n]\n"
