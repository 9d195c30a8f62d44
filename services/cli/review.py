"""`living review`: protocols - check a file, apply it, see what it says and where its review stands."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click
from rich.text import Text

from services.cli.amending import amended, print_amendment
from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client
from services.cli.copies import asks_for, not_asked
from services.cli.ingest import listing_of_rejections
from services.cli.printing import counted, day, minute, out, print_json, print_rows, shows_all, table
from services.cli.reasons import out as how_many_out
from services.cli.searches import by_hand, standing, to_search
from services.cli.teams import lacks_of_team
from services.cli.visible import visible
from services.cli.watches import every_watch
from shared.errors import Forbidden, Invalid
from shared.private import write_new
from shared.storage import unusable

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import CopyCounts, IngestStatus, RawAnswerView, RetrievalCounts, RunView, WatchView

app = Group(help="Reviews and their protocols.")

#: How remarks on a query begin: the lists in which PubMed tells what of it was not found, passed over or cut short.
_OF_QUERY = (
    "phrasesnotfound: ", "fieldsnotfound: ", "phrasesignored: ", "quotedphrasesnotfound: ", "outputmessages: ",
)  # fmt: skip
_NOTHING = "outputmessages: No items found"
_COLLAPSED = "fields collapsed: "

#: Remarks of one run that are shown; `--json` has all.
_SHOWN = 5

_FILE = argument(
    "file",
    "A protocol file; - reads it from standard input.",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)


@app.command("check", example="living review check reviews/ics-leadership/protocol.yaml")
@_FILE
@AS_JSON
def check(file: Path, as_json: bool) -> None:
    """Check a protocol file without sending it anywhere; every error is told with its place and line.

    Without errors it shows the exact strings that each source will be asked, and what a source cannot say.
    """
    from services.cli.asked import print_asked
    from services.protocol.domain import check as check_protocol
    from services.protocol.domain import lacking_as_named
    from services.protocol.domain.searching import asked_by

    with _of(file):
        protocol = check_protocol(_read(file))
    rows = asked_by(protocol)
    manual = [it for it in protocol.strategies if it.manual is not None]
    if as_json:
        report = {"review": protocol.review, "strategies": rows, "citations": protocol.citations}
        print_json({**report, "manual": manual, "warnings": lacking_as_named(protocol)})
        return
    out.print(
        f"{file}: review {protocol.review}, {len(protocol.stages)} stages, {len(protocol.cmocs)} CMOCs, no errors"
    )
    out.print()
    print_asked(rows)
    for it in manual:
        owner = f" by {it.owner}" if it.owner else ""
        every = f"{it.id}: {it.manual} is searched by hand{owner}, every {counted(it.every_days, 'day')}"
        out.print(Text(f"\n{every}, for\n  {it.query}" if it.query else f"\n{every}"), soft_wrap=True)
    if (chased := protocol.citations) is not None:
        out.print(f"\ncitations are chased at {', '.join(chased.sources)}, every {counted(chased.every_days, 'day')}")
    for warning in lacking_as_named(protocol):
        out.print(Text(f"\nof the team that it names: {warning}", style="yellow"), soft_wrap=True)


@app.command("diff", example="living review diff reviews/shared-records/protocol.yaml")
@_FILE
@AS_JSON
def diff(file: Path, as_json: bool) -> None:
    """Show what a protocol file changes of its review's newest version, and what becomes of what is there."""
    from services.protocol.domain import check as check_protocol

    with _of(file):
        protocol = check_protocol(_read(file))
    with client() as living:
        version, changes, effects = amended(living, protocol)
    if as_json:
        print_json({"review": protocol.review, "follows": version, "changes": changes, "effects": effects})
    elif not version:
        out.print(f"{protocol.review}: there is no version yet, so that all of it is new")
    else:
        print_amendment(version, changes, effects)


@app.command("apply", example="living review apply reviews/shared-records/protocol.yaml --follows 3")
@_FILE
@option("--follows", type=int, help="The version that it amends; refused where another is the newest by now.")
@option("--why", help="Why, for whoever reads the review's history.")
@option("--yes", is_flag=True, help="Without asking.")
@AS_JSON
def apply(file: Path, follows: int | None, why: str | None, yes: bool, as_json: bool) -> None:
    """Apply a protocol file. The same content again changes nothing; any other makes a new version.

    In a terminal it shows what changes first, and asks. A file that is an earlier version again is refused, as it would
    take back what others changed since: say with --follows which version it comes after.
    """
    text = _read(file)
    with _of(file), client("lead") as living:
        review = _review_of(text)
        if not (yes or as_json) and sys.stdin.isatty():
            follows = _agreed_to(living, text, follows)
        try:
            applied = living.protocol.apply(review, text, follows=follows, why=why)
        except Forbidden as error:
            if error.slug != "other_review":
                raise
            raise Forbidden(
                f"you do not belong to review {review!r}: found it (`living people found {review}`), or have its lead "
                "invite you",
                slug=error.slug,
            ) from error
    if as_json:
        print_json(applied)
    else:
        report = "is applied" if applied.changed else "was applied before; nothing changed"
        out.print(f"{applied.review}: version {applied.version} {report}")
        for warning in getattr(applied, "warnings", ()):
            out.print(Text(f"of the team that it names: {warning}", style="yellow"), soft_wrap=True)


def _agreed_to(living: Client, text: str | bytes, follows: int | None) -> int | None:
    """The version that a file is to follow, once whoever applies it has seen what changes. Raises Abort."""
    from services.protocol.domain import check as check_protocol

    version, changes, effects = amended(living, check_protocol(text))
    if not changes:
        return follows
    print_amendment(version, changes, effects)
    click.confirm(f"Apply it as version {version + 1}?", abort=True, err=True)
    return follows if follows is not None else version


@app.command("list", example="living review list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List the reviews that you belong to."""
    with client() as living:
        rows = list(living.protocol.reviews())
    columns = [
        ("review", lambda row: row.review),
        ("title", lambda row: row.title),
        ("version", lambda row: row.version),
        ("by", lambda row: row.published_by),
        ("at", lambda row: day(row.published_at)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no review has a protocol yet: living review apply FILE")


@app.command("show", example="living review show ics-leadership --version 1")
@REVIEW
@option("--version", type=int, help="Which version; the newest without.")
@AS_JSON
def show(review: str, version: int | None, as_json: bool) -> None:
    """Print a review's protocol, as YAML."""
    with client() as living:
        view = living.protocol.version(review, version) if version else living.protocol.newest(review)
        called = called_in(living, review) if not as_json else str
    if as_json:
        print_json(view)
    else:
        import yaml

        print(f"# version {view.version}, by {visible(called(view.published_by))}, {minute(view.published_at)}")
        for line in (getattr(view, "why", None) or "").splitlines():
            print(f"# {visible(line)}")
        # Through JSON: YAML would spell a subclass of dict as a Python object.
        protocol = json.loads(json.dumps(view.protocol))
        print(yaml.safe_dump(protocol, sort_keys=False, allow_unicode=shows_all()), end="")


@app.command("status", example="living review status shared-records")
@REVIEW
@AS_JSON
def status(review: str, as_json: bool) -> None:
    """Where a review stands: its sources and their trouble, its records on their way, its theories, its cadence."""
    with client() as living:
        funnel, synthesis = living.screening.funnel(review), living.synthesis.status(review)
        literature = living.ingest.status(review)
        searches = [*literature.watches, *literature.chases]
        rejected = _rejected(living, review, [it for it in searches if it.state != "retired"])
        troubled = [it for it in every_watch(literature) if _fails(it)]
        failed = {it.watch: _failed(living, review, it) for it in troubled}
        named = any(it.accepted for it in every_watch(literature)) or any(it.owner for it in by_hand(literature))
        called = called_in(living, review) if named and not as_json else str
        team = lacks_of_team(living, review)
    since = {it.watch: _failing_since(it, failed[it.watch]) for it in troubled}
    if as_json:
        report = {"literature": literature, "watches": literature.watches, "rejected": rejected, "failing_since": since}
        print_json({**report, "screening": funnel, "synthesis": synthesis, "team": team})
        return
    out.print(Text(f"{synthesis.title}\n", style="bold"))
    # A platform of before parks nothing.
    parked = sum(getattr(stage, "parked", 0) for stage in funnel.stages)
    lines: list[list[object]] = [
        ["state", f"{synthesis.state}; next revision due {synthesis.next_due}"],
        ["revisions", f"{synthesis.revisions}, last {synthesis.last_published or 'never'}"],
        ["records", f"{literature.records}, of {literature.source_records} found"],
        ["screening", f"{funnel.screening} on their way, {funnel.included} included, {funnel.excluded} excluded"],
        *(["parked", n] for n in [parked] if n),
        *([f"kept out by {rule}", count] for rule, count in funnel.by_rule.items()),
        ["open copies", _open_copies(getattr(literature, "open_copies", None))],
        ["full texts", _full_texts(getattr(literature, "retrievals", None))],
        ["re-judgements open", f"{synthesis.open_rejudgements}{_drills(synthesis.open_drills)}"],
        *(["DOIs in trouble", n] for n in [getattr(synthesis, "dois_in_trouble", 0)] if n),
        *(["reports whose coders differ", n] for n in [getattr(synthesis, "coders_differ", 0)] if n),
        *(["reports being coded", n] for n in [getattr(synthesis, "being_coded", 0)] if n),
        ["links to judge anew", str(getattr(synthesis, "links_to_judge", 0))],
        ["comments open", str(getattr(synthesis, "open_comments", 0))],
    ]
    out.print(table(["", ""], lines, show_header=False))
    out.print()
    stages = [[s.stage, s.entered, s.advanced, how_many_out(s), s.open, s.conflicts] for s in funnel.stages]
    out.print(table(["stage", "entered", "advanced", "excluded", "open", "conflicts"], stages))
    out.print()
    sources = [
        [
            watch.source, watch.strategy, watch.searched_through or "never", _state(watch, failed.get(watch.watch, ())),
            watch.last_run.run if watch.last_run else "",
        ]
        for watch in (*literature.watches, *literature.chases)
    ]  # fmt: skip
    sources += [
        [it.database, it.strategy, it.searched_through or "never", standing(it), ""] for it in by_hand(literature)
    ]
    out.print(table(["source", "strategy", "searched through", "state", "last run"], sources))
    for lack in team:
        out.print(Text(f"\nthe team: {lack}", style="yellow"), soft_wrap=True)
    for line in _trouble(review, literature, rejected, since, failed, called):
        out.print(line, soft_wrap=True)


app.add_command(listing_of_rejections("review"))


@app.command("answers", example="living review answers shared-records --run run_01a2 --save answers")
@REVIEW
@option("--run", required=True, help="A run of a watch, by its id: `living review status` names the last ones.")
@option("--save", help="Write each as it came into this folder, too.", type=click.Path(file_okay=False, path_type=Path))
@AS_JSON
def answers(review: str, run: str, save: Path | None, as_json: bool) -> None:
    """List what a source answered during a run, as it came, while it is kept; for leads.

    What --save writes is for you alone, since a source's terms may hold for it, and overwrites nothing.
    """
    with client("lead") as living:
        rows = list(living.ingest.answers(review, run))
        if save is not None:
            _make_folder(save)
            for row in rows:
                write_new(save / _file_of(run, row), living.ingest.answer(review, run, row.number))
        empty = _no_answers(living.ingest.run(review, run)) if not rows else ""
    columns = [
        ("number", lambda row: row.number),
        ("page", lambda row: row.page),
        ("asked", lambda row: row.asked),
        ("status", lambda row: row.status),
        ("bytes", lambda row: row.size),
        ("at", lambda row: minute(row.fetched_at)),
    ]
    print_rows(rows, columns, as_json=as_json, empty=empty)
    if save is not None and not as_json:
        out.print(f"{len(rows)} written to {save}")


def _no_answers(run: RunView) -> str:
    """Why there are none of a run."""
    if run.pages or run.counts.found:
        return "no raw answers of this run are kept any more (LIVING_RAW_ANSWER_DAYS)"
    return f"this run took in no answer: {run.error or 'it is under way'}"


def _make_folder(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


def _file_of(run: str, answer: RawAnswerView) -> str:
    """A name for an answer's file; nothing in it is the source's."""
    kinds = [kind for kind in ("json", "xml", "html") if kind in answer.content_type.lower()]
    return f"{run}-{answer.number:04}.{kinds[0] if kinds else 'bin'}"


def _read(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


@contextmanager
def _of(file: Path) -> Iterator[None]:
    """Names the file of a protocol with faults, which are listed and so not told in the sentence too."""
    try:
        yield
    except Invalid as error:
        headline = re.match(r"the protocol (cannot be read|has \d+ errors?(, of which \d+ are listed)?)", error.detail)
        if headline is None or not error.errors:
            raise
        raise Invalid(f"{file}: {headline[0]}", error.errors, slug=error.slug) from error


def _review_of(text: bytes) -> str:
    """The review that a protocol is for. Raises Invalid with every error where it says none."""
    named = re.search(rb"^review:[ ]+([a-z0-9][a-z0-9-]*)[ ]*(?:#.*)?\r?$", text, re.MULTILINE)
    if named is not None:
        return named[1].decode()
    # Spelled in one of YAML's other ways, or wrong: the service's own reading tells.
    from services.protocol.domain import check as check_protocol

    return check_protocol(text).review


def _drills(count: int) -> str:
    return f", of which {count} {'is a drill' if count == 1 else 'are drills'}" if count else ""


def _fails(watch: WatchView) -> bool:
    """Whether a watch is in trouble; what was wrong with one that is retired is nobody's any more."""
    return watch.trouble is not None and watch.state != "retired"


def _waits_for_accepted(watch: WatchView, failed: Sequence[RunView]) -> bool:
    """Whether what its last run lacked was accepted since, so that its next one, not yet over, is to be complete."""
    if not _fails(watch) or not failed or failed[0].state != "partial" or failed[0].ended_at is None:
        return False
    ended = _instant(failed[0].ended_at)
    return any(it.purpose == failed[0].purpose and _instant(it.at) >= ended for it in watch.accepted)


def _instant(at: datetime | str) -> datetime:
    """An instant, which the plain client has as text."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _open_copies(counts: CopyCounts | None) -> str:
    if counts is None:
        return "not told by this platform"
    asked = f"{counts.open} open, {counts.closed} closed, {counts.unknown} of no known DOI"
    return f"{asked}; {counts.without_doi} without a DOI, {not_asked(counts.not_asked, asks_for(counts))}"


def _full_texts(counts: RetrievalCounts | None) -> str:
    if counts is None:
        return "not told by this platform"
    fetched = "" if counts.fetches or not counts.sought else "; none is fetched (LIVING_FETCH_TEXTS, LIVING_CONTACT)"
    return f"{counts.sought} sought, {counts.retrieved} retrieved, {counts.not_retrieved} not retrieved{fetched}"


def _state(watch: WatchView, failed: Sequence[RunView] = ()) -> Text:
    if _waits_for_accepted(watch, failed):
        return Text("accepted", style="yellow")
    if _fails(watch):
        return Text("fails", style="bold red")
    if watch.purpose == "citations" and watch.state == "active":
        return Text(f"active, next {day(watch.due_at)}" if watch.last_run else f"due {day(watch.due_at)}")
    return Text(watch.state if watch.last_run else "not yet pulled", style="" if watch.state == "active" else "dim")


class _Rejected(TypedDict):
    """What the last run of a watch rejected."""

    source: str
    strategy: str
    run: str
    found: int
    rejected: int
    commonest: dict[str, int]


def _rejected(living: Client, review: str, watches: list[WatchView]) -> list[_Rejected]:
    """For each watch whose last run rejected something: how much, and why most often, by a look at the first
    hundred of them."""
    report: list[_Rejected] = []
    for watch in watches:
        run = _last_ended(living, review, watch)
        if run is None or not run.counts.rejected:
            continue
        reasons = Counter(it.reason for it in islice(living.ingest.rejections(review, run.run), 100))
        report.append(
            {
                "source": watch.source, "strategy": watch.strategy, "run": run.run, "found": run.counts.found,
                "rejected": run.counts.rejected, "commonest": dict(reasons.most_common(3)),
            }
        )  # fmt: skip
    return report


def _last_ended(living: Client, review: str, watch: WatchView) -> RunView | None:
    """The watch's last run that is over; the one under way has not seen everything."""
    if watch.last_run is None or watch.last_run.state != "running":
        return watch.last_run
    runs = islice(living.ingest.runs(review, watch=watch.watch), 5)
    return next((run for run in runs if run.state != "running"), None)


def _failed(living: Client, review: str, watch: WatchView) -> list[RunView]:
    """The runs that failed one after another, the newest first; looks at the last fifty."""
    failed: list[RunView] = []
    for run in islice(living.ingest.runs(review, watch=watch.watch), 50):
        if run.state == "complete":
            break
        if run.error:
            failed.append(run)
    return failed


def _failing_since(watch: WatchView, failed: Sequence[RunView]) -> str:
    """When the first of its runs that failed began; where none could be opened, when the last one was over."""
    if failed:
        return minute(failed[-1].started_at)
    return minute(watch.last_run.ended_at or watch.last_run.started_at) if watch.last_run else "the start"


def _came(run: RunView | None) -> int:
    """How many items a run was given, those too that are outside of its strategy."""
    # A count of none outside is not told.
    return run.counts.found + getattr(run.counts, "outside", 0) if run is not None else 0


def _said_of_query(watch: WatchView) -> list[str]:
    """What a source remarked on the query of a watch in its last run; of one that was given nothing every remark. That
    nothing was found is none: most days bring nothing new."""
    run = watch.last_run
    if run is None or run.state == "running" or watch.state == "retired":
        return []
    return [
        remark
        for remark in run.remarks
        if (remark.startswith(_OF_QUERY) or not _came(run)) and not remark.startswith((_COLLAPSED, _NOTHING))
    ]


def _failing(review: str, watch: WatchView, since: str, failed: Sequence[RunView]) -> Iterator[Text]:
    """What is wrong with a watch, since when, and what can be done."""
    named = f"{watch.source} ({watch.strategy})"
    resume = f"living ingest resume {review} {watch.strategy}"
    if _waits_for_accepted(watch, failed):
        under_way = watch.last_run is not None and watch.last_run.state == "running"
        again = "now" if under_way else f"at {minute(watch.due_at)}"
        if watch.state == "paused":
            again = f"once it is resumed: {resume}"
        yield Text(f"\n{named}: accepted; it is pulled again {again}", style="yellow")
        return
    again = f"tried again at {minute(watch.due_at)}, or now: living ingest pull {review} {watch.strategy}"
    if watch.state == "paused":
        again = f"it is paused: {resume}"
    yield Text(f"\n{named} fails since {since}, {counted(watch.failures, 'time')}; {again}", style="red")
    yield Text(f"  {watch.trouble}")
    # Not one of before that failed of something else.
    for run in [it for it in failed[:1] if it.error == watch.trouble]:
        yield Text(f"  what it answered: living review answers {review} --run {run.run}", style="dim")
        if run.state == "partial":
            how = f"living ingest accept {review} {watch.strategy} --lacking {run.lacking} --reason '...'"
            yield Text(f"  where it never gives that: {how}", style="dim")


def _accepted(literature: IngestStatus, called: Callable[[str], str]) -> Iterator[Text]:
    """What leads let the runs of watches lack."""
    for watch in every_watch(literature):
        for accepted in watch.accepted if watch.state != "retired" else []:
            yield Text(
                f"\n{watch.source} ({watch.strategy}) may lack {counted(accepted.lacking, 'work')} {accepted.where}, "
                f"as {called(accepted.by)} accepted on {day(accepted.at)}: {accepted.reason}",
                style="yellow",
            )


def _remarks(literature: IngestStatus) -> Iterator[Text]:
    """What is odd about the last runs, though they were complete."""
    for watch in every_watch(literature):
        for remark in watch.last_run.remarks if watch.last_run else []:
            if remark.startswith(_COLLAPSED):
                yield Text(f"\n{watch.source} ({watch.strategy}): {remark}", style="red")
    for watch in literature.watches:
        if said := _said_of_query(watch):
            nothing = " found nothing, and" if not _came(watch.last_run) else ""
            yield Text(f"\n{watch.source} ({watch.strategy}):{nothing} the source says of its query:", style="yellow")
            yield from (Text(f"  {remark}") for remark in said[:_SHOWN])
            if len(said) > _SHOWN:
                yield Text(f"  and {counted(len(said) - _SHOWN, 'more remark')}: --json has all", style="dim")


def _trouble(
    review: str,
    literature: IngestStatus,
    rejected: list[_Rejected],
    since: dict[str, str],
    failed: dict[str, list[RunView]],
    called: Callable[[str], str],
) -> Iterator[Text]:
    """What a lead should know: sources that fail, what they sent and is of no use, pairs that wait."""
    for parked in literature.parked:
        yield Text(f"\n{parked.source} is left alone until {minute(parked.until)}, for every review:", style="red")
        yield Text(f"  {parked.why}")
    for watch in filter(_fails, every_watch(literature)):
        yield from _failing(review, watch, since[watch.watch], failed[watch.watch])
    yield from to_search(review, literature, called)
    yield from _accepted(literature, called)
    yield from _remarks(literature)
    for it in rejected:
        yield Text(
            f"\n{it['source']} ({it['strategy']}): {it['rejected']} of the last run's {it['found']} items are rejected",
            style="yellow",
        )
        yield from (Text(f"  {count} x {reason}") for reason, count in it["commonest"].items())
        yield Text(f"  all of them: living review rejections {review} --run {it['run']}", style="dim")
    copies = getattr(literature, "open_copies", None)
    if copies is not None and copies.troubled:
        yield Text(f"\n{copies.troubled} records were asked for in vain, where they are open:", style="yellow")
        yield Text(f"  {copies.trouble}")
        yield Text(f"  all of them: living ingest copies {review}", style="dim")
    if literature.open_duplicates:
        pairs = counted(literature.open_duplicates, "pair of records", "pairs of records")
        yield Text(f"\n{pairs} may be one: a lead decides", style="yellow")
        yield Text(f"  all of them: living ingest duplicates list {review}", style="dim")
