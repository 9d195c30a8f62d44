"""Votes that were cast under a name, before people had ids, become those of the person whose it was."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from sqlalchemy import event, select

from services.screening import jobs
from services.screening.commands import names, queue
from services.screening.domain import Ballot
from services.screening.manifest import SERVICE
from services.screening.models import VoteRow
from shared.db import migrate
from shared.errors import Rejected
from shared.events.people import NameMapped
from shared.events.screening import RecordAdvanced, RecordIncluded, RecordReopened, TaskClosed, TaskOpened
from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT, ScreeningRig, merged
from tests.unit.services.screening.soundness import assert_sound

PLAIN = {**DEPTH, "fields": [], "adjudicators": "adjudicator"}
ANA, BEN, CY = (f"person_{letter * 32}" for letter in "abc")


def comes_from_before(rig: ScreeningRig) -> None:
    """Has the database be one of the release before people had ids, and brings it up to date."""
    with rig.bench.running.database.engine.connect() as connection:
        command.stamp(migrate._config(SERVICE, connection), "head")  # A rig's tables are made without migrations.
        command.downgrade(migrate._config(SERVICE, connection), "0006")
        connection.commit()
    migrate.upgrade(rig.bench.running.database, SERVICE)


def says(rig: ScreeningRig, name: str, person: str, review: str = REVIEW) -> None:
    """A lead says whose a name is, and screening takes it in."""
    rig.hears(NameMapped(review=review, name=name, person=person))
    rig.bench.runs(jobs.replace_old_names)


def waiting(rig: ScreeningRig) -> dict[str, int]:
    answer = rig.gets("/old-names", "lea", "lead")
    assert answer.status_code == 200, answer.text
    return {found["name"]: found["acts"] for found in answer.json()["names"]}


def votes(rig: ScreeningRig) -> list[VoteRow]:
    with rig.bench.work("look", readonly=True) as work:
        return list(work.session.execute(select(VoteRow).order_by(VoteRow.cast_at, VoteRow.id)).scalars())


def decided(rig: ScreeningRig, *pairs: tuple[str, str], record: str = "one") -> None:
    """A record that these people, with these answers, voted on at the first stage."""
    rig.discovers(record)
    for name, answer in pairs:
        rig.bench.clock.advance(seconds=1)
        rig.answers(name, answer, stage="sift", reason="because")


def test_an_upgrade_lists_who_voted_under_a_name_and_nobody_who_has_an_id(either_rig):
    decided(either_rig, ("Ana", "include"), (BEN, "include"))
    decided(either_rig, ("Ana", "include"), ("person_jo", "include"), record="two")
    decided(either_rig, ("owner:root", "include"), record="three")

    comes_from_before(either_rig)

    assert waiting(either_rig) == {"Ana": 2, "person_jo": 1}


def agreement(rig: ScreeningRig) -> list[dict[str, Any]]:
    """How far people agree, and between how many, whatever they are called."""
    stages = rig.gets("/agreement", "lea", "lead").json()
    numbers = ("n", "agreed", "kappa", "ac1")
    return [
        {**stage, "between": sorted(str([pair[it] for it in numbers]) for pair in stage["between"])} for stage in stages
    ]


def test_the_votes_become_the_persons_and_nothing_else_changes(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("Ben", "exclude"))
    decided(rig, ("Ana", "include"), ("Ben", "include"), record="two")
    comes_from_before(rig)
    before, journal = agreement(rig), len(rig.bench.journal())

    says(rig, "Ana", ANA)
    says(rig, "Ben", BEN)

    assert {vote.person for vote in votes(rig)} == {ANA, BEN}
    assert agreement(rig) == before
    assert len(rig.bench.journal()) == journal
    assert waiting(rig) == {}
    # Each sees their own figures, and nobody those of a name.
    assert rig.gets("/agreement", ANA).status_code == 200
    assert rig.gets("/agreement", "Ana").status_code == 403


def test_nobody_votes_again_where_they_voted_under_their_name(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"))
    comes_from_before(rig)
    assert rig.claims(ANA) is not None  # Until it is known who that was.

    says(rig, "Ana", ANA)

    assert rig.claims(ANA) is None
    rig.answers(BEN, "include")
    (closed,) = rig.bench.emitted(TaskClosed)
    assert [vote.person for vote in closed.judgement.votes] == [ANA, BEN]


def test_a_task_that_two_names_of_one_person_passed_opens_again_and_its_record_goes_back(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("ana", "include"))
    comes_from_before(rig)
    assert rig.record("one")["stage"] == "depth"

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)

    seen = rig.record("one", ANA)
    assert (seen["state"], seen["stage"]) == ("screening", "sift")
    (sift, depth) = sorted(seen["stages"], key=lambda stage: stage["stage"] != "sift")
    assert (sift["state"], sift["votes_cast"], depth["state"]) == ("open", 1, "withdrawn")
    (back,) = rig.bench.emitted(RecordReopened)
    assert (back.stage, back.reason) == ("sift", "votes at stage 'sift' were one person's")
    assert rig.bench.emitted(TaskOpened)[-1].because == "votes_of_one_person"
    # What was told before leads those who judge anew no more.
    stage = rig.gets("/agreement", "lea", "lead").json()[0]
    assert (stage["n"], stage["one_vote"]) == (0, 1)

    rig.answers(BEN, "include")
    assert rig.record("one", ANA)["stage"] == "depth"
    assert len(rig.bench.emitted(RecordAdvanced)) == 2


def test_what_a_record_passed_later_it_need_not_pass_again(rig_of):
    rig = rig_of(SIFT, PLAIN)
    decided(rig, ("Ana", "include"), ("ana", "include"))
    for name in ("Ben", "Cy"):
        rig.answers(name, "rich", stage="depth")
    comes_from_before(rig)
    assert rig.record("one")["state"] == "included"

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)
    assert (rig.record("one")["state"], rig.record("one")["stage"]) == ("screening", "sift")

    rig.answers(BEN, "include")
    included = rig.bench.emitted(RecordIncluded)
    assert len(included) == 2
    assert [judgement.stage for judgement in included[-1].judgements] == ["depth", "sift"]


def test_a_later_stage_that_led_it_out_does_so_again_and_one_that_was_half_way_goes_on(rig_of):
    rig = rig_of(SIFT, PLAIN)
    for record in ("out", "half"):
        decided(rig, ("Ana", "include"), ("ana", "include"), record=record)
    rig.answers("Ben", "thin", stage="depth")
    rig.answers("Cy", "thin", stage="depth")
    rig.answers("Ben", "rich", stage="depth")
    comes_from_before(rig)

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)
    for _ in range(2):
        rig.answers(BEN, "include", stage="sift")

    assert (rig.record("out")["state"], rig.record("out")["stage"]) == ("excluded", "depth")
    half = rig.record("half")
    assert (half["state"], half["stage"]) == ("screening", "depth")
    assert rig.claims("Ben", stage="depth") is None
    assert rig.answers("Cy", "rich", stage="depth")["state"] == "advanced"


def test_a_conflict_between_two_names_of_one_person_is_none(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("ana", "exclude"))
    comes_from_before(rig)

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)

    assert rig.queue("sift")["conflicts"] == 0
    assert rig.claims("Dee", "adjudicator", kind="conflict") is None
    rig.answers(BEN, "exclude", reason="no")
    assert rig.queue("sift")["conflicts"] == 1
    assert rig.answers("Dee", "include", "adjudicator", "conflict", reason="yes")["state"] == "advanced"


def test_whoever_holds_a_conflict_that_is_none_any_more_decides_nothing(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("ana", "exclude"))
    comes_from_before(rig)
    held = rig.claims("Dee", "adjudicator", kind="conflict")

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)

    answer = rig.votes("Dee", held["lease"], "include", "adjudicator", reason="mine")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "task_closed")
    assert rig.claims(BEN)["record"]["record"] == "one"
    assert_sound(rig.bench, REVIEW, [(vote.cast_on, vote.person) for vote in votes(rig)], one_each=False)


def test_nobody_decides_a_conflict_about_a_vote_of_their_own(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("Ben", "exclude"))
    rig.answers("ana", "include", "adjudicator", "conflict", reason="mine")
    comes_from_before(rig)
    assert rig.record("one")["stage"] == "depth"

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)

    assert (rig.record("one")["stage"], rig.queue("sift")["conflicts"]) == ("sift", 1)
    assert rig.claims(ANA, "adjudicator", kind="conflict") is None
    rig.answers("Dee", "exclude", "adjudicator", "conflict", reason="no")
    assert rig.record("one")["state"] == "excluded"
    assert_sound(
        rig.bench,
        REVIEW,
        [(vote.cast_on, vote.person) for vote in votes(rig)],
    )


def test_a_merge_took_the_votes_of_two_names_elsewhere_and_they_are_compared_nowhere(rig):
    decided(rig, ("Ana", "include"), ("ana", "include"))
    rig.discovers("two")
    rig.hears(merged("one", into="two"))
    comes_from_before(rig)
    assert rig.record("two")["stage"] == "depth"

    says(rig, "Ana", ANA)
    says(rig, "ana", ANA)

    assert (rig.record("two")["stage"], rig.queue("sift")["open"]) == ("sift", 1)
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 0
    assert_sound(rig.bench, REVIEW, [(vote.cast_on, vote.person) for vote in votes(rig)], one_each=False)


def test_what_is_held_under_a_name_goes_back_to_the_queue(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"))
    rig.discovers("two")
    assert rig.claims("Ana")["record"]["record"] == "two"
    comes_from_before(rig)

    says(rig, "Ana", ANA)

    assert rig.queue("sift")["in_hand"] == 0
    assert rig.claims(ANA)["record"]["record"] == "two"


def test_a_name_is_one_persons_and_only_in_its_review(rig):
    decided(rig, ("Ana", "include"))
    comes_from_before(rig)

    says(rig, "Ana", BEN, review="other")
    assert waiting(rig) == {"Ana": 1}

    rig.hears(NameMapped(review=REVIEW, name="Ana", person=ANA))
    with pytest.raises(Rejected, match="is 'person_aaa"):
        rig.hears(NameMapped(review=REVIEW, name="Ana", person=BEN))
    rig.bench.runs(jobs.replace_old_names)
    assert [vote.person for vote in votes(rig)] == [ANA]
    # By now nobody votes under a name: to hear of one again means nothing.
    says(rig, "Ana", BEN)
    assert [vote.person for vote in votes(rig)] == [ANA]


def test_only_a_lead_sees_under_which_names_people_voted(rig):
    assert rig.gets("/old-names", "ben", "adjudicator").status_code == 403
    assert rig.gets("/old-names", "lea", "lead").json() == {"names": []}


def test_a_process_that_dies_half_way_goes_on_where_it_was(rig):
    for record in range(5):
        decided(rig, ("Ana", "include"), ("ana", "exclude"), record=f"r{record}")
    comes_from_before(rig)
    rig.hears(NameMapped(review=REVIEW, name="Ana", person=ANA), NameMapped(review=REVIEW, name="ana", person=ANA))
    with rig.bench.work("first") as work:
        names.replace_some(work, review=REVIEW, name="Ana", limit=2)
    with pytest.raises(ZeroDivisionError), rig.bench.work("dies") as work:
        names.replace_some(work, review=REVIEW, name="Ana", limit=2)
        raise ZeroDivisionError
    with rig.bench.work("second") as work:
        names.replace_some(work, review=REVIEW, name="ana", limit=2)
    assert_sound(rig.bench, REVIEW, [(vote.cast_on, vote.person) for vote in votes(rig)], one_each=False)
    rig.bench.runs(jobs.replace_old_names)

    assert len([vote for vote in votes(rig) if vote.task is not None]) == 5
    assert rig.queue("sift")["open"] == 5
    assert_sound(rig.bench, REVIEW, [(vote.cast_on, vote.person) for vote in votes(rig)], one_each=False)
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 0


@pytest.mark.slow  # Ten thousand votes are cast one by one.
def test_ten_thousand_votes_become_five_peoples_and_agreement_stays_what_it_was(rig_of):
    rig = rig_of(SIFT)
    # Ten thousand commits need not wait for the disk.
    engine = rig.bench.running.database.engine
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    engine.dispose()
    people = {f"Reviewer {number}": f"person_{number:032x}" for number in range(5)}
    rig.discovers(*(f"r{number}" for number in range(5_000)))
    cast = 0
    while cast < 10_000:
        for number, name in enumerate(people):
            with rig.bench.work(name) as work:
                for held in queue.claim(work, REVIEW, "screening", "sift", (), 50):
                    answer = "include" if (cast + number) % 3 else "exclude"
                    queue.vote(work, REVIEW, held.lease.id, Ballot(answer, "because"), ())
                    cast += 1
    comes_from_before(rig)
    assert sum(waiting(rig).values()) == 10_000
    before = agreement(rig)

    for name, person in people.items():
        says(rig, name, person)

    assert {vote.person for vote in votes(rig)} == set(people.values())
    assert agreement(rig) == before
    assert before[0]["n"] == 5_000
    assert (waiting(rig), rig.bench.emitted(RecordReopened)) == ({}, [])
    assert_sound(rig.bench, REVIEW, [(vote.cast_on, vote.person) for vote in votes(rig)], one_each=False)
