"""Chats: what a notification says, as the webhooks of chats take it: a text, or an Adaptive Card."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import TypeAdapter

from services.notify.domain import Outcome
from services.notify.domain.saying import Said, say, text_of
from services.notify.ports.channels.port import Message
from services.notify.ports.channels.webhook import WebhookChannel
from shared.wire.notify import Notification

#: Characters of one message; chats refuse much longer ones. The link says the rest.
_LONGEST = 8_000

_NOTIFICATION: TypeAdapter[Notification] = TypeAdapter(Notification)


class ChatChannel(WebhookChannel):
    """Sends what a notification says to a chat's webhook, with all that keeps webhooks from harm. A chat checks no
    signature: its address is the secret."""

    def __init__(self, shape: Literal["chat", "card"], **options: Any) -> None:
        super().__init__(**options)
        self._shape = shape

    def send(self, message: Message) -> Outcome:
        said = say(_NOTIFICATION.validate_json(message.body))
        body = _as_card(said) if self._shape == "card" else {"text": _plain(text_of(said))}
        return super().send(Message(message.id, message.address, orjson.dumps(body), message.secret))

    def _signed(self, message: Message) -> dict[str, str]:
        return {}


def _plain(text: str) -> str:
    """Text in which nothing is markup: no mention, no link but what is one."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _as_card(said: Said) -> dict[str, Any]:
    text = text_of(said)
    blocks = [{"type": "TextBlock", "text": said.headline, "wrap": True, "weight": "Bolder"}]
    rest = text.removeprefix(said.headline).strip()
    blocks.append({"type": "TextBlock", "text": rest[:_LONGEST], "wrap": True})
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    if said.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": said.look, "url": said.link}]
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}
