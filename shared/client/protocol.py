"""The client's view of protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from shared.wire import protocol as wire
else:
    wire = Forms("shared.wire.protocol")


class ProtocolClient:
    """Reviews and the versions of their protocols."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def apply(self, review: str, document: str | bytes, *, form: Literal["yaml", "json"] = "yaml") -> wire.Applied:
        """Sends a protocol file as it is. Raises Invalid, with every error, when it is malformed."""
        answer = self._http.command(f"/protocol/reviews/{part(review)}/versions", document, kind=f"application/{form}")
        return self._http.read(wire.Applied, answer)

    def reviews(self) -> Iterator[wire.ReviewView]:
        """The reviews the token holds for."""
        return self._http.pages("/protocol/reviews", wire.ReviewView)

    def newest(self, review: str) -> wire.VersionView:
        return self._http.get(f"/protocol/reviews/{part(review)}", wire.VersionView)

    def versions(self, review: str) -> Iterator[wire.VersionHead]:
        """Every version, oldest first."""
        return self._http.pages(f"/protocol/reviews/{part(review)}/versions", wire.VersionHead)

    def version(self, review: str, number: int) -> wire.VersionView:
        return self._http.get(f"/protocol/reviews/{part(review)}/versions/{number}", wire.VersionView)
