"""What is printed is read as it is, on a terminal of any width."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rich.text import Text
from rich.tree import Tree

from services.cli.context import listed
from services.cli.printing import day, minute, out, print_json_line, print_rows, print_whole
from shared.client.plain import Document
from shared.wire.search import Rebuilds


def test_a_deep_branch_is_printed_whole_on_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    root = branch = Tree("a record")
    for depth in range(30):
        branch = branch.add(Text(f"screening.record.included at depth {depth}"))

    print_whole(root)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 31 and lines[-1].endswith("screening.record.included at depth 29")
    assert all(line == line.rstrip() for line in lines)


def test_what_another_program_gets_has_each_row_on_one_line(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    columns = [("service", lambda row: row[0]), ("read by", lambda row: row[1])]

    print_rows([("screening", "a-member-" + "x" * 60), ("search", "nobody")], columns, as_json=False, empty="none")

    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["service", "read", "by"]
    assert [row.split() for row in rows] == [["screening", "a-member-" + "x" * 60], ["search", "nobody"]]


LEASE, TASK = f"lease_{'0a' * 16}", f"task_{'1b' * 16}"
HELD = [("lease", lambda row: row[0]), ("task", lambda row: row[1]), ("record", lambda row: row[2])]


def test_an_id_is_in_one_piece_beside_what_is_broken_over_lines(terminal, capsys):
    terminal(100)

    print_rows([(LEASE, TASK, "A garden beside the ward, long after")], HELD, as_json=False, empty="none")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2 and LEASE in lines[1] and TASK in lines[1]
    assert all(len(line) <= 100 for line in lines)


def test_where_a_table_would_break_ids_each_row_is_a_block_of_lines_with_what_it_has(terminal, capsys):
    terminal(80)

    print_rows([(LEASE, TASK, "A garden"), (LEASE, TASK, None)], HELD, as_json=False, empty="none")

    lines = [line.strip().split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines == [["lease", LEASE], ["task", TASK], ["record", "A garden"], [], ["lease", LEASE], ["task", TASK]]


def test_a_table_of_many_figures_gives_way_too(terminal, capsys):
    columns = [(f"figure {at}", lambda row, at=at: row[at]) for at in range(9)]
    terminal(60)

    print_rows([[f"0.{at} (0.1 to 0.9)" for at in range(9)]], columns, as_json=False, empty="none")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9 and lines[3].rstrip() == "figure 3  0.3 (0.1 to 0.9)"


def test_nothing_is_broken_for_another_program(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")

    out.print(Text("a long line " * 50))
    out.print("a long sentence of a command " * 10)

    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_line_of_json_is_one_line(capsys):
    print_json_line({"a": "line\nbreak", "b": [1, {"c": "é"}]})

    assert capsys.readouterr().out == '{"a": "line\\nbreak", "b": [1, {"c": "é"}]}\n'


def test_an_instant_is_shown_alike_as_text_and_as_a_model_has_it():
    at = datetime(2026, 10, 7, 12, 30, 5, tzinfo=UTC)

    assert minute("2026-10-07T12:30:05Z") == minute(at) == "2026-10-07 12:30 UTC"
    assert day("2026-10-07T12:30:05Z") == day(at) == "2026-10-07"


def test_a_page_lists_the_same_as_a_document_and_as_a_model():
    assert listed(Document(items=["a", "b"])) == ["a", "b"]
    assert listed(Rebuilds(items=[])) == []


HOSTILE = "a \x1b[31mred\x1b]0;title\x07 \x9b1m \x9d0;x\x9c \r over \u202eevil"


def test_nothing_that_somebody_wrote_reaches_the_terminal_as_a_command(monkeypatch, capsys):
    monkeypatch.setattr(out, "_force_terminal", True)
    rows = [("one", HOSTILE)]

    print_rows(rows, [("a", lambda row: row[0]), ("b", lambda row: row[1])], as_json=False, empty="none")
    out.print(Text(HOSTILE, style="bold"), soft_wrap=True)
    print_whole(Text(HOSTILE))

    shown = capsys.readouterr().out
    assert "red" in shown and "evil" in shown
    assert "\x1b[31m" not in shown and "\x1b]0" not in shown
    assert not set("\x07\x9b\x9d\x9c\r\u202e") & set(shown)


def test_json_means_the_same_and_shows_no_such_character(capsys):
    print_json_line({"title": HOSTILE})

    shown = capsys.readouterr().out
    assert json.loads(shown) == {"title": HOSTILE}
    assert shown.isprintable() or set(filter(lambda it: not it.isprintable(), shown)) == {"\n"}
