"""`living login` and `living logout`: coming in by a link or a key, which is kept for the commands that follow."""

from __future__ import annotations

import secrets
import sys

import click

from services.cli import kept
from services.cli.commands import Command, argument, option
from services.cli.context import connected, setting
from services.cli.printing import print_line
from shared.errors import Invalid, LivingError
from shared.keys import PERSONS

_EXAMPLE = "living login 'http://127.0.0.1:8000/join#living_invitation_...' --name 'Ana Ruiz'\nliving login"


@click.command("login", cls=Command, example=_EXAMPLE)
@argument("link", "An invitation's link; without one, your key is asked for.", required=False)
@option("--name", help="What others are to call you, the first time you come in.")
def login(link: str | None, name: str | None) -> None:
    """Come in by an invitation's link, or with a key you have. It is kept for this platform, for you alone.

    Whoever has come in before stays who they are, and gets what the link is for.
    """
    url = setting("url")
    if link is None:
        key = click.prompt("Your key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().strip()
        _keep(url, _checked(key))
        return
    key = kept.of(url)
    if key is not None:
        with connected(key) as living:
            arrived = living.people.join(link)
            print_line(f"You belong to {_where(arrived.review)}{_as(arrived.role)}.")
        return
    name = name or click.prompt("What are others to call you")
    # Chosen here, so that whoever gets no answer may ask again, and is answered the same.
    asked = {"invitation": link, "name": name, "secret": secrets.token_urlsafe(32), "key_name": _machine()}
    with connected("") as living:
        arrived = living.people.accept(asked)
    print_line(f"Welcome to {_where(arrived.review)}{_as(arrived.role)}.")
    assert arrived.key is not None  # Who comes in as somebody new gets one.
    _keep(url, arrived.key.key)


@click.command("logout", cls=Command, example="living logout")
def logout() -> None:
    """Withdraw the key that is kept for this platform, and forget it."""
    url = setting("url")
    key = kept.of(url)
    if key is None:
        raise Invalid(f"no key is kept for {url}", slug="no_kept_key")
    try:
        with connected(key) as living:
            living.people.withdraw_key(f"key_{key.split('_')[2]}")
    except LivingError as error:
        kept.forget(url)
        raise type(error)(f"it is forgotten here, but was not withdrawn: {error.detail}", slug=error.slug) from error
    kept.forget(url)
    print_line("The key is withdrawn and forgotten.")


def _checked(key: str) -> str:
    if not key.startswith(PERSONS):
        raise Invalid(f"this is no key: one begins with {PERSONS}", slug="no_key_at_all")
    return key


def _keep(url: str, key: str) -> None:
    with connected(key) as living:
        me = living.people.me()
    where = kept.keep(url, key, me.person)
    print_line(f"You are {me.name or me.person}; the key is kept in {where}", "dim")


def _where(review: str) -> str:
    return "the platform" if review == "*" else f"review {review}"


def _as(role: str | None) -> str:
    return f" as {role}" if role else ""


def _machine() -> str:
    """What the key is called in a list of them: where it is."""
    import platform

    return f"on {platform.node() or 'a machine'}"[:200]
