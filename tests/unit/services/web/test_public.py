"""A public review in a browser: whoever has not signed in reads what is published, for as long as its lead lets them,
and nothing else."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from services.notify import domain
from services.web.pages import ALL
from shared.errors import Forbidden
from tests.unit.services.web.rig import REVIEW, Browser, Site, filled
from tests.unit.services.web.test_findings import included, signs

pytestmark = pytest.mark.waits

PEOPLE, AT = f"/reviews/{REVIEW}/people", f"/reviews/{REVIEW}/findings"


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    """A lead of a review with one revision, and a draft that goes further."""
    site.founds()
    lead = site.member("Lea Lead", "lead")
    record = included(site, "Gardens and trust")
    signs(site, record, "trust grew", "The first evidence.")
    with site.client(site.admin) as living:
        more = {"locator": "p. 9", "paraphrase": "a secret of the draft", "data_type": "observation"}
        link = {"cmoc": "c1", "element": "outcome", "stance": "contradicts", "inference": "explicit"}
        living.synthesis.link_one(REVIEW, {"record": record, "fragment": more, "links": [link]})
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.draft(REVIEW).evidence.added)
    return lead


@pytest.fixture
def anybody(site: Site, lead: Browser) -> Browser:
    return Browser(site)


def says(site: Site, lead: Browser, public: bool) -> None:
    """Has the lead say who may read it, by the form, until pages know."""
    if site.client(lead).people.review(REVIEW).public is not public:
        lead.goes(f"{PEOPLE}/publicity").sends(f"{PEOPLE}/publicity")
        assert lead.page.status_code == 200


def test_before_a_lead_says_so_nobody_reads_it_and_a_review_that_there_is_not_is_answered_alike(site, lead, anybody):
    says(site, lead, False)

    for path in ("findings", "findings/1", "findings/all", "findings/1/cite.bib", "feed.atom"):
        for review in (REVIEW, "nowhere"):
            anybody.goes(f"/reviews/{review}/{path}")
            assert (anybody.page.status_code, anybody.at) == (200, "/sign-in"), path


def test_once_it_is_public_anybody_reads_the_newest_revision_and_no_name_of_a_member(site, lead, anybody):
    says(site, lead, True)

    anybody.goes(f"/reviews/{REVIEW}")

    assert anybody.at == f"{AT}/1" and "The first evidence." in anybody.text and anybody.session is None
    assert "set-cookie" not in anybody.page.headers and '<form method="post"' not in anybody.text
    assert "Do shared gardens keep people well?" in anybody.text and "Gardens and trust" in anybody.text
    for hidden in ("Ada", "Lea Lead", "a secret of the draft", "trust grew", "contested"):
        assert hidden not in anybody.text, hidden
    assert "Signed on" in anybody.text and "Ada" in lead.goes(AT).text


def test_every_page_for_readers_opens_and_every_other_asks_to_sign_in(site, lead, anybody):
    says(site, lead, True)
    own = {
        filled(shown.path, stage="sift", cmoc="c1", form="markdown"): shown.open_to
        for table in ALL for shown in table.all
        if shown.method == "GET" and shown.path.startswith("/reviews/{review}")
    }  # fmt: skip

    for path, open_to in own.items():
        anybody.goes(path)
        assert (anybody.at == "/sign-in") is (open_to != "readers"), path
        assert anybody.page.status_code in (200, 422), path
    assert list(own.values()).count("readers") > 8


def test_whoever_has_signed_in_elsewhere_reads_it_too_and_is_not_led_to_rooms_that_are_not_theirs(site, lead):
    says(site, lead, True)
    with site.client(site.admin) as living:
        living.people.found("elsewhere")
    otto = site.member("Otto", "reader", review="elsewhere").goes(AT)

    assert otto.at == f"{AT}/1" and PEOPLE not in otto.text
    assert otto.goes(PEOPLE).page.status_code == 404

    says(site, lead, False)
    site.waits(lambda: otto.goes(AT).page.status_code == 404)


def test_once_it_is_private_again_the_next_page_asks_to_sign_in_and_the_token_of_before_opens_nothing(
    site, lead, anybody
):
    says(site, lead, True)
    with site.client(lead) as living:
        token = living.people.public_token(REVIEW).access_token
    assert anybody.goes(f"{AT}/1").at == f"{AT}/1"

    says(site, lead, False)

    path, by_it = f"/synthesis/reviews/{REVIEW}/revisions/1", {"Authorization": f"Bearer {token}"}
    site.waits(lambda: anybody.http.get(path, headers=by_it).status_code == 401)
    assert anybody.goes(f"{AT}/1").at == "/sign-in"
    with site.client(lead) as living, pytest.raises(Forbidden):
        living.people.public_token(REVIEW)


def test_a_link_of_a_notice_leads_to_the_page_at_once_where_it_is_public_and_else_after_signing_in(site, lead, anybody):
    says(site, lead, True)
    site.waits(lambda: b"<entry>" in site.client(lead).notify.feed(REVIEW))
    feed = anybody.goes(f"/reviews/{REVIEW}/feed.atom").text
    assert anybody.page.headers["content-type"].startswith("application/atom+xml")
    (link,) = set(re.findall(r'<link href="([^"]+)"/>', feed))
    assert f'href="http://testserver/reviews/{REVIEW}/feed.atom" rel="self"' in feed

    assert anybody.goes(link).page.status_code == 200 and anybody.at == f"{AT}/1"

    says(site, lead, False)
    rita = site.member("Rita", "reader")
    rita.posts("/sign-out", {"proof": rita.goes("/account").form("/sign-out")["proof"]})
    rita.goes(link)
    assert rita.at == "/sign-in"
    rita.sends("/sign-in", sign_in_as="Rita", password="a sentence of my own")
    assert rita.at == f"{AT}/1" and "The first evidence." in rita.text


def test_whatever_a_notice_tells_of_its_link_leads_to_a_page(site, lead):
    links = [
        domain.literature_link(site.settings.public_url, REVIEW),
        domain.agreement_link(site.settings.public_url, REVIEW),
        domain.screening_link(site.settings.public_url, REVIEW, "conflicts"),
        domain.screening_link(site.settings.public_url, REVIEW, "queue"),
        domain.review_link(site.settings.public_url, REVIEW), domain.revision_link(site.settings.public_url, REVIEW, 1),
    ]  # fmt: skip

    for link in links:
        page = lead.goes(link).page
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html"), link


def test_a_feed_reader_that_has_this_very_page_is_told_so(site, lead, anybody):
    says(site, lead, True)
    etag = anybody.goes(f"/reviews/{REVIEW}/feed.atom").page.headers["etag"]

    again = anybody.http.get(f"/reviews/{REVIEW}/feed.atom", headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")


def test_nobody_but_a_lead_sees_or_sends_the_form(site, lead):
    rita = site.member("Rio", "adjudicator")

    assert f"{PEOPLE}/publicity" not in rita.goes(PEOPLE).text and "Who may read this" in rita.text
    proof = rita.goes("/account").form("/sign-out")["proof"]
    assert rita.posts(f"{PEOPLE}/publicity", {"proof": proof, "public": "yes"}).page.status_code == 403


def test_two_hundred_who_have_not_signed_in_read_at_once_while_a_member_works(site, lead):
    says(site, lead, True)

    async def crowd() -> tuple[list[int], list[int]]:
        by = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=by, base_url="http://testserver", timeout=300) as http:
            reading = [asyncio.create_task(http.get(f"{AT}/1")) for _ in range(200)]
            working = []
            while not all(task.done() for task in reading):
                answer = await http.get(f"/people/reviews/{REVIEW}", headers=_as(site, lead))
                working.append(answer.status_code)
                await asyncio.sleep(0.02)
            return [task.result().status_code for task in reading], working

    read, worked = asyncio.run(crowd())

    assert set(read) == {200} and set(worked) == {200}


def _as(site: Site, browser: Browser) -> dict[str, str]:
    return {"Authorization": f"Bearer {browser.session}"}


def test_whoever_comes_to_the_root_finds_the_reviews_that_anybody_may_read_and_the_way_in(site, lead, anybody):
    says(site, lead, True)
    anybody.goes("/")
    assert (
        anybody.at == "/" and f'href="{AT}"' in anybody.text and "Do shared gardens keep people well?" in anybody.text
    )
    assert 'href="/sign-in"' in anybody.text

    says(site, lead, False)
    assert Browser(site).goes("/").at == "/sign-in"
