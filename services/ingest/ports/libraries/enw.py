"""Reads EndNote's own tagged text, which came from refer (`%T A title`; `.enw`, `.enl` of some sites, `.txt`)."""

from __future__ import annotations

import re
from typing import BinaryIO

from services.ingest.ports.libraries import dialects, keywords
from services.ingest.ports.libraries.common import (
    Described,
    date_of,
    language_of,
    lines_of_prose,
    name_of,
    names_of,
    numbers_of,
    one_line,
    with_notices,
)
from services.ingest.ports.libraries.encoding import encoding_of, head_of, lines_of
from services.ingest.ports.libraries.port import Opened
from services.ingest.ports.libraries.tagged import Block, Spaced, blocks_of, entries_of
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.values import Identifiers

_TAG = re.compile(r"%([0-9A-Z!@#$&()*+<>?\[\]^~=:,|{}-])(?:[ \t](.*)|\s*)", re.DOTALL)

_KINDS = {
    "edited book": "book", "electronic book": "book", "book section": "chapter", "electronic book section": "chapter",
    "conference proceedings": "conference-paper", "magazine article": "article", "electronic article": "article",
    "government document": "report",
}  # fmt: skip

_DESCRIBING = frozenset("0TQ!JBAEIVNPX@RUGD8")
_OF_A_PERSON = frozenset("+")


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """Opens a file of EndNote's tags. Raises UnreadableLibrary for one that is no text, and at its end when it has no
    record."""
    encoding = encoding_of(file, name=name)
    dialect = dialects.dialect_of(head_of(file, encoding))
    blocks = blocks_of(lines_of(file, encoding), GRAMMAR, name=name)
    return Opened("enw", dialect, encoding.name, entries_of(blocks, _described, source))


def _tag_of(text: str) -> tuple[str, str] | None:
    found = _TAG.fullmatch(text)
    return (found[1], (found[2] or "").strip()) if found else None


class _Listed(Spaced):
    def is_next(self, block: Block, tag: str) -> bool:
        # Sites begin with either of these; all other tags begin a record after a blank line alone.
        return block.after_blank or (tag in "0T" and (tag in block.values or block.fault is not None))


GRAMMAR = _Listed(
    name="EndNote",
    tag_of=_tag_of,
    begins=lambda tag, value: True,
    first="%0",
    telling=frozenset("TXR"),
    joint=lambda text: "\n",
)


def _described(block: Block, reader: Reader) -> Described:
    titles = [title for title in map(one_line, block.all("T", "Q", "!")) if title]
    venues = [venue for venue in map(one_line, block.all("J", "B")) if venue]
    abstract = lines_of_prose("\n".join(block.all("X")))
    doi = next(filter(None, map(identifiers.doi, block.all("R", "U"))), None)
    ids = Identifiers(doi=doi or reader.doi(block.first("R")))
    types = [block.first("0"), block.first("9")]
    words = [*types, *(word.lower().replace(" ", "-") for word in types), *(_KINDS.get(it.lower(), "") for it in types)]
    kind, notices = with_notices(normal.kind(words), [], titles[0] if titles else None, abstract, ids)
    issns, isbns = numbers_of(block.all("@"))
    return Described(
        {
            "title": titles[0] if titles else None,
            "other_titles": list(dict.fromkeys(title for title in titles[1:] if title != titles[0])),
            "abstract": abstract,
            "keywords": keywords.listed(block.all("K")),
            "authors": names_of(text for value in block.all("A") for text in value.split("\n")),
            "editors": [name for name in map(name_of, block.all("E")) if name],
            "venue": venues[0] if venues else None,
            "other_venues": venues[1:],
            "volume": normal.part(block.first("V")),
            "issue": normal.part(block.first("N")),
            "pages": normal.pages(block.first("P")),
            "issns": issns,
            "isbns": isbns,
            "publisher": one_line(block.first("I")),
            "urls": [url for text in block.all("U") for url in text.split()],
            "published": date_of(reader, [*block.all("8"), *block.all("D")]),
            "kind": kind,
            "language": language_of(block.first("G")),
            "identifiers": ids,
            "notices": notices,
        },
        accession=dialects.accession_of(block.all("M"), block.all("U"), block.all("~", "W")),
        fields=_fields(block),
    )


def _fields(block: Block) -> dict[str, str]:
    kept = {
        f"%{tag}": "\n".join(values)
        for tag, values in block.values.items()
        if tag not in _DESCRIBING and tag not in _OF_A_PERSON
    }
    return kept | dialects.decisions_of(block.all("Z", "K", "<"))
