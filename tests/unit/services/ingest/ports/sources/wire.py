"""A scripted net for adapters: answers in turn, requests kept, and a clock that sleeping moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson

from services.ingest.ports.sources.port import Query

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]

WINDOW = {"since": date(2018, 1, 1), "until": date(2018, 12, 31)}


def query(text: str = "leadership", **window: date) -> Query:
    return Query(text=text, **(WINDOW | window))


def json_reply(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=orjson.dumps(body), headers={"content-type": "application/json"} | named)


def text_reply(text: str, media_type: str, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=text.encode(), headers={"content-type": media_type} | named)


class Net:
    """Gives `replies` one after another, the last one for ever; `slept` are the pauses an adapter made."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self.now = 0.0
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    @property
    def timing(self) -> dict[str, Any]:
        return {"sleep": self._sleep, "monotonic": lambda: self.now}

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of every request, from its URL and its form."""
        return [dict(request.url.params) | dict(parse_qsl(request.content.decode())) for request in self.requests]

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies[0] if len(self._replies) == 1 else self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return reply(request)
        return httpx.Response(reply.status_code, content=reply.content, headers=reply.headers)
