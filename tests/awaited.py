"""Awaited: an asynchronous client that is asked as the one that waits is, so that one suite holds both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextvars import copy_context
from typing import Any

import httpx


class Awaited:
    """Each call is awaited to its end, each listing gone through; on one event loop, which `close` ends."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            answer = found(*given, **named)
            if inspect.isawaitable(answer):
                return self._runner.run(_awaited(answer), context=copy_context())
            return self._each(answer) if isinstance(answer, AsyncIterator) else answer

        return call

    def _each(self, answers: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()
        while (answer := self._runner.run(_awaited(anext(answers, end)), context=copy_context())) is not end:
            yield answer


async def _awaited(answer: Any) -> Any:
    return await answer


class InThread(httpx.AsyncBaseTransport):
    """Has a client of a test, which waits, ask for one that does not."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        answer = await asyncio.to_thread(
            self._client.request, request.method, str(request.url), content=body, headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content, request=request)
