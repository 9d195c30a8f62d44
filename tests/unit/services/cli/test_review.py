"""`living review check` and `apply` tell faults of a file as whoever wrote it would."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import app
from services.cli.printing import minute
from services.cli.review import _failing_since, _state, _trouble
from shared.client.plain import Document
from shared.errors import Invalid
from shared.events.ingest import RunCounts
from shared.wire.ingest import Acceptance, IngestStatus, RunView, WatchView
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
        ("review: small\ntitle\nquestion: b\n", 2, "a key without its colon"),
        ('review: small\ntitle: "a\nquestion: b\n', 2, "begins here never ends"),
        ("review: small\nstages: [a, b\ntitle: b\n", 2, "the [ that opens here is never closed"),
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


def test_what_the_named_team_cannot_do_is_told_as_a_warning(run, tmp_path):
    file = tmp_path / "small.yaml"
    team = [{"role": "reviewer", "people": ["person_1"]}, {"role": "lead", "people": ["person_2"]}]
    file.write_text(as_yaml({**SMALL, "team": team}))

    warned = run("review", "check", str(file))

    assert warned.exit_code == 0 and "no errors" in warned.output
    assert "`reconciliation: consensus` has the voters decide" in warned.output
    (warning,) = json.loads(run("review", "check", str(file), "--json").stdout)["warnings"]
    assert warning in warned.output


def test_a_protocol_that_is_applied_answers_with_what_its_team_lacks(run, protocol, monkeypatch, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(as_yaml({**SMALL, "team": [{"role": "lead", "people": ["person_2"]}]}))
    lea = protocol.person("lea", "lead", reviews=("small",))
    monkeypatch.setenv("LIVING_KEY", lea.headers["Authorization"].removeprefix("Bearer "))

    for _ in range(2):
        assert "asks for 2 votes on a record, and one person may vote" in run("review", "apply", str(file)).output


def test_a_watch_fails_since_its_first_failed_run_or_else_since_its_last_that_was_none():
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 4)]
    first, second = (RunView.model_construct(started_at=day, ended_at=day) for day in days[:2])
    over = WatchView.model_construct(last_run=RunView.model_construct(started_at=days[1], ended_at=days[2]))

    assert _failing_since(over, [second, first]) == minute(days[0])
    assert _failing_since(over, []) == minute(days[2])
    assert _failing_since(WatchView.model_construct(last_run=None), []) == "the start"


def said_of(watch: WatchView, failed: list[RunView]) -> str:
    """What `living review status` says of a review with this watch alone."""
    literature = IngestStatus.model_construct(parked=[], watches=[watch], chases=[], sweeps=[], open_duplicates=0)
    lines = _trouble("small", literature, [], {watch.watch: "today"}, {watch.watch: failed}, {"person_1": "Lea"}.get)
    return "\n".join(line.plain for line in lines)


def watching(**fields: Any) -> WatchView:
    facts = {
        "watch": "watch_1", "purpose": "search", "source": "crossref", "strategy": "main", "state": "active",
        "failures": 1, "trouble": None, "due_at": datetime(2026, 1, 2, tzinfo=UTC), "accepted": [], "last_run": None,
    }  # fmt: skip
    return WatchView.model_construct(**{**facts, **fields})


def test_how_to_accept_what_a_source_never_gives_stands_below_its_trouble():
    partial = RunView.model_construct(
        run="run_1", state="partial", error="it gave 3 of 5", lacking=2, purpose="new", ended_at=None
    )

    seen = said_of(watching(trouble="it gave 3 of 5"), [partial])

    assert "living ingest accept small main --lacking 2 --reason '...'" in seen
    assert "accept" not in said_of(watching(trouble="away"), [partial.model_copy(update={"state": "incomplete"})])


def test_until_the_new_run_ends_a_watch_whose_lack_was_accepted_does_not_ask_for_it_again():
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    partial = RunView.model_construct(
        run="run_1", state="partial", error="it gave 3 of 5", lacking=2, purpose="new", ended_at=ended, remarks=[]
    )
    accepted = Acceptance(
        purpose="new", until=date(2025, 12, 31), lacking=2, missing=[], by="person_1", at=ended, reason="counted twice"
    )
    watch = watching(trouble="it gave 3 of 5", accepted=[accepted], last_run=partial)

    seen = said_of(watch, [partial])

    assert "crossref (main): accepted; it is pulled again at 2026-01-02 00:00 UTC" in seen
    assert "fails" not in seen and "ingest accept" not in seen
    assert _state(watch, [partial]).plain == "accepted"
    later = partial.model_copy(update={"ended_at": datetime(2026, 1, 3, tzinfo=UTC)})
    assert "fails" in said_of(watch, [later]) and _state(watch, [later]).plain == "fails"


def test_a_chase_says_when_it_is_due_next():
    chase = watching(purpose="citations", last_run=RunView.model_construct(remarks=[]))
    assert _state(chase).plain == "active, next 2026-01-02"


def test_what_was_accepted_is_told_with_who_and_why():
    accepted = Acceptance(
        purpose="new", until=date(2025, 12, 31), lacking=2, missing=[], by="person_1",
        at=datetime(2026, 1, 1, tzinfo=UTC), reason="counted twice",
    )  # fmt: skip

    seen = said_of(watching(accepted=[accepted]), [])

    assert " ".join(seen.split()) == (
        "crossref (main) may lack 2 works in days up to 2025-12-31, as Lea accepted on 2026-01-01: counted twice"
    )


def ran(*remarks: str, found: int = 0, state: str = "complete") -> RunView:
    # As the command line reads it: a count of none outside is not told.
    counts = Document(RunCounts(found=found).model_dump())
    return RunView.model_construct(state=state, remarks=list(remarks), counts=counts)


def test_what_a_source_says_of_a_query_is_told_though_its_run_is_complete():
    unknown = ran("outputmessages: there is no field 'mh' here", "outputmessages: No items found.")
    ignored = ran('quotedphrasesnotfound: "care sistem"', "123: its date is left out", found=7)

    assert said_of(watching(last_run=unknown), []).strip() == (
        "crossref (main): found nothing, and the source says of its query:\n"
        "  outputmessages: there is no field 'mh' here"
    )
    assert said_of(watching(last_run=ignored), []).strip() == (
        'crossref (main): the source says of its query:\n  quotedphrasesnotfound: "care sistem"'
    )
    assert "was read mended" in said_of(watching(last_run=ran("its answer was read mended")), [])


def test_a_week_without_anything_new_is_no_remark_on_a_query():
    assert said_of(watching(last_run=ran("outputmessages: No items found.")), []) == ""
    assert said_of(watching(last_run=ran("phrasesignored: the"), state="retired"), []) == ""


def test_what_was_wrong_with_a_watch_that_is_retired_is_told_no_more():
    assert said_of(watching(trouble="away", state="retired"), []) == ""
    assert _state(watching(trouble="away", state="retired", last_run=RunView.model_construct())).plain == "retired"
