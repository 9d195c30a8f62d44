"""Files that databases and tools exported: no record of any is lost, and each line that is of none is named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Entry, Fault, Opened
from shared import folding, identifiers

pytestmark = pytest.mark.realdata

#: How a record begins in the formats of tagged text, by the line that no other line is like.
BEGINNINGS = {
    "ris": re.compile(r"TY  - ?"), "nbib": re.compile(r"PMID- |OWN - ERIC"), "ciw": re.compile(r"PT [A-Z]$"),
    "enw": re.compile(r"%T "),
}  # fmt: skip
ENDINGS = (".ris", ".txt", ".nbib", ".ciw", ".enl")

#: Files that were made up, of which so many records have no title, no abstract and no identifier.
SAY_NOTHING = {
    "baseline_reference_types.ris": 61,
    "baseline_tag-notes.ris": 11,
    "baseline_tag_and_field_definitions_lists.ris": 1,
    "example_custom_list_tags.ris": 1,
}

#: What databases write between their records, of which nothing is said.
ALWAYS = re.compile(r"[0-9]+\.|Record #\d+ of \d+|(Provider|Database|Content): .*|NL  - .*|Link to the Ovid .*")

RANGE = re.compile(r"lines? (\d+)(?: to (\d+))?")


@pytest.fixture(scope="module")
def files(realdata: Path) -> list[Path]:
    folders = (realdata / "exports", realdata / "dedup" / "citesource")
    return sorted(file for folder in folders for file in folder.rglob("*") if file.name.endswith(ENDINGS))


def read(file: Path) -> tuple[Opened, list[Entry | Fault]]:
    with file.open("rb") as opened:
        library = open_library(opened, name=file.name, source="import")
        return library, list(library.entries)


def lines_of(file: Path) -> list[str]:
    return [line.lstrip("\ufeff") for line in file.read_text(encoding="utf-8").split("\n")]


def outside(lines: list[str]) -> Iterator[int]:
    """The lines of a file of RIS that stand in no record, counted from 1."""
    within = False
    for number, line in enumerate(lines, 1):
        within = within or line.startswith("TY  -")
        if line.strip() and not within:
            yield number
        within = within and not line.startswith("ER  -")


def test_no_record_is_lost_and_each_is_where_it_begins(files):
    assert len(files) == 56
    records = 0
    for file in files:
        library, found = read(file)
        begins = [at for at, line in enumerate(lines_of(file), 1) if BEGINNINGS[library.format].match(line.strip())]
        records_found = [it for it in found if isinstance(it, Entry) or it.is_record]

        assert [it.line for it in records_found] == begins, file
        assert sum(isinstance(it, Fault) for it in records_found) == SAY_NOTHING.get(file.name, 0), file
        records += len(records_found)
    assert records == 1_749


def test_each_line_that_is_of_no_record_is_named(files):
    named = 0
    for file in files:
        library, found = read(file)
        if library.format != "ris":
            assert not [it for it in found if isinstance(it, Fault)], file
            continue
        junk: set[int] = set()
        for fault in found:
            if isinstance(fault, Fault) and not fault.is_record:
                first, last = RANGE.match(fault.reason).groups()
                junk.update(range(int(first), int(last or first) + 1))
        lines = lines_of(file)
        # What stands between the last value of a record without its end and the next record is none of it either.
        always = {at for at in outside(lines) if ALWAYS.fullmatch(lines[at - 1].strip())}
        assert set(outside(lines)) - junk == always, file
        named += len(junk)
    assert named == 3


def test_what_databases_number_keeps_its_number(files):
    numbered = Counter()
    for file in files:
        library, found = read(file)
        for it in found:
            if isinstance(it, Entry):
                numbered[library.dialect] += it.accession
    assert {dialect: count for dialect, count in numbered.items() if count} == {
        "asreview": 100, "ebsco": 165, "embase": 6, "endnote": 1, "eric": 2, "lens": 149, "ovid": 6, "proquest": 8,
        "pubmed": 110, "rayyan": 19, "scopus": 552, "wos": 258,
    }  # fmt: skip


def test_pubmed_gives_every_identifier_it_has(realdata):
    _, found = read(realdata / "exports" / "revtools" / "restoration_pubmed.nbib")
    text = (realdata / "exports" / "revtools" / "restoration_pubmed.nbib").read_text(encoding="utf-8")
    ids = [it.record.identifiers for it in found if isinstance(it, Entry)]

    assert [it.pmid for it in ids] == re.findall(r"^PMID- (\d+)", text, re.MULTILINE)
    assert [it.pmcid for it in ids if it.pmcid] == re.findall(r"^PMC - (PMC\d+)", text, re.MULTILINE)
    assert {it.doi for it in ids} >= {identifiers.doi(doi) for doi in re.findall(r"^LID - (\S+) \[doi\]", text, re.M)}
    assert all(it.record.entered and it.record.updated for it in found if isinstance(it, Entry))


def test_databases_that_have_the_same_works_say_the_same_of_them(realdata):
    """The titles, authors and DOIs of works that are in the files of three databases, met by their numbers."""
    folder = realdata / "exports" / "revtools"
    of_pubmed, of_wos, of_scopus = (
        [it.record for it in read(folder / name)[1] if isinstance(it, Entry)]
        for name in ("restoration_pubmed.nbib", "restoration_WoS.ciw", "restoration_scopus.ris")
    )
    by_pmid = {it.identifiers.pmid: it for it in of_wos if it.identifiers.pmid}
    by_doi = {it.identifiers.doi: it for it in of_scopus if it.identifiers.doi}
    met = [(it, by_pmid[it.source_id]) for it in of_pubmed if it.source_id in by_pmid]
    met += [(it, by_doi[it.identifiers.doi]) for it in of_wos if it.identifiers.doi in by_doi]

    assert len(met) == 87
    alike = Counter()
    for one, other in met:
        alike["title"] += folding.plain_words(one.title) == folding.plain_words(other.title)
        alike["first author"] += folding.plain(one.authors[0])[:3] == folding.plain(other.authors[0])[:3]
        alike["doi"] += one.identifiers.doi == other.identifiers.doi
    assert {name: round(count / len(met), 2) for name, count in alike.items()} == {
        "title": 0.98, "first author": 0.97, "doi": 1.0,
    }  # fmt: skip


def test_labels_of_asreview_are_heard(realdata):
    for name in ("_baseline.ris", "baseline_zotero.ris", "baseline_tag-notes_labels.ris"):
        file = realdata / "exports" / "asreview-demo" / name
        said = Counter(re.findall(r"ASReview_(relevant|irrelevant|not_seen)", file.read_text(encoding="utf-8")))
        heard = Counter(it.fields.get("asreview") for it in read(file)[1] if isinstance(it, Entry))
        heard.pop(None, None)

        assert heard == said, name


def test_colrev_reads_the_same_titles_and_dois(realdata):
    folder = realdata / "exports" / "colrev" / "packages_search"
    compared = 0
    for file in sorted((*folder.glob("*.ris"), *folder.glob("*.nbib"), *folder.glob("*.txt"))):
        expected = (folder / f"{file.stem}_result.bib").read_text(encoding="utf-8")
        # Where a work is a chapter, its title is the book's.
        titles = [
            folding.plain_words((re.search(r"chapter\s+= \{(.*)\}", it) or re.search(r"\btitle\s+= \{(.*)\}", it))[1])
            for it in re.findall(r"^@.*?^\s+title .*?^\}", expected, re.MULTILINE | re.DOTALL)
        ]
        dois = {identifiers.doi(it) for it in re.findall(r"^\s+doi\s+= \{(.*)\},?$", expected, re.MULTILINE)}
        records = [it.record for it in read(file)[1] if isinstance(it, Entry)]

        assert sorted(folding.plain_words(it.title) for it in records) == sorted(titles), file.name
        assert {it.identifiers.doi for it in records if it.identifiers.doi} == dois, file.name
        compared += len(records)
    assert compared == 19
