"""Keywords as each format and database writes them, and where ours say which sources brought a record."""

from __future__ import annotations

import io

import pytest

from services.ingest.ports.libraries import keywords
from services.ingest.ports.libraries.catalog import WRITERS, open_library
from services.ingest.ports.libraries.port import Entry, Exported
from shared.events.ingest import Bibliography, SourceRef


def only(content: str, name: str = "library.txt") -> Entry:
    (entry,) = open_library(io.BytesIO(content.encode()), name=name, source="import:file").entries
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("TY  - JOUR\nTI  - A\nKW  - *Gambling/*psychology\nKW  - Depression, Postpartum\nER  - \n",
         ["Gambling/psychology", "Depression, Postpartum"]),
        ("TY  - JOUR\nTI  - A\nKW  - Animals\nBoswellia/*chemistry\nER  - \n", ["Animals", "Boswellia/chemistry"]),
        ("TY  - JOUR\nTI  - A\nKW  - trust; boards, local; Trust\nER  - \n", ["trust", "boards, local"]),
        ("TY  - JOUR\nTI  - A\nKW  - ASReview_relevant\nKW  - trust\nER  - \n", ["trust"]),
        ("PMID- 7\nOWN - NLM\nTI  - A.\nMH  - *Gambling/psychology/*therapy\nMH  - Humans\nOT  - HIV/AIDS\n",
         ["Gambling", "Humans", "HIV/AIDS"]),
        ("FN Clarivate\nVR 1.0\nPT J\nTI A\nDE trust; shared\n   care\nID BOARDS; TRUST\nER\nEF\n",
         ["trust", "shared care", "BOARDS"]),
        ("%0 Journal Article\n%T A\n%K trust\nboards\n", ["trust", "boards"]),
        ("@article{a,\n title = {A},\n keywords = {trust, {\\'E}tude (a, b)}\n}\n", ["trust", "Étude (a, b)"]),
        ("@article{a,\n title = {A},\n author_keywords = {trust; boards, local}\n}\n", ["trust", "boards, local"]),
        ("<xml><records><record><titles><title>A</title></titles><keywords><keyword>trust</keyword>"
         "<keyword>boards, local</keyword></keywords></record></records></xml>", ["trust", "boards, local"]),
        ('[{"title": "A", "keyword": "trust, boards"}]', ["trust", "boards"]),
        ("Title,Source title,Author Keywords,Index Keywords\nA,J,trust; boards,Trust; Human\n",
         ["trust", "boards", "Human"]),
        ("Key,Item Type,Title,Abstract Note,Manual Tags\nX,journalArticle,A,B,trust; to read\n", ["trust", "to read"]),
        ("PT\tAU\tTI\tSO\tDE\tID\tUT\nJ\tOkoye, A\tA\tB\ttrust; care\tBOARDS\tWOS:1\n", ["trust", "care", "BOARDS"]),
        ("title,keywords\nA,\"['trust', 'boards, local']\"\n", ["trust", "boards, local"]),
    ],
)  # fmt: skip
def test_keywords_are_read_as_each_database_and_tool_writes_them(content, words):
    assert only(content).record.keywords == words


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("TY  - JOUR\nTI  - A\nKW  - to read\nKW  - include\nER  - \n", "KW", "to read\ninclude"),
        ("Key,Item Type,Title,Abstract Note,Manual Tags\nX,journalArticle,A,B,include\n", "Manual Tags", "include"),
        ('[{"title": "A", "keyword": "include"}]', "keyword", "include"),
    ],
)
def test_what_stands_among_keywords_may_be_a_decision_and_stays_beside_the_citation(content, name, said):
    assert only(content).fields[name] == said


def test_too_many_and_too_long_keywords_are_left_out_and_that_is_said():
    many = "".join(f"KW  - word {number}\n" for number in range(203))
    entry = only(f"TY  - JOUR\nTI  - A\nKW  - {'x' * 201}\n{many}ER  - \n")

    assert entry.record.keywords == [f"word {number}" for number in range(200)]
    assert entry.remarks == (
        f"{'x' * 99!r} is no keyword we can use".replace("x'", "x"),
        "of its 203 keywords the first 200 are kept",
    )


@pytest.mark.parametrize("text", ["a|b", "a\nb", "a;b", "a, b", "['a', 'b']", "a; \nb"])
def test_keywords_in_one_cell_are_divided_by_whichever_sign_stands_between_them(text):
    assert [word for word in keywords.tidied(keywords.split(text)) if word] == ["a", "b"]


BROUGHT = Bibliography(
    title="Leading",
    keywords=["trust; care", "HIV/AIDS"],
    sources=[
        SourceRef(source="pubmed", id="7", run="run_1"), SourceRef(source="import:embase", id="L1", run="run_2"),
        SourceRef(source="pubmed", id="8", run="run_1"),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("ris", "DB  - pubmed; embase\r\n"),
        ("bibtex", "  living_databases = {pubmed; embase},\n"),
        ("endnote", "<remote-database-name>pubmed; embase</remote-database-name>"),
        ("csl-json", '"source":"pubmed; embase"'),
        ("csv", ",pubmed; embase,"),
    ],
)
def test_a_file_says_which_databases_brought_a_record(format, said):
    assert said in b"".join(WRITERS[format]([Exported("rec_1", BROUGHT)])).decode()


@pytest.mark.parametrize("format", WRITERS)
def test_what_brought_a_record_is_taken_for_nothing_when_the_file_comes_back(format):
    record = "rec_" + "0" * 32
    nobody = BROUGHT.model_copy(update={"sources": []})

    back, plain = (
        next(iter(open_library(io.BytesIO(b"".join(WRITERS[format]([Exported(record, each)]))),
                               name="ours", format=format, source="import:file").entries))
        for each in (BROUGHT, nobody)
    )  # fmt: skip

    assert back == plain
    assert isinstance(back, Entry) and back.record.keywords == BROUGHT.keywords
