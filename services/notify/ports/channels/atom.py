"""The feeds: a review's published revisions, and its trouble, as Atom (RFC 4287), paged as RFC 5005 says."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import quote

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from services.notify.domain import FeedEntry as Entry
from services.notify.domain.saying import Part, Said, say
from shared.characters import sayable
from shared.wire.notify import (
    AgreementNotification,
    AllClearNotification,
    CourseNotification,
    HandoverNotification,
    RevisionData,
    RevisionNotification,
    SearchNotification,
    TroubleNotification,
    WithdrawalNotification,
)

MEDIA_TYPE = "application/atom+xml"

#: When a feed without entries was last changed: before all of them.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"

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
        """When its newest notification was written, or one of them was marked as withdrawn."""
        return max((changed_at(notification) for notification in self.notifications), default=NEVER)


def changed_at(notification: Entry) -> datetime:
    """When what an entry says was changed last."""
    if isinstance(notification, RevisionNotification) and notification.data.withdrawn is not None:
        return notification.data.withdrawn.at
    return notification.timestamp


def title_of(page: FeedPage) -> str:
    """What a feed is called."""
    about = f", of its CMOC {page.cmoc} alone" if page.cmoc is not None else ""
    return f"{_TITLES[page.kind]} {page.review}{about}"


def write_feed(page: FeedPage) -> bytes:
    """The page as an Atom document; the same page is the same bytes."""
    feed = FeedGenerator()
    of = "revisions" if page.kind == "revision" else "trouble"
    of += f":cmoc:{_id(page.cmoc)}" if page.cmoc is not None else ""
    feed.id(f"urn:living:review:{_id(page.review)}:{of}")
    feed.title(sayable(title_of(page)))
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
    said, about = say(notification), about_of(notification)
    entry.updated(changed_at(notification))
    entry.published(notification.timestamp)
    entry.link(href=notification.data.link)
    entry.id(f"urn:living:{about.id}")
    entry.title(sayable(said.headline))
    entry.author(name=sayable(about.author))
    entry.category(term=about.category)
    entry.content(sayable(_as_html(notification, said)), type="html")


class About(NamedTuple):
    """What an entry is known by, who tells it, and of what kind it is."""

    id: str
    author: str
    category: str


def about_of(notification: Entry) -> About:
    at = f"{notification.timestamp:{_INSTANT}}"
    match notification:
        case RevisionNotification(data=data):
            # Names are nobody's to give away, and ids say nothing.
            return About(f"revision:{_id(data.revision)}", f"Review team {data.review}", data.change_class)
        case WithdrawalNotification(data=data):
            return About(f"withdrawal:{_id(data.revision)}", f"Review team {data.review}", "withdrawn")
        case CourseNotification(data=data):
            return About(f"course:{_id(data.review)}:{at}", f"Review team {data.review}", data.course)
        case HandoverNotification(data=data):
            return About(
                f"handover:{_id(data.review)}:{at}:{_id(data.to)}", f"Review team {data.review}", "handed_over"
            )
        case TroubleNotification(data=data):
            # A source that is left alone is so for every review, until a moment, and by no run of this one.
            trouble = (
                f"run:{_id(data.run)}:trouble" if data.run else f"source:{quote(data.source)}:{data.until:{_INSTANT}}"
            )
            return About(trouble, "ingest", data.what)
        case SearchNotification(data=data):
            when = "overdue" if notification.type == "search.overdue" else "due"
            return About(f"search:{_id(data.review)}:{_id(data.strategy)}:{data.due}:{when}", "ingest", when)
        case AgreementNotification(data=data):
            pair = f"{_id(data.review)}:{_id(data.stage)}:{quote(data.first)}:{quote(data.second)}"
            return About(f"agreement:{pair}:{at}", "screening", "agreement")
        case AllClearNotification(data=data):
            clear = f"run:{_id(data.run)}" if data.run else f"source:{quote(data.source)}:{at}"
            return About(f"{clear}:all-clear", "ingest", "all_clear")


def _as_html(notification: Entry, said: Said) -> str:
    """What is said, for people; every value is escaped, since none is trusted to be HTML."""
    first = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in said.first)
    parts = "".join(_part_as_html(part) for part in said.parts)
    return first + parts + (_support(notification.data) if isinstance(notification, RevisionNotification) else "")


def _support(data: RevisionData) -> str:
    """The support of each CMOC by its id, which says nothing to whoever was given words."""
    if all(changed.words is not None for changed in data.changed):
        return ""
    support = ", ".join(f"{html.escape(cmoc)}: {count}" for cmoc, count in data.support.items())
    return f"<p>Independent studies that speak to each CMOC, and not only against it: {support}.</p>"


def _part_as_html(part: Part) -> str:
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in part.lines)
    return f"<h3>{html.escape(part.heading)}</h3><ul>{lines}</ul>"


def _id(name: str) -> str:
    return quote(name, safe="")
