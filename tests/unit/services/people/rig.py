"""People at work: a bench with words for coming in, and for what somebody does by a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from services.people.manifest import SERVICE
from shared.tokens import own_token
from tests.workbench import Workbench

REVIEW = "ics"


@dataclass
class Someone:
    """Somebody who came in: their id, their first key, and a client with a token of it."""

    id: str
    key: str
    bench: PeopleBench

    def token(self, review: str | None = None) -> str:
        return self.bench.token(self.key, review)

    @property
    def asks(self) -> TestClient:
        """A client with a token that says what is so now."""
        return self.bench.with_token(self.token())


class PeopleBench(Workbench):
    """A workbench of the service, where somebody comes in by a link as out there."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(SERVICE, *args, **settings)

    def owner(self, role: str = "admin") -> TestClient:
        """Whoever can read the platform's keys."""
        return self.with_token(own_token(self.platform.ring, role))

    def with_token(self, token: str) -> TestClient:
        client = TestClient(self.app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)
        self._clients.append(client)
        return client

    def link(self, review: str = REVIEW, role: str = "reviewer", by: TestClient | None = None, **more: Any) -> str:
        """An invitation's link."""
        asks = by or self.owner()
        return done(asks.post(f"/people/reviews/{review}/invitations", json={"role": role, **more}))["link"]

    def accept(self, link: str, name: str = "Ana", **more: Any) -> Response:
        return self.anybody().post("/people/invitations/accept", json={"invitation": link, "name": name, **more})

    def comes_in(self, name: str = "Ana", role: str = "reviewer", review: str = REVIEW) -> Someone:
        """Somebody new, by a link of the owner's."""
        arrived = done(self.accept(self.link(review, role), name))
        return Someone(arrived["person"], arrived["key"]["key"], self)

    def admin(self, name: str = "Root") -> Someone:
        link = done(self.owner().post("/people/grants", json={"role": "admin", "founds": True}))["link"]
        arrived = done(self.accept(link, name))
        return Someone(arrived["person"], arrived["key"]["key"], self)

    def exchange(self, key: str, review: str | None = None) -> Response:
        form = {"grant_type": "client_credentials", "client_secret": key} | ({"review": review} if review else {})
        return self.anybody().post("/people/token", data=form)

    def token(self, key: str, review: str | None = None) -> str:
        return done(self.exchange(key, review))["access_token"]


def done(answer: Response) -> Any:
    """The body of a good answer."""
    assert answer.status_code < 300, answer.text
    return answer.json()


def refused(answer: Response, status: int, slug: str, at: str | None = None) -> dict[str, Any]:
    """The problem of a bad one, which names the field at fault."""
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2]) == (status, slug), answer.text
    if at is not None:
        assert [error["at"] for error in problem["errors"]] == [at], problem
    return problem
