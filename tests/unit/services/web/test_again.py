"""Forms that are not done at this moment: nothing that was written is lost, and they are done once, when they are."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import pytest

from services.web.files import Ways
from services.web.gate import Gate
from services.web.pages import ALL
from shared.client.asynchronous.synthesis import AsyncSynthesisClient
from shared.errors import Busy, Unconfirmed
from tests.unit.services.web.rig import REVIEW, Browser, Form, Site, filled
from tests.unit.services.web.test_findings import included

pytestmark = pytest.mark.waits

WROTE = 'Neighbours "meet" there,\n& <b>talk</b>.'

SENT = {"once": "cmd_" + "0" * 32, "fragment.paraphrase": WROTE, "rows": "2"}


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea", "lead")


@pytest.fixture(scope="module")
def proof(lead: Browser) -> str:
    return lead.goes("/account").form("/sign-out")["proof"]


@pytest.fixture
def busy(lead: Browser, proof: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nobody has their turn while this lasts."""

    @asynccontextmanager
    async def turn(gate: Gate, session: str | None) -> Any:
        raise Busy("many people are here")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Gate, "turn", turn)
        yield patch


def posts(browser: Browser, action: str, fields: dict[str, str], **files: Any) -> str:
    """Sends a form, once; the page that answers it, as a person reads it."""
    browser.page = browser.http.post(action, data=fields, files=files or None)
    return unescape(browser.words)


def offered(browser: Browser, action: str) -> dict[str, str]:
    """The form that a page offers in place of the one that was not done."""
    (form,) = [
        it for it in Form(browser.text).forms if it["action"] == action and SENT["once"] in it["fields"].values()
    ]
    return form["fields"]


@pytest.mark.parametrize("path", [it.path for table in ALL for it in table.all if it.method == "POST"])
def test_what_was_written_is_shown_and_can_be_sent_again_as_it_was(lead, proof, busy, path):
    said = posts(lead, filled(path), SENT | {"proof": proof})

    assert lead.page.status_code == 503 and "Retry-After" in lead.page.headers
    assert WROTE in unescape(lead.text) and "<b>talk" not in lead.text
    assert "Nothing that you wrote is lost." in said and "data-again" not in lead.text
    assert offered(lead, filled(path)) == SENT | {"proof": proof}


def test_what_is_written_in_an_answer_that_was_lost_is_done_once(site, lead, monkeypatch):
    record = included(site, "Gardens and trust")
    at = f"/reviews/{REVIEW}/records/{record}/evidence"
    given = lead.goes(at).form(at) | SENT | {
        "fragment.locator": "p. 1", "fragment.data_type": "observation", "links[0].cmoc": "c1",
        "links[0].element": "whole", "links[0].stance": "supports", "links[0].inference": "explicit",
    }  # fmt: skip
    does = AsyncSynthesisClient.link_one

    async def loses(*asked: Any) -> Any:
        await does(*asked)
        raise Unconfirmed("it went away while it kept this")

    with monkeypatch.context() as patch:
        patch.setattr(AsyncSynthesisClient, "link_one", loses)
        posts(lead, at, given)
    assert lead.page.status_code == 503 and WROTE in unescape(lead.text)
    lead.posts(at, offered(lead, at))

    assert lead.at == at and "done=coded" in str(lead.page.url), lead.words
    with site.client(lead) as living:
        assert [it.paraphrase for it in living.synthesis.evidence(REVIEW, record=record)] == [WROTE]


@pytest.mark.parametrize("fails", [Busy("many files are on their way"), OSError(errno.ENOSPC, "full")])
def test_a_file_that_has_no_way_is_chosen_anew_and_what_was_said_of_it_is_kept(lead, proof, monkeypatch, fails):
    def one(ways: Ways, session: str | None) -> Any:
        raise fails

    monkeypatch.setattr(Ways, "one", one)
    at = f"/reviews/{REVIEW}/records/1/texts"
    said = posts(lead, at, SENT | {"proof": proof}, file=("a.txt", b"Neighbours meet."))

    assert lead.page.status_code == 503 and "Give it once more" in said and "Neighbours meet." not in lead.text
    assert offered(lead, at) == SENT | {"proof": proof, "file": ""}
    assert f'action="{at}" enctype="multipart/form-data"' in lead.text


def test_a_password_and_an_invitation_are_given_anew_and_stand_on_no_page(lead, proof, busy):
    secret = {"password": "a sentence of my own", "invitation": "inv_abc"}
    said = posts(lead, "/join", SENT | secret | {"proof": proof, "name": "Eve"})

    assert lead.page.status_code == 503 and "Give it once more" in said
    assert not [it for it in secret.values() if it in lead.text]
    assert offered(lead, "/join") == SENT | {"proof": proof, "name": "Eve", "password": "", "invitation": ""}


def test_what_another_site_sent_is_not_offered(lead, proof, busy):
    posts(lead, "/account/shortcuts", SENT | {"proof": "0" * 64})

    assert lead.page.status_code == 503 and WROTE not in unescape(lead.text)
    assert 'action="/account/shortcuts"' not in lead.text


def test_what_was_written_is_shown_where_it_can_not_be_done(site, lead, proof):
    reader = site.member("Rita", "reader")
    shown = reader.goes("/account").form("/sign-out")["proof"]
    at = f"/reviews/{REVIEW}/people/invite"
    posts(reader, at, SENT | {"proof": shown})

    assert reader.page.status_code == 403 and WROTE in unescape(reader.text) and f'action="{at}"' not in reader.text
