"""The feeds: a review's published revisions, and its trouble, as Atom (RFC 4287), paged as RFC 5005 says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

import orjson
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from services.notify.domain import FeedEntry as Entry
from shared.wire.notify import (
    AgreementNotification,
    AllClearNotification,
    CmocChanges,
    Line,
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

_LONGEST_VALUE = 300

#: Statuses of a CMOC as people say them.
_STATUSES = {"partially_supported": "partially supported", "no_evidence": "without evidence yet"}

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

    @property
    def updated(self) -> datetime:
        """When its newest notification was written."""
        return max((notification.timestamp for notification in self.notifications), default=NEVER)


def write_feed(page: FeedPage) -> bytes:
    """The page as an Atom document; the same page is the same bytes."""
    feed = FeedGenerator()
    of = "revisions" if page.kind == "revision" else "trouble"
    feed.id(f"urn:living:review:{quote(page.review, safe='')}:{of}")
    feed.title(_text(f"{_TITLES[page.kind]} {page.review}"))
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
        _write_revision(entry, notification.data)
    elif isinstance(notification, TroubleNotification):
        _write_trouble(entry, notification.data)
    elif isinstance(notification, SearchNotification):
        _write_search(entry, notification)
    elif isinstance(notification, AgreementNotification):
        _write_agreement(entry, notification)
    else:
        _write_all_clear(entry, notification)


def _write_revision(entry: FeedEntry, data: RevisionData) -> None:
    drill = "Exercise: " if data.drill else ""
    entry.id(f"urn:living:revision:{quote(data.revision, safe='')}")
    entry.title(_text(f"{drill}Revision {data.number} of “{data.title}”"))
    entry.author(name=_text(f"Review team {data.review}"))  # Names are nobody's to give away, and ids say nothing.
    entry.category(term=data.change_class)
    entry.content(_text(_as_html(data)), type="html")


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


def _as_html(data: RevisionData) -> str:
    """What changed and why, for people; every value is escaped, since none is trusted to be HTML."""
    drill = "<p><strong>This is an exercise.</strong></p>" if data.drill else ""
    changes = "".join(_cmoc_as_html(changed) for changed in data.changed) or "<p>No CMOC changed.</p>"
    support = ", ".join(f"{html.escape(cmoc)}: {count}" for cmoc, count in data.support.items())
    without = "".join(
        f"<li>{html.escape(it.database)}, due on {it.due}: {html.escape(it.reason)}</li>" for it in data.not_searched
    )
    left_out = f"<p>Not searched:</p><ul>{without}</ul>" if without else ""
    return (
        f"{drill}<p>{html.escape(data.summary)}</p>{left_out}{changes}"
        f"<p>Independent studies that speak to each CMOC, and not only against it: {support}.</p>"
    )


def _cmoc_as_html(changed: CmocChanges) -> str:
    of = f"CMOC {html.escape(changed.cmoc)}" if changed.cmoc else "The theories"
    theory = f" of the theory {html.escape(changed.theory)}" if changed.theory else ""
    lines = "".join(f"<li>{_line_as_html(line)}</li>" for line in changed.changes)
    return f"<h3>{of}{theory}</h3><ul>{lines}</ul>"


def _line_as_html(line: Line) -> str:
    """A change as somebody would say it. What nobody has words for stands as it is."""
    before, after = _value(line.before), _value(line.after)
    match line.what:
        case "added":
            return f"It is new: {after}."
        case "set aside":
            return f"It is set aside; it was {before}."
        case "status" if line.before is None:
            return f"It is {after}."
        case "status":
            return f"It was {before}, and is {after} now."
        case "support" if line.before is None:
            return f"Independent studies that speak to it, and not only against it: {after}."
        case "support":
            return f"Independent studies that speak to it, and not only against it: {before} before, {after} now."
        case "flagged" if line.after:
            return "What it rests on was retracted, corrected or put in doubt; a person is to judge it again."
        case "flagged":
            return "A person has judged it again since its evidence changed."
        case "links added" | "links withdrawn":
            links = "link" if line.after == 1 else "links"
            return f"{after} {links} of evidence {'came' if line.what == 'links added' else 'went'}."
        case "further changes":
            return f"And {after} more changes."
        case part if line.before is None:
            return f"{html.escape(part)}, new: {after}"
        case part if line.after is None:
            return f"{html.escape(part)}, dropped: {before}"
        case part:
            return f"{html.escape(part)}, before: {before}. Now: {after}"


def _value(value: object) -> str:
    if isinstance(value, str):
        text = _STATUSES.get(value, value)
    else:
        text = "nothing" if value is None else orjson.dumps(value).decode()
    return html.escape(text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…")


def _text(text: str) -> str:
    """Text that XML can hold; what it cannot becomes the replacement character."""
    return _NOT_XML.sub("\ufffd", text)
