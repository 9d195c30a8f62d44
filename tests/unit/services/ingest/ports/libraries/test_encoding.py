"""The encoding of a file: found by its bytes, line by line where several are mixed, and never more than a line kept."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.ports.libraries.encoding import Encoding, Line, encoding_of, head_of, lines_of
from services.ingest.ports.libraries.port import LARGEST_RECORD, UnreadableLibrary

SAID = {
    "fr": "Étude réaliste de la santé des élèves à l'école",
    "pl": "Wpływ zmęczenia na wyniki leczenia chorób układu krążenia u osób w województwie łódzkim: źródła i żądania",
    "ru": "Влияние усталости на результаты лечения больных",
    "el": "Η επίδραση της κόπωσης στα αποτελέσματα της θεραπείας",
    "zh": "综合护理对老年患者生活质量的影响研究",
    "ja": "高齢者の生活の質に対する統合ケアの影響についての研究",
    "ko": "노인 환자의 삶의 질에 대한 통합 돌봄의 영향",
}


def lines(body: bytes, *, ends: bool = False) -> list[Line]:
    file = io.BytesIO(body)
    return list(lines_of(file, encoding_of(file, name="export.txt"), ends=ends))


def texts(body: bytes) -> list[str]:
    return [line.text for line in lines(body)]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *((language, "utf-8") for language in SAID), *((language, "utf-16") for language in SAID),
        ("fr", "cp1252"), ("fr", "latin-1"), ("fr", "utf-32"), ("pl", "cp1250"), ("ru", "cp1251"), ("ru", "koi8_r"),
        ("el", "cp1253"), ("zh", "gb18030"), ("ja", "cp932"), ("ja", "euc_jp"), ("ko", "cp949"),
    ],
)  # fmt: skip
def test_a_text_is_read_in_the_encoding_it_is_in(language, encoding):
    said = SAID[language]

    assert texts(f"TY  - JOUR\nTI  - {said}\nAB  - The quick brown fox\n".encode(encoding))[1] == f"TI  - {said}"


def test_utf_16_needs_no_mark_at_its_beginning():
    for encoding in ("utf-16-le", "utf-16-be"):
        assert texts("TY  - JOUR\nTI  - 综合护理\n".encode(encoding)) == ["TY  - JOUR", "TI  - 综合护理"]


def test_a_file_put_together_of_several_is_read_line_by_line_and_says_where_it_guessed():
    found = lines("TI  - Größe und Übung in der Öffentlichkeit\n".encode() * 3 + "TI  - Étude\n".encode("cp1252"))

    assert [line.text for line in found[2:]] == ["TI  - Größe und Übung in der Öffentlichkeit", "TI  - Étude"]
    assert [line.remark for line in found[2:]] == [None, "it is no UTF-8 and was read as cp1252"]


def test_an_odd_byte_costs_a_line_no_more_than_itself():
    (line,) = lines("Größe, Übung und \xff Öffentlichkeit".encode().replace("ÿ".encode(), b"\xff"))

    assert line.text == "Größe, Übung und \ufffd Öffentlichkeit"
    assert line.remark == "it holds bytes that are no characters"


def test_halves_of_characters_that_belong_together_become_the_character():
    whole, half = "\U0001f600".encode("utf-16-be"), b"\xed\xa0\xbd"
    pair = b"".join(
        whole[at : at + 2].decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass") for at in (0, 2)
    )

    assert texts(b"smile " + pair) == ["smile \U0001f600"]
    assert texts(b"half " + half)[0].startswith("half \ufffd")


def test_nuls_are_left_out_and_lines_end_in_every_way():
    assert texts(b"one\r\ntwo\rthree\nfo\x00ur" + b" and so on" * 20) == [
        "one",
        "two",
        "three",
        "four" + " and so on" * 20,
    ]
    assert [line.text for line in lines(b"one\r\ntwo\rthree\n", ends=True)] == ["one\r\n", "two\r", "three\n"]
    assert [line.number for line in lines(b"a\n\n\nb")] == [1, 2, 3, 4]


def test_the_end_of_a_line_may_fall_between_two_pieces():
    body = b"x" * (256 * 1024 - 1) + b"\r\nsecond\r\n"

    assert [len(text) for text in texts(body)] == [256 * 1024 - 1, 6]


def test_a_line_longer_than_any_record_is_cut_and_memory_stays_small():
    file = io.BytesIO(b"first\n" + b"\xc3\xa9" * (6 * LARGEST_RECORD) + b"\nlast\n")
    tracemalloc.start()
    try:
        found = [(len(line.text), line.cut) for line in lines_of(file, encoding_of(file, name="export.txt"))]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == [(5, False), (LARGEST_RECORD // 2, True), (4, False)]
    assert peak < 6 * LARGEST_RECORD


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe\r\n", "the file is empty"),
        (b"PK\x03\x04 and more", "it is a ZIP archive"),
        (b"\x1f\x8b\x08\x00", "it is a gzip archive"),
        (b"<!DOCTYPE html>\n<html><head>", "it is a web page: have the database export its records"),
        (b"\xef\xbb\xbf\n<!-- saved from url=(0022) -->\n<HTML lang='en'>", "it is a web page"),
        (b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">', "it is a web page"),
        ("<html><body>".encode("utf-16"), "it is a web page"),
        (b"From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org\n", "it is a web page"),
        (b"TY  - \x01\x02\x03\x04", "it is a binary file, not text"),
    ],
)
def test_what_is_no_text_is_refused(body, why):
    with pytest.raises(UnreadableLibrary, match=f"^export.txt, line 1: {why}"):
        encoding_of(io.BytesIO(body), name="export.txt")


def test_the_beginning_of_a_file_is_whole_lines_and_leaves_the_file_as_it_was():
    file = io.BytesIO(b"\xef\xbb\xbfTY  - JOUR\r\n" + b"AB  - word\n" * 10_000)

    head = head_of(file, Encoding("utf-8"))

    assert head.startswith("TY  - JOUR\nAB  - word\n")
    assert head.endswith("\nAB  - word")
    assert file.tell() == 0


@given(body=st.binary(max_size=400))
def test_whatever_the_bytes_are_they_become_text_or_are_refused(body):
    try:
        found = lines(body)
    except UnreadableLibrary:
        return
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    "".join(line.text for line in found).encode()


@given(said=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)))
def test_utf_8_comes_back_as_it_was(said):
    body = "\n".join(["TY  - JOUR", *said]).encode()

    assert texts(body)[1:] == said
