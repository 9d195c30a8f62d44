"""`living ingest record` and `living ingest duplicates`: what a record is made of, and what people decide about which
records are one work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, Group, argument, option, reason
from services.cli.context import acting, client
from services.cli.printing import counted, minute, out, print_json, print_rows, table

if TYPE_CHECKING:
    from shared.wire.ingest import RecordSummary, RecordView, RulingView

duplicates = Group("duplicates", help="Which records are one work: what is to be decided, and what people decided.")

#: What of a description is shown, in this order.
_FIELDS = (
    "authors", "editors", "venue", "published", "volume", "issue", "pages", "article_number", "publisher", "kind",
    "language", "other_titles", "urls", "keywords", "abstract",
)  # fmt: skip

_IDENTIFIERS = ("doi", "pmid", "pmcid", "openalex")

_RECORD = argument("record", "A record, by its id.")
_OTHER = argument("other", "Another one.")
_REASON = reason()


@click.command("record", cls=Command, example="living ingest record shared-records rec_01a2")
@REVIEW
@_RECORD
@AS_JSON
def record(review: str, record: str, as_json: bool) -> None:
    """Show a record: what it says and whose word that is, its source records and why they are one, what was merged and
    parted, and what it hangs together with."""
    with client() as living:
        view = living.ingest.record(review, record)
        called = str if as_json else called_in(living, review)
    if as_json:
        print_json(view)
        return
    _show(view, called)


@duplicates.command("list", example="living ingest duplicates list shared-records")
@REVIEW
@option("--state", type=click.Choice(["open", "same", "different"]), default="open", help="What became of them.")
@AS_JSON
def list_(review: str, state: str, as_json: bool) -> None:
    """List the pairs of records that might be one, the oldest first."""
    with client() as living:
        rows = list(living.ingest.duplicates(review, state=state))  # type: ignore[arg-type]  # it is one of these
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("pair", lambda row: row.duplicate),
        ("older", lambda row: _named(row.first)),
        ("younger", lambda row: _named(row.second)),
        ("evidence", lambda row: "; ".join(row.evidence)),
        ("decided", lambda row: ": ".join(filter(None, (row.decided_by and called(row.decided_by), row.reason)))),
    ]
    print_rows(rows, columns, as_json=as_json, empty=f"no pair is {state}")


@duplicates.command("decide", example="living ingest duplicates decide shared-records dup_1 same --reason 'one trial'")
@REVIEW
@argument("pair", "A pair, by its id.")
@argument("verdict", "Whether its records are one work.", type=click.Choice(["same", "different"]))
@_REASON
@AS_JSON
def decide(review: str, pair: str, verdict: str, reason: str, as_json: bool) -> None:
    """Decide whether the records of a pair are one, for good; for leads."""
    with acting("deciding about a pair", review, "lead") as living:
        view = living.ingest.decide_duplicate(review, pair, verdict, reason)  # type: ignore[arg-type]
    if as_json:
        print_json(view)
    else:
        out.print(f"{pair}: {view.first.record} and {view.second.record} are {verdict}", soft_wrap=True)


@duplicates.command("merge", example="living ingest duplicates merge shared-records rec_1 rec_2 --reason 'one trial'")
@REVIEW
@_RECORD
@_OTHER
@_REASON
@AS_JSON
def merge(review: str, record: str, other: str, reason: str, as_json: bool) -> None:
    """Make two records one for good, whatever sources say; for leads. The older one takes in the other."""
    with acting("merging records", review, "lead") as living:
        view = living.ingest.merge(review, record, other=other, reason=reason)
    _tell(view, as_json)


@duplicates.command(
    "split",
    example="living ingest duplicates split shared-records rec_01a2 --source-record pubmed:7 --reason 'a letter'\n"
    "living ingest duplicates split shared-records rec_01a2 --absorbed rec_01a3 --reason 'another trial'",
)
@REVIEW
@_RECORD
@option("--source-record", "source_records", multiple=True, help="One to part from it, as source:id; again for more.")
@option("--absorbed", help="A record that was merged into it, which comes back.")
@_REASON
@AS_JSON
def split(
    review: str, record: str, source_records: tuple[str, ...], absorbed: str | None, reason: str, as_json: bool
) -> None:
    """Part source records from a record for good, or undo a merger as a whole; for leads.

    What was voted and coded on a record before it was merged is its own again; what came since stays.
    """
    with acting("splitting a record", review, "lead") as living:
        view = living.ingest.split(review, record, source_records=source_records, absorbed=absorbed, reason=reason)
    _tell(view, as_json)


@duplicates.command(
    "keep-apart", example="living ingest duplicates keep-apart shared-records rec_01a2 rec_01a3 --reason 'two trials'"
)
@REVIEW
@_RECORD
@_OTHER
@_REASON
@AS_JSON
def keep_apart(review: str, record: str, other: str, reason: str, as_json: bool) -> None:
    """Keep two records apart for good, whatever sources say; for leads."""
    with acting("keeping records apart", review, "lead") as living:
        view = living.ingest.keep_apart(review, record, other=other, reason=reason)
    _tell(view, as_json)


@duplicates.command("rulings", example="living ingest duplicates rulings shared-records")
@REVIEW
@AS_JSON
def rulings(review: str, as_json: bool) -> None:
    """List what people decided about which source records are one work, the newest first."""
    with client() as living:
        rows = list(living.ingest.rulings(review))
        called = called_in(living, review)
    columns = [
        ("ruling", lambda row: row.ruling),
        ("says", lambda row: _says(row)),
        ("records now", lambda row: ", ".join(row.records)),
        ("by", lambda row: called(row.decided_by)),
        ("at", lambda row: minute(row.decided_at)),
        ("why", lambda row: row.reason),
        ("undone", lambda row: f"{called(row.undone_by)}: {row.undone_why}" if row.undone_by else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nobody decided anything about duplicates")


@duplicates.command("undo", example="living ingest duplicates undo shared-records ruling_01a2 --reason 'I misread it'")
@REVIEW
@argument("ruling", "A ruling, by its id.")
@_REASON
@AS_JSON
def undo(review: str, ruling: str, reason: str, as_json: bool) -> None:
    """Take a ruling back; for leads. What was decided before it, and what sources say, counts again."""
    with acting("taking a ruling back", review, "lead") as living:
        view = living.ingest.undo(review, ruling, reason=reason)
    _tell(view, as_json)


def _named(one: RecordSummary) -> str:
    return f"{one.record} {one.title or '(no title)'}"


def _says(view: RulingView) -> str:
    one, other = ", ".join(view.one), ", ".join(view.other)
    if view.kind == "same":
        return f"one: {one}; {other}" if other else f"one: {one}"
    return f"apart: {one} | {other}"


def _tell(view: RulingView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    how = "undone" if view.undone_by else {"same": "one", "apart": "apart", "split": "apart"}[view.kind]
    out.print(f"{view.ruling}: {how}; they are in {counted(len(view.records), 'record')} now:", soft_wrap=True)
    for each in view.records:
        out.print(f"  {each}")


def _description(view: RecordView) -> Iterator[tuple[str, str, str]]:
    """What it says, field by field, and whose word each is."""
    about = view.bibliography
    for name in _FIELDS:
        if value := getattr(about, name, None):
            shown = "; ".join(value) if isinstance(value, list) else str(value)
            # Of some lists each source has brought a part.
            words = (said for field, said in about.provenance.items() if field.partition(".")[0] == name)
            yield name.replace("_", " "), shown, "; ".join(dict.fromkeys(words))
    for name in _IDENTIFIERS:
        if value := getattr(about.identifiers, name, None):
            yield name, value, about.provenance.get(f"identifiers.{name}", "")


def _show(view: RecordView, called: Callable[[str], str]) -> None:
    out.print(f"{view.record}: {view.bibliography.title or '(no title)'}", soft_wrap=True)
    if view.merged_into:
        out.print(f"lives on in {view.merged_into}")
    out.print(table(["", "", "by the word of"], _description(view), show_header=False))
    lines = [(f"{one.source}:{one.source_id}", "; ".join(one.because)) for one in view.source_records]
    out.print(table(["source record", "is here because"], lines))
    for merge in view.merges:
        out.print(f"took in {merge.absorbed}: {'; '.join(merge.evidence)}", soft_wrap=True)
    for split in view.splits:
        out.print(f"{split.record} was parted from {split.out_of}: {'; '.join(split.evidence)}", soft_wrap=True)
    for one in view.corrections:
        undone = f", undone by {called(one.undone_by)}: {one.undone_why}" if one.undone_by else ""
        value = "; ".join(one.value) if isinstance(one.value, list) else one.value
        line = f"{minute(one.corrected_at)}: {one.field} corrected by {called(one.corrected_by)} to {value or 'none'!r}"
        out.print(f"{line}: {one.reason} ({one.correction}{undone})", soft_wrap=True)
    for stated in view.statements:
        by, why = (f" by {stated.by}" if stated.by else ""), (f": {stated.reason}" if stated.reason else "")
        line = f"{stated.name}, line {stated.line}, states {stated.answer} at {stated.stage}{by}{why}"
        out.print(line, soft_wrap=True, highlight=False, markup=False)
    for added in view.additions:
        found = f"found by {added.how.replace('_', ' ')}{f', {added.where}' if added.where else ''}"
        gone = f", withdrawn: {added.withdrawn_why}" if added.withdrawn_why else ""
        more = f" (restricted: living records show REVIEW {view.record})" if added.restricted and not gone else ""
        out.print(f"added by {called(added.added_by)}, {found}{gone}{more}", soft_wrap=True)
    for relation in view.relations:
        out.print(f"{relation.kind}: {relation.record} {relation.title or '(no title)'}", soft_wrap=True)
    for notice in view.notices:
        out.print(f"{notice.kind}: {notice.reason}", soft_wrap=True)
