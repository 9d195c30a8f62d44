"""`living ingest correct`: a lead says what a field of a record is, and takes that back."""

from __future__ import annotations

from pathlib import Path

import click

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option, reason
from services.cli.context import acting
from services.cli.printing import out, print_json
from shared.errors import Invalid

app = Group(help="What people correct of records.")

#: The fields that may be corrected, those that are lists last.
FIELDS = (
    "title", "abstract", "venue", "volume", "issue", "pages", "article_number", "published", "kind", "language",
    "publisher", "authors", "editors", "keywords",
)  # fmt: skip
_LISTS = FIELDS[-3:]

_REASON = reason()


@app.command(
    "correct",
    example="living ingest correct shared-records rec_01a2 title 'Leading together' --reason 'as it is printed'\n"
    "living ingest correct shared-records rec_01a2 authors 'Okoye, Ada' 'Lind, Per' --reason 'as it is printed'\n"
    "living ingest correct shared-records rec_01a2 abstract @abstract.txt --reason 'no source has it'",
)
@REVIEW
@argument("record", "A record, by its id.")
@argument("field", "What of it", type=click.Choice(FIELDS))
@argument("values", "What it should be: names or keywords one by one, a text, or @FILE.", nargs=-1)
@option("--none", is_flag=True, help="It has none.")
@_REASON
@AS_JSON
def correct(
    review: str, record: str, field: str, values: tuple[str, ...], none: bool, reason: str, as_json: bool
) -> None:
    """Say what a field of a record is, whatever its sources say, now and later; for leads.

    The record shows whose word it is (`living ingest record`). What it is called elsewhere is no field of it: that
    decides which records are one, which `living ingest duplicates` is for.
    """
    if none == bool(values):
        raise Invalid(f"say what its {field} is, or --none where it has none" + (": not both" if none else ""))
    if field not in _LISTS and len(values) > 1:
        raise Invalid(f"{field} is one text: put it in quotes")
    texts = [_text(value) for value in values]
    value = texts if field in _LISTS else (texts[0] if texts else None)
    with acting("correcting a record", review, "lead") as living:
        view = living.ingest.correct(review, record, field=field, value=value, reason=reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"{field} of {record} is corrected ({view.correction})", soft_wrap=True, highlight=False)


@app.command("undo-correction", example="living ingest undo-correction shared-records correction_1 --reason 'a slip'")
@REVIEW
@argument("correction", "A correction, by its id.")
@_REASON
@AS_JSON
def undo_correction(review: str, correction: str, reason: str, as_json: bool) -> None:
    """Take a correction back: what was corrected before it, or what the sources say, counts again; for leads."""
    with acting("undoing a correction", review, "lead") as living:
        view = living.ingest.undo_correction(review, correction, reason)
    if as_json:
        print_json(view)
    else:
        out.print(f"the correction of {view.field} by {view.corrected_by} counts no more", soft_wrap=True)


def _text(value: str) -> str:
    if not value.startswith("@"):
        return value
    path = Path(value[1:])
    if not path.is_file():
        raise Invalid(f"{path} is no file that is there")
    return path.read_text(encoding="utf-8").strip()
