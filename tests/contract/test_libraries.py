"""One suite for every format of library files: its reader, and its writer where it has one."""

from __future__ import annotations

import io
import itertools
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.ports.libraries.catalog import FORMATS, WRITERS, format_of, lacks_of, open_library
from services.ingest.ports.libraries.port import (
    LARGEST_RECORD,
    Entry,
    Exported,
    Fault,
    Format,
    Opened,
    UnreadableLibrary,
)
from shared.events.ingest import Bibliography
from tests.contract.bibliographies import bibliographies

Read = list[Entry | Fault]

TITLES = ["Leading across boundaries", "Zusammenarbeit – „Größe“ ist nicht alles", "Étude sur la santé"]


@dataclass(frozen=True)
class Kind:
    """A format under test: what a file of it is called, and how one is made of records with these titles alone."""

    name: str
    make: Callable[[Sequence[str]], bytes]
    #: Whether a file may be in any encoding, as text that does not say its own may.
    in_any_encoding: bool = True
    #: Whether a record that is too long costs none of those after it.
    goes_on: bool = True
    #: Whether what is written can be read by its bytes only once it is whole.
    is_packed: bool = False


def tagged(record: str, before: str = "", after: str = "") -> Callable[[Sequence[str]], bytes]:
    return lambda titles: (before + "".join(record % title for title in titles) + after).encode()


def items(titles: Sequence[str]) -> bytes:
    return json.dumps(
        [{"title": title, "issued": {"date-parts": [[2019]]}} for title in titles], ensure_ascii=False, indent=1
    ).encode()


def workbook(titles: Sequence[str]) -> bytes:
    """A workbook with these titles, in which each text stands in its cell, however long it is."""
    cell = '<c t="inlineStr"><is><t>%s</t></is></c>'
    rows = [("title", "year"), *((title, "2019") for title in titles)]
    sheet = "".join(f"<row>{''.join(cell % text for text in row)}</row>" for row in rows)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    written = b"".join(WRITERS["xlsx"]([]))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = f'<worksheet xmlns="{space}"><sheetData>{sheet}</sheetData></worksheet>'
            new.writestr(part, text if "sheet1" in part else old.read(part))
    return file.getvalue()


KINDS: dict[Format, Kind] = {
    "ris": Kind("library.ris", tagged("TY  - JOUR\nTI  - %s\nPY  - 2019\nER  - \n\n")),
    "nbib": Kind("library.nbib", tagged("PMID- \nOWN - NLM\nTI  - %s.\nDP  - 2019\n\n", "\n")),
    "ciw": Kind(
        "savedrecs.txt",
        tagged("PT J\nTI %s\nPY 2019\nER\n\n", "FN Clarivate Analytics Web of Science\nVR 1.0\n", "EF\n"),
    ),
    "enw": Kind("library.enw", tagged("%%0 Journal Article\n%%T %s\n%%D 2019\n\n")),
    "bibtex": Kind("library.bib", tagged("@article{key,\n  title = {%s},\n  year = 2019\n}\n\n")),
    "endnote": Kind(
        "library.xml",
        tagged(
            "<record><titles><title>%s</title></titles>\n<dates><year>2019</year></dates></record>\n",
            '<?xml version="1.0" encoding="UTF-8"?><xml><records>\n',
            "</records></xml>",
        ),
        in_any_encoding=False,
    ),
    "csl-json": Kind("library.json", items, in_any_encoding=False),
    "csv": Kind("library.csv", tagged('"%s",2019\n', "title,year\n")),
    "tsv": Kind("library.tsv", tagged("%s\t2019\n", "title\tyear\n")),
    "xlsx": Kind("library.xlsx", workbook, in_any_encoding=False, goes_on=False, is_packed=True),
}

formats = pytest.mark.parametrize("format", KINDS)
written = pytest.mark.parametrize("format", WRITERS)


def opened(format: Format, body: bytes, name: str | None = None) -> Opened:
    return open_library(io.BytesIO(body), name=name or KINDS[format].name, format=format, source="embase")


def read(format: Format, body: bytes) -> Read:
    return list(opened(format, body).entries)


def entries(format: Format, body: bytes) -> list[Entry]:
    return [it for it in read(format, body) if isinstance(it, Entry)]


def titles_of(found: Read) -> list[str | None]:
    return [it.record.title for it in found if isinstance(it, Entry)]


def test_every_format_is_held_to_its_promises():
    assert set(KINDS) == set(FORMATS)


# Reading


@formats
def test_each_record_is_an_entry_with_its_line_in_the_order_of_the_file(format):
    found = read(format, KINDS[format].make(TITLES))

    assert titles_of(found) == TITLES
    assert [it.line for it in found] == sorted({it.line for it in found})
    assert all(isinstance(it, Entry) and it.record.published == "2019" for it in found)
    assert all(isinstance(it, Entry) and it.record.source == "embase" for it in found)


@formats
def test_a_file_shows_what_format_it_is(format):
    kind = KINDS[format]
    file = io.BytesIO(kind.make(TITLES))

    assert format_of(file, name=kind.name) == format
    assert file.tell() == 0
    assert open_library(file, name=kind.name, source="embase").format == format


@formats
def test_a_record_without_a_number_is_the_same_one_in_another_file(format):
    make = KINDS[format].make
    one, other = entries(format, make(TITLES)), entries(format, make(["Before all", *reversed(TITLES)]))

    assert [it.record.source_id for it in one] == [it.record.source_id for it in reversed(other[1:])]
    assert len({it.record.source_id for it in other}) == 4
    assert not any(it.accession for it in one)
    assert all(it.record.source_id.startswith("sha256:") for it in one)


@formats
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_file_may_be_in_any_encoding(format, encoding):
    if not KINDS[format].in_any_encoding:
        pytest.skip("a file of this format says its encoding itself")
    body = KINDS[format].make(TITLES).decode().encode(encoding)

    assert titles_of(read(format, body)) == TITLES


@formats
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_lines_may_end_in_any_way(format, end):
    if not KINDS[format].in_any_encoding:
        pytest.skip("this format is none of lines")
    body = KINDS[format].make(TITLES)

    assert titles_of(read(format, body.replace(b"\n", end))) == TITLES
    assert titles_of(read(format, body.replace(b"\n", end) + body)) == TITLES * 2


@formats
@pytest.mark.parametrize(
    "body",
    [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"%PDF-1.7 \xe2\xe3\xcf\xd3\n1 0 obj", bytes(range(256)) * 40, b"\x00" * 5000],
    ids=["empty", "blank", "only a mark", "a PDF", "all bytes", "zeros"],
)
def test_what_is_no_file_of_any_format_is_refused_with_its_name_and_line(format, body):
    with pytest.raises(UnreadableLibrary, match=r"^my export\.xyz, line 1: ") as refused:
        list(opened(format, body, name="my export.xyz").entries)

    assert refused.value.extra["file"] == "my export.xyz"
    assert refused.value.extra["line"] == 1


@formats
def test_a_record_longer_than_any_is_a_fault_and_memory_stays_small(format):
    kind = KINDS[format]
    body = kind.make(["A first one", "x" * (5 * LARGEST_RECORD), "A last one"])
    tracemalloc.start()
    try:
        found = read(format, body)
        peak = tracemalloc.get_traced_memory()[1]
    except UnreadableLibrary:
        assert not kind.goes_on
        return
    finally:
        tracemalloc.stop()

    assert titles_of(found) == ["A first one", "A last one"]
    (fault,) = [it for it in found if isinstance(it, Fault)]
    assert fault.is_record
    assert len(fault.excerpt) <= 500
    assert peak < 5 * LARGEST_RECORD


@formats
def test_a_record_that_says_nothing_is_a_fault_and_the_rest_goes_in(format):
    found = read(format, KINDS[format].make(["A first one", "", "A last one"]))

    assert titles_of(found) == ["A first one", "A last one"]
    (fault,) = [it for it in found if isinstance(it, Fault)]
    assert fault.is_record
    assert found[0].line < fault.line < found[2].line


@formats
@settings(max_examples=60)
@given(body=st.binary(max_size=2_000))
def test_bytes_of_any_kind_are_read_or_refused(format, body):
    with_nothing_but_refusals(format, body)


@formats
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(format, data):
    body = KINDS[format].make(TITLES)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 40)))
        body = body[:start] + data.draw(st.binary(max_size=12)) + body[end:]

    with_nothing_but_refusals(format, body)


def with_nothing_but_refusals(format: Format, body: bytes) -> None:
    try:
        found = read(format, body)
    except UnreadableLibrary:
        return
    assert all(len(it.excerpt) <= 500 for it in found if isinstance(it, Fault))
    assert [it.line for it in found] == sorted(it.line for it in found)


# Writing


def exported(bibliography: Bibliography, **decisions: str) -> Exported:
    return Exported("rec_1", bibliography, decisions)


def described(entry: Entry, lacking: frozenset[str]) -> dict[str, object]:
    return without(entry.record.model_dump(mode="json"), lacking)


def without(fields: dict[str, object], lacking: frozenset[str]) -> dict[str, object]:
    """The fields of a description that say something and that the format has."""
    of_works = {"source", "source_id", "sources", "provenance", "notices", "entered", "updated", "other_venues"}
    ids = fields.pop("identifiers")
    assert isinstance(ids, dict)
    fields |= ids
    return {name: value for name, value in fields.items() if value and name not in lacking | of_works}


@written
@settings(max_examples=80)
@given(given=st.lists(bibliographies(), min_size=1, max_size=3))
def test_what_is_written_is_read_again_as_the_same_description(format, given):
    body = b"".join(WRITERS[format](exported(it) for it in given))
    lacking = lacks_of(format)

    found = read(format, body)

    assert [it.reason for it in found if isinstance(it, Fault)] == []
    assert [described(it, lacking) for it in found if isinstance(it, Entry)] == [
        without(it.model_dump(mode="json"), lacking) for it in given
    ]


@written
def test_what_was_decided_goes_along(format):
    bibliography = Bibliography(title="A title", kind="article")
    decisions = {"stage": "full_text", "decision": "exclude", "reason": "wrong population | a comment"}

    (entry,) = entries(format, b"".join(WRITERS[format]([exported(bibliography, **decisions)])))

    said = " ".join(entry.fields.values())
    assert "full_text" in said
    assert "exclude" in said
    assert "wrong population" in said


@written
def test_nothing_that_a_file_of_ours_holds_commands_a_terminal(format):
    sent = "A \x1b[1m \x9b31m \x9d0;b \u202ec"
    bibliography = Bibliography(title=sent, abstract=sent, authors=[sent], venue=sent, other_titles=[sent])

    (entry,) = entries(format, b"".join(WRITERS[format]([exported(bibliography, reason=sent)])))

    it = entry.record
    shown = [it.title, it.abstract, *it.authors, it.venue, *it.other_titles, *entry.fields.values()]
    assert all((text or "").isprintable() for text in shown)


@written
def test_a_writer_keeps_no_more_than_the_record_it_writes(format):
    def endless() -> Iterator[Exported]:
        for number in itertools.count():
            asked.append(number)
            yield exported(Bibliography(title=f"Number {number}"))

    asked: list[int] = []
    pieces = WRITERS[format](endless())

    if KINDS[format].is_packed:
        assert next(piece for piece in pieces if piece)
        assert len(asked) <= 2_000
        return
    assert b"Number" in next(piece for piece in pieces if b"Number" in piece)
    assert len(asked) <= 2


@written
def test_no_records_are_a_file_too(format):
    assert isinstance(b"".join(WRITERS[format]([])), bytes)


@written
def test_a_description_cannot_break_out_of_its_record(format):
    """Nothing that a title or an abstract says ends the record or begins another one."""
    lines = [
        "ER  - ",
        "TY  - JOUR",
        "TI  - Another",
        "PMID- 1",
        "",
        "</record>",
        "@article{x,",
        '"},{"title": "b"}',
        "}",
    ]
    bibliography = Bibliography(title=" ".join(lines), abstract="\n".join(lines), authors=["TY  - , ER  - "])

    found = read(format, b"".join(WRITERS[format]([exported(bibliography), exported(bibliography)])))

    assert len(found) == 2
    assert all(isinstance(it, Entry) for it in found)
