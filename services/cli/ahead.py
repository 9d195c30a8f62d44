"""Around a run: what a strategy would bring, whether it reaches what one knows, and what each source brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client, settings
from services.cli.printing import counted, out, print_json, table, title_of
from shared.errors import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from services.ingest.ports.sources.port import Source
    from services.ingest.ports.sources.previews import Preview, Reach
    from shared.events.protocol import Protocol

#: What is shown of a source that gave no answer of use, by the slug of the error; of any other: not asked.
_FAILED = {"source_refused": "refused", "source_drifted": "unreadable"}

#: No file and no review has a longer name.
_LONGEST_NAME = 255

#: Characters of the longest bar.
_BAR = 24
_DAY = click.DateTime(formats=["%Y-%m-%d"])

app = Group(help="Commands of `living ingest`.")

_REVIEW = argument("review", "A protocol file, or the name of a review, whose newest version is taken.")
_SOURCE = option("--source", help="Only this source.")


@app.command("preview", example="living ingest preview reviews/ics-leadership/protocol.yaml --source pubmed")
@_REVIEW
@_SOURCE
@AS_JSON
def preview(review: str, source: str | None, as_json: bool) -> None:
    """Ask each source for the first page of each strategy of a protocol: the exact strings, counts and first titles.

    It asks the sources from here, with this shell's settings and keys, over the protocol's dates, and keeps nothing.
    As a run over all of them does, it asks two years more before and one after, since sources date a work differently.
    """
    from datetime import UTC, datetime

    from services.ingest.domain.watching import whole_window
    from services.ingest.ports.sources import previews
    from services.ingest.ports.sources.catalog import Sources

    plan = _plan(review)
    since, until = whole_window(search_from=plan.search_from or plan.published_after, today=datetime.now(UTC).date())
    sources = Sources.open(settings())
    try:
        chosen = _chosen(plan, sources, source)
        rows = [it for strategy in plan.strategies for it in previews.preview(strategy, chosen, since, until)]
    finally:
        sources.close()
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        out.print(f"works published {since} to {until}, by each source's own count; nothing is kept")
    for row in [] if as_json else rows:
        out.print()
        _print_preview(row)
    _fail_if_none([(row.failed, row.error) for row in rows])


@app.command("check-recall", example="living ingest check-recall reviews/shared-records/protocol.yaml known.txt")
@_REVIEW
@argument(
    "known", "A file of DOIs and PMIDs, one a line; what follows a # is a note.",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@_SOURCE
@AS_JSON
def check_recall(review: str, known: Path, source: str | None, as_json: bool) -> None:
    """Ask whether the strategies of a protocol reach papers that you know, and which source has each of them.

    This is the usual test of a search: a paper that no strategy reaches says which words are missing.
    """
    from services.ingest.ports.sources import previews
    from services.ingest.ports.sources.catalog import Sources

    plan, papers = _plan(review), _papers(known)
    sources = Sources.open(settings())
    try:
        chosen = _chosen(plan, sources, source)
        rows = list(previews.reaches_of(papers, plan.strategies, chosen))
    finally:
        sources.close()
    asked = {row.paper for row in rows if row.reached is not None}
    reached = {row.paper for row in rows if row.reached}
    if as_json:
        found = {"reached": sorted(reached), "not_asked": [it for it in papers if it not in asked]}
        print_json({"papers": papers, **found, "asked": [asdict(row) for row in rows]})
    else:
        _print_reach(papers, rows, asked, reached)
    _fail_if_none([(row.failed, row.why) for row in rows])


@app.command("coverage", example="living ingest coverage shared-records --since 2024-01-01 --svg coverage.svg")
@REVIEW
@option("--since", help="Records found from this day on (2024-01-31).", type=_DAY)
@option("--until", help="Records found until this day.", type=_DAY)
@option("--svg", help="Draw it into this file too.", type=click.Path(dir_okay=False, path_type=Path))
@AS_JSON
def coverage(review: str, since: datetime | None, until: datetime | None, svg: Path | None, as_json: bool) -> None:
    """Show which source and which strategy brought a review's records, and what leaving one out would have lost."""
    if since is not None and until is not None and since > until:
        raise Invalid(f"--until {until.date()} is before --since {since.date()}: no day is in between")
    days = {"since": since and since.date(), "until": until and until.date()}
    with client() as living:
        found = living.ingest.coverage(review, **days)
    if svg is not None:
        from services.cli.bars import drawn

        try:
            svg.write_text(drawn(found), encoding="utf-8")
        except OSError as error:
            raise Invalid(f"{svg} cannot be written: {error.strerror}") from error
    if as_json:
        print_json(found)
        return
    out.print(f"{counted(found.records, 'record')}, {found.included} included")
    for title, shares in (("source", found.sources), ("strategy", found.strategies)):
        most = max((share.records for share in shares), default=0) or 1
        lines: list[list[object]] = [
            [
                share.name, share.records, share.only, share.included, share.only_included,
                "█" * round(_BAR * share.only / most) + "░" * round(_BAR * (share.records - share.only) / most),
            ]
            for share in shares
        ]  # fmt: skip
        out.print()
        out.print(table([title, "records", "by it alone", "included", "lost without it", ""], lines))
    out.print(Text("\n█ brought by it alone, ░ by others too", style="dim"))


def _plan(review: str) -> Protocol:
    """The protocol of a file, checked, or of a review of the platform."""
    from services.protocol.domain import check
    from shared.events.protocol import Protocol

    file = Path(review)
    if len(review) > _LONGEST_NAME or not file.is_file():
        if file.suffix:
            raise NotFound(f"there is no file {review}")
        with client() as living:
            return Protocol.model_validate(living.protocol.newest(review).protocol, extra="ignore")
    try:
        return check(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise Invalid(f"{file}: it is no text in UTF-8 ({error})") from error
    except Invalid as error:
        raise Invalid(f"{file}: {error}", error.errors) from error


def _chosen(plan: Protocol, sources: Mapping[str, Source], only: str | None) -> dict[str, Source]:
    """The sources that the protocol searches, or the one of them that is named."""
    searched = dict.fromkeys(name for strategy in plan.strategies for name in strategy.searched)
    if only is not None and only not in searched:
        raise NotFound(f"the protocol does not search {only!r}; it searches: {', '.join(searched)}")
    return {name: sources[name] for name in searched if name in sources and only in (None, name)}


def _papers(file: Path) -> list[str]:
    """The papers that a file names, as `doi:...` and `pmid:...`. Raises Invalid, naming the line."""
    from shared import identifiers

    papers: dict[str, None] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if doi := identifiers.doi(text):
            papers[f"doi:{doi}"] = None
        elif pmid := identifiers.pmid(text.lower().removeprefix("pmid:").strip()):
            papers[f"pmid:{pmid}"] = None
        else:
            raise Invalid(f"{file}: line {number}: {text[:80]!r} is neither a DOI nor a PMID")
    if not papers:
        raise Invalid(f"{file}: it names no paper")
    return list(papers)


def _print_preview(row: Preview) -> None:
    count = "?" if row.reported is None else f"{row.reported:,}"
    state = _FAILED.get(row.failed, "not asked") if row.failed else f"{count} works"
    out.print(Text(f"{row.strategy} at {row.source}: {state}", style="bold"))
    out.print(Text(f"  {row.asked}", style="dim"), soft_wrap=True)
    if row.error:
        out.print(Text(f"  {row.error}", style="red"), soft_wrap=True)
    for title in row.titles:
        out.print(Text(f"  - {title}"), soft_wrap=True)
    for remark in row.remarks[:5]:
        out.print(Text(f"  {row.source} says: {remark}", style="yellow"), soft_wrap=True)


def _print_reach(papers: list[str], rows: list[Reach], asked: set[str], reached: set[str]) -> None:
    """Why something could not be asked comes first, since what is not reached may be there all the same."""
    for why in dict.fromkeys(row.why for row in rows if row.failed and row.why):
        out.print(Text(why, style="red"), soft_wrap=True)
    out.print(table(["paper", "title", "published", "source", "strategy", "there", "reached"], list(map(_cells, rows))))
    out.print(Text(f"\n{len(reached)} of {counted(len(asked), 'paper')} reached", style="bold"))
    for paper in papers:
        if paper in reached:
            continue
        sources = ", ".join(dict.fromkeys(row.source for row in rows if row.paper == paper and row.reached is None))
        if paper in asked:
            but = f" (not asked: {sources})" if sources else ""
            out.print(Text(f"  not reached: {paper}{but}", style="red"), soft_wrap=True)
        else:
            out.print(Text(f"  not asked: {paper} at {sources or 'any source'}", style="yellow"), soft_wrap=True)
    for why in dict.fromkeys(row.why for row in rows if row.why and not row.failed):
        out.print(Text(f"  {why}", style="dim"), soft_wrap=True)


def _cells(row: Reach) -> list[object]:
    said = {True: "yes", False: "no", None: _FAILED.get(row.failed or "", "not asked")}
    return [
        row.paper,
        title_of(row.title),
        row.published or "",
        row.source,
        row.strategy,
        said[row.has],
        said[row.reached],
    ]


def _fail_if_none(answers: list[tuple[str | None, str | None]]) -> None:
    """Raises what is so where no source gave an answer of use, by the slug and the words of each; what a source
    refuses, or says in a form of its own, is an answer."""
    failed = {slug: why for slug, why in reversed(answers) if slug}
    if not failed or not all(why for _, why in answers):
        return
    if "source_unavailable" in failed and len(failed) == 1:
        raise Unavailable(
            "no source could be reached: is there a way to the internet from here? `living doctor` looks",
            slug="source_unavailable",
        )
    if "source_drifted" in failed and "source_refused" not in failed:
        raise Unavailable(f"no source gave an answer that we can read: {failed['source_drifted']}")
    raise Invalid(f"no source took what it was asked: {failed.get('source_refused') or next(iter(failed.values()))}")
