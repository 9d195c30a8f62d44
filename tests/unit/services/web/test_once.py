"""Forms that are sent again: each is one command, and what its answer shows once is that of the last answer."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from services.web import drawing
from services.web.page import Asked, Drawn, Go, Shown
from services.web.pages import ALL
from shared.client.asking import key_of_command
from shared.client.asynchronous.people import AsyncPeopleClient
from shared.errors import Unconfirmed
from shared.ids import new_id
from tests.unit.services.web.rig import REVIEW, Browser, Form, Site, filled

pytestmark = pytest.mark.waits

INVITE, KEYS = f"/reviews/{REVIEW}/people/invite", "/account/keys"

FORMS = [it for table in ALL for it in table.all if it.method == "POST"]


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    site.founds()
    return site.member("Lea", "lead")


def shown_once(browser: Browser) -> str:
    """What the page that answers shows now and never again."""
    (value,) = re.findall(r'readonly value="([^"]+)"', browser.text)
    return unescape(value)


def waiting(site: Site) -> list[str]:
    with site.client(site.admin) as living:
        return [it.id for it in living.people.invitations(REVIEW) if not (it.used_at or it.withdrawn_at)]


def keys_called(site: Site, browser: Browser, name: str) -> list[str]:
    with site.client(browser) as living:
        mine = living.people.keys()
        return [key.id for key in mine if key.name == name]


def is_exchanged(site: Site, key: str) -> bool:
    form = {"grant_type": "client_credentials", "client_secret": key}
    return bool(Browser(site).http.post("/people/token", data=form).status_code == 200)


def loses_the_answer(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    does = getattr(AsyncPeopleClient, method)

    async def loses(*asked: Any) -> Any:
        await does(*asked)
        raise Unconfirmed("it went away while it kept this")

    monkeypatch.setattr(AsyncPeopleClient, method, loses)


def offered(browser: Browser, action: str) -> dict[str, str]:
    """The form that a page offers in place of one that was not done."""
    (fields,) = [it["fields"] for it in Form(browser.text).forms if it["action"] == action]
    return dict(fields)


@pytest.mark.parametrize("form", FORMS, ids=lambda it: it.path)
def test_whatever_form_it_is_its_command_is_known_by_what_it_says(site, lead, monkeypatch, form: Shown):
    known, does = [], form.make

    async def gives_a_command(asked: Asked) -> Drawn:
        known.append(key_of_command())
        return Go("/account")

    proof = lead.goes("/account").form("/sign-out")["proof"]
    once, another = new_id("cmd"), new_id("cmd")
    at, file = filled(form.path), {"files": {"file": ("a.ris", b"TY  - JOUR")}} if form.takes_file else {}
    try:
        object.__setattr__(form, "make", gives_a_command)
        for said in [{"once": once, "name": "a\r\nb"}, {"once": once, "name": "a\nb"}, {"once": once, "name": "c"},
                     {"once": another, "name": "c"}, {"name": "c"}, {"name": "c"}]:  # fmt: skip
            answer = lead.http.post(at, data={"proof": proof, **said}, **file)
            assert answer.status_code == 200, answer.text
    finally:
        object.__setattr__(form, "make", does)

    first, again, *others = known
    assert first == again and len({first, *others}) == 5


def test_forty_sends_of_one_invite_form_are_one_invitation_with_the_last_link(site, lead):
    before, form = waiting(site), lead.goes(f"/reviews/{REVIEW}/people").form(INVITE) | {"role": "reader"}
    links = []
    for _ in range(40):
        links.append(shown_once(lead.posts(INVITE, form)))
        assert ("counts no more" in lead.words) == (len(links) > 1)

    assert len(waiting(site)) == len(before) + 1 and len({*links}) == 40
    assert {site.comes("Too early", link).session for link in links[:-1]} == {None}
    assert site.comes("Last", links[-1]).at == f"/reviews/{REVIEW}"


def test_a_form_with_another_role_in_it_is_another_invitation(site, lead):
    form = lead.goes(f"/reviews/{REVIEW}/people").form(INVITE)
    first, second = (shown_once(lead.posts(INVITE, form | {"role": role})) for role in ("reader", "reviewer"))

    assert site.comes("One", first).session and site.comes("Two", second).session


def test_an_invitation_whose_answer_was_lost_is_made_once(site, lead, monkeypatch):
    before, form = waiting(site), lead.goes(f"/reviews/{REVIEW}/people").form(INVITE) | {"role": "reader"}
    with monkeypatch.context() as patch:
        loses_the_answer(patch, "invite")
        lead.page = lead.http.post(INVITE, data=form)
    assert lead.page.status_code == 503 and "It is done once." in lead.words
    lead.posts(INVITE, offered(lead, INVITE))

    assert len(waiting(site)) == len(before) + 1
    assert site.comes("Lost and found", shown_once(lead)).at == f"/reviews/{REVIEW}"


def test_a_link_by_which_somebody_came_in_is_not_shown_anew(site, lead):
    form = lead.goes(f"/reviews/{REVIEW}/people").form(INVITE) | {"role": "reader"}
    site.comes("Quick", shown_once(lead.posts(INVITE, form)))

    lead.posts(INVITE, form)

    assert lead.page.status_code == 422 and "came in by this invitation already" in lead.words


def test_a_key_is_made_once_and_what_was_shown_last_counts(site, lead):
    form = lead.goes("/account").form(KEYS) | {"name": "my laptop"}
    first, last = (shown_once(lead.posts(KEYS, form)) for _ in range(2))

    assert "It is the same key" in lead.words and len(keys_called(site, lead, "my laptop")) == 1
    assert not is_exchanged(site, first) and is_exchanged(site, last)

    lead.posts(KEYS, form)
    assert lead.page.status_code == 422 and "is in use" in lead.words and is_exchanged(site, last)


def test_a_key_whose_answer_was_lost_is_made_once_and_the_page_calls_its_fields_as_its_form_does(
    site, lead, monkeypatch
):
    form = lead.goes("/account").form(KEYS) | {"name": "a feed reader", "days": "30", "scopes": "records"}
    with monkeypatch.context() as patch:
        loses_the_answer(patch, "make_key")
        lead.page = lead.http.post(KEYS, data=form)
    said = re.sub(r"\s+", " ", lead.words)
    assert lead.page.status_code == 503 and "It is done once." in said
    assert "Days until it ends 30" in said and "What it is for a feed reader" in said
    assert "What it may do (nothing ticked is all that you may) records" in said
    lead.posts(KEYS, offered(lead, KEYS))

    assert len(keys_called(site, lead, "a feed reader")) == 1 and is_exchanged(site, shown_once(lead))


def test_a_key_is_ended_once_however_often_that_is_sent(site, lead):
    shown_once(lead.posts(KEYS, lead.goes("/account").form(KEYS) | {"name": "to be ended"}))
    (key,) = keys_called(site, lead, "to be ended")
    at, form = f"{KEYS}/{key}/end", lead.goes("/account").form(f"{KEYS}/{key}/end")

    for _ in range(2):
        assert "It was ended." in lead.posts(at, form).words


def test_signing_in_is_done_each_time_and_the_page_says_so(site, lead, monkeypatch):
    browser = Browser(site)
    with monkeypatch.context() as patch:
        loses_the_answer(patch, "sign_in")
        form = browser.form("/sign-in") | {"sign_in_as": "Lea", "password": "a sentence of my own"}
        browser.page = browser.http.post("/sign-in", data=form)

    assert browser.page.status_code == 503
    assert "Each time that it arrives" in browser.words and "done once" not in browser.words


def test_each_form_calls_its_fields_by_words_that_there_are():
    for form in FORMS:
        assert all(drawing.text(label) for label in form.labels.values())
