"""Every page, light and dark, wide and narrow, in a real browser: for everybody (axe), within its width, and quiet.

Slow: some seventy pages are looked at four times; about four minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from services.ingest.ports.sources import previews
from services.ingest.ports.sources.port import Page, SourceRecord, SourceRefused
from services.web.pages import ALL
from tests.browsers import Visit, chromium
from tests.unit.services.web.rig import FILES, PROTOCOL, REVIEW, Site
from tests.unit.services.web.test_confidence import JUDGED
from tests.unit.services.web.test_findings import fragment, included, signs
from tests.unit.services.web.test_imports import DECIDED, MAPPING
from tests.unit.services.web.test_synthesis import copy_of

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT, UNWRITTEN = f"/reviews/{REVIEW}", "/reviews/unwritten"
CARD, CONFLICTS, FINDINGS = f"{AT}/screen/sift", f"{AT}/conflicts", f"{AT}/findings"

#: One record, and what is none.
LIBRARY = b"TY  - JOUR\nTI  - A third garden\nPY  - 2021\nER  - \n\nTY  - JOUR\nER  - \n"


@dataclass
class Shown:
    """A site with something on each of its pages: its address, where the batch is that applied a file's decisions, and
    where it was counted what a draft would bring, and where a vote on which all are in is revised."""

    url: str
    batch: str
    preview: str
    voted: str
    synthesis: list[str]
    #: Where links in mail lead.
    mailed: Sequence[str]


@pytest.fixture(scope="module")
def shown(site: Site) -> Iterator[Shown]:
    site.founds()
    _screened(site)
    _published(site)
    batch = _brought(site)
    _alike(site)
    preview = _amended_and_counted(site)
    with site.client(site.admin) as living:
        voted = next(living.screening.conflicts(REVIEW)).task
    synthesis = _synthesised(site)
    with site.on_a_port() as url:
        yield Shown(url, batch, preview, f"{AT}/mine/votes/{voted}", synthesis, _subscribed(site))


def _screened(site: Site) -> None:
    site.brings("A shared garden", abstract="Neighbours who keep a garden together, without mice, meet more often.")
    for name, answer in (("Ana", {"answer": "include"}), ("Ben", {"answer": "exclude", "excluded_for": "opinion"})):
        browser = site.member(name, "reviewer").goes(CARD).sends(f"{CARD}/next")
        browser.sends(f"{CARD}/vote", reason="it says why", **answer)
    site.brings("A second garden", authors=["Ruiz, A", "Lang, D", "Moe, B", "Fox, C"], abstract="It is shared.")


def _published(site: Site) -> None:
    signs(site, included(site, "Gardens and trust"), "trust grew", "The first evidence.")
    with site.client(site.admin) as living:
        ana = next(it.person for it in living.people.members(REVIEW) if it.name == "Ana")
        first = living.people.hand_over(REVIEW, ana, "Longwinded" * 30)
        living.people.close_handover(REVIEW, first.handover, "taken_back")
        living.people.hand_over(REVIEW, ana, "I leave the hospital.")
        living.synthesis.set_course(REVIEW, "paused", "No funds.")
        living.synthesis.set_course(REVIEW, "living", "There are funds.")
        living.synthesis.withdraw_revision(REVIEW, 1, "Coded for another review. " + "Longwinded" * 20)
    signs(site, included(site, "Gardens and doubt"), "none", "One speaks against it.", stance="contradicts")
    with site.client(site.admin) as living:
        living.people.set_public(REVIEW, True)
        cited = living.synthesis.studies(REVIEW, 2).reports[0].record
        living.ingest.notice(REVIEW, cited, kind="retraction", reason="it was made up")
        site.waits(lambda: any(it.struck for it in living.synthesis.studies(REVIEW, 2).reports))


def _brought(site: Site) -> str:
    """Files of records and of decisions, a file to take away, and a review without a protocol; the batch's page."""
    ada = site.admin
    ada.goes(f"{AT}/imports").uploads(f"{AT}/imports", "library.ris", LIBRARY, reported="9")
    site.waits(lambda: "data-again" not in ada.goes(ada.at).text)
    ada.goes(f"{AT}/imports").uploads(f"{AT}/imports", "decided.csv", DECIDED, mapping=MAPPING)
    site.waits(lambda: "/decisions" in ada.goes(ada.at).text)
    site.waits(lambda: "stated.0" in ada.goes(f"{ada.at.removesuffix('/decisions')}/decisions").text)
    ada.sends(ada.at, **{"answer.0": "include", "reason": "it was screened before"})
    site.waits(lambda: "data-again" not in ada.goes(ada.at).text)
    batch = ada.at
    ada.goes(f"{AT}/exports").sends(f"{AT}/exports", format="ris")
    with site.client(ada) as living:
        living.people.found("unwritten")
        site.waits(lambda: [it.state for it in living.ingest.exports(REVIEW)] == ["done"])
    return batch


def _subscribed(site: Site) -> list[str]:
    """A webhook that was tried, and mail that nobody has answered; where the links in it lead."""
    with site.client(site.admin) as living:
        wish = {"channel": "webhook", "url": "https://1.1.1.1/" + "long" * 30, "kinds": ["revision", "queue"]}
        made = living.notify.subscribe(REVIEW, wish | {"cmocs": ["c1"]})
        living.notify.send_test(REVIEW, made.id)
    return [site.mailed("confirm"), site.mailed("leave")]


def _amended_and_counted(site: Site) -> str:
    """A second version of the protocol, for a reason; and what one source said ahead, and another refused."""

    def first_page(source: Any, *asked: Any) -> Page:
        if source.name == "doaj":
            raise SourceRefused("doaj refused the request: what is that?", source="doaj")
        return Page(reported=12345, records=[SourceRecord(source="pubmed", source_id="1", title="Gardens")] * 3)

    strategies = [{"id": name, "source": name, "query": "gardens"} for name in ("pubmed", "doaj")]
    with site.client(site.admin) as living, pytest.MonkeyPatch.context() as patch:
        living.protocol.apply(REVIEW, PROTOCOL.replace("A farm", "A large farm"), why="Our advisors\nasked for it.")
        patch.setattr(previews, "first_page", first_page)
        made = living.ingest.request_preview(REVIEW, {"strategies": strategies}).id
        site.waits(lambda: living.ingest.preview(REVIEW, made).done)
    return f"{AT}/protocol/previews/{made}"


def _synthesised(site: Site) -> list[str]:
    """Pages of the synthesis with something on each: two more reports, which refine an outcome, and one link judged."""
    for title in ("Gardens and time", "Gardens and tools"):
        record = included(site, title)
        with site.client(site.admin) as living:
            said = fragment("it takes time", element="outcome", stance="refines")
            site.waits(lambda record=record, said=said: living.synthesis.link_one(REVIEW, {"record": record} | said))
    differing = _coded_by_two(site)
    waiting = included(site, "Gardens and weather")
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.claim_extraction(REVIEW).extraction)
        assert next(living.synthesis.extractions(REVIEW, mine=True)).record == waiting
        text = copy_of(site, site.admin, waiting)
        said = fragment("sharers trust") | {"record": waiting}
        receipt = living.ingest.quote(REVIEW, text, "People who share a garden trust their neighbours").receipt
        said["fragment"] = {it: said["fragment"][it] for it in ("paraphrase", "data_type")} | {"receipt": receipt}
        living.synthesis.link_one(REVIEW, said)
        site.waits(lambda: living.synthesis.status(REVIEW).open_proposals)
        site.waits(lambda: living.synthesis.status(REVIEW).to_code)
        proposal = next(living.synthesis.proposals(REVIEW)).proposal
        link = next(living.synthesis.evidence(REVIEW))
        living.synthesis.appraise(REVIEW, link.link, "caution", "one of them alone said it")
        for level in ("high", "very_low"):
            living.synthesis.judge_confidence(REVIEW, "c1", JUDGED | {"confidence": level})
        site.waits(lambda: living.synthesis.draft(REVIEW).settled)
        outcome = next(it.outcome for it in living.synthesis.draft(REVIEW).cmocs if it.cmoc == "c1")
        said = {"cmoc": "c1", "part": "outcome", "words": outcome, "text": "Of whom? " + "Longwinded" * 20}
        asked = [living.synthesis.comment(REVIEW, said).comment for _ in range(2)]
        living.synthesis.answer_comment(REVIEW, asked[0], "Of those referred.")
        living.synthesis.resolve_comment(REVIEW, asked[1], "It says so now.")
    inside = [
        "", "/sign", "/coding", "/coding?which=all", "/judgements", "/judgements?which=all", "/proposals?which=all",
        "/proposals", f"/proposals/{proposal}", f"/links/{link.link}", "/cmocs/c1", "/cmocs/c1/history",
        "/cmocs/c1/confidence", "/figures", "/figures/matrix", "/figures/saturation",
        "/comments", "/comments?which=all", "/comments/new?cmoc=c1",
        "/rewordings", "/rewordings/c1/outcome",
        "/studies", "/extractions", f"/extractions/{differing}", "/coding-agreement", "/proposers",
    ]  # fmt: skip
    reports = [
        f"{AT}/reports",
        f"{AT}/reports/texts/limitations",
        f"{AT}/reports/prisma",
        f"{AT}/reports?kind=a&revision=b",
    ]
    with site.client(site.admin) as living:
        for text in ("We are two.", "We are " + "long" * 40):
            living.synthesis.write_report_text(REVIEW, "limitations", text)
    return [
        *reports,
        *(f"{AT}/synthesis{path}" for path in inside),
        *(f"{AT}/records/{it}/characteristics" for it in (record, waiting)),
        f"{AT}/texts/{text}",
        f"{AT}/records/{waiting}/proposed/{copy_of(site, site.admin, waiting)}",
        *(f"{AT}/records/{it}/evidence" for it in (record, waiting)),
    ]


#: Two coders for each report, and what is asked of its study.
_DESCRIBED = """extraction: {coders: 2}
characteristics:
  - {name: objectives, label: Objectives, required: true, help: In a sentence.}
  - {name: design, label: Design, kind: choice, options: [Trial, Case study]}
  - {name: methods, label: Methods, kind: choices, options: [Interviews, Survey]}
  - {name: begun, label: Begun, kind: year}
"""


def _coded_by_two(site: Site) -> str:
    """The extraction of a report that two have coded, who differ."""
    with site.client(site.admin) as living:
        living.protocol.apply(REVIEW, PROTOCOL.replace("A farm", "A large farm") + _DESCRIBED)
        site.waits(lambda: living.synthesis.status(REVIEW).coders == 2)
    record = included(site, "Gardens and clocks")
    for name, stance in (("Cem", "supports"), ("Dua", "bounds")):
        with site.client(site.member(name, "reviewer")) as living:
            site.waits(lambda living=living: living.synthesis.claim_extraction(REVIEW).extraction)
            mine = next(living.synthesis.extractions(REVIEW, mine=True))
            assert mine.record == record
            living.synthesis.link_one(REVIEW, {"record": record} | fragment("it takes time", stance=stance))
            living.synthesis.link_one(REVIEW, {"record": record} | fragment("it grows", element="context"))
            aim = {"record": record, "characteristic": "objectives", "value": f"To see {name} " + "longwinded" * 20}
            living.synthesis.describe(REVIEW, {"answers": [aim]})
            living.synthesis.finish_extraction(REVIEW, mine.extraction)
            found = living.synthesis.extraction(REVIEW, mine.extraction)
    with site.client(site.admin) as living:
        sides = living.synthesis.differences(REVIEW, found.extraction).differences
        assert {it.kind for it in sides} == {"agreed", "other_stance"}
    return found.extraction


def _alike(site: Site) -> None:
    alike = "Allotments and the health of older people in the towns of the north"
    for year in ("2020", "2021", "2022"):
        site.brings(alike, authors=["Ruiz, A"], abstract="Long " * 200, venue=year, published=year)
    with site.client(site.admin) as living:
        pair = next(living.ingest.duplicates(REVIEW))
        living.ingest.keep_apart(REVIEW, pair.first.record, other=pair.second.record, reason="two works")
        living.ingest.correct(REVIEW, pair.first.record, field="venue", value="Gardener", reason="as printed")
        living.ingest.notice(REVIEW, pair.first.record, kind="retraction", reason="made up")
        living.search.save(REVIEW, {"name": "Of older people", "q": "older", "alert": True})
        site.waits(lambda: living.search.find(REVIEW, "allotments", notice=["retraction"]).items)


class Looking(Visit):
    """Looks at one page after another, each four times."""

    def __init__(self, browser: Any, url: str) -> None:
        # What axe brings in is no file of ours.
        super().__init__(browser, url, bypass_csp=True)
        self.seen: set[str] = set()

    def goes(self, *paths: str) -> None:
        """Goes to each, and looks at it."""
        for path in paths:
            self.page.goto(path)
            self.looks()

    def looks(self, selector: str = "main") -> None:
        from axe_playwright_python.sync_playwright import Axe

        try:
            self.page.wait_for_selector(selector)
        except Exception as error:
            raise AssertionError(f"no {selector} at {self.page.url}: {self.page.inner_text('main')}") from error
        at = self.page.url.removeprefix(self.url).partition("?")[0]
        self.seen.add(at)
        for scheme in ("light", "dark"):
            for width in (1280, 320):
                self.page.emulate_media(color_scheme=scheme)
                self.page.set_viewport_size({"width": width, "height": 700})
                found = Axe().run(self.page).response["violations"]
                lines = [f"{it['id']}: {node['html'][:100]}" for it in found for node in it["nodes"]]
                self.wrong += [f"{at} {scheme} {width}: {line}" for line in lines]
                if (wide := self.page.evaluate("document.documentElement.scrollWidth")) > width:
                    self.wrong.append(f"{at} {scheme}: {wide} wide on {width}")


def test_every_page_is_for_everybody_within_its_width_and_quiet(shown):
    with chromium() as browser:
        ada = Looking(browser, shown.url)
        _comes_in(ada)
        _reads(ada, shown.mailed)
        ada.goes(shown.voted)
        _screens(ada)
        _looks_up_records(ada)
        _looks_after_sources(ada, shown.batch)
        _amends_the_protocol(ada, shown.preview)
        _synthesises(ada, shown.synthesis)
        _goes_on(ada)

    assert ada.wrong == []
    paths = {shown.path for table in ALL for shown in table.all if shown.method == "GET"}
    seen = {path for path in paths if any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), at) for at in ada.seen)}
    assert paths - seen == FILES


def _comes_in(ada: Looking) -> None:
    ada.goes("/", "/sign-in", "/join", "/nothing", f"{FINDINGS}/2")
    ada.page.goto("/sign-in")
    for password, selector in (("not the right one", ".faults"), ("a sentence of my own", ".cards")):
        ada.page.fill("#sign_in_as", "Ada")
        ada.page.fill("#password", password)
        ada.page.press("#password", "Enter")
        ada.looks(selector)
    ada.goes("/account", "/account/shortcuts", AT, f"{AT}/people", f"{AT}/people/figures", f"{AT}/flow")
    ada.goes(f"{AT}/people/publicity", f"{AT}/people/handover")
    ada.page.goto(f"{AT}/people")
    ada.page.click("td a[href$='/end']")
    ada.looks("form[action$='/end']")


def _goes_on(ada: Looking) -> None:
    """With a form that was sent when the session had ended."""
    ada.page.goto("/account")
    ada.page.fill("form[action='/account/password'] [name=sign_in_as]", "Ada")
    ada.page.fill("form[action='/account/password'] [name=password]", "another sentence of hers")
    ada.context.clear_cookies()
    ada.page.click("form[action='/account/password'] button")
    ada.looks("form[action='/sign-in'] .field")
    ada.page.fill("#sign_in_as", "Ada")
    ada.page.fill("#password", "a sentence of my own")
    ada.page.press("#password", "Enter")
    ada.looks("form[action='/account/password'] .field")


def _reads(ada: Looking, mailed: Sequence[str]) -> None:
    ada.goes(FINDINGS, f"{FINDINGS}?on=1999-12-31", f"{FINDINGS}/1", f"{FINDINGS}/1/verification", f"{FINDINGS}/all")
    ada.goes(f"{FINDINGS}/compare?before=1&after=2", f"{FINDINGS}/compare?before=1", f"{FINDINGS}/subscriptions")
    ada.goes(f"{FINDINGS}/figures", f"{FINDINGS}/1/cmocs/c1")
    ada.goes(f"{FINDINGS}/1/keys", f"{FINDINGS}/course", *mailed, f"{FINDINGS}/1/withdraw", f"{FINDINGS}/2/withdraw")
    ada.page.goto(f"{FINDINGS}/subscriptions")
    ada.page.click("tbody th a")
    ada.looks("table")


def _screens(ada: Looking) -> None:
    ada.goes(f"{AT}/mine", f"{AT}/mine/parked", f"{AT}/mine/notes", f"{CARD}/training")
    for path, first, then in ((CARD, "e", ".faults"), (CONFLICTS, "i", ".votes")):
        ada.goes(path)
        ada.page.keyboard.press("Enter")
        ada.looks("#title")
        ada.page.keyboard.press(first)
        ada.looks(then)
    ada.page.keyboard.press("s")  # It is decided later, and waits among those that were looked at.
    ada.looks(".apart")
    ada.goes(f"{CONFLICTS}/looked-at?ticked=all")
    ada.page.fill("#resolution", " ")
    ada.page.click("#settle button")
    ada.looks(".faults")


def _looks_up_records(ada: Looking) -> None:
    ada.page.goto(f"{AT}/records?q=allotments&notice=retraction&venue=Gardener")
    ada.looks(".hits mark")
    ada.page.click(".hits a")
    ada.looks()
    record = ada.page.url.partition("?")[0]
    ada.goes(f"{record}?correct=venue", f"{record}/history", f"{record}/alike")
    ada.goes(f"{AT}/said", f"{AT}/said?kind=theories&q=t*", f"{AT}/said?kind=releases", f"{AT}/said?q=%22never")
    ada.goes(f"{AT}/records?q=%22never", f"{AT}/duplicates", f"{AT}/duplicates/rulings")


def _looks_after_sources(ada: Looking, batch: str) -> None:
    ada.goes(f"{AT}/imports", f"{AT}/exports", f"{AT}/sources", batch)
    for path, link in ((f"{AT}/imports", "th a"), (f"{AT}/sources", "th a")):
        ada.page.goto(path)
        ada.page.click(link)
        ada.looks(".raw, .sum")
    ada.page.goto(f"{AT}/imports")
    ada.page.click("th a")
    ada.page.click(".cmoc a")
    ada.looks(".sum")
    ada.page.goto(f"{AT}/imports")
    ada.page.set_input_files("#file", {"name": "looked.csv", "mimeType": "text/csv", "buffer": DECIDED})
    ada.page.click("button[name=look]")
    ada.looks("#mapped")
    ada.page.goto(f"{AT}/imports")
    ada.page.click("text=decided.csv")
    ada.page.click("a[href$='/decisions']")
    ada.looks("table")


def _amends_the_protocol(ada: Looking, preview: str) -> None:
    ada.goes(f"{AT}/protocol", f"{AT}/protocol/versions/1", preview, f"{AT}/protocol/edit")
    text = ada.page.input_value("#document")
    for other, then in ((text.replace("title: Do", "title: How do"), "#preview"), ("title: [", "#faults")):
        ada.page.fill("#document", other)
        ada.page.click("button[value=check]")
        ada.looks(then)
    ada.goes("/reviews/new", UNWRITTEN, f"{UNWRITTEN}/protocol/new")
    ada.page.click("button[value=more]")
    ada.looks("[id='stages[2].name']")


def _synthesises(ada: Looking, pages: list[str]) -> None:
    ada.goes(*pages)
    ada.page.click("button[value=code]", no_wait_after=True)  # The browser says what is missing.
    ada.page.fill("[id='fragment.locator']", "p. 1")
    ada.page.fill("[id='fragment.paraphrase']", "it rains")
    ada.page.click("button[value=code]")
    ada.looks(".faults")
    ada.page.goto(f"{AT}/synthesis/cmocs/c1/confidence")
    for part in ("coherence-serious", "adequacy-none", "relevance-minor", "methodological_limitations-none"):
        ada.page.check(f"#{part}")
    ada.page.check("#confidence-low")
    ada.page.fill("#why", " ")
    ada.page.click(".guide button")
    ada.looks(".faults")
    ada.page.goto(f"{AT}/synthesis/sign")
    ada.page.fill("#summary", "Two studies more.")
    ada.page.fill("#despite", "The comment is for the next cycle.")
    ada.page.click("button[value=look]")
    ada.looks("#once-more")
