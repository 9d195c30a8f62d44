"""CSL-JSON: item by item, by the schema of the Citation Style Language, as it is read and written."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.ports.libraries import csljson
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, UnreadableLibrary
from shared.events.ingest import Bibliography
from shared.events.values import Identifiers
from tests.unit.services.ingest.ports.libraries.bibliographies import entries, everything, written


def test_an_item_is_read():
    item = {
        "id": "http://zotero.org/users/1/items/A", "type": "paper-conference", "title": 'A "b" [c] {d}',
        "author": [{"family": "Berg", "given": "Jan", "non-dropping-particle": "van der"}, {"literal": "WHO"}],
        "issued": {"date-parts": [["2019", 4]]}, "container-title": "J", "page": "1-9", "note": "PMID: 123\nmine",
        "ISSN": "1568-4156", "DOI": "10.1000/x", "language": "en-GB", "custom": {"label": "include"},
    }  # fmt: skip

    (entry,) = entries(csljson, json.dumps([item], indent=2).encode())

    it = entry.record
    assert (it.title, it.authors, it.published) == ('A "b" [c] {d}', ["van der Berg, Jan", "WHO"], "2019-04")
    assert (it.kind, it.venue, it.pages, it.language) == ("conference_paper", "J", "1-9", "en")
    assert (it.issns, it.identifiers.doi, it.identifiers.pmid) == (["1568-4156"], "10.1000/x", "123")
    assert entry.fields == {"note": "PMID: 123\nmine", "label": "include"}


def test_an_item_that_is_no_json_costs_no_other_one_its_record():
    data = b'[\n{"title": "A"},\n{"title": broken},\n7,\n{"title": "B"}\n]'

    first, broken, number, last = everything(csljson, data)

    assert isinstance(first, Entry) and isinstance(last, Entry)
    assert (first.line, last.line, last.record.title) == (2, 5, "B")
    assert isinstance(broken, Fault) and broken.line == 3
    assert isinstance(number, Fault)


def test_a_list_that_is_cut_off_is_read_up_to_there_and_then_refused():
    found = csljson.read(io.BytesIO(b'[{"title": "A"},\n{"title"'), name="x.json", source="s").entries

    assert isinstance(next(found), Entry)
    assert isinstance(next(found), Fault)
    with pytest.raises(UnreadableLibrary, match=r"x\.json, line 2: it is cut off"):
        next(found)


def test_an_item_that_is_longer_than_any_is_a_fault_and_the_next_one_is_read():
    data = json.dumps([{"title": "x" * (LARGEST_RECORD + 1)}, {"title": "B"}]).encode()

    fault, entry = everything(csljson, data)

    assert isinstance(fault, Fault) and "longer" in fault.reason
    assert isinstance(entry, Entry) and entry.record.title == "B"


@pytest.mark.parametrize("data", [b"", b"title\nA\n", b"<xml/>", b"\x00\x01" * 40])
def test_what_is_none_is_refused(data):
    with pytest.raises(UnreadableLibrary, match="library, line 1: "):
        everything(csljson, data)


@given(st.binary(max_size=200) | st.text('[]{}",:\\title1 \n', max_size=200).map(lambda it: f"[{it}".encode()))
@example(b'[{"issued": {"date-parts": [[[]]]}, "author": [1, {"family": []}], "title": {"a": [1]}}]')
@example(b'[{"title": "x", "custom": {"kind": 1}, "ISSN": [null]}]')
def test_whatever_comes_is_read_or_refused(data):
    with contextlib.suppress(UnreadableLibrary):
        everything(csljson, data)


def test_what_is_written_keeps_to_the_schema():
    work = Bibliography(
        title="A", kind="review", published="2019-04-01", authors=["Smith, Ada", "World Health Organization"],
        identifiers=Identifiers(doi="10.1000/x", openalex="W1"),
    )  # fmt: skip

    (item,) = json.loads(written(csljson, [Exported("rec_1", work, {"decision": "include"})]))

    assert (item["id"], item["type"], item["genre"]) == ("rec_1", "article-journal", "review")
    assert item["issued"] == {"date-parts": [[2019, 4, 1]]}
    assert item["author"] == [{"family": "Smith", "given": "Ada"}, {"literal": "World Health Organization"}]
    assert item["custom"] == {"living_record": "rec_1", "decision": "include", "kind": "review", "openalex": "W1"}
