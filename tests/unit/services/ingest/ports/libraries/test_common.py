"""Forms of what records hold, in the ways that databases write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.libraries.common import (
    LONGEST_FIELD,
    MOST_FIELDS,
    Described,
    content_of,
    date_of,
    entry_of,
    language_of,
    lines_of_prose,
    name_of,
    names_of,
    numbers_of,
    one_line,
    tidy,
)
from services.ingest.ports.libraries.port import Entry, Fault
from services.ingest.ports.sources.markup import clean, plain
from services.ingest.ports.sources.reading import Reader
from shared.events.values import Identifiers


def made(described: dict[str, object], **beside: object) -> Entry | Fault:
    return entry_of(
        "item", lambda item, reader: Described(dict(described), **beside), source="scopus", line=7, excerpt="TY  - JOUR"
    )


def reader() -> Reader:
    return Reader("scopus", lambda item, reader: reader.reject(item, None, "unused"))


@pytest.mark.parametrize(
    ("texts", "date"),
    [
        (["2014//"], "2014"),
        (["2019/10//undefined", "2019"], "2019-10"),
        (["2021/02/01/", "2021"], "2021-02-01"),
        (["Jun", "2011"], "2011-06"),
        (["2018", "MAR 1"], "2018-03-01"),
        (["4-8 Aug. 2020", "2020"], "2020"),
        (["Mar. 2017"], "2017-03"),
        (["September  1, 2021"], "2021-09-01"),
        (["Start date: 20170812"], "2017-08-12"),
        (["2019 Winter"], "2019"),
        (["2020", "2019/12/15/"], "2019-12-15"),
        (["[2003]"], "2003"),
        (["10 15"], None),
        ([" / ", ""], None),
    ],
)
def test_dates_are_as_precise_as_they_are_written_and_the_earliest_counts(texts, date):
    assert date_of(reader(), texts) == date


def test_what_stands_for_a_date_and_is_none_is_remarked():
    found = entry_of(
        ["10 15"],
        lambda item, reader: Described({"title": "A title", "published": date_of(reader, item)}),
        source="scopus", line=1, excerpt="",
    )  # fmt: skip

    assert isinstance(found, Entry)
    assert found.remarks == ("'10 15' is no date we can use",)


@pytest.mark.parametrize(
    ("texts", "issns", "isbns"),
    [
        (["0894-9867, 0894-9867"], ["0894-9867"], []),
        (["1932-6203(Electronic),0028-0836(Print)"], ["1932-6203", "0028-0836"], []),
        (["1895-5770 1895-5770"], ["1895-5770"], []),
        (["2325-9671 (electronic)"], ["2325-9671"], []),
        (["15732602", "978-3-16-148410-0"], [], ["9783161484100"]),
        (["978 3 16 148410 0"], [], ["9783161484100"]),
        (["0-306-40615-2"], [], ["9780306406157"]),
        (["1234-5678", "none"], [], []),
    ],
)
def test_numbers_of_series_and_books_are_found_in_what_stands_around_them(texts, issns, isbns):
    assert numbers_of(texts) == (issns, isbns)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("English", "en"),
        ("eng", "en"),
        ("en-GB", "en"),
        ("French; English", "fr"),
        ("chi", "zh"),
        ("none", None),
        ("", None),
    ],
)
def test_a_language_is_one_code_however_it_is_named(text, code):
    assert language_of(text) == code


def test_names_are_as_they_are_written_one_a_text_or_several_with_semicolons():
    assert names_of(["Smith,J.", " Wang, Y ", "Wang, Y", ""]) == ["Smith, J.", "Wang, Y", "Wang, Y"]
    assert names_of(["Smith, J.; Doe, K.; "]) == ["Smith, J.", "Doe, K."]
    assert names_of(["Smith, J.;", "Doe, K."]) == ["Smith, J.", "Doe, K."]
    assert name_of("O&#39;Neill, A") == "O'Neill, A"


@given(text=st.text())
def test_a_text_is_tidied_as_every_source_has_it(text):
    assert tidy(text) == clean(text)
    assert one_line(text) == plain(text)


def test_markup_is_read_and_what_only_looks_like_it_stays():
    assert one_line("<i>E. coli</i> &amp; HIV <50 copies") == "E. coli & HIV <50 copies"
    assert lines_of_prose("Abstract\n<p>One.</p><p>Two.</p>\n\nThree.") == "One.\nTwo.\nThree."


def test_a_record_is_known_by_what_it_says_whatever_signs_and_case_a_program_makes_of_it():
    one = {"title": "Leading: a review", "authors": ["Doe, J."], "pages": "1-9", "identifiers": Identifiers(pmid="1")}
    other = {
        "title": "LEADING - A REVIEW",
        "authors": ["Doe, J"],
        "pages": "1--9",
        "identifiers": Identifiers(pmid="1"),
    }

    assert content_of(one) == content_of(other)
    assert content_of(one) != content_of(one | {"title": "Leading: a view"})
    assert content_of(one) != content_of(one | {"authors": []})


def test_a_number_that_cannot_be_one_is_none():
    assert made({"title": "A title"}, accession="WOS:1").accession
    for number in ("", "  ", "x" * 301, "a\ud800b"):
        found = made({"title": "A title"}, accession=number)
        assert isinstance(found, Entry)
        assert not found.accession
        assert found.record.source_id.startswith("sha256:")


def test_what_breaks_a_reader_or_a_bound_is_the_items_own_fault():
    def fail(item: str, reader: Reader) -> Described:
        raise KeyError("TI")

    broken = entry_of("item", fail, source="scopus", line=7, excerpt="TY  - JOUR\nTI  - x")
    longer = made({"title": "x" * 6_000})
    nothing = made({"venue": "A journal"})

    assert broken == Fault(7, "it cannot be read (KeyError: 'TI')", "TY - JOUR TI - x")
    assert isinstance(longer, Fault) and longer.reason == "its title is longer than 5000 characters, so it is not one"
    assert isinstance(nothing, Fault) and nothing.line == 7


def test_what_is_kept_beside_a_record_is_bounded_and_says_where_it_was_cut():
    many = {f"K{number}": "x" for number in range(MOST_FIELDS + 1)}
    found = made({"title": "A title"}, fields={"N1": "x" * (LONGEST_FIELD + 1)} | many, remarks=("it ends without ER",))

    assert isinstance(found, Entry)
    assert len(found.fields) == MOST_FIELDS
    assert len(found.fields["N1"]) == LONGEST_FIELD
    assert found.remarks == (
        "it ends without ER",
        f"N1 is cut after {LONGEST_FIELD} characters",
        f"it has more than {MOST_FIELDS} further fields, of which the rest is left out",
    )
