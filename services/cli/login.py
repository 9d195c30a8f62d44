"""`living login` and `living logout`: coming in by a link or a key, which is kept for the commands that follow."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

import click

from services.cli import kept
from services.cli.commands import Command, argument, option
from services.cli.context import connected, given, setting
from services.cli.printing import print_line
from shared.errors import Invalid, LivingError, Unauthenticated
from shared.keys import INVITATIONS, PERSONS

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.people import Arrived

_EXAMPLE = """\
living login 'http://127.0.0.1:8000/join#living_invitation_...' --name 'Ana Ruiz'
living login --name 'Dora Lang' < data/first-admin
living login"""


@click.command("login", cls=Command, example=_EXAMPLE)
@argument("link", "An invitation's link; without one, your key, or a link, is asked for.", required=False)
@option("--name", help="What others are to call you, the first time you come in.")
def login(link: str | None, name: str | None) -> None:
    """Come in by an invitation's link, or with a key you have. It is kept for this platform, for you alone.

    Whoever has come in before stays who they are, and gets what the link is for. Several people at one
    machine each have a file of their own: LIVING_KEYS_FILE.
    """
    if link is None:
        # Other users of a machine may see what stands behind a command, so a file with a link can be given as well.
        typed = click.prompt("Your key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().strip()
        if INVITATIONS not in typed:
            _keep(setting("url"), _checked(typed))
            return
        link = typed
    url = _where_it_leads(link)
    key = kept.of(url)
    if key is not None:
        _join(url, key, link, name)
        return
    kept.require_writable()
    # Chosen here, so that whoever gets no answer may ask again, and is answered the same.
    asked = {"invitation": link, "secret": secrets.token_urlsafe(32), "key_name": _machine()}
    with connected("", url=url) as living:
        arrived = _accepted(living, asked, name)
    print_line(f"Welcome to {_where(arrived.review)}{_as(arrived.role)}.")
    assert arrived.key is not None  # Who comes in as somebody new gets one.
    _keep(url, arrived.key.key)


@click.command("logout", cls=Command, example="living logout")
@click.option("--forget", is_flag=True, help="Forget it also where it cannot be withdrawn: it counts on then.")
def logout(forget: bool) -> None:
    """Withdraw the key that is kept for this platform, and forget it."""
    url = setting("url")
    key, whose = kept.of(url), kept.whose(url)
    if key is None:
        raise Invalid(f"no key is kept for {url}", slug="no_kept_key")
    id = kept.id_of(key)
    try:
        with connected(key) as living:
            living.people.withdraw_key(id)
    except Unauthenticated:
        kept.forget(url)
        print_line(f"{id} counted no more; it is forgotten.")
        return
    except LivingError as error:
        if not forget:
            raise type(error)(
                f"you are still logged in, since {id} could not be withdrawn: {error.detail}; try again, or "
                "`living logout --forget`, after which it counts on until it ends",
                slug=error.slug,
            ) from error
        kept.forget(url)
        print_line(f"{id} is forgotten here. It was not withdrawn, and counts until it ends.")
        return
    kept.forget(url)
    print_line(
        f"The key is withdrawn and forgotten. You come in again with another key of yours, or by an admin's link "
        f"(`living people invite --everywhere --back {whose}`)."
    )


def _where_it_leads(link: str) -> str:
    """The platform that a link is for, unless LIVING_URL says which is meant. Raises Invalid for no link."""
    address, mark, secret = link.partition("#")
    if not mark:
        return setting("url")
    base = address.removesuffix("/join").rstrip("/")
    if not secret or not base.startswith(("http://", "https://")):
        raise Invalid(f"{address[:60]!r} is no link of an invitation: give all of it, in quotes", slug="no_link")
    if "living_url" in given() or base == setting("url"):
        return setting("url")
    print_line(f"This link is for {base}: for the commands that follow, set LIVING_URL={base}", "dim")
    return base


def _join(url: str, key: str, link: str, name: str | None) -> None:
    """Has whoever's key is kept come in by a link."""
    with connected(key, url=url) as living:
        me = living.people.me()
        if name is not None and name != me.name:
            raise Invalid(
                f"--name: you are {me.name or me.person} here, by the key in {kept.path()}; leave it out, or set "
                "LIVING_KEYS_FILE to another file where somebody else comes in",
                slug="somebody_else",
            )
        arrived = living.people.join(link)
    print_line(f"{me.name or me.person}, you belong to {_where(arrived.review)}{_as(arrived.role)}.")


def _accepted(living: Client, asked: dict[str, str], name: str | None) -> Arrived:
    """Comes in, and asks for a name only where the link is for somebody new."""
    try:
        return living.people.accept(asked | ({"name": name} if name else {}))
    except Invalid as error:
        if name or not any(fault.get("at") == "name" for fault in error.errors) or not sys.stdin.isatty():
            raise
    return living.people.accept(asked | {"name": click.prompt("What are others to call you")})


def _checked(key: str) -> str:
    if not key.startswith(PERSONS):
        raise Invalid(f"this is no key: one begins with {PERSONS}", slug="no_key_at_all")
    return key


def _keep(url: str, key: str) -> None:
    """Keeps a key. Raises Invalid where that would put another's, or one that may more, out of sight."""
    with connected(key, url=url) as living:
        me = living.people.me()
    whose = kept.whose(url)
    if whose is not None and (whose != me.person or me.scopes is not None):
        what = "is another's" if whose != me.person else f"is for {', '.join(me.scopes or [])} alone"
        raise Invalid(
            f"the key of {whose} is kept here ({kept.path()}), and this one {what}: log out first, set "
            "LIVING_KEYS_FILE to another file, or set LIVING_KEY to it for one command",
            slug="key_kept",
        )
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
