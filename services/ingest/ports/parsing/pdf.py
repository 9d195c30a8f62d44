"""PDFs: their text layer, character by character with where each stands, read in the order of their layout."""

from __future__ import annotations

import ctypes
import re
import statistics
import zlib
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from services.ingest.domain.passages import MOST_PAGES, PARSERS, RAISED, NotParsed, Parse
from services.ingest.ports.parsing.layout import Piece, composed

#: Bytes that one stream may unpack to, and how many times its own size, before it is a bomb.
_LARGEST_STREAM, _MOST_TIMES = 128 * 1024 * 1024, 100
_CHUNK = 1024 * 1024

#: Characters of all pages without which there is no text layer, by page: a stamp is none.
_LEAST_A_PAGE = 3

#: In units of the size of type: a gap that parts two pieces of a line, and how far a raised character stands up.
_GAP, _STEP = 0.9, 0.18
_UPRIGHT = 0.1
_BOLD = re.compile(rb"bold|black|heavy|-bd\b|\.b$", re.IGNORECASE)
_STREAM = re.compile(rb"stream\r?\n")

#: What the library writes for a hyphen at a line's end.
_HYPHEN = {0x02: "-", 0xFFFE: "-"}


def parse(content: bytes) -> Parse:
    """Raises NotParsed."""
    _refuse_bombs(content)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_locked = "password" in str(error).lower() or "security" in str(error).lower()
        raise NotParsed("encrypted" if is_locked else "damaged") from None
    try:
        if len(document) > MOST_PAGES:
            raise NotParsed("too_many_pages")
        if not len(document):
            raise NotParsed("damaged")
        pages = [list(_pieces(document, number)) for number in range(len(document))]
        characters = sum(len(piece.words) for page in pages for piece in page)
        if characters < _LEAST_A_PAGE * len(pages) or not any(
            char.isalpha() for page in pages for piece in page for char in piece.words
        ):
            raise NotParsed("no_text_layer")
        return composed(PARSERS["pdf"], pages)
    finally:
        document.close()


def _refuse_bombs(content: bytes) -> None:
    """Raises NotParsed (`bomb`) for a file with a stream that unpacks to far more than it has: the library would unpack
    it all."""
    for found in _STREAM.finditer(content):
        unpacking, given, at = zlib.decompressobj(), 0, found.end()
        try:
            piece = content[at : at + _CHUNK]
            while piece and not unpacking.eof:
                given += len(unpacking.decompress(piece, _CHUNK))
                if given > _LARGEST_STREAM and given > _MOST_TIMES * (at - found.end() + _CHUNK):
                    raise NotParsed("bomb")
                if unpacking.unconsumed_tail:
                    piece = unpacking.unconsumed_tail
                else:
                    at += _CHUNK
                    piece = content[at : at + _CHUNK]
        except zlib.error:
            continue  # Packed in another way, or not at all.


def _pieces(document: pypdfium2.PdfDocument, number: int) -> Iterator[Piece]:
    """What stands on a page, in the order of its content: runs of characters on one line without a gap."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return
    text = page.get_textpage()
    try:
        run = _Run()
        for code, box, index in _characters(text):
            if run.ends_before(code, box):
                yield from run.piece()
                run = _Run()
            if not run.boxes and abs(_angle(text, index)) > _UPRIGHT:
                continue  # A stamp at the margin, or the head of a column that is turned.
            if not run.boxes:
                run.is_bold = _is_bold(text, index)
            run.take(code, box)
        yield from run.piece()
    finally:
        text.close()
        page.close()


Box = tuple[float, float, float, float]


def _characters(text: pypdfium2.PdfTextPage) -> Iterator[tuple[int, Box | None, int]]:
    """Each character, and where it stands; nowhere if the library put it in between."""
    rect = pdfium.FS_RECTF()
    raw, reference = text.raw, ctypes.byref(rect)
    for index in range(pdfium.FPDFText_CountChars(raw)):
        code = pdfium.FPDFText_GetUnicode(raw, index)
        box: Box | None = None
        if code not in (0x0D, 0x0A) and pdfium.FPDFText_GetLooseCharBox(raw, index, reference):
            box = (rect.left, rect.bottom, rect.right, rect.top)
        yield code, box, index


def _is_bold(text: pypdfium2.PdfTextPage, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text.raw, index) >= 600:
        return True
    name, flags = ctypes.create_string_buffer(200), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(text.raw, index, name, len(name), ctypes.byref(flags))
    return _BOLD.search(name.value) is not None


def _angle(text: pypdfium2.PdfTextPage, index: int) -> float:
    angle: float = pdfium.FPDFText_GetCharAngle(text.raw, index)
    # All the way round is upright, too.
    return angle if angle < 3.2 else angle - 6.2832


class _Run:
    """Characters that follow each other on a line."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.boxes: list[Box] = []
        self.is_bold = False

    def ends_before(self, code: int, box: Box | None) -> bool:
        if code in (0x0D, 0x0A):
            return True
        if box is None or not self.boxes or chr(code).isspace():
            return False
        _, bottom, right, top = self.boxes[-1]
        size = max(top - bottom, box[3] - box[1], 1.0)
        overlap = min(top, box[3]) - max(bottom, box[1])
        least = min(top - bottom, box[3] - box[1])
        return box[0] - right > _GAP * size or box[0] < right - size or overlap < 0.3 * least

    def take(self, code: int, box: Box | None) -> None:
        char = _HYPHEN.get(code) or (chr(code) if not 0xD800 <= code <= 0xDFFF and 0 < code < 0x110000 else "\ufffd")
        if box is None or char.isspace() or box[2] <= box[0]:
            if self.chars and self.chars[-1] != " ":
                self.chars.append(" " if box is None or char.isspace() else char)
                self.boxes.append(self.boxes[-1])
            return
        self.chars.append(char)
        self.boxes.append(box)

    def piece(self) -> Iterator[Piece]:
        words = "".join(self.chars)
        if not words.strip():
            return
        size = statistics.median(top - bottom for _, bottom, _, top in self.boxes)
        low = statistics.median(bottom for _, bottom, _, _ in self.boxes)
        words = "".join(map(lambda char, box: self._raised(char, box, size, low), self.chars, self.boxes))
        yield Piece(
            words.strip(), min(box[0] for box in self.boxes), low, max(box[2] for box in self.boxes), low + size,
            size, self.is_bold,
        )  # fmt: skip

    def _raised(self, char: str, box: Box, size: float, low: float) -> str:
        is_raised = char.isdecimal() and box[3] - box[1] < 0.85 * size and box[1] - low > _STEP * size
        return char.translate(RAISED) if is_raised else char
