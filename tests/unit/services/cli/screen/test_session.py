"""A day of screening as a state machine: one press is one vote, whatever the fingers, the line and the platform do."""

from __future__ import annotations

import pytest

from services.cli.screen.exchange import Cast, Claim, Left, Look, Note, Park, Release, Renew, Skip, TakeBack
from services.cli.screen.session import QUIET
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound, TooMany, Unauthenticated, Unavailable
from tests.unit.services.cli.screen.sitting import ANSWERS, CMOCS, Sitting, a_card

LOST = Unavailable("http://far does not answer: timed out", slug="no_answer")
LAPSED = Conflict("the lease lapsed", slug="lease_lapsed")


def test_a_press_is_a_vote_and_the_next_card_is_there_at_once():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("i")

    assert [(cast.card.title, cast.ballot.answer) for cast in sitting.casts] == [("On a", "include")]
    assert sitting.shown == "On b"


@pytest.mark.parametrize("times", [2, 3, 30])
def test_a_press_that_comes_more_than_once_is_one_vote(times):
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses(*("i" * times))
    sitting.answers(sitting.waiting(Cast))
    sitting.presses("i")

    assert len(sitting.casts) == 1 and sitting.shown == "On b"


def test_another_answer_while_a_vote_is_under_way_is_none():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("i")
    sitting.waits(60)
    sitting.presses("u", "s", "f")

    assert sitting.sent[-1] == sitting.waiting(Cast) and len(sitting.casts) == 1


def test_a_key_that_is_held_down_answers_once_more_at_most():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits(0.4)  # What a keyboard waits before it repeats.
    for _ in range(200):
        sitting.presses("i", every=0.03)
        if sitting.is_waiting(Cast):
            sitting.answers(sitting.waiting(Cast))

    assert len(sitting.casts) == 2


def test_a_card_that_just_came_takes_no_answer_yet():
    sitting = Sitting()
    sitting.gets("a", "b", "c", "d")

    sitting.presses("i")
    assert sitting.casts == []
    sitting.waits()
    sitting.presses("i")
    assert len(sitting.casts) == 1


def test_looking_around_is_never_dead():
    sitting = Sitting("a", "b", "c", "d")
    sitting.session.page = 10

    sitting.presses("i", "h", " ", "down", "?")

    assert not sitting.session.highlighted and sitting.session.view == "help"
    sitting.presses("esc", "d")
    assert sitting.session.view == "criteria"


def test_a_key_of_an_answer_closes_the_help_and_answers_nothing():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("?", "i")

    assert sitting.session.view == "card" and sitting.casts == []


def test_capital_letters_count_as_small_ones():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("I")

    assert len(sitting.casts) == 1


def test_a_vote_has_one_idempotency_key_for_all_its_tries_and_each_vote_another():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("i")
    for _ in range(20):
        sitting.refuses(sitting.waiting(Cast), LOST)
        sitting.waits(60)
    sitting.answers(sitting.waiting(Cast))
    sitting.waits()
    sitting.presses("u")

    first, second = {cast.key for cast in sitting.casts[:-1]}, sitting.casts[-1].key
    assert len(sitting.casts) == 22 and len(first) == 1 and second not in first
    assert sitting.session.done == 1


def test_the_pauses_between_tries_grow_and_are_told():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")
    pauses = []

    for _ in range(10):
        sitting.refuses(sitting.waiting(Cast), LOST)
        why, at = sitting.session.trouble
        assert why == LOST.detail and sitting.session.wakes_at(sitting.now) <= at
        pauses.append(at - sitting.now)
        sitting.waits(pauses[-1] - 0.01)
        assert not sitting.is_waiting(Cast)
        sitting.waits(0.02)

    assert pauses == sorted(pauses) and pauses[0] <= 0.5 and 5 < pauses[-1] <= 60
    sitting.answers(sitting.waiting(Cast))
    assert sitting.session.trouble is None


@pytest.mark.parametrize("error", [LOST, TooMany("slower"), Unavailable("a lock"), LivingError("HTTP 500")])
def test_a_vote_is_tried_again_after_what_passes(error):
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")

    sitting.refuses(sitting.waiting(Cast), error)
    sitting.waits(1)

    assert sitting.is_waiting(Cast) and sitting.shown == "On b"


def test_a_failure_of_the_platforms_own_is_not_tried_for_ever():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")

    for _ in range(7):
        sitting.refuses(sitting.waiting(Cast), LivingError("HTTP 500"))
        sitting.waits(60)

    assert not sitting.is_waiting(Cast) and sitting.shown == "On a" and "HTTP 500" in sitting.session.message


@pytest.mark.parametrize(
    "error", [Forbidden("no"), Unauthenticated("the key is withdrawn"), Invalid("reason: too long")]
)
def test_what_is_refused_comes_back_with_what_was_typed(error):
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("e")
    sitting.types("no data")
    sitting.presses("enter")
    assert sitting.shown == "On b"

    sitting.refuses(sitting.waiting(Cast), error)

    assert sitting.shown == "On a" and error.detail in sitting.session.message
    sitting.waits()
    sitting.presses("e")
    assert sitting.session.dialog.prompt.text == "no data"
    sitting.waits()
    sitting.presses("enter")
    assert [cast.ballot.reason for cast in sitting.casts] == ["no data", "no data"]
    assert sitting.casts[0].key != sitting.casts[1].key
    sitting.answers(sitting.waiting(Cast))
    assert sitting.shown == "On b"


def test_a_lapsed_lease_is_told_and_what_was_typed_waits_for_the_record():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("e")
    sitting.types("no data")
    sitting.presses("enter")

    sitting.refuses(sitting.waiting(Cast), LAPSED)

    assert sitting.shown == "On b" and "went back to the queue" in sitting.session.message
    again = a_card("a", lease="lease_anew")
    sitting.answers(sitting.waiting(Claim), [again, *(a_card(name) for name in "bcd")])
    for _ in range(3):
        sitting.waits(2)
        sitting.presses("i")
        sitting.answers(sitting.waiting(Cast))
        if sitting.session.card.task == again.task:
            break
    sitting.waits(2)
    assert sitting.session.draft().answer == "exclude"
    sitting.presses("e")
    assert sitting.session.dialog.prompt.text == "no data"


def test_after_a_lapse_the_cards_are_those_that_are_still_in_hand():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")
    sitting.refuses(sitting.waiting(Cast), LAPSED)

    sitting.gets("b", "d", "e")

    assert sitting.shown == "On b"
    assert [card.title for card in sitting.session.ahead] == ["On d", "On e"]


def test_a_vote_that_somebody_cast_in_another_window_is_not_cast_twice():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")

    sitting.refuses(sitting.waiting(Cast), Conflict("voted", slug="already_voted"))

    assert sitting.shown == "On b" and sitting.session.done == 0 and "answered it already" in sitting.session.message
    assert sitting.session.draft() is None


def test_a_card_that_is_voted_on_does_not_come_again_with_a_claim_of_before():
    sitting = Sitting("a", "b", "c", "d", count_=6)
    sitting.presses("i")
    assert not sitting.is_waiting(Claim)
    sitting.answers(sitting.waiting(Cast))
    assert sitting.is_waiting(Claim)

    sitting.gets("a", "b", "c", "d", "e")

    assert sitting.shown == "On b" and "On a" not in [card.title for card in sitting.session.ahead]


def test_cards_are_loaded_ahead_when_half_of_them_are_used_and_not_before():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    assert not sitting.is_waiting(Claim)
    sitting.waits()
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))

    assert sitting.waiting(Claim).count == 4
    sitting.waits(1)
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    assert sitting.sent.count(Claim(4)) == 2, "one claim at a time"


def test_where_nothing_waits_it_looks_again_by_itself():
    sitting = Sitting()
    sitting.gets()
    assert sitting.shown is None and not sitting.session.over

    sitting.waits(60)
    sitting.gets("a")

    assert sitting.shown == "On a"


def test_at_the_end_of_the_queue_it_asks_for_more_now_and_then_only():
    sitting = Sitting("a")
    for _ in range(100):
        if sitting.is_waiting(Claim):
            sitting.gets("a")
        sitting.waits(1)

    assert sitting.sent.count(Claim(4)) < 10


def test_a_claim_that_is_lost_is_made_again():
    sitting = Sitting()

    sitting.refuses(sitting.waiting(Claim), LOST)
    sitting.waits(1)

    sitting.gets("a")
    assert sitting.shown == "On a"


def test_who_may_not_screen_is_told_so_and_is_done():
    sitting = Sitting()

    sitting.refuses(sitting.waiting(Claim), Forbidden("this needs the role 'reviewer'", slug="role_needed"))

    assert sitting.session.over and sitting.session.refused.slug == "role_needed"


def test_leases_are_renewed_while_a_card_is_looked_at_for_long():
    sitting = Sitting("a", "b", "c", "d")
    every = sitting.session.card.kept_for / 3

    sitting.waits(every + 1)
    renewals = [request for request in sitting.asked if isinstance(request, Renew)]
    assert {it.lease for it in renewals} == {f"lease_{name}" for name in "abcd"}
    for it in renewals:
        sitting.answers(it, 600.0)
    sitting.waits(100)
    assert not sitting.is_waiting(Renew)
    sitting.waits(101)
    assert sitting.is_waiting(Renew)


def test_leases_of_somebody_who_went_away_are_left_to_lapse():
    sitting = Sitting("a")

    sitting.waits(4000)

    assert not sitting.is_waiting(Renew)


def test_a_card_whose_lease_lapsed_meanwhile_goes_and_the_next_comes():
    sitting = Sitting("a", "b")
    sitting.waits(1000)
    (renewal,) = (it for it in sitting.asked if isinstance(it, Renew) and it.lease == "lease_a")

    sitting.refuses(renewal, LAPSED)
    sitting.presses("i")

    assert sitting.shown == "On b" and sitting.casts == [] and "On a" in sitting.session.message


def test_a_card_about_which_somebody_types_stays_until_they_have():
    sitting = Sitting("a", "b")
    sitting.presses("e")
    sitting.waits(1000)
    (renewal,) = (it for it in sitting.asked if isinstance(it, Renew) and it.lease == "lease_a")

    sitting.refuses(renewal, LAPSED)
    sitting.types("no data")

    assert sitting.shown == "On a" and sitting.session.dialog.prompt.text == "no data"


def test_the_second_press_of_the_key_that_opens_a_question_is_no_part_of_its_answer():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("e", "e")
    sitting.waits()
    sitting.types("even")
    sitting.presses("enter", "enter")

    assert [cast.ballot.reason for cast in sitting.casts] == ["even"]


def test_a_reason_that_is_required_is_asked_for_until_it_is_there():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("e")
    sitting.waits()
    sitting.presses("enter")
    assert sitting.casts == [] and sitting.session.dialog.prompt.fault
    sitting.types("no data")
    sitting.presses("enter")

    assert sitting.casts[0].ballot.reason == "no data"


REASONS = [{"value": "setting", "label": "Wrong setting"}, {"value": "no_data", "label": "No data"}]


def test_a_reason_of_the_stage_is_picked_by_one_key():
    answers = [{**answer, "reason_required": False} for answer in ANSWERS]
    sitting = Sitting("a", "b", "c", "d", reasons=REASONS, answers=answers)

    sitting.presses("e")
    sitting.presses("2")

    assert [(it.ballot.answer, it.ballot.excluded_for, it.ballot.reason) for it in sitting.casts] == [
        ("exclude", "no_data", None)
    ]


def test_words_are_asked_for_beside_a_reason_of_the_stage_where_the_answer_needs_them():
    sitting = Sitting("a", "b", "c", "d", reasons=REASONS)

    sitting.presses("e", "1")
    sitting.types("one ward")
    sitting.presses("enter")

    assert [(it.ballot.excluded_for, it.ballot.reason) for it in sitting.casts] == [("setting", "one ward")]


@pytest.mark.parametrize(("key", "needed"), [("i", True), ("u", False)])
def test_a_stage_that_is_judged_for_cmocs_asks_for_which(key, needed):
    sitting = Sitting("a", "b", "c", "d", judged_for="cmocs", cmocs=CMOCS)

    sitting.presses(key, "enter")

    assert (sitting.casts == []) is needed
    sitting.presses("2", "enter")
    assert sitting.casts[0].ballot.judged_for == (("c2",) if needed else ())


def test_reasons_are_asked_for_what_excludes_alone():
    sitting = Sitting("a", "b", "c", "d", reasons=REASONS)

    sitting.presses("i")

    assert sitting.casts[0].ballot.excluded_for is None


FORM = [
    {"name": "setting", "label": "Where?", "kind": "choice", "options": ["town", "country"], "required": True},
    {"name": "designs", "label": "Designs", "kind": "choices", "options": ["survey", "interviews"], "required": True},
    {"name": "size", "label": "How many?", "kind": "number", "options": [], "required": True, "least": 1, "most": 99},
    {"name": "cmocs", "label": "Which?", "kind": "cmocs", "options": [], "required": True},
    {"name": "note", "label": "A note", "kind": "text", "options": [], "required": False},
]


def test_the_fields_that_are_required_are_asked_for_one_after_another():
    sitting = Sitting("a", "b", "c", "d", fields=FORM, cmocs=CMOCS)

    sitting.presses("i", "2", "1", "2", "enter")
    sitting.types("100")
    sitting.presses("enter")
    assert sitting.session.dialog.prompt.fault == "from 1 to 99"
    sitting.presses("backspace", "enter")
    sitting.presses("2", "enter")

    (cast,) = sitting.casts
    assert cast.ballot.fields == {
        "setting": "country", "designs": ["survey", "interviews"], "size": 10, "cmocs": ["c2"],
    }  # fmt: skip


def test_what_may_be_left_out_is_asked_for_by_a_key():
    sitting = Sitting("a", "b", "c", "d", fields=FORM[-1:])

    sitting.presses("f")
    sitting.waits()
    sitting.presses("i")
    assert sitting.session.dialog is not None
    sitting.presses("enter")
    sitting.types("page 3")
    sitting.presses("enter")

    assert sitting.casts[0].ballot.fields == {"note": "page 3"}


def test_a_field_that_the_platform_asks_for_besides_is_asked_for():
    sitting = Sitting("a", "b", "c", "d", fields=FORM[-1:])
    sitting.presses("i")

    fault = {"at": "fields.note", "why": "this must be filled in"}
    sitting.refuses(sitting.waiting(Cast), Invalid("fields.note: this must be filled in", [fault]))
    sitting.waits()
    sitting.presses("i")

    assert sitting.session.dialog.prompt.question == "A note"


def test_escape_keeps_what_was_typed():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("e")
    sitting.types("no da")
    sitting.presses("esc")
    assert sitting.session.dialog is None and sitting.casts == []
    sitting.presses("e")

    assert sitting.session.dialog.prompt.text == "no da"


def test_what_was_left_out_at_first_is_asked_for_again_where_something_was_said():
    sitting = Sitting("a", "b", "c", "d", fields=FORM[-1:], can={"undo"})
    sitting.presses("f")
    sitting.waits()
    sitting.presses("i", "enter")
    sitting.types("page 3")
    sitting.presses("enter")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits()
    sitting.presses("z")
    sitting.answers(sitting.waiting(TakeBack), a_card("a", fields=FORM[-1:]))
    sitting.waits()
    sitting.presses("f")  # Off again.
    sitting.waits()

    sitting.presses("i")

    assert sitting.session.dialog.prompt.text == "page 3"


def test_a_note_that_was_broken_off_is_still_there():
    sitting = Sitting("a", "b", "c", "d", can={"note"})
    sitting.presses("n")
    sitting.types("see p")
    sitting.presses("esc")
    sitting.waits()

    sitting.presses("n")

    assert sitting.session.dialog.prompt.text == "see p"


def test_what_is_pasted_is_never_keys():
    sitting = Sitting("a", "b", "c", "d")

    assert sitting.session.paste("iiii\nq", sitting.now) == []
    sitting.presses("e")
    sitting.session.paste("no data\nat all", sitting.now)
    sitting.waits()
    sitting.presses("enter")

    assert [cast.ballot.reason for cast in sitting.casts] == ["no data at all"]


def test_a_vote_is_taken_back_and_its_card_comes_first_with_what_was_said():
    sitting = Sitting("a", "b", "c", "d", can={"undo"})
    sitting.presses("e")
    sitting.types("no data")
    sitting.presses("enter")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits()

    sitting.presses("z", "z")
    assert not sitting.is_waiting(Cast)
    sitting.answers(sitting.waiting(TakeBack), a_card("a", lease="lease_anew"))

    assert sitting.shown == "On a" and sitting.session.done == 0 and sitting.session.draft().answer == "exclude"
    sitting.waits()
    sitting.presses("i")
    assert sitting.casts[-1].card.lease == "lease_anew" and sitting.shown == "On b"


def test_a_vote_taken_back_without_a_lease_comes_first_when_the_queue_brings_it():
    sitting = Sitting("a", "b", can={"undo"}, count_=2)
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.gets("b")
    sitting.waits()

    sitting.presses("z")
    sitting.answers(sitting.waiting(TakeBack))
    sitting.answers(sitting.waiting(Claim), [a_card("b"), a_card("a", lease="lease_anew")])

    assert sitting.shown == "On a" and [card.title for card in sitting.session.ahead] == ["On b"]


def test_what_cannot_be_taken_back_any_more_is_told():
    sitting = Sitting("a", "b", "c", "d", can={"undo"})
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits()

    sitting.presses("z")
    sitting.refuses(sitting.waiting(TakeBack), Conflict("the task is closed; a lead can reopen it", slug="task_closed"))

    assert sitting.shown == "On b" and "a lead can reopen it" in sitting.session.message and sitting.session.done == 1


def test_taking_back_is_no_key_where_the_platform_cannot():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    sitting.waits()

    sitting.presses("z")

    assert not sitting.is_waiting(TakeBack) and "undo" not in sitting.session.actions()


def test_skipping_parking_and_noting_each_happen_once():
    sitting = Sitting("a", "b", "c", "d", can={"park", "note"})

    sitting.presses("s", "s")
    sitting.answers(sitting.waiting(Skip))
    assert sitting.shown == "On b"
    sitting.waits()
    sitting.presses("p")
    sitting.types("ask Lea")
    sitting.presses("enter")
    sitting.types("2027-1")
    sitting.presses("enter")
    assert sitting.session.dialog.prompt.fault and not sitting.is_waiting(Park)
    sitting.presses("backspace")
    sitting.types("01-31")
    sitting.presses("enter", "enter")
    parked = sitting.waiting(Park)
    assert (parked.reason, str(parked.until)) == ("ask Lea", "2027-01-31") and sitting.shown == "On c"
    sitting.answers(sitting.waiting(Park))
    sitting.waits()
    sitting.presses("n")
    sitting.types("see p. 3")
    sitting.presses("enter", "enter")
    assert sitting.waiting(Note).text == "see p. 3" and sitting.shown == "On c"
    assert sitting.casts == []


def test_leaving_gives_back_what_is_held_and_not_what_is_answered():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))

    sitting.presses("q")

    given = [request for request in sitting.asked if isinstance(request, Release)]
    assert [it.lease for it in given] == ["lease_b", "lease_c", "lease_d"]
    for it in given:
        assert not sitting.session.over
        sitting.answers(it)
    assert sitting.session.over


def test_leaving_waits_for_the_last_vote_however_long_it_is_tried():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i", "q")
    for it in [request for request in sitting.asked if isinstance(request, Release)]:
        sitting.answers(it)

    for _ in range(20):
        sitting.refuses(sitting.waiting(Cast), LOST)
        sitting.waits(60)
        assert not sitting.session.over
    sitting.answers(sitting.waiting(Cast))

    assert sitting.session.over and sitting.session.unsent is None


def test_who_leaves_twice_is_told_which_answer_may_be_lost():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i", "q", "q")

    assert sitting.session.over and sitting.session.unsent.card.title == "On a"


def test_leaving_waits_no_longer_than_moments_for_what_is_given_back():
    sitting = Sitting("a", "b", "c", "d")

    sitting.presses("ctrl-c")
    sitting.waits(60)

    assert sitting.session.over


def test_what_could_not_be_given_back_is_counted():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("q")
    first, second, *_ = [it for it in sitting.asked if isinstance(it, Release)]
    sitting.answers(first)
    sitting.refuses(second, Unavailable("away"))
    assert not sitting.session.over

    sitting.waits(6)

    assert sitting.session.over and sitting.session.kept == 3, "one failed, and two nobody answered about"


def test_how_much_is_left_counts_down_with_votes_and_up_with_what_is_taken_back():
    sitting = Sitting("a", "b", "c", "d", can={"look", "undo", "park"})
    sitting.answers(sitting.waiting(Look), Left(9, or_more=False, for_me=True))

    sitting.presses("i")
    sitting.answers(sitting.waiting(Cast))
    assert sitting.session.left.count == 8
    sitting.waits()
    sitting.presses("z")
    sitting.answers(sitting.waiting(TakeBack))
    assert sitting.session.left.count == 9
    sitting.waits()
    sitting.presses("p")
    sitting.types("later")
    sitting.presses("enter", "enter", every=1)
    sitting.answers(sitting.waiting(Park))
    assert sitting.session.left.count == 8


def test_leaving_waits_for_no_claim_of_a_platform_that_is_away():
    sitting = Sitting()
    sitting.refuses(sitting.waiting(Claim), LOST)

    sitting.presses("q")

    assert sitting.session.over


def test_what_a_claim_brings_while_somebody_leaves_is_given_back_too():
    sitting = Sitting("a", "b")
    sitting.waits(60)
    assert sitting.is_waiting(Claim), "there is space for two more"
    sitting.presses("q")
    for it in [request for request in sitting.asked if isinstance(request, Release)]:
        sitting.answers(it)
    assert not sitting.session.over

    sitting.gets("a", "b", "c")

    assert sitting.waiting(Release).lease == "lease_c"
    sitting.answers(sitting.waiting(Release))
    assert sitting.session.over


def test_a_look_that_fails_stands_in_the_way_of_nothing():
    sitting = Sitting("a", "b", "c", "d", can={"look"})
    sitting.refuses(sitting.waiting(Look), NotFound("no such route"))

    sitting.presses("i")

    assert len(sitting.casts) == 1 and sitting.session.left is None


def test_the_pace_is_that_of_the_last_half_hour():
    sitting = Sitting("a", "b", "c", "d")
    for number in range(6):
        sitting.presses("i")
        sitting.answers(sitting.waiting(Cast))
        if sitting.is_waiting(Claim):
            sitting.gets(*(f"{number}{name}" for name in "wxyz"))
        sitting.waits(60)

    assert sitting.session.done == 6 and 50 <= sitting.session.pace(sitting.now) <= 70
    assert sitting.session.pace(sitting.now + 4000) is None


def test_time_that_a_key_is_dead_is_short():
    assert QUIET <= 0.25
