"""What screening does when it hears of protocols, records and notices."""

from __future__ import annotations

import pytest

from shared.errors import NotYet, Rejected
from shared.events.base import Event
from shared.events.screening import (
    RecordAdvanced,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
)
from tests.unit.services.screening.desk import (
    DEPTH,
    REVIEW,
    SIFT,
    Desk,
    discovered,
    merged,
    noticed,
    protocol,
    published,
    updated,
)

TOPICAL = {"fields": {"cmocs": ["c1"]}}


def told(desk: Desk) -> list[tuple[str, str]]:
    """(what, which record) of everything told."""
    return [(type(event).__name__, event.record) for event in desk.bench.told_all()]


def test_a_discovered_record_has_exactly_one_task_or_a_reason_why_not(either_desk):
    either_desk.discovers("r1")
    either_desk.discovers("r2", published="2017")
    either_desk.discovers("r3", published=None)

    assert told(either_desk) == [("TaskOpened", "r1"), ("RecordExcluded", "r2"), ("TaskOpened", "r3")]
    (refused,) = either_desk.bench.told(RecordExcluded)
    assert (refused.rule, refused.stage, refused.revision) == ("published_after", None, 1)
    assert either_desk.record("r2")["stages"] == []
    assert either_desk.record("r2")["reason"] == refused.reason
    (opened, _) = either_desk.bench.told(TaskOpened)
    assert (opened.stage, opened.votes_needed, opened.because) == ("sift", 2, "stage_reached")


def test_many_records_of_one_transaction_are_told_each_on_its_own_flow(either_desk):
    bench = either_desk.bench
    heard = [bench.envelope(discovered(f"r{number}")) for number in range(50)]

    with bench.work() as work:
        for envelope in heard:
            with work.following(envelope.correlationid, envelope.id):
                for effect in bench.service.effects(type(discovered("r"))):
                    effect(discovered(envelope.subject), work)

    told = bench.journal()
    assert [envelope.subject for envelope in told] == [f"r{number}" for number in range(50)]
    assert [(t.correlationid, t.causationid) for t in told] == [(h.correlationid, h.id) for h in heard]
    assert either_desk.queue("sift")["open"] == 50
    assert [either_desk.claims(name)["record"]["record"] for name in ("ana", "ben", "cy")] == ["r0", "r0", "r1"]


def test_a_record_waits_for_its_protocol(desk):
    with pytest.raises(NotYet, match="not known yet"):
        desk.hears(discovered("r1").model_copy(update={"review": "moon"}))


@pytest.mark.parametrize(
    "event",
    [
        published(protocol()),
        discovered("r1"),
        updated("r1", revision=2, published="2016"),
        merged("r2", into="r1"),
        noticed("r1", "retraction"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_hearing_the_same_event_again_changes_nothing(either_desk, event):
    either_desk.discovers("r1", "r2")
    first = either_desk.bench.hears_envelope(either_desk.bench.envelope(event))
    before = (either_desk.record("r1"), either_desk.record("r2"), either_desk.gets("/funnel").json(), told(either_desk))

    either_desk.bench.hears_envelope(first)  # the log delivers twice
    either_desk.hears(event)  # its producer tells twice

    after = (either_desk.record("r1"), either_desk.record("r2"), either_desk.gets("/funnel").json(), told(either_desk))
    assert after == before


def in_one_transaction(desk: Desk, *events: Event) -> None:
    """Lets the service hear several events as one batch."""
    with desk.bench.work() as work:
        for event in events:
            for effect in desk.bench.service.effects(type(event)):
                effect(event, work)


@pytest.mark.parametrize("revisions", [(1, 2), (2, 1)])
def test_a_record_told_twice_in_one_transaction_is_one(desk, revisions):
    in_one_transaction(desk, *(discovered("r1", revision=number, title=f"Title {number}") for number in revisions))

    assert told(desk) == [("TaskOpened", "r1")]
    assert desk.record("r1")["record"]["title"] == "Title 2"


def test_what_happens_to_a_record_in_the_transaction_it_came_in_finds_it(either_desk):
    in_one_transaction(
        either_desk, discovered("r1"), noticed("r1", "retraction"), discovered("r2"), merged("r1", into="r2")
    )

    assert told(either_desk) == [("TaskOpened", "r1"), ("TaskOpened", "r2"), ("RecordExcluded", "r1")]
    assert [flag["kind"] for flag in either_desk.record("r2")["record"]["flags"]] == ["retraction"]
    assert either_desk.gets("/funnel").json()["merged"] == 1


def test_a_newer_description_is_shown_and_an_older_one_is_not(desk):
    desk.discovers("r1", revision=2, title="Second")

    desk.hears(updated("r1", revision=1, title="First"))
    assert desk.record("r1")["record"]["title"] == "Second"

    desk.hears(updated("r1", revision=4, title="Fourth"), updated("r1", revision=3, title="Third"))
    assert desk.record("r1")["record"]["title"] == "Fourth"


def test_a_record_whose_discovery_was_set_aside_comes_in_by_its_description(desk):
    desk.hears(updated("r1", revision=2, title="Whole"))
    desk.hears(discovered("r1", revision=1, title="Late"))

    assert told(desk) == [("TaskOpened", "r1")]
    assert desk.record("r1")["record"]["title"] == "Whole"


def test_a_mended_date_opens_what_the_old_one_kept_out(either_desk):
    either_desk.discovers("r1", published="2017")

    either_desk.hears(updated("r1", revision=2, published="2018-03"))

    assert told(either_desk) == [("RecordExcluded", "r1"), ("RecordReopened", "r1"), ("TaskOpened", "r1")]
    reopened, opened = either_desk.bench.told(RecordReopened)[0], either_desk.bench.told(TaskOpened)[0]
    assert (reopened.stage, reopened.revision, opened.revision) == ("sift", 2, 3)
    assert opened.because == "date_mended"
    assert either_desk.claims("ana")["record"]["record"] == "r1"
    assert either_desk.gets("/funnel").json()["by_rule"] == {}


def test_a_mended_date_closes_what_nobody_has_voted_on(either_desk):
    either_desk.discovers("r1")
    lease = either_desk.claims("ana")["lease"]

    either_desk.hears(updated("r1", revision=2, published="2017-05-01"))

    assert told(either_desk) == [("TaskOpened", "r1"), ("RecordExcluded", "r1")]
    assert either_desk.bench.told(RecordExcluded)[0].rule == "published_after"
    assert either_desk.votes("ana", lease, "include").json()["title"] == "task closed"
    assert either_desk.claims("ana") is None
    assert either_desk.gets("/funnel").json()["by_rule"] == {"published_after": 1}


def test_a_date_that_changes_to_and_fro_ends_where_the_last_one_says(desk):
    desk.discovers("r1")
    desk.hears(updated("r1", revision=2, published="2017"), updated("r1", revision=3, published="2020"))

    assert desk.claims("ana")["record"]["record"] == "r1"
    assert [stage["state"] for stage in desk.record("r1")["stages"]] == ["open"]

    desk.hears(updated("r1", revision=4, published="2016"))
    assert desk.record("r1")["rule"] == "published_after"
    assert desk.gets("/funnel").json()["stages"][0] == {
        "stage": "sift", "entered": 1, "advanced": 0, "excluded": 0, "open": 0, "conflicts": 0, "withdrawn": 1,
    }  # fmt: skip


def test_where_people_have_spoken_a_mended_date_changes_nothing(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")

    desk.hears(updated("r1", revision=2, published="2017"))

    assert desk.record("r1")["state"] == "screening"
    assert desk.claims("ben")["record"]["record"] == "r1"


def test_a_record_is_included_after_the_last_stage_with_every_judgement(desk):
    desk.discovers("r1")
    desk.answers("ana", "include", reason="plots")
    desk.answers("ben", "include")
    desk.answers("ana", "rich", **TOPICAL)
    desk.answers("ben", "moderate", **TOPICAL)

    (included,) = desk.bench.told(RecordIncluded)

    assert included.title == "On r1"
    assert [(judged.stage, judged.answer, judged.outcome) for judged in included.judgements] == [
        ("sift", "include", "advance"),
        ("depth", "moderate", "advance"),
    ]
    assert [vote.person for vote in included.judgements[0].votes] == ["ana", "ben"]
    assert included.judgements[1].votes[0].fields == {"cmocs": ["c1"]}
    assert desk.record("r1")["state"] == "included"


def test_a_record_is_excluded_by_people_with_their_reasons(desk):
    desk.discovers("r1")
    desk.answers("ana", "exclude", reason="no garden")
    desk.answers("ben", "exclude", reason="a balcony")

    (excluded,) = desk.bench.told(RecordExcluded)

    assert (excluded.stage, excluded.rule, excluded.reason) == ("sift", None, "no garden; a balcony")
    assert desk.record("r1")["state"] == "excluded"


def test_the_steps_of_a_record_are_numbered_and_each_follows_from_the_one_before(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.answers("ben", "unsure")
    desk.answers("cy", "include", "adjudicator", "conflict", reason="it fits")

    told = desk.bench.journal()

    assert [event.type.removeprefix("screening.") for event in told] == [
        "task.opened", "conflict.opened", "task.closed", "record.advanced", "task.opened",
    ]  # fmt: skip
    assert [event.data["revision"] for event in told] == [1, 2, 3, 4, 5]
    assert {event.correlationid for event in told} == {"r1"}
    assert [event.causationid for event in told[1:]] == [event.id for event in told[:-1]]
    assert [event.actor for event in told] == ["bench", "ben", "cy", "cy", "cy"]


def test_an_amendment_sends_a_record_to_the_first_stage_it_has_not_passed(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.hears(published(protocol({**SIFT, "name": "scope"}, SIFT, DEPTH), version=2))

    desk.answers("ben", "include")

    assert desk.bench.told(RecordAdvanced)[0].next_stage == "scope"
    desk.answers("ana", "include")
    desk.answers("ben", "include")
    assert desk.bench.told(RecordAdvanced)[1].next_stage == "depth"


def test_a_stage_that_an_amendment_dropped_is_finished_as_it_was_begun(desk):
    desk.discovers("r1")
    desk.hears(published(protocol({**SIFT, "name": "scope"}), version=2))

    assert desk.answers("ana", "include")["stage"] == "sift"
    desk.answers("ben", "include")
    assert desk.answers("ana", "include")["stage"] == "scope"
    assert [row["stage"] for row in desk.gets("/queue").json()] == ["scope", "sift"]


def test_an_amendment_that_drops_what_is_left_includes_at_the_next_decision(desk):
    desk.discovers("r1")
    desk.hears(published(protocol(SIFT), version=2))
    desk.answers("ana", "include")
    desk.answers("ben", "include")

    assert desk.record("r1")["state"] == "included"


def test_a_version_published_twice_with_other_content_is_rejected(desk):
    with pytest.raises(Rejected, match="other content"):
        desk.hears(published(protocol(SIFT)))


def test_an_older_version_that_comes_late_does_not_become_the_newest(desk):
    desk.hears(published(protocol(SIFT), version=3))
    desk.hears(published(protocol(DEPTH), version=2))
    desk.discovers("r1")

    assert desk.claims("ana")["protocol_version"] == 3


def test_a_retraction_is_shown_on_the_open_task_and_its_reinstatement_clears_it(desk):
    desk.discovers("r1")
    desk.hears(noticed("r1", "retraction"))

    (flag,) = desk.claims("ana")["record"]["flags"]
    (listed,) = desk.gets("/stages/sift/tasks").json()["items"]
    assert (flag["kind"], flag["reason"], flag["drill"]) == ("retraction", "data could not be found", False)
    assert listed["flags"] == [flag]

    desk.hears(noticed("r1", "reinstatement"))

    history = desk.record("r1")
    assert history["record"]["flags"] == []
    assert [notice["kind"] for notice in history["notices"]] == ["retraction", "reinstatement"]


def test_a_notice_about_a_merged_record_flags_the_one_it_lives_on_in(desk):
    desk.discovers("r1", "r2")
    desk.hears(noticed("r1", "correction"), merged("r1", into="r2"), noticed("r1", "retraction"))

    assert [flag["kind"] for flag in desk.record("r2")["record"]["flags"]] == ["correction", "retraction"]


def test_a_notice_about_a_record_never_told_is_rejected(desk):
    with pytest.raises(Rejected, match="was never told"):
        desk.hears(noticed("r9", "retraction"))


def test_nothing_but_a_closed_task_tells_a_vote(desk):
    desk.discovers("r1", "r2")
    for name in ("ana", "ben"):
        desk.answers(name, "exclude", reason="SECRET")
    desk.answers("ana", "exclude", reason="SECRET")
    desk.answers("ben", "unsure", reason="SECRET")

    telling = [envelope for envelope in desk.bench.journal() if "SECRET" in str(envelope.data)]

    assert [envelope.type for envelope in telling] == [TaskClosed.type, RecordExcluded.type]
    assert {envelope.subject for envelope in telling} == {"r1"}


def test_two_reviews_may_hold_a_record_of_the_same_name(desk):
    moon = protocol(review="moon")
    desk.hears(published(moon), discovered("r1").model_copy(update={"review": "moon"}))
    desk.discovers("r1")

    desk.answers("ana", "include")

    assert desk.record("r1")["stages"][0]["votes_cast"] == 1
    there = desk.person("ana").get("/screening/reviews/moon/records/r1").json()
    assert there["stages"][0]["votes_cast"] == 0
    assert REVIEW != "moon"
