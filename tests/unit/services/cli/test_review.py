"""`living review check` and `apply` tell faults of a file as whoever wrote it would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from services.cli import app
from services.cli.printing import minute
from services.cli.review import _failing_since
from shared.errors import Invalid
from shared.wire.ingest import RunView, WatchView
from tests.unit.services.protocol.examples import SMALL, as_yaml


def fault(run, tmp_path, text: str | bytes) -> Invalid:
    file = tmp_path / "small.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("review", "check", str(file))
    assert isinstance(result.exception, Invalid)
    assert result.exception.detail.startswith(f"{file}: the protocol ")
    return result.exception


def test_a_fault_is_told_once_and_a_key_that_is_none_with_the_one_that_was_meant(run, tmp_path):
    (stage, *rest) = SMALL["stages"]
    seen = fault(run, tmp_path, as_yaml({**SMALL, "stages": [{**stage, "vots": 2}, *rest]}))

    assert seen.detail.endswith("the protocol has 1 error")
    assert "did you mean votes?" in seen.errors[0]["why"] and "question" in seen.errors[0]["why"]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("review: small\ntitle: a: b\n", 2, "put text that holds a colon in quotes"),
        ("review: small\ntitle: 'a' b\n", 2, "quotes"),
        (b"review: small\ntitle: caf\xe9\n", 2, "not UTF-8"),
    ],
)
def test_what_is_no_yaml_is_told_by_its_line_and_in_plain_words(run, tmp_path, text, line, why):
    seen = fault(run, tmp_path, text)

    assert seen.detail.endswith("the protocol cannot be read")
    assert seen.errors[0]["line"] == line and why in seen.errors[0]["why"]


def test_a_protocol_is_read_from_standard_input(run):
    result = CliRunner().invoke(app, ["review", "check", "-"], input=as_yaml(SMALL))

    assert result.exit_code == 0 and "no errors" in result.output


def test_a_watch_fails_since_its_first_failed_run_or_else_since_its_last_that_was_none():
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 4)]
    first, second = (RunView.model_construct(started_at=day, ended_at=day) for day in days[:2])
    over = WatchView.model_construct(last_run=RunView.model_construct(started_at=days[1], ended_at=days[2]))

    assert _failing_since(over, [second, first]) == minute(days[0])
    assert _failing_since(over, []) == minute(days[2])
    assert _failing_since(WatchView.model_construct(last_run=None), []) == "the start"
