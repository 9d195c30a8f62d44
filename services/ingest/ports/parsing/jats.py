"""Articles in JATS: sections and paragraphs as they are marked up, without what is no prose.

Nothing is fetched, and no entity expanded: an article that declares some is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.ingest.domain.passages import PARSERS, RAISED, Composer, NotParsed, Parse
from services.ingest.ports.sources.mending import mended_xml

#: Elements in an article, and how deep they may lie.
_MOST_ELEMENTS, _DEEPEST = 2_000_000, 200

#: What stands within a paragraph and is no part of what it says: numbers of notes, and what is drawn.
_ASIDE = {"fn", "table-wrap", "fig", "fig-group", "disp-formula-group", "supplementary-material", "media", "object-id"}
#: A link to a note or a source that stands raised, as a number.
_RAISED = {"sup"}
#: What has paragraphs of its own, which stand behind the one around it.
_BLOCKS = {"list", "disp-quote", "boxed-text", "statement", "verse-group", "def-list", "speech", "array"}
_PROSE = {"p", "title", "label", "verse-line"}
#: What is a passage of its own that a quote may come from.
_CAPTIONED = {"fig", "table-wrap", "boxed-text"}
_BREAKS = {"break", "hr"}
_DECLARES = re.compile(r"<!ENTITY", re.IGNORECASE)
_HEAD = 1024 * 1024


def parse(content: bytes) -> Parse:
    """Raises NotParsed."""
    article = _article(_root(content))
    composing = Composer(PARSERS["jats"])
    _front(article, composing)
    body = _child(article, "body")
    if body is None or not _reads(body, composing):
        raise NotParsed("metadata_only")
    back = _child(article, "back")
    if back is not None:
        _reads(back, composing, "back")
    return composing.done()


def _root(content: bytes) -> Element:
    text = _decoded(content)
    if _DECLARES.search(text):
        raise NotParsed("bomb")
    try:
        # As text, since its own declaration of an encoding holds no longer.
        root: Element = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1), forbid_dtd=False)
    except DefusedXmlException:
        raise NotParsed("bomb") from None
    except (ParseError, ValueError, RecursionError):
        raise NotParsed("damaged") from None
    if _depth(root) > _DEEPEST:
        raise NotParsed("bomb")
    return root


def _decoded(content: bytes) -> str:
    for bom, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(bom):
            content = content.decode(encoding, "replace").encode()
    declared = re.match(rb"\s*<\?xml[^>]{0,200}encoding=[\"'](?i:iso-8859-1|windows-1252|latin-?1)[\"']", content)
    return mended_xml(content.decode("cp1252", "replace").encode() if declared else content)


def _depth(root: Element) -> int:
    deepest, count, open_ = 0, 0, [(root, 1)]
    while open_:
        element, depth = open_.pop()
        deepest, count = max(deepest, depth), count + 1
        if count > _MOST_ELEMENTS:
            raise NotParsed("too_large")
        open_.extend((child, depth + 1) for child in element)
    return deepest


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _article(root: Element) -> Element:
    if _name(root) == "article":
        return root
    found = next((each for each in root.iter() if _name(each) == "article"), None)
    if found is None:
        raise NotParsed("metadata_only")
    return found


def _front(article: Element, composing: Composer) -> None:
    front = _child(article, "front")
    meta = _child(front, "article-meta") if front is not None else None
    if meta is None:
        return
    group = _child(meta, "title-group")
    title = _child(group, "article-title") if group is not None else None
    if title is not None:
        composing.heading(_said(title), "title", 0)
    abstracts = [each for each in meta if _name(each) in ("abstract", "trans-abstract")]
    for number, abstract in enumerate(abstracts, 1):
        prefix = "abs" if number == 1 else f"abs{number}"
        own = _child(abstract, "title")
        composing.heading(_said(own) if own is not None else "Abstract", prefix, 1)
        _Reading(composing, prefix).read(abstract, "", 1)
    composing.leave(1)


def _reads(element: Element, composing: Composer, prefix: str = "") -> bool:
    composing.leave(1)
    reading = _Reading(composing, prefix)
    reading.read(element, "", 0)
    return reading.paragraphs > 0


class _Reading:
    """A part of an article on its way into passages. A section is named by its number within that around it, and a
    paragraph by its own within its section: `sec2.1/p3`."""

    def __init__(self, composing: Composer, prefix: str) -> None:
        self._composing, self._prefix = composing, prefix
        self.paragraphs = 0

    def read(self, element: Element, path: str, level: int) -> None:
        sections, self_count = 0, _Count()
        for child in element:
            name = _name(child)
            if name == "sec" or (name in ("ack", "app", "app-group", "notes", "glossary") and self._prefix == "back"):
                sections += 1
                inner = f"{path}.{sections}" if path else str(sections)
                self._section(child, inner, level + 1)
            else:
                self._block(child, path, level, self_count)

    def _section(self, section: Element, path: str, level: int) -> None:
        label, title = _child(section, "label"), _child(section, "title")
        words = " ".join(_said(each) for each in (label, title) if each is not None)
        self._composing.leave(level)
        self._composing.heading(words, self._at(path), level)
        self.read(section, path, level)

    def _block(self, element: Element, path: str, level: int, count: _Count) -> None:
        name = _name(element)
        if name == "p":
            self._paragraph(_said(element), path, count)
            for inner in _blocks_in(element):
                self._block(inner, path, level, count)
        elif name in _CAPTIONED:
            for part in _captions(element):
                self._paragraph(part, path, count)
            if name == "boxed-text":
                self._inner(element, path, level, count)
        elif name in _BLOCKS or name in ("list-item", "def-item", "def", "verse-line", "caption", "attrib"):
            if name in ("verse-line", "attrib"):
                self._paragraph(_said(element), path, count)
            self._inner(element, path, level, count)
        elif name == "fn-group":
            for note in element.iter():
                if _name(note) == "p":
                    self._paragraph(_said(note), path, count)

    def _inner(self, element: Element, path: str, level: int, count: _Count) -> None:
        for child in element:
            if _name(child) == "sec":
                self._inner(child, path, level, count)
            elif _name(child) == "term":
                self._paragraph(_said(child), path, count)
            else:
                self._block(child, path, level, count)

    def _paragraph(self, words: str, path: str, count: _Count) -> None:
        at = self._at(path)
        locator = f"{at}/p{count.so_far + 1}" if at else f"p{count.so_far + 1}"
        if self._composing.paragraph(words, locator):
            count.so_far += 1
            self.paragraphs += 1

    def _at(self, path: str) -> str:
        return "/".join(filter(None, (self._prefix, path and f"sec{path}")))


class _Count:
    def __init__(self) -> None:
        self.so_far = 0


def _captions(element: Element) -> Iterator[str]:
    """What a figure, table or box is called and what stands below it."""
    label, caption = _child(element, "label"), _child(element, "caption")
    words = [_said(each) for each in (label, caption) if each is not None]
    if _name(element) != "boxed-text" or words:
        yield " ".join(words)


def _blocks_in(paragraph: Element) -> Iterator[Element]:
    """What stands within a paragraph and has passages of its own."""
    for child in paragraph:
        if _name(child) in _BLOCKS | _CAPTIONED:
            yield child
        else:
            yield from _blocks_in(child)


def _said(element: Element) -> str:
    """The words of an element, as they are read one after another."""
    parts: list[str] = []
    _collect(element, parts)
    return "".join(parts)


def _collect(element: Element, parts: list[str]) -> None:
    parts.append(element.text or "")
    for child in element:
        name = _name(child)
        if name in _BREAKS:
            parts.append(" ")
        elif name in ("p", "title", "caption"):
            parts.append(" ")
            _collect(child, parts)
            parts.append(" ")
        elif name in _RAISED and not list(child) and (child.text or "").isdecimal():
            # Plain, it would be taken for more digits of the number before it.
            parts.append((child.text or "").translate(RAISED))
        elif name and name not in _ASIDE | _BLOCKS and not _is_mark_of_note(child):
            _collect(child, parts)
        parts.append(child.tail or "")


def _is_mark_of_note(element: Element) -> bool:
    """Whether it is a raised number that leads to a note or a source, which nobody reads as part of the sentence."""
    name = _name(element)
    if name in _RAISED:
        links = [child for child in element if _name(child) == "xref"]
        return bool(links) and not re.search(r"\w", "".join([element.text or "", *(it.tail or "" for it in links)]))
    if name == "xref":
        inner = list(element)
        return (
            len(inner) == 1
            and _name(inner[0]) in _RAISED
            and not re.search(r"\w", (element.text or "") + (inner[0].tail or ""))
        )
    return False
