"""The feeds: a review's published revisions, and its trouble, as Atom (RFC 4287), paged as RFC 5005 says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from services.notify.domain import FeedEntry as Entry
from services.notify.domain.saying import Part, Said, say
from shared.wire.notify import (
    AgreementNotification,
    AllClearNotification,
    RevisionData,
    RevisionNotification,
    SearchNotification,
    TroubleData,
    TroubleNotification,
)

MEDIA_TYPE = "application/atom+xml"

#: When a feed without entries was last changed: before all of them.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: What XML 1.0 cannot hold in any spelling.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TITLES = {"revision": "Revisions of", "trouble": "Trouble with the sources of"}


@dataclass(frozen=True)
class FeedPage:
    """Some notifications, newest first, and the addresses of this page, the newest and the next older one."""

    review: str
    notifications: Sequence[Entry]
    self_link: str
    first_link: str
    next_link: str | None
    kind: Literal["revision", "trouble"] = "revision"
    #: Whose changes alone it has, where it is one CMOC's own.
    cmoc: str | None = None

    @property
    def updated(self) -> datetime:
        """When its newest notification was written."""
        return max((notification.timestamp for notification in self.notifications), default=NEVER)


def title_of(page: FeedPage) -> str:
    """What a feed is called."""
    about = f", of its CMOC {page.cmoc} alone" if page.cmoc is not None else ""
    return f"{_TITLES[page.kind]} {page.review}{about}"


def write_feed(page: FeedPage) -> bytes:
    """The page as an Atom document; the same page is the same bytes."""
    feed = FeedGenerator()
    of = "revisions" if page.kind == "revision" else "trouble"
    of += f":cmoc:{quote(page.cmoc, safe='')}" if page.cmoc is not None else ""
    feed.id(f"urn:living:review:{quote(page.review, safe='')}:{of}")
    feed.title(_text(title_of(page)))
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


def _write_entry(entry: FeedEntry, notification: Entry) -> None:
    entry.updated(notification.timestamp)
    entry.published(notification.timestamp)
    entry.link(href=notification.data.link)
    if isinstance(notification, RevisionNotification):
        _write_revision(entry, notification)
    elif isinstance(notification, TroubleNotification):
        _write_trouble(entry, notification.data)
    elif isinstance(notification, SearchNotification):
        _write_search(entry, notification)
    elif isinstance(notification, AgreementNotification):
        _write_agreement(entry, notification)
    else:
        _write_all_clear(entry, notification)


def _write_revision(entry: FeedEntry, notification: RevisionNotification) -> None:
    data = notification.data
    said = say(notification)
    entry.id(f"urn:living:revision:{quote(data.revision, safe='')}")
    entry.title(_text(said.headline))
    entry.author(name=_text(f"Review team {data.review}"))  # Names are nobody's to give away, and ids say nothing.
    entry.category(term=data.change_class)
    entry.content(_text(_as_html(data, said)), type="html")


def _write_trouble(entry: FeedEntry, data: TroubleData) -> None:
    # One that is left alone is so for every review, until a moment, and by no run of this one.
    about = (
        f"run:{quote(data.run, safe='')}:trouble"
        if data.run
        else f"source:{quote(data.source)}:{data.until:%Y-%m-%dT%H:%M:%S.%fZ}"
    )
    entry.id(f"urn:living:{about}")
    entry.title(_text(f"Trouble with {data.source} on {data.day}"))
    entry.author(name="ingest")
    entry.category(term=data.what)
    missing = f"<p>Missing: {html.escape(', '.join(data.missing))}</p>" if data.missing else ""
    until = f"<p>Nothing asks it until {data.until:%Y-%m-%d %H:%M} UTC.</p>" if data.until else ""
    rejected = f"<p>{data.rejected} of {data.found} items are no usable records.</p>" if data.rejected else ""
    entry.content(_text(f"<p>{html.escape(data.error or '')}</p>{until}{missing}{rejected}"), type="html")


def _write_search(entry: FeedEntry, notification: SearchNotification) -> None:
    data, is_past = notification.data, notification.type == "search.overdue"
    about = f"{quote(data.review, safe='')}:{quote(data.strategy, safe='')}:{data.due}"
    entry.id(f"urn:living:search:{about}:{'overdue' if is_past else 'due'}")
    entry.title(_text(f"Search {data.database} by hand: {'overdue since' if is_past else 'due on'} {data.due}"))
    entry.author(name="ingest")
    entry.category(term="overdue" if is_past else "due")
    query = f"<p>Search for: <code>{html.escape(data.query)}</code></p>" if data.query else ""
    owner = "<p>The protocol names whose it is to make.</p>" if data.owner else ""
    entry.content(_text(f"<p>Strategy {html.escape(data.strategy)} of the protocol.</p>{query}{owner}"), type="html")


def _write_agreement(entry: FeedEntry, notification: AgreementNotification) -> None:
    data = notification.data
    pair = f"{quote(data.review, safe='')}:{quote(data.stage, safe='')}:{quote(data.first)}:{quote(data.second)}"
    entry.id(f"urn:living:agreement:{pair}:{notification.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}")
    entry.title(_text(f"Agreement at {data.stage} fell to {data.kappa:.2f}"))
    entry.author(name="screening")
    entry.category(term="agreement")
    text = f"Two people: kappa {data.kappa:.2f} over {data.n} tasks; the floor is {data.floor:.2f}."
    entry.content(_text(f"<p>{html.escape(text)}</p>"), type="html")


def _write_all_clear(entry: FeedEntry, notification: AllClearNotification) -> None:
    data = notification.data
    stopped = f"source:{quote(data.source)}:{notification.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
    about = f"run:{quote(data.run, safe='')}" if data.run else stopped
    entry.id(f"urn:living:{about}:all-clear")
    entry.title(_text(f"All clear with {data.source}"))
    entry.author(name="ingest")
    entry.category(term="all_clear")
    text = f"No watch over {data.source} fails any more; trouble was first told on {data.since}."
    entry.content(_text(f"<p>{html.escape(text)}</p>"), type="html")


def _as_html(data: RevisionData, said: Said) -> str:
    """What changed and why, for people; every value is escaped, since none is trusted to be HTML."""
    first = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in said.first)
    parts = "".join(_part_as_html(part) for part in said.parts)
    support = ", ".join(f"{html.escape(cmoc)}: {count}" for cmoc, count in data.support.items())
    each = f"<p>Independent studies that speak to each CMOC, and not only against it: {support}.</p>"
    # Ids say nothing to whoever was given words.
    return f"{first}{parts}" + (each if any(changed.words is None for changed in data.changed) else "")


def _part_as_html(part: Part) -> str:
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in part.lines)
    return f"<h3>{html.escape(part.heading)}</h3><ul>{lines}</ul>"


def _text(text: str) -> str:
    """Text that XML can hold; what it cannot becomes the replacement character."""
    return _NOT_XML.sub("\ufffd", text)
