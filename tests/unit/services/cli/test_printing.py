"""What is printed is read as it is, on a terminal of any width."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from services.cli.printing import print_whole


def test_a_deep_branch_is_printed_whole_on_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    root = branch = Tree("a record")
    for depth in range(30):
        branch = branch.add(Text(f"screening.record.included at depth {depth}"))

    print_whole(root)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 31 and lines[-1].endswith("screening.record.included at depth 29")
    assert all(line == line.rstrip() for line in lines)
