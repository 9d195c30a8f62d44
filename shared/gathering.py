"""Gathering: asks the platform for all that a report needs, a few questions side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from shared.client.asking import part
from shared.client.asynchronous import AsyncClient
from shared.errors import Forbidden, NotFound
from shared.reporting.asking import Request
from shared.reporting.checklists import Kind
from shared.reporting.gathered import Answer, Gathered, answered, wanted

#: Questions that are asked at once.
_AT_ONCE = 4

#: Items of a listing that a report takes, and of one page of it.
_MOST_ITEMS, _PAGE = 1_000, 200


async def gather(
    living: AsyncClient, review: str, kind: Kind, revision: int | None, called: Callable[[str], str] = str
) -> Gathered:
    """All that a report of this kind needs. Raises NotFound for a review or a revision that is none."""
    found = Gathered(part(review), kind, revision, {}, called)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(request: Request) -> tuple[Request, Answer | None]:
        async with turns:
            return request, await _answer(living, request)

    while requests := wanted(found):
        found = answered(found, dict(await asyncio.gather(*(ask(request) for request in requests))))
    return found


async def _answer(living: AsyncClient, request: Request) -> Answer | None:
    try:
        return await (_listing if request.listing else _one)(living, request)
    except (NotFound, Forbidden):
        if request.needed:
            raise
        return None


async def _one(living: AsyncClient, request: Request) -> Answer:
    return Answer((await living.http.raw("GET", request.path, params=dict(request.asked))).json())


async def _listing(living: AsyncClient, request: Request) -> Answer:
    """The items of a listing, page after page, as many as a report takes."""
    items: list[Any] = []
    cursor = None
    while True:
        asked = {**dict(request.asked), "limit": _PAGE, "cursor": cursor}
        page = (await living.http.raw("GET", request.path, params=asked)).json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None or len(items) >= _MOST_ITEMS:
            return Answer(items[:_MOST_ITEMS], cut=cursor is not None)
