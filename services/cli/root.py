"""The root of the command line: the names of all commands, each loaded when it is called."""

from __future__ import annotations

import os

import click

from services.cli.commands import LazyGroup

#: Where each command is, and what it is for.
WHERE = {
    "demo": ("services.cli.demo:demo", "Play a published review as a living one, and compare every figure."),
    "serve": ("services.cli.serving:serve", "Run the platform, or some of its services, until stopped."),
    "doctor": ("services.cli.doctor:doctor", "Look at everything the platform stands on, and say what to do."),
    "login": ("services.cli.login:login", "Come in by an invitation's link, or with a key you have."),
    "logout": ("services.cli.login:logout", "Withdraw the key that is kept here, and forget it."),
    "people": ("services.cli.people:app", "Who belongs to a review, and letting somebody in."),
    "keys": ("services.cli.keys:app", "Keys: what people, and programs, ask with."),
    "review": ("services.cli.review:app", "Reviews and their protocols."),
    "ingest": (
        "services.cli.ingest:app",
        "What sources answer: ahead of a run, after it, and whether they are as we know them.",
    ),
    "records": (
        "services.cli.records:app",
        "What people add by hand: papers, grey literature, policy and accounts, and how they found it.",
    ),
    "export": ("services.cli.exporting:export", "Write a review's records into a file that other programs read."),
    "texts": ("services.cli.texts:app", "Full texts: copies of reports, and whether each is retrieved."),
    "screen": ("services.cli.screen.command:screen", "Screen for hours: a card, one key per answer, the next card."),
    "queue": ("services.cli.queue:app", "The screening queue: take a record, read it, answer."),
    "search": ("services.cli.finding:app", "Find records, and what the synthesis says, by their words and state."),
    "code": ("services.cli.coding:app", "Reports that wait for their coders, and what two coders differ in."),
    "synthesis": ("services.cli.synthesis:app", "Theories, their evidence, signed revisions."),
    "report": ("services.cli.report:report", "Make a report that a guideline asks for, filled in from data."),
    "report-texts": ("services.cli.report:texts", "What reports say where only people can say it."),
    "subscriptions": ("services.cli.subscriptions:app", "What you are told of a review, how and when."),
    "events": ("services.cli.events:app", "Everything that happened, and why."),
    "dead-letters": (
        "services.cli.dead_letters:app",
        "Deliveries that did not work as they are, and deciding about them.",
    ),
    "log": ("services.cli.log:app", "The event log: what is unread, whether it is whole, and mending it."),
    "key": ("services.cli.key:app", "The platform's own keys: what signs, and how that is changed."),
    "db": ("services.cli.database:app", "The services' databases: upgrade them, compare them with the models."),
    "services": ("services.cli.serving:services", "Print what each service does on which event, and when."),
}


def _tell_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        from services.cli.context import version

        click.echo(f"living-reviews {version()}")
        ctx.exit()


@click.command(
    "living",
    cls=LazyGroup,
    where=WHERE,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with `living demo`; or with `living serve`, `living login LINK`, `living people found REVIEW` and "
    "then `living review apply FILE`. "
    "Each command shows an example: living queue next --help",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_tell_version, help="Say which this is."
)
@click.option("--url", help="Where the platform answers (LIVING_URL).")
def app(url: str | None) -> None:
    """Living realist reviews: from the literature to signed programme theories, kept up to date."""
    # What any command makes or saves is its owner's alone (`shared/private.py`), whatever the shell's mask.
    os.umask(0o077)
    if url is not None:
        os.environ["LIVING_URL"] = url
