"""The lines of a text file in whatever encoding it came, so that a library written by any program can be read.

Most libraries are UTF-8 or Windows-1252, some UTF-16, and many are put together of several: so each line is looked at
by itself, and what is no UTF-8 is read in the encoding that those lines seem to be in. Neither pass keeps more of the
file than a piece and one line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import BinaryIO, NamedTuple

from charset_normalizer import from_bytes

from services.ingest.ports.libraries.port import LARGEST_RECORD, UnreadableLibrary

#: Bytes of the beginning by which a file is told from others, and those read at a time.
HEAD, _PIECE = 64 * 1024, 256 * 1024
#: Bytes of odd lines that are enough to tell their encoding.
_SAMPLE = 16 * 1024

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_OTHER_FILES = (
    (b"PK\x03\x04", "a ZIP archive, such as those of Excel and Word"), (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"), (b"Rar!", "a RAR archive"), (b"7z\xbc\xaf", "a 7z archive"),
)  # fmt: skip
#: How a page begins that was saved out of a browser, alone or with all that belongs to it.
_WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?:<\?xml[^>]{0,200}\?>|<!--.{0,500}?-->)\s*){0,3}<(?:!doctype\s+html|html|head)\b"
    rb"|From: <Saved by ",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
#: The share of control characters from which on a file is no text.
_MOST_CONTROL = 0.05
_EASTERN = {"gb18030", "big5", "cp932", "euc_jp", "cp949"}
_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", *sorted(_EASTERN)]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a file is written in, by Python's name, and in what its lines are that are no UTF-8."""

    name: str
    other: str = "cp1252"


class Line(NamedTuple):
    """A line of a file, from 1, without its end unless that was asked for. `cut` if it was longer than any record may
    be; `remark` says what of it is no text in the file's encoding."""

    number: int
    text: str
    cut: bool = False
    remark: str | None = None


def encoding_of(file: BinaryIO, *, name: str) -> Encoding:
    """The encoding of a file that can be sought in; leaves it at its beginning.

    Raises UnreadableLibrary for one that is empty or no text.
    """
    file.seek(0)
    head = file.read(HEAD)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe") and (not head or not file.read(1)):
        raise UnreadableLibrary.at(name, 1, "the file is empty")
    for magic, what in _OTHER_FILES:
        if head.startswith(magic):
            raise UnreadableLibrary.at(name, 1, f"it is {what}, not a text file")
    if _WEB_PAGE.match(head.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")):
        raise UnreadableLibrary.at(
            name,
            1,
            "it is a web page: have the database export its records (as RIS, BibTeX or CSV), and bring that file",
        )
    found = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None) or _wide(head)
    if found in _WIDE:
        file.seek(0)
        return Encoding(found)
    if len(head) - len(head.translate(None, _CONTROL)) > _MOST_CONTROL * len(head):
        raise UnreadableLibrary.at(name, 1, "it is a binary file, not text")
    file.seek(0)
    encoding = _narrow(file)
    file.seek(0)
    return encoding


def head_of(file: BinaryIO, encoding: Encoding) -> str:
    """The beginning of a file as text, to tell by what it is; leaves it at its beginning."""
    file.seek(0)
    lines = b"".join(_utf8(file, encoding, most=HEAD)).splitlines()
    if file.read(1):
        # The last one may be cut within a character.
        lines = lines[:-1] or lines
    file.seek(0)
    return "\n".join(_decoded(line, encoding)[0] for line in lines)


def lines_of(file: BinaryIO, encoding: Encoding, *, ends: bool = False) -> Iterator[Line]:
    """Every line of a file from its beginning, whether they end as on Windows, Unix or an old Mac, or all of these.

    Of a line longer than any record may be only its beginning is kept. NULs are left out. `ends` keeps the ends.
    """
    file.seek(0)
    number, held, cut = 0, b"", False
    for piece in _utf8(file, encoding):
        if not ends and not cut and (sound := _sound_texts(held + piece, encoding)) is not None:
            texts, held = sound
            yield from map(Line, count(number + 1), texts)
            number += len(texts)
            continue
        # Of a line that is cut already only the end is looked for.
        parts = (piece if cut else held + piece).splitlines(keepends=True)
        # The last one may go on, and so may a line's end of two characters.
        last = parts.pop() if parts and not parts[-1].endswith(b"\n") else b""
        for part in parts:
            number += 1
            yield _line(number, held if cut else part, cut, encoding, ends)
            held, cut = b"", False
        if not cut:
            held = last[:LARGEST_RECORD]
            cut = len(last) > LARGEST_RECORD
    if held:
        yield _line(number + 1, held, cut, encoding, ends)


def _sound_texts(piece: bytes, encoding: Encoding) -> tuple[list[str], bytes] | None:
    """The texts of a piece's lines and what may go on in the next piece, all decoded at once, as most can be; None
    where each line has to be looked at by itself."""
    end = piece.rfind(b"\n") + 1
    if not end or len(piece) > LARGEST_RECORD or b"\0" in piece or (encoding.name in _EASTERN and not piece.isascii()):
        return None
    try:
        text = piece[:end].decode()
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1], piece[end:]


def _line(number: int, raw: bytes, cut: bool, encoding: Encoding, ends: bool) -> Line:
    if len(raw) > LARGEST_RECORD:
        raw, cut = raw[:LARGEST_RECORD], True
    text, remark = _decoded(raw if ends else raw.rstrip(b"\r\n"), encoding)
    return Line(number, text, cut, remark)


def _decoded(raw: bytes, encoding: Encoding) -> tuple[str, str | None]:
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"")
    if encoding.name in _EASTERN and not raw.isascii():
        text = raw.decode(encoding.name, "replace")
        return text, "it holds bytes that are no characters" if "\ufffd" in text else None
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        pass
    if encoding.name == "utf-8" and (mended := _mended(raw)):
        return mended
    text = raw.decode(encoding.other, "replace")
    return text, None if encoding.name != "utf-8" else f"it is no UTF-8 and was read as {encoding.other}"


def _mended(raw: bytes) -> tuple[str, str] | None:
    """A line that is UTF-8 but for some bytes, with what was wrong; None for one that is mostly no UTF-8."""
    if _HALF.search(raw):
        # Some programs write each half of a pair by itself: those that belong together become what they stand for.
        try:
            halves = raw.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
            return halves.decode("utf-16", "replace"), "it holds halves of characters"
        except UnicodeDecodeError:
            pass
    text = raw.decode("utf-8", "replace")
    bad, wide = text.count("\ufffd"), len(text) - len(text.encode("ascii", "ignore"))
    return (text, "it holds bytes that are no characters") if wide > 2 * bad else None


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark, which shows in that every second byte of what is ASCII is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 20 < len(head) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _utf8(file: BinaryIO, encoding: Encoding, most: int | None = None) -> Iterator[bytes]:
    """The pieces of a file without its mark, those of UTF-16 and UTF-32 as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding.name)("replace") if encoding.name in _WIDE else None
    first, left = True, most
    while piece := file.read(_PIECE if left is None else min(_PIECE, left)):
        left = None if left is None else left - len(piece)
        if decoder is not None:
            piece = decoder.decode(piece).encode("utf-8", "replace")
        if first and piece:
            first, piece = False, piece.removeprefix(codecs.BOM_UTF8)
        yield piece
    if decoder is not None and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "replace")


def _narrow(file: BinaryIO) -> Encoding:
    """UTF-8 as far as most of it is, and what the lines are that are none."""
    sound, odd, carried = 0, b"", b""
    while piece := file.read(_PIECE):
        piece = carried + piece
        # What may go on in the next piece is left for it: a line, or of an endless one the last character.
        end = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        if not end or len(piece) - end > _PIECE:
            end = _whole_characters(piece)
        whole, carried = piece[:end], piece[end:]
        sound, odd = _weighed(whole, sound, odd)
        if len(odd) > _SAMPLE:
            break
    sound, odd = _weighed(carried, sound, odd)
    if not odd:
        return Encoding("utf-8")
    other = _legacy(odd[:_SAMPLE])
    return Encoding("utf-8", other) if sound >= _odd_bytes(odd) else Encoding(other, other)


def _whole_characters(piece: bytes) -> int:
    """Where the last character begins that may go on behind the end."""
    for end in range(len(piece) - 1, max(len(piece) - 5, -1), -1):
        if piece[end] < 0x80 or piece[end] >= 0xC0:
            return end + (piece[end] < 0x80)
    return len(piece)


def _weighed(piece: bytes, sound: int, odd: bytes) -> tuple[int, bytes]:
    """How many bytes of characters beyond ASCII are UTF-8, and the lines that are none, with those of this piece."""
    if piece.isascii():
        return sound, odd
    if not _is_utf8(piece):
        for line in piece.splitlines():
            if line.isascii() or len(odd) > _SAMPLE:
                continue
            if _is_utf8(line) or _mended(line):
                sound += _odd_bytes(line)
            else:
                odd += line[: _SAMPLE + 1] + b"\n"
        return sound, odd
    return sound + _odd_bytes(piece), odd


def _is_utf8(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _odd_bytes(piece: bytes) -> int:
    return len(piece) - len(piece.translate(None, bytes(range(0x80, 0x100))))


def _legacy(sample: bytes) -> str:
    """The encoding of lines that are no UTF-8: Western unless another one is clearly better."""
    matches = from_bytes(sample, cp_isolation=_LEGACY, preemptive_behaviour=False)
    best = matches.best()
    if best is None:
        return "cp1252"
    western = next((each for each in matches if "cp1252" in (each.encoding, *each.could_be_from_charset)), None)
    if western is not None and western.chaos <= best.chaos and western.coherence >= best.coherence:
        return "cp1252"
    return best.encoding
