"""The synthesis from a terminal: what a lead reads before signing, and from which record each number comes."""

from __future__ import annotations

import pytest
from click import testing

from services.cli.printing import counted
from shared.errors import Invalid, NotFound
from tests.unit.services.cli.conftest import data
from tests.unit.services.synthesis.room import REVIEW, protocol


@pytest.fixture
def coded(room):
    """Two reports, of which one speaks to c1."""
    room.includes("r1", "r2")
    room.links("r1", "c1")
    room.settles()
    return room


def words(result) -> str:
    """What was printed, however it was broken over lines."""
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_where_nothing_is_signed_the_command_that_shows_the_draft_is_whole(coded, as_, terminal, width):
    terminal(width)

    shown = as_("rita", "synthesis", "show", REVIEW, role="reader")

    assert shown.exit_code == 0
    assert f"living synthesis show {REVIEW} --draft" in shown.stdout.splitlines()[0]
    assert data(as_("rita", "synthesis", "show", REVIEW, "--json", role="reader")) is None


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_a_draft_is_read_with_its_wording_and_its_studies(coded, as_, terminal, width):
    terminal(width)

    told = words(as_("rita", "synthesis", "show", REVIEW, "--draft", role="reader"))

    assert "Trust Trust helps." in told
    assert "c1 partially supported 1 study context context of c1 resource resource of c1" in told
    assert "reasoning reasoning of c1 outcome outcome of c1 studies Title of r1" in told
    assert "c2 no evidence 0 studies context context of c2" in told
    assert "No revision is signed yet: this would be the first." in told


def test_a_draft_tells_what_differs_from_the_last_revision(coded, as_):
    coded.signs()
    show = ["synthesis", "show", REVIEW, "--draft"]
    assert "Nothing differs from revision 1." in words(as_("rita", *show, role="reader"))

    coded.links("r2", "c1")
    coded.adopts(protocol(wording={"c2": {"outcome": "another outcome"}}), version=2)
    coded.settles()

    told = words(as_("rita", *show, role="reader"))
    assert "What differs from revision 1: 1 link added, 0 withdrawn" in told
    assert "c1 support 1 2 PATCH" in told and "c2 outcome outcome of c2 another outcome MINOR" in told


def test_words_in_brackets_are_shown_as_they_are(coded, as_):
    coded.signs("as [bold]drafted[/] [see 5]")

    assert "as [bold]drafted[/] [see 5]" in as_("rita", "synthesis", "show", REVIEW, role="reader").stdout


def sign(as_, *more: str, typed: str | None = None):
    return as_("dora", "synthesis", "sign", REVIEW, "--summary", "as drafted", *more, role="lead", typed=typed)


def revisions(room) -> int:
    return len(list(room.lead.revisions(REVIEW)))


def test_signing_where_nothing_differs_says_so_before(coded, as_):
    assert "Nothing differs" not in sign(as_).stderr

    again = sign(as_, "--json")

    assert "Nothing differs from revision 1." in again.stderr
    assert data(again)["content"]["number"] == 2


@pytest.mark.parametrize(("answer", "signed"), [("n\n", 1), ("y\n", 2)])
def test_signing_where_nothing_differs_is_asked_about_on_a_terminal(coded, as_, keyboard, answer, signed):
    coded.signs()

    result = sign(as_, typed=answer)

    assert "Sign it all the same?" in result.stderr and result.exit_code == (0 if signed == 2 else 1)
    assert revisions(coded) == signed


def test_who_said_yes_before_is_not_asked(coded, as_, keyboard):
    coded.signs()

    assert "Sign it all the same?" not in sign(as_, "--yes", typed="n\n").stderr
    assert revisions(coded) == 2


def test_nobody_is_asked_where_something_differs(coded, as_, keyboard):
    assert sign(as_, typed="n\n").exit_code == 0 and revisions(coded) == 1


@pytest.fixture
def keyboard(monkeypatch) -> None:
    """What is typed comes from a terminal."""
    monkeypatch.setattr(testing._NamedTextIOWrapper, "isatty", lambda stream: stream.name == "<stdin>")


@pytest.mark.parametrize("summary", ["", "  "])
def test_a_summary_that_says_nothing_is_told_in_plain_words(coded, as_, summary):
    refused = as_("dora", "synthesis", "sign", REVIEW, "--summary", summary, role="lead").exception

    assert isinstance(refused, Invalid) and "body.summary: says nothing; write something" in refused.detail


def test_a_day_is_never_broken_over_lines(coded, as_, terminal):
    coded.signs("a summary of many words " * 5)
    terminal(60)

    assert "2020-01-01" in as_("rita", "synthesis", "revisions", REVIEW, role="reader").stdout


@pytest.mark.parametrize("width", [60, 80, 200])
def test_evidence_names_the_record_the_coder_and_the_day(room, as_, terminal, width):
    record = "rec_" + "0" * 32
    room.includes(record)
    fragment = room.links(record, "c1", text="says " * 30).fragment
    room.lead.withdraw(REVIEW, fragment, "misread")
    terminal(width)

    lines = as_("rita", "synthesis", "evidence", REVIEW, role="reader").stdout.splitlines()

    assert lines[0] == "c1  resource  supports"
    assert lines[-1] == f"  {record}  coded by ana on 2020-01-01"
    told = " ".join(" ".join(lines).split())
    assert f"Title of {record}, p. 1 does not stand: withdrawn by dora: misread" in told
    assert all(len(line) <= width for line in lines[:-1])


def test_evidence_for_another_program_is_a_row_a_link(coded, as_):
    coded.links("r2", "c2")

    heading, *rows = as_("rita", "synthesis", "evidence", REVIEW, role="reader").stdout.splitlines()

    assert " ".join(heading.split()) == "CMOC element stance record report what it says coded by on stands"
    assert [row.split()[3] for row in rows] == ["r1", "r2"]
    assert all(row.split()[-3:] == ["ana", "2020-01-01", "yes"] for row in rows)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--cmoc", "c2"], "Nothing is coded for CMOC c2."),
        (["--record", "r2"], "Nothing is coded for record r2."),
        (["--record", "nope"], "Nothing is coded for record nope."),
        (["--cmoc", "c2", "--record", "r1"], "Nothing is coded for CMOC c2 and record r1."),
    ],
)
def test_what_nothing_is_coded_for_is_named(coded, as_, asked, told):
    assert words(as_("rita", "synthesis", "evidence", REVIEW, *asked, role="reader")) == told


def test_a_review_without_evidence_says_so(room, as_):
    assert words(as_("rita", "synthesis", "evidence", REVIEW, role="reader")) == "Nothing is coded yet."


def test_a_cmoc_that_is_none_of_the_reviews_is_not_found(coded, as_):
    refused = as_("rita", "synthesis", "evidence", REVIEW, "--cmoc", "nope", role="reader").exception

    assert isinstance(refused, NotFound) and "no CMOC 'nope'" in refused.detail


def test_one_of_something_is_told_as_one():
    assert [counted(number, "conflict") for number in (0, 1, 2)] == ["0 conflicts", "1 conflict", "2 conflicts"]
    assert [counted(number, "study", "studies") for number in (1, 2)] == ["1 study", "2 studies"]
