"""Reads RIS, which every database and tool writes in a dialect of its own."""

from __future__ import annotations

import re
from typing import BinaryIO

from services.ingest.ports.libraries import dialects, keywords
from services.ingest.ports.libraries.common import (
    Described,
    date_of,
    language_of,
    lines_of_prose,
    names_of,
    numbers_of,
    one_line,
    with_notices,
)
from services.ingest.ports.libraries.encoding import encoding_of, head_of, lines_of
from services.ingest.ports.libraries.port import Opened
from services.ingest.ports.libraries.ris_writing import LACKS as LACKS
from services.ingest.ports.libraries.ris_writing import write as write
from services.ingest.ports.libraries.tagged import Block, Grammar, blocks_of, entries_of
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.port import Kind
from services.ingest.ports.sources.reading import Reader
from shared import identifiers
from shared.events.values import Identifiers

#: Tags as they are read where their columns are not those of the format: with one blank, a tab, or in small letters.
_KNOWN = frozenset({
    "TY", "ER", "A1", "A2", "A3", "A4", "AB", "AD", "AN", "AU", "BT", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8",
    "CA", "CN", "CP", "CT", "CY", "DA", "DB", "DO", "DP", "ED", "EP", "ET", "ID", "IS", "J1", "J2", "JA", "JF", "JO",
    "KW", "L1", "L2", "L3", "L4", "LA", "LB", "LK", "M1", "M2", "M3", "N1", "N2", "NV", "OP", "PB", "PP", "PY", "RI",
    "RN", "RP", "SE", "SN", "SP", "ST", "T1", "T2", "T3", "TA", "TI", "TT", "U1", "U2", "U3", "U4", "U5", "UR", "VL",
    "VO", "Y1", "Y2", "PMID", "PMCID", "DOI",
})  # fmt: skip
_ODD_TAG = re.compile(r"[ \t]{0,3}([A-Za-z][A-Za-z0-9]{1,4})[ \t]{1,3}-(?:[ \t](.*)|)", re.DOTALL)

_KINDS: dict[str, str] = {
    "JOUR": "article", "EJOUR": "article", "JFULL": "article", "MGZN": "article", "INPR": "article",
    "BOOK": "book", "EBOOK": "book", "EDBOOK": "book", "CLSWK": "book", "ENCYC": "book", "DICT": "book",
    "CHAP": "chapter", "ECHAP": "chapter", "CPAPER": "conference-paper", "CONF": "conference-paper",
    "THES": "thesis", "RPRT": "report", "GOVDOC": "report", "DATA": "dataset", "DBASE": "dataset", "AGGR": "dataset",
}  # fmt: skip

#: What becomes part of the description; and what says where somebody works or whom they cite, which nobody needs here.
_DESCRIBING = frozenset(
    [
        "TY",
        "TI",
        "T1",
        "CT",
        "BT",
        "ST",
        "TT",
        "T2",
        "JF",
        "JO",
        "JA",
        "J1",
        "J2",
        "JI",
        "J9",
        "A1",
        "AU",
        "A2",
        "ED",
        "AB",
        "N2",
        "PY",
        "Y1",
        "DA",
        "VL",
        "VO",
        "IS",
        "CP",
        "SP",
        "EP",
        "C7",
        "SN",
        "PB",
        "PU",
        "UR",
        "DO",
        "DOI",
        "LA",
        "PMID",
        "PMCID",
    ]
)
_NOT_KEPT = frozenset({"AD", "CR", "EM", "RP", "AI"})
_PASSED = _DESCRIBING | _NOT_KEPT
#: Of a file of ours two more say nothing: its keywords are no labels.
_PASSED_OF_OURS = _PASSED | {"DB", "KW"}

#: What databases write between records: numbers, links, who provides it and how.
_BETWEEN = re.compile(
    r"\s*(?:[0-9]{1,7}\.|Record #[0-9]{1,7} of [0-9]{1,7}|(?:Provider|Database|Content): .*"
    r"|Link to [^:]{1,60}: ?https?://.*)\s*"
)

_OF_PAGES = re.compile(r"^(?:pp?\.?|pages?)\s+(?=[\w])", re.IGNORECASE)
_NOT_SPECIFIED = ("no-specified", "no specified", "n.pag-n.pag", "n.pag", "no pagination specified")
_PMID = re.compile(r"(?:^|\n|\| )\s*PMID:\s*([0-9]{1,10})\b|\bPMID: NLM([0-9]{1,10})\b")
_PMCID = re.compile(r"(?:^|\n|\| )\s*PMCID:\s*(PMC[0-9]{1,10})\b", re.IGNORECASE)
_OPENALEX = re.compile(r"(?:^|\n|\| )\s*OpenAlex:\s*(W[0-9]{1,15})\b", re.IGNORECASE)
_NOTED_KIND = re.compile(r"(?:^|\n|\| )Kind: ([a-z]{3,20})\b")
_SEVERAL_URLS = re.compile(r"[;\s]+(?=https?://)")


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """Opens a file of RIS. Raises UnreadableLibrary for one that is no text, and at its end when it has no record."""
    encoding = encoding_of(file, name=name)
    dialect = dialects.dialect_of(head_of(file, encoding))
    blocks = blocks_of(lines_of(file, encoding), GRAMMAR, name=name)
    return Opened("ris", dialect, encoding.name, entries_of(blocks, _described, source))


def _tag_of(text: str) -> tuple[str, str] | None:
    """A line's tag and value. In the columns of the format any tag is one, elsewhere only those that are known."""
    if text[2:5] == "  -":
        tag = text[:2]
        if tag in _KNOWN or (tag.isalnum() and tag[0].isalpha() and tag.isascii()):
            return tag.upper(), text[5:].strip()
    if "-" not in text[:12] or (found := _ODD_TAG.match(text)) is None:
        return None
    tag = found[1].upper()
    is_whole = found[2] is not None or not text[found.end() :]
    return (tag, (found[2] or "").strip()) if tag in _KNOWN and is_whole else None


def _joint(text: str) -> str:
    """A line that is set in goes on in the line before; another is one of its own."""
    return " " if text[:1] in " \t" else "\n"


GRAMMAR = Grammar(
    name="RIS",
    tag_of=_tag_of,
    begins=lambda tag, value: tag == "TY",
    first="TY",
    ends="ER",
    telling=frozenset({"TI", "T1", "AB", "N2", "DO", "AU", "A1"}),
    joint=_joint,
    # Of Ovid, behind a record: the journal's short name once more.
    passed=frozenset({"NL"}),
    between=_BETWEEN,
)


def _described(block: Block, reader: Reader) -> Described:
    titles = [title for title in map(one_line, block.all("TI", "T1", "CT", "TT", "ST")) if title]
    book, containers = block.all("BT"), block.all("JF", "T2", "JO", "JI", "JA", "J1", "J2", "J9")
    if block.first("TY").upper() in ("CONF", "CPAPER"):
        containers += block.all("C3")
    if not titles:
        titles, book = [title for title in map(one_line, book) if title], []
    venues = list(dict.fromkeys(filter(None, map(one_line, [*block.all("JF", "T2"), *book, *containers]))))
    abstract = lines_of_prose("\n".join(_beside(block.all("AB"), block.all("N2"))))
    notes = block.all("N1", "M1", "M2", "C1", "C2", "U1", "U2", "U3", "U4", "U5", "LB", "RN")
    words = block.all("KW")
    decisions = dialects.decisions_of([*notes, *words])
    is_own = "living.record" in decisions
    # A file of ours names databases that brought a record before, of which its numbers are none.
    databases = [] if is_own else block.all("DB", "DP")
    ids = _identifiers(block, reader, notes, databases)
    issns, isbns = numbers_of(block.all("SN"))
    kind, notices = with_notices(_kind(block, notes), [], titles[0] if titles else None, abstract, ids)
    return Described(
        {
            "title": titles[0] if titles else None,
            "other_titles": list(dict.fromkeys(title for title in titles[1:] if title != titles[0])),
            "abstract": abstract,
            "keywords": [one_line(word) for word in words] if is_own else keywords.listed(words),
            "authors": names_of(_beside(block.all("A1"), block.all("AU"))),
            "editors": names_of(_beside(block.all("A2"), block.all("ED"))),
            "venue": venues[0] if venues else None,
            "other_venues": venues[1:],
            "volume": normal.part(_one(block, "VL", "VO")),
            "issue": normal.part(_one(block, "IS", "CP")),
            "pages": _pages(_one(block, "SP"), _one(block, "EP")),
            "article_number": normal.part(_one(block, "C7")),
            "issns": issns,
            "isbns": isbns,
            "publisher": one_line(block.first("PB", "PU")),
            "urls": [url for text in block.all("UR") for url in _SEVERAL_URLS.split(text)],
            "published": date_of(reader, block.all("DA", "Y1", "PY")),
            "kind": kind,
            "language": language_of(_one(block, "LA")),
            "identifiers": ids,
            "notices": notices,
        },
        accession=_accession(block, databases),
        fields=_fields(block, is_own=is_own) | decisions,
    )


def _beside(first: list[str], second: list[str]) -> list[str]:
    """The values of two tags for one thing, of which some programs write both."""
    return first if set(second) <= set(first) else [*first, *second]


def _one(block: Block, *tags: str) -> str:
    """The first line of the first of these tags that says something: what follows it is no part of a number."""
    return block.first(*tags).split("\n", 1)[0]


def _kind(block: Block, notes: list[str]) -> Kind:
    said = [word.strip() for text in block.all("M3")[:5] for word in text[:200].split(";")]
    type_ = block.first("TY").strip()
    noted = [it[1].lower() for note in notes if "Kind: " in note and (it := _NOTED_KIND.search(note))]
    words = [*noted, *said, *(word.replace(" ", "-") for word in said), type_, _KINDS.get(type_.upper(), "")]
    return normal.kind(words)


def _pages(first: str, last: str) -> str | None:
    first, last = _OF_PAGES.sub("", first), _OF_PAGES.sub("", last)
    pages = normal.pages(first, last) if first or last else None
    return None if pages and pages.lower() in _NOT_SPECIFIED else pages


def _identifiers(block: Block, reader: Reader, notes: list[str], databases: list[str]) -> Identifiers:
    said = block.all("DO", "DOI")
    others = [*block.all("L3", "M3", "L2", "UR"), *(text for text in block.all("C1", "U1", "N1") if text[:3] == "10.")]
    doi = next(filter(None, map(identifiers.doi, [*said, *others])), None) or reader.doi(said[0] if said else None)
    of_pubmed = [*block.all("AN"), *block.all("ID")] if dialects.is_of_pubmed(databases) else []
    beside = block.all("C2") if "Scopus" in databases else block.all("C5") if "Embase" in databases else []
    pmids = [*block.all("PMID"), *of_pubmed, *beside]
    notes = [note for note in notes if "PM" in note or "OpenAlex" in note]
    found = [next((text for text in it.groups() if text), "") for note in notes if (it := _PMID.search(note))]
    pmcids = [*block.all("PMCID"), *(text for text in block.all("C2") if text[:3].upper() == "PMC")]
    noted = [it[1] for note in notes if (it := _PMCID.search(note))]
    openalex = [it[1] for note in notes if (it := _OPENALEX.search(note))]
    return Identifiers(
        doi=doi,
        pmid=next(filter(None, map(identifiers.pmid, (text.split("\n")[0] for text in [*pmids, *found]))), None),
        pmcid=next(filter(None, map(identifiers.pmcid, [*pmcids, *noted])), None),
        openalex=next(filter(None, map(identifiers.openalex, openalex)), None),
    )


def _accession(block: Block, databases: list[str]) -> str | None:
    numbers = block.all("AN")
    if dialects.is_of_pubmed(databases):
        return next(filter(None, map(identifiers.pmid, numbers)), None)
    return dialects.accession_of(numbers, block.all("UR", "L2", "LK"), databases, block.all("U2", "ID"))


def _fields(block: Block, *, is_own: bool) -> dict[str, str]:
    """What is no part of a citation. Keywords are among it, since people keep labels and decisions there as well."""
    passed = _PASSED_OF_OURS if is_own else _PASSED
    return {tag: "\n".join(values) for tag, values in block.values.items() if tag not in passed}
