"""Context: who a command acts as, and the client and settings that every command uses."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shared.client import Client
from shared.client.operations import SERVICES
from shared.errors import NOT_SERVED, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from shared.keys import PERSONS
from shared.private import sqlite_file

if TYPE_CHECKING:
    from shared.client.asynchronous import AsyncClient
    from shared.settings import Settings

Row = TypeVar("Row")
Answer = TypeVar("Answer")
Listed = TypeVar("Listed", covariant=True)


class Page(Protocol[Listed]):
    """An answer that lists something."""

    @property
    def items(self) -> Sequence[Listed]: ...


#: What a client command needs of the settings, with their defaults: the class that has them all loads too much for
#: a command that must start at once. A test holds them equal.
_DEFAULTS = {
    "url": "http://127.0.0.1:8000",
    "key": "",
    "data_dir": "data",
    "signing_key": "{data}/signing-key.pem",
}


@lru_cache
def settings() -> Settings:
    """All settings of this call. Raises Invalid, naming the variables, when one is not what it must be."""
    from pydantic import ValidationError

    from shared.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        names = [(f"LIVING_{item['loc'][0]}".upper(), item["msg"]) for item in error.errors()]
        found = [{"at": name, "why": plainly(message).removeprefix(f"{name} ")} for name, message in names]
        raise Invalid("the settings are not valid; docs/configuration.md says what each may be", found) from error


def version() -> str:
    """The version of what is installed."""
    from importlib import metadata

    try:
        return metadata.version("living-reviews")
    except metadata.PackageNotFoundError:
        return "not installed, run from its folder"


#: Variables that are no settings of ours but are spelled like them.
_OTHERS = re.compile(r"living_(test_.*|realdata|postgres_password|local.*|servers.*)")


def unknown_variables() -> list[str]:
    """The variables that are spelled like settings and are none."""
    from shared.settings import Settings

    known = {f"living_{name}" for name in Settings.model_fields}
    named = [name for name in given() if name.startswith("living_") and name not in known]
    return sorted(name.upper() for name in named if not _OTHERS.fullmatch(name))


def nothing_in(folder: str) -> NotFound:
    """What is said where there is no platform."""
    return NotFound(
        f"there is no platform in {folder}: `living serve` makes one, and LIVING_DATA_DIR says where another is",
        slug="no_platform",
    )


def require_platform() -> None:
    """Raises NotFound where everything would be kept in files here, and nothing is."""
    urls = [settings().log_url, settings().database_url.replace("{service}", "protocol")]
    files = [sqlite_file(settings().resolved(url)) for url in urls]
    if not any(path is None or path.exists() for path in files):
        raise nothing_in(str(settings().data_dir.absolute()))


def setting(name: str) -> str:
    """One of the few settings that a client command needs, as Settings would read it."""
    return given().get(f"living_{name}") or _DEFAULTS[name]


@contextmanager
def client(role: str = "reader", *, patience: float = 10, timeout: float = 30) -> Iterator[Client]:
    """A client for reading, and for what the machine's owner does: with your key, or else with a token of `role` that
    is made from the platform's own keys, where they can be read.

    Nothing that counts as a person's doing is asked with that token: this is what `acting` is for.
    """
    with connected(your_key() or _own_token(role), patience, timeout) as living:
        yield living


@contextmanager
def acting(
    doing: str,
    review: str,
    role: str = "reviewer",
    *,
    patience: float = 10,
    timeout: float = 30,
    lasting: bool = False,
) -> Iterator[Client]:
    """A client for what a person does in their own name, such as `voting`: only with that person's key. Who does it all
    day has `lasting` connections."""
    key = your_key()
    if not key:
        from services.cli import kept

        if kept.is_named() or kept.elsewhere(setting("url")):
            raise _no_kept_key()
        raise Unauthenticated(
            f"{doing} counts as a person's, so it needs your own key: come in by an invitation. Its link is made by a "
            f"lead, or where the platform's keys are, by:\n  living people invite {review} --role {role}\n"
            "and used by:\n  living login LINK"
        )
    with connected(key, patience, timeout, lasting=lasting) as living:
        yield living


def your_key() -> str:
    """The key that LIVING_KEY has, or that `living login` keeps for this platform; empty where there is none."""
    from services.cli import kept

    return setting("key") or kept.of(setting("url")) or ""


def _no_kept_key() -> Unauthenticated:
    """What is said to whom no key is kept for, with what may be misspelt: the file of keys, or the address."""
    from services.cli import kept

    others = kept.elsewhere(setting("url"))
    where = f" in {kept.path()}, which LIVING_KEYS_FILE names" if kept.is_named() else ""
    right = f", but for {', '.join(others)}: is LIVING_URL right? Else" if others else ":"
    return Unauthenticated(f"no key of yours is kept for {setting('url')}{where}{right} `living login LINK`")


def asked_of_all(ask: Callable[[str], Iterable[Row]]) -> tuple[list[tuple[str, Row]], list[str]]:
    """What each service answers, a row with the service's name, and the services that are not served where we ask."""
    rows: list[tuple[str, Row]] = []
    missing = []
    for service in SERVICES:
        try:
            rows += [(service, row) for row in ask(service)]
        except NotFound as error:
            if error.slug != NOT_SERVED:
                raise
            missing.append(service)
    return rows, missing


def listed(page: Page[Row]) -> Sequence[Row]:
    """What a page lists. The plain client's pages are dictionaries, whose own `items` is something else."""
    from shared.client.plain import Document

    answer: object = page
    if not isinstance(answer, Document):
        return page.items
    items: Sequence[Row] = answer["items"]
    return items


def key_path() -> Path:
    """Where the signing key is."""
    return Path(setting("signing_key").replace("{data}", setting("data_dir")))


@contextmanager
def connected(
    key: str | Callable[[], str],
    patience: float = 10,
    timeout: float = 30,
    *,
    url: str | None = None,
    lasting: bool = False,
) -> Iterator[Client]:
    """A client that asks with a key, or a token; with none for what takes none. Raises Unauthenticated for what is
    neither."""
    if isinstance(key, str) and key and not key.startswith(PERSONS) and key.count(".") != 2:  # A token has two.
        raise Unauthenticated(f"LIVING_KEY is no key: one begins with {PERSONS}", slug="bad_key")
    where = url or setting("url")
    living = Client.at(
        where, key, patience=patience, timeout=timeout, plain=True, lasting=lasting, waiting=_say_waiting
    )
    try:
        with _advising():
            yield living
    finally:
        living.close()


def asked_at_once(ask: Callable[[AsyncClient], Coroutine[Any, Any, Answer]], *, patience: float = 10) -> Answer:
    """What many questions that are asked side by side come to, for reading (`client`)."""
    # Not at the top: a command that asks one thing needs none of it.
    import asyncio

    from shared.client.asynchronous import AsyncClient

    key = your_key() or _own_token("reader")

    async def asking() -> Answer:
        async with AsyncClient.at(setting("url"), key, patience=patience, waiting=_say_waiting) as living:
            return await ask(living)

    with _advising():
        return asyncio.run(asking())


@contextmanager
def _advising() -> Iterator[None]:
    """Says what to do where nobody answers, or the key in the environment is for something else."""
    try:
        yield
    except Unavailable as error:
        if error.slug != "no_answer":
            raise
        advice = f"{error.detail}; `living serve` starts the platform, LIVING_URL says where it is"
        raise Unavailable(advice, slug=error.slug) from error
    except Forbidden as error:
        if error.slug != "scope_needed" or not setting("key"):
            raise
        advice = f"{error.detail}; it is the one in LIVING_KEY, without which the one of your login counts"
        raise Forbidden(advice, slug=error.slug) from error


def _say_waiting(why: str, seconds: float) -> None:
    """Tells whoever sits before a terminal that nothing hangs."""
    if sys.stderr.isatty():
        print(f"{why}; asking again for {seconds:.0f} s (Ctrl-C ends it)", file=sys.stderr, flush=True)


def require_review(living: Client, review: str) -> None:
    """Raises NotFound for a review that is none, where an empty answer would look like one without anything."""
    living.protocol.newest(review)


def require_key() -> Path:
    """Where the platform's keys are. Raises NotFound where they are not."""
    path = key_path()
    if not path.is_file():
        raise NotFound(
            f"there is no signing key at {path}, and one made here would be known to no platform: start `living serve` "
            "once, or set LIVING_DATA_DIR or LIVING_SIGNING_KEY to where the platform's key is",
            slug="no_signing_key",
        )
    return path


def _own_token(role: str) -> Callable[[], str]:
    """What makes a token of the machine's owner, as often as one is needed. Raises Unauthenticated, also where
    LIVING_KEYS_FILE says whose keys are meant: so nobody is the owner because a file is misspelt."""
    from services.cli import kept

    if kept.is_named():
        raise _no_kept_key()
    path = key_path()
    if not path.is_file():
        why = _no_kept_key()
        raise Unauthenticated(
            f"{why.detail}, or set LIVING_KEY. On the platform's own machine its keys open it, too; there are none at "
            f"{path.absolute()} (LIVING_DATA_DIR)"
        )
    from shared.keys.file import read_ring
    from shared.tokens import own_token

    if role != "reader" and sys.stderr.isatty():
        print("(as this machine's owner: no key of yours is kept here)", file=sys.stderr, flush=True)
    try:
        ring = read_ring(path)
        own_token(ring, role)
    except Unavailable as error:
        raise Unauthenticated(f"set LIVING_KEY to a key of yours: {error.detail}") from error
    return lambda: own_token(ring, role)


@lru_cache
def given() -> dict[str, str]:
    """What the environment and `.env` say, by lower-case name; an empty variable counts as not given."""
    found: dict[str, str | None] = {}
    if Path(".env").is_file():
        from dotenv import dotenv_values

        found |= dotenv_values(".env", encoding="utf-8")
    found |= os.environ
    return {name.lower(): value for name, value in found.items() if value}


def plainly(message: str) -> str:
    """What pydantic says of a value, without its own talk."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return plain.partition(", unable to ")[0]
