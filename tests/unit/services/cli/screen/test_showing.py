"""What is drawn: whole lines in windows of any size, with words marked, and nothing that a terminal acts on."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from services.cli.screen.exchange import Left
from services.cli.screen.showing import PLAIN, Signs, Window
from shared.errors import Unavailable
from tests.unit.services.cli.screen.sitting import CMOCS, Cast, Look, Sitting

HOSTILE = "\x1b[2J\x1b]0;mine\x07\x9b31m\u202etitle\r\n\tnext"


def window(signs: Signs | None = None) -> Window:
    console = Console(file=StringIO(), force_terminal=True, emoji=False, highlight=False, color_system=None)
    return Window("gardens", console, signs or Signs())


def lines(sitting: Sitting, width: int = 80, height: int = 24, signs: Signs | None = None):
    shown = window(signs).shown(sitting.session, width, height, sitting.now)
    sitting.session.scroll, sitting.session.page = shown.scroll, shown.page
    return shown.lines


def text(sitting: Sitting, width: int = 80, height: int = 24, signs: Signs | None = None) -> str:
    return "\n".join(line.plain for line in lines(sitting, width, height, signs))


def marked(sitting: Sitting, word: str) -> set[str]:
    """The styles in which a word is drawn."""
    found = set()
    for line in lines(sitting):
        for span in line.spans:
            if line.plain[span.start : span.end] == word:
                found.add(str(span.style))
    return found


def full(**more: object) -> Sitting:
    """A card that has everything, with a long abstract."""
    flag = {"notice": "n", "kind": "retraction", "reason": "data could not be found", "source": "x", "drill": True}
    return Sitting(
        "a",
        "b",
        "c",
        "d",
        record_abstract="Leaders of integrated care matter; this is no protocol. 三つの病院。 " * 60,
        record_flags=[flag],
        record_identifiers={"doi": "10.1000/gardens", "pmid": "123"},
        criteria={"include": ["two sectors"], "exclude": ["one hospital"]},
        highlights={"include": ["leader*", "integrated care"], "exclude": ["protocol"]},
        cmocs=CMOCS,
        can={"undo", "park", "note", "look"},
        **more,
    )


@pytest.mark.parametrize(("width", "height"), [(40, 12), (60, 20), (80, 24), (109, 30), (110, 30), (200, 60), (20, 5)])
@pytest.mark.parametrize("keys", [[], ["?"], ["d"], ["e"], [" ", " ", "end"]], ids=str)
def test_every_line_fits_its_window_however_large_that_is(width, height, keys):
    sitting = full()
    lines(sitting, width, height)
    sitting.presses(*keys)
    for signs in (Signs(), PLAIN):
        shown = lines(sitting, width, height, signs)

        assert len(shown) == height
        assert all(line.cell_len <= width for line in shown) and all("\n" not in line.plain for line in shown)


def test_a_card_says_what_is_needed_to_answer():
    shown = text(full())

    for part in (
        "RETRACTION (drill): data could not be found", "On a", "Okoye, Ada · Plots · 2019", "https://doi.org/10.1000/gardens",
        "PMID 123", "rec_a", "sift", "[i] include", "[u] unsure", "[e] exclude…", "0 done", "connected", "? help",
    ):  # fmt: skip
        assert part in shown


def test_criteria_stand_beside_a_card_where_there_is_space_and_behind_a_key_where_not():
    sitting = full()

    assert "+ two sectors" in text(sitting, 120) and "- one hospital" in text(sitting, 120)
    assert "two sectors" not in text(sitting, 80)
    sitting.presses("d")
    shown = text(sitting, 80)
    assert "+ two sectors" in shown and "context: before it" in shown and "c1: tools -> fruit" in shown


def test_words_for_and_against_are_marked_until_a_key_switches_that_off():
    sitting = full()

    assert marked(sitting, "Leaders") == {"bold green"} and marked(sitting, "protocol") == {"underline red"}
    sitting.presses("h")
    assert marked(sitting, "Leaders") == set()


def test_a_word_is_marked_whole_and_not_within_another():
    sitting = Sitting("a", record_abstract="care careful scare", highlights={"include": ["care"], "exclude": []})
    (line,) = (line for line in lines(sitting) if "careful" in line.plain)

    assert [(span.start, span.end) for span in line.spans if str(span.style) == "bold green"] == [(0, 4)]


def test_all_of_a_long_abstract_is_reached_page_by_page_and_back():
    words = " ".join(f"w{number}" for number in range(2000))
    sitting, seen = Sitting("a", record_abstract=words), ""
    for _ in range(100):
        seen += text(sitting)
        sitting.presses(" ")

    assert all(f"w{number}" in seen.split() for number in range(2000))
    assert "the end" in text(sitting)
    sitting.presses("home")
    assert "On a" in text(sitting)


@pytest.mark.parametrize("field", ["title", "abstract", "venue"])
def test_what_commands_a_terminal_is_shown_and_not_obeyed(field):
    shown = text(Sitting("a", **{f"record_{field}": HOSTILE}))

    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or sign == "\u202e" for sign in shown if sign != "\n")
    assert "title" in shown


def test_a_terminal_without_drawn_lines_gets_plain_ones():
    shown = text(Sitting("a", "b", record_abstract="Short."), signs=PLAIN)

    assert shown.isascii()


def test_that_the_platform_is_not_reached_is_said_with_what_becomes_of_the_answer():
    sitting = Sitting("a", "b", "c", "d")
    sitting.presses("i")
    sitting.refuses(sitting.waiting(Cast), Unavailable("http://far does not answer: timed out"))

    shown = text(sitting)

    assert "not reached" in shown and "your answer is kept and sent again" in shown and "http://far" in shown


def test_how_much_is_left_is_said_where_it_is_known():
    sitting = Sitting("a", "b", can={"look"})
    sitting.answers(sitting.waiting(Look), Left(231, True, for_me=True))

    assert "231+ left" in text(sitting)


def test_a_question_says_which_it_is_and_what_may_be_picked():
    sitting = Sitting("a", "b", reasons=[{"value": "no_data", "label": "No data", "help": "nothing coded"}])
    sitting.presses("e")

    shown = text(sitting)

    assert "exclude (1 of 2): Why exclude?" in shown and "[1] No data  nothing coded" in shown


def test_more_options_than_lines_follow_the_arrows():
    options = [{"value": f"o{number}", "label": f"Option {number}"} for number in range(60)]
    sitting = Sitting("a", "b", reasons=options)
    sitting.presses("e", *["down"] * 50)

    assert "Option 50" in text(sitting)


def test_the_end_of_a_long_line_is_what_is_seen_while_one_types():
    sitting = Sitting("a", "b")
    sitting.presses("e")
    sitting.session.paste("word " * 100 + "last", sitting.now)

    assert "last" in text(sitting, 60)
