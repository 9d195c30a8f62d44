"""`living subscriptions`: what one is told of a review, how and when, and what became of each message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client
from services.cli.printing import err, minute, out, print_json, print_rows

app = Group(help="What you are told of a review, how and when.")

_SUBSCRIPTION = argument("subscription", "Its id, as `living subscriptions list` shows it.")
_KINDS = click.Choice(["revision", "course", "overdue", "trouble", "search", "conflict", "queue", "progress", "alert"])

Did = TypeVar("Did", bound=Callable[..., Any])


def _about_one(name: str) -> Callable[[Did], click.Command]:
    """A command about one of one's subscriptions."""

    def made(do: Did) -> click.Command:
        example = f"living subscriptions {name} shared-records sub_01a2"
        return app.command(name, example=example)(REVIEW(_SUBSCRIPTION(AS_JSON(do))))

    return made


@app.command("list", example="living subscriptions list shared-records")
@REVIEW
@AS_JSON
def list_(review: str, as_json: bool) -> None:
    """List your subscriptions to a review."""
    with client("reader") as living:
        rows = list(living.notify.subscriptions(review))
    columns = [
        ("subscription", lambda row: row.id),
        ("how", lambda row: row.channel),
        ("where", lambda row: row.address),
        ("told of", lambda row: ", ".join(row.kinds)),
        ("when", _when),
        ("state", _state),
    ]
    print_rows(rows, columns, as_json=as_json, empty="you are told of nothing yet")


@app.command(
    "add",
    example="living subscriptions add shared-records --email you@example.org --cmoc cmoc-1 --least MINOR\n"
    "living subscriptions add shared-records --webhook https://example.org/hook --every daily --zone Europe/Berlin",
)
@REVIEW
@option("--email", metavar="ADDRESS", help="By mail; whoever reads it is asked first.")
@option("--webhook", metavar="URL", help="By a webhook; the answer has the secret of its signatures.")
@option("--chat", metavar="URL", help="By a chat's webhook that takes a text.")
@option("--card", metavar="URL", help="By a chat's webhook that takes an Adaptive Card.")
@option("--kind", "kinds", multiple=True, type=_KINDS, help="What of; revisions where none is named.")
@option("--cmoc", "cmocs", multiple=True, help="Only of revisions that change this CMOC.")
@option("--theory", "theories", multiple=True, help="Only of revisions that change this theory, or a CMOC of it.")
@option("--least", type=click.Choice(["NONE", "PATCH", "MINOR", "MAJOR"]), help="Only of changes as great as this.")
@option("--every", type=click.Choice(["at once", "daily", "weekly", "cycle"]), help="When.")
@option("--zone", help="Whose morning, such as Europe/Berlin.")
@AS_JSON
def add(review: str, kinds: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Be told of a review."""
    where = {channel: given.pop(channel) for channel in ("email", "webhook", "chat", "card")}
    named = [(channel, to) for channel, to in where.items() if to is not None]
    if len(named) != 1:
        raise click.UsageError("say one of --email, --webhook, --chat and --card")
    (channel, to) = named[0]
    wish = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value}
    wish |= {"channel": channel, "address" if channel == "email" else "url": to}
    with client("reader") as living:
        made = living.notify.subscribe(review, wish | ({"kinds": list(kinds)} if kinds else {}))
    if as_json:
        print_json(made)
        return
    out.print(made.id, soft_wrap=True, highlight=False)
    if made.secret:
        out.print(made.secret, soft_wrap=True, highlight=False)
        err.print("The second line is the secret of its signatures: it is shown this once.", soft_wrap=True)
    elif channel == "email":
        err.print("Nothing is sent before somebody opens the link that was sent there, within a day.", soft_wrap=True)


@_about_one("end")
def end(review: str, subscription: str, as_json: bool) -> None:
    """Be told nothing more by one of them."""
    with client("reader") as living:
        _show(living.notify.unsubscribe(review, subscription), as_json, "You are told nothing more there.")


@_about_one("log")
def log(review: str, subscription: str, as_json: bool) -> None:
    """List what was sent or is to be sent, newest first."""
    with client("reader") as living:
        rows = list(living.notify.deliveries(review, subscription))
    columns = [
        ("message", lambda row: row.id),
        ("what", lambda row: row.kind),
        ("written", lambda row: minute(row.created_at)),
        ("state", lambda row: row.state),
        ("attempts", lambda row: len(row.attempts)),
        ("trouble", lambda row: (row.attempts[-1].error or "") if row.attempts else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing was to be sent yet")


@app.command("resend", example="living subscriptions resend shared-records sub_01a2 dlv_01a2")
@REVIEW
@_SUBSCRIPTION
@argument("message", "Its id, as `living subscriptions log` shows it.")
@AS_JSON
def resend(review: str, subscription: str, message: str, as_json: bool) -> None:
    """Send a message again, under the id by which its receiver knows it."""
    with client("reader") as living:
        _show(living.notify.redeliver(review, subscription, message), as_json, "It is on its way.")


@_about_one("test")
def test(review: str, subscription: str, as_json: bool) -> None:
    """Send a test, to see whether it arrives."""
    with client("reader") as living:
        _show(living.notify.send_test(review, subscription), as_json, "A test is on its way.")


@_about_one("secret")
def secret(review: str, subscription: str, as_json: bool) -> None:
    """Give a webhook a new secret. The old one signs beside it for a day."""
    with client("reader") as living:
        made = living.notify.rotate_secret(review, subscription)
    _show(made, as_json, made.secret or "")


def _show(made: Any, as_json: bool, words: str) -> None:
    if as_json:
        print_json(made)
    else:
        out.print(words, soft_wrap=True, highlight=False)


def _when(row: Any) -> str:
    return f"{row.every}, by UTC: {row.zone} is not known" if getattr(row, "zone_unknown", False) else str(row.every)


def _state(row: Any) -> str:
    if not row.active:
        return f"ended: {row.ended_why or ''}"
    return "not confirmed" if getattr(row, "unconfirmed_until", None) else "active"
