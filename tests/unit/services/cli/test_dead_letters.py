"""`living dead-letters` lists what did not work by its cause, shows it whole, and decides about one or a cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.catalog import NAMES
from services.screening.manifest import SERVICE
from shared.bus.port import Message
from shared.events.ingest import Bibliography, RecordDiscovered, RecordMerged
from shared.runtime.app import create_app
from tests.unit.services.cli.conftest import data
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits


@pytest.fixture
def screening(tmp_path, monkeypatch) -> Iterator[Workbench]:
    """Screening at work, which has heard three times of a merge of a record that nobody ever told of."""
    bench = Workbench(SERVICE, tmp_path / "data", retry_seconds=0.05)
    log = bench.platform.event_log
    log.create_topics()
    bench.running.start()
    try:
        with capture_logs(), ReplayServer(bench.app) as server:
            monkeypatch.setenv("LIVING_URL", server.url)
            for name in ("rec_1", "rec_2", "rec_3"):
                event = RecordMerged(review="gardens", record=name, revision=2, into="rec_0", evidence=["same DOI"])
                log.append([Message(event.topic, event.key, bench.envelope(event).to_json())])
            eventually(lambda: bench.running.listening.waiting_dead_letters() == 3)
            yield bench
    finally:
        bench.close()


def letters(run, *more: str) -> list[dict]:
    return data(run("dead-letters", "list", "--service", "screening", "--json", *more)).get("screening", [])


def test_what_has_one_cause_is_one_line_and_each_letter_can_be_read_whole(screening, run):
    (group,) = data(run("dead-letters", "groups", "--service", "screening", "--json"))["screening"]
    first = letters(run)[0]

    assert (group["count"], group["type"], group["slug"]) == (3, "ingest.record.merged", "unknown_record")
    assert len(letters(run, "--group", group["group"])) == 3
    shown = run("dead-letters", "show", "screening", first["id"]).output
    assert "before it was ever told" in shown and "same DOI" in shown
    # Eighty columns are enough to copy an id from.
    assert first["id"] in run("dead-letters", "list", "--service", "screening").output
    assert group["group"] in run("dead-letters", "groups", "--service", "screening").output


def test_a_cause_without_a_place_in_the_code_names_none(screening, run):
    screening.platform.event_log.append([Message("ingest.records", "rec_9", b"no event")])
    eventually(lambda: screening.running.listening.waiting_dead_letters() == 4)

    shown = " ".join(run("dead-letters", "groups", "--service", "screening").output.split())

    assert "unreadable: not_json" in shown and "None" not in shown


def test_the_keys_that_wait_for_a_decision_are_told(screening, run):
    held = data(run("dead-letters", "held", "--service", "screening", "--json"))["screening"]

    assert sorted(row["key"] for row in held) == ["rec_1", "rec_2", "rec_3"]
    assert {row["cause"] for row in held} == {"fault"}
    assert {row["letter"] for row in held} == {letter["id"] for letter in letters(run)}


def test_one_letter_is_tried_again_or_discarded_with_a_reason(screening, run):
    first, second = (letter["id"] for letter in letters(run)[:2])

    again = run("dead-letters", "retry", "screening", first)
    assert again.exit_code != 0 and "before it was ever told" in str(again.exception)
    assert run("dead-letters", "discard", "screening", second).exit_code == 2
    assert "discarded" in run("dead-letters", "discard", "screening", second, "--reason", "a test sent it").output

    (gone,) = letters(run, "--state", "discarded")
    assert (gone["id"], gone["decided_why"]) == (second, "a test sent it")
    assert len(letters(run)) == 2


def test_a_whole_cause_is_tried_again_or_discarded(screening, run):
    (group,) = data(run("dead-letters", "groups", "--service", "screening", "--json"))["screening"]
    name = group["group"]

    again = run("dead-letters", "retry", "screening", "--group", name, "--all")
    assert "3 did not work" in str(again.exception)
    assert "0 retried, 3 left" in again.output
    seen = run("dead-letters", "discard", "screening", "--group", name, "--reason", "a bad release sent them").output
    assert "3 discarded, 0 left" in seen
    assert letters(run) == []
    eventually(lambda: run("dead-letters", "held", "--service", "screening").stdout == "no key is held\n")


def test_a_letter_or_a_group_must_be_named_and_not_both(run):
    neither = run("dead-letters", "retry", "screening")
    both = run("dead-letters", "retry", "screening", "dead_1", "--group", "g")

    assert neither.exit_code != 0 and both.exit_code != 0
    assert "living dead-letters groups" in str(neither.exception)


def test_a_key_that_waits_in_vain_is_given_up(screening, run):
    log = screening.platform.event_log
    about = Bibliography(title="Of a review that nobody ever published")
    event = RecordDiscovered(review="drill", record="rec_9", revision=1, run="run", bibliography=about)
    log.append([Message(event.topic, event.key, screening.envelope(event).to_json())])
    held = lambda: data(run("dead-letters", "held", "--service", "screening", "--json"))["screening"]  # noqa: E731
    eventually(lambda: "rec_9" in {row["key"] for row in held()})

    for wrong in (["rec_9"], [], ["ingest.records/rec_9", "--review", "drill"]):
        assert "TOPIC/KEY" in str(run("dead-letters", "give-up", "screening", *wrong, "--reason", "x").exception)
    assert "holds nothing of" in str(
        run("dead-letters", "give-up", "screening", "--review", "nope", "--reason", "x").exception
    )
    seen = run("dead-letters", "give-up", "screening", "--review", "drill", "--reason", "it was a drill").stdout
    assert seen == "given up: 1 event of 1 key; what is left goes on\n"
    eventually(lambda: "rec_9" not in {row["key"] for row in held()})
    assert [letter["decided_why"] for letter in letters(run, "--state", "discarded")] == ["it was a drill"]


@pytest.fixture
def alone(screening) -> Iterator[None]:
    """Screening as a part of the platform, which knows what else there is."""
    app = create_app(screening.platform, beside=NAMES)
    with ReplayServer(app) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVING_URL", server.url)
        yield


def test_where_a_part_of_the_services_is_served_it_tells_its_own_and_names_the_others(alone, run):
    listed = run("dead-letters", "list", "--json")

    assert len(data(listed)["screening"]) == 3
    assert "protocol, ingest, synthesis, search, notify" in " ".join(listed.stderr.split())
    asked = run("dead-letters", "list", "--service", "search")
    assert asked.exception.slug == "not_served"
    assert asked.exception.detail == "the service 'search' is not served here, but screening"


def test_doctor_tells_what_a_part_holds_and_names_what_it_does_not_know(alone, run):
    seen = [it for it in data(run("doctor", "--json")) if it["check"] in ("held keys", "dead letters")]

    assert any(it["told"].startswith("screening holds ingest.records/") for it in seen)
    assert any(it["told"].startswith("screening set aside 3 of ingest.record.merged") for it in seen)
    unknown = [it["told"] for it in seen if "does not serve them" in it["told"]]
    assert len(unknown) == 2 and all("protocol, ingest, synthesis, search, notify" in it for it in unknown)
