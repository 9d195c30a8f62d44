"""PDFs for tests, written by hand: words at their places, with ligatures as glyphs of their own; and broken ones."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

#: Widths of Helvetica's characters, in thousandths of the size of type (Adobe's font metrics), as far as they differ.
_WIDTHS = {
    **dict.fromkeys("ijl'", 222), **dict.fromkeys(" ft.,:;I/!", 278), **dict.fromkeys("r-()", 333), "k": 500, "s": 500,
    **dict.fromkeys("cvxyz", 500), "m": 833, "w": 722, "M": 833, "W": 944, **dict.fromkeys("CDHNRU", 722),
    **dict.fromkeys("ABEKPSVXY", 667), **dict.fromkeys("FTZ", 611), **dict.fromkeys("GOQ", 778), "J": 500, "%": 889,
    "ﬁ": 500, "ﬂ": 500,
}  # fmt: skip

#: Where the font has its ligatures.
_GLYPHS = {"ﬁ": "\\001", "ﬂ": "\\002"}


class Word(NamedTuple):
    """Words that are drawn at once."""

    x: float
    y: float
    size: float
    words: str
    is_bold: bool = False


def width_of(words: str, size: float) -> float:
    return sum(_WIDTHS.get(char, 556) for char in words) * size / 1000


def pdf(pages: Iterable[Sequence[Word]], *, packed: bool = True) -> bytes:
    """A file of these pages."""
    return _file([_content(page) for page in pages], packed=packed)


def _content(page: Sequence[Word]) -> bytes:
    lines = []
    for word in page:
        said = word.words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        for ligature, glyph in _GLYPHS.items():
            said = said.replace(ligature, glyph)
        font = "F2" if word.is_bold else "F1"
        lines.append(f"BT /{font} {word.size} Tf 1 0 0 1 {word.x:.2f} {word.y:.2f} Tm ({said}) Tj ET")
    return "\n".join(lines).encode("cp1252")


def _file(contents: Sequence[bytes], *, packed: bool = True, trailer: str = "") -> bytes:
    encoding = "<< /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >>"
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding {encoding} >>".encode(),
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding {encoding} >>".encode(),
    ]
    kids = []
    for content in contents:
        stream = zlib.compress(content) if packed else content
        about = f"<< /Length {len(stream)}{' /Filter /FlateDecode' if packed else ''} >>".encode()
        objects.append(about + b"\nstream\n" + stream + b"\nendstream")
        fonts = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {fonts} /Contents {len(objects)} 0 R >>"
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R{trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def encrypted() -> bytes:
    """One that opens by a password alone."""
    locked = f" /Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >> /ID [<00> <00>]"
    return _file([_content([Word(72, 700, 10, "Nobody reads this.")])], trailer=locked)


def without_text(pages: int = 3) -> bytes:
    """One whose pages are drawn, as a scan's are."""
    return _file([b"0.5 g 72 72 400 600 re f"] * pages)


def bomb() -> bytes:
    """One whose page unpacks to half a gigabyte."""
    packing = zlib.compressobj(9)
    blank = b" " * (1024 * 1024)
    stream = b"".join(packing.compress(blank) for _ in range(512)) + packing.flush()
    made = _file([b"0 g"], packed=True)
    plain = zlib.compress(b"0 g")
    about = f"/Length {len(plain)}".encode()
    return made.replace(about, f"/Length {len(stream)}".encode()).replace(plain, stream)


# Two columns


@dataclass
class Typeset:
    """Paragraphs set in two columns as journals do it: justified, hyphenated, with ligatures, headings in bold, and the
    same at the edge of each page."""

    seed: int = 1
    size: float = 9.5
    columns: tuple[tuple[float, float], ...] = ((54, 285), (310, 541))
    head: str = "Journal of Things 2021; 14"
    #: Draws a line of the left column, one of the right, and so on down the page, as some programs do.
    is_interleaved: bool = False
    _pages: list[list[list[Word]]] = field(default_factory=list)

    def made(self, paragraphs: Sequence[str], title: str = "How boards decide") -> bytes:
        self._chance = random.Random(self.seed)
        self._column, self._y = -1, 0.0
        self._pages = []
        self._next_column()
        self._pages[0][2].append(Word(54, 800, 16, title, True))
        for number, paragraph in enumerate(paragraphs):
            if number % 6 == 0:
                self._heading(f"Section {number // 6 + 1} of this report")
            self._paragraph(paragraph)
        return pdf([self._drawn(number, columns) for number, columns in enumerate(self._pages, 1)])

    def _drawn(self, number: int, columns: list[list[Word]]) -> list[Word]:
        left, right, across = columns
        edge = [Word(54, 818, 7, f"{self.head} {100 + number}"), Word(290, 24, 7, str(100 + number))]
        both = sorted([*left, *right], key=lambda it: (-it.y, it.x)) if self.is_interleaved else [*left, *right]
        return [*across, *edge[:1], *both, *edge[1:]]

    def _next_column(self) -> None:
        self._column = (self._column + 1) % 2
        if self._column == 0:
            self._pages.append([[], [], []])
        self._y = 770.0

    def _go_on_for(self, lines: int = 1) -> None:
        if self._y - 12 * lines < 60:
            self._next_column()

    def _put(self, x: float, words: str, *, is_bold: bool = False) -> None:
        self._pages[-1][self._column].append(Word(x, self._y, self.size, words, is_bold))

    def _heading(self, words: str) -> None:
        self._go_on_for(3)
        self._y -= 8
        self._put(self.columns[self._column][0], words, is_bold=True)
        self._y -= 14

    def _paragraph(self, paragraph: str) -> None:
        words, indent = paragraph.replace("fi", "ﬁ").replace("fl", "ﬂ").split(" "), 10.0
        while words:
            self._go_on_for()
            left, right = self.columns[self._column]
            line, words = self._line(words, right - left - indent)
            gap = width_of(" ", self.size)
            if words and len(line) > 1:  # All but the last line is justified.
                spare = right - left - indent - sum(width_of(word, self.size) for word in line)
                gap = spare / (len(line) - 1)
            x = left + indent
            for word in line:
                self._put(x, word)
                x += width_of(word, self.size) + gap
            self._y -= 12
            indent = 0.0

    def _line(self, words: list[str], width: float) -> tuple[list[str], list[str]]:
        """As many words as fit; the last one may be parted by a hyphen."""
        line, used, blank = list[str](), 0.0, width_of(" ", self.size)
        while words and used + width_of(words[0], self.size) <= width:
            used += width_of(words[0], self.size) + blank
            line.append(words[0])
            words = words[1:]
        if words and (parted := self._parted(words[0], width - used)) is not None:
            line.append(parted[0])
            words = [parted[1], *words[1:]]
        if not line:
            line, words = words[:1], words[1:]
        return line, words

    def _parted(self, word: str, width: float) -> tuple[str, str] | None:
        if "-" in word[1:-1]:
            head, _, tail = word.partition("-")
            return (f"{head}-", tail) if width_of(head + "-", self.size) <= width else None
        for at in range(len(word) - 3, 2, -1):
            head, tail = word[:at], word[at:]
            if head.isalpha() and tail[:3].isalpha() and width_of(head + "-", self.size) <= width:
                return f"{head}-", tail
        return None
