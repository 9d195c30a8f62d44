"""The feed: a review's published revisions as Atom (RFC 4287), paged as RFC 5005 says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import orjson
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from shared.wire.notify import CmocChanges, Line, RevisionData, RevisionNotification

MEDIA_TYPE = "application/atom+xml"

#: When a feed without entries was last changed: before all of them.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: What XML 1.0 cannot hold in any spelling.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_LONGEST_VALUE = 300


@dataclass(frozen=True)
class FeedPage:
    """Some notifications, newest first, and the addresses of this page, the newest and the next older one."""

    review: str
    notifications: Sequence[RevisionNotification]
    self_link: str
    first_link: str
    next_link: str | None

    @property
    def updated(self) -> datetime:
        """When its newest notification was written."""
        return max((notification.timestamp for notification in self.notifications), default=NEVER)


def write_feed(page: FeedPage) -> bytes:
    """The page as an Atom document; the same page is the same bytes."""
    feed = FeedGenerator()
    feed.id(f"urn:living:review:{quote(page.review, safe='')}:revisions")
    feed.title(_text(f"Revisions of {page.review}"))
    feed.updated(page.updated)
    feed.generator("Living Reviews")
    links = {"self": page.self_link, "first": page.first_link, "next": page.next_link}
    for rel, href in links.items():
        if href is not None:
            feed.link(href=href, rel=rel, type=MEDIA_TYPE)
    for notification in page.notifications:
        _write_entry(feed.add_entry(order="append"), notification)
    document: bytes = feed.atom_str(pretty=True)
    return document


def _write_entry(entry: FeedEntry, notification: RevisionNotification) -> None:
    data = notification.data
    drill = "[DRILL] " if data.drill else ""
    entry.id(f"urn:living:revision:{quote(data.revision, safe='')}")
    entry.title(_text(f"{drill}Revision {data.number} ({data.change_class}): {data.title}"))
    entry.updated(notification.timestamp)
    entry.published(notification.timestamp)
    entry.author(name=_text(data.signed_by))
    entry.category(term=data.change_class)
    entry.link(href=data.link)
    entry.content(_text(_as_html(data)), type="html")


def _as_html(data: RevisionData) -> str:
    """What changed and why, for people; every value is escaped, since none is trusted to be HTML."""
    drill = "<p><strong>This is a drill.</strong></p>" if data.drill else ""
    changes = "".join(_cmoc_as_html(changed) for changed in data.changed) or "<p>No change to any CMOC.</p>"
    support = ", ".join(f"{html.escape(cmoc)}: {count}" for cmoc, count in data.support.items())
    return (
        f"{drill}<p>{html.escape(data.summary)}</p>{changes}"
        f"<p>Support per CMOC: {support}</p><p>Signed by {html.escape(data.signed_by)}.</p>"
    )


def _cmoc_as_html(changed: CmocChanges) -> str:
    theory = f" ({html.escape(changed.theory)})" if changed.theory else ""
    lines = "".join(f"<li>{_line_as_html(line)}</li>" for line in changed.changes)
    return f"<h3>CMOC {html.escape(changed.cmoc)}{theory}</h3><ul>{lines}</ul>"


def _line_as_html(line: Line) -> str:
    return f"{html.escape(line.what)}: {_value(line.before)} → {_value(line.after)} ({line.change_class})"


def _value(value: object) -> str:
    text = "none" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    return html.escape(text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…")


def _text(text: str) -> str:
    """Text that XML can hold; what it cannot becomes the replacement character."""
    return _NOT_XML.sub("\ufffd", text)
