"""The feeds as JSON Feed 1.1: the same entries, in the same words, as the Atom feeds have."""

from __future__ import annotations

from typing import Any

import orjson

from services.notify.domain import FeedEntry as Entry
from services.notify.domain.saying import say, text_of
from services.notify.ports.channels.atom import FeedPage, about_of, title_of

MEDIA_TYPE = "application/feed+json"

#: What JSON Feed 1.1 has of a feed, as far as ours have it (https://www.jsonfeed.org/version/1.1/).
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "title", "feed_url", "items"],
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string"},
        "feed_url": {"type": "string"},
        "next_url": {"type": "string"},
        "authors": {"type": "array", "items": {"type": "object"}},
        "language": {"type": "string"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "url", "title", "content_text", "date_published", "tags"],
                "properties": {
                    "tags": {"type": "array", "items": {"type": "string"}},
                    **{of: {"type": "string"} for of in ("id", "url", "title", "content_text", "date_published")},
                },
            },
        },
    },
}


def write_feed(page: FeedPage) -> bytes:
    """The page as a JSON Feed; the same page is the same bytes."""
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(page),
        "feed_url": page.self_link,
        "authors": [{"name": f"Review team {page.review}"}],
        "language": "en",
    }
    if page.next_link is not None:
        feed["next_url"] = page.next_link
    feed["items"] = [_item(it) for it in page.notifications]
    return orjson.dumps(feed)


def _item(notification: Entry) -> dict[str, Any]:
    said, about = say(notification), about_of(notification)
    return {
        "id": f"urn:living:{about.id}",
        "url": notification.data.link,
        "title": said.headline,
        "content_text": text_of(said),
        "date_published": notification.timestamp.isoformat(),
        "tags": [about.category],
    }
