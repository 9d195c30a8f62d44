"""Text out of markup: titles and abstracts arrive as XML, HTML, escaped HTML and broken mixtures of these."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

# Only tags that publishers really use count as tags, so that "p <0.05 and n> 3" keeps all its text.
_INLINE = "i|em|italic|b|bold|strong|u|sub|sup|inf|sc|scp|tt|monospace|roman|styled-content|span|font|a|ext-link|uri"
_INLINE += "|email|xref|inline-formula|small|underline|named-content"
_BLOCK = "p|br|div|section|sec|title|subtitle|h[1-6]|ul|ol|li|list|list-item|label|abstract|html|body|table|tr|td"
_BLOCK += "|disp-formula|fig|graphic|caption|math|m[a-z]{1,12}|alternatives|tex-math"
_TAG = re.compile(rf"</?(?:[a-z]+:)?(?:(?P<inline>{_INLINE})|{_BLOCK})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_TAG_START = re.compile(rf"</?(?:[a-z]+:)?(?:{_INLINE}|{_BLOCK})(?:\s|/?>)", re.IGNORECASE)
_GLUED_ITALIC = re.compile(
    r"(?P<before>[^\W\d_]?)<(?P<tag>i|em)>(?P<words>[^<>]{3,})</(?P=tag)>(?P<after>[^\W\d_]?)", re.IGNORECASE
)
# PostgreSQL cannot keep U+0000 in a text, and the others mean nothing in one either.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NAMED_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,31};")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,32};)")
_PREFIX = re.compile(r"[</\s]([A-Za-z_][\w.-]*):[A-Za-z_]")

_HEADINGS = {"title", "label", "h1", "h2", "h3", "h4", "h5", "h6"}
_PARAGRAPHS = {"p", "sec", "list", "list-item", "ul", "ol", "li", "br", "div", "fig", "caption", "abstract"}
_NOT_TEXT = {"tex-math", "graphic"}
_SAYS_NOTHING = {"abstract", "summary", "résumé", "zusammenfassung", "resumen", "resumo"}


def squeeze(text: str) -> str:
    """Makes every run of white space and control characters one space, and cuts the ends."""
    return " ".join(_CONTROL.sub(" ", text).split())


def plain(text: str | None) -> str | None:
    """Reads a title: entities unescaped (twice, since they are often escaped twice), tags dropped.

    A tag between words that the source glued together leaves a space: `An<i>in vitro</i>assay`.
    """
    if not text:
        return None
    text = html.unescape(html.unescape(text))
    text = _GLUED_ITALIC.sub(_unglue, text)
    return squeeze(_TAG.sub(lambda tag: "" if tag["inline"] else " ", text)) or None


def _unglue(match: re.Match[str]) -> str:
    before, after = match["before"], match["after"]
    return f"{before}{' ' if before else ''}{match['words']}{' ' if after else ''}{after}"


def prose(text: str | None) -> str | None:
    """Reads an abstract in JATS or HTML: one line a paragraph, a heading before its paragraph as `Heading: `.

    It is parsed as XML; what does not parse is mended (bare `&` and `<`, escaped or HTML-only entities)
    and parsed again; what still does not parse loses its known tags only, so no text is lost.
    """
    if not text or not text.strip():
        return None
    root = _parse(text)
    if root is None:
        return plain(text)
    return "\n".join(_lines(root)) or None


def text_of(element: Element | None) -> str | None:
    """All the text inside an XML element, its inline tags dropped, white space squeezed."""
    return None if element is None else squeeze("".join(_inner(element))) or None


def _inner(element: Element) -> Iterator[str]:
    if _name(element) not in _NOT_TEXT:
        yield element.text or ""
        for child in element:
            yield from _inner(child)
            yield child.tail or ""


def _parse(text: str) -> Element | None:
    for attempt in (text, _mend(text), _mend(html.unescape(text))):
        declared = " ".join(f'xmlns:{prefix}="urn:{prefix}"' for prefix in sorted(set(_PREFIX.findall(attempt))))
        try:
            root = fromstring(f"<abstract {_without_reserved(declared)}>{attempt}</abstract>")
        except (ParseError, DefusedXmlException):
            continue
        if len(root) or not _TAG.search(html.unescape(text)):
            return root
    return None


def _without_reserved(declared: str) -> str:
    """Leaves out the two prefixes XML reserves for itself."""
    return re.sub(r'xmlns:xml(?:ns)?="urn:xml(?:ns)?"', "", declared)


def _mend(text: str) -> str:
    text = _NAMED_ENTITY.sub(lambda entity: html.escape(html.unescape(entity[0]), quote=False), text)
    text = _BARE_AMPERSAND.sub("&amp;", text)
    return re.sub("<", lambda sign: "<" if _TAG_START.match(text, sign.start()) else "&lt;", text)


def _lines(root: Element) -> Iterator[str]:
    heading, words = "", ""
    for kind, piece in [*_pieces(root), ("paragraph", "")]:
        if kind == "text":
            words += piece
            continue
        # Entities are often escaped once more than the XML accounts for.
        line, words = squeeze(html.unescape(words)), ""
        # The word "Abstract" says nothing, and is all that some abstracts have.
        line = "" if line.casefold().rstrip(".:") in _SAYS_NOTHING else line
        if kind == "heading":
            if heading:
                yield heading
            heading = line
        elif line:
            yield f"{heading.rstrip(':')}: {line}" if heading else line
            heading = ""
    if heading:
        yield heading


def _pieces(element: Element) -> Iterator[tuple[str, str]]:
    """Walks the element as text, with a mark where a paragraph ends and where a heading ends."""
    name = _name(element)
    if name in _NOT_TEXT:
        return
    block = name in _HEADINGS or name in _PARAGRAPHS
    if block:
        yield "paragraph", ""
    yield "text", element.text or ""
    for child in element:
        yield from _pieces(child)
        yield "text", child.tail or ""
    if block:
        yield "heading" if name in _HEADINGS else "paragraph", ""


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()
