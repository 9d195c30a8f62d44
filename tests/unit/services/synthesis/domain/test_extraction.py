"""What of two codings counts is the same in whatever order they came, and nothing counts of a report half coded."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain import extraction
from services.synthesis.domain.extraction import NOTHING, Coded, agreement, compared, weighed

CODERS = ("ana", "ben")
STANCES = ("supports", "refines", "contradicts")


@st.composite
def codings(draw) -> list[Coded]:
    """Links of two coders and of one who gave the report back, as they may meet or not."""
    numbers = draw(st.lists(st.integers(0, 10_000), max_size=8, unique=True))
    return [
        Coded(
            f"link_{number}", draw(st.sampled_from([*CODERS, "gone"])), draw(st.sampled_from(["c1", "c2"])),
            draw(st.sampled_from(["context", "resource"])), draw(st.sampled_from(STANCES)),
            draw(st.sampled_from(["explicit", "inferred"])), draw(st.sampled_from(["p. 1", "p. 2"])), f"words {number}",
        )
        for number in numbers
    ]  # fmt: skip


kept = st.sets(st.integers(0, 10_000).map("link_{}".format))


@given(codings(), kept, st.randoms(use_true_random=False))
def test_in_whatever_order_and_however_often_links_come_the_same_counts(links, kept, random):
    shuffled = random.sample(links, len(links))

    assert weighed("x", 2, CODERS, shuffled, kept) == weighed("x", 2, CODERS, links, kept)
    assert compared(CODERS, [*shuffled, *links]) == compared(CODERS, links)


@given(codings(), kept)
def test_before_both_have_finished_nothing_counts(links, kept):
    for finished in ((), ("ana",), ("ben",)):
        now = weighed("x", 2, finished, links, kept)

        assert set(now.held.values()) <= {"coding"}
        assert (list(now.sides), now.state) == ([], "open")


@given(codings(), kept)
def test_every_link_is_at_one_place_and_counts_where_both_say_it_or_people_keep_it(links, kept):
    now = weighed("x", 2, CODERS, links, kept)
    at_sides = [it.link for side in now.sides for it in side.links]
    ours = {it.link for it in links if it.coder in CODERS}

    assert sorted(at_sides) == sorted(ours)
    assert {link for link, held in now.held.items() if held == "left"} == {it.link for it in links} - ours
    for side in now.sides:
        counting = [it for it in side.links if now.held[it.link] is None]
        if side.kind == "agreed":
            assert len({it.says for it in side.links}) == 1 and counting
        else:
            assert {it.link for it in counting} == {it.link for it in side.links} & kept
    assert (now.state == "done") == all(side.decided for side in now.sides)


@given(codings())
def test_what_is_decided_for_all_leaves_nothing_to_decide(links):
    differing = weighed("x", 2, CODERS, links, ()).sides
    everything = {it.link for side in differing for it in side.links}

    assert weighed("x", 2, CODERS, links, everything).state == "done"


def a(link: str, coder: str, **more) -> Coded:
    given = {"cmoc": "c1", "element": "context", "stance": "supports", "inference": "explicit", "locator": "p. 1"}
    return Coded(**{"link": link, "coder": coder, "words": link, **given, **more})


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ({"locator": "p. 1"}, {"locator": "P. 1 "}, "agreed"),
        ({"locator": "p. 1", "words": "Trust, built."}, {"locator": "p. 2", "words": "trust built"}, "agreed"),
        ({"locator": "p. 1"}, {"locator": "p. 2"}, "only_first"),
        ({"copy": "t", "start": 0, "end": 9}, {"copy": "t", "start": 8, "end": 20}, "agreed"),
        ({"copy": "t", "start": 0, "end": 9}, {"copy": "t", "start": 9, "end": 20}, "only_first"),
        ({"copy": "t", "start": 0, "end": 9}, {"copy": "u", "start": 50, "end": 60}, "agreed"),
        ({"stance": "supports"}, {"stance": "bounds"}, "other_stance"),
        ({"inference": "explicit"}, {"inference": "inferred"}, "other_inference"),
        ({"cmoc": "c1"}, {"cmoc": "c2"}, "only_first"),
    ],
)
def test_two_fragments_meet_at_the_same_characters_words_or_place(one, other, kind):
    sides = weighed("x", 2, CODERS, [a("l1", "ana", **one), a("l2", "ben", **other)], ()).sides

    assert sides[0].kind == kind


def test_of_two_that_agree_the_one_whose_quote_was_found_counts():
    links = [a("l1", "ana"), a("l2", "ben", copy="t", start=0, end=9)]

    assert weighed("x", 2, CODERS, links, ()).held == {"l1": "doubled", "l2": None}


def test_alpha_is_that_of_krippendorffs_worked_example():
    """Krippendorff 2011, Computing Krippendorff's alpha-reliability, example B: nominal data, two observers."""
    found = agreement(Counter(("context", *pair) for pair in zip("aabbdcccedda", "babbbcccedd" + "d", strict=True)))

    assert found.every.alpha == pytest.approx(0.692, abs=0.0005)
    assert (found.every.n, found.every.agreed) == (12, 9)
    assert found.where_both == found.every


def test_a_unit_of_which_one_coded_nothing_parts_them():
    counted = compared(CODERS, [a("l1", "ana"), a("l2", "ana", stance="bounds"), a("l3", "ben", cmoc="c2")])

    assert counted == {("context", "bounds+supports", NOTHING): 1, ("context", NOTHING, "supports"): 1}
    found = agreement(counted)
    assert (found.every.agreed, found.where_both.n, found.where_both.alpha) == (0, 0, None)
    assert (found.by_stance["bounds"].n, found.by_stance["bounds"].agreed) == (2, 1)


def test_places_that_name_none_are_not_the_same_place():
    one, other = a("link_1", "ana", locator="\u2013"), a("link_2", "ben", locator="---", stance="contradicts")

    assert [it.kind for it in weighed("x", 2, CODERS, [one, other], ()).sides] == ["only_first", "only_second"]


def test_each_piece_is_folded_once_however_many_are_held_against_each_other(monkeypatch):
    folded: list[str] = []
    fold = extraction._folded
    monkeypatch.setattr(extraction, "_folded", lambda text: (folded.append(text), fold(text))[1])
    links = [a(f"link_{n:04}", CODERS[n % 2], locator=f"p. {n}") for n in range(200)]

    weighed("x", 2, CODERS, links, ())

    assert len(folded) == 2 * len(links)
