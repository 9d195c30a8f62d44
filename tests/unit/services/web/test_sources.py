"""Sources in a browser: what needs somebody first, each run as a sum that adds up, and what leads may have done."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from services.ingest.ports.sources import catalog
from services.ingest.ports.sources.port import SourceRefused
from tests.unit.services.ingest.rig import LocalSource, rejection, work
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/sources"

SEARCHED = PROTOCOL.replace(
    "strategies: [",
    "strategies: [{id: works, source: openalex, query: gardens}, {id: broken, source: pubmed, query: gardens}, ",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """One whose sources are in this process: one gives works, what is none, and less than it lists; one refuses."""
    gives, refuses = LocalSource("openalex"), LocalSource("pubmed")
    gives.put(work("openalex", "W1", "A garden <b>shared</b>"), work("openalex", "W2", "Two gardens"))
    gives.put(rejection("openalex", "W3", "<script>alert(1)</script>"))
    gives.missing = ["W9"]
    refuses.trouble = {0: SourceRefused("the key <i>is</i> none", source="pubmed")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "open_sources", lambda *given, **named: {"openalex": gives, "pubmed": refuses})
        made = Site(tmp_path_factory.mktemp("sources"))
        made.founds(SEARCHED)
        made.waits(lambda: {it.trouble is None for it in watches(made).values()} == {False})
        yield made
        made.close()


def watches(site: Site) -> dict:
    return {it.strategy: it for it in site.client(site.admin).ingest.status(REVIEW).watches}


@pytest.fixture(scope="module")
def lead(site: Site) -> Browser:
    return site.member("Lea", "lead")


def test_what_needs_somebody_comes_first_with_what_to_do(site, lead):
    lead.goes(AT)
    needing = lead.text.index("What needs somebody")

    assert needing < lead.text.index("What is asked again and again")
    assert (
        "the key &lt;i&gt;is&lt;/i&gt; none" in lead.text and "Have it pulled once what is wrong is mended" in lead.text
    )
    assert "A library" in lead.words and "is to be searched by hand" in lead.words and "Bring its files" in lead.words


def test_what_is_to_be_searched_by_hand_stands_at_a_glance_with_the_next_step(site, lead):
    (by_hand,) = site.client(lead).ingest.status(REVIEW).manual
    lead.goes(f"/reviews/{REVIEW}")

    assert by_hand.standing == "due" and "by-hand, A library: to be searched by hand" in lead.words
    assert "The next step is to search it and bring the file" in lead.words
    assert f'href="{AT}/{by_hand.watch}"' in lead.text


def test_a_run_is_a_sum_that_adds_up_and_shows_what_is_no_record_as_text(site, lead):
    run = watches(site)["works"].last_run
    lead.goes(f"/reviews/{REVIEW}/runs/{run.run}?show=rejections")

    counts = [int(n) for n in re.findall(r"<dd>(?:<span[^>]*>[=+]</span> )?(\d+)</dd></div>", lead.text)]
    assert counts == [3, 2, 0, 0, 0, 1] and counts[0] == sum(counts[1:])
    assert "&lt;script&gt;alert(1)" in lead.text and "<script>alert" not in lead.text
    assert "W9" in lead.text and "Read these again" in lead.text
    lead.goes(f"/reviews/{REVIEW}/runs/{run.run}?show=items")
    assert "W1" in lead.text and "W2" in lead.text


def test_what_is_rejected_is_read_again(site, lead):
    at = f"/reviews/{REVIEW}/runs/{watches(site)['works'].last_run.run}"
    lead.goes(f"{at}?show=rejections").sends(f"{at}/read-again")

    assert lead.at == at and "is being read again" in lead.text


def test_a_watch_is_paused_resumed_and_pulled(site, lead):
    watch = watches(site)["broken"].watch
    at = f"{AT}/{watch}"
    lead.goes(at).sends(f"{at}/pause")
    assert "It is paused." in lead.text and watches(site)["broken"].state == "paused"
    assert "Paused since" in lead.text and "tried again by itself" not in lead.text
    card = lead.goes(AT).text.split('<ul class="cards">')[1].split(">broken</a>")[1].split("</li>")[0]
    assert "Paused since" in card and "Nobody asks it" in card and "tried again by itself" not in card
    glance = lead.goes(f"/reviews/{REVIEW}").words
    assert "Watches that are paused: broken (PubMed)" in glance and not re.search("that fail: [^.]*broken", glance)
    lead.goes(at)
    lead.posts(f"{at}/pull", lead.form(f"{at}/resume"))
    assert lead.page.status_code == 422 and "is paused; resume it first" in lead.text
    lead.goes(at).sends(f"{at}/resume")
    assert watches(site)["broken"].state == "active"
    assert "It has failed" not in lead.text and watches(site)["broken"].trouble is None

    lead.goes(at).sends(f"{at}/pull")
    assert "within half a minute" in lead.text
    site.waits(lambda: watches(site)["broken"].trouble is None)  # It refuses once, and then has nothing.


def test_what_a_run_lacks_is_accepted_with_why_and_taken_back(site, lead):
    watch = watches(site)["works"].watch
    at = f"{AT}/{watch}"
    lead.goes(at).sends(f"{at}/accept", reason="")
    assert lead.page.status_code == 422 and "reason" in lead.text

    lead.goes(at).sends(f"{at}/accept", reason="it <em>never</em> gives it")
    assert "it &lt;em&gt;never" in lead.text and watches(site)["works"].accepted[0].lacking == 1
    site.waits(lambda: watches(site)["works"].last_run.state == "complete")
    lead.goes(at).sends(f"{at}/accept", lacking="0", reason="it gives it")
    assert not watches(site)["works"].accepted


def test_a_search_by_hand_is_signed_to_have_brought_nothing_new(site, lead):
    (by_hand,) = site.client(lead).ingest.status(REVIEW).manual
    at = f"{AT}/{by_hand.watch}"
    lead.goes(at).sends(f"{at}/nothing-new", query="gardens", searched_on="2999-01-01", words="None.")
    assert lead.page.status_code == 422 and "searched_on" in lead.text
    lead.goes(at).sends(f"{at}/nothing-new", query="gardens", searched_on="2026-01-02", words="None.", reported="many")
    assert lead.page.status_code == 422 and "must be a whole number" in lead.text

    lead.goes(at).sends(f"{at}/nothing-new", query="gardens", searched_on="2026-01-02", words="None.")
    assert "It is signed" in lead.text, lead.words


def test_the_files_of_a_search_by_hand_are_brought_with_that_search_chosen(site, lead):
    (by_hand,) = site.client(lead).ingest.status(REVIEW).manual
    (to,) = set(re.findall(r'href="([^"]+)"[^>]*>Bring its files', lead.goes(f"{AT}/{by_hand.watch}").text))

    lead.goes(to.replace("&amp;", "&"))

    assert re.search(rf'<option value="strategy:{by_hand.watch}" selected', lead.text)
    assert "<details open><summary>How it was found" in lead.text


def test_who_is_no_lead_looks_and_does_nothing(site, lead):
    rita = site.member("Rita", "reader").goes(AT)
    watch = watches(site)["works"].watch

    assert "What needs somebody" in rita.text and "/pull" not in rita.text and "USD" not in rita.text
    form = rita.form("/sign-out")
    for what in ("pause", "resume", "pull", "accept", "nothing-new"):
        assert rita.posts(f"{AT}/{watch}/{what}", form | {"lacking": "1"}).page.status_code == 403


@pytest.mark.parametrize("path", [f"{AT}/watch_none", f"/reviews/{REVIEW}/runs/run_none", f"{AT}/..%2fx"])
def test_what_is_not_there_is_said_so(lead, path):
    assert lead.goes(path).page.status_code in (404, 422)
