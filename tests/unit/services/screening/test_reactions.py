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
from tests.unit.services.screening.rig import (
    DEPTH,
    REVIEW,
    SIFT,
    ScreeningRig,
    discovered,
    merged,
    noticed,
    protocol,
    published,
    updated,
)

TOPICAL = {"fields": {"cmocs": ["c1"]}}


def seen(rig: ScreeningRig) -> list[tuple[str, str]]:
    """(what, which record) of everything told."""
    return [(type(event).__name__, event.record) for event in rig.bench.all_emitted()]


def test_a_discovered_record_has_exactly_one_task_or_a_reason_why_not(either_rig):
    either_rig.discovers("r1")
    either_rig.discovers("r2", published="2017")
    either_rig.discovers("r3", published=None)

    assert seen(either_rig) == [("TaskOpened", "r1"), ("RecordExcluded", "r2"), ("TaskOpened", "r3")]
    (refused,) = either_rig.bench.emitted(RecordExcluded)
    assert (refused.rule, refused.stage, refused.revision) == ("published_after", None, 1)
    assert either_rig.record("r2")["stages"] == []
    assert either_rig.record("r2")["reason"] == refused.reason
    (opened, _) = either_rig.bench.emitted(TaskOpened)
    assert (opened.stage, opened.votes_needed, opened.because) == ("sift", 2, "stage_reached")


def test_many_records_of_one_transaction_are_told_each_on_its_own_flow(either_rig):
    bench = either_rig.bench
    heard = [bench.envelope(discovered(f"r{number}")) for number in range(50)]

    with bench.work() as work:
        for envelope in heard:
            with work.following(envelope.correlationid, envelope.id):
                for effect in bench.service.effects(type(discovered("r"))):
                    effect(work, discovered(envelope.subject))

    seen = bench.journal()
    assert [envelope.subject for envelope in seen] == [f"r{number}" for number in range(50)]
    assert [(t.correlationid, t.causationid) for t in seen] == [(h.correlationid, h.id) for h in heard]
    assert either_rig.queue("sift")["open"] == 50
    assert [either_rig.claims(name)["record"]["record"] for name in ("ana", "ben", "cy")] == ["r0", "r0", "r1"]


def test_a_record_waits_for_its_protocol(rig):
    with pytest.raises(NotYet, match="not known yet"):
        rig.hears(discovered("r1").model_copy(update={"review": "moon"}))


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
def test_hearing_the_same_event_again_changes_nothing(either_rig, event):
    either_rig.discovers("r1", "r2")
    first = either_rig.bench.hears_envelope(either_rig.bench.envelope(event))
    before = (either_rig.record("r1"), either_rig.record("r2"), either_rig.gets("/funnel").json(), seen(either_rig))

    either_rig.bench.hears_envelope(first)  # the log delivers twice
    either_rig.hears(event)  # its producer tells twice

    after = (either_rig.record("r1"), either_rig.record("r2"), either_rig.gets("/funnel").json(), seen(either_rig))
    assert after == before


def in_one_transaction(rig: ScreeningRig, *events: Event) -> None:
    """Lets the service hear several events as one batch."""
    with rig.bench.work() as work:
        for event in events:
            for effect in rig.bench.service.effects(type(event)):
                effect(work, event)


@pytest.mark.parametrize("revisions", [(1, 2), (2, 1)])
def test_a_record_told_twice_in_one_transaction_is_one(rig, revisions):
    in_one_transaction(rig, *(discovered("r1", revision=number, title=f"Title {number}") for number in revisions))

    assert seen(rig) == [("TaskOpened", "r1")]
    assert rig.record("r1")["record"]["title"] == "Title 2"


def test_what_happens_to_a_record_in_the_transaction_it_came_in_finds_it(either_rig):
    in_one_transaction(
        either_rig, discovered("r1"), noticed("r1", "retraction"), discovered("r2"), merged("r1", into="r2")
    )

    assert seen(either_rig) == [("TaskOpened", "r1"), ("TaskOpened", "r2"), ("RecordExcluded", "r1")]
    assert [flag["kind"] for flag in either_rig.record("r2")["record"]["flags"]] == ["retraction"]
    assert either_rig.gets("/funnel").json()["merged"] == 1


def test_a_newer_description_is_shown_and_an_older_one_is_not(rig):
    rig.discovers("r1", revision=2, title="Second")

    rig.hears(updated("r1", revision=1, title="First"))
    assert rig.record("r1")["record"]["title"] == "Second"

    rig.hears(updated("r1", revision=4, title="Fourth"), updated("r1", revision=3, title="Third"))
    assert rig.record("r1")["record"]["title"] == "Fourth"


def test_a_record_whose_discovery_was_set_aside_comes_in_by_its_description(rig):
    rig.hears(updated("r1", revision=2, title="Whole"))
    rig.hears(discovered("r1", revision=1, title="Late"))

    assert seen(rig) == [("TaskOpened", "r1")]
    assert rig.record("r1")["record"]["title"] == "Whole"


def test_a_mended_date_opens_what_the_old_one_kept_out(either_rig):
    either_rig.discovers("r1", published="2017")

    either_rig.hears(updated("r1", revision=2, published="2018-03"))

    assert seen(either_rig) == [("RecordExcluded", "r1"), ("RecordReopened", "r1"), ("TaskOpened", "r1")]
    reopened, opened = either_rig.bench.emitted(RecordReopened)[0], either_rig.bench.emitted(TaskOpened)[0]
    assert (reopened.stage, reopened.revision, opened.revision) == ("sift", 2, 3)
    assert opened.because == "date_mended"
    assert either_rig.claims("ana")["record"]["record"] == "r1"
    assert either_rig.gets("/funnel").json()["by_rule"] == {}


def test_a_mended_date_closes_what_nobody_has_voted_on(either_rig):
    either_rig.discovers("r1")
    lease = either_rig.claims("ana")["lease"]

    either_rig.hears(updated("r1", revision=2, published="2017-05-01"))

    assert seen(either_rig) == [("TaskOpened", "r1"), ("RecordExcluded", "r1")]
    assert either_rig.bench.emitted(RecordExcluded)[0].rule == "published_after"
    assert either_rig.votes("ana", lease, "include").json()["title"] == "task closed"
    assert either_rig.claims("ana") is None
    assert either_rig.gets("/funnel").json()["by_rule"] == {"published_after": 1}


def test_a_date_that_changes_to_and_fro_ends_where_the_last_one_says(rig):
    rig.discovers("r1")
    rig.hears(updated("r1", revision=2, published="2017"), updated("r1", revision=3, published="2020"))

    assert rig.claims("ana")["record"]["record"] == "r1"
    assert [stage["state"] for stage in rig.record("r1")["stages"]] == ["open"]

    rig.hears(updated("r1", revision=4, published="2016"))
    assert rig.record("r1")["rule"] == "published_after"
    assert rig.gets("/funnel").json()["stages"][0] == {
        "stage": "sift", "entered": 0, "advanced": 0, "excluded": 0, "open": 0, "conflicts": 0, "withdrawn": 1,
        "parked": 0,
    }  # fmt: skip


def test_where_people_have_spoken_a_mended_date_changes_nothing(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")

    rig.hears(updated("r1", revision=2, published="2017"))

    assert rig.record("r1")["state"] == "screening"
    assert rig.claims("ben")["record"]["record"] == "r1"


def test_a_record_is_included_after_the_last_stage_with_every_judgement(rig):
    rig.discovers("r1")
    rig.answers("ana", "include", reason="plots")
    rig.answers("ben", "include")
    rig.answers("ana", "rich", **TOPICAL)
    rig.answers("ben", "moderate", **TOPICAL)

    (included,) = rig.bench.emitted(RecordIncluded)

    assert included.title == "On r1"
    assert [(judged.stage, judged.answer, judged.outcome) for judged in included.judgements] == [
        ("sift", "include", "advance"),
        ("depth", "moderate", "advance"),
    ]
    assert [vote.person for vote in included.judgements[0].votes] == ["ana", "ben"]
    assert included.judgements[1].votes[0].fields == {"cmocs": ["c1"]}
    assert rig.record("r1")["state"] == "included"


def test_a_record_is_excluded_by_people_with_their_reasons(rig):
    rig.discovers("r1")
    rig.answers("ana", "exclude", reason="no garden")
    rig.answers("ben", "exclude", reason="a balcony")

    (excluded,) = rig.bench.emitted(RecordExcluded)

    assert (excluded.stage, excluded.rule, excluded.reason) == ("sift", None, "no garden; a balcony")
    assert rig.record("r1")["state"] == "excluded"


def test_the_steps_of_a_record_are_numbered_and_each_follows_from_the_one_before(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    rig.answers("cy", "include", "adjudicator", "conflict", reason="it fits")

    seen = rig.bench.journal()

    assert [event.type.removeprefix("screening.") for event in seen] == [
        "task.opened", "conflict.opened", "task.closed", "record.advanced", "task.opened",
    ]  # fmt: skip
    assert [event.data["revision"] for event in seen] == [1, 2, 3, 4, 5]
    assert {event.correlationid for event in seen} == {"r1"}
    assert [event.causationid for event in seen[1:]] == [event.id for event in seen[:-1]]
    assert [event.actor for event in seen] == ["bench", "ben", "cy", "cy", "cy"]


def test_an_amendment_sends_a_record_to_the_first_stage_it_has_not_passed(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.hears(published(protocol({**SIFT, "name": "scope"}, SIFT, DEPTH), version=2))

    rig.answers("ben", "include")

    assert rig.bench.emitted(RecordAdvanced)[0].next_stage == "scope"
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    assert rig.bench.emitted(RecordAdvanced)[1].next_stage == "depth"


def test_a_stage_that_an_amendment_dropped_is_finished_as_it_was_begun(rig):
    rig.discovers("r1")
    rig.hears(published(protocol({**SIFT, "name": "scope"}), version=2))

    assert rig.answers("ana", "include")["stage"] == "sift"
    rig.answers("ben", "include")
    assert rig.answers("ana", "include")["stage"] == "scope"
    assert [row["stage"] for row in rig.gets("/queue").json()] == ["scope", "sift"]


def test_an_amendment_that_drops_what_is_left_includes_at_the_next_decision(rig):
    rig.discovers("r1")
    rig.hears(published(protocol(SIFT), version=2))
    rig.answers("ana", "include")
    rig.answers("ben", "include")

    assert rig.record("r1")["state"] == "included"


def test_a_version_published_twice_with_other_content_is_rejected(rig):
    with pytest.raises(Rejected, match="other content"):
        rig.hears(published(protocol(SIFT)))


def test_an_older_version_that_comes_late_does_not_become_the_newest(rig):
    rig.hears(published(protocol(SIFT), version=3))
    rig.hears(published(protocol(DEPTH), version=2))
    rig.discovers("r1")

    assert rig.claims("ana")["protocol_version"] == 3


def test_a_retraction_is_shown_on_the_open_task_and_its_reinstatement_clears_it(rig):
    rig.discovers("r1")
    rig.hears(noticed("r1", "retraction"))

    (flag,) = rig.claims("ana")["record"]["flags"]
    (listed,) = rig.gets("/stages/sift/tasks").json()["items"]
    assert (flag["kind"], flag["reason"], flag["drill"]) == ("retraction", "data could not be found", False)
    assert listed["flags"] == [flag]

    rig.hears(noticed("r1", "reinstatement"))

    history = rig.record("r1")
    assert history["record"]["flags"] == []
    assert [notice["kind"] for notice in history["notices"]] == ["retraction", "reinstatement"]


def test_a_notice_about_a_merged_record_flags_the_one_it_lives_on_in(rig):
    rig.discovers("r1", "r2")
    rig.hears(noticed("r1", "correction"), merged("r1", into="r2"), noticed("r1", "retraction"))

    assert [flag["kind"] for flag in rig.record("r2")["record"]["flags"]] == ["correction", "retraction"]


def test_a_notice_about_a_record_never_told_is_rejected(rig):
    with pytest.raises(Rejected, match="was never told"):
        rig.hears(noticed("r9", "retraction"))


def test_nothing_but_a_closed_task_tells_a_vote(rig):
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", reason="SECRET")
    rig.answers("ana", "exclude", reason="SECRET")
    rig.answers("ben", "unsure", reason="SECRET")

    telling = [envelope for envelope in rig.bench.journal() if "SECRET" in str(envelope.data)]

    assert [envelope.type for envelope in telling] == [TaskClosed.type, RecordExcluded.type]
    assert {envelope.subject for envelope in telling} == {"r1"}


def test_two_reviews_may_hold_a_record_of_the_same_name(rig):
    moon = protocol(review="moon")
    rig.hears(published(moon), discovered("r1").model_copy(update={"review": "moon"}))
    rig.discovers("r1")

    rig.answers("ana", "include")

    assert rig.record("r1")["stages"][0]["votes_cast"] == 1
    there = rig.person("ana").get("/screening/reviews/moon/records/r1").json()
    assert there["stages"][0]["votes_cast"] == 0
    assert REVIEW != "moon"
