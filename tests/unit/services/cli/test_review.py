"""`living review check` and `apply` tell faults of a file as whoever wrote it would."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from services.cli import app
from shared.errors import Invalid
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
