"""Context: the settings and the client that every command uses."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from shared.client import Client
from shared.errors import Unauthenticated
from shared.keys import SigningKey
from shared.settings import Settings
from shared.tokens import ALL_REVIEWS, Person, issue_token


@lru_cache
def settings() -> Settings:
    """The settings of this call."""
    return Settings()


@contextmanager
def client() -> Iterator[Client]:
    """A client with the token of LIVING_TOKEN, or with one made from the signing key where it can be read."""
    opened = Client.at(settings().url, _token(), patience=10)
    try:
        yield opened
    finally:
        opened.close()


def _token() -> str:
    given = settings().token
    if given is not None:
        return given.get_secret_value()
    if not Path(settings().place(settings().signing_key)).is_file():
        raise Unauthenticated("set LIVING_TOKEN: `living serve` prints one at its first start, a lead can issue others")
    # Whoever can read the key could sign anything: this only saves typing.
    person = Person(getpass.getuser(), "admin", (ALL_REVIEWS,))
    return issue_token(SigningKey.open(settings()), person, now=datetime.now(UTC), valid_for=timedelta(minutes=15))
