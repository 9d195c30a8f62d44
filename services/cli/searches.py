"""`living ingest searched` and `searches`: what people search by hand, since no API brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import counted, out, print_json, print_rows
from shared.errors import Invalid, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import IngestStatus, ManualView, SearchView

app = Group(help="Commands of `living ingest`.")

_STYLES = {"due": "yellow", "overdue": "bold red", "paused": "dim", "retired": "dim"}

#: What must be said of a search whose files are brought, by option.
_NAMED = {"database": "--database", "query": "--query", "searched_on": "--searched-on", "reported": "--reported"}

DAY = click.DateTime(["%Y-%m-%d"])


@app.command(
    "searched",
    example="living ingest searched shared-records embase --nothing-new --query @embase.txt --searched-on 2026-11-02 "
    "--reported 1800 --words 'All of them were known.'",
)
@REVIEW
@argument("strategy", "A strategy that is searched by hand, as the protocol calls it.")
@option("--nothing-new", is_flag=True, required=True, help="It brought nothing that the review has not.")
@option("--query", required=True, help="The exact string that was searched for; @FILE reads it from a file.")
@option("--searched-on", required=True, type=DAY, help="The day of the search.")
@option("--reported", type=click.IntRange(0), help="How many records the database said it has in all.")
@option("--words", required=True, help="What is to be said of it, for whoever reads it later.")
@AS_JSON
def searched(
    review: str,
    strategy: str,
    nothing_new: bool,
    query: str,
    searched_on: datetime,
    reported: int | None,
    words: str,
    as_json: bool,
) -> None:
    """Sign that a search by hand brought nothing new; for the owner of the search and for leads, by their own key.

    What brought something is imported: `living ingest import REVIEW FILE... --strategy STRATEGY`.
    """
    del nothing_new  # Said in full, so that nobody signs it by mistake.
    said = {"query": query_of(query), "searched_on": searched_on.date().isoformat(), "reported": reported}
    with acting("signing what was searched", review) as living:
        watch = manual_of(living, review, strategy)
        view = living.ingest.sign_nothing_new(review, watch.watch, {**said, "words": words})
    if as_json:
        print_json(view)
        return
    out.print(f"{view.strategy}: searched on {view.searched_on}, nothing new; signed as {view.statement_sha256}")
    for line in _remark(view):
        out.print(line, soft_wrap=True)


@app.command("searches", example="living ingest searches shared-records --strategy embase")
@REVIEW
@option("--strategy", help="Only of this strategy, as the protocol calls it.")
@AS_JSON
def searches(review: str, strategy: str | None, as_json: bool) -> None:
    """List the searches that people made by hand, the newest first, and what each lacks."""
    with client() as living:
        watch = manual_of(living, review, strategy).watch if strategy is not None else None
        rows = list(living.ingest.searches(review, watch=watch))
        called = called_in(living, review) if rows and not as_json else str
    columns: list[tuple[str, Callable[[Any], object]]] = [
        ("search", lambda row: row.search),
        ("strategy", lambda row: row.strategy),
        ("database", lambda row: row.database),
        ("searched on", lambda row: row.searched_on),
        ("reported", lambda row: "" if row.reported is None else row.reported),
        ("records", lambda row: row.entries),
        ("is", _is),
        ("by", lambda row: called(row.asked_by)),
        ("another string", lambda row: "yes" if row.planned else ""),
        ("what lacks", _lacks),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing was searched by hand")


def begun(living: Client, review: str, strategy: str, about: Mapping[str, Any]) -> SearchView:
    """A new search, of which files are to be brought. Raises Invalid, naming each option that is missing."""
    missing = [named for name, named in _NAMED.items() if about.get(name) is None]
    if missing:
        raise Invalid(f"a search by hand names {', '.join(_NAMED.values())}: {', '.join(missing)} missing")
    watch = manual_of(living, review, strategy)
    return living.ingest.begin_search(review, watch.watch, {name: about[name] for name in _NAMED})


def came_to(review: str, view: SearchView) -> Iterator[Text]:
    """Whether a search is made, and what can be done where it is not."""
    if view.state == "fulfilled":
        yield Text(f"{view.strategy}: searched on {view.searched_on}, {counted(view.entries, 'record')}", style="green")
        yield from _remark(view)
        return
    yield Text(f"{view.strategy}: search {view.search} is {view.state}: {view.lacks}", style="yellow")
    if view.state == "open":
        yield Text(f"  more files: living ingest import {review} FILE... --search {view.search}", style="dim")
        if view.imports and (lacking := (view.reported or 0) - view.entries) > 0:
            how = f"living ingest accept {review} {view.strategy} --lacking {lacking} --reason '...'"
            yield Text(f"  where there are no more: {how}", style="dim")


def manual_of(living: Client, review: str, strategy: str) -> ManualView:
    """A strategy that is searched by hand, by its name or its watch. Raises NotFound."""
    known = by_hand(living.ingest.status(review))
    for one in known:
        if strategy in (one.strategy, one.watch):
            return one
    named = ", ".join(one.strategy for one in known) or "none"
    raise NotFound(f"review {review!r} has no strategy {strategy!r} that is searched by hand; it has: {named}")


def by_hand(literature: IngestStatus) -> list[ManualView]:
    """The strategies that people search by hand; a platform of before has none."""
    return list(getattr(literature, "manual", []))


def standing(view: ManualView) -> Text:
    """Where a strategy stands that is searched by hand."""
    said = {"searched": f"due {view.due}", "due": f"due since {view.due}", "overdue": f"overdue since {view.due}"}
    return Text(said.get(view.standing, view.standing), style=_STYLES.get(view.standing, ""))


def to_search(review: str, literature: IngestStatus, called: Callable[[str], str]) -> Iterator[Text]:
    """What is to be searched by hand, by whom and how, and which searches are not whole."""
    for one in by_hand(literature):
        if one.standing in ("due", "overdue"):
            owner = f"by {called(one.owner)}" if one.owner else "by a lead"
            is_past = one.standing == "overdue"
            head = f"\n{one.database} ({one.strategy}) is to be searched by hand {owner}: {standing(one).plain}"
            yield Text(head, style="red" if is_past else "yellow")
            more = "--database ... --query @FILE --searched-on DAY --reported N"
            yield Text(f"  living ingest import {review} FILE... --strategy {one.strategy} {more}", style="dim")
            yield Text(f"  living ingest searched {review} {one.strategy} --nothing-new ...", style="dim")
        for search in one.searches:
            if search.state == "open":
                yield Text(f"\n{one.database} ({one.strategy}): search of {search.searched_on}: {search.lacks}")


def query_of(query: str) -> str:
    """A string that was searched for, as it is or from a file. Raises Invalid."""
    if not query.startswith("@"):
        return query
    path = Path(query[1:])
    if not path.is_file():
        raise Invalid(f"--query: {path} is no file that is there")
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise Invalid(f"--query: {path} is no text in UTF-8 ({error})") from error


def _is(view: SearchView) -> str:
    return "nothing new, signed" if view.made == "nothing_new" else view.state


def _lacks(view: SearchView) -> str:
    """What a search lacks, or was let lack."""
    if view.lacking:
        return f"{counted(view.lacking, 'record')}, accepted: {view.reason}"
    return view.lacks or ""


def _remark(view: SearchView) -> Iterator[Text]:
    if view.planned:
        yield Text("  the string is another than the protocol's, which is kept beside it", style="yellow")
