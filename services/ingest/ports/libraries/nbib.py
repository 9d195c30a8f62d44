"""Reads NBIB, the tagged form of PubMed's MEDLINE, with ERIC's and Ovid's own forms of it."""

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
from services.ingest.ports.libraries.nbib_writing import LACKS as LACKS
from services.ingest.ports.libraries.nbib_writing import write as write
from services.ingest.ports.libraries.port import Opened
from services.ingest.ports.libraries.tagged import Block, Spaced, blocks_of, entries_of
from services.ingest.ports.sources import normal, noticing
from services.ingest.ports.sources.port import Notice
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.values import Identifiers

_TAG, _NUMBERED = re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,3}-(?: (.*)|)", re.DOTALL), re.compile(r"<([0-9]{1,9})>\s*")
#: The tag that stands here for Ovid's number of a record in its file.
_OF_FILE = "#"
_BEGINNING = frozenset({"PMID", "OWN", "UI", "VN", _OF_FILE})
_SOURCE = re.compile(r"(.*?) \[(doi|pii)\]\s*", re.IGNORECASE | re.DOTALL)

#: NLM ends titles with a dot, and has brackets around translated ones; others who use its tags do not.
_OF_NLM = frozenset({"", "NLM", "NASA", "PIP", "KIE", "HSR", "HMD", "SIS", "NOTNLM"})

#: Links to other citations (https://www.nlm.nih.gov/bsd/mms/medlineelements.html), in words that say what they mean.
_LINKS = {
    "RIN": "Retraction in", "ROF": "Retraction of", "PRIN": "Partial retraction in", "PROF": "Partial retraction of",
    "EIN": "Erratum in", "EFR": "Erratum for", "ECI": "Expression of concern in", "ECF": "Expression of concern for",
    "CRI": "Corrected and republished in", "CRF": "Corrected and republished from", "RPI": "Republished in",
    "RPF": "Republished from", "RRI": "Retracted and republished in", "RRF": "Retracted and republished from",
    "UIN": "Update in", "UOF": "Update of",
}  # fmt: skip

_KINDS = {
    "academic dissertation": "thesis", "technical report": "report", "journal articles": "article", "books": "book",
    "dissertations/theses": "thesis", "dissertations/theses - doctoral dissertations": "thesis",
    "congress": "conference-paper", "book chapter": "chapter",
}  # fmt: skip

_DESCRIBING = frozenset(
    [
        "PMID",
        "TI",
        "TT",
        "VTI",
        "BTI",
        "AB",
        "FAU",
        "AU",
        "AF",
        "CN",
        "FED",
        "ED",
        "JT",
        "JN",
        "TA",
        "VI",
        "VO",
        "IP",
        "PG",
        "IS",
        "ISSN",
        "ISBN",
        "PB",
        "DP",
        "DEP",
        "YR",
        "LA",
        "LG",
        "LID",
        "AID",
        "DO",
        "DOI",
        "PMC",
        "EDAT",
        "LR",
    ]
) | {_OF_FILE}
_NOT_KEPT = frozenset(
    [
        "AD",
        "AUID",
        "IR",
        "FIR",
        "IRAD",
        "CI",
        "COIS",
        "PHST",
        "CRDT",
        "MHDA",
        "PST",
        "OTO",
        "PMCR",
        "STAT",
        "SB",
        "SO",
        "JID",
        "PL",
        "JC",
        "CRD",
        "IN",
        "RF",
        "CR",
        "AS",
    ]
)


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """Opens a file of NBIB. Raises UnreadableLibrary for one that is no text, and at its end when it has no record."""
    encoding = encoding_of(file, name=name)
    dialect = dialects.dialect_of(head_of(file, encoding))
    blocks = blocks_of(lines_of(file, encoding), GRAMMAR, name=name)
    return Opened("nbib", dialect, encoding.name, entries_of(blocks, _described, source))


def _tag_of(text: str) -> tuple[str, str] | None:
    if text[0] == "<" and (numbered := _NUMBERED.fullmatch(text)):
        return _OF_FILE, numbered[1]
    found = _TAG.fullmatch(text)
    return (found[1], (found[2] or "").strip()) if found else None


GRAMMAR = Spaced(
    name="NBIB",
    tag_of=_tag_of,
    begins=lambda tag, value: tag in _BEGINNING,
    first="PMID",
    telling=frozenset({"TI", "AB", "AU", "FAU", "LID", "AID"}),
    joint=lambda text: " ",
)


def _described(block: Block, reader: Reader) -> Described:
    owner, databases = block.first("OWN").upper(), block.all("DB")
    titles = [title for title in map(one_line, block.all("TI", "TT", "VTI")) if title]
    book = one_line(block.first("BTI"))
    if not titles and book:
        titles, book = [book], None
    if owner in _OF_NLM:
        titles = [title for title in map(_bare, titles) if title]
    abstract = lines_of_prose("\n".join(block.all("AB")))
    ids = _identifiers(block, reader, databases)
    types = block.all("PT")
    own = f"pmid:{ids.pmid}" if ids.pmid else f"doi:{ids.doi}" if ids.doi else (titles or [""])[0][:250]
    kind, notices = with_notices(
        normal.kind([*types, *(_KINDS.get(type_.lower(), "") for type_ in types)]),
        _notices(block, types, own),
        titles[0] if titles else None,
        abstract,
        ids,
    )
    issns, isbns = numbers_of(block.all("IS", "ISSN", "ISBN"))
    venues = [venue for venue in map(one_line, [*block.all("JT", "JN"), book or "", *block.all("TA")]) if venue]
    people = block.all("FAU") or block.all("AF") or block.all("AU")
    return Described(
        {
            "title": titles[0] if titles else None,
            "other_titles": titles[1:],
            "abstract": abstract,
            "keywords": _keywords(block),
            "authors": [name for name in map(name_of, [*people, *block.all("CN")]) if name],
            "editors": [name for name in map(name_of, block.all("FED") or block.all("ED")) if name],
            "venue": venues[0] if venues else None,
            "other_venues": venues[1:],
            "volume": normal.part(block.first("VI", "VO")),
            "issue": normal.part(block.first("IP")),
            "pages": normal.pages(block.first("PG")),
            "issns": issns,
            "isbns": isbns,
            "publisher": one_line(block.first("PB")),
            "published": date_of(reader, block.all("DP", "DEP", "YR")),
            "kind": kind,
            "language": language_of(block.first("LA", "LG")),
            "identifiers": ids,
            "notices": notices,
            "entered": normal.day(block.first("EDAT").replace("/", "-")),
            "updated": normal.day(_dashed(block.first("LR"))),
        },
        accession=_accession(block, ids, databases),
        fields=_fields(block),
    )


def _keywords(block: Block) -> list[str]:
    """The descriptors of MeSH, without what of each the work is about, then other terms."""
    descriptors = [text.partition("/")[0] for text in block.all("MH")]
    return keywords.tidied([*descriptors, *block.all("OT", "KW")])


def _bare(title: str) -> str:
    """A title of NLM without its final dot and the brackets of a translation."""
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    return title if title.endswith("..") else title.removesuffix(".")


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}"


def _identifiers(block: Block, reader: Reader, databases: list[str]) -> Identifiers:
    located = [found for text in block.all("LID", "AID") if (found := _SOURCE.fullmatch(text))]
    dois = [found[1] for found in located if found[2].lower() == "doi"]
    others = [text for text in block.all("DO", "DOI", "AID", "LID") if "doi" in text or text.startswith("10.")]
    known = next(filter(None, map(identifiers.doi, [*dois, *others])), None)
    pmids = [*block.all("PMID", "UI"), *(block.all("AN") if dialects.is_of_pubmed(databases) else [])]
    return Identifiers(
        doi=known or reader.doi(dois[0] if dois else None),
        pmid=next(filter(None, map(identifiers.pmid, pmids)), None),
        pmcid=next(filter(None, map(identifiers.pmcid, block.all("PMC"))), None),
    )


def _accession(block: Block, ids: Identifiers, databases: list[str]) -> str | None:
    if ids.pmid:
        return ids.pmid
    owners = [owner for owner in block.all("OWN") if owner != "LIVING"]
    return dialects.accession_of(block.all("AN", "OID", "UI"), [], [*databases, *owners])


def _notices(block: Block, types: list[str], own: str) -> list[Notice]:
    """What the citation's links and publication types say, as they do at PubMed itself."""
    notices = [
        notice
        for tag, word in _LINKS.items()
        for reference in block.all(tag)
        for notice in noticing.linked(word, None, reference, own)
    ]
    if "Retracted Publication" in types and not any(one.kind == "retraction" and not one.of for one in notices):
        notices.append(Notice(kind="retraction"))
    if "Duplicate Publication" in types:
        notices.append(Notice(kind="expression_of_concern", said="Duplicate Publication"))
    return notices


def _fields(block: Block) -> dict[str, str]:
    kept = {
        tag: "\n".join(values)
        for tag, values in block.values.items()
        if tag not in _DESCRIBING and tag not in _NOT_KEPT and tag not in _LINKS
    }
    return kept | dialects.decisions_of(block.all("GN", "OT"))
