"""Web pages: headings and paragraphs of what is written in them, without scripts, menus and forms."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from services.ingest.domain.passages import PARSERS, Composer, NotParsed, Parse

_LEFT_OUT = {"script", "style", "noscript", "template", "nav", "footer", "form", "button", "select", "svg", "iframe"}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCKS = {
    "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "figure", "figcaption", "caption", "table", "tr",
    "section", "article", "main", "header", "aside", "pre", "address", "hr", "body", "html", "head", "title",
    *_HEADINGS,
}  # fmt: skip
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_CHARSET = re.compile(rb"<meta[^>]{0,300}charset=[\"']?([\w-]{1,30})", re.IGNORECASE)


def parse(content: bytes) -> Parse:
    """Raises NotParsed."""
    reading = _Reading()
    reading.feed(decoded(content, declared=_CHARSET.search(content[:4096])))
    reading.close()
    reading.end_block()
    if not reading.paragraphs:
        raise NotParsed("metadata_only")
    return reading.composing.done()


def decoded(content: bytes, declared: re.Match[bytes] | None = None) -> str:
    """Text of the web, whatever it was written in."""
    for bom, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    encodings = ["utf-8", declared[1].decode() if declared else "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("cp1252", "replace")


class _Reading(HTMLParser):
    """A page on its way: a heading is named by its number in the page, a paragraph by its own under it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.composing = Composer(PARSERS["html"])
        self.paragraphs = 0
        self._left_out, self._tag, self._words = list[str](), "", list[str]()
        self._headings, self._under = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LEFT_OUT:
            self.end_block()
            self._left_out.append(tag)
        elif tag in _BLOCKS:
            self.end_block()
            self._tag = tag
        elif tag in ("br", "td", "th"):
            self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._left_out:
            while self._left_out.pop() != tag:
                pass
        elif tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self._words.append(data)

    def end_block(self) -> None:
        words, tag = "".join(self._words), self._tag
        self._words, self._tag = [], ""
        if not words.strip() or tag in ("title", "head"):
            return
        if tag in _HEADINGS:
            self._headings, self._under = self._headings + 1, 0
            self.composing.heading(words, f"h{self._headings}", _HEADINGS[tag])
            return
        at = f"h{self._headings}/" if self._headings else ""
        if self.composing.paragraph(words, f"{at}p{self._under + 1}"):
            self._under += 1
            self.paragraphs += 1
