"""What only people can say in reports, from a terminal."""

from __future__ import annotations

import pytest

from shared.errors import Forbidden, Invalid, NotFound
from tests.unit.services.cli.conftest import data
from tests.unit.services.synthesis.rig import REVIEW


def test_a_text_is_written_from_a_file_listed_confirmed_and_kept(rig, as_, tmp_path):
    (tmp_path / "text.txt").write_text("Nobody paid.\n\nNobody at all.\n")
    wrote = as_("dora", "report-texts", "write", REVIEW, "funding", "--from", "text.txt", role="lead")
    assert "funding is written." in wrote.stdout, wrote.exception
    rig.signs()

    listed = as_("rita", "report-texts", "list", REVIEW, role="reader").stdout
    assert "out of date" in listed and "to be written" in listed
    confirmed = as_("dora", "report-texts", "confirm", REVIEW, "funding", role="lead")
    assert "funding is confirmed as it is." in confirmed.stdout, confirmed.exception
    rows = data(as_("rita", "report-texts", "history", REVIEW, "funding", "--json", role="reader"))
    assert [(row["text"], row["confirmed"], row["revision"]) for row in rows] == [
        ("Nobody paid.\n\nNobody at all.", False, 0),
        ("Nobody paid.\n\nNobody at all.", True, 1),
    ]


def test_who_may_not_what_is_no_item_and_what_is_no_text_are_refused(rig, as_, tmp_path):
    (tmp_path / "text.txt").write_text("Mine.")
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "long.txt").write_text("x" * 100_001)
    write = ["report-texts", "write", REVIEW]

    assert isinstance(as_("ana", *write, "funding", "--from", "text.txt").exception, Forbidden)
    assert isinstance(as_("dora", *write, "fundings", "--from", "text.txt", role="lead").exception, NotFound)
    for file in ("odd.txt", "long.txt", "nothing.txt"):
        assert isinstance(as_("dora", *write, "funding", "--from", file, role="lead").exception, Invalid), file
    assert isinstance(as_("dora", "report-texts", "confirm", REVIEW, "funding", role="lead").exception, Invalid)
    assert list(rig.lead.report_texts(REVIEW)) == []


@pytest.mark.parametrize("name", ["report.pdf", "report", "none/report.docx"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_asked(rig, as_, name):
    asked = as_("rita", "report", REVIEW, "prisma", "--to", name, role="reader")

    assert isinstance(asked.exception, Invalid)
