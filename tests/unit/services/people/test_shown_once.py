"""What is shown once: however often a command is sent that answers a secret, it makes one thing, and the last answer
counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select, text, update
from sqlmodel import col

from services.people import store
from services.people.models import InvitationRow, KeyRow
from shared.db.work import Work
from shared.events.people import KeyMade
from tests.unit.services.people.rig import REVIEW, PeopleBench, Someone, done, refused

SAME = {"Idempotency-Key": "cmd_the_same_form"}

INVITES = (f"/people/reviews/{REVIEW}/invitations", {"role": "reviewer"})
GRANTS = ("/people/grants", {"founds": True})
OWN = ("/people/keys", {"name": "my laptop"})
DELEGATED = ("/people/keys", {"name": "my script", "review": REVIEW, "scopes": ["records"]})
OF_REVIEW = (f"/people/reviews/{REVIEW}/keys", {"name": "reads", "scopes": ["events"]})
OF_ALL = ("/people/programs", {"name": "counts", "scopes": ["metrics"]})

Command = tuple[str, dict[str, Any]]

links = pytest.mark.parametrize("command", [INVITES, GRANTS])
programs = pytest.mark.parametrize("command", [OWN, DELEGATED, OF_REVIEW, OF_ALL])
every = pytest.mark.parametrize("command", [INVITES, GRANTS, OWN, DELEGATED, OF_REVIEW, OF_ALL])


@pytest.fixture
def root(bench: PeopleBench) -> Someone:
    """An admin of all, who leads a review, too."""
    root = bench.admin()
    done(root.asks.post(f"/people/reviews/{REVIEW}"))
    return root


def sends(client: TestClient, command: Command, **more: Any) -> Response:
    path, body = command
    return client.post(path, json=body | more, headers=SAME)


def secret_of(made: dict[str, Any]) -> str:
    return str(made.get("link") or made["key"])


def made_by(bench: PeopleBench, command: Command) -> int:
    """How many there are of what this makes."""
    with bench.work() as work:
        if command in (INVITES, GRANTS):
            return len(work.session.scalars(select(InvitationRow).where(*_alike(InvitationRow, command))).all())
        return len(work.session.scalars(select(KeyRow).where(*_alike(KeyRow, command))).all())


def _alike(row: type[InvitationRow] | type[KeyRow], command: Command) -> list[Any]:
    if row is KeyRow:
        return [col(KeyRow.name) == command[1]["name"]]
    where = col(InvitationRow.review) == (REVIEW if command == INVITES else "*")
    return [where, col(InvitationRow.role).is_(None) if command == GRANTS else where]


def counts(bench: PeopleBench, secret: str) -> bool:
    """Whether a link lets somebody in, or a key is exchanged."""
    if "/join#" in secret:
        answer = bench.accept(secret, name="Ben")
        assert answer.status_code in (201, 404), answer.text
        return answer.status_code == 201
    return bench.exchange(secret).status_code == 200


@every
def test_forty_sends_make_one_whose_secret_is_that_of_the_last_answer(bench: PeopleBench, root: Someone, command):
    events = len(bench.emitted(KeyMade))
    answers = [done(sends(root.asks, command)) for _ in range(40)]

    secrets = [secret_of(it) for it in answers]
    assert len({it["id"] for it in answers}) == 1 and len({*secrets}) == 40
    assert [it["replaced"] for it in answers] == [False, *[True] * 39]
    assert made_by(bench, command) == 1
    assert len(bench.emitted(KeyMade)) - events == (command not in (INVITES, GRANTS))
    assert [counts(bench, it) for it in secrets] == [*[False] * 39, True]


@every
def test_no_secret_is_kept_with_the_command(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))

    with bench.work() as work:
        (kept,) = work.session.execute(
            text("SELECT CAST(answer AS text) FROM commands WHERE \"key\" = 'cmd_the_same_form'")
        ).scalars()
    assert made["id"] in kept and secret_of(made).rpartition("_")[2] not in kept
    assert set(kept.translate(str.maketrans("", "", '{} "')).split(":")) == {"id", made["id"]}


@pytest.mark.waits
@every
def test_of_two_at_once_there_is_one_and_one_of_the_answers_counts(bench: PeopleBench, root: Someone, command):
    clients = [root.asks, root.asks]
    with ThreadPoolExecutor(2) as pool:
        answers = [done(it) for it in pool.map(lambda client: sends(client, command), clients)]

    assert made_by(bench, command) == 1
    (last,) = [it for it in answers if it["replaced"]]
    assert {it["id"] for it in answers} == {last["id"]}
    assert [counts(bench, secret_of(it)) for it in answers if it is not last] == [False]
    assert counts(bench, secret_of(last))


@every
def test_what_was_kept_though_its_answer_was_lost_is_made_once(bench: PeopleBench, root: Someone, monkeypatch, command):
    commit, asks = Work.commit, root.asks

    def lost(work: Work) -> None:
        commit(work)
        raise ConnectionError("killed before it said so")

    with monkeypatch.context() as patch:
        patch.setattr(Work, "commit", lost)
        assert sends(asks, command).status_code == 500
    made = done(sends(asks, command))

    assert made["replaced"] and made_by(bench, command) == 1 and counts(bench, secret_of(made))


@every
def test_what_was_not_kept_is_made_by_the_next_send(bench: PeopleBench, root: Someone, monkeypatch, command):
    def fails(work: Work) -> None:
        raise ConnectionError("killed before it was kept")

    asks = root.asks
    with monkeypatch.context() as patch:
        patch.setattr(Work, "commit", fails)
        assert sends(asks, command).status_code == 500
    made = done(sends(asks, command))

    assert not made["replaced"] and made_by(bench, command) == 1 and counts(bench, secret_of(made))


@every
def test_without_a_key_each_is_another(bench: PeopleBench, root: Someone, command):
    path, body = command
    answers = [done(root.asks.post(path, json=body)) for _ in range(2)]

    assert len({it["id"] for it in answers}) == 2 and not any(it["replaced"] for it in answers)


@every
def test_the_same_key_for_another_command_is_refused(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    other = OF_ALL if command != OF_ALL else OWN

    refused(sends(root.asks, command, days=3), 409, "key_reused")
    refused(sends(root.asks, other), 409, "key_reused")
    assert counts(bench, secret_of(made))


@every
def test_the_same_key_of_somebody_else_is_another(bench: PeopleBench, root: Someone, command):
    mine, theirs = done(sends(root.asks, command)), done(sends(bench.admin("Ruth").asks, INVITES))

    assert not theirs["replaced"] and theirs["id"] != mine["id"] and counts(bench, secret_of(mine))


@links
def test_a_link_that_was_withdrawn_stays_so(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    done(root.asks.delete(f"{command[0]}/{made['id']}"))

    problem = refused(sends(root.asks, command), 409, "invitation_over")

    assert "withdrawn" in problem["detail"] and made_by(bench, command) == 1
    refused(bench.accept(made["link"]), 409, "invitation_over")


@links
def test_a_link_by_which_somebody_came_in_is_not_opened_again(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    comer = done(bench.accept(made["link"], "Ben"))["person"]

    problem = refused(sends(root.asks, command), 409, "invitation_used")

    assert comer in problem["detail"] and made_by(bench, command) == 1


def end(bench: PeopleBench, table: type[InvitationRow] | type[KeyRow], made: str) -> None:
    """Has an invitation or a key have ended yesterday."""
    with bench.work() as work:
        over = datetime.now(UTC) - timedelta(days=1)
        work.session.execute(update(table).where(col(table.id) == made).values(ends_at=over))


@links
def test_a_link_that_is_over_is_not_opened_again(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    end(bench, InvitationRow, made["id"])

    assert "ended" in refused(sends(root.asks, command), 409, "invitation_over")["detail"]


@programs
def test_a_key_that_is_in_use_keeps_its_secret(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    bench.token(made["key"])

    refused(sends(root.asks, command), 409, "key_in_use")

    assert counts(bench, made["key"])


@programs
def test_a_key_that_was_withdrawn_stays_so(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    done(root.asks.delete(f"/people/keys/{made['id']}"))

    refused(sends(root.asks, command), 409, "already_withdrawn")

    assert not counts(bench, made["key"]) and made_by(bench, command) == 1


@programs
def test_a_key_that_is_over_is_not_made_anew(bench: PeopleBench, root: Someone, command):
    made = done(sends(root.asks, command))
    end(bench, KeyRow, made["id"])

    refused(sends(root.asks, command), 409, "key_over")


@pytest.mark.parametrize("command", [INVITES, OF_REVIEW])
def test_who_leads_no_more_is_answered_no_new_secret(bench: PeopleBench, root: Someone, command):
    lea = bench.comes_in("Lea", "lead")
    asks = lea.asks
    made = done(sends(asks, command))
    done(root.asks.put(f"/people/reviews/{REVIEW}/members/{lea.id}", json={"role": "reader"}))

    assert sends(asks, command).status_code in (401, 403)
    assert counts(bench, secret_of(made))


def test_a_key_is_not_exchanged_by_a_secret_that_is_replaced_at_that_moment(
    bench: PeopleBench, root: Someone, monkeypatch
):
    first = done(sends(root.asks, OWN))
    with bench.work() as work:
        looked_at = store.key(work, first["id"])
        work.session.expunge(looked_at)
    last = done(sends(root.asks, OWN))

    with monkeypatch.context() as patch:
        patch.setattr(store, "key", lambda work, id: looked_at if id == first["id"] else None)
        refused(bench.exchange(first["key"]), 401, "bad_key")
    assert counts(bench, last["key"])
