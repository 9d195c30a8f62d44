"""Proposals of codings by forms alone: evaluated, switched on, taken up as one's own, changed or refused."""

from __future__ import annotations

import re

import pytest

from shared.wire.synthesis import EvidenceBatch
from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included
from tests.unit.services.web.test_synthesis import copy_of, settled

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}"
PROPOSERS = f"{AT}/synthesis/proposers"

SPOKEN = [f"Garden {n} kept people together because neighbours trust those who dig" for n in range(1, 24)]
ARTICLE = "\n\n".join(f"{one}. It rained." for one in SPOKEN).encode()
STATED = PROTOCOL.replace("reasoning: r", "reasoning: Neighbours trust each other").replace("A farm", "A large farm")


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    site.founds(STATED)
    return included(site, "Gardens and trust")


@pytest.fixture(scope="module")
def text(site: Site, record: str) -> str:
    """A copy from which twenty links are coded by quotes."""
    text = copy_of(site, site.admin, record, ARTICLE)
    link = {"cmoc": "c1", "element": "reasoning", "stance": "supports", "inference": "explicit"}
    with site.client(site.admin) as living:
        site.waits(lambda: record in [it.record for it in living.synthesis.reports(REVIEW, state="included")])
        evidence = [
            {
                "record": record, "links": [link],
                "fragment": {
                    "paraphrase": "they trust", "data_type": "observation",
                    "receipt": living.ingest.quote(REVIEW, text, one).receipt,
                },
            }
            for one in SPOKEN[:20]
        ]  # fmt: skip
        living.synthesis.link(REVIEW, EvidenceBatch.model_validate({"evidence": evidence}))
    settled(site, 20)
    return text


@pytest.fixture(scope="module")
def on(site: Site, record: str, text: str) -> str:
    """Where what is proposed of the copy is shown, once it was evaluated and switched on by forms."""
    ada = site.admin.goes(PROPOSERS)
    assert "This version was not evaluated" in said(ada) and "Switch it on" not in said(ada)
    with site.client(ada) as living:
        # Told by synthesis, and so a moment later.
        site.waits(lambda: _links(site, ada) == 20)
        assert living.ingest.proposers(REVIEW)[0].on is False
    assert "20 links that people coded; copies read: 1" in said(ada.goes(PROPOSERS))
    ada.sends(f"{PROPOSERS}/rules/switch", do="on", why=" ")
    assert ada.page.status_code == 422
    ada.goes(PROPOSERS).sends(f"{PROPOSERS}/rules/switch", do="on", why="it does well")
    assert "Coders are shown what it proposes." in said(ada) and "switched on" in said(ada)
    return f"{AT}/records/{record}/proposed/{text}"


def _links(site: Site, ada: Browser) -> int:
    ada.goes(PROPOSERS).sends(f"{PROPOSERS}/rules/evaluate")
    with site.client(ada) as living:
        site.waits(lambda: (it := living.ingest.proposers(REVIEW)[0].evaluation) is not None and it.state == "done")
        found = living.ingest.proposers(REVIEW)[0].evaluation
    return 0 if found is None else found.links


@pytest.fixture(scope="module")
def cora(site: Site, record: str) -> Browser:
    return site.member("Cora", "reviewer")


def test_nothing_is_offered_where_the_proposer_is_off(site, cora, record, text):
    assert "/proposed/" not in cora.goes(f"{AT}/records/{record}/evidence").text
    at = f"{AT}/records/{record}/proposed/{text}"
    cora.goes(at).sends(f"{at}/ask")
    assert cora.page.status_code == 422 and "no proposer may read" in said(cora)


def test_what_is_proposed_counts_once_its_coder_has_said_it_in_their_words_and_bears_its_proposer(
    site, cora, record, on
):
    evidence = f"{AT}/records/{record}/evidence"
    assert on in cora.goes(evidence).text
    cora.goes(on).sends(f"{on}/ask")
    with site.client(cora) as living:
        site.waits(lambda: list(living.ingest.proposed_codings(REVIEW, on.rpartition("/")[2])))
    assert SPOKEN[0] in said(cora.goes(on)) and "says “because”" in cora.text
    settled(site, 20)

    # The form that takes it up leads to the form that codes, filled.
    cora.sends(evidence, do="take")
    assert cora.page.status_code == 200 and "This was proposed." in said(cora)
    assert SPOKEN[0] in cora.text[cora.text.index('id="code"') :]
    settled(site, 20)
    cora.sends(
        evidence, do="code", **{
            "fragment.text": on.rpartition("/")[2], "fragment.quote": f"{SPOKEN[0]}.", "links[0].cmoc": "c1",
            "links[0].element": "reasoning", "links[0].stance": "supports", "links[0].inference": "explicit",
            "fragment.paraphrase": "in our words", "fragment.data_type": "observation",
        }
    )  # fmt: skip
    assert "It is coded." in said(cora)
    settled(site, 21)
    with site.client(cora) as living:
        [mine] = [it for it in living.synthesis.evidence(REVIEW) if it.paraphrase == "in our words"]
    assert mine.proposed_by is not None and mine.proposed_by.proposer == "rules"
    assert "you took this up" in said(cora.goes(on))


def test_what_one_refuses_is_shown_to_them_no_more_and_to_others_still(site, cora, on):
    at = re.findall(rf'action="({on}/[^"]+/refuse)"', cora.goes(on).text)[0]
    cora.sends(at)
    assert "It is shown to you no more." in said(cora) and at not in cora.text
    assert at in site.member("Dee", "reviewer").goes(on).text


def test_a_reader_sees_how_well_a_proposer_does_and_nothing_of_what_it_proposes(site, on):
    rita = site.member("Rita", "reader")
    assert "95 % interval" in said(rita.goes(PROPOSERS)) and "Evaluate it" not in said(rita)
    assert rita.goes(on).page.status_code == 403
