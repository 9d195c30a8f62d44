"""What is known of studies, from a terminal: shown, said one by one, and read from a file with its lines named."""

from __future__ import annotations

import json

import pytest

from tests.unit.services.cli.conftest import data
from tests.unit.services.synthesis.rig import REVIEW, protocol

ASKED = [
    {"name": "setting", "label": "Setting", "required": True, "help": "where?"},
    {"name": "design", "label": "Design", "kind": "choice", "options": ["Trial", "Case study"], "required": True},
    {"name": "randomised", "label": "Randomised", "kind": "yes_no"},
]


@pytest.fixture
def described(rig):
    rig.adopts(protocol(characteristics=ASKED), version=2)
    rig.includes("r1", "r2")
    return rig


def words(result) -> str:
    return " ".join((result.stdout + result.stderr).split())


def do(as_, *args: str, by: str = "ana"):
    return as_(by, "synthesis", "characteristics", *args)


def test_a_study_is_described_corrected_and_shown(described, as_):
    assert "Case study" in words(do(as_, "form", REVIEW))
    assert "1 answer kept." in words(do(as_, "set", REVIEW, "r1", "setting", "three towns", "--locator", "p. 3"))
    assert "known already" in words(do(as_, "set", REVIEW, "r1", "setting", "three towns", "--locator", "p. 3"))
    assert do(as_, "set", REVIEW, "r1", "setting", "a city").exit_code == 1
    assert "1 answer kept." in words(do(as_, "set", REVIEW, "r1", "setting", "a city", "--why", "p. 4", by="ben"))
    do(as_, "set", REVIEW, "r1", "randomised", "--not-reported")

    shown = words(do(as_, "show", REVIEW, "r1"))
    assert "setting: a city" in shown and "randomised: not reported" in shown and "design: must be answered" in shown
    assert [it["lacking"] for it in data(do(as_, "show", REVIEW, "--json"))] in ([1, 2], [2, 1])
    history = words(do(as_, "history", REVIEW, "r1"))
    assert "three towns" in history and "p. 4" in history


def test_one_value_is_said_at_a_time(described, as_):
    for wrong in (["r1"], ["r1", "setting"], ["r1", "setting", "x", "--clear"]):
        assert do(as_, "set", REVIEW, *wrong).exit_code == 2


def test_answers_come_from_a_sheet_and_go_into_one(described, as_, tmp_path):
    sheet = tmp_path / "answers.csv"
    sheet.write_text(
        "record,characteristic,value,not_reported\nr1,setting,\"a city,\na port\",\nr1,design,Trial,\n\n"
        "r2,randomised,,yes\nr2,setting,,\n"
    )  # fmt: skip
    assert "3 answers kept, 1 known already." in words(do(as_, "set", REVIEW, "--file", str(sheet)))
    assert "are in" in words(do(as_, "show", REVIEW, "--csv", str(tmp_path / "studies.csv")))
    assert "not reported" in (tmp_path / "studies.csv").read_text()


def test_answers_come_from_json(described, as_, tmp_path):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps([{"record": "r1", "characteristic": "randomised", "value": False}]))
    assert "1 answer kept." in words(do(as_, "set", REVIEW, "--file", str(file)))
    assert "randomised: no" in words(do(as_, "show", REVIEW, "r1"))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "a.csv",
            "record,characteristic,value\nr1,setting,a city\nr1,design,Tryal\n",
            "line 3: value: 'Design' has no",
        ),
        ("a.csv", "record,characteristic,value\nr1,setting,a city\n\nr9,design,Trial\n", "line 4: record: synthesis"),
        (
            "a.csv",
            'record,characteristic,value\nr1,setting,"a\ncity"\nr1,design,"x\ny"',
            "line 4: value: 'Design' has no",
        ),
        ("a.csv", "record,value\nr1,x\n", "line 1: characteristic: this column is missing"),
        ("a.csv", "record,characteristic,colour\n", "line 1: colour: is no column"),
        ("a.csv", "record,characteristic\nr1\n", "line 2: row: it has 1 cells of 2"),
        ("a.csv", "record,characteristic,not_reported\nr1,setting,maybe\n", "line 2: not_reported: takes yes or no"),
        ("a.csv", "record,characteristic\n", "no answers in it"),
        ("a.csv", 'record,characteristic\n"r1', "line 2"),
        ("a.json", '[\n{"record": "r1", "characteristic": "design", "value": "Trial"},\n7]', "line 3: answer: keys"),
        ("a.json", '[\n{"record": "r1", "characteristic": "design", "valu": 7}]', "line 2: valu"),
        ("a.json", "{}", "a list of answers"),
        ("a.json", "[", "cannot be read"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line_and_nothing_of_it_is_kept(
    described, as_, tmp_path, name, text, why
):
    file = tmp_path / name
    file.write_text(text)
    refused = do(as_, "set", REVIEW, "--file", str(file))
    assert refused.exit_code == 1 and why in str(refused.exception) and name in str(refused.exception)
    assert all(
        not it["answers"] for study in data(do(as_, "show", REVIEW, "--json")) for it in study["characteristics"]
    )
