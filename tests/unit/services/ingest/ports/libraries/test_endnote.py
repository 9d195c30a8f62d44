"""EndNote's XML: record by record, whatever stands around and within its texts, and no entity of its own."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.libraries import endnote
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, UnreadableLibrary
from shared.events.ingest import Bibliography
from tests.unit.services.ingest.ports.libraries.bibliographies import entries, everything, opened, written

STYLE = '<style face="normal" font="default" size="100%">'


def of(*records: str, root: str = "xml") -> bytes:
    inner = "".join(f"<record>{record}</record>" for record in records)
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}><records>{inner}</records></{root}>'.encode()


def titled(title: str) -> str:
    return f"<titles><title>{title}</title></titles>"


def test_styles_within_a_text_count_for_nothing():
    record = (
        '<source-app name="EndNote" version="20">EndNote</source-app><ref-type name="Journal Article">17</ref-type>'
        f"<contributors><authors><author>{STYLE}Ziegler, T. R.</style></author></authors></contributors>"
        f"<titles><title>{STYLE}Effects of </style><style face='italic'>in vivo</style>{STYLE} use</style></title>"
        f"<secondary-title>{STYLE}J A</style></secondary-title></titles><periodical><full-title>J A</full-title>"
        f"<abbr-1>J.A.</abbr-1></periodical><pages>91-92</pages><volume>20</volume><number>1</number>"
        f"<keywords><keyword>a</keyword><keyword>b</keyword></keywords><dates><year>{STYLE}1996</style></year></dates>"
        "<isbn>1568-4156 (Print)</isbn><electronic-resource-num>10.1000/x</electronic-resource-num>"
        "<custom2>PMC12</custom2>"
        "<urls><related-urls><url>https://example.org/</url></related-urls></urls><label>include</label>"
    )
    library = opened(endnote, of(record))
    (entry,) = library.entries

    assert isinstance(entry, Entry)
    it = entry.record
    assert (it.title, it.authors, it.venue, it.other_venues) == (
        "Effects of in vivo use", ["Ziegler, T. R."], "J A", ["J.A."],
    )  # fmt: skip
    assert (it.pages, it.volume, it.issue, it.published, it.kind) == ("91-92", "20", "1", "1996", "article")
    assert (it.issns, it.urls, it.identifiers.doi, it.identifiers.pmcid) == (
        ["1568-4156"], ["https://example.org/"], "10.1000/x", "PMC12",
    )  # fmt: skip
    assert (entry.fields["label"], entry.fields["keyword"]) == ("include", "a; b")
    assert library.dialect == "endnote"


def test_spaces_of_names_and_characters_that_xml_has_not_cost_nothing():
    data = of(titled("A &nbsp;&amp; B \x0b&#x1F; & C")).replace(b"<xml>", b'<xml xmlns="urn:x">')

    (entry,) = entries(endnote, data)

    assert (entry.record.title or "").replace("\ufffd", "").split() == ["A", "&", "B", "&", "C"]


@pytest.mark.parametrize(
    "declared",
    ['<!ENTITY a "ha">\n<!ENTITY b "&a;&a;">', f'<!ATTLIST ref-type name CDATA "{"A" * 100_000}">', "<!ELEMENT a ANY>"],
    ids=["entities", "attributes", "elements"],
)
def test_what_declares_what_it_is_made_of_is_refused_with_its_line(declared):
    bomb = f'<?xml version="1.0"?>\n<!DOCTYPE xml [\n{declared}]>\n<xml><record><ref-type/></record></xml>'.encode()

    with pytest.raises(UnreadableLibrary, match=r"mine\.xml, line 2: it declares what it is made of"):
        list(opened(endnote, bomb, name="mine.xml").entries)


LONG = "x" * (LARGEST_RECORD // 8)


@pytest.mark.parametrize(
    "record",
    [f'<ref-type name="{LONG}"/>' * 9, f"<{LONG}>{'<a>b</a>' * 9}</{LONG}>", f'<style face="{LONG}"/>' * 9],
    ids=["of attributes", "of names", "of styles"],
)
def test_all_that_a_record_has_counts_for_how_long_it_is(record):
    first, fault, last = everything(endnote, of(titled("A"), titled("B") + record, titled("C")))

    assert isinstance(first, Entry) and isinstance(last, Entry) and last.record.title == "C"
    assert isinstance(fault, Fault) and "record 2 is longer" in fault.reason


@pytest.mark.parametrize(
    "encoding", ["zlib", "rot13", "hex", "undefined", "idna", "punycode", "unicode_escape", "utf-7", "utf-16", "none"]
)
def test_what_a_file_calls_its_encoding_and_is_none_of_texts_is_passed_over(encoding):
    data = of(titled("A &amp; \\x41 +AEE-")).replace(b"UTF-8", encoding.encode())

    (entry,) = entries(endnote, data)

    assert entry.record.title == "A & \\x41 +AEE-"


@pytest.mark.parametrize("encoding", ["windows-1252", "ISO-8859-1", "latin1", "macintosh", "cp1250"])
def test_an_encoding_of_texts_is_obeyed(encoding):
    (entry,) = entries(endnote, of(titled("Größe")).replace(b"UTF-8", encoding.encode()).decode().encode(encoding))

    assert entry.record.title == "Größe"


def test_a_file_that_breaks_is_read_up_to_there():
    data = of(titled("A"), titled("B"), "<titles><title>C</tit>")

    first, second, fault = everything(endnote, data)

    assert isinstance(first, Entry) and isinstance(second, Entry)
    assert isinstance(fault, Fault) and "after 2 records" in fault.reason


def test_a_record_that_is_longer_than_any_is_a_fault_and_the_next_one_is_read():
    first, fault, last = everything(endnote, of(titled("A"), titled("x" * (LARGEST_RECORD + 1)), titled("B")))

    assert isinstance(first, Entry) and isinstance(last, Entry) and last.record.title == "B"
    assert isinstance(fault, Fault) and "record 2 is longer" in fault.reason


@pytest.mark.parametrize(
    "data", [b"", b"title\nA\n", b"<html><body/></html>", b"<xml", b'<xml a="' + b"x" * 9_000_000, b"<xml>" * 99]
)
def test_what_is_none_is_refused(data):
    with pytest.raises(UnreadableLibrary, match="library, line 1: "):
        everything(endnote, data)


@given(
    st.binary(max_size=200)
    | st.text("<>/&;xmlrecods ![CDATA]\"'=", max_size=200).map(lambda it: b"<xml>" + it.encode())
)
def test_whatever_comes_is_read_or_refused(data):
    with contextlib.suppress(UnreadableLibrary):
        everything(endnote, data)


def test_what_is_written_is_taken_as_it_is():
    work = Bibliography(title="A <i>b</i> &amp; c", abstract="One\nTwo", kind="notice", other_titles=["D; e"])

    (entry,) = entries(endnote, written(endnote, [Exported("rec_1", work, {"reason": "a: b <c>"})]))

    it = entry.record
    assert (it.title, it.abstract, it.kind, it.other_titles) == (work.title, work.abstract, "notice", ["D; e"])
    assert entry.fields == {"living_record": "rec_1", "reason": "a: b <c>"}
