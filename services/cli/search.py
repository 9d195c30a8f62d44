"""`living search`: finding records from a terminal, and making the index anew."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from services.cli.context import client
from services.cli.printing import AsJson, err, out, print_json
from shared.errors import Unavailable
from shared.wire.search import FoundRecord

app = typer.Typer(help="Search: every record by its words, dates and state.", no_args_is_help=True)


@app.command()
def query(
    review: Annotated[str, typer.Argument(help="The review, such as ics-leadership.")],
    q: Annotated[str, typer.Argument(help='Words, "phrases", OR, NOT, leader*, title:vision, author:chang.')] = "",
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Published on or after.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Published on or before.")
    ] = None,
    status: Annotated[list[str] | None, typer.Option(help="screening, included or excluded (repeatable).")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first instead of the most relevant.")] = False,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count by year, source, kind, language, status, venue.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="The next page, as the page before told it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find records."""
    with client() as living:
        page = living.search.find(
            review, q, status=status, sort="newest" if newest else "relevance", limit=limit, cursor=cursor,
            facet="all" if facets else None, published_from=since.date() if since else None,
            published_until=until.date() if until else None,
        )  # fmt: skip
    if as_json:
        print_json(page)
        return
    for item in page.items:
        out.print(_shown(item))
    out.print(f"{len(page.items)} of {page.total}", style="dim", highlight=False)
    if page.next:
        out.print(f"next page: --cursor {page.next}", style="dim", highlight=False, soft_wrap=True)
    for name, values in page.facets.items():
        out.print(Text(f"{name}: ", style="bold") + Text(", ".join(f"{it.value} {it.count}" for it in values)))


@app.command()
def rebuild(as_json: AsJson = False) -> None:
    """Make the index anew from the log, beside the live one, which serves until it is done."""
    with (
        client() as living,
        Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as bar,
    ):
        asked = living.search.rebuild()
        task = bar.add_task("waiting for its turn")
        while True:
            view = next(it for it in living.search.rebuilds().items if it.id == asked.id)
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


def _shown(item: FoundRecord) -> Text:
    about = item.bibliography
    line = _marked(item.marked.get("title", [about.title or "[no title]"])[0], bold=True)
    line.append(f"\n  {'; '.join(about.authors[:3])} {about.published or 'no date'} {about.venue or ''}", style="dim")
    line.append(f"\n  {item.record}  {item.status}{f' at {item.stage}' if item.stage else ''}", style="dim")
    for fragment in item.marked.get("abstract", [])[:2]:
        line.append("\n  … ").append_text(_marked(fragment))
    return line.append("\n")


def _marked(html: str, *, bold: bool = False) -> Text:
    """Text with what was found standing out; the HTML holds <mark> and escapes, nothing else."""
    import html as entities

    text = Text(style="bold" if bold else "")
    for number, piece in enumerate(re.split(r"</?mark>", html)):
        text.append(entities.unescape(piece), style="reverse" if number % 2 else "")
    return text
