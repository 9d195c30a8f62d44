"""`living ingest mapping` and `living ingest decisions`: what library files say was decided before, and by whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting
from services.cli.printing import err, print_rows
from shared.errors import Conflict, Invalid

if TYPE_CHECKING:
    from services.ingest.domain.proposals import Survey
    from services.ingest.ports.libraries.port import Opened
    from shared.wire.ingest import StatementView

app = Group(help="Decisions that library files state.")


@app.command(
    "mapping",
    example="living ingest mapping library.csv --to decisions.yaml",
)
@argument("file", "A file of any program or database.", type=click.Path(path_type=Path))
@option("--to", type=click.Path(path_type=Path), help="The file to write; without it the mapping is printed.")
@option("--force", is_flag=True, help="Write over a file that is there.")
def mapping(file: Path, to: Path | None, force: bool) -> None:
    """Propose the mapping of a library file: which of its columns look like decisions, each value and how often.

    The file is read here and sent nowhere. What only you can say is left as "?": the stages of your protocol, and
    answers that the values do not tell.
    """
    from services.ingest.domain.proposals import Survey
    from services.ingest.ports.libraries.catalog import open_library
    from services.ingest.ports.libraries.port import Entry

    if not file.is_file():
        raise Invalid(f"{file} is no file that is there")
    if to is not None and to.exists() and not force:
        raise Conflict(f"{to} is there already: --force writes over it")
    survey = Survey()
    with file.open("rb") as content:
        opened = open_library(content, name=file.name, source="import:file")
        for entry in opened.entries:
            if isinstance(entry, Entry):
                survey.see(entry.fields)
    proposal = survey.proposal(file.name, opened.dialect, then="living ingest import REVIEW FILE --decisions MAPPING")
    if to is None:
        click.echo(proposal, nl=False)
        return
    to.write_text(proposal, encoding="utf-8")
    _say(survey, opened, to)


@app.command("decisions", example="living ingest decisions shared-records --record rec_01a2")
@REVIEW
@option("--record", help="Only of this record, by its id.")
@option("--import", "imported", help="Only of this file, by the id of its import.")
@option("--stage", help="Only at this stage.")
@AS_JSON
def decisions(review: str, record: str | None, imported: str | None, stage: str | None, as_json: bool) -> None:
    """List what files state was decided before, file by file; for leads, since it would lead whoever has yet to decide.

    None of it is a vote, and nothing is decided by it.
    """
    with acting("looking at what was decided before", review, "lead") as living:
        rows = list(living.ingest.decisions(review, record=record, imported=imported, stage=stage))
    columns = [
        ("record", lambda row: row.record),
        ("stage", lambda row: row.stage),
        ("answer", lambda row: row.answer),
        ("said", lambda row: _said(row)),
        ("by", lambda row: row.by or ""),
        ("why", lambda row: row.reason or ""),
        ("stands in", lambda row: f"{row.name}, line {row.line}"),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no file states a decision")


def read_mapping(file: Path | None) -> str | None:
    """The text of a mapping, once it is one. Raises Invalid."""
    if file is None:
        return None
    if not file.is_file():
        raise Invalid(f"--decisions: {file} is no file that is there")
    from services.ingest.domain import mappings

    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"--decisions: {file} is not UTF-8; save it as UTF-8") from None
    try:
        mappings.read_mapping(text)
    except Invalid as error:
        raise Invalid(f"{file}: {error.detail}", error.errors, slug=error.slug) from None
    return text


def _said(row: StatementView) -> str:
    return f"{row.column}: {row.said}" if row.column else "of the whole file"


def _say(survey: Survey, opened: Opened, to: Path) -> None:
    made = f", as {opened.dialect} writes it" if opened.dialect else ""
    line = f"a mapping of {survey.records} records ({opened.format}{made}) is written to {to}"
    err.print(line, soft_wrap=True, highlight=False)
