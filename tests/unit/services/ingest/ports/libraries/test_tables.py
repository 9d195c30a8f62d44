"""Tables of text: columns by whatever name, rows by whatever sign, broken rows that cost no other row its record."""

from __future__ import annotations

import contextlib
import csv
import io
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest.ports.libraries import names, tables
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, UnreadableLibrary
from shared.events.ingest import Bibliography
from tests.unit.services.ingest.ports.libraries.bibliographies import (
    bibliographies,
    described,
    entries,
    everything,
    faults,
    opened,
    written,
)

DIALECTS = {
    "pubmed": (
        'PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS ID,DOI\n'
        '"123","Sharing records","Smith A, Walter BC.","J Integr. 2021 Dec 21;1(2):10-11. doi: 10.1000/x.","Smith A",'
        '"J Integr","2021","2021/12/22","PMC77","","10.1000/x"\n'
    ),
    "scopus": (
        '"Authors","Author full names","Author(s) ID","Title","Year","Source title","Volume","Issue","Art. No.",'
        '"Page start","Page end","DOI","Link","Abstract","Index Keywords","PubMed ID","Document Type","EID"\n'
        '"Smith A.; Walter B.C.","Smith, Ada (57); Walter, Ben C. (58)","57; 58","Sharing records","2021","J Integr",'
        '"1","2","","10","11","10.1000/x","https://www.scopus.com/x","","","123","Article","2-s2.0-85"\n'
    ),
    "embase": (
        "Title,Author Names,Source,Abstract,Emtree Drug Index Terms,Publication Type,DOI,Medline PMID\n"
        '"Sharing records","Smith A., Walter B.C.","J Integr (2021) 1:2 (10-11). Date of Publication: 21 Dec 2021",,,'
        "Article,10.1000/x,123\n"
    ),
    "ovid": (
        "Unique Identifier,Title,Authors,Source,Publication Type,Digital Object Identifier\n"
        '123,Sharing records,"Smith A; Walter BC","J Integr. 1(2):10-11, 2021 Dec 21.",Journal Article,10.1000/x\n'
    ),
    "cochrane": (
        "Cochrane ID,Title,Author(s),Source,Volume,Issue,Page(s),Year,DOI,Publication Type,PubMed ID\n"
        'CN-01,Sharing records,"Smith A, Walter BC",J Integr,1,2,10-11,2021,10.1000/x,Journal article,123\n'
    ),
    "proquest": (
        "Title,Abstract,StoreId,ArticleType,Authors,pubdate,pubtitle,year,volume,issue,pages,digitalObjectIdentifier\n"
        'Sharing records,,998,Journal Article,"Smith, A.; Walter, B. C.",Dec 2021,J Integr,2021,1,2,10-11,10.1000/x\n'
    ),
    "ebsco": (
        "Article Title,Author,Journal Title,Publication Date,Volume,Issue,First Page,Accession Number,"
        "DOI,Doctype,PLink\n"
        'Sharing records,"Smith, A.; Walter, B. C.",J Integr,20211221,1,2,10,998,10.1000/x,Article,http://e.example/x\n'
    ),
    "ieee": (
        '"Document Title",Authors,"Publication Title",Date Added To Xplore,"Publication Year","Volume","Issue",'
        '"Start Page","End Page","DOI",IEEE Terms,"Document Identifier"\n'
        '"Sharing records","A. Smith; B. C. Walter","J Integr","3 Jan 2022","2021","1","2","10","11","10.1000/x","",'
        '"IEEE Journals"\n'
    ),
    "zotero": (
        '"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Abstract Note","Date",'
        '"Pages","Issue","Volume","Manual Tags"\n'
        '"ABCD","journalArticle","2021","Smith, A.; Walter, B. C.","Sharing records","J Integr","10.1000/x","",'
        '"2021-12-21","10-11","2","1","mine"\n'
    ),
    "covidence": (
        "Title,Authors,Abstract,Published Year,Published Month,Journal,Volume,Issue,Pages,DOI,Covidence #,Study,Notes\n"
        'Sharing records,"Smith, A.; Walter, B. C.",,2021,12,J Integr,1,2,10-11,10.1000/x,#12,Smith 2021,"Ana: Yes"\n'
    ),
    "rayyan": (
        "key,title,year,month,day,journal,issn,volume,issue,pages,authors,url,abstract,notes,doi,pubmed_id,pmc_id\n"
        'r-1,Sharing records,2021,12,21,J Integr,,1,2,10-11,"Smith, A. and Walter, B. C.",,,'
        '"RAYYAN-INCLUSION: {""Ana""=>""Included""}",10.1000/x,123,\n'
    ),
    "asreview": (
        "record_id,title,authors,year,journal,volume,issue,pages,doi,asreview_label,asreview_time\n"
        '0,Sharing records,"[\'Smith, A.\', \'Walter, B. C.\']",2021,J Integr,1,2,10-11,10.1000/x,1,2024-01-01\n'
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_table_of_every_maker_is_read(dialect):
    library = opened(tables, DIALECTS[dialect].encode())
    (entry,) = library.entries

    assert isinstance(entry, Entry)
    record = entry.record
    assert (library.dialect, record.title, record.venue) == (dialect, "Sharing records", "J Integr")
    assert (record.volume or "1", record.issue or "2", (record.pages or "10").split("-")[0]) == ("1", "2", "10")
    assert record.published is not None and record.published.startswith("2021")
    assert record.identifiers.doi == "10.1000/x"
    assert len(record.authors) == 2 and "Smith" in record.authors[0] and "Walter" in record.authors[1]
    assert record.kind == ("other" if dialect in ("pubmed", "covidence", "rayyan", "asreview") else "article")
    assert entry.remarks == ()


@pytest.mark.parametrize(
    ("dialect", "name", "value"),
    [
        ("covidence", "Notes", "Ana: Yes"),
        ("rayyan", "notes", 'RAYYAN-INCLUSION: {"Ana"=>"Included"}'),
        ("asreview", "asreview_label", "1"),
        ("zotero", "Manual Tags", "mine"),
    ],
)
def test_what_was_decided_before_is_kept_by_its_columns_name(dialect, name, value):
    library = opened(tables, DIALECTS[dialect].encode())
    (entry,) = library.entries

    assert isinstance(entry, Entry)
    assert entry.fields[name] == value
    assert name in library.columns


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_sign_between_cells_and_the_encoding_are_found(sign, encoding):
    text = f"TITLE {sign}Abstract{sign}mine\r\nÜber Akten{sign}Größe zählt; ja, sehr{sign}x\r\n".replace(
        "; ja, sehr", " sehr" if sign in ";," else "; ja, sehr"
    )

    (entry,) = entries(tables, text.encode(encoding))

    assert entry.record.title == "Über Akten"
    assert entry.fields == {"mine": "x"}
    assert entry.line == 2


def test_excel_may_say_by_which_sign_and_a_report_may_stand_above():
    data = b'sep=;\r\nReport of today\r\n\r\nTitle;Year\r\n"A; b";2001\r\n'

    above, entry = everything(tables, data)

    assert isinstance(above, Fault) and (above.line, above.is_record) == (2, False)
    assert isinstance(entry, Entry) and (entry.line, entry.record.title) == (5, "A; b")


def test_lines_and_quotes_within_a_cell_stay():
    data = b'title,abstract\n"A ""good"" title","First line\nsecond, line"\nB,\n'

    first, second = entries(tables, data)

    assert (first.record.title, first.record.abstract) == ('A "good" title', "First line\nsecond, line")
    assert (second.line, second.record.title) == (4, "B")


def test_a_row_with_too_few_cells_is_read_with_a_remark_and_one_with_too_many_is_a_fault_with_its_line():
    found = everything(tables, b"title,year,doi\nA,2001\nB,2002,,stray\nC,2003,,\n,,\nD,2004,\n")

    assert [it.line for it in found] == [2, 3, 4, 6]
    assert isinstance(found[0], Entry) and found[0].remarks == ("it has 2 cells of 3",)
    assert isinstance(found[1], Fault) and "4 cells" in found[1].reason and found[1].excerpt == "B,2002,,stray"


@pytest.mark.parametrize("broken", ['"A,2001,x\n', '"A,"2001",x\n', 'A,2001,"x\n', '"A\nstill A,2001,x\n'])
def test_a_quote_that_nothing_closes_takes_no_other_row_along(broken):
    sound = "".join(f'"Title {number}","20{number}","y"\n' for number in range(10, 40))

    found = everything(tables, f'title,year,mine\n"First",1999,y\n{broken}{sound}'.encode())

    titles = [it.record.title for it in found if isinstance(it, Entry)]
    assert [f"Title {number}" for number in range(10, 40) if f"Title {number}" not in titles] == []
    assert any(it.line == 3 for it in found if isinstance(it, Fault))


def test_a_row_that_is_longer_than_any_record_is_a_fault_and_the_next_one_is_read():
    long = b"x" * (LARGEST_RECORD + 10)

    found = everything(tables, b"title,abstract\nA," + long + b'\nB,\n"C,' + b"y\n" * 30_000 + b'",\nD,z\n')

    titles = [it.record.title for it in found if isinstance(it, Entry)]
    assert isinstance(found[0], Fault) and found[0].line == 2
    assert (titles[0], titles[-1]) == ("B", "D")
    assert next(it.line for it in found[1:] if isinstance(it, Fault)) == 4


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"name,size\nA,2\n", "line 1: none of its columns names a title"),
        (b"PK\x03\x04" + bytes(100), "ZIP"),
        (bytes(range(256)) * 10, "line 1"),
        (b"%PDF-1.4\n", "PDF"),
    ],
)
def test_what_is_no_table_is_refused(data, said):
    with pytest.raises(UnreadableLibrary, match=said):
        list(opened(tables, data, name="mine.csv").entries)


def test_two_columns_of_one_name_are_told_apart():
    library = opened(tables, b"title,notes,notes,,abstract,abstract\nA,1,2,3,x,y\n")
    (entry,) = library.entries

    assert library.columns == ("title", "notes", "notes (2)", "column 4", "abstract", "abstract (2)")
    assert isinstance(entry, Entry)
    assert entry.fields == {"notes": "1", "notes (2)": "2", "column 4": "3", "abstract (2)": "y"}


@given(
    st.binary(max_size=400) | st.text(max_size=300).map(lambda text: f"title,doi\n{text}".encode("utf-8", "replace"))
)
@example(b'title,"\r\n"\n')
def test_whatever_comes_is_read_or_refused(data):
    with contextlib.suppress(UnreadableLibrary):
        everything(tables, data)


@given(st.lists(bibliographies(), min_size=1, max_size=4))
@settings(max_examples=60)
def test_what_is_written_is_read_again(described_works):
    exported = [
        Exported(f"rec_{index}", it, {"decision": "include", "reason": "=1+1"})
        for index, it in enumerate(described_works)
    ]

    read = entries(tables, written(tables, exported))

    assert [described(it.record) for it in read] == [described(it) for it in described_works]
    assert read[0].fields == {"living_record": "rec_0", "decision": "include", "reason": "=1+1"}


@pytest.mark.parametrize("begins", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''-"])
def test_no_cell_begins_like_a_formula_and_each_is_read_as_it_was(begins):
    title = f"{begins} and more"

    data = written(tables, [Exported("rec_1", Bibliography(title=title, authors=[title]), {"reason": begins})])

    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
        assert [cell for cell in row if cell[:1] in set("=+-@\t\r")] == []
    (entry,) = entries(tables, data)
    assert (entry.record.title, entry.record.authors, entry.fields["reason"]) == (title, [title], begins)


@pytest.mark.parametrize("sign", [";", "\t"])
@pytest.mark.parametrize("begins", ["=1+1", "@SUM(A1)", "'=1", '"=1+1"', " =1", "\n=1"])
def test_no_cell_begins_like_a_formula_where_a_spreadsheet_divides_lines_by_another_sign(begins, sign):
    text = f"Boards{sign}{begins} and{sign} {begins}"

    data = written(tables, [Exported("rec_1", Bibliography(title="A", authors=["B", begins]), {"reason": text})])

    for line in data.decode("utf-8-sig").splitlines():
        assert [cell for cell in line.split(sign) if cell.lstrip(' "')[:1] in set("=+-@")] == []
    (entry,) = entries(tables, data)
    assert [each.split() for each in entry.record.authors] == [["B"], begins.split()]
    assert entry.fields["reason"].split() == text.split()


@pytest.mark.parametrize(
    "decided", [[], [{}], [{"stage": "x"}, {"stage": "y", "decision": "excluded", "reason": "z"}], [{"note": "w"}, {}]]
)
def test_the_columns_are_the_same_whatever_was_decided_about_the_records(decided):
    works = [Exported(f"rec_{n}", Bibliography(title="A"), each) for n, each in enumerate(decided)]

    columns, *rows = csv.reader(io.StringIO(written(tables, works).decode("utf-8-sig")))

    assert columns == [
        "living_record", "title", "other_titles", "authors", "editors", "published", "venue", "volume", "issue",
        "pages", "article_number", "abstract", "keywords", "kind", "language", "publisher", "issns", "isbns", "urls",
        "doi", "pmid", "pmcid", "openalex", "databases", "stage", "decision", "reason", "further_decisions",
    ]  # fmt: skip
    assert {len(row) for row in rows} <= {len(columns)}


def test_a_decision_has_the_column_of_its_name_and_any_other_the_last_one():
    works = [Exported("rec_1", Bibliography(title="A"), {"stage": "x"}),
             Exported("rec_2", Bibliography(title="B"), {"stage": "y", "reason": "z", "note": "w"})]  # fmt: skip

    first, second = entries(tables, written(tables, works))

    assert first.fields == {"living_record": "rec_1", "stage": "x"}
    assert second.fields == {
        "living_record": "rec_2", "stage": "y", "reason": "z", "further_decisions": "note: w",
    }  # fmt: skip


def test_columns_that_are_no_part_of_a_citation_are_told():
    ours = written(tables, [Exported("rec_1", Bibliography(title="A"))])

    assert opened(tables, b"Title;Autor;Jahr;Tags\nEins;Ada;2019;a\n").unread == ("Autor", "Jahr", "Tags")
    assert opened(tables, ours).unread == ()
    assert opened(tables, ours.replace(b"further_decisions", b"further_decisions,verdict")).unread == ("verdict",)


def test_no_records_are_a_table_without_rows():
    assert faults(tables, written(tables, [])) == entries(tables, written(tables, [])) == []


def test_names_that_look_like_a_program_warn_of_nothing():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        names.split("['a' (1), 1is 2, '\\d']")

    assert said == []
