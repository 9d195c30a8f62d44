"""Over HTTP, an admin sees what does not work, by its cause, and decides about one letter or a group."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.events.synthesis import ReviewOverdue
from shared.paging import encode_cursor, mark_of
from shared.service import on
from tests.toy import TOY, overdue, write_note
from tests.unit.shared.bus.rig import ListenerRig

LETTERS = mark_of("/toy/dead-letters")


@pytest.fixture
def rig(workbench):
    rig = ListenerRig(workbench(TOY, retry_seconds=0.01, log_level="error"))
    yield rig
    rig.close()


@pytest.fixture
def full(rig) -> ListenerRig:
    """Two kinds of refusals, a fault, and bytes that are nothing."""
    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, write_note)]))
    for name in ("poison1", "poison2", "poison3"):
        rig.put(name)
        rig.listens()
    rig.put(("poison1", 2), "buggy", "early")
    rig.put_raw(("k", b"\xff not json"))
    rig.listens(until=lambda: len(rig.letters()) == 5)
    return rig


def get(rig: ListenerRig, path: str, status: int = 200, reviews: tuple[str, ...] = ("*",), **params: object):
    answer = rig.bench.person("ada", "admin", reviews).get(f"/toy{path}", params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


def post(rig: ListenerRig, path: str, body: object = None, status: int = 200, reviews: tuple[str, ...] = ("*",)):
    answer = rig.bench.person("ada", "admin", reviews).post(f"/toy{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_letters_are_listed_oldest_first_page_by_page_and_by_what_they_are(full):
    first = get(full, "/dead-letters", limit=3)
    rest = get(full, "/dead-letters", limit=3, cursor=first["next"])

    ids = [letter["id"] for letter in first["items"] + rest["items"]]
    assert (len(ids), rest["next"]) == (5, None)
    assert ids == sorted(ids)
    assert [it["review"] for it in get(full, "/dead-letters", slug="key_error")["items"]] == ["buggy"]
    assert [it["key"] for it in get(full, "/dead-letters", review="poison2")["items"]] == ["poison2"]
    assert len(get(full, "/dead-letters", type="synthesis.review.overdue")["items"]) == 4
    assert get(full, "/dead-letters", state="discarded")["items"] == []
    get(full, "/dead-letters", 422, state="lost")
    assert get(full, "/dead-letters", group="unknown") == {"items": [], "next": None}


@pytest.mark.parametrize("group", [{}, {"group": "unknown"}])
@pytest.mark.parametrize(
    "cursor",
    ["nonsense!", "e30", *(encode_cursor(LETTERS, position) for position in ([1], ["a", "b"], ["\0"]))],
)
def test_a_cursor_that_is_none_of_the_letters_is_refused_whatever_is_asked_for(rig, cursor, group):
    refused = get(rig, "/dead-letters", 422, cursor=cursor, **group)

    assert refused["detail"].startswith("cursor: ")


@pytest.mark.parametrize("other", ["/dead-letters/groups", "/reviews/poison2/events", "/held", "/put-off"])
def test_a_cursor_of_the_letters_is_refused_by_every_other_listing(full, other):
    cursor = get(full, "/dead-letters", limit=1)["next"]

    assert get(full, other, 422, cursor=cursor)["detail"].startswith("cursor: it belongs to another listing")
    assert get(full, "/dead-letters", limit=1, cursor=cursor, slug="key_error")["items"]


def test_causes_are_listed_page_by_page(full):
    whole = get(full, "/dead-letters/groups")["items"]
    first = get(full, "/dead-letters/groups", limit=1)
    rest = get(full, "/dead-letters/groups", cursor=first["next"])

    assert (len(whole), rest["next"]) == (3, None)
    assert first["items"] + rest["items"] == whole


def test_groups_have_type_reason_and_place_in_common(full):
    groups = {group["slug"]: group for group in get(full, "/dead-letters/groups")["items"]}

    assert {slug: (group["count"], group["place"]) for slug, group in groups.items()} == {
        "rejected": (3, "tests.toy:write_note"), "key_error": (1, "tests.toy:write_note"), "not_json": (1, None),
    }  # fmt: skip
    of_group = get(full, "/dead-letters", group=groups["rejected"]["group"])["items"]
    assert [letter["key"] for letter in of_group] == ["poison1", "poison2", "poison3"]
    assert groups["rejected"]["example"] == of_group[0]["id"]
    assert len(get(full, "/dead-letters/groups", limit=2)["items"]) == 2
    assert get(full, "/dead-letters", group="no-such")["items"] == []


def test_one_letter_is_shown_whole(full):
    (letter,) = get(full, "/dead-letters", slug="not_json")["items"]

    assert get(full, f"/dead-letters/{letter['id']}")["value"] == "\\xff not json"
    get(full, "/dead-letters/dead_none", 404)


def test_a_letter_that_still_fails_stays_and_says_why(full):
    (letter,) = get(full, "/dead-letters", slug="key_error")["items"]

    seen = post(full, f"/dead-letters/{letter['id']}/retry", status=422)

    assert seen["detail"] == "KeyError: 'no entry for buggy'"
    assert get(full, f"/dead-letters/{letter['id']}")["state"] == "waiting"


def test_discarding_needs_a_reason_and_says_what_follows(full):
    letter = get(full, "/dead-letters", review="poison1")["items"][0]
    path = f"/dead-letters/{letter['id']}/discard"

    post(full, path, {}, status=422)
    post(full, path, {"reason": "x", "field": 1}, status=422)
    seen = post(full, path, {"reason": "the source took it back"})

    assert seen["behind"] == 1
    assert seen["follows"] == (
        "1 later event of synthesis.reviews/poison1 will be done as if this one had never been told."
    )
    assert (seen["letter"]["state"], seen["letter"]["decided_by"]) == ("discarded", "ada")
    post(full, path, {"reason": "again"}, status=409)


def test_a_group_is_retried_oldest_first_up_to_the_first_that_still_fails(full):
    group = next(it for it in get(full, "/dead-letters/groups")["items"] if it["slug"] == "rejected")["group"]
    for letter in full.letters():
        if letter.key in ("poison1", "poison3"):
            full.mend(letter, overdue(f"mended-{letter.key}"))

    seen = post(full, f"/dead-letters/groups/{group}/retry", {})
    assert (seen["done"], seen["failed"], seen["left"]) == (1, 1, 2)
    assert seen["first_failure"]["reason"] == "poison never works"

    seen = post(full, f"/dead-letters/groups/{group}/retry", {"all": True})
    assert (seen["done"], seen["failed"], seen["left"]) == (1, 1, 1)
    assert set(full.notes()) == {"mended-poison1", "mended-poison3"}
    post(full, f"/dead-letters/groups/{group}/retry", {"every": True}, status=422)


@pytest.mark.parametrize("what", ["retry", "discard"])
def test_a_group_of_another_reviews_letters_is_none(full, what):
    group = next(it for it in get(full, "/dead-letters/groups")["items"] if it["slug"] == "rejected")["group"]
    body = {"reason": "a drill"} if what == "discard" else {}

    there, nowhere = (
        post(full, f"/dead-letters/groups/{name}/{what}", body, 404, ("buggy",))["detail"] for name in (group, "0" * 12)
    )

    assert there == nowhere.replace("0" * 12, group)
    assert post(full, f"/dead-letters/groups/{group}/{what}", body, reviews=("poison1",))["left"] < 2


def test_a_group_is_discarded_so_many_at_a_time(full):
    group = next(it for it in get(full, "/dead-letters/groups")["items"] if it["slug"] == "rejected")["group"]
    path = f"/dead-letters/groups/{group}/discard"

    assert post(full, path, {"reason": "a drill", "limit": 2})["left"] == 1
    assert post(full, path, {"reason": "a drill"}) == {
        "done": 1, "failed": 0, "left": 0, "last": full.letters("discarded")[-1].id, "first_failure": None,
    }  # fmt: skip
    post(full, path, {"reason": "a drill"}, status=404)


def test_what_is_held_is_told_with_its_reason_and_how_much_waits(full):
    held = get(full, "/held")["items"]

    assert {(it["key"], it["cause"], it["parked"]) for it in held} == {
        ("poison1", "fault", 1), ("poison2", "fault", 0), ("poison3", "fault", 0), ("buggy", "fault", 0),
        ("early", "not_yet", 1),
    }  # fmt: skip
    page = get(full, "/held", limit=2)
    assert [it["key"] for it in page["items"]] == ["buggy", "early"]
    assert [it["key"] for it in get(full, "/held", limit=2, cursor=page["next"])["items"]] == ["poison1", "poison2"]


def test_what_is_held_without_a_letter_is_given_up_by_its_key_or_its_review(full):
    one = {"topic": "synthesis.reviews", "key": "early", "reason": "it never comes"}
    full.put(("early", 2), ("early", 3))
    full.listens()
    post(full, "/held/discard", {"reason": "x"}, 422)
    post(full, "/held/discard", {"reason": "x", "topic": "synthesis.reviews"}, 422)
    post(full, "/held/discard", {"reason": "x", "review": "early", "key": "early"}, 422)
    nothing = {"released": 0, "events": 0, "left": 0}
    assert post(full, "/held/discard", one | {"key": "nobody"}) == nothing
    assert post(full, "/held/discard", one, reviews=("poison1",)) == nothing, "it is of another review"
    letter = full.letters()[0].id
    assert letter in post(full, "/held/discard", one | {"key": "poison1"}, 409)["detail"]

    assert post(full, "/held/discard", one) == {"released": 1, "events": 1, "left": 0}
    full.listens(until=lambda: full.held().get("early") == "not_yet")
    of_review = {"review": "early", "reason": "nor do the others"}
    assert post(full, "/held/discard", of_review, reviews=("early",)) == {"released": 1, "events": 2, "left": 0}
    full.listens(until=lambda: "early" not in full.held())

    given_up = get(full, "/dead-letters", state="discarded")["items"]
    assert [(it["key"], it["decided_why"]) for it in given_up] == [
        ("early", "it never comes"), ("early", "nor do the others"), ("early", "nor do the others"),
    ]  # fmt: skip


def test_an_admin_of_one_review_sees_and_touches_only_what_is_of_theirs(full):
    theirs = ("poison2",)
    (letter,) = get(full, "/dead-letters", reviews=theirs)["items"]
    other = get(full, "/dead-letters", review="poison1")["items"][0]["id"]
    (group,) = get(full, "/dead-letters/groups", reviews=theirs)["items"]

    assert (letter["review"], group["count"]) == ("poison2", 1)
    assert [it["key"] for it in get(full, "/held", reviews=theirs)["items"]] == ["poison2"]
    get(full, f"/dead-letters/{other}", 404, reviews=theirs)
    post(full, f"/dead-letters/{other}/retry", status=404, reviews=theirs)
    post(full, f"/dead-letters/{other}/discard", {"reason": "not mine"}, status=404, reviews=theirs)
    seen = post(full, f"/dead-letters/groups/{group['group']}/discard", {"reason": "mine"}, reviews=theirs)
    assert (seen["done"], seen["left"]) == (1, 0)
    assert len(full.letters()) == 4


def test_only_an_admin_may_look(full):
    for path in ("/dead-letters", "/dead-letters/groups", "/held"):
        assert full.bench.person("lea", "lead").get(f"/toy{path}").status_code == 403
