"""Every form, filled in wrongly: each error is said, leads to its field, which says that it is wrong, and what was
written is there to be mended.

Slow: some forty forms are sent three times each; about a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from services.web.page import Look
from services.web.pages import ALL
from tests.unit.services.web.rig import FILES, REVIEW, Browser, Site, filled
from tests.unit.services.web.test_access import People, people  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT = f"/reviews/{REVIEW}"
CARD = f"{AT}/screen/sift"

#: What the fields of a form are filled in with: nothing, what no choice has, what is longer than most fields take.
EMPTY, ODD, LONG = "", '"><b>odd</b>', '"><b>long</b> ' + "x" * 6_000

#: Where a form is sent that can be filled in wrongly.
REFUSING = {
    "/sign-in", "/join", "/account/keys", "/account/password", "/account/shortcuts", "/reviews/new",
    *(f"/reviews/{{review}}/{path}" for path in (
        "batches/{batch}/undo", "exports", "findings/course", "findings/subscriptions/add",
        "findings/{number}/withdraw", "people/handover", "imports",
        "mine/votes/{task}", "people/invite", "people/{person}/role", "protocol/edit", "records/saved",
        "records/{record}/correct", "records/{record}/evidence", "records/{record}/merge", "records/{record}/notice",
        "records/{record}/retrieval", "records/{record}/texts", "records/{record}/texts/{text}/withdraw",
        "screen/{stage}/note", "screen/{stage}/vote", "sources/{watch}/nothing-new",
        "reports/texts/{item}", "synthesis/judgements/{rejudgement}/close", "synthesis/links/{link}/appraise",
        "synthesis/links/{link}/withdraw", "synthesis/sign",
    )),
}  # fmt: skip

#: Where lists of what is wrong stand in what is drawn.
LISTS = ("errors", "of_key", "not_saved", "faults")


class Forms(HTMLParser):
    """The forms of a page: where each goes, what it carries unseen, and its fields, by name, with what they are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.ids: dict[str, dict[str, str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if "id" in about:
            self.ids.setdefault(about["id"], about)
        if tag == "form":
            self.forms.append((about.get("action", "") if about.get("method") == "post" else "", {}, {}))
        elif self.forms and tag in ("input", "select", "textarea") and "name" in about:
            kind = about.get("type", "text") if tag == "input" else tag
            if kind == "hidden":
                self.forms[-1][1][about["name"]] = about.get("value", "")
            else:
                self.forms[-1][2][about["name"]] = kind


@pytest.fixture(scope="module")
def lead(site: Site, people: People) -> Browser:  # noqa: F811
    """A lead of a review in which something of each kind can be said anew, or taken back."""
    ada, record = site.admin, people.named["record"]
    with site.client(ada) as living:
        living.ingest.correct(REVIEW, record, field="venue", value="Gardener", reason="as printed")
        file = living.ingest.upload_text(REVIEW, lambda: iter([b"Neighbours meet."]), 16)
        living.ingest.add_text(REVIEW, record, {"file": file.sha256, "name": "a.txt", "licence": "CC BY 4.0"})
        for year in ("2019", "2022"):
            site.brings("Allotments and the health of older people in the north", authors=["Ruiz, A"], published=year)
        living.ingest.notice(REVIEW, record, kind="retraction", reason="an exercise", drill=True)
        site.waits(lambda: list(living.synthesis.rejudgements(REVIEW, "open")))
    return ada.goes(CARD).sends(f"{CARD}/next")


def forms_of(browser: Browser) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """The forms of a page that can be filled in, by where they go."""
    return {path_of(to): (unseen, fields) for to, unseen, fields in Forms(browser.text).forms if to and fields}


def opened(site: Site, browser: Browser, path: str) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """The forms of a page that it is gone to; of that of signing once the draft has all that arrived."""
    browser.goes(path)
    if path.endswith("/sign"):
        site.waits(lambda: forms_of(browser.goes(path)))
    return forms_of(browser)


def looked_at(named: Mapping[str, str]) -> Iterator[str]:
    """All pages, as paths."""
    for shown in (shown for table in ALL for shown in table.all):
        if shown.method == "GET" and shown.path not in FILES:
            yield filled(shown.path, **named)


def wrong_with(browser: Browser, action: str, said: Sequence[Mapping[str, str]], written: str) -> Iterator[str]:
    """What is not as it should be on a page that was drawn again, of the form that was sent with this in its fields."""
    text, page = browser.text, Forms(browser.text)
    listed = re.findall(
        r'<div class="faults"(?: id="faults")? role="alert" tabindex="-1" data-focus>(.*?)</div>', text, re.DOTALL
    )
    if len(listed) != 1:
        yield f"{len(listed)} lists of what is wrong"
        return
    lines = re.findall(r'<li(?: id="([\w-]+)")?>(.*?)</li>', listed[0], re.DOTALL)
    yield from (f"not said: {error}" for error in said if error["why"] not in unescape(listed[0]))
    led = set()
    for line, words in lines:
        for to in map(unescape, re.findall(r'<a href="#([^"]*)"', words)):
            field = page.ids.get(to, {})
            led |= {to, field.get("name", "")}
            by = field.get("aria-describedby", "").split()
            if field.get("aria-invalid") != "true" or not {line, "faults"} & {*by}:
                yield f"the field does not say that it is wrong: {words}"
            yield from (f"no {it}" for it in by if it not in page.ids)
    fields = {name for to, _, names in page.forms if path_of(to) == action for name in names}
    yield from (f"no way to {error}" for error in said if error["at"] in fields - led)
    if written.strip() not in unescape(text):
        yield "what was written is lost"


def path_of(action: str) -> str:
    return action.partition("#")[0].partition("?")[0]


def test_each_error_is_said_at_its_field_and_nothing_that_was_written_is_lost(site, people, lead, monkeypatch):  # noqa: F811
    said: list[Mapping[str, str]] = []
    page = Look.page

    def spied(look: Look, template: str, given: Mapping[str, Any], *rest: Any) -> Any:
        said[:] = [error for name in LISTS for error in given.get(name, ())]
        return page(look, template, given, *rest)

    monkeypatch.setattr(Look, "page", spied)
    sent_to = [it.path for table in ALL for it in table.all if it.method == "POST"]
    routes = {path: re.compile(re.sub(r"{\w+}", "[^/]+", path)) for path in sent_to}
    checked, faults = set(), []
    for path in looked_at(people.named):
        for action in opened(site, lead, path):
            for wrong in (EMPTY, LONG, ODD):
                if action not in (forms := opened(site, lead, path)):
                    break
                unseen, fields = forms[action]
                files = {name: ("a.ris", b"") for name, kind in fields.items() if kind == "file"} or None
                given = {name: wrong for name, kind in fields.items() if kind != "file"}
                lead.page = lead.http.post(action, data=unseen | given, files=files)
                if lead.page.status_code == 422:
                    faults += [f"{action} {wrong[:8]}: {it}" for it in wrong_with(lead, action, said, wrong)]
                    checked |= {path for path, spelled in routes.items() if spelled.fullmatch(action)}

    assert faults == []
    assert checked >= REFUSING
