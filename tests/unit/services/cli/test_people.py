"""`living login`, `people` and `keys`: coming in from a terminal, letting others in, and taking it back."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from threading import Event

import pytest
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.cli import _COMMANDS, context, kept
from shared.bus.relay import relay_once
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from tests.unit.services.cli.conftest import data
from tests.unit.services.people.rig import PeopleBench
from tests.waiting import in_the_background

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
    """Runs `living ...` as somebody of whom the machine keeps a key in a file of their own, or as nobody."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))

    def run_as(name: str, *words: str, typed: str | None = None):
        monkeypatch.delenv("LIVING_KEYS_FILE", raising=False)
        if name != "nobody":
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

    assert "Ana, you belong to review second as lead" in second.stdout
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


def test_a_lead_makes_a_review_public_and_private_again(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana Ruiz")
    reads = lambda: people.anybody().post("/people/public-tokens", json={"review": REVIEW}).status_code  # noqa: E731

    said = as_someone("lea", "people", "readers", REVIEW, "anybody")
    assert "anybody may read what ics has published" in said.stdout and reads() == 200
    assert isinstance(as_someone("ana", "people", "readers", REVIEW, "members").exception, Forbidden)

    assert (
        "members alone may read" in as_someone("lea", "people", "readers", REVIEW, "members").stdout and reads() == 403
    )


@pytest.mark.waits
def test_whoever_is_removed_is_told_to_every_service(people, as_someone):
    as_someone("lea", "login", invited(as_someone, REVIEW, "--role", "lead"), "--name", "Lea")
    as_someone("ana", "login", invited(as_someone, REVIEW, "--role", "reviewer"), "--name", "Ana")

    waits = as_someone("lea", "people", "remove", REVIEW, "Ana")
    assert "the log does not take it now" in waits.stdout

    relay_once(people.running.database, people.platform.event_log, limit=100)
    again = invited(as_someone, REVIEW, "--role", "reader")
    as_someone("ana", "login", again)

    def relay(over: Event) -> None:
        """As the relay does beside the command."""
        while not over.wait(0.1):
            relay_once(people.running.database, people.platform.event_log, limit=100)

    with in_the_background(relay):
        assert "for every service" in as_someone("ana", "people", "remove", REVIEW, "Ana").stdout


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


# What somebody does by mistake


def comes_in(as_someone, name: str, role: str = "reviewer", *more: str) -> None:
    came = as_someone(name.lower(), "login", invited(as_someone, REVIEW, "--role", role), "--name", name, *more)
    assert came.exit_code == 0, came.exception


def test_nobody_is_logged_out_whose_key_could_not_be_withdrawn(people, as_someone, monkeypatch):
    comes_in(as_someone, "Ana")
    served, key = people_url(), kept.of(people_url())
    kept.keep("http://127.0.0.1:9", key, kept.whose(served))
    monkeypatch.setenv("LIVING_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("services.cli.login.connected", _soon)

    still = as_someone("ana", "logout").exception
    assert isinstance(still, Unavailable) and "still logged in" in still.detail and "--forget" in still.detail
    assert kept.of("http://127.0.0.1:9") == key

    assert "counts until it ends" in as_someone("ana", "logout", "--forget").stdout
    assert kept.of("http://127.0.0.1:9") is None and kept.of(served) == key


def _soon(key: str):
    from services.cli.context import connected

    return connected(key, patience=0.1)


def test_no_login_puts_anothers_key_out_of_sight(people, as_someone):
    comes_in(as_someone, "Lea", "lead")
    comes_in(as_someone, "Ana")
    as_someone("lea", "people", "me")
    leas = kept.of(people_url())
    program = as_someone("lea", "keys", "make", "b", "--review", REVIEW, "--program", "--for", "events").stdout.strip()
    narrow = as_someone("lea", "keys", "make", "s", "--review", REVIEW, "--for", "screen").stdout.strip()
    as_someone("ana", "people", "me")
    anas = kept.of(people_url())

    for typed, why in ((program, "is another's"), (anas, "is another's"), (narrow, "is for screen alone")):
        refused = as_someone("lea", "login", typed=typed).exception
        assert isinstance(refused, Invalid) and why in refused.detail and "log out first" in refused.detail
        assert kept.of(people_url()) == leas


def test_a_link_is_not_spent_for_who_is_somebody_else_here(people, as_someone):
    comes_in(as_someone, "Dora", "lead")
    link = invited(as_someone, REVIEW, "--role", "reviewer")

    refused = as_someone("dora", "login", link, "--name", "Ana Ruiz").exception

    assert isinstance(refused, Invalid) and "you are Dora here" in refused.detail
    assert as_someone("ana", "login", link, "--name", "Ana Ruiz").exit_code == 0


def test_a_link_is_not_spent_where_no_key_can_be_kept(people, run, as_someone, tmp_path, monkeypatch):
    link = invited(as_someone, REVIEW, "--role", "reviewer")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LIVING_KEYS_FILE", str(tmp_path / "file" / "keys.json"))

    assert run("login", link, "--name", "Ana").exception is not None
    assert as_someone("ana", "login", link, "--name", "Ana").exit_code == 0


def test_a_misspelt_file_of_keys_makes_nobody_the_machines_owner(people, as_someone):
    comes_in(as_someone, "Ana")

    for words in (("people", "role", REVIEW, "Ana", "lead"), ("people", "me"), ("people", "list", REVIEW)):
        refused = as_someone("anna", *words).exception
        assert isinstance(refused, Unauthenticated) and "keys-anna.json, which LIVING_KEYS_FILE names" in refused.detail
    assert "you act as this machine's owner" in as_someone("nobody", "people", "me").stdout


def test_who_asks_a_wrong_address_is_told_for_which_they_have_a_key(people, as_someone, monkeypatch):
    comes_in(as_someone, "Ana")
    monkeypatch.setenv("LIVING_URL", "http://127.0.0.1:9")

    for words in (("people", "me"), ("queue", "next", REVIEW)):
        refused = as_someone("ana", *words).exception
        assert isinstance(refused, Unauthenticated) and "is LIVING_URL right?" in refused.detail


def test_a_link_says_which_platform_it_is_for(people, run, as_someone, monkeypatch, tmp_path):
    link = invited(as_someone, REVIEW, "--role", "reviewer")
    served = people_url()
    monkeypatch.delenv("LIVING_URL")
    monkeypatch.setenv("LIVING_KEYS_FILE", str(tmp_path / "keys.json"))
    context.given.cache_clear()

    came = run("login", f"{served}/join#{link.partition('#')[2]}", "--name", "Ana")

    assert f"set LIVING_URL={served}" in came.stdout and kept.of(served)
    for wrong in ("http://127.0.0.1/join#", "nowhere#living_invitation_x"):
        assert isinstance(run("login", wrong).exception, Invalid)


def test_a_link_may_come_from_a_file_where_other_users_do_not_see_it(people, as_someone):
    link = invited(as_someone, REVIEW, "--role", "reviewer")

    came = as_someone("ana", "login", "--name", "Ana", typed=f"{link}\n")

    assert "Welcome to review ics as reviewer" in came.stdout


def test_a_whole_key_that_is_given_for_its_id_is_withdrawn_and_not_sent(people, as_someone, monkeypatch):
    comes_in(as_someone, "Ana")
    narrow = as_someone("ana", "keys", "make", "s", "--for", "screen").stdout.strip()

    withdrawn = as_someone("ana", "keys", "withdraw", narrow)

    assert "is withdrawn" in withdrawn.stdout and narrow not in withdrawn.stdout
    assert people.exchange(narrow).status_code == 401


def test_who_comes_back_is_not_asked_what_to_be_called(people, as_someone):
    comes_in(as_someone, "Ana")
    ana = json.loads(as_someone("ana", "people", "me", "--json").stdout)["person"]
    back = invited(as_someone, "--everywhere", "--back", ana)

    assert "You are Ana" in as_someone("elsewhere", "login", back).stdout
    missing = as_someone("new", "login", invited(as_someone, REVIEW, "--role", "reader")).exception
    assert isinstance(missing, Invalid) and "what others are to call you" in missing.detail


def test_a_scope_that_a_key_lacks_is_told_with_the_variable_it_is_in(people, as_someone, monkeypatch):
    comes_in(as_someone, "Lea", "lead")
    narrow = as_someone("lea", "keys", "make", "s", "--review", REVIEW, "--for", "screen").stdout.strip()
    monkeypatch.setenv("LIVING_KEY", narrow)

    refused = as_someone("lea", "keys", "list").exception

    assert isinstance(refused, Forbidden) and "for nothing but oneself" in refused.detail
    assert "LIVING_KEY" in refused.detail
    monkeypatch.setenv("LIVING_KEY", "garbage")
    assert "begins with living_key_" in as_someone("lea", "keys", "list").exception.detail


def test_links_are_listed_by_who_made_them_and_taken_back(people, as_someone):
    comes_in(as_someone, "Lea", "lead")
    link = as_someone("lea", "people", "invite", REVIEW, "--role", "reader").stdout.strip()
    everywhere = invited(as_someone, "--everywhere", "--role", "admin")
    listed = data(as_someone("lea", "people", "invitations", REVIEW, "--json"))
    grants = data(as_someone("nobody", "people", "invitations", "--everywhere", "--json"))
    assert "Lea" in as_someone("lea", "people", "invitations", REVIEW).stdout

    as_someone("lea", "people", "uninvite", listed[-1]["id"], REVIEW)
    as_someone("nobody", "people", "uninvite", grants[-1]["id"], "--everywhere")

    for gone in (link, everywhere):
        refused = as_someone("eve", "login", gone, "--name", "Eve").exception
        assert isinstance(refused, Conflict) and "was withdrawn" in refused.detail


def test_who_has_a_role_in_all_reviews_is_listed_and_loses_it(people, as_someone):
    for name in ("Root", "Rosa"):
        link = invited(as_someone, "--everywhere", "--role", "admin")
        assert as_someone(name.lower(), "login", link, "--name", name).exit_code == 0
    listed = data(as_someone("root", "people", "list", "--everywhere", "--json"))
    assert [(row["name"], row["role"]) for row in listed] == [("Root", "admin"), ("Rosa", "admin")]

    assert "no role in all reviews" in as_someone("root", "people", "remove", "--everywhere", "Rosa").stdout

    assert [row["name"] for row in data(as_someone("root", "people", "list", "--everywhere", "--json"))] == ["Root"]
    assert isinstance(as_someone("root", "people", "remove", "--everywhere", "Root").exception, Conflict)
    comes_in(as_someone, "Ana")
    assert isinstance(as_someone("ana", "people", "list", "--everywhere").exception, Forbidden)


@pytest.mark.parametrize("words", [
    ("people", "invite", REVIEW, "--role", "lead", "--back", "person_x"),
    ("people", "invite", REVIEW, "--role", "reader", "--founds"), ("people", "invite", "--everywhere", "--back", "Ana"),
    ("people", "invite"), ("people", "list"), ("people", "remove"), ("people", "remove", REVIEW),
    ("people", "remove", "--everywhere"), ("people", "uninvite", "invitation_x"), ("people", "forget", "Ana"),
    ("keys", "withdraw", "my script"),
])  # fmt: skip
def test_a_command_that_cannot_be_meant_is_refused_before_anything_is_asked(people, as_someone, words):
    assert as_someone("nobody", *words).exit_code == 2


def test_nobody_comes_in_under_what_stands_for_another(people, as_someone):
    comes_in(as_someone, "Lea", "lead")
    link = invited(as_someone, REVIEW, "--role", "reviewer")
    lea = json.loads(as_someone("lea", "people", "me", "--json").stdout)["person"]

    for name in (lea, "Member 2", "mеmber  7", "(erased, member 4)"):
        refused = as_someone("eve", "login", link, "--name", name).exception
        assert isinstance(refused, Invalid) and "must not read as" in refused.detail, name


def test_numbers_are_no_programs_of_one_review(people, as_someone):
    comes_in(as_someone, "Lea", "lead")

    refused = as_someone("lea", "keys", "make", "p", "--review", REVIEW, "--program", "--for", "metrics").exception

    assert isinstance(refused, Invalid) and "'metrics' are of all reviews" in refused.detail


def test_an_admin_who_founds_what_is_there_is_told_how_it_gets_a_lead(people, as_someone):
    as_someone("root", "login", invited(as_someone, "--everywhere", "--role", "admin", "--founds"), "--name", "Root")
    as_someone("root", "people", "found", "new-one")

    again = as_someone("root", "people", "found", "new-one").exception

    assert isinstance(again, Conflict) and "invite its lead" in again.detail
    assert "`living people invite REVIEW --role lead`" in _COMMANDS[again.slug]


def test_a_lead_hands_a_review_over_and_whom_they_name_takes_it_or_does_not(people, as_someone):
    for name, role in (("Lea", "lead"), ("Ana", "reviewer")):
        as_someone(name.lower(), "login", invited(as_someone, REVIEW, "--role", role), "--name", name)
    propose = ["people", "hand-over", REVIEW, "Ana", "--why", "I leave."]
    assert as_someone("lea", *propose[:-2]).exit_code == 2
    assert as_someone("ana", "people", "take-over", REVIEW).exception.slug == "unknown_handover"

    assert "Ana is asked to take ics over" in as_someone("lea", *propose).stdout
    assert "ics stays with you" in as_someone("lea", "people", "hand-over", REVIEW, "--take-back").stdout
    as_someone("lea", *propose)
    assert "you do not take ics over" in as_someone("ana", "people", "take-over", REVIEW, "--decline").stdout
    as_someone("lea", *propose, "--stay-as", "reader")
    assert "you lead ics from now on" in as_someone("ana", "people", "take-over", REVIEW).stdout

    listed = data(as_someone("ana", "people", "handovers", REVIEW, "--json"))
    assert [it["state"] for it in listed] == ["accepted", "declined", "taken_back"]
    roles = {it["name"]: it["role"] for it in data(as_someone("ana", "people", "list", REVIEW, "--json"))}
    assert roles == {"Lea": "reader", "Ana": "lead"}
