"""Findings: what a revision says, what changed, and how to get from one to another."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from tests.unit.services.web.rig import REVIEW, Browser, Site

pytestmark = pytest.mark.waits

AT = f"/reviews/{REVIEW}/findings"


@pytest.fixture(scope="module")
def reader(site: Site) -> Browser:
    site.founds()
    return site.member("Rita", "reader")


def fragment(paraphrase: str, **more: Any) -> dict[str, Any]:
    link = {"cmoc": "c1", "element": "whole", "stance": "supports", "inference": "explicit"} | more
    said = {"locator": "p. 3", "paraphrase": paraphrase, "data_type": "observation"}
    return {"fragment": said, "links": [link]}


def signs(site: Site, record: str, paraphrase: str, summary: str, **more: Any) -> None:
    """Codes one fragment, and signs what comes of it."""
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.link_one(REVIEW, {"record": record} | fragment(paraphrase, **more)))
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.draft(REVIEW).evidence.added)
    signs_as_it_is(site, summary)


def signs_as_it_is(site: Site, summary: str, **more: Any) -> None:
    """Signs the draft as it is."""
    with site.client(site.admin) as living:
        draft = living.synthesis.draft(REVIEW)
        overdue = [it.strategy for it in draft.manual if it.standing == "overdue"]
        living.synthesis.sign(REVIEW, {
            "fragments_sha256": draft.fragments_sha256, "draft": draft.draft, "summary": summary,
            "without": [{"strategy": strategy, "reason": "nobody has"} for strategy in overdue],
        } | more)  # fmt: skip
        site.waits(lambda: living.synthesis.status(REVIEW).revisions == draft.number)


def included(site: Site, title: str) -> str:
    """The id of a paper that is brought, and included by two votes and a judgement."""
    site.brings(title)
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == title)
        site.waits(lambda: living.screening.record(REVIEW, record))
        living.screening.request_batch(
            REVIEW, {"kind": "decide", "stage": "sift", "records": [record], "answer": "include", "reason": "so"}
        )
        site.waits(lambda: living.screening.record(REVIEW, record).stage == "depth")
        living.screening.request_batch(
            REVIEW, {"kind": "decide", "stage": "depth", "records": [record], "answer": "rich", "reason": "so"}
        )
        site.waits(lambda: living.screening.record(REVIEW, record).state == "included")
        site.waits(lambda: record in {it.record for it in living.synthesis.reports(REVIEW, state="included")})
    return record


def publishes(site: Site) -> None:
    """A public review with one revision, of one CMOC that one study shows."""
    site.founds()
    signs(site, included(site, "Gardens and trust"), "trust grew", "The first evidence.")
    with site.client(site.admin) as living:
        living.people.set_public(REVIEW, True)


def test_before_the_first_revision_that_is_said(site, reader):
    assert "Nothing has been published yet." in reader.goes(AT).text


def test_a_revision_says_what_changed_first_and_then_each_theory_with_its_support(site, reader):
    signs(site, included(site, "Gardens and trust"), "trust <b>grew</b>", "The <i>first</i> evidence.")

    reader.goes(AT)

    assert reader.at == f"{AT}/1" and "The &lt;i&gt;first&lt;/i&gt; evidence." in reader.text
    assert reader.text.index("What changed") < reader.text.index("What it says")
    assert "Who works together comes to trust." in reader.text and "1 independent study speaks to it" in reader.text
    assert 'name="citation_title"' in reader.text and "How to cite" in reader.text


def test_an_earlier_revision_leads_to_the_newest_and_says_what_went_before_it(site, reader):
    signs(site, included(site, "Gardens and doubt"), "no trust", "A study speaks against it.", stance="contradicts")
    reader.goes(AT)
    assert reader.at == f"{AT}/2"
    assert re.search(rf'rel="predecessor-version" href="{AT}/1"', reader.text)
    assert "<ins>" in reader.text and "contested" in reader.text

    reader.goes(f"{AT}/1")

    assert "This is an earlier revision." in reader.text and "Read revision 2" in reader.text
    assert re.search(rf'rel="latest-version" href="{AT}"', reader.text)
    assert re.search(rf'rel="successor-version" href="{AT}/2"', reader.text)


@pytest.mark.parametrize("number", ["0", "3", "99999999999", "-1", "1x", "\u0661"])
def test_a_revision_that_there_is_not_is_no_page(site, reader, number):
    assert reader.goes(f"{AT}/{number}").page.status_code == 404


def test_two_revisions_are_compared_element_by_element_with_the_reports_that_came_and_went(reader):
    reader.goes(f"{AT}/compare?before=1&after=2")

    assert reader.page.status_code == 200
    assert "<del>supported</del> <ins>contested</ins>" in reader.text.replace("partially supported", "supported")
    came, went = reader.text.split("Evidence in and out")[1].split("Reports that went out: 0")
    assert "Reports that came in: 1" in came and "Gardens and doubt" in came and "Gardens" not in went
    assert reader.goes(f"{AT}/compare").page.status_code == 200 and "Element by element" not in reader.text
    reader.goes(f"{AT}/compare?before=2&after=2")
    assert "Nothing of what it says is different." in reader.text


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("before=1&after=x", 422, "must be the number of a revision"),
        ("after=2", 422, "must be the number of a revision"),
        ("before=1&after=9", 404, "has no revision 9"),
    ],
)
def test_what_cannot_be_compared_is_said_by_its_field_and_what_was_typed_is_kept(reader, asked, status, said):
    reader.goes(f"{AT}/compare?{asked}")

    assert reader.page.status_code == status and said in reader.text
    if "before=1" in asked:
        assert re.search(r'id="before"[^>]*value="1"', reader.text)


def test_the_revision_that_was_in_force_on_a_day_is_shown(reader):
    today = reader.goes(f"{AT}/2").text.split('citation_publication_date" content="')[1][:10].replace("/", "-")

    reader.goes(f"{AT}?on={today}")
    assert reader.at == f"{AT}/2" and f"This revision was in force on {today}." in reader.text

    reader.goes(f"{AT}?on=1999-12-31")
    assert reader.at == AT and "Nothing had been published by 1999-12-31." in reader.text

    reader.goes(f"{AT}?on=yesterday")
    assert reader.page.status_code == 422 and 'value="yesterday"' in reader.text and "must be a day" in reader.text


def test_all_revisions_are_listed_newest_first(reader):
    reader.goes(f"{AT}/all")

    assert reader.text.index(f'href="{AT}/2"') < reader.text.index(f'href="{AT}/1"')


def test_its_signature_is_checked_in_words(reader):
    assert "Revision 1 is what was signed" in reader.goes(f"{AT}/1/verification").text


def test_a_revision_is_kept_for_reference_managers_and_for_whoever_verifies_it(site, reader):
    bibtex = reader.goes(f"{AT}/2/cite.bib").text
    assert bibtex.startswith("@techreport{gardens-2,\n") and bibtex.count("{") == bibtex.count("}")
    assert f"url = {{http://testserver{AT}/2}}" in bibtex

    ris = reader.goes(f"{AT}/2/cite.ris").text
    assert ris.startswith("TY  - RPRT\r\n") and ris.endswith("ER  - \r\n")
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in ris.splitlines())

    signed = reader.goes(f"{AT}/2/signed.json").page
    assert signed.headers["content-disposition"] == 'attachment; filename="gardens-2.json"'
    assert "living:revision-" in str(reader.goes(f"{AT}/2/prov.json").page.json()["entity"])
    with site.client(reader) as living:
        assert signed.json() == living.synthesis.export(REVIEW, 2).model_dump(mode="json")


def test_a_report_that_was_retracted_is_struck_with_why_and_leads_to_what_rested_on_it(site, reader):
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == "Gardens and doubt")
        living.ingest.notice(REVIEW, record, kind="retraction", reason="it was made up")
        site.waits(lambda: any(it.struck for it in living.synthesis.studies(REVIEW, 2).reports))

    reader.goes(f"{AT}/2")

    assert "<del>Gardens and doubt</del>" in reader.text and "retracted" in reader.text
    struck = reader.text.split("Speaks no longer")[1].split("What changed")[0]
    assert 'href="#c1"' in struck and "Gardens and trust" not in struck


def test_a_report_that_was_retracted_is_named_with_why_by_the_revision_that_goes_without_it(site, reader):
    with site.client(site.admin) as living:
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.draft(REVIEW).evidence.withdrawn)
        signs_as_it_is(site, "A report was retracted.")

    reader.goes(AT)

    changed = reader.text.split('id="changed"')[1].split('id="says"')[0]
    assert reader.at == f"{AT}/3" and "Reports that went out: 1" in changed
    assert "<del>Gardens and doubt</del>" in changed and "retracted" in changed and "it was made up" in changed


def test_a_change_is_said_in_words_and_a_cmoc_is_headed_by_its_outcome(reader):
    reader.goes(f"{AT}/2")

    assert '<h4>o <span class="badge' in reader.text and '<code class="id">c1</code>' in reader.text
    assert "1 independent study speaks to it" in reader.words and "1 more only contradicts it" in reader.words
    assert "counts as support" not in reader.text and "<del>no</del>" not in reader.text
    assert "It shows where the CMOC stops working." in reader.words
    assert f'href="/reviews/{REVIEW}/protocol/versions/1"' in reader.text


def test_what_was_never_searched_and_how_many_are_undecided_is_said(site, reader):
    with site.client(reader) as living:
        undecided = living.screening.funnel(REVIEW).screening
        assert living.protocol.question(REVIEW).sources[0].database == "A library"
    far = reader.goes(AT).words.split("How far the literature was searched")[1].split("How to cite")[0]

    assert re.search(rf"{undecided} records? (is|are) in screening now", far)
    assert "A library" in far and ("not searched" in far or "was left out: nobody has" in far)


def test_an_exercise_is_folded_below_what_changed_last(site, reader):
    with site.client(site.admin) as living:
        (record,) = (it.record for it in living.ingest.records(REVIEW) if it.title == "Gardens and trust")
        living.ingest.notice(REVIEW, record, kind="retraction", reason="let us see", drill=True)
        site.waits(lambda: living.synthesis.draft(REVIEW).settled and living.synthesis.draft(REVIEW).evidence.withdrawn)
        signs_as_it_is(site, "Drill: a retraction.", drill=True)

    reader.goes(AT)

    changed = reader.text.split('id="changed"')[1].split('id="says"')[0]
    assert reader.at == f"{AT}/4"
    assert changed.index("A report was retracted.") < changed.index("Exercises since (1)")
    assert "An exercise is in force" in reader.words and f'href="{AT}/3">Read what it says without it' in reader.text
    assert changed.index("Exercises since (1)") < changed.index("Drill: a retraction.") and "an exercise" in changed


def test_somebody_subscribes_a_webhook_sees_its_secret_once_and_ends_it(site, reader):
    at = f"{AT}/subscriptions"
    assert "You are told of nothing yet." in reader.goes(at).text and "conflicts to decide" not in reader.text

    reader.sends(f"{at}/add", channel="webhook", url="not an address", kinds="revision")
    assert reader.page.status_code == 422 and 'value="not an address"' in reader.text

    reader.goes(at).sends(f"{at}/add", channel="webhook", url="http://127.0.0.1:9/x", kinds="overdue")
    assert reader.page.status_code == 422

    reader.goes(at).sends(
        f"{at}/add",
        channel="webhook",
        url="https://1.1.1.1/hook",
        kinds=["revision", "queue"],
        cmocs=["c1"],
        least="MINOR",
        every="weekly",
        zone="Europe/Berlin",
    )
    assert re.search(r'readonly value="whsec_[^"]+"', reader.text) and 'data-copy="shown"' in reader.text
    assert "/copy.js" in reader.text and "whsec_" not in reader.goes(at).text and "https://1.1.1.1/hook" in reader.text

    (path,) = set(re.findall(rf'action="({at}/[^"]+/end)"', reader.text))
    assert "You are told nothing more there." in reader.sends(path).text
    with site.client(reader) as living:
        assert [it for it in living.notify.subscriptions(REVIEW) if it.active] == []


def test_somebody_says_what_of_it_they_are_told_of_and_when(site, reader):
    at = f"{AT}/subscriptions"

    reader.goes(at).sends(
        f"{at}/add", channel="chat", url="https://1.1.1.1/talk", kinds="revision", cmocs=["c1"], least="MINOR",
        every="weekly", zone="Europe/Berlin",
    )  # fmt: skip

    with site.client(reader) as living:
        made = next(it for it in living.notify.subscriptions(REVIEW) if it.address == "https://1.1.1.1/talk")
    assert (made.cmocs, made.least, made.every, made.zone) == (["c1"], "MINOR", "weekly", "Europe/Berlin")
    assert "on Monday morning" in reader.words and "only of c: o" in reader.words


def test_whose_zone_is_known_no_more_reads_by_which_they_are_told(site, reader, monkeypatch):
    at = f"{AT}/subscriptions"
    with site.client(reader) as living:
        wish = {"channel": "webhook", "url": "https://1.1.1.1/zone", "every": "daily", "zone": "Europe/Berlin"}
        made = living.notify.subscribe(REVIEW, wish)
        assert "is not known here" not in reader.goes(at).words

        monkeypatch.setattr("services.notify.views.zone_of", lambda name: None)

        assert "(by UTC: the time zone Europe/Berlin is not known here)" in reader.goes(at).words
        assert "by UTC, since the time zone Europe/Berlin is not known here" in reader.goes(f"{at}/{made.id}").words
        living.notify.unsubscribe(REVIEW, made.id)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("zone", "Mars/Phobos", "must be the name of a time zone"),
        ("url", "a@b@c", "must be one e-mail address"),
        ("kinds", "queue", "which is none of the kinds"),
    ],
)
def test_a_wish_that_cannot_be_is_drawn_again_at_its_field_with_what_was_typed(reader, field, value, says):
    at = f"{AT}/subscriptions"
    fields = {"channel": "email", "url": "rita@example.org", "kinds": "revision", "cmocs": "c1", field: value}

    reader.goes(at).sends(f"{at}/add", **fields)

    assert reader.page.status_code == 422 and says in reader.words
    assert f'href="#{field}"' in reader.text and f'value="{fields["url"]}"' in reader.text
    assert re.search('value="c1" checked', reader.text)


def test_of_a_public_review_the_page_says_which_feed_wants_no_key(site, reader):
    said = "anybody's feed reader"
    assert said not in unescape(reader.goes(f"{AT}/subscriptions").words)
    with site.client(site.admin) as living:
        living.people.set_public(REVIEW, True)

    assert said in unescape(reader.goes(f"{AT}/subscriptions").words) and f"/reviews/{REVIEW}/feed.atom" in reader.text
    with site.client(site.admin) as living:
        living.people.set_public(REVIEW, False)


def test_without_a_mail_server_the_page_says_so(reader):
    at = f"{AT}/subscriptions"

    reader.goes(at).sends(f"{at}/add", channel="email", url="rita@example.org", kinds="revision")

    assert reader.page.status_code == 422 and "this platform sends no mail" in reader.words


def test_somebody_tries_a_webhook_reads_what_became_of_it_and_gives_it_a_new_secret(site, reader):
    at = f"{AT}/subscriptions"
    with site.client(reader) as living:
        made = living.notify.subscribe(REVIEW, {"channel": "webhook", "url": "https://1.1.1.1/tried"})
    one = f"{at}/{made.id}"

    assert "Nothing was to be sent yet." in reader.goes(one).words
    reader.sends(f"{one}/test")
    assert "A test is on its way." in reader.words and "a test" in reader.words
    delivery = next(iter(re.findall(r'name="delivery" value="(dlv_\w+)"', reader.text)))
    assert "It is sent again" in reader.posts(f"{one}/resend", reader.form(f"{one}/resend")).words and delivery
    reader.goes(one).sends(f"{one}/secret")
    assert re.search(r'readonly value="whsec_[^"]+"', reader.text)
    assert "whsec_" not in reader.goes(one).text and "signs beside the new one until" in reader.words

    other = site.member("Otto", "reader")
    assert other.goes(one).page.status_code == 404


def test_whoever_reads_mail_says_that_they_want_it_and_that_they_want_no_more_without_signing_in(site, reader):
    somebody = Browser(site)
    wanted, unwanted = site.mailed("confirm"), site.mailed("leave")

    assert "Do you want to be told?" in somebody.goes(wanted).words
    assert "I want it" in somebody.goes(wanted).words  # To look at it says nothing.
    assert "is told of the review gardens from now on" in somebody.sends(wanted).words
    assert "is told of the review gardens from now on" in somebody.goes(wanted).words
    assert "is told nothing more" in somebody.goes(unwanted).sends(unwanted).words
    assert somebody.goes(f"{wanted[:-1]}x").page.status_code == 404


def test_a_lead_pauses_a_review_with_why_and_has_it_go_on_and_a_reader_sees_it(site, reader):
    at = f"{AT}/course"
    lead = site.member("Lea", "lead").goes(at)

    lead.sends(at, course="paused", why="")
    assert lead.page.status_code == 422 and "why" in lead.text
    lead.goes(at).sends(at, course="paused", why="No funds <b>until</b> spring.")

    reader.goes(AT)
    assert "This review is paused since" in reader.text and "No funds &lt;b&gt;until&lt;/b&gt; spring." in reader.text
    assert "The next revision is due by" not in reader.text
    assert reader.goes(at).sends(at, course="living", why="I say so").page.status_code == 403

    lead.goes(at).sends(at, course="living", why="We have funds.")
    assert "The next revision is due by" in reader.goes(AT).text


def test_a_lead_withdraws_a_revision_and_it_and_each_older_one_say_so(site, reader):
    signs_as_it_is(site, "To be withdrawn.")
    with site.client(site.admin) as living:
        number, before = living.synthesis.status(REVIEW).revisions, living.synthesis.status(REVIEW).revisions - 1
    at, lead = f"{AT}/{number}", site.member("Leo", "lead")

    assert lead.goes(f"{at}/withdraw").page.status_code == 200
    lead.sends(f"{at}/withdraw", why="", replaced_by="x")
    assert lead.page.status_code == 422
    lead.sends(f"{at}/withdraw", why="It is <b>wrong</b>.", replaced_by=str(number))
    assert lead.page.status_code == 422 and "not read instead of itself" in lead.text
    assert reader.goes(f"{at}/withdraw").sends(f"{at}/withdraw", why="I say so").page.status_code == 403
    lead.sends(f"{at}/withdraw", why="It is <b>wrong</b>.", replaced_by=str(before))

    assert lead.at == at and f"Revision {number} is withdrawn" in lead.text
    assert "It is &lt;b&gt;wrong&lt;/b&gt;." in lead.text and "WITHDRAWN:" in lead.text
    assert f"Revision {number} is withdrawn" in reader.goes(f"{at}/verification").text
    assert "It is what was signed" in reader.words or "what was signed" in reader.words
    reader.goes(AT)
    assert reader.at == f"{AT}/{before}" and f"A later revision is withdrawn: {number}." in reader.words
    assert "withdrawn" in reader.goes(f"{AT}/all").text
    assert "WITHDRAWN" in reader.goes(f"{at}/cite.ris").text


def test_a_review_is_handed_over_to_whoever_accepts_and_its_course_says_so(site):
    at = f"/reviews/{REVIEW}/people/handover"
    old, new, other = site.member("Ole", "lead"), site.member("Nina", "reviewer"), site.member("Olga", "reader")
    with site.client(old) as living:
        to = next(it.person for it in living.people.members(REVIEW) if it.name == "Nina")
    old.goes(at).sends(at, to=to, why="", stays_as="reviewer")
    assert old.page.status_code == 422 and "why" in old.text
    assert "A lead proposes it." in other.goes(at).words and "<select" not in other.text
    old.goes(at).sends(at, to=to, why="I leave the <b>hospital</b>.", stays_as="reviewer")
    assert "Nina is to take it over" in old.words and "I take it over" not in other.goes(at).words
    with site.client(old) as living:
        handover = next(living.people.handovers(REVIEW)).handover

    new.goes(at).sends(f"{at}/{handover}/accept")

    assert "You lead this review from now on." in new.words
    assert "I leave the &lt;b&gt;hospital&lt;/b&gt;." in new.text and "from Ole to Nina" in new.words
    site.waits(lambda: "from Ole to Nina" in new.goes(f"{AT}/course").words)
    with site.client(site.admin) as living:
        roles = {it.name: it.role for it in living.people.members(REVIEW)}
    assert (roles["Ole"], roles["Nina"]) == ("reviewer", "lead")
