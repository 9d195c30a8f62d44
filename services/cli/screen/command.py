"""`living screen`: what it takes, and what it says when its reviewer leaves."""

from __future__ import annotations

import click

from services.cli.commands import REVIEW, Command, option
from services.cli.context import acting
from services.cli.screen.keys import OWN
from shared.errors import Unavailable
from shared.shortcuts import PRESETS

_EXAMPLE = """\
living screen shared-records
living screen shared-records --stage title_abstract --keys asreview
living screen shared-records --keys own --count 20"""


@click.command("screen", cls=Command, example=_EXAMPLE)
@REVIEW
@option("--stage", help="Only this stage; without it, whatever waits for you, the furthest stage first.")
@option(
    "--keys",
    "preset",
    type=click.Choice([*PRESETS, OWN]),
    default="rayyan",
    help="Keys as another screener has them, or your own (see below).",
)
@option(
    "--count",
    type=click.IntRange(2, 50),
    default=10,
    help="How many records you hold at once, to have the next one ready.",
)
def screen(review: str, stage: str | None, preset: str, count: int) -> None:
    """Screen in this terminal, by one key per answer. Needs your own key.

    A card shows a record, with the words that speak for and against it; below it stand the keys, of answers and
    of all else (`?` explains them). What an answer needs besides, a reason or a form, is asked then.

    A double press is one answer. An answer is sent until the platform has it, also where the connection is lost or
    the platform is started anew. Leaving (q) gives back what you hold and did not answer.

    \b
    Keys:      advance  exclude  adjudicate  take back  note
    rayyan     i        e        u           z          n
    asreview   r        i        m           u          n
    covidence  y        n        m           u          t

    They are by where an answer leads; of several answers that lead to the same, each has a letter of its name.
    Your own are in ~/.config/living/screen.toml (or LIVING_SCREEN_KEYS):

    \b
    like = "rayyan"      # what is not said here
    [answers]            # by an answer's name
    include = "y"
    [actions]            # undo, park, skip, note, form, highlights, criteria,
    undo = "x"           # help and leave

    Set NO_COLOR for no colours: words for are bold then, words against underlined.
    """
    # Here, since the help must load none of it.
    from services.cli.printing import counted, err, print_line
    from services.cli.screen.keys import keys_of
    from services.cli.screen.running import run
    from services.cli.screen.terminal import require_terminal

    keys = keys_of(preset)
    require_terminal()
    # It tries again by itself, and says so.
    with acting("screening", review, patience=0, timeout=15, lasting=True) as living:
        session, ended_by = run(living, review, stage, keys, count)
    if session.refused is not None:
        raise session.refused
    if session.unsent is not None:
        card = session.unsent.card
        raise Unavailable(
            f"your answer {session.unsent.ballot.answer!r} may not have arrived: {card.title} ({card.record}). "
            "Where it did not, the record comes again",
            slug="no_answer_yet",
        )
    answered = "1 record is answered" if session.done == 1 else f"{session.done} records are answered"
    became = "what you held and did not answer is given back"
    if session.kept:
        became = f"{counted(session.kept, 'record')} could not be given back: yours for a while still, then anybody's"
    print_line(f"{answered}; {became}.")
    if ended_by:
        err.print(f"Ended by signal {ended_by}.")
        raise SystemExit(128 + ended_by)
