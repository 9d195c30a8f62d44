"""Text out of markup: titles and abstracts arrive as XML, HTML, escaped HTML, TeX and broken mixtures of these.

Whatever comes is read in one pass: tags are told from text (`tags.py`), formulas become text (`formulas.py`), and what
is left is put together as lines. Nothing is parsed as XML here, so that nothing broken costs a text its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from services.ingest.ports.sources.formulas import folded
from services.ingest.ports.sources.glue import Words
from services.ingest.ports.sources.tags import HEADINGS, PARAGRAPHS, Open, Text, Token, tokens_of, tokens_of_element
from shared import folding

# PostgreSQL cannot keep U+0000 in a text, and the others mean nothing in one either, or command a terminal; marks of
# direction show a line as another one than it is.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Soft hyphens, blanks without width, marks of direction. Joiners stay where a script needs them, or an emoji.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
    "|(?<![\u0600-\u1cff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
)
_BLANKS = re.compile(r"\s+")
_SAYS_NOTHING = {"abstract", "summary", "résumé", "zusammenfassung", "resumen", "resumo"}


def squeeze(text: str) -> str:
    """Makes every run of white space and control characters one space, and cuts the ends."""
    if "  " not in text and text.isprintable():
        return text.strip()  # As most are: of blanks only the space can be printed, and of what is removed nothing.
    return " ".join(uncontrolled(text).split())


def uncontrolled(text: str) -> str:
    """The text as it is, but for control characters and marks of direction, each of which becomes a space."""
    return _CONTROL.sub(" ", text)


def clean(text: str) -> str:
    """The same in Unicode's composed form (NFC), without characters that nobody sees."""
    if not text.isascii():
        text = folding.composed(_UNSEEN.sub("", text))
    return squeeze(text)


def plain(text: str | None) -> str | None:
    """Reads a title or a name as one line.

    Tags go, entities are unescaped (twice, since they often are escaped twice), formulas become text. Where a tag ends
    a paragraph there is a space; tags within a sentence leave words as they are, unless the source has glued them.
    """
    return _line(tokens_of(text)) if text else None


def prose(text: str | None) -> str | None:
    """Reads an abstract in JATS or HTML: one line a paragraph, a heading before its paragraph as `Heading: `."""
    return "\n".join(_lines(tokens_of(text))) or None if text else None


def text_of(element: Element | None) -> str | None:
    """All the text inside an XML element as one line, as `plain` has it."""
    return None if element is None else _line(tokens_of_element(element))


def _line(tokens: Iterable[Token]) -> str | None:
    return clean(" ".join(text for _, text in _passages(tokens))) or None


def _lines(tokens: Iterable[Token]) -> Iterator[str]:
    heading = ""
    for kind, text in _passages(tokens):
        line = clean(text)
        # The word "Abstract" says nothing, and is all that some abstracts have.
        line = "" if line.casefold().rstrip(".:") in _SAYS_NOTHING else line
        if kind == "heading":
            if heading:
                yield heading
            heading = line
        elif line:
            yield f"{_introducing(heading)} {line}" if heading else line
            heading = ""
    if heading:
        yield heading


def _introducing(heading: str) -> str:
    """A heading as it stands before its paragraph: with a colon, unless it asks something."""
    return heading if heading[-1] in "?!" else heading.rstrip(" .:") + ":"


def _passages(tokens: Iterable[Token]) -> Iterator[tuple[str, str]]:
    """The text between the tags that end a passage, each with what it is: a heading or a paragraph."""
    words = Words()
    for token in folded(tokens):
        if isinstance(token, Text):
            words.add(_BLANKS.sub(_blank, token.text))
        elif token.name in HEADINGS and not isinstance(token, Open):
            yield "heading", words.taken()
        elif token.name in HEADINGS or token.name in PARAGRAPHS:
            yield "paragraph", words.taken()
        elif isinstance(token, Open):
            words.begin(token.name)
        else:
            words.end(token.name)
    yield "paragraph", words.taken()


def _blank(blanks: re.Match[str]) -> str:
    """A space, but nothing where a line was broken only to indent a tag: before `)` or a full stop, and after `(`."""
    if "\n" in blanks[0] and len(blanks[0]) > 4:
        text, start, end = blanks.string, blanks.start(), blanks.end()
        if text[end : end + 1] in tuple(")].,;:'’") or (start and text[start - 1] in "(["):
            return ""
    return " "
