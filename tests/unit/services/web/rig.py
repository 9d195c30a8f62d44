"""A whole platform with its pages, and browsers that know forms and cookies and no scripts."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi.testclient import TestClient

from services.app import build
from services.notify import commands as subscriptions
from services.notify.domain.tokens import Opens, token_of
from services.people.commands import invitations
from shared.client import Client
from shared.errors import NotFound
from shared.ids import new_id
from shared.settings import Settings
from shared.wire.notify import NewSubscription
from tests.waiting import eventually

REVIEW = "gardens"

#: What is no page: pictures, feeds and files.
FILES = {
    "/reviews/{review}/flow.svg", "/reviews/{review}/flow.png", "/reviews/{review}/feed.atom",
    "/reviews/{review}/reports/{kind}/report.docx", "/reviews/{review}/reports/{kind}/report.json",
    "/reviews/{review}/exports/{export}/file", "/reviews/{review}/texts/{text}/file",
    *("/reviews/{review}/findings/{number}/" + kept for kept in (
        "cite.bib", "cite.ris", "signed.json", "prov.json", "keys.json", "crate", "as/{form}", "evidence/{shape}",
        "cmocs/{cmoc}/diagram.svg",
        "cmocs/{cmoc}/diagram.png",
    )),
    "/reviews/{review}/findings/figures/support.svg", "/reviews/{review}/findings/figures/support.png",
    *("/reviews/{review}/synthesis/" + kept for kept in (
        "figures/map.svg", "figures/map.png", "figures/map.graphml", "figures/matrix.svg", "figures/matrix.png",
        "studies/sheet", "cmocs/{cmoc}/diagram.svg", "cmocs/{cmoc}/diagram.png",
    )),
}  # fmt: skip

PROTOCOL = """
review: gardens
title: Do shared gardens keep people well?
question: For whom, and why?
published_after: 2017-12-31
definitions: {context: where, mechanism: what works, outcome: what follows}
criteria: {include: [A garden that is shared], exclude: [A farm]}
highlights: {include: ["garden*"], exclude: [mice]}
strategies: [{id: by-hand, manual: A library, query: gardens, every_days: 3660}]
stages:
  - name: sift
    question: Could it say how gardens work?
    votes: 2
    answers: [{value: include, leads_to: advance}, {value: exclude, leads_to: exclude}]
    reasons: [{value: opinion, label: An opinion}, {value: elsewhere, label: Not of gardens}]
    fields: [{name: people, label: How many people, kind: number}]
  - name: depth
    question: Is it rich?
    votes: 1
    answers: [{value: rich, leads_to: advance}, {value: thin, leads_to: exclude}]
theories: [{id: one, heading: Trust, statement: Who works together comes to trust.}]
cmocs: [{id: c1, theory: one, context: c, resource: m, reasoning: r, outcome: o}]
"""


def filled(path: str, **named: str) -> str:
    """A page's path with its parts filled in: the review's, those that are named, and "1"."""
    return re.sub(r"{(\w+)}", lambda part: ({"review": REVIEW} | named).get(part[1], "1"), path)


class Form(HTMLParser):
    """The forms of a page: where each goes, what it carries, and its buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": about.get("action", ""), "fields": {}})
        elif self.forms and tag == "input" and about.get("type") not in ("radio", "checkbox") and "name" in about:
            self.forms[-1]["fields"][about["name"]] = about.get("value", "")


def _as_sent(value: Any) -> Any:
    """A field as browsers send it: lines end with both characters (HTML, "Constructing the entry list")."""
    if isinstance(value, list):
        return list(map(_as_sent, value))
    return re.sub("\r?\n", "\r\n", value) if isinstance(value, str) else value


class Browser:
    """One person's browser. It follows redirects, keeps cookies and sends forms as they stand on a page."""

    def __init__(self, site: Site) -> None:
        self.http = TestClient(site.app, base_url="http://testserver", follow_redirects=True)
        self.page: httpx.Response = self.http.get("/sign-in")

    @property
    def text(self) -> str:
        return self.page.text

    @property
    def words(self) -> str:
        """What a person reads of the page."""
        return re.sub(r"<[^>]*>", " ", self.text)

    @property
    def at(self) -> str:
        return self.page.url.path

    def goes(self, path: str) -> Browser:
        self.page = self._patiently(lambda: self.http.get(path))
        return self

    def form(self, action: str) -> dict[str, str]:
        """What the form of this page that goes to `action` carries."""
        return next(form["fields"] for form in Form(self.text).forms if urlsplit(form["action"]).path == action)

    def sends(self, action: str, **fields: Any) -> Browser:
        """Fills in the form of this page that goes to `action`, and sends it."""
        return self.posts(action, self.form(action) | fields)

    def posts(self, action: str, fields: dict[str, Any], **headers: str) -> Browser:
        sent = {name: _as_sent(value) for name, value in fields.items()}
        self.page = self._patiently(lambda: self.http.post(action, data=sent, headers=headers))
        return self

    def _patiently(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to what is asked again while the platform is busy, as a person would. A form bears what it is
        known by, so that it is done once."""
        until = time.monotonic() + 120
        while (answer := ask()).status_code == 503 and "retry-after" in answer.headers and time.monotonic() < until:
            time.sleep(0.5)
        return answer

    def uploads(self, action: str, name: str, content: bytes, **fields: Any) -> Browser:
        """Fills in the form of this page that goes to `action`, chooses a file in it, and sends it."""
        given = {name: value for name, value in (self.form(action) | fields).items() if name != "file"}
        self.page = self.http.post(action, data=given, files={"file": (name, content)})
        return self

    def signs_in(self, name: str, password: str = "a sentence of my own") -> Browser:
        return self.goes("/sign-in").sends("/sign-in", sign_in_as=name, password=password)

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("living-session")


class Site:
    """The platform, its first admin, and whoever comes by their links."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data_dir=folder, log_level="error", _env_file=None, public_url="http://testserver",
            scheduler_tick=0.2, requests_waiting=512,
        )  # fmt: skip
        self.app = build(self.settings)
        self._running = TestClient(self.app)
        self._running.__enter__()
        with self.app.state.platform.running["people"].work("people:first") as work:
            made = invitations.first_admin(work)
        assert made is not None
        self.link = made[1]
        self._admin: Browser | None = None

    @property
    def admin(self) -> Browser:
        if self._admin is None:
            self._admin = self.comes("Ada", self.link)
        return self._admin

    def comes(self, name: str, link: str) -> Browser:
        """Somebody new comes in by a link."""
        browser = Browser(self).goes("/join")
        return browser.sends("/join", invitation=link, name=name, password="a sentence of my own")

    def member(self, name: str, role: str, review: str = REVIEW) -> Browser:
        with self.client(self.admin) as living:
            link = living.people.invite(review, {"role": role}).link
        return self.comes(name, link)

    def client(self, browser: Browser) -> Client:
        """The API as whoever has this browser."""
        assert browser.session is not None
        return Client.at("http://testserver", browser.session, client=TestClient(self.app), patience=20)

    def founds(self, protocol: str = PROTOCOL, review: str = REVIEW) -> None:
        with self.client(self.admin) as living:
            living.people.found(review)
            living.protocol.apply(review, protocol)
            self.waits(lambda: living.screening.funnel(review))
            self.waits(lambda: living.ingest.status(review))

    def brings(self, *titles: str, review: str = REVIEW, **said: Any) -> None:
        """Adds papers by hand, and waits until they can be screened."""
        how = {"kind": "grey", "how": "contact", "where": "a letter", "why": "it may say why", "published": "2021"}
        with self.client(self.admin) as living:
            before = living.screening.funnel(review).discovered
            for title in titles:
                living.ingest.add(review, how | {"title": title} | said)
            self.waits(lambda: living.screening.funnel(review).discovered == before + len(titles))

    def mailed(self, opens: Opens, address: str | None = None, owner: str = "ada") -> str:
        """The page to which a link in mail leads that opens this, of a subscription that nobody has answered yet."""
        wish = NewSubscription(channel="email", address=address or f"{new_id('x')}@example.org")
        with self.app.state.platform.running["notify"].work(owner) as work:
            made = subscriptions.subscribe(work, REVIEW, wish, host="mail")
            token = token_of(made.secret or "", made.id, opens)
            return f"/mail/{made.id}/{token}"

    def waits(self, so: Callable[[], object]) -> None:
        """Until it is so, and known."""
        until = time.monotonic() + 60
        while True:
            with suppress(NotFound):
                if so():
                    return
            assert time.monotonic() < until
            time.sleep(0.1)

    def close(self) -> None:
        self._running.__exit__(None, None, None)

    @contextmanager
    def on_a_port(self) -> Iterator[str]:
        """The address at which real browsers find it."""
        server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started, within=60)
            (listening,) = server.servers
            yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
