"""What a title says its text is beside another work: a correction, a comment, a part, an update, an abstract of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from services.ingest.domain.words import listed, numbers

#: What a text is of the work that it is about.
Mark = Literal["erratum", "comment", "review", "protocol", "update", "part", "abstract"]

#: What databases write into a title, which says nothing of the text: `[Review] [33 refs]`, `(Structured abstract)`,
#: and that it was struck, as publishers write it before or behind: `RETRACTED ARTICLE:`, `[Withdrawn]`.
_ANNOTATION = re.compile(
    r"[\[(]\s*(?:(?:published |publisher )?(?:erratum|correction|corrected and republished|retraction|comment)s?"
    r"\s+(?:appears?\s+|published\s+)?(?:in\b\s*[:\w]|from\b)|republished|see comments?\b|review\b(?! of)"
    r"|\d+ refs?\b|structured abstract|provisional abstract|abstract(?!\s*(?:no\.?\s*)?#?[\w-]*\d)|corrected"
    r"|(?:this article has been |article )?(?:retracted|withdrawn|removed))(?:[^\])(]|\([^)]{0,100}\)){0,300}[\])]?"
    r"|^\W*(?:temporary\s+)?(?:retracted|withdrawn|removed|removal)(?:\s+(?:article|paper|chapter|manuscript|publication))?"
    r"\s*(?:[:\])–—-]|\.(?=\s)|(?<=article)\s|(?<=paper)\s)\W*"
    r"|(?<![\s:;.,–—-])[\s:;.,–—-]+(?:retracted|withdrawn)(?:\s+(?:article|paper))?\W*$",
    re.IGNORECASE,
)
_MAY_BE_ANNOTATED = re.compile(r"[\[(]|retract|withdr|remov", re.IGNORECASE)

_OF = r"(?:\s+(?:to|on|of|for|regarding|concerning|re)\b)?"
_ERRATUM = (
    r"(?:(?:author'?s?|author’s|authors['’]?|publisher'?s?|publisher’s|editor'?s?)\s+)?(?:correction|corrections|erratum"
    r"|errata|corrigend(?:um|a)|addendum|expression of concern|retraction|withdrawal|rectification|fe de erratas?"
    r"|berichtigung|notice of (?:retraction|withdrawal|correction|concern|redundant publication)"
    r"|(?:retraction|withdrawal|correction|removal) (?:note|notice|statement))"
)
_COMMENT = (
    r"(?:(?:invited|editorial|brief|expert)\s+)?(?:comment|comments|commentary|commentaries|rejoinder|rebuttal)"
    r"|(?:in\s+|(?:the\s+)?(?:author|authors|author['’]s|authors['’])\s+)?(?:reply|response)|re|discussion|letter"
)
_REVIEW = r"(?:a\s+)?(?:book\s+)?review of(?:\s+the)?(?:\s+book)?|book reviews?"

#: Before a title: `Erratum to: X`, `Re: X`. Without a colon only what no title begins with.
_BEFORE = re.compile(
    rf"^\W*(?:(?P<erratum>{_ERRATUM}{_OF}\s*[:–—\]\-]|(?:erratum|corrigendum|addendum|correction) (?:to|for)\b"
    rf"|{_ERRATUM} to\b)"
    rf"|(?P<comment>(?:{_COMMENT}){_OF}\s*[:–—\]]|(?:comment|commentary|comments) on\b"
    r"|(?:reply|rejoinder|rebuttal) to\b|comment in\])"
    rf"|(?P<review>(?:{_REVIEW})\s*[:–—]|(?:a\s+)?(?:book\s+)?review of (?:the )?book\b)"
    r"|(?P<protocol>(?:study |trial |review )?protocols?(?:\s+(?:for|of)(?:\s+an?|\s+the)?)?\s*:"
    r"|protocol (?:for|of)(?: an?| the)?\b)"
    r"|(?P<update>(?:an?\s+)?update(?:\s+(?:to|on|of))?\s*:))\W*",
    re.IGNORECASE,
)

#: In brackets anywhere, and behind a title.
_BRACKETED = re.compile(
    rf"[\[(]\s*(?:(?P<erratum>{_ERRATUM}|(?:retraction of )?vol\.?\s*\d+\s*,\s*(?:pg?|pages?)\b[^\])]{{0,300}})"
    rf"|(?P<comment>(?:{_COMMENT})|comments? (?:on|in)\b[^\])]{{0,300}}"
    r"|(?:(?:reply|response) to|author reply)\b[^\])]{0,300})"
    r"|(?P<review>(?:book )?review of\b[^\])]{0,300}|book review)"
    r"|(?P<abstract>abstract\s*(?:no\.?\s*)?#?[\w-]*\d[^\])]{0,300}|(?:meeting|conference|poster) abstracts?|poster)"
    r"|(?P<protocol>(?:study |trial |review )?protocol)|(?P<update>updated?(?: \d{4})?|\d{4} update))\s*[\])]",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"\s*(?:[:;.?!–—]|\s-)\s*(?:(?P<erratum>(?:an?\s+)?{_ERRATUM})"
    r"|(?P<comment>(?:an?\s+|the\s+)?(?:comment|commentary|reply|rejoinder|rebuttal"
    r"|(?:author|authors|author['’]s|authors['’]) (?:reply|response)|(?:reply|response) to\s.*|comments? on\s.*))"
    r"|(?P<protocol>(?:[^:;.?!]*\b)?protocols?\b(?:\s+(?:for|of|paper)\b.*)?)"
    r"|(?P<update>(?:an?\s+)?(?:\d{4}\s+)?update(?:d)?(?:\s+\d{4})?(?:\s+of\s.*|\s+(?:systematic )?review.*)?))\W*$",
    re.IGNORECASE,
)
_MAY_BE_BEHIND = re.compile(
    r"errat|corrig|correct|concern|retract|withdr|comment|repl[yi]|respon|rejoin|rebut|protocol|updat", re.IGNORECASE
)
_MAY_BE_BEFORE = re.compile(
    r"^\W*(?:(?:an?|the|author|publisher|editor|invited|editorial|brief|expert|in|study|trial|book|fe) ?\w*['’]?s?\s)?"
    r"(?:correct|errat|corrig|addend|expression|retract|withdr|rectif|fe de|bericht|notice|removal|comment|rejoin|rebut"
    r"|repl|respon|re\b|discuss|letter|review|book|protocol|update)",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"[\[(]")

#: Words in a subtitle that make it one of another part or stage of the same work.
_PROTOCOL = listed("protocol protocols rationale design")
_UPDATE = listed("update updated updates revisited")
_PART = listed(
    "addendum appendix baseline chapter continued continuation extension followup interim part parts sequel "
    "subanalysis substudy supplement supplementary teil parte partie volume"
)
_ABOUT = listed("comment commentary correction corrigendum errata erratum rejoinder rebuttal reply")


def parted(text: str) -> tuple[frozenset[Mark], str, str]:
    """What a title says that its text is; the title without what databases write into it; and the title of the work
    that it is about, which is the same where it says nothing, or where nothing would be left."""
    small = text.lower()
    if not any([stem in small for stem in _STEMS]):
        return _NO_MARKS, text, text
    if _MAY_BE_ANNOTATED.search(text):
        text = _ANNOTATION.sub(" ", text)
    marks: set[Mark] = set()
    about = text
    for may_match, pattern in _PATTERNS:
        found = pattern.search(about) if may_match.search(about) else None
        if found and found.lastgroup:
            rest = f"{about[: found.start()]} {about[found.end() :]}"
            if len(rest.split()) >= _SHORTEST_BASE:
                marks.add(found.lastgroup)  # type: ignore[arg-type]
                about = rest
    return frozenset(marks), text, about


#: Beginnings of words, in lower case, one of which every title has that anything below is found in. That a text holds
#: none is seen many times faster than by a pattern.
_STEMS = (
    "[", "(", "correct", "errat", "corrig", "addend", "concern", "retract", "withdr", "rectif", "bericht", "notice",
    "remov", "comment", "rejoin", "rebut", "reply", "replies", "respon", "re:", "discuss", "letter", "review of",
    "book review", "protocol", "updat",
)  # fmt: skip
_NO_MARKS: frozenset[Mark] = frozenset()

#: Each pattern behind one that is found quickly, without which it cannot match.
_PATTERNS = ((_MAY_BE_BEFORE, _BEFORE), (_BRACKET, _BRACKETED), (_MAY_BE_BEHIND, _BEHIND))

#: Words of a title that is left when what stands beside it is taken away.
_SHORTEST_BASE = 2


def stage_of(further: Sequence[str]) -> Mark | None:
    """What the words of a subtitle say that the text is of the work without it, where they do."""
    words = set(further)
    if words & _PROTOCOL:
        return "protocol"
    if words & _ABOUT:
        return "comment"
    if words & _UPDATE:
        return "update"
    if words & _PART or {"follow", "up"} <= words or (further and further[0] in _PART_NUMBERS and numbers(further[:1])):
        return "part"
    return None


_PART_NUMBERS = listed("i ii iii iv v vi vii viii ix x 1 2 3 4 5 6 7 8 9 10")
