"""`living report`: what guidelines ask a review to report, filled in from data; and what only people can say there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, Group, argument, option
from services.cli.context import acting, asked_at_once, client
from services.cli.printing import day, err, print_json, print_line, print_rows
from services.cli.saving import require_writable, save
from shared.errors import Invalid
from shared.reporting.checklists import AUTHORED, KINDS, Kind
from shared.storage import content

if TYPE_CHECKING:
    from shared.reporting.documents import Document

texts = Group(help="What reports say where only people can say it.")

#: The files that a report may be written as.
_FORMS = (".docx", ".html", ".json")

#: Bytes of a file that a text is read from.
_LARGEST_TEXT = 100_000

_ITEM = argument("item", "What it is about, such as limitations; `living report-texts list` lists them all.")


@click.command(
    "report",
    cls=Command,
    example="living report ics-leadership prisma --revision 5 --to prisma.docx\nliving report ics-leadership rameses",
)
@REVIEW
@argument("kind", "The guideline.", type=click.Choice(KINDS))
@option("--revision", type=click.IntRange(min=1), help="Of this signed revision; of the review as it is now without.")
@option("--to", type=click.Path(path_type=Path), help="The file to write: .docx, .html or .json.")
@option("--force", is_flag=True, help="Write over a file that is there.")
@AS_JSON
def report(review: str, kind: str, revision: int | None, to: Path | None, force: bool, as_json: bool) -> None:
    """Make a report by PRISMA 2020, PRISMA-S, PRISMA-LSR or RAMESES.

    Each number bears the question to the platform that gives it again. Without --to it prints each item of the
    guideline, and whether it is filled in, lacks something, or has a text that is out of date.
    """
    if to is not None:
        if to.suffix not in _FORMS:
            raise Invalid(f"--to is {to.name}: a report is written as {', '.join(_FORMS[:-1])} or {_FORMS[-1]}")
        require_writable(to, force=force, as_json=as_json)
    document = _document(review, kind, revision)
    if to is not None:
        drawn = _drawn(document, to.suffix)
        save(to, partial(_handed_over, drawn), sha256(drawn).hexdigest())
        err.print(f"{document.title} written to {to}", soft_wrap=True, highlight=False)
    if as_json:
        from shared.reporting.as_json import as_json as data_of

        print(json.dumps(data_of(document), ensure_ascii=False, indent=1))
    elif to is None:
        _print(document)


@texts.command("list", example="living report-texts list ics-leadership")
@REVIEW
@AS_JSON
def list_texts(review: str, as_json: bool) -> None:
    """List what only people can say in reports, and whether it is written, and up to date."""
    with client() as living:
        found = {it.item: it for it in living.synthesis.report_texts(review)}
        called = called_in(living, review) if found and not as_json else str
    if as_json:
        print_json(list(found.values()))
        return
    rows = [(item, found.get(item), asks) for item, asks in AUTHORED.items()]
    columns = [
        ("item", lambda row: row[0]),
        (
            "stands",
            lambda row: "to be written" if row[1] is None else "out of date" if row[1].out_of_date else "written",
        ),
        ("by", lambda row: called(row[1].by) if row[1] else ""),
        ("on", lambda row: day(row[1].at) if row[1] else ""),
        ("what it is", lambda row: row[2]),
    ]
    print_rows(rows, columns, as_json=False, empty="")


@texts.command("history", example="living report-texts history ics-leadership limitations")
@REVIEW
@_ITEM
@AS_JSON
def history(review: str, item: str, as_json: bool) -> None:
    """List all that was written for an item, oldest first. The last one holds."""
    with client() as living:
        rows = list(living.synthesis.texts_of_item(review, item))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("text", lambda row: row.text),
        ("was", lambda row: "confirmed" if row.confirmed else "written"),
        ("by", lambda row: called(row.by)),
        ("on", lambda row: day(row.at)),
        ("revision", lambda row: row.revision),
        ("protocol", lambda row: row.protocol_version),
        ("out of date", lambda row: "yes" if row.out_of_date else "no"),
    ]
    print_rows(rows, columns, as_json=as_json, empty=f"Nobody has written {item} yet.")


@texts.command("write", example="living report-texts write ics-leadership limitations --from limitations.txt")
@REVIEW
@_ITEM
@option(
    "--from",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    help="A file of plain text; `-` is the standard input.",
)
@AS_JSON
def write(review: str, item: str, file: Path, as_json: bool) -> None:
    """Write what reports say of an item, or confirm it by the same words; for leads."""
    text = _text(file)
    with acting("writing what reports say", review, "lead") as living:
        kept = living.synthesis.write_report_text(review, item, text)
    if as_json:
        print_json(kept)
    else:
        print_line(f"{kept.item} is {'confirmed as it is' if kept.confirmed else 'written'}.")


@texts.command("confirm", example="living report-texts confirm ics-leadership limitations")
@REVIEW
@_ITEM
@AS_JSON
def confirm(review: str, item: str, as_json: bool) -> None:
    """Confirm what an item says as it is, where it is out of date and still holds; for leads."""
    with acting("confirming what reports say", review, "lead") as living:
        holds = next(iter(living.synthesis.texts_of_item(review, item, newest_first=True)), None)
        if holds is None:
            raise Invalid(f"nobody has written {item} yet, so that there is nothing to confirm")
        kept = living.synthesis.write_report_text(review, item, holds.text, seen=holds.event)
    if as_json:
        print_json(kept)
    else:
        print_line(f"{kept.item} is confirmed as it is.")


def _document(review: str, kind: str, revision: int | None) -> Document:
    from shared.gathering import gather
    from shared.reporting.reports import document_of

    with client() as living:
        called = called_in(living, review)
    with err.status("the platform is asked"):
        gathered = asked_at_once(lambda living: gather(living, review, cast(Kind, kind), revision, called))
    return document_of(gathered)


def _handed_over(content: bytes, into: Callable[[bytes], object]) -> None:
    into(content)


def _drawn(document: Document, form: str) -> bytes:
    """A report as a file of this form."""
    if form == ".docx":
        from shared.reporting.as_docx import as_docx

        return as_docx(document)
    if form == ".json":
        from shared.reporting.as_json import as_json

        return json.dumps(as_json(document), ensure_ascii=False, indent=1).encode()
    from services.web.drawing import draw

    queries = {query: n for n, query in enumerate(document.queries(), 1)}
    return draw("report-file.html", {"report": document, "queries": queries}).encode()


def _print(document: Document) -> None:
    states = {"filled": "filled in", "lacking": "lacks something", "out_of_date": "out of date"}
    columns = [
        ("item", lambda item: item.number),
        ("what", lambda item: item.about),
        ("stands", lambda item: states[item.state]),
        ("to write", lambda item: ", ".join(it.item for it in item.authored if it.text is None)),
    ]
    print_line(f"{document.title}: {document.name}, up to {document.on}")
    print_rows(document.items, columns, as_json=False, empty="")


def _text(file: Path) -> str:
    """The text of a file. Raises Invalid for what is none."""
    data = sys.stdin.buffer.read(_LARGEST_TEXT + 1) if str(file) == "-" else content(file, _LARGEST_TEXT)
    if len(data) > _LARGEST_TEXT:
        raise Invalid(f"{file} has more than {_LARGEST_TEXT:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{file} is no text in UTF-8") from error
