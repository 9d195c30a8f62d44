"""Studies are described by a form that the protocol makes, and stand in a table."""

from __future__ import annotations

import re

import pytest

from tests.unit.services.web.rig import PROTOCOL, REVIEW, Browser, Site
from tests.unit.services.web.test_findings import included

pytestmark = pytest.mark.waits

STUDIES = f"/reviews/{REVIEW}/synthesis/studies"
ASKED = """
characteristics:
  - {name: why, label: Objectives, required: true, help: In a sentence.}
  - {name: design, label: Design, kind: choice, options: [Trial, Case study], required: true}
  - {name: methods, label: Methods, kind: choices, options: [Interviews, Survey, Diaries]}
  - {name: size, label: Participants, kind: number, least: 0}
  - {name: randomised, label: Randomised, kind: yes_no}
"""


@pytest.fixture(scope="module")
def record(site: Site) -> str:
    site.founds(PROTOCOL + ASKED)
    made = included(site, "Gardens and trust")
    with site.client(site.admin) as living:
        site.waits(lambda: list(living.synthesis.described_studies(REVIEW)))
    return made


@pytest.fixture(scope="module")
def ana(site: Site, record: str) -> Browser:
    return site.member("Ana", "reviewer")


def said(browser: Browser) -> str:
    return " ".join(browser.words.split())


def known(site: Site, record: str) -> dict[str, object]:
    with site.client(site.admin) as living:
        found = living.synthesis.characteristics_of(REVIEW, record).characteristics
    return {it.characteristic: it.answers[0].value for it in found if it.answers}


FILLED = {
    "of.why": "to see <b>how</b>\r\ntrust grows", "of.design": "Trial", "of.methods": ["Survey", "Diaries"],
    "of.size": "12", "of.size.locator": "p. 3", "of.randomised": "no",
}  # fmt: skip


def test_a_study_is_described_corrected_and_stands_in_the_table(site, record, ana):
    at = f"/reviews/{REVIEW}/records/{record}/characteristics"
    assert f'href="{at}"' in ana.goes(f"/reviews/{REVIEW}/records/{record}/evidence").text
    assert "To be answered: 2" in said(ana.goes(at)) and "In a sentence." in said(ana)
    ana.sends(at, **FILLED | {"of.size": "-1"})
    assert ana.page.status_code == 422 and "0 or more" in said(ana) and '<a href="#of.size"' in ana.text
    assert known(site, record) == {} and "trust grows</textarea>" in ana.text and 'value="Trial" selected' in ana.text
    ana.sends(at, **FILLED)
    assert ana.at == at and "What you said is kept." in said(ana) and "&lt;b&gt;how" in ana.text
    found = known(site, record)
    assert str(found.pop("why")).split() == ["to", "see", "<b>how</b>", "trust", "grows"]
    assert found == {"design": "Trial", "methods": ["Survey", "Diaries"], "size": 12, "randomised": False}

    ana.goes(at).sends(at, **FILLED)
    assert "nothing is changed" in said(ana)
    ana.goes(at).sends(at, **FILLED | {"of.design": "Case study"})
    assert ana.page.status_code == 422 and 'href="#why"' in ana.text
    assert said(ana).count("say why yours corrects it") == 2 and "Of: " not in said(ana)
    ana.sends(at, **FILLED | {"of.design": "Case study", "why": "the abstract is wrong"})
    assert known(site, record)["design"] == "Case study"
    ana.goes(at).sends(
        at, **FILLED | {"of.design": "Case study", "of.size": "", "of.size.not_reported": "yes", "why": "no"}
    )
    assert known(site, record)["size"] is None and "not reported" in said(ana)
    assert "Case study" in said(ana.goes(STUDIES)) and "Gardens and trust" in said(ana)
    assert "Case study" in ana.goes(f"{STUDIES}/sheet").text


def test_a_reader_sees_the_study_and_no_form(site, record):
    rita = site.member("Rita", "reader")
    at = f"/reviews/{REVIEW}/records/{record}/characteristics"
    assert "Objectives" in said(rita.goes(at)) and not re.search(rf'action="{at}', rita.text)
    rita.posts(at, rita.form("/sign-out") | {"of.design": "Trial"})
    assert known(site, record)["design"] == "Case study"
