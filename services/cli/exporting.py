"""`living export`: a review's records leave as a file that other programs read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.cli.commands import AS_JSON, REVIEW, Command, option
from services.cli.context import client
from services.cli.printing import counted, err, print_json
from services.cli.saving import require_writable, save
from shared.errors import Unavailable

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
    require_writable(to, force=force, as_json=as_json)
    with client() as living:
        asked = {"format": format_, "stage": stage, "standing": standing}
        view = _made(living, review, {name: value for name, value in asked.items() if value})
        save(to, lambda into: living.ingest.file_of_export(review, view.id, into), view.sha256)
        if str(to) == "-":
            return
    if as_json:
        print_json(view)
        return
    err.print(f"{counted(view.records, 'record')} written to {to}", soft_wrap=True, highlight=False)
    if view.lacks:
        err.print(f"{format_} has no field for {', '.join(view.lacks)}", style="yellow", soft_wrap=True)


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
