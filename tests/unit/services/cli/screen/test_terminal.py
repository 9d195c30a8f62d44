"""Keys out of what a terminal sends, however it is cut; pasted text is none."""

from __future__ import annotations

import pytest

from services.cli.screen.terminal import KeyReader, Pasted

SENT = [
    (b"i", ["i"]),
    (b"\r", ["enter"]),
    (b"\n", ["enter"]),
    (b"\x7f", ["backspace"]),
    (b"\x1b[A\x1b[B", ["up", "down"]),
    (b"\x1bOA", ["up"]),
    (b"\x1b[5~\x1b[6~", ["pgup", "pgdn"]),
    ("ñ三".encode(), ["ñ", "三"]),
    (b"\x1b[200~iii\nq\x1b[201~e", [Pasted("iii\nq"), "e"]),
    (b"\x1b[1;5Ae", ["e"]),  # Ctrl and an arrow, which mean nothing here.
    (b"\x1bx", ["esc", "x"]),
    (b"\x00\x07i", ["i"]),
    (b"\xff", ["\ufffd"]),
]


@pytest.mark.parametrize(("sent", "keys"), SENT)
def test_keys_are_what_was_pressed(sent, keys):
    assert KeyReader("utf-8").feed(sent) == keys


@pytest.mark.parametrize(("sent", "keys"), SENT)
def test_keys_are_the_same_when_they_come_byte_by_byte(sent, keys):
    reader, seen = KeyReader("utf-8"), []
    for byte in sent:
        seen += reader.feed(bytes([byte]))

    assert seen == keys and not reader.is_waiting


def test_an_escape_alone_is_one_when_nothing_follows():
    reader = KeyReader("utf-8")

    assert reader.feed(b"\x1b") == [] and reader.is_waiting
    assert reader.rest() == ["esc"] and not reader.is_waiting


def test_a_paste_that_is_under_way_is_waited_for():
    reader = KeyReader("utf-8")

    assert reader.feed(b"\x1b[200~ii") == [] and not reader.is_waiting
    assert reader.feed(b"ii\x1b[201~") == [Pasted("iiii")]


def test_a_terminal_of_another_encoding_is_read_in_it():
    assert KeyReader("latin-1").feed(b"\xf1") == ["ñ"]
