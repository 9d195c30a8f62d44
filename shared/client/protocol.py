"""The client's view of protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from shared.client.http import Http
from shared.ids import new_id
from shared.wire.protocol import Applied, ReviewView, VersionHead, VersionView


class ProtocolClient:
    """Reviews and the versions of their protocols."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def apply(self, review: str, document: str | bytes, *, form: Literal["yaml", "json"] = "yaml") -> Applied:
        """Sends a protocol file as it is. Raises Invalid, with every error, when it is malformed."""
        headers = {"Idempotency-Key": new_id("cmd"), "Content-Type": f"application/{form}"}
        answer = self._http.raw("POST", f"/protocol/reviews/{review}/versions", headers=headers, content=document)
        return Applied.model_validate_json(answer.content)

    def reviews(self) -> Iterator[ReviewView]:
        """The reviews the token holds for."""
        return self._http.pages("/protocol/reviews", ReviewView)

    def newest(self, review: str) -> VersionView:
        return self._http.get(f"/protocol/reviews/{review}", VersionView)

    def versions(self, review: str) -> Iterator[VersionHead]:
        """Every version, oldest first."""
        return self._http.pages(f"/protocol/reviews/{review}/versions", VersionHead)

    def version(self, review: str, number: int) -> VersionView:
        return self._http.get(f"/protocol/reviews/{review}/versions/{number}", VersionView)
