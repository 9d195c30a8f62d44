"""`living subscriptions`: what one is told of, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.unit.services.notify.conftest import NotifyBench
from tests.unit.services.notify.rig import REVIEW

HOOK = "https://1.1.1.1/hook"


@pytest.fixture
def notify(serve, tmp_path) -> Iterator[NotifyBench]:
    bench = NotifyBench(tmp_path / "notify")
    serve(bench)
    yield bench
    bench.close()


def living(as_, *words: str):
    return as_("ana", "subscriptions", *words, role="reader")


def test_somebody_subscribes_tries_it_reads_the_log_and_ends_it(notify, as_):
    wish = ("--webhook", HOOK, "--cmoc", "a", "--least", "MINOR", "--every", "daily", "--zone", "Europe/Berlin")
    made = json.loads(living(as_, "add", REVIEW, *wish, "--json").stdout)
    assert (made["cmocs"], made["least"], made["every"], made["zone"]) == (["a"], "MINOR", "daily", "Europe/Berlin")

    assert "active" in living(as_, "list", REVIEW).stdout
    assert "A test is on its way." in living(as_, "test", REVIEW, made["id"]).stdout
    (message,) = json.loads(living(as_, "log", REVIEW, made["id"], "--json").stdout)
    assert (message["kind"], message["state"]) == ("test", "waiting")
    assert "It is on its way." in living(as_, "resend", REVIEW, made["id"], message["id"]).stdout
    new = living(as_, "secret", REVIEW, made["id"]).stdout.strip()
    assert new.startswith("whsec_") and new != made["secret"]
    assert "You are told nothing more there." in living(as_, "end", REVIEW, made["id"]).stdout
    assert json.loads(living(as_, "list", REVIEW, "--json").stdout)[0]["active"] is False


def test_a_zone_that_is_known_no_more_is_said_to_be_so(notify, as_, monkeypatch):
    living(as_, "add", REVIEW, "--webhook", HOOK, "--every", "daily", "--zone", "Europe/Berlin")
    monkeypatch.setattr("services.notify.views.zone_of", lambda name: None)

    assert "daily, by UTC: Europe/Berlin is not known" in " ".join(living(as_, "list", REVIEW).stdout.split())


@pytest.mark.parametrize("wish", [(), ("--email", "a@example.org", "--chat", HOOK)])
def test_one_way_is_said_and_no_other(notify, as_, wish):
    assert "say one of --email" in living(as_, "add", REVIEW, *wish).stderr


def test_what_cannot_be_is_refused_with_its_field(notify, as_):
    shown = living(as_, "add", REVIEW, "--email", "ana@example.org, bo@example.org")

    assert "body.address: must be one e-mail address" in str(shown.exception)
