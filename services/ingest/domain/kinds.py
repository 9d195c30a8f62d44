"""What kind of text a file is, by the bytes it holds and not by its name or what a server calls it."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.ingest import TextKind

PDF: Final = "pdf"
JATS: Final = "jats"
HTML: Final = "html"
TXT: Final = "txt"

#: How names of files of each kind end.
ENDINGS: dict[TextKind, str] = {PDF: ".pdf", JATS: ".xml", HTML: ".html", TXT: ".txt"}

#: How many bytes of a file are looked at.
HEAD = 64 * 1024

#: How many bytes of its end tell whether it is whole.
END = 4096

#: Bytes in which the header of a PDF must begin, as its readers want it.
_BEFORE_PDF = 1024

#: What a whole file of a kind has at its end.
_ENDS: dict[TextKind, re.Pattern[bytes]] = {
    PDF: re.compile(rb"%%EOF"),
    JATS: re.compile(rb"</(?:[\w.-]+:)?(?:article|pmc-articleset)\s*>"),
}

#: What other files begin with.
_OTHERS: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive, as Word and EPUB files are",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old file of Office",
    b"{\\rtf": "RTF",
    b"%!PS": "PostScript",
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"II*\0": "a picture (TIFF)",
    b"MM\0*": "a picture (TIFF)",
    b"\x7fELF": "a program",
}

_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SKIPPED = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]+)([^\[>]*)(\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)((?:\s[^<>]*)?)/?>", re.DOTALL)
#: What tells an article of JATS from one of DocBook.
_OF_JATS = re.compile(r"-//NLM//DTD|\barticle-type=|\bdtd-version=|<front\b|<article-meta\b|jats\.nlm\.nih\.gov", re.I)
#: Words that begin an HTML page which leaves its frame out.
_OF_HTML = ("html", "head", "body", "meta", "title", "script", "div")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class NoText(ValueError):
    """A file that is no text of a report; the message says what it looks like, to stand behind `it is`."""


def kind_of(head: bytes) -> TextKind:
    """The kind of a file that begins so; `head` is all of it, or its first `HEAD` bytes. Raises NoText."""
    if not head.strip():
        raise NoText("empty")
    for beginning, looks_like in _OTHERS.items():
        if head.startswith(beginning):
            raise NoText(looks_like)
    if head.lstrip(b"\xef\xbb\xbf\r\n\t \0").startswith(b"%PDF-"):
        return PDF
    text = _decoded(head)
    if text is not None and (kind := _of_markup(text)) is not None:
        return kind
    if b"%PDF-" in head[:_BEFORE_PDF]:
        return PDF
    if text is None or _CONTROLS.search(text):
        raise NoText("binary, and of no kind that is known here")
    return TXT


def require_whole(kind: TextKind, end: bytes) -> None:
    """Raises NoText for a file that breaks off; `end` is all of it, or its last `END` bytes."""
    # A character of UTF-16 is one of these and a NUL.
    if kind in _ENDS and not _ENDS[kind].search(end.replace(b"\0", b"")):
        raise NoText(f"{kind.upper()} that breaks off")


def _decoded(head: bytes) -> str | None:
    """The beginning as text; None for what is none. A character may be cut in two at its end."""
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, "ignore")
    if b"\0" in head:
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 4:
            return head[: error.start].decode()
        return head.decode("cp1252", "replace")


def _of_markup(text: str) -> TextKind | None:
    """What kind of markup a text begins with; None where it begins with none. Raises NoText for XML of other kinds."""
    at = _end_of(_SKIPPED, text, 0)
    is_xml = text.lstrip().startswith("<?xml")
    doctype = _DOCTYPE.match(text, at)
    if doctype is not None:
        if doctype[1].lower() == "html":
            return HTML
        if "<!ENTITY" in (doctype[3] or ""):
            raise NoText("XML that declares entities of its own, which are not taken")
        at, is_xml = _end_of(_SKIPPED, text, doctype.end()), True
    root = _ROOT.match(text, at)
    if root is None:
        if is_xml:
            raise NoText("XML without an element at its beginning")
        return None
    name = root[1].lower()
    if name in _OF_HTML and not (is_xml and name != "html"):
        return HTML
    if name in ("article", "pmc-articleset") and _OF_JATS.search(text[: at + HEAD]):
        return JATS
    if is_xml or f"</{root[1]}>" in text:
        raise NoText(f"XML of another kind: its first element is {root[1][:60]!r}")
    return None


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
