"""What leads see of people: how much is done, how far they agree, how their examples went, and who is given what."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.web.pages.figures import HIGH, loads
from shared.wire.screening import DayOfWork
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT, CARD = f"/reviews/{REVIEW}/people/figures", f"/reviews/{REVIEW}/screen/sift"


@pytest.fixture(scope="module")
def ada(site: Site) -> Browser:
    """A lead, in a review in which two people agree on one paper of two."""
    site.founds()
    site.brings("A shared garden of one", "A shared garden of two")
    out = {"answer": "exclude", "excluded_for": "opinion"}
    for name, answers in (("Ana <i>", ({"answer": "include"}, out)), ("Ben", ({"answer": "include"},) * 2)):
        browser = site.member(name, "reviewer").goes(CARD).sends(f"{CARD}/next")
        for answer in answers:
            browser.sends(f"{CARD}/vote", **answer)
    return site.admin


def test_figures_are_those_of_the_api(site, ada):
    with site.client(ada) as living:
        stage = living.screening.agreement(REVIEW)[0]
        work = living.screening.workload(REVIEW)
    ada.goes(AT)

    assert stage.kappa is not None and f'<data value="{stage.kappa}">' in ada.text
    assert {(line.votes, line.stage) for line in work} == {(2, "sift")} and ada.text.count("Sift: 2") == 2
    assert "Ana &lt;i&gt;, Ben" in ada.text or "Ben, Ana &lt;i&gt;" in ada.text
    assert "Anybody is given anything." in ada.text and "Nothing is capped." in ada.text


def test_days_are_asked_for_and_what_cannot_be_is_said_so(ada):
    today = datetime.now(UTC).date()
    assert "Nobody has voted in these days." in ada.goes(f"{AT}?since=2020-01-01&until=2020-01-31").text
    assert "Sift: 2" in ada.goes(f"{AT}?since={today}").text

    for asked, said in (
        ("since=soon", "must be a day"),
        ("since=2020-01-02&until=2020-01-01", "is before"),
        ("since=2020-01-01", "more than 31 days"),
    ):
        assert ada.goes(f"{AT}?{asked}").page.status_code == 422 and said in ada.text and "Agreement" in ada.text


def test_assignments_and_caps_are_listed_by_name(site, ada):
    with site.client(ada) as living:
        people = {member.name: member.person for member in living.people.members(REVIEW)}
        living.screening.assign(REVIEW, "sift", [people["Ben"], people["Ana <i>"]], percent=50)
        living.screening.set_cap(REVIEW, 120, stage="sift", person=people["Ben"])
        living.screening.set_cap(REVIEW, 500)
    ada.goes(AT)

    assert "a share of 50 %" in ada.text and "Ben, Sift: 120" in ada.words and "everybody, all stages: 500" in ada.words


def test_they_are_for_leads_alone(site, ada):
    assert Browser(site).signs_in("Ben").goes(AT).page.status_code == 403
    assert "figures" not in Browser(site).signs_in("Ben").goes(f"/reviews/{REVIEW}/people").text


def test_bars_are_as_high_as_days_were_busy_beside_the_busiest_of_anybody():
    def line(day: int, person: str, votes: int, stage: str = "sift", decided: int = 0) -> DayOfWork:
        return DayOfWork(day=date(2026, 1, day), person=person, stage=stage, votes=votes, decided=decided)

    work = [line(1, "a", 10), line(1, "a", 10, "depth"), line(3, "a", 1), line(2, "b", 5), line(3, "c", 0, decided=2)]

    first, second, third = loads(work, date(2026, 1, 1), date(2026, 1, 3), str.upper)

    assert (first.who, first.by_day, first.bars) == ("A", [20, 0, 1], [HIGH, 0, 2])
    assert (first.votes, first.days, first.a_day, first.most) == (21, 2, 10.5, 20)
    assert first.by_stage == [("depth", 10), ("sift", 11)] and second.bars == [0, HIGH // 4, 0]
    assert (third.votes, third.a_day, third.decided) == (0, 0, 2)
    assert loads([], date(2026, 1, 1), date(2026, 1, 1), str) == []
