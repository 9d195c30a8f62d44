"""Records in a browser: found by words, narrowed, and found again by a saved search."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import get_args
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web import drawing
from services.web.marking import found_in
from shared.events.ingest import NoticeKind
from shared.wire.screening import RecordState, TaskState
from shared.wire.search import FoundRecord
from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/records"

HOSTILE = '<script>alert("x")</script><mark>'


@pytest.fixture(scope="module")
def reader(site: Site) -> Browser:
    """Who reads a review of a few records."""
    site.founds()
    site.brings("Allotments <b>and</b> trust", authors=[HOSTILE], abstract=f"Trust {HOSTILE} grew.", venue="Gardener")
    site.brings("Allotments and power", published="2019", venue="Gardener", language="de")
    site.brings("Window boxes", published="2019-04", venue="A <i>place</i>")
    with site.client(site.admin) as living:
        site.waits(lambda: living.search.find(REVIEW).total == 3)
    return site.member("Rita", "reader")


def titles(browser: Browser) -> list[str]:
    return [unescape(re.sub("<[^>]*>", "", it)) for it in re.findall(r"<h2><a [^>]*>(.*?)</a></h2>", browser.text)]


def narrows(browser: Browser, value: str) -> Browser:
    """Goes on by the link of a facet's value."""
    (href,) = re.findall(rf'<li><a href="([^"]*)">{re.escape(value)}</a> <span class="help">', browser.text)
    return browser.goes(unescape(href))


def test_all_records_are_there_each_a_link_to_its_page(reader):
    reader.goes(AT)

    assert "3 records" in reader.text and len(titles(reader)) == 3
    (link,) = re.findall(rf'<a href="({AT}/rec_[^"]+)">Window boxes</a>', reader.text)
    assert "Window boxes" in reader.goes(link).text and reader.page.status_code == 200


def test_words_find_records_and_are_marked_and_nothing_that_a_source_says_runs(reader):
    reader.goes(f"{AT}?q=trust")

    assert titles(reader) == ["Allotments <b>and</b> trust"]
    assert "Allotments &lt;b&gt;and&lt;/b&gt; <mark>trust</mark>" in reader.text
    assert "<script>alert" not in reader.text and "<b>and" not in reader.text and "alert(" in reader.text


@given(st.lists(st.text(max_size=8), max_size=6))
def test_of_what_a_search_marks_nothing_but_the_marks_is_taken_over(pieces):
    html = "".join(
        f"<mark>{drawing.environment().filters['e'](it)}</mark>"
        if n % 2
        else str(drawing.environment().filters["e"](it))
        for n, it in enumerate(pieces)
    )

    shown = str(found_in(html))

    assert set(re.findall(r"<[^>]*>", shown)) <= {"<mark>", "</mark>"}
    assert unescape(re.sub("</?mark>", "", shown)) == "".join(pieces)


def test_a_facet_narrows_and_is_taken_back(reader):
    narrows(reader.goes(f"{AT}?q=allotments"), "Gardener")
    assert len(titles(reader)) == 2

    narrows(reader, "2019")
    assert titles(reader) == ["Allotments and power"] and 'value="2019-01-01"' in reader.text

    without = [unescape(it) for it in re.findall(r'<a class="badge" href="([^"]*)">', reader.text)]
    assert len(without) == 3 and all("q=allotments" in it for it in without)
    assert len(titles(reader.goes(next(it for it in without if "venue" not in it)))) == 1
    assert [*parse_qs(urlsplit(str(reader.page.url)).query)] == ["q", "published_from", "published_until"]


def test_of_all_records_nothing_is_counted_until_that_is_asked_for(reader):
    assert "<details" not in reader.goes(AT).text

    (href,) = re.findall(r'<a href="([^"]*narrow=yes)#narrow">', reader.text)
    assert len(titles(narrows(reader.goes(unescape(href)), "in screening"))) == 3
    assert "?status=screening" in str(reader.page.url)


def test_records_are_narrowed_by_the_stage_at_which_they_wait_and_that_is_saved(site, reader):
    site.waits(lambda: 'stage=sift"' in unescape(reader.goes(f"{AT}?narrow=yes").text))
    narrows(reader, "sift")
    assert len(titles(reader)) == 3 and "Stage: sift" in " ".join(reader.words.split())
    assert titles(reader.goes(f"{AT}?stage=depth")) == [] and "Nothing is found." in reader.text

    reader.goes(f"{AT}?stage=sift").sends(f"{AT}/saved", name="At the sift", stage="sift")
    (saved,) = [it for it in site.client(reader).search.saved(REVIEW) if it.name == "At the sift"]
    assert saved.stage == ["sift"]
    reader.goes(AT).sends(f"{AT}/saved/{saved.saved}/end")


def test_the_words_are_changed_and_what_was_chosen_stays(reader):
    reader.goes(f"{AT}?q=allotments&venue=Gardener&venue=A+%3Ci%3Eplace%3C/i%3E")

    form = re.search(r'<form method="get".*?</form>', reader.text, re.DOTALL)
    assert form and re.findall(r'type="hidden" name="venue" value="([^"]*)"', form[0]) == [
        "Gardener", "A &lt;i&gt;place&lt;/i&gt;",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("q=%22never+closed", "character 1: this quotation mark is never closed"),
        ("q=a+AND", "character"),
        ("published_from=soon", "must be a day as YYYY-MM-DD"),
        ("sort=oldest", "Sort : must be"),  # It leads there.
        ("after=nonsense", "Cursor: not one"),
    ],
)
def test_what_cannot_be_looked_for_is_said_at_its_field_and_kept(reader, asked, why):
    reader.goes(f"{AT}?{asked}")

    assert reader.page.status_code == 422 and why in unescape(reader.words)
    assert 'class="faults"' in reader.text and titles(reader) == []
    if asked.startswith("q=%22"):
        assert 'value="&#34;never closed"' in reader.text and 'aria-invalid="true"' in reader.text


def test_where_nothing_is_found_it_is_said_what_to_do(reader):
    assert "Nothing is found." in reader.goes(f"{AT}?q=submarines").text and "Show all records" in reader.text


def test_the_newest_come_first_where_that_is_asked_for(reader):
    assert titles(reader.goes(f"{AT}?sort=newest"))[0] == "Allotments <b>and</b> trust"


def test_a_long_list_is_read_page_by_page(site, reader, monkeypatch):
    monkeypatch.setattr("services.web.pages.records.SHEET", 2)
    reader.goes(f"{AT}?sort=newest&kind=report")
    first = titles(reader)
    (following,) = re.findall(r'rel="next" href="([^"]*)"', reader.text)

    reader.goes(unescape(following))

    assert len(first) == 2 and len(titles(reader)) == 1 and not {*first} & {*titles(reader)}
    assert "kind=report" in following and "First page" in reader.text


def test_a_search_is_saved_by_its_name_found_again_and_forgotten(site, reader):
    reader.goes(f"{AT}?q=allotments&venue=Gardener&published_from=2020-01-01")
    reader.sends(f"{AT}/saved", name="Trust <b>lately</b>")
    assert "The search is saved." in reader.text and titles(reader) == ["Allotments <b>and</b> trust"]

    (href,) = re.findall(r'<a href="([^"]*)">Trust &lt;b&gt;lately&lt;/b&gt;</a>', reader.goes(AT).text)
    assert titles(reader.goes(unescape(href))) == ["Allotments <b>and</b> trust"]
    assert "lately" not in site.member("Ben", "reader").goes(AT).text

    (end,) = re.findall(rf'action="({AT}/saved/[^"]*/end)"', reader.text)
    assert "The search is forgotten." in reader.sends(end).text and "lately" not in reader.text
    assert reader.posts(end, reader.form(f"{AT}/saved")).page.status_code == 200


def test_a_saved_search_tells_of_what_is_new_until_one_wants_that_no_more(site, reader):
    reader.goes(f"{AT}?q=trust").sends(f"{AT}/saved", name="New trust", alert="yes")
    (saved,) = [it for it in site.client(reader).search.saved(REVIEW) if it.name == "New trust"]
    alert = f"{AT}/saved/{saved.saved}/alert"
    assert saved.alert and "tells you" in reader.text

    assert "tells you nothing more" in reader.sends(alert, alert="no").text
    assert "once, when it comes to match" in reader.sends(alert, alert="yes").text
    assert f'href="/reviews/{REVIEW}/findings/subscriptions"' in reader.text

    assert titles(reader.goes(f"{AT}?saved={saved.saved}")) == ["Allotments <b>and</b> trust"]
    assert len(titles(reader.goes(f"{AT}?saved=saved_of_another"))) == 3
    form = reader.form(alert)
    reader.sends(f"{AT}/saved/{saved.saved}/end")
    assert reader.posts(alert, form).page.status_code == 200


def test_records_like_one_are_found_from_its_page(site, reader):
    reader.goes(AT)
    (one,) = re.findall(rf'<a href="({AT}/rec_[^"]+)">Allotments and power</a>', reader.text)
    (link,) = re.findall(rf'<a href="({one}/alike)">', reader.goes(one).text)

    assert titles(reader.goes(link)) == ["Allotments <b>and</b> trust"]
    assert reader.goes(f"{AT}/rec_none/alike").page.status_code == 404


def test_whoever_has_no_subscription_that_brings_an_alert_is_told_so(site):
    tom = site.member("Tom", "reader")
    lacks, make = "You have no subscription that brings this:", f'href="/reviews/{REVIEW}/findings/subscriptions"'
    tom.goes(f"{AT}?q=trust").sends(f"{AT}/saved", name="Silent")
    assert lacks not in tom.words
    tom.sends(f"{AT}/saved", name="New trust", alert="yes")
    assert lacks in tom.words and make in tom.text

    site.client(tom).notify.subscribe(
        REVIEW, {"channel": "webhook", "url": "https://1.1.1.1/tried", "kinds": ["alert"]}
    )
    assert lacks not in tom.goes(AT).words


def test_one_alert_too_many_is_refused_and_said(site, reader):
    rosa, made = site.member("Rosa", "reader"), []
    for number in range(21):
        wish = {"name": f"Search {number}", "q": "trust", "alert": number < 20}
        made.append(site.client(rosa).search.save(REVIEW, wish).saved)

    refused = rosa.goes(AT).sends(f"{AT}/saved/{made[20]}/alert", alert="yes")

    assert refused.page.status_code == 422 and "20 of your saved searches alert" in rosa.words


def test_a_name_that_is_taken_or_says_nothing_saves_nothing_and_what_was_typed_stays(reader):
    reader.goes(f"{AT}?q=power").sends(f"{AT}/saved", name="Power")
    again = reader.goes(f"{AT}?q=trust").sends(f"{AT}/saved", name="Power")

    assert again.page.status_code == 422 and "you have a saved search" in reader.words
    assert 'value="Power"' in reader.text and titles(reader) == ["Allotments <b>and</b> trust"]
    assert reader.goes(AT).sends(f"{AT}/saved", name=" ").page.status_code == 422 and "says nothing" in reader.words
    assert reader.goes(AT).text.count(">Power</a>") == 1


@pytest.mark.parametrize("by", ["status", "notice", "source", "kind", "language", "venue"])
@pytest.mark.parametrize("value", ["x", "conflict", "<b>", "{0}", "\u0663"])
def test_what_nothing_is_narrowed_by_that_there_is_is_shown_as_it_is(reader, by, value):
    reader.goes(f"{AT}?{urlencode({by: value})}")

    assert reader.page.status_code in (200, 422) and escape(value) in reader.text and "<b>" not in reader.text


def test_a_search_for_a_state_that_there_is_not_is_saved_and_shown(reader):
    reader.goes(AT).sends(f"{AT}/saved", name="No such state", status="x", notice="y")
    assert reader.page.status_code in (200, 422)
    assert reader.goes(AT).page.status_code == 200 and reader.goes(f"{AT}?status=x&notice=y").page.status_code == 200


def test_a_review_that_one_may_not_see_is_as_one_that_there_is_not(site, reader):
    there, not_there = (reader.goes(f"/reviews/{it}/records").page for it in ("others", "nothing"))

    assert there.status_code == not_there.status_code == 404


def test_each_state_and_notice_there_is_has_its_word():
    for kind in (*get_args(NoticeKind), "none"):
        assert drawing.text(f"records.notice.{kind}")
    for state in (*get_args(RecordState), *get_args(FoundRecord.model_fields["status"].annotation)):
        assert drawing.text(f"records.status.{state}")
    for state in get_args(TaskState):
        assert drawing.text(f"record.task.{state}")
