"""Which class a licence is of, so that it is decided once who may read a copy and what of it may be published."""

from __future__ import annotations

import html
import re
from typing import Final, get_args

from shared.wire.ingest import LicenceClass, TextReaders

#: Anybody may use it for anything, under the same terms at most.
OPEN: Final = "open"
#: Anybody may read and pass it on, but not for money, or not changed.
RESTRICTED: Final = "open_noncommercial_or_noderivs"
#: All rights are reserved: it is here for those who may read it anyway.
CLOSED: Final = "closed"
#: Nobody said, or in words that are no licence of the list. It may be read where it was found, and no more is granted.
UNKNOWN: Final = "unknown"

#: From the one that lets people do most to the one that lets them do least; what is unknown may be closed.
CLASSES: tuple[LicenceClass, ...] = get_args(LicenceClass)

#: Who may read copies of a class, unless somebody said otherwise.
#: All who may ever read a copy.
WIDEST: TextReaders = "members"

_READERS: dict[LicenceClass, TextReaders] = {
    OPEN: WIDEST,
    RESTRICTED: WIDEST,
    CLOSED: "reviewers",
    UNKNOWN: "reviewers",
}

#: The least role that each word for readers stands for.
ROLES: dict[TextReaders, str] = {"members": "reader", "reviewers": "reviewer", "leads": "lead"}

#: Licences that are neither Creative Commons' nor the public domain's, by what their names hold.
_OTHERS: dict[str, LicenceClass] = {"all rights reserved": CLOSED, "subscription": CLOSED}
_NAMED: dict[str, LicenceClass] = {"mit": OPEN, "isc": OPEN, "gpl": OPEN, "none": CLOSED, "closed": CLOSED}

_ADDRESS = re.compile(r"creativecommons\.org/(?:licen[sc]es/(by(?:-(?:nc|nd|sa))*)\b|publicdomain/(?:zero|mark)\b)")
_CODE = re.compile(r"\bcc[\s-]*by((?:[\s-]+(?:nc|nd|sa)\b)*)")
_FREE = re.compile(r"\bcc[\s-]?0\b|\bcc[\s-]zero\b|\bpublic[\s-]domain\b|^pd$")
_WORDS = re.compile(r"creative commons[\w\s,:-]{0,40}?\battribution\b([\w\s,/–-]{0,80})")
_LIMITS = re.compile(r"\bnon[\s–-]?commercial|\bno[\s–-]?deriv|\bn[cd]\b")


#: Where an article of JATS names its licence, the clearest first. All are bounded, as whoever wrote it may mean harm.
_REFERENCE = re.compile(r"<(?:ali:)?license_ref\b[^<>]{0,300}>([^<]{1,500})<")
_LICENCE = re.compile(r"<license(?=[\s>/])([^<>]{0,1000})>")
_HREF = re.compile(r"\bhref=[\"']([^\"'<>]{1,500})[\"']")
_RIGHTS = re.compile(r"<copyright-statement\b[^<>]{0,300}>")
_MOST = 2000
_CREATIVE, _LONGEST = "creative commons", 300


def class_of(licence: str | None) -> LicenceClass:
    """The class of a licence as its address, its code or its words tell it; of several that it names, that which lets
    people do least."""
    text = " ".join((licence or "").lower().split())
    found = {*_by_address(text), *_by_code(text), *_by_words(text)}
    if not found and _FREE.search(text):
        found = {OPEN}
    if found:
        return max(found, key=CLASSES.index)
    if text in _NAMED:
        return _NAMED[text]
    return next((it for words, it in _OTHERS.items() if words in text), UNKNOWN)


def licence_in_jats(text: str) -> str | None:
    """The licence that an article names, as an address or in words; None where it names none."""
    if (found := _REFERENCE.search(text)) and (said := _plain(found[1])):
        return _cut(said)
    if found := _LICENCE.search(text):
        words = "" if found[1].endswith("/") else text[found.end() : found.end() + _MOST].partition("</license>")[0]
        addresses = [*_HREF.findall(found[1]), *(it for it in _HREF.findall(words) if "creativecommons" in it)]
        if said := next(iter(addresses), "") or _plain(words):
            return _cut(said)
    # Older articles name it beside whose rights they are.
    if found := _RIGHTS.search(text):
        said = _plain(text[found.end() : found.end() + _MOST].partition("</copyright-statement>")[0])
        return _cut(said) if _CREATIVE in said.lower() else None
    return None


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*(?:>|$)", " ", markup)).split())


def _cut(said: str) -> str:
    """As much as is kept of it, from where it comes to the point."""
    at = said.lower().find(_CREATIVE) if len(said) > _LONGEST else -1
    return said[max(at, 0) :][:_LONGEST]


def readers_of(licence_class: LicenceClass) -> TextReaders:
    """Who may read copies of a class, unless somebody said otherwise."""
    return _READERS[licence_class]


def is_closed(licence_class: LicenceClass) -> bool:
    """Whether it lets nobody pass a copy on, as far as is known."""
    return licence_class not in (OPEN, RESTRICTED)


def is_opener(licence_class: LicenceClass, than: LicenceClass) -> bool:
    """Whether it lets people do more."""
    return CLASSES.index(licence_class) < CLASSES.index(than)


def is_wider(readers: TextReaders, than: TextReaders) -> bool:
    """Whether more people are among these readers."""
    order = get_args(TextReaders)
    return order.index(readers) < order.index(than)


def _by_address(text: str) -> list[LicenceClass]:
    return [_limited(found[1] or "") for found in _ADDRESS.finditer(text)]


def _by_code(text: str) -> list[LicenceClass]:
    return [_limited(found[1]) for found in _CODE.finditer(text)]


def _by_words(text: str) -> list[LicenceClass]:
    return [_limited(found[1]) for found in _WORDS.finditer(text)]


def _limited(said: str) -> LicenceClass:
    return RESTRICTED if _LIMITS.search(said) else OPEN
