"""What people and sources write is text on every page, whatever it is: sixty strings in every field that they can fill.

Slow: a review is filled with them, and then all of its pages are read that its links lead to; about a minute.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest
import yaml

from services.ingest.ports.sources import previews
from services.ingest.ports.sources.port import Page, SourceRecord
from services.notify.domain import Outcome
from services.notify.ports.channels.webhook import WebhookChannel
from services.web.pages import ALL
from shared.wire.notify import ADDRESS
from tests.unit.services.web.hostile import HOSTILE, Judged, in_pieces
from tests.unit.services.web.rig import FILES, PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_confidence import JUDGED
from tests.unit.services.web.test_findings import included, signs
from tests.unit.services.web.test_synthesis import copy_of

pytestmark = [pytest.mark.slow, pytest.mark.waits]

AT = f"/reviews/{REVIEW}"
CARD = f"{AT}/screen/sift"

#: The fields whose whole text some page shows.
FIELDS = (
    "title", "question", "definition of context", "criterion to include", "criterion to exclude", "heading",
    "context of a CMOC", "outcome of a CMOC", "question of sift", "label of opinion", "help of opinion",
    "label of a field", "help of a field", "title of a record", "abstract", "reason of a vote", "note", "summary",
    "paraphrase", "quote", "rationale", "why it is trusted", "why it is taken back", "how it is judged anew",
    "why it is declined", "why one may be sure", "text of a report",
)  # fmt: skip

#: Those whose lines some page shows.
LINES = (
    "author",
    "venue",
    "why it was decided",
    "why it was amended",
    "title of a preview",
    "remark of a source",
    "locator",
    "address of a webhook",
    "why nothing arrived",
)

#: Pages that no link leads to.
#: Three are of reviews whose reports two people code, which this one is not; the last of one where a proposer is on.
APART = {
    "/sign-in", "/join", "/reviews/{review}/synthesis/extractions", "/reviews/{review}/synthesis/coding-agreement",
    "/reviews/{review}/synthesis/extractions/{extraction}", "/reviews/{review}/records/{record}/proposed/{text}",
}  # fmt: skip

#: How much of a list's address is chosen: it is narrowed by one thing, or by the days of a year.
_CHOSEN = 2


def whole(field: str) -> str:
    """All of the corpus, said to be of that field."""
    (text,) = in_pieces(5_000)
    return f"[{field}] {text}"


def lines(field: str, longest: int = 480) -> list[str]:
    """The same, as a field takes it that holds no more than a line."""
    return [f"[{field}] {piece}" for piece in in_pieces(longest - len(field))]


#: Addresses of mail, as hostile as they may be.
MAILED = [address for it in HOSTILE if ADDRESS.fullmatch(address := f"{it}@example.org")]


def names() -> list[str]:
    """The same as people may be called: without what no name has, colons and what nobody sees."""
    return [f"[name] {piece}" for piece in in_pieces(190, [it for it in HOSTILE if it.isprintable() and ":" not in it])]


def protocol() -> str:
    """A protocol of which every text is hostile."""
    plan = yaml.safe_load(PROTOCOL)
    plan["title"], plan["question"] = whole("title"), whole("question")
    plan["definitions"] = {part: whole(f"definition of {part}") for part in plan["definitions"]}
    plan["criteria"] = {which: [whole(f"criterion to {which}")] for which in ("include", "exclude")}
    plan["theories"] = [{"id": "one", "heading": whole("heading"), "statement": whole("statement")}]
    parts = ("context", "resource", "reasoning", "outcome")
    plan["cmocs"] = [{"id": "c1", "theory": "one"} | {part: whole(f"{part} of a CMOC") for part in parts}]
    for stage in plan["stages"]:
        stage["question"] = whole(f"question of {stage['name']}")
    sift, depth = plan["stages"]
    for reason in sift["reasons"]:
        reason |= {"label": whole(f"label of {reason['value']}"), "help": whole(f"help of {reason['value']}")}
    example = {part: whole(f"{part} of an example") for part in ("title", "abstract", "why")}
    depth["training"] = [example | {"id": "first", "answer": "rich"}]
    sift["fields"][0] |= {"label": whole("label of a field"), "help": whole("help of a field")}
    return yaml.safe_dump(plan, allow_unicode=True)


@dataclass
class People:
    """A lead and two reviewers, who have left hostile words wherever they could."""

    lead: Browser
    ana: Browser
    #: Where links lead that are on no page: in a tab of its own, and in mail.
    apart: list[str]


@pytest.fixture(scope="module")
def people(site: Site) -> People:
    site.founds(protocol())
    for number, (author, venue) in enumerate(zip(lines("author"), lines("venue"), strict=True)):
        about = {"abstract": whole("abstract"), "where": lines("where")[number], "why": whole("why it was added")}
        site.brings(f"{number} {whole('title of a record')}", authors=[author], venue=venue, **about)
    ana, ben, *_ = [site.member(name, "reviewer") for name in names()]
    for browser, answer in ((ana, {"answer": "include"}), (ben, {"answer": "exclude", "excluded_for": "opinion"})):
        browser.goes(CARD).sends(f"{CARD}/next").sends(f"{CARD}/note", note=whole("note"))
        browser.sends(f"{CARD}/vote", reason=whole("reason of a vote"), **answer)
    ana.sends(f"{CARD}/park", parked_for=whole("reason to park"))
    ana.sends(f"{CARD}/note", note=whole("note"))
    signs(site, included(site, f"Found {whole('title of a report')}"), whole("paraphrase"), whole("summary"))
    synthesises(site)
    decides(site, lines("why it was decided"))
    site.admin.goes(f"{AT}/conflicts").sends(f"{AT}/conflicts/take")
    site.admin.sends(f"{AT}/conflicts/look", answer="include", reason=whole("first look"))
    brings_files(site)
    to_judge = f"{AT}/synthesis/rewordings/c1/outcome"  # None leads there while no link is to be judged.
    return People(site.admin, ana, [amends(site), *subscribes(site), to_judge])


def synthesises(site: Site) -> None:
    """Codes, judges, takes back, judges anew and declines, with hostile words for all of it."""
    refines = {"cmoc": "c1", "element": "outcome", "stance": "refines", "rationale": whole("rationale")}
    records = [included(site, f"{n} {whole('title of a report')}") for n in range(2)]
    said = {"paraphrase": whole("paraphrase"), "quote": whole("quote"), "data_type": "observation"}
    with site.client(site.admin) as living:
        for n, locator in enumerate(lines("locator")):
            given = {"record": records[n % 2], "fragment": {"locator": locator} | said, "links": [refines]}
            site.waits(lambda given=given: living.synthesis.link_one(REVIEW, given))
        copy = f"{whole('words of a copy')}\n\nTrust grew <b>slowly</b> there.\n".encode(errors="replace")
        text = copy_of(site, site.admin, records[1], copy, name="a <i>copy</i>.txt", licence="CC BY 4.0")
        receipt = living.ingest.quote(REVIEW, text, "grew <b>slowly</b>").receipt
        quoted = {"paraphrase": whole("paraphrase"), "data_type": "observation", "receipt": receipt}
        living.synthesis.link_one(REVIEW, {"record": records[1], "fragment": quoted, "links": [refines]})
        # Links that come after it is declined would have it suggested again.
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.status(REVIEW).open_proposals)
        proposal = next(living.synthesis.proposals(REVIEW))
        living.synthesis.appraise(REVIEW, proposal.links[0], "credible", whole("why it is trusted"))
        living.synthesis.decline(REVIEW, proposal.proposal, whole("why it is declined"))
        sure = JUDGED | {"why": whole("why one may be sure")}
        living.synthesis.judge_confidence(REVIEW, next(iter(living.synthesis.cmocs(REVIEW))).cmoc, sure)
        living.synthesis.write_report_text(REVIEW, "funding", whole("text of a report"))
        living.ingest.notice(REVIEW, records[0], kind="retraction", reason=whole("why it is retracted"), drill=True)
        site.waits(lambda: list(living.synthesis.rejudgements(REVIEW, "open")))
        for it in list(living.synthesis.rejudgements(REVIEW, "open")):
            living.synthesis.close_rejudgement(REVIEW, it.rejudgement, whole("how it is judged anew"))
        first = next(living.synthesis.evidence(REVIEW, record=records[1]))
        living.synthesis.withdraw(REVIEW, first.fragment, whole("why it is taken back"))


def amends(site: Site) -> str:
    """Amends the protocol for hostile reasons, and has a source say hostile things ahead; where these are shown."""
    titles, remarks = lines("title of a preview"), lines("remark of a source")

    def first_page(source: object, string: str, *asked: object) -> Page:
        n = int(string.removeprefix("gardens "))
        return Page(records=[SourceRecord(source="pubmed", source_id="1", title=titles[n])], remarks=[remarks[n]])

    with site.client(site.admin) as living, pytest.MonkeyPatch.context() as patch:
        for n, why in enumerate(lines("why it was amended")):
            living.protocol.apply(REVIEW, protocol().replace("every_days: 3660", f"every_days: {n + 1}"), why=why)
        patch.setattr(previews, "first_page", first_page)
        strategies = [{"id": f"s{n}", "source": "pubmed", "query": f"gardens {n}"} for n in range(len(titles))]
        made = living.ingest.request_preview(REVIEW, {"strategies": strategies}).id
        site.waits(lambda: living.ingest.preview(REVIEW, made).done)
    return f"{AT}/protocol/previews/{made}"


def subscribes(site: Site) -> list[str]:
    """Webhooks of hostile addresses, of which some are refused by now, that answer in hostile words, and mail; where
    the links in that lead."""
    urls = [f"https://1.1.1.1/?{line}" for line in lines("address of a webhook")]
    why = dict(zip(urls, lines("why nothing arrived"), strict=True))
    with site.client(site.admin) as living, pytest.MonkeyPatch.context() as patch:
        patch.setattr(WebhookChannel, "check", lambda self, address: "1.1.1.1")
        patch.setattr(WebhookChannel, "send", lambda self, message: Outcome(error=why[message.address]))
        for url in urls:
            made = living.notify.subscribe(REVIEW, {"channel": "webhook", "url": url})
            living.notify.send_test(REVIEW, made.id)
            site.waits(lambda made=made: any(it.attempts for it in living.notify.deliveries(REVIEW, made.id)))
        me = living.people.me().person
    return [site.mailed("leave", address, me) for address in MAILED]


def decides(site: Site, why: list[str]) -> None:
    """Corrects, rules, notices and saves, with hostile words for all of it."""
    alike = f"Alike {lines('title of two')[0]}"
    site.brings(alike, authors=["Ruiz, A"], published="2019")
    site.brings(alike, authors=["Ruiz, A"], published="2022")
    with site.client(site.admin) as living:
        pair = next(living.ingest.duplicates(REVIEW))
        one, other = pair.first.record, pair.second.record
        for reason in why:
            living.ingest.correct(REVIEW, one, field="venue", value=reason, reason=reason)
            living.ingest.notice(REVIEW, one, kind="retraction", reason=reason, drill=True)
        ruling = living.ingest.merge(REVIEW, one, other=other, reason=why[0])
        living.ingest.undo(REVIEW, ruling.ruling, reason=why[-1])
        for name in in_pieces(190):
            living.search.save(REVIEW, {"name": name, "venue": [name]})


def brings_files(site: Site) -> None:
    """Files that are hostile in their names, in what is no record, and in what they state was decided before."""
    imports, exports = f"{AT}/imports", f"{AT}/exports"
    called = names()[0].replace("/", " ")
    odd = json.dumps([{"type": "article", "note": piece} for piece in lines("what is no record")])
    site.admin.goes(imports).uploads(imports, f"{called}.json", odd.encode())
    assert site.admin.page.status_code == 200, site.admin.words
    rows = [["Title", "Year", "Decision", "Why"]]
    rows += [[f"{n} decided {piece}", "2021", "Yes", piece] for n, piece in enumerate(lines("why it was decided"))]
    table = io.StringIO()
    csv.writer(table).writerows(rows)
    column = {"map-column": "Decision", "map-stage": "sift", "map-answers": "Yes = include", "map-reason": "Why"}
    site.admin.goes(imports).uploads(imports, "decided.csv", table.getvalue().encode(), **column)
    site.waits(lambda: "/decisions" in site.admin.goes(site.admin.at).text)
    site.waits(lambda: "stated.0" in site.admin.goes(f"{site.admin.at.removesuffix('/decisions')}/decisions").text)
    site.admin.sends(site.admin.at, **{"answer.0": "include", "reason": lines("reason of a batch")[0]})
    assert "/batches/" in site.admin.at, site.admin.words
    site.admin.goes(exports).sends(exports, format="ris")
    with site.client(site.admin) as living:
        living.people.found("unwritten")
        site.waits(lambda: [it.state for it in living.ingest.exports(REVIEW)] == ["done"])


def crawled(browser: Browser, *starts: str) -> Iterator[tuple[str, str]]:
    """Every page that links lead to, once, as (path, HTML)."""
    waiting, seen = list(starts), set(starts)
    while waiting:
        at = waiting.pop()
        html = browser.goes(at).text
        yield at.partition("?")[0], html
        for found in re.findall(r'<a[^>]*\shref="(/[^"#]*)', html):
            path = unescape(found)
            is_page = not path.startswith(("/static/", "/docs")) and not path.endswith("/file")
            narrow = path.count("=") <= _CHOSEN and "after=" not in path
            if is_page and narrow and path not in seen:
                seen.add(path)
                waiting.append(path)


def test_sixty_strings_in_every_field_are_text_on_every_page(people):
    wrong: list[str] = []
    shown, pages = "", set()
    for browser in (people.lead, people.ana):
        for at, html in crawled(
            browser, "/", AT, CARD, f"{AT}/conflicts", f"{AT}/conflicts/looked-at", "/reviews/unwritten", *people.apart
        ):
            if html.startswith("<!doctype html>"):
                judged = Judged(html)
                wrong += [f"{at}: {it}" for it in judged.wrong]
                shown, pages = shown + judged.shown, pages | {at}

    assert wrong == []
    assert len(HOSTILE) == 60 and MAILED
    assert {line for field in LINES for line in lines(field) if plain(line) not in shown} == set()
    assert [address for address in MAILED if plain(address) not in shown] == []
    assert {field for field in FIELDS if plain(whole(field)) not in shown} == set()
    routes = {shown.path: re.compile(re.sub(r"{\w+}", "[^/]+", shown.path)) for table in ALL for shown in table.all
              if shown.method == "GET"}  # fmt: skip
    assert {path for path, spelled in routes.items() if not any(map(spelled.fullmatch, pages))} - FILES == APART


def plain(text: str) -> str:
    """A text as `Judged.shown` has it."""
    return re.sub(r"\s+", " ", text)
