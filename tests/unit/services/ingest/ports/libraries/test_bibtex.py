"""BibTeX: whatever its maker, TeX read as text, and a broken block that costs no other one its record."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest.ports.libraries import bibtex, latex
from services.ingest.ports.libraries.bibtex_writing import key_of
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, UnreadableLibrary
from shared.events.ingest import Bibliography
from tests.unit.services.ingest.ports.libraries.bibliographies import (
    bibliographies,
    described,
    entries,
    everything,
    lines,
    opened,
    written,
)


def of(fields: str, kind: str = "article") -> Entry:
    (entry,) = entries(bibtex, f"@{kind}{{key,\n{fields}\n}}\n".encode())
    return entry


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"{The {ERP} of Erd{\H o}s and P\'al}", "The ERP of Erdős and Pál"),
        (r'"S{\~a}o Jos{\'e} \& \"Uber"', "São José & Über"),
        (r"{H$_2$O, $\alpha$-synuclein and $n=5$}", "H2O, α-synuclein and n=5"),
        ("{Costs of $5 and $6 & 7% of #1}", "Costs of $5 and $6 & 7% of #1"),
        (r"{\textit{in vitro} --- {``}quoted''}", "in vitro — “quoted”"),
        ("{Over\n   two lines}", "Over two lines"),
        ("{P &lt; 0.05 <i>in vivo</i>}", "P < 0.05 in vivo"),
        ('"A" # " and " # {B}', "A and B"),
    ],
)
def test_tex_is_read_as_text(tex, text):
    assert of(f"title = {tex}").record.title == text


def test_all_that_a_citation_has_is_read():
    entry = of(
        "author = {van der Berg, Jan and Ada B. Smith and {World Health Organization} and Doe, Jr, Joe},\n"
        "editor = {Lee, K}, title = {A}, journal = {J}, shortjournal = {J.}, volume = 12, number = {3},\n"
        "pages = {10--19}, eid = {e7}, year = 2021, month = dec, issn = {1568-4156}, doi = {10.1000/a\\_b},\n"
        "url = {https://example.org/a\\_b?c=1&d=2}, language = {English}, abstract = {One.\n\nTwo.},\n"
        "publisher = {P}, keywords = {k1, k2}, note = {PMID: 123}"
    )

    record = entry.record
    assert record.authors == ["van der Berg, Jan", "Smith, Ada B.", "World Health Organization", "Doe, Joe Jr"]
    assert (record.editors, record.venue, record.other_venues) == (["Lee, K"], "J", ["J."])
    assert (record.volume, record.issue, record.pages, record.article_number) == ("12", "3", "10-19", "e7")
    assert (record.published, record.language, record.abstract) == ("2021-12", "en", "One.\nTwo.")
    assert (record.identifiers.doi, record.identifiers.pmid) == ("10.1000/a_b", "123")
    assert (record.urls, record.issns, record.publisher) == (["https://example.org/a_b?c=1&d=2"], ["1568-4156"], "P")
    assert entry.fields == {"keywords": "k1, k2", "note": "PMID: 123", "citation key": "key"}


def test_a_list_that_is_cut_off_is_remarked_and_a_name_in_braces_is_one():
    entry = of("title = {A}, author = {Doe, Joe and {others} and others}, editor = {{Others}}")

    assert (entry.record.authors, entry.record.editors) == (["Doe, Joe", "others"], ["Others"])
    assert entry.remarks == ("its list of authors is cut off there",)


@pytest.mark.parametrize("name", ["others", "Others", "and others"])
def test_whoever_is_called_others_is_read_again(name):
    work = Bibliography(title="A", authors=["Doe, Joe", name], editors=[name])

    (entry,) = entries(bibtex, written(bibtex, [Exported("rec_1", work)]))

    assert (entry.record.authors, entry.record.editors, entry.remarks) == (work.authors, work.editors, ())


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("inproceedings", "booktitle = {B}", "conference_paper"),
        ("incollection", "", "chapter"),
        ("phdthesis", "school = {S}", "thesis"),
        ("techreport", "institution = {I}", "report"),
        ("article", "document_type = {Review}", "review"),
        ("misc", "", "other"),
        ("ARTICLE", "", "article"),
    ],
)
def test_what_a_work_is_shows_in_its_type(kind, fields, said):
    assert of(f"title = {{A}},\n{fields}", kind).record.kind == said


def test_abbreviations_comments_and_preambles_are_no_records():
    data = (
        b"% Encoding: UTF-8\n@preamble{ {x} }\n@string{jama = {J Am Med Assoc}}\n@String(full = jama # { (2)})\n"
        b"@comment{jabref-meta: databaseType:bibtex;}\n@article{a, title={A}, journal=JAMA, month=1 # {~} # mar}\n"
        b"@article(b, title={B}, journal=full)\n"
    )

    first, second = entries(bibtex, data)

    assert (first.record.venue, first.line) == ("J Am Med Assoc", 6)
    assert (second.record.venue, second.line) == ("J Am Med Assoc (2)", 7)
    assert opened(bibtex, data).dialect == "jabref"


def test_an_abbreviation_of_others_is_what_they_were_when_it_was_made():
    data = b"@string{a = {A}}\n@string{b = a}\n@string{a = a # {B}}\n@misc{x, title = a, note = b # { } # A}\n"

    (entry,) = entries(bibtex, data)

    assert (entry.record.title, entry.fields["note"]) == ("AB", "A AB")


def test_abbreviations_that_double_each_other_stay_within_what_a_record_may_be():
    doubled = [f"@string{{a{level} = a{level - 1} # a{level - 1}}}" for level in range(1, 60)]
    often = " # ".join(["a16"] * 100)
    data = "\n".join(['@string{a0 = "xx"}', *doubled, f"@misc{{a, title = {often}}}", "@misc{b, title={B}}"]).encode()

    *faults, last = everything(bibtex, data)

    assert isinstance(last, Entry) and last.record.title == "B"
    assert {it.is_record for it in faults if isinstance(it, Fault)} == {True, False}
    assert all(isinstance(it, Fault) and "longer than" in it.reason for it in faults)
    assert [it.line for it in faults if isinstance(it, Fault)][-1] == 61


def test_both_of_two_entries_with_one_key_are_read_and_the_first_of_two_fields():
    data = b"@article{a, title={A}, title={Z}}\n@article{a, title={B}} @article{a, title={C}}\n"

    found = entries(bibtex, data)

    assert [it.record.title for it in found] == ["A", "B", "C"]
    assert "title more than once" in found[0].remarks[0]


BROKEN = [
    "@article{x,\n  title = {Broken},\n  year = {2001}\n",
    "@article{x,\n  title = {Broken}\n  year = {2001}\n}\n",
    "@article{x,\n  title = {Broken},\n  keywords = {a, @b}, c, ) d}.e() {,\n  year = {2001},\n}\n",
    '@article{x,\n  title = "Broken,\n  year = {2001}\n}\n',
    "@article{x,\n  title = {Broken},\n  year = {2001},\n  stray words\n}\n",
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_block_is_read_where_its_lines_tell_its_fields(broken):
    first, entry, last = entries(bibtex, f"@misc{{a, title={{A}}}}\n{broken}\n@misc{{b, title={{B}}}}\n".encode())

    assert (first.record.title, last.record.title) == ("A", "B")
    assert (entry.line, entry.record.title, entry.record.published) == (2, "Broken", "2001")
    assert entry.remarks == ("its braces or commas do not match, so each line is read as a field",)


@pytest.mark.parametrize("broken", ["@article{x, title = {A, year = {2001}\n", "@article{x title}\n", "@article{\n"])
def test_any_other_broken_block_is_a_fault_with_its_line_and_the_next_one_is_read(broken):
    first, fault, last = everything(bibtex, f"@misc{{a, title={{A}}}}\n{broken}@misc{{b, title={{B}}}}\n".encode())

    assert isinstance(first, Entry) and isinstance(last, Entry) and last.record.title == "B"
    assert isinstance(fault, Fault) and (fault.line, fault.is_record) == (2, True)
    assert fault.excerpt.startswith("@article{")


def test_what_stands_between_entries_is_named_and_is_no_record():
    data = b"Scopus\nEXPORT DATE: 1 May 2024\n\n@article{a,\ntitle={A}}\nsome junk\n@misc{b, title={B}}\n"

    junk, first, more, second = everything(bibtex, data)

    assert isinstance(junk, Fault) and (junk.line, junk.is_record) == (1, False)
    assert isinstance(first, Entry) and isinstance(second, Entry)
    assert isinstance(more, Fault) and (more.line, more.excerpt, more.is_record) == (6, "some junk", False)
    assert opened(bibtex, data).dialect == "scopus"


def test_an_entry_without_an_end_is_a_fault_and_the_next_one_is_read():
    data = b"@misc{a, title={A}}\n@misc{b, title={" + b"x\n" * LARGEST_RECORD + b"\n@misc{c, title={C}}\n"

    _, fault, last = everything(bibtex, data)

    assert isinstance(fault, Fault) and fault.line == 2 and "longer than" in fault.reason
    assert isinstance(last, Entry) and last.record.title == "C"


@pytest.mark.parametrize(
    "data", [b"", b"title,year\nA,2001\n", b"\x00\x01\x02" * 50, b"PK\x03\x04", b"a@b.example\n" * 9]
)
def test_what_has_no_entry_is_refused(data):
    with pytest.raises(UnreadableLibrary, match=r"mine\.bib, line"):
        list(opened(bibtex, data, name="mine.bib").entries)


@given(
    st.binary(max_size=300) | st.text('@article{misc}(),="\\# \nabé%', max_size=200).map(lambda it: f"@a{it}".encode())
)
@example(b"@misc{a, title={{{{{{A}")
@example(b"@string{a = a # a}@misc{b, title = a}")
def test_whatever_comes_is_read_or_refused(data):
    with contextlib.suppress(UnreadableLibrary):
        everything(bibtex, data)


@given(st.lists(lines(), min_size=1, max_size=3).map("\n".join))
def test_text_is_written_so_that_it_is_read_again(text):
    assert latex.lines_of(latex.written(text)) == text


@given(st.lists(bibliographies(), min_size=1, max_size=3))
@settings(max_examples=60)
def test_what_is_written_is_read_again(works):
    exported = [Exported(f"rec_{index}", it, {"reason": "100% & more"}) for index, it in enumerate(works)]

    read = entries(bibtex, written(bibtex, exported))

    assert [described(it.record) for it in read] == [described(it) for it in works]
    assert read[0].fields == {"living_record": "rec_0", "reason": "100% & more"}


def test_capitals_stay_and_keys_are_the_only_ones():
    work = Bibliography(title="The ERP of {UK}", authors=["Müller-Lüdenscheidt, Ada"], published="2019-04")

    text = written(bibtex, [Exported("rec_1", work), Exported("rec_2", work)]).decode()

    assert "title = {{The ERP of \\textbraceleft{}UK\\textbraceright{}}}" in text
    assert key_of(Exported("rec_1", work)) == "MullerLudenscheidt2019-rec-1"
    assert text.count("@misc{MullerLudenscheidt2019-rec-1,") == text.count("@misc{MullerLudenscheidt2019-rec-2,") == 1
