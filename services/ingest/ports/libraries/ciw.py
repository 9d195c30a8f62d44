"""Reads the tagged text of Web of Science (`.ciw`, `savedrecs.txt`)."""

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
    numbers_of,
    one_line,
    with_notices,
)
from services.ingest.ports.libraries.encoding import encoding_of, head_of, lines_of
from services.ingest.ports.libraries.port import Opened
from services.ingest.ports.libraries.tagged import Block, Grammar, blocks_of, entries_of
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.port import Notice
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.values import Identifiers

_TAG = re.compile(r"([A-Z][A-Z0-9])(?: (.*)|\s*)", re.DOTALL)
#: Characters of a line that was broken to be no longer.
_BROKEN_AFTER = 85

_KINDS = {
    "J": "article", "B": "book", "proceedings paper": "conference-paper", "meeting abstract": "conference-paper",
    "editorial material": "editorial", "book chapter": "chapter", "correction, addition": "correction",
    "data paper": "article", "data set": "dataset", "data study": "dataset", "dissertation/thesis": "thesis",
}  # fmt: skip

_DESCRIBING = frozenset(
    [
        "PT",
        "TI",
        "AB",
        "AU",
        "AF",
        "CA",
        "GP",
        "BE",
        "ED",
        "SO",
        "SE",
        "JI",
        "J9",
        "VL",
        "IS",
        "BP",
        "EP",
        "AR",
        "SN",
        "EI",
        "BN",
        "PU",
        "PY",
        "PD",
        "EA",
        "DT",
        "LA",
        "DI",
        "D2",
        "PM",
    ]
)
_NOT_KEPT = frozenset({"C1", "C3", "RP", "EM", "CR", "RI", "OI", "PA", "PI", "FX", "NR", "PG", "DA"})


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """Opens a file of Web of Science. Raises UnreadableLibrary for one that is no text, and at its end when it has no
    record."""
    encoding = encoding_of(file, name=name)
    dialect = dialects.dialect_of(head_of(file, encoding)) or "wos"
    blocks = blocks_of(lines_of(file, encoding), GRAMMAR, name=name)
    return Opened("ciw", dialect, encoding.name, entries_of(blocks, _described, source))


def _tag_of(text: str) -> tuple[str, str] | None:
    found = _TAG.fullmatch(text)
    return (found[1], (found[2] or "").strip()) if found else None


GRAMMAR = Grammar(
    name="Web of Science",
    tag_of=_tag_of,
    begins=lambda tag, value: tag == "PT" and len(value) <= 1,
    first="PT",
    ends="ER",
    telling=frozenset({"TI", "AB", "UT", "DI"}),
    joint=lambda text: "\n",
    passed=frozenset({"FN", "VR", "EF"}),
)


def _described(block: Block, reader: Reader) -> Described:
    title, abstract = one_line(block.first("TI")), lines_of_prose(_unbroken(block.first("AB")))
    types = [word.strip() for word in block.first("DT").replace("\n", " ").split(";")]
    ids = Identifiers(
        doi=reader.doi(block.first("DI", "D2")),
        pmid=next(filter(None, map(identifiers.pmid, block.all("PM"))), None),
    )
    is_struck = any(word.lower() == "retracted publication" for word in types)
    kind, notices = with_notices(
        normal.kind([*types, *(_KINDS.get(word.lower(), "") for word in types), _KINDS.get(block.first("PT"), "")]),
        [Notice(kind="retraction", said="Retracted Publication")] if is_struck else [],
        title,
        abstract,
        ids,
    )
    short, whole = _names(block, "AU"), _names(block, "AF")
    issns, isbns = numbers_of(block.all("SN", "EI", "BN"))
    venues = [venue for venue in map(one_line, block.all("SO", "SE", "JI", "J9")) if venue]
    number = block.first("UT").strip()
    return Described(
        {
            "title": title,
            "abstract": abstract,
            "keywords": keywords.tidied(
                word for text in block.all("DE", "ID") for word in text.replace("\n", " ").split(";")
            ),
            "authors": [*(whole if len(whole) >= len(short) else short), *_names(block, "CA", "GP")],
            "editors": _names(block, "BE", "ED"),
            "venue": venues[0] if venues else None,
            "other_venues": venues[1:],
            "volume": normal.part(block.first("VL")),
            "issue": normal.part(block.first("IS")),
            "pages": normal.pages(block.first("BP"), block.first("EP")),
            "article_number": normal.part(block.first("AR")),
            "issns": issns,
            "isbns": isbns,
            "publisher": one_line(block.first("PU")),
            "published": date_of(reader, [*block.all("PY"), *_months(block), *block.all("EA")]),
            "kind": kind,
            "language": language_of(block.first("LA")),
            "identifiers": ids,
            "notices": notices,
        },
        accession=number if ":" in number else number and f"WOS:{number}",
        fields={
            tag: "\n".join(values)
            for tag, values in block.values.items()
            if tag not in _DESCRIBING and tag not in _NOT_KEPT
        },
    )


def _names(block: Block, *tags: str) -> list[str]:
    """Persons' names, one a line."""
    return [name for text in block.all(*tags) for name in map(name_of, re.split(r"\n|;", text)) if name]


def _months(block: Block) -> list[str]:
    """The month of an issue (`MAR 15`, `SEP-OCT`); a season is none."""
    return [text for text in block.all("PD") if normal.partial_date(2000, text) != "2000"]


def _unbroken(text: str) -> str:
    """An abstract whose lines were broken to fit, in one line; one with lines of its own as it is."""
    lines = text.split("\n")
    return " ".join(lines) if max(map(len, lines)) <= _BROKEN_AFTER else text
