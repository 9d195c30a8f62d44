"""Every page and form, as everybody there can be: docs/pages.md says for which role each is at least.

Slow: some hundred pages and forms are asked for by eight people; about a minute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.web.pages import ALL
from shared.tokens import OF_MEMBERS
from tests.unit.services.web.rig import REVIEW, Browser, Site, filled
from tests.unit.services.web.test_findings import included, signs

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT, ELSEWHERE = f"/reviews/{REVIEW}", "orchards"
TABLE = Path(__file__).parents[4] / "docs" / "pages.md"

#: For whom a page may be, from most people to fewest.
WHO = ("anybody", "public", "signed in", *OF_MEMBERS)


def said() -> dict[str, str]:
    """Who each page is for at least, as docs/pages.md says it, by method and path."""
    rows = re.findall(r"^\| `((?:GET|POST) [^`]+)` \| ([a-z ]+) \|", TABLE.read_text(), re.MULTILINE)
    return dict(rows)


@dataclass
class People:
    """Everybody, and what parts of addresses are called."""

    site: Site
    nobody: Browser
    stranger: Browser
    members: Mapping[str, Browser]
    named: Mapping[str, str]


@pytest.fixture(scope="module")
def people(site: Site) -> People:
    site.founds()
    record = included(site, "Gardens and trust")
    signs(site, record, "trust grew", "The first evidence.")
    ada = site.admin.goes(f"{AT}/imports")
    ada.uploads(f"{AT}/imports", "library.ris", b"TY  - JOUR\nTI  - A third garden\nPY  - 2021\nER  - \n")
    imported = ada.at.rpartition("/")[2]
    with site.client(ada) as living:
        living.people.found(ELSEWHERE)
        export = living.ingest.request_export(REVIEW, {"format": "ris"}).id
        site.waits(lambda: all(it.state == "done" for it in living.ingest.exports(REVIEW)))
        site.waits(lambda: living.ingest.imported(REVIEW, imported).run)
        watch = living.ingest.status(REVIEW).manual[0].watch
        batch = next(living.screening.batches(REVIEW)).batch
        by_hand = {"strategies": [{"id": "by-hand", "manual": "A library"}]}  # Of which nobody is asked.
        site.waits(lambda: next(living.screening.tasks(REVIEW, "sift"), None))
        task = next(living.screening.tasks(REVIEW, "sift")).task
        preview = living.ingest.request_preview(REVIEW, by_hand).id
        run = living.ingest.imported(REVIEW, imported).run or ""
        link = next(living.synthesis.evidence(REVIEW)).link
    named = {
        "stage": "sift", "record": record, "imported": imported, "export": export, "watch": watch, "batch": batch,
        "run": run, "preview": preview, "task": task, "link": link, "cmoc": "c1", "form": "markdown", "shape": "matrix",
        "kind": "rameses", "item": "funding",
    }  # fmt: skip
    members = {role: site.member(f"A {role}", role) for role in OF_MEMBERS}
    return People(site, Browser(site), site.member("A stranger", "lead", ELSEWHERE), members, named)


def asks(browser: Browser, what: str, named: Mapping[str, str]) -> Browser:
    """Goes to a page, or sends a form that names nothing that there is, so that only who sends it tells."""
    method, path = what.split(" ")
    if method == "GET":
        return browser.goes(filled(path, **named))
    shown = browser.goes("/account" if browser.session else "/sign-in")
    proof = shown.form("/sign-out" if browser.session else "/sign-in")["proof"]
    fields = dict.fromkeys(("lease", "task", "record", "other", "first", "second", "ruling", "lacking", "reason"), "1")
    given = {"proof": proof, "once": "", **fields}
    if "/comments" in path or "/rewordings" in path:  # What a page itself asks for, before the platform is.
        given |= {"part": "outcome", "cmoc": "c1", "text": "1", "why": "1", "links": "1", "verdict": "keep"}
    if path.endswith(("/imports", "/texts")):
        browser.page = browser.http.post(
            filled(path, **named), data=given, files={"file": ("a.ris", b"TY  - JOUR\nER  - \n")}
        )
        return browser
    return browser.posts(filled(path, **named), given)


def test_the_table_has_every_page_and_form():
    made = [f"{shown.method} {shown.path}" for table in ALL for shown in table.all]

    assert [*said()] == made and {*said().values()} <= {*WHO}


@pytest.mark.parametrize("what", [what for what, who in said().items() if who in OF_MEMBERS])
def test_a_page_is_for_its_role_and_those_above_and_for_nobody_else(people, what):
    least = said()[what]
    denied = {
        role: asks(browser, what, people.named).page.status_code == 403 for role, browser in people.members.items()
    }

    assert denied == {role: OF_MEMBERS.index(role) < OF_MEMBERS.index(least) for role in OF_MEMBERS}
    assert asks(people.stranger, what, people.named).page.status_code == 404
    assert asks(people.nobody, what, people.named).page.status_code == (200 if what.startswith("GET") else 401)
    assert "Sign in" in people.nobody.text


@pytest.mark.parametrize("what", [what for what, who in said().items() if who == "public"])
def test_what_a_public_review_has_published_is_for_anybody(people, what):
    with people.site.client(people.site.admin) as living:
        living.people.set_public(REVIEW, True)
    for browser in (people.nobody, people.stranger, *people.members.values()):
        assert asks(browser, what, people.named).page.status_code in (200, 422), what
