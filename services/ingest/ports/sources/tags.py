"""Tells tags from text that only looks like them: `<sub>` is one, and `<median and others >median` is none.

Names count that publishers, PubMed, JATS, HTML and MathML really use, and only where nothing but attributes follows
them. One pass, without recursion; no pattern can be made to look at a character more than a few times.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


#: Tags inside a word or a sentence; where they stand nothing is said about blanks.
INLINE = _names(
    "i em italic b bold strong u underline s strike del ins overline sub sup inf sc scp smallcaps small big tt"
    " monospace roman sans-serif styled-content span font a ext-link uri email xref inline-formula inlineequation"
    " inline-graphic inline-supplementary-material named-content abbrev abbr acronym cite code kbd q mark img"
    " private-char related-article fn chem"
)
#: Tags that end what stood before them.
HEADINGS = _names("title label h1 h2 h3 h4 h5 h6")
PARAGRAPHS = _names(
    "p para simple-para br break hr div section sec subtitle ul ol dl li dt dd list list-item def-list def-item term"
    " def abstract abstracttext copyrightinformation html body table thead tbody tr td th caption fig disp-formula"
    " dispformula equation boxed-text disp-quote blockquote pre center articletitle vernaculartitle booktitle"
)
MATH = _names(
    "math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom mfenced menclose msub msup"
    " msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mlabeledtr mtd maligngroup malignmark"
    " maction semantics annotation annotation-xml"
)
FORMULAS = _names("alternatives inline-formula disp-formula inlineequation dispformula equation")
TEX = _names("tex-math texmath equationsource")
#: What these hold is no text of the work.
HIDDEN = _names("script style graphic inline-graphic mphantom annotation annotation-xml")

_KNOWN = INLINE | HEADINGS | PARAGRAPHS | MATH | FORMULAS | TEX | HIDDEN
#: Of these vocabularies every tag counts.
_VOCABULARIES = frozenset({"jats", "mml", "ce", "sb"})

# Each repetition is possessive or ends at the next `<`, so that a text of nothing but `<` costs no more than another.
_ATTRIBUTE = (
    r"""[A-Za-z_][\w:.-]{0,60}+\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
    r"""|(?:align|alt|border|class|color|dir|face|height|href|id|lang|rel|size|src|style|target|width)\s*+="""
    r"""\s*+[^\s"'<>=]++"""
)
_TAG = re.compile(
    rf"<(?P<close>/?)(?:(?P<prefix>[A-Za-z][\w.-]{{0,30}}):)?(?P<name>[A-Za-z][\w.-]{{0,40}})"
    rf"(?P<attributes>(?:\s++(?:{_ATTRIBUTE}))*+)\s*+(?P<empty>/?)>",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""([\w:.-]{1,80})\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_ASIDES = (("<!--", "-->", False), ("<![CDATA[", "]]>", True), ("<?xml", "?>", False), ("<!DOCTYPE", ">", False))
# Only what ends as a reference does: `&copy=2` in an address is none.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")


@dataclass(frozen=True, slots=True)
class Text:
    """Some text."""

    text: str


@dataclass(frozen=True, slots=True)
class Open:
    """The beginning of an element, by its bare name in small letters."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Close:
    """The end of one."""

    name: str


Token = Text | Open | Close


def tokens_of(text: str) -> Iterator[Token]:
    """Markup as its tags and the text between them, which is unescaped twice, since much is escaped twice, and never
    more. Tags that were escaped themselves count as well."""
    once: list[Token] = []
    for token in _split(text):
        once += _split(unescaped(token.text)) if isinstance(token, Text) else [token]
    for token in once:
        yield from _unescaped_further(token)


def tokens_of_element(element: Element) -> Iterator[Token]:
    """The same of an XML element, whose parser has unescaped its text once."""
    ahead: list[Element | Token] = [element]
    while ahead:
        one = ahead.pop()
        if not isinstance(one, Element):
            yield from _unescaped_further(one)
            continue
        name = name_of(one)
        yield Open(name, {key.rpartition("}")[2].lower(): value for key, value in one.attrib.items()})
        ahead.append(Close(name))
        for child in reversed(one):
            ahead += [Text(child.tail), child] if child.tail else [child]
        if one.text:
            ahead += [token for token in reversed(list(_split(one.text)))]


def _unescaped_further(token: Token) -> Iterable[Token]:
    if not isinstance(token, Text) or ("&" not in token.text and "<" not in token.text):
        return (token,)
    return _split(unescaped(token.text))


def name_of(element: Element) -> str:
    """The bare name of an element, in small letters; nothing for a comment."""
    tag: object = element.tag  # A function for what is no element.
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def unescaped(text: str) -> str:
    """The text with its references as characters, once."""
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text) if "&" in text else text


def _split(text: str) -> Iterator[Token]:
    """Tags, and what stands between them as it is; comments and declarations go, CDATA is text."""
    start, at, endless = 0, text.find("<"), set[str]()
    while at >= 0:
        end = at + 1
        if (tag := _TAG.match(text, at)) and _is_known(tag):
            end = tag.end()
            if at > start:
                yield Text(text[start:at])
            yield from _tag(tag)
            start = end
        elif aside := _aside(text, at, endless):
            end, kept = aside
            if at > start:
                yield Text(text[start:at])
            if kept:
                yield Text(kept)
            start = end
        at = text.find("<", end)
    if start < len(text):
        yield Text(text[start:])


def _is_known(tag: re.Match[str]) -> bool:
    prefix = tag["prefix"]
    return tag["name"].lower() in _KNOWN or (prefix is not None and prefix.lower() in _VOCABULARIES)


def _tag(tag: re.Match[str]) -> Iterator[Token]:
    name = tag["name"].lower()
    if tag["close"]:
        yield Close(name)
        return
    pairs = _QUOTED.findall(tag["attributes"]) if tag["attributes"] else ()
    yield Open(name, {key.rpartition(":")[2].lower(): double or single for key, double, single in pairs})
    if tag["empty"]:
        yield Close(name)


def _aside(text: str, at: int, endless: set[str]) -> tuple[int, str] | None:
    """Where a comment or its like ends, and what of it is text; None for what is none, or has no end."""
    for opening, closing, kept in _ASIDES:
        if text.startswith(opening, at) and opening not in endless:
            end = text.find(closing, at + len(opening))
            if end < 0:
                endless.add(opening)  # No later one has an end either: looking for it each time would take for ever.
                return None
            return end + len(closing), text[at + len(opening) : end] if kept else ""
    return None
