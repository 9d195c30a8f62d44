"""`living demo`: the first review played as a living one, or real input watched on its way."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from threading import Event

import click
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from demo.environment import clear, prepared, real_servers, set_clock
from demo.play import TOGETHER, Played, played
from demo.processes import ALL
from demo.real_input import Account, take_in
from demo.recorded import RecordedReview
from demo.replay.app import replay_app
from demo.replay.works import OpenAlexWorksCorpus
from demo.run import Outcome, Tell
from services.cli.commands import AS_JSON, Command, argument, option
from services.cli.printing import err, out, print_json, table
from shared.errors import NotFound
from shared.ids import new_id

_FOLDER = click.Path(path_type=Path)


@click.command("demo", cls=Command, example="living demo --folder /tmp/demo")
@argument("review", "A review folder.", type=_FOLDER, default="reviews/ics-leadership")
@option(
    "--folder",
    type=_FOLDER,
    default="data/demo",
    help="Where the demo's platform keeps its data; what an earlier demo left there goes.",
)
@option("--processes", is_flag=True, help="One process a service, on the real servers that LIVING_... name.")
@option("--real-input", type=_FOLDER, help="Instead: take in the recorded OpenAlex works below this folder.")
@option("--stay/--leave", default=None, help="At the end keep serving it until Ctrl-C, as at a terminal, or do not.")
@AS_JSON
def demo(
    review: Path, folder: Path, processes: bool, real_input: Path | None, stay: bool | None, as_json: bool
) -> None:
    """Play a review as a living one: five yearly cycles, a retraction drill, signed revisions, notifications.

    Starts a platform of its own, plays over HTTP with a token for each person, and compares every figure with
    those in its expected.yaml, which for ics-leadership are the published ones. Exits 1 when one differs. At a
    terminal it then keeps serving the pages of what it has played, until Ctrl-C.
    """
    recorded = RecordedReview(_found(review)) if real_input is None else None  # Before anything is cleared away.
    servers = real_servers(mark=new_id("demo")[:24]) if processes else {}
    split = [(service,) for service in ALL] if processes else TOGETHER
    with ExitStack() as stack:
        with _progress() as tell:
            home = clear(folder.resolve())
            if recorded is None:
                assert real_input is not None
                clock = set_clock(home / "clock", datetime.now(UTC))
                app = replay_app(OpenAlexWorksCorpus(real_input))
                with prepared(home, app, clock=clock, split=split, servers=servers) as site:
                    account = take_in(site, tell)
                _show_account(account, as_json)
                return
            shown = stack.enter_context(played(recorded, home, tell, split=split, servers=servers))
        _show_outcome(shown.outcome, as_json)
        if shown.outcome.differences:
            sys.exit(1)
        if as_json or processes:
            return
        if out.is_terminal if stay is None else stay:
            _serve_on(shown)
    _say_where_to_look(shown, home)


@contextmanager
def _progress() -> Iterator[Tell]:
    """How it is told what goes on."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True
    ) as progress:
        task = progress.add_task("starting the platform")

        def tell(what: str) -> None:
            progress.update(task, description=what)
            progress.console.print(f"  {what}", style="dim", highlight=False)

        yield tell


def _found(review: Path) -> Path:
    """The review folder as given, or as installed beside the image's programs."""
    for folder in (review, Path("/usr/share/living") / review):
        if folder.is_dir():
            return folder
    raise NotFound(f"{review} is not a review folder; run this in the project's folder, or name one")


def _show_outcome(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    lines = [
        [
            Text(_name(cycle.name), style="bold"), cycle.found or "", cycle.merged or "", cycle.screened or "",
            cycle.included or "", cycle.fragments or "", _support(cycle.support, cycle.flagged), cycle.change_class,
        ]
        for cycle in outcome.cycles
    ]  # fmt: skip
    headings = ["cycle", "found", "duplicates", "screened", "included", "coded", "support per CMOC", "change"]
    out.print()
    title = f"{outcome.review} as a living review"
    # Eighty columns are enough for it.
    out.print(table(headings, lines, title=title, title_justify="left", padding=(0, 1, 0, 0)))
    if any(cycle.name.startswith("drill") for cycle in outcome.cycles):
        out.print("* a drill: nobody retracted that paper", style="dim")
    out.print("found: all that the sources answered, what had come before too; coded: fragments", style="dim")
    funnel = "  ".join(f"{name} {stage['entered']} → {stage['advanced']}" for name, stage in outcome.stages.items())
    duplicates = outcome.source_records - outcome.records
    out.print(
        f"\n{outcome.source_records} records found, {duplicates} of them duplicates; {outcome.records} left.  {funnel}"
    )
    out.print(
        f"{outcome.conflicts} conflicts adjudicated, {outcome.blind} votes cast blind, {outcome.links} links coded, "
        f"{len(outcome.cycles)} revisions signed, {outcome.notifications} notifications and "
        f"{outcome.feed_entries} feed entries.",
        highlight=False,
    )
    if outcome.differences:
        out.print(
            Panel.fit("\n".join(outcome.differences), title="not as expected.yaml of the review has it", style="red")
        )
        return
    out.print("Every figure is as expected.yaml of the review has it.", style="green")


def _serve_on(shown: Played) -> None:
    """Serves what was played until Ctrl-C."""
    out.print(f"\n{_who_signs_in(shown)}\nThe living review, until Ctrl-C:", highlight=False, soft_wrap=True)
    out.print(f"  {shown.site.processes.urls['web']}{shown.page}", highlight=False, soft_wrap=True)
    with suppress(KeyboardInterrupt):
        Event().wait()


def _who_signs_in(shown: Played) -> str:
    people = shown.recorded.decisions.people
    reviewers = " and ".join(people.reviewers)
    return (
        f"Anybody may read what it has found. {people.lead} (lead), {people.adjudicator} (adjudicator) and {reviewers} "
        f"(reviewers) sign in by the password {shown.password}"
    )


def _say_where_to_look(shown: Played, home: Path) -> None:
    folder, outcome = home.resolve(), shown.outcome
    # Who came by `make demo` may not have the command where the shell looks for it.
    found = "" if which("living") else f"  source {shlex.quote(str(Path(sys.executable).parent / 'activate'))}\n"
    out.print(
        f"\nLook around in it, in any terminal:\n{found}"
        f"  export LIVING_DATA_DIR={shlex.quote(str(folder))} LIVING_CLOCK=file:{shlex.quote(str(folder / 'clock'))}\n"
        f"  living serve                    (then, in another terminal, with the same lines before)\n"
        f"  living synthesis show {outcome.review}\n"
        f"  living events trace {outcome.review} {outcome.a_record}\n"
        f"and, while that serves, in a browser. {_who_signs_in(shown)}\n"
        f"  http://127.0.0.1:8000{shown.page}",
        highlight=False,
        soft_wrap=True,
    )


def _name(cycle: str) -> str:
    kind, colon, name = cycle.partition(": ")
    return f"{name}*" if colon else kind


def _support(support: list[int], flagged: list[int]) -> Text:
    """The numbers in the protocol's order; flagged ones stand out."""
    text = Text()
    for number, count in enumerate(support, 1):
        text.append(" " if number > 1 else "")
        text.append(f"{count:>2}", style="bold yellow" if number in flagged else "")
    return text


def _show_account(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(account)
        return
    out.print()
    out.print(table(["what", "count"], [[name, count] for name, count in account.lines()]))
    out.print(
        "Every work is accounted for." if account.whole else "Something is not accounted for.",
        style="green" if account.whole else "red",
    )
