"""`living search`: finding records from a terminal, and making the index anew."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client, listed, require_review
from services.cli.printing import err, out, print_json, print_rows
from shared.errors import Unavailable

if TYPE_CHECKING:
    from shared.wire.search import FoundRecord, SavedSearch

app = Group(help="Find records, and what the synthesis says, by their words and state.")

#: What Ovid and others take as joining words, and here is a word.
_LOWER_CASE = re.compile(r"(?<![\w:-])(?:and|or|not)(?![\w:-])")

#: What a search may ask for besides words.
_NARROWED_BY = (
    "published_from", "published_until", "status", "stage", "source", "kind", "language", "venue", "notice",
)  # fmt: skip

_DAY = click.DateTime(["%Y-%m-%d"])

_STATUS = option(
    "--status",
    multiple=True,
    type=click.Choice(["screening", "included", "excluded", "kept_out"]),
    help="Only records in this state (repeatable).",
)


@app.command("query", example="living search query ics-leadership 'leader* NOT nurs*' --status included --facets")
@REVIEW
@argument("q", 'Words, "phrases", OR, NOT, leader*, title:vision, author:chang; nothing, or *, for all.', default="")
@option("--from", "since", type=_DAY, metavar="YYYY-MM-DD", help="Published on this day or after.")
@option("--until", type=_DAY, metavar="YYYY-MM-DD", help="Published on this day or before.")
@_STATUS
@option("--stage", multiple=True, help="Only records that wait, or were excluded, at this stage (repeatable).")
@option(
    "--notice",
    multiple=True,
    metavar="KIND",
    help="Only records with a notice of this kind, such as retraction, or with none (repeatable).",
)
@option("--newest", is_flag=True, help="Newest first instead of the most relevant.")
@option("--facets", is_flag=True, help="Count by year, source, kind, language, status, stage, venue, notice.")
@option("--limit", default=20, type=click.IntRange(1, 200), help="How many at most.")
@option("--cursor", help="The next page, as the page before told it.")
@AS_JSON
def query(
    review: str, q: str, since: datetime | None, until: datetime | None, status: tuple[str, ...],
    stage: tuple[str, ...], notice: tuple[str, ...], newest: bool, facets: bool, limit: int, cursor: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Find records."""
    with client() as living:
        page = living.search.find(
            review, q, status=status or None, stage=stage or None, notice=notice or None,
            sort="newest" if newest else "relevance",
            limit=limit, cursor=cursor, facet="all" if facets else None,
            published_from=since.date() if since else None, published_until=until.date() if until else None,
        )  # fmt: skip
        found = listed(page)
        if not found:
            require_review(living, review)
    if as_json:
        print_json(page)
        return
    for item in found:
        out.print(_shown(item))
    if words := _LOWER_CASE.findall(re.sub(r'"[^"]*"?', "", q)):
        hint = f"{words[0]} was looked for as a word; what joins others is written {words[0].upper()}"
        err.print(hint, style="dim", highlight=False)
    out.print(f"{len(found)} of {page.total}", style="dim", highlight=False)
    if page.next:
        out.print(f"next page: --cursor {page.next}", style="dim", highlight=False, soft_wrap=True)
    for name, values in page.facets.items():
        out.print(Text(f"{name}: ", style="bold") + Text(", ".join(f"{it.value} {it.count}" for it in values)))


@app.command("alike", example="living search alike ics-leadership rec_01a2")
@REVIEW
@argument("record", "The record.")
@option("--limit", default=10, type=click.IntRange(1, 20), help="How many at most.")
@AS_JSON
def alike(review: str, record: str, limit: int, as_json: bool) -> None:
    """Find records like one: those that say much of what tells it from others, the most alike first."""
    with client() as living:
        found = living.search.alike(review, record, limit=limit)
        rows = listed(found)
    if as_json:
        print_json(found)
        return
    for item in rows:
        out.print(_shown(item))
    if not rows:
        out.print("no other record is like it")


@app.command("saved", example="living search saved ics-leadership")
@REVIEW
@AS_JSON
def saved(review: str, as_json: bool) -> None:
    """List the searches that you saved in a review, oldest first, and which of them alert you."""
    with client("reader") as living:
        rows = list(living.search.saved(review))
    columns = [
        ("search", lambda row: row.saved),
        ("name", lambda row: row.name),
        ("looks for", _asked),
        ("alerts", lambda row: "yes" if row.alert else "no"),
    ]
    print_rows(rows, columns, as_json=as_json, empty="you have saved no search here")


@app.command("save", example="living search save ics-leadership Vision 'title:vision' --alert")
@REVIEW
@argument("name", "What you call it.")
@argument("q", "What is looked for, as in `query`; nothing, or *, for all.", default="")
@option("--from", "published_from", type=_DAY, metavar="YYYY-MM-DD", help="Published on this day or after.")
@option("--until", "published_until", type=_DAY, metavar="YYYY-MM-DD", help="Published on this day or before.")
@_STATUS
@option("--stage", multiple=True, help="Only records that wait, or were excluded, at this stage (repeatable).")
@option("--notice", multiple=True, metavar="KIND", help="Only records with a notice of this kind (repeatable).")
@option("--alert", is_flag=True, help="Tell you of what comes to match it.")
@AS_JSON
def save(review: str, name: str, q: str, as_json: bool, **given: Any) -> None:
    """Save a search under a name, to come back to it in a browser, or to be told of what comes to match it."""
    asked = {key: _sent(value) for key, value in given.items() if value}
    with client("reader") as living:
        _show_saved(review, living.search.save(review, {"name": name, "q": q, **asked}), as_json)


@app.command("alert", example="living search alert ics-leadership saved_...")
@REVIEW
@argument("saved", "The saved search.")
@option("--off", is_flag=True, help="Tell you of nothing more.")
@AS_JSON
def alert(review: str, saved: str, off: bool, as_json: bool) -> None:
    """Be told of what comes to match a search that you saved, by those of your subscriptions that bring alerts."""
    with client("reader") as living:
        _show_saved(review, living.search.alert(review, saved, alert=not off), as_json)


@app.command("forget", example="living search forget ics-leadership saved_...")
@REVIEW
@argument("saved", "The saved search.")
@AS_JSON
def forget(review: str, saved: str, as_json: bool) -> None:
    """Forget a search that you saved, and that it told you of anything."""
    with client("reader") as living:
        gone = living.search.forget(review, saved)
    if as_json:
        print_json(gone)
    else:
        out.print(f"{gone.name} is forgotten", highlight=False)


@app.command("rebuild", example="living search rebuild")
@AS_JSON
def rebuild(as_json: bool) -> None:
    """Make the index anew from the log, beside the live one, which serves until it is done."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with (
        client("admin") as living,
        Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as bar,
    ):
        asked = living.search.rebuild()
        task = bar.add_task("waiting for its turn")
        while True:
            view = next(it for it in listed(living.search.rebuilds()) if it.id == asked.id)
            if view.state in ("done", "failed"):
                break
            bar.update(task, description=f"{view.state}")
            time.sleep(0.5)
    if as_json:
        print_json(view)
    elif view.state == "done":
        out.print(f"the index is made anew from {view.events} events")
    if view.state == "failed":
        raise Unavailable(f"the rebuild failed, and the index is as it was: {view.error}")


def _sent(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return list(value) if isinstance(value, tuple) else value


def _show_saved(review: str, row: SavedSearch, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    out.print(row.saved, soft_wrap=True, highlight=False)
    if row.alert:
        err.print(f"You are told of what comes to match {row.name!r}, once you have a subscription that brings it:")
        add = f"living subscriptions add {review} --kind alert --email you@example.org"
        err.print(add, soft_wrap=True, highlight=False, markup=False)


def _asked(row: SavedSearch) -> str:
    """What a saved search asks for, as somebody may read it."""
    about = {name: getattr(row, name) for name in _NARROWED_BY}
    said = [f"{name} {', '.join(it) if isinstance(it, list) else it}" for name, it in about.items() if it]
    return "; ".join([row.q or "*", *said])


def _shown(item: FoundRecord) -> Text:
    about = item.bibliography
    line = Text()
    for notice in item.notices:
        drill = " (a drill)" if notice.drill else ""
        line.append(f"{notice.kind.replace('_', ' ').upper()}{drill}: ", style="bold red")
    line.append_text(_marked(item.marked.get("title", [about.title or "[no title]"])[0], bold=True))
    line.append(f"\n  {_authors(about.authors)} {about.published or 'no date'} {about.venue or ''}", style="dim")
    line.append(f"\n  {item.record}  {item.status}{f' at {item.stage}' if item.stage else ''}", style="dim")
    for fragment in item.marked.get("abstract", [])[:2]:
        line.append("\n  … ").append_text(_marked(fragment))
    return line.append("\n")


def _authors(names: list[str]) -> str:
    return f"{'; '.join(names[:3])}{' et al.' if len(names) > 3 else ''}"


def _marked(html: str, *, bold: bool = False) -> Text:
    """Text with what was found standing out; the HTML holds <mark> and escapes, nothing else."""
    import html as entities

    text = Text(style="bold" if bold else "")
    for number, piece in enumerate(re.split(r"</?mark>", html)):
        text.append(entities.unescape(piece), style="reverse" if number % 2 else "")
    return text
