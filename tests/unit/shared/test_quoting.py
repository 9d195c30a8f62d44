"""Quotes: found whatever typesetting did to them, and refused where a word, a number or a negation is another."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.quoting import MOST_FOUND, Everywhere, Searched, Span, around, find, fold, is_said, nearest

#: What typesetting is made of, beside all other characters.
ODD = st.sampled_from(
    list("aeZ0159 \n\t-'\".,")
    + list("ﬁﬀﬃ“”‘’—–‐\u2011\u00ad\u200b\ufeff\u00a0²³½①ªéё\u0301\u0308ﾞカ가ᄀ\u1161ㄱㅏ⁄−％ﷺ\u037a\u2028")
)
TEXTS = st.text(st.one_of(ODD, st.characters(blacklist_categories=("Cs",))), max_size=40)


def said(text: str, quote: str, **more: str) -> list[str]:
    return [text[start:end] for start, end in find(text, quote, **more)]


# The fold


@given(TEXTS)
@example("a\u00ad\u0301")
@example("カ\u200bﾞ")
@example("ㄱㅏ")
@example("e-\n\u0301x")
@example(" \u0301 ")
@example("\u037a\u2028-\n-")
def test_what_is_folded_stays_as_it_is_when_it_is_folded_again(text):
    folded = fold(text)

    assert fold(folded.text).text == folded.text


@given(TEXTS)
def test_each_folded_character_leads_back_to_what_it_stands_for_in_order(text):
    folded = fold(text)

    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)
    # What no character stands for is nothing that anybody reads.
    covered = {at for start, end in zip(folded.starts, folded.ends, strict=True) for at in range(start, end)}
    assert not any(text[at].isalnum() for at in set(range(len(text))) - covered)


@given(st.text(st.sampled_from("abc ZﬁﬀÅ“’\u00a0\n\u200b\u0301…é"), max_size=40), st.data())
def test_some_of_a_folded_text_stands_for_what_folds_to_it(text, data):
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))

    if start < end:
        span = folded.span(start, end)
        assert folded.text[start:end] in fold(text[span.start : span.end]).text


@given(st.text(st.sampled_from("abc DE.,12“ﬁ\u00ad\n"), min_size=1, max_size=60))
def test_a_text_says_all_of_itself(text):
    text = text.strip()
    if is_said(text) and text.strip("\u00ad") == text:
        assert find(text, text)[0] == (0, len(text))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("an eﬃcient oﬀice", "an efficient office"),
        ("“Shared” visions", '"Shared" visions'),
        ("trust—and more", "trust–and more"),
        ("leader\u00adship grows", "leadership grows"),
        ("leader\u00adship grows", "leader-\n  ship grows"),
        ("leader\u00adship grows", "leader-ship grows"),
        ("leadership grows", "leader-\nship grows"),
        ("well-known leaders", "well-\nknown leaders"),
        ("in 2018-19 they", "in 2018-\n19 they"),
        ("a\u00a0 shared\n\nvision", "a shared vision"),
        ("Ｆｕｌｌ width", "Full width"),
        ("cafe\u0301s open", "cafés open"),
        ("it isn’t so", "it isn't so"),
        ("trust¹ grew", "trust1 grew"),
        ("trust¹ grew", "trust"),
        ("zero\u200bwidth", "zerowidth"),
        ("领导力很重要", "很重要"),
    ],
)
def test_what_typesetting_does_to_a_quote_is_nothing(text, quote):
    assert len(said(text, quote)) == 1


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("the team was non-compliant", "compliant"),
        ("the team was non-\u00adcompliant", "compliant"),
        ("the team was ineffective", "effective"),
        ("the team was in\u00adeffective", "effective"),
        ("it isn't so", "it isn"),
        ("they can't agree", "they can"),
        ("1,500 people", "500 people"),
        ("1.5 people", "5 people"),
        ("some 15 people", "5 people"),
        ("at -5 degrees", "5 degrees"),
        ("at −5 degrees", "5 degrees"),
        ("5–10 teams", "10 teams"),
        ("10² teams", "10"),
        ("10² teams", "102 teams"),
        ("1½ teams", "11⁄2 teams"),
        ("about 5% of them", "about 5"),
        ("p <0.05 there", "0.05 there"),
        ("the well-known leaders", "the well"),
        ("Trust grew", "trust grew"),
        ("re-creation", "recreation"),
        ("recreation", "re-creation"),
        ("leaders never agree", "leaders agree"),
        ("leaders agree", "leaders never agree"),
        ("a shared vision", "a shared visions"),
        ("a shared vision", "ashared vision"),
        ("nothing", "..."),
        ("cafés", "cafes"),
    ],
)
def test_what_cuts_or_changes_a_word_or_a_number_is_no_quote(text, quote):
    assert said(text, quote) == []


def test_a_quote_that_stands_in_several_places_is_told_by_what_is_around_it():
    text = "Trust grew slowly. In time, trust grew slowly again. Trust grew slowly."

    assert len(find(text, "grew slowly")) == 3
    assert find(text, "grew slowly", prefix="time, trust ")[0].start == 34
    assert len(find(text, "grew slowly", prefix="Trust", suffix=" again")) == 0
    assert len(find(text, "grew slowly", suffix=". In")) == 1


def test_of_what_is_everywhere_no_more_is_looked_for_than_matters():
    assert len(find("no " * 10_000, "no")) == MOST_FOUND


def test_what_comes_nearest_is_offered_in_whole_words_and_never_as_the_same():
    text = "Before that. The teams found that trust grew once leaders met face to face each week. After that."
    near = nearest(text, "The teams found that trust fell once leaders met face to face")

    assert near is not None
    assert "trust grew once leaders" in text[near.span.start : near.span.end]
    assert 0.8 < near.similarity < 1
    assert nearest(text, "Quantum chromodynamics of gluons") is None
    assert nearest("", "trust") is None


def test_what_stands_around_a_quote_is_kept_with_it():
    text = "The teams found that trust grew."

    assert around(text, find(text, "trust")[0]) == ("The teams found that ", " grew.")


@pytest.mark.waits
@pytest.mark.slow  # A text of a thousand pages is made and searched.
def test_a_text_of_a_thousand_pages_is_searched_and_compared_within_a_request():
    text = "Leaders of “systems” meet often, face to face, and trust fol-\nlows in time. " * 60_000
    began = time.process_time()
    searched = Searched(text)

    assert find(searched, "nobody said this at all here") == []
    nearest(searched, "Leaders of systems met rarely, and trust was lost")
    # An order of magnitude more than it takes.
    assert time.process_time() - began < 60


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("staff were non—compliant here", "compliant here"), ("they were un–happy there", "happy there"),
        ("it was in·effective then", "effective then"), ("they were un/happy then", "happy then"),
        ("they were (un)happy then", "happy then"), ("they were un_happy then", "happy then"),
    ],
)  # fmt: skip
def test_no_dash_stroke_or_bracket_makes_a_word_of_its_end(text, cut):
    assert find(text, cut) == []


def test_a_quote_ends_before_the_number_of_a_source():
    assert len(find("people trust[12] those who visit (2020)them", "people trust")) == 1


def test_a_text_that_nearly_says_a_quote_everywhere_is_gone_through_in_little():
    text = "ab cd ef " * 20_000
    assert find(text, "ab cd ef " * 400 + "gh") == []
    nearest(text, "ab cd ef " * 400 + "gh")
    assert find("a-a-" * 30_000, "a" * 2400) == []


def test_words_are_found_however_often_they_stand_within_others_before():
    assert [span.start for span in find("share " * 50_000 + "are there", "are")] == [300_000]
    assert len(find("share are " * 1000, "are")) == MOST_FOUND


def test_of_the_same_words_everywhere_those_of_one_passage_or_behind_its_words_are_found():
    text = "Trust grew. " * 5000 + "At last trust grew. " + "Trust grew. " * 5000
    at = text.index("At last")
    within = Span(at, at + 20)

    assert find(text, "grew", within=within) == [(at + 14, at + 18)]
    assert find(text, "rust grew", within=within) == []
    assert find(text, "grew", prefix="last trust") == [(at + 14, at + 18)]


@pytest.mark.parametrize(("within", "found"), [((17, 29), [(17, 27)]), ((18, 30), [(29, 39)]), ((18, 29), [])])
def test_what_begins_within_some_characters_is_found_however_the_text_before_is_hyphenated(within, found):
    assert find("a fol-\nlow-up of trust grew. trust grew.", "trust grew", within=Span(*within)) == found


@pytest.mark.parametrize(
    ("text", "exact", "prefix"), [("a" * 650_000, "a", ""), ("ab cd " * 120_000, "ab cd " * 800, "no")]
)
def test_what_stands_in_more_places_than_anybody_looks_through_is_not_said_to_be_nowhere(text, exact, prefix):
    with pytest.raises(Everywhere):
        find(text, exact, prefix)


def test_what_comes_nearest_to_a_long_quote_is_all_of_it_and_of_a_long_text_too():
    said = " ".join(f"In year {number} trust grew once leaders met in town {number}." for number in range(40))
    text = "Nothing of it here. " * 100_000 + said + " Nothing of it here. " * 100
    quotes = (
        said.replace("town 20", "town 21"),
        said.replace(
            "In year 0 trust grew once leaders met in town 0. In year 1", "Once upon a time, when wishes were"
        ),
        said.replace("town 39.", "no town."),
    )

    for quote in quotes:
        near = nearest(text, quote)
        assert near is not None
        assert len(said) - 100 < near.span.end - near.span.start < len(said) + 100
        assert abs(near.span.start - text.index(said)) < 100
        assert 0.9 < near.similarity < 1


def test_what_comes_nearest_to_a_quote_whose_end_stands_elsewhere_is_what_resembles_it_most():
    text = "Boards that met gained trust in time. " * 500
    near = nearest(text, text[:4000] + "but nobody else did")
    begun = nearest(
        text[:4000], text[:4000] + "and then they told nobody at all of what it was that they had done " * 40
    )

    assert near is not None and near.similarity > 0.9
    assert begun is not None and begun.span == (0, 4000)
