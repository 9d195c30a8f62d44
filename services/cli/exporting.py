"""`living export`: a review's records leave as a file that other programs read."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from services.cli.commands import AS_JSON, REVIEW, Command, option
from services.cli.context import client
from services.cli.printing import counted, err, print_json
from shared.errors import Conflict, Invalid, Unavailable

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import ExportView

#: The formats, with how the names of their files end.
FORMATS = {
    "ris": ".ris", "nbib": ".nbib", "bibtex": ".bib", "endnote": ".xml", "csv": ".csv", "xlsx": ".xlsx",
    "csl-json": ".json",
}  # fmt: skip

_STANDINGS = ("waiting", "included", "excluded")


@click.command(
    "export",
    cls=Command,
    example="living export shared-records --as ris --standing included\n"
    "living export shared-records --stage full_text --as nbib --to full-text.nbib",
)
@REVIEW
@option("--as", "format_", type=click.Choice(list(FORMATS)), default="ris", help="The format of the file.")
@option("--stage", help="Only records that stand at this stage, or were decided there last.")
@option("--standing", type=click.Choice(_STANDINGS), help="Only records with this standing.")
@option("--to", type=click.Path(path_type=Path), help="The file to write; `-` writes to the standard output.")
@option("--force", is_flag=True, help="Write over a file that is there.")
@AS_JSON
def export(
    review: str, format_: str, stage: str | None, standing: str | None, to: Path | None, force: bool, as_json: bool
) -> None:
    """Write a review's records into a file, each with where it stands in screening and why it was excluded.

    What is written and imported again is the same record.
    """
    to = to or Path(f"{review}{FORMATS[format_]}")
    _require_writable(to, force=force, as_json=as_json)
    with client() as living:
        asked = {"format": format_, "stage": stage, "standing": standing}
        view = _made(living, review, {name: value for name, value in asked.items() if value})
        if str(to) == "-":
            _fetch(living, view, sys.stdout.buffer)
            return
        part = to.with_name(f"{to.name}.part")
        try:
            with part.open("wb") as file:
                _fetch(living, view, file)
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)
    if as_json:
        print_json(view)
        return
    err.print(f"{counted(view.records, 'record')} written to {to}", soft_wrap=True, highlight=False)
    if view.lacks:
        err.print(f"{format_} has no field for {', '.join(view.lacks)}", style="yellow", soft_wrap=True)


def _require_writable(to: Path, *, force: bool, as_json: bool) -> None:
    """Raises Conflict for a file that is there, and Invalid for a folder that is not, before anything is asked for."""
    if str(to) == "-":
        if as_json:
            raise click.UsageError("--json and --to - would both write to the standard output")
    elif to.exists() and not force:
        raise Conflict(f"{to} is there already: --force writes over it")
    elif not to.parent.is_dir():
        raise Invalid(f"{to.parent} is no folder that is there")


def _made(living: Client, review: str, asked: dict[str, str]) -> ExportView:
    """The export, once its file is made. Raises Unavailable with the reason where it cannot be."""
    with err.status("the file is made"):
        view = living.ingest.request_export(review, asked)
        while view.state == "waiting":
            time.sleep(0.3)
            view = living.ingest.export(review, view.id)
    if view.state == "failed":
        raise Unavailable(f"the file could not be made: {view.error}")
    return view


def _fetch(living: Client, view: ExportView, file: BinaryIO) -> None:
    """Writes the file as it comes. Raises Unavailable for one that is not whole."""
    digest = hashlib.sha256()

    def keep(piece: bytes) -> None:
        file.write(piece)
        digest.update(piece)

    living.ingest.file_of_export(view.review, view.id, keep)
    if digest.hexdigest() != view.sha256:
        raise Unavailable("the file broke off on its way: ask again")
