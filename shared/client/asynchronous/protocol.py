"""The client's view of protocol."""

# Made by `make docs` from shared/client/protocol.py; a test fails when it is stale.

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from shared.client.asynchronous.http import AsyncHttp, part
from shared.client.forms import Forms

if TYPE_CHECKING:
    from shared.wire import protocol as wire
else:
    wire = Forms("shared.wire.protocol")


class AsyncProtocolClient:
    """Reviews and the versions of their protocols."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def apply(
        self,
        review: str,
        document: str | bytes,
        *,
        form: Literal["yaml", "json"] = "yaml",
        follows: int | None = None,
        why: str | None = None,
    ) -> wire.Applied:
        """Sends a protocol file as it is, which `follows` a version, and says `why` for whoever reads the history.
        Raises Invalid, with every error, when it is
        malformed, Conflict when another version is the newest by now (`not_the_newest`), or when it is an earlier one
        again and nothing is said of which it follows (`older_version`)."""
        at, kind = f"/protocol/reviews/{part(review)}/versions", f"application/{form}"
        return self._http.read(
            wire.Applied, await self._http.command(at, document, kind=kind, params={"follows": follows, "why": why})
        )

    async def check(
        self, review: str, document: str | bytes, *, form: Literal["yaml", "json"] = "yaml"
    ) -> wire.Checked:
        """What a protocol file changes, and what each source will be asked, of which nothing is kept. Raises Invalid,
        with every error, when it is malformed."""
        at, kind = f"/protocol/reviews/{part(review)}/checks", f"application/{form}"
        return self._http.read(wire.Checked, await self._http.command(at, document, kind=kind))

    def reviews(self) -> AsyncIterator[wire.ReviewView]:
        """The reviews the token holds for."""
        return self._http.pages("/protocol/reviews", wire.ReviewView)

    async def newest(self, review: str) -> wire.VersionView:
        return await self._http.get(f"/protocol/reviews/{part(review)}", wire.VersionView)

    async def question(self, review: str) -> wire.QuestionView:
        """What a review asks, for anybody who may read it."""
        return await self._http.get(f"/protocol/reviews/{part(review)}/question", wire.QuestionView)

    def versions(self, review: str, *, newest_first: bool = False) -> AsyncIterator[wire.VersionHead]:
        """Every version, oldest first or newest."""
        path = f"/protocol/reviews/{part(review)}/versions"
        return self._http.pages(path, wire.VersionHead, newest_first=newest_first)

    async def version(self, review: str, number: int) -> wire.VersionView:
        return await self._http.get(f"/protocol/reviews/{part(review)}/versions/{number}", wire.VersionView)

    async def changes(self, review: str, number: int) -> wire.Changes:
        """What a version says otherwise than the one before it."""
        return await self._http.get(f"/protocol/reviews/{part(review)}/versions/{number}/changes", wire.Changes)
