"""`living login`, `people` and `keys`: coming in from a terminal, letting others in, and taking it back."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.cli import kept
from shared.bus.relay import relay_once
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from tests.unit.services.cli.conftest import data
from tests.unit.services.people.rig import PeopleBench

REVIEW = "ics"


@pytest.fixture
def people(tmp_path, monkeypatch) -> Iterator[PeopleBench]:
    """The service, answering at LIVING_URL, with its keys in the data folder."""
    bench = PeopleBench(tmp_path / "data")
    bench.platform.event_log.create_topics()
    try:
        with capture_logs(), ReplayServer(bench.app) as server:
            monkeypatch.setenv("LIVING_URL", server.url)
            yield bench
    finally:
        bench.close()


@pytest.fixture
def as_someone(run, monkeypatch, tmp_path):
    """Runs `living ...` as somebody of whom the machine keeps a key in a file of their own."""

    def run_as(name: str, *words: str, typed: str | None = None):
        monkeypatch.setenv("LIVING_KEYS_FILE", str(tmp_path / f"keys-{name}.json"))
        return run(*words, typed=typed)

    return run_as


def invited(as_someone, *words: str) -> str:
    """A link that the machine's owner makes, who has no key of their own."""
    return as_someone("nobody", "people", "invite", *words).stdout.strip()


def test_whoever_is_invited_comes_in_and_is_known_from_then_on(people, as_someone):
    link = invited(as_someone, REVIEW, "--role", "reviewer")

    came = as_someone("ana", "login", link, "--name", "Ana Ruiz")

    assert "Welcome to review ics as reviewer" in came.stdout
    me = as_someone("ana", "people", "me").stdout
    assert "Ana Ruiz" in me and "ics: reviewer" in me


def test_a_key_is_kept_in_a_file_that_its_owner_alone_can_read(people, as_someone):
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")

    file = kept.path()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    refused = as_someone("ana", "people", "me").exception
    assert isinstance(refused, Invalid) and "chmod 600" in refused.detail


def test_a_second_link_is_used_by_who_came_in_before(people, as_someone):
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")

    second = as_someone("ana", "login", invited(as_someone, "second", "--role", "lead"))

    assert "You belong to review second as lead" in second.stdout
    assert json.loads(as_someone("ana", "people", "me", "--json").stdout)["roles"] == {
        REVIEW: "reviewer", "second": "lead",
    }  # fmt: skip


def test_a_key_that_one_has_is_taken_from_standard_input_and_never_shown(people, as_someone):
    ana = people.comes_in("Ana")

    came = as_someone("ana", "login", typed=ana.key + "\n")

    assert "You are Ana" in came.stdout and ana.key not in came.output
    assert isinstance(as_someone("ben", "login", typed="no key\n").exception, Invalid)


def test_whoever_logs_out_leaves_no_key_that_counts(people, as_someone):
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")
    key = kept.of(people_url())

    as_someone("ana", "logout")

    assert kept.of(people_url()) is None
    assert people.exchange(key).status_code == 401


def people_url() -> str:
    from services.cli.context import setting

    return setting("url")


def test_members_are_listed_and_changed_by_the_names_one_sees(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana Ruiz")

    changed = as_someone("lea", "people", "role", REVIEW, "Ana Ruiz", "adjudicator")

    assert "Ana Ruiz is adjudicator in ics" in changed.stdout
    listed = data(as_someone("lea", "people", "list", REVIEW, "--json"))
    assert [(row["name"], row["role"]) for row in listed] == [("Lea", "lead"), ("Ana Ruiz", "adjudicator")]
    assert isinstance(as_someone("lea", "people", "role", REVIEW, "Nobody", "reader").exception, NotFound)
    assert isinstance(as_someone("ana", "people", "role", REVIEW, "Lea", "reader").exception, Forbidden)


@pytest.mark.waits
def test_whoever_is_removed_is_told_to_every_service(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")

    waits = as_someone("lea", "people", "remove", REVIEW, "Ana")
    assert "the log does not take it now" in waits.stdout

    relay_once(people.running.database, people.platform.event_log, limit=100)
    again = invited(as_someone, REVIEW, "--role", "reader")
    as_someone("ana", "login", again)
    relay_later(people)
    assert "for every service" in as_someone("ana", "people", "remove", REVIEW, "Ana").stdout


def relay_later(people: PeopleBench) -> None:
    """Brings what is told next to the log, as the relay does beside the command."""
    from threading import Thread
    from time import sleep

    def run() -> None:
        for _ in range(60):
            relay_once(people.running.database, people.platform.event_log, limit=100)
            sleep(0.1)

    Thread(target=run, daemon=True).start()


def test_the_last_lead_is_not_removed(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")

    assert isinstance(as_someone("lea", "people", "remove", REVIEW, "Lea").exception, Conflict)


def test_keys_are_made_listed_and_withdrawn(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")

    own = as_someone("lea", "keys", "make", "my script", "--review", REVIEW, "--for", "screen").stdout.strip()
    program = as_someone("lea", "keys", "make", "board", "--review", REVIEW, "--program", "--for", "events")
    rows = data(as_someone("lea", "keys", "list", "--json"))

    assert own.startswith("living_key_") and program.stdout.startswith("living_key_")
    assert [row["kind"] for row in rows] == ["own", "delegated", "program"]
    as_someone("lea", "keys", "withdraw", rows[1]["id"])
    assert people.exchange(own).status_code == 401
    assert "withdrawn" in as_someone("lea", "keys", "list").stdout


def test_who_withdraws_the_key_they_ask_by_is_told_that_it_is(people, as_someone):
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")
    (key,) = data(as_someone("ana", "keys", "list", "--json"))

    withdrawn = as_someone("ana", "keys", "withdraw", key["id"])

    assert withdrawn.exit_code == 0 and "is withdrawn" in withdrawn.stdout
    assert isinstance(as_someone("ana", "keys", "list").exception, Unauthenticated)


def test_keys_are_ones_own_so_the_machines_owner_is_told_how_to_get_in(run, people):
    refused = run("keys", "list").exception

    assert isinstance(refused, Unauthenticated) and "living login LINK" in refused.detail


def test_who_founds_a_review_leads_it(people, as_someone):
    as_someone("root", "login", invited(as_someone, "--everywhere", "--role", "admin", "--founds"), "--name", "Root")

    assert "is founded" in as_someone("root", "people", "found", "new-one").stdout
    assert json.loads(as_someone("root", "people", "me", "--json").stdout)["roles"]["new-one"] == "lead"
