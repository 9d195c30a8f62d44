"""What is said: what changed, why, how sure, and what to look at, in sentences, without ids."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from services.notify import domain
from services.notify.domain.saying import line_of, say, text_of
from services.notify.ports.channels.atom import FeedPage, write_feed
from services.notify.ports.channels.json_feed import write_feed as write_json_feed
from shared.events.ingest import NoticeKind
from shared.events.synthesis import Change, Changed, CmocState, CmocWords, NoticedReport, NotSearched
from shared.wire.notify import Line
from tests.unit.services.notify.rig import review_overdue, revision_published

AT = datetime(2020, 1, 1, tzinfo=UTC)
WORDS = CmocWords(
    cmoc="cmoc_8f1", theory="th_77", heading="Growing together", context="a team is new", resource="a shared plan",
    reasoning="trust", outcome="people stay",
)  # fmt: skip


def said(event) -> str:
    return text_of(say(domain.revision_notification(event, at=AT, public_url="https://living.example")))


def revision(*changes: Change, **different):
    state = CmocState(cmoc="cmoc_8f1", theory="th_77", status="contested", support=4, flagged=True)
    seen = {"states": [state], "changes": list(changes), "words": [WORDS], "signed_by": "person_1", **different}
    return revision_published(**seen)


def change(what: str, before=None, after=None) -> Change:
    return Change(cmoc="cmoc_8f1", what=what, before=before, after=after, change_class="MINOR")


def test_a_revision_says_what_changed_why_how_sure_and_what_to_look_at():
    text = said(revision(change("status", "supported", "contested"), change("support", 5, 4)))

    assert text == (
        "Revision 1 of “How gardens work”\n\n"
        "One more study; a new CMOC.\n\n"
        "What is said of a CMOC changed: its words, its status, or how sure people are.\n\n"
        "1 CMOC rests on evidence that was retracted, corrected or put in doubt, until a person judges it again.\n\n"
        "Where a team is new: a shared plan; hence trust; and so people stay (Growing together)\n"
        "- It was supported, and is contested now.\n"
        "- Independent studies that speak to it, and not only against it: 5 before, 4 now.\n\n"
        "Read the revision, with what changed and what it rests on: https://living.example/reviews/garden/findings/1\n"
    )


def test_it_says_how_a_cmoc_stands_whatever_changed_of_it():
    text = said(revision(change("links added", None, 2)))

    assert "- 2 links of evidence came.\n- It stands as contested.\n- Independent studies" in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (change("merged", "supported", "cmoc_9"), "It is one with another now; it was supported."),
        (change("split", "supported", "cmoc_8, cmoc_9"), "It is split into others; it was supported."),
        (change("goes on as", "supported", "cmoc_9"), "It goes on in other words; it was supported."),
        (change("refuted", "contested"), "It is refuted; it was contested."),
        (change("confidence", None, "moderate"), "People judged how sure one may be of it: moderate."),
        (change("confidence", "high", "very_low"), "anew how sure one may be of it: high before, very low now."),
    ],
)
def test_how_a_cmoc_went_and_how_sure_people_are_is_said_without_ids(changed, words):
    text = said(revision(changed))

    assert words in text
    assert not any(id_ in text for id_ in ("cmoc_8f1", "cmoc_9", "th_77", "person_1"))


@pytest.mark.parametrize("what", get_args(Changed))
def test_whatever_may_become_of_a_cmoc_has_words_and_shows_no_id(what):
    said = line_of(Line(what=what, before="th_1", after="th_2", change_class="MINOR"))

    if what in ("context", "resource", "reasoning", "outcome"):
        assert said == f"{what}, before: th_1. Now: th_2"
    else:
        assert not said.startswith(what) and said.endswith(".")
    assert what != "theory" or said == "It belongs to another theory now."


def test_an_exercise_and_what_was_not_searched_are_said():
    left_out = NotSearched(strategy="s", database="embase", due=date(2020, 1, 1), reason="no licence")

    text = said(revision(drill=True, not_searched=[left_out]))

    assert text.startswith("Exercise: Revision 1 of") and "This is an exercise." in text
    assert "Not searched\n- embase, due on 2020-01-01: no licence" in text
    assert "No CMOC changed." in text


@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_whatever_was_said_of_a_report_is_said_with_its_title_and_no_id(kind):
    noticed = [
        NoticedReport(record="rec_1", title="Growing <together>", kind=kind),
        NoticedReport(record="rec_2", title=None, kind=kind, drill=True),
    ]

    text = said(revision(noticed=noticed))

    one, other = text.split("What was said of reports\n")[1].splitlines()[:2]
    assert one.startswith("- “Growing <together>” ") and not one.endswith(f"{kind.replace('_', ' ')}.")
    assert other.startswith("- A report without a title ") and other.endswith(", in an exercise.")
    assert "rec_" not in text


@pytest.mark.parametrize("drill", [True, False])
def test_what_has_anything_real_is_no_exercise_whatever_it_is_called_and_the_exercises_part_is_marked(drill):
    noticed = [NoticedReport(record="r1", title="One", kind="retraction", drill=True)]
    noticed.append(NoticedReport(record="r2", title="Two", kind="retraction"))

    text = said(revision(change("support", 5, 4), noticed=noticed, drill=drill, drilled=["cmoc_8f1"]))

    assert text.startswith("Revision 1 of") and "This is an exercise" not in text
    assert "A part of this is an exercise; the rest is not." in text
    assert "“One” was retracted, in an exercise." in text and "“Two” was retracted." in text
    assert "- An exercise is about it: what changed may be by that." in text
    assert "exercise" not in said(revision(change("support", 5, 4), noticed=noticed[1:]))


def test_an_exercise_in_which_all_notices_are_of_it_is_one():
    noticed = [NoticedReport(record="r1", title="One", kind="retraction", drill=True)]

    assert said(revision(noticed=noticed, drill=True)).startswith("Exercise: Revision 1 of")


def test_more_reports_than_are_named_are_counted_wherever_it_is_told_and_also_where_a_text_is_cut():
    noticed = [NoticedReport(record=f"rec_{n}", title="A title " * 30, kind="retraction") for n in range(100)]
    event = revision(noticed=noticed, noticed_more=20)
    notification = domain.revision_notification(event, at=AT, public_url="https://living.example")

    text = said(event)
    page = FeedPage("garden", [notification], "self", "first", None)

    assert "- And 20 more.\n" in text
    assert "And 20 more." in write_feed(page).decode() and "And 20 more." in write_json_feed(page).decode()
    assert "100 here, and 20 more" in text[:8_000] and len(text) > 8_000
    assert "more" not in said(revision(noticed=noticed[:1])).split("What was said of reports")[1].split("\n\n")[0]


def test_words_that_are_long_are_cut_and_those_of_an_event_of_before_are_done_without():
    text = said(revision(change("context", "x" * 1000, "y"), words=[]))

    assert "CMOC cmoc_8f1 of the theory th_77" in text and "x" * 300 + "…" in text and "x" * 301 not in text


def test_an_overdue_review_is_said_as_one():
    text = text_of(say(domain.overdue_notification(review_overdue(), at=AT, public_url="https://living.example")))

    assert text.startswith("The review garden is overdue\n\nA revision was due on 2020-06-01. It has no revision yet.")
