"""What health and the command line tell about the platform itself."""

from __future__ import annotations

from pydantic import BaseModel


class ServiceTable(BaseModel):
    """A service's printed table. `pages` are those that it has for people, as the method and path of each."""

    name: str
    summary: str
    reactions: dict[str, list[str]]
    jobs: dict[str, str]
    emits: list[str]
    pages: dict[str, str] = {}


class DatabaseState(BaseModel):
    """Where a service's database stands against its migrations and models."""

    service: str
    revision: str | None
    newest: str | None
    differences: list[str]
