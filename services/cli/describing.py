"""`living synthesis characteristics`: what the protocol asks of each study, and what people answer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import counted, indented, minute, out, print_json, print_line, print_rows
from shared.documents import LARGEST_DOCUMENT, read
from shared.errors import Invalid, LivingError
from shared.private import write_new

if TYPE_CHECKING:
    from shared.wire.synthesis import CharacteristicAnswer, CharacteristicStanding, StudyCharacteristics

characteristics = Group("characteristics", help="What is known of each included study, as the protocol asks.")

#: The columns of a sheet, and the keys of an answer in a JSON file.
_COLUMNS = ("record", "characteristic", "value", "not_reported", "locator", "fragment", "why")
_NEEDED = ("record", "characteristic")

#: Where in an answer something is wrong, as the platform says it.
_AT = re.compile(r"(?:body\.)?answers(?:\[|\.)(\d+)\]?\.?(.*)")


@characteristics.command("form", example="living synthesis characteristics form ics-leadership")
@REVIEW
@AS_JSON
def form(review: str, as_json: bool) -> None:
    """Print what the protocol asks of each included study."""
    with client() as living:
        rows = living.synthesis.characteristics(review)
    print_rows(
        rows,
        [
            ("name", lambda row: row.name),
            ("asks", lambda row: row.label),
            ("kind", lambda row: row.kind),
            ("options", lambda row: "; ".join(row.options)),
            ("must be answered", lambda row: "yes" if row.required else ""),
            ("since version", lambda row: row.since),
        ],
        as_json=as_json,
        empty=f"The protocol of {review} asks nothing of its studies.",
    )


@characteristics.command(
    "show",
    example="living synthesis characteristics show ics-leadership\n"
    "living synthesis characteristics show ics-leadership rec_1\n"
    "living synthesis characteristics show ics-leadership --csv studies.csv",
)
@REVIEW
@argument("record", "A record of the study; without one all included studies are printed.", required=False)
@option("--csv", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write all of it as CSV to a new file.")
@AS_JSON
def show(review: str, record: str | None, to: Path | None, as_json: bool) -> None:
    """Print what is known of the included studies, or of the study that a record's report is of.

    Where answers differ all of them are printed. What one of two coders answers they alone see before both have
    finished.
    """
    if to is not None and (record is not None or as_json):
        raise click.UsageError("--csv is of all studies, and not beside --json")
    with client() as living:
        if to is not None:
            write_new(to, living.synthesis.characteristics_csv(review).encode())
            print_line(f"The studies of {review} are in {to}.")
            return
        if record is not None:
            studies = [living.synthesis.characteristics_of(review, record)]
        else:
            studies = list(living.synthesis.described_studies(review))
    if as_json:
        print_json(studies[0] if record is not None else studies)
        return
    for study in studies:
        _show(study)
    if not studies:
        print_line(f"No report of {review} is included yet.")


def _show(study: StudyCharacteristics) -> None:
    titles = "; ".join(it.title or it.record for it in study.reports)
    out.print(Text(titles, style="bold"))
    print_line(f"  {', '.join(it.record for it in study.reports)}", "dim")
    for one in study.characteristics:
        out.print(indented(Text(f"{one.characteristic}: {_said(one)}", "yellow" if one.lacking else "")))
    if study.lacking or study.apart:
        print_line(f"  To be answered: {study.lacking}. Answers that differ: {study.apart}.", "yellow")


def _said(one: CharacteristicStanding) -> str:
    if not one.answers:
        return "must be answered" if one.lacking else "–"
    said = " | ".join(dict.fromkeys(map(_words, one.answers)))
    return f"they differ: {said}" if one.state == "differs" else said


def _words(answer: CharacteristicAnswer) -> str:
    value: object = answer.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list):
        value = "; ".join(value)
    earlier = f" (asked otherwise since version {answer.protocol_version})" if answer.earlier else ""
    if value is None:
        value = "not reported" if answer.not_reported else "taken back"
    return f"{value}{earlier}"


@characteristics.command("history", example="living synthesis characteristics history ics-leadership rec_1")
@REVIEW
@argument("record", "The record whose report was answered from.")
@AS_JSON
def history(review: str, record: str, as_json: bool) -> None:
    """Print all that was ever answered from a report, oldest first."""
    with client() as living:
        rows = list(living.synthesis.answers_of(review, record))
        called = called_in(living, review) if rows and not as_json else str
    print_rows(
        rows,
        [
            ("characteristic", lambda row: row.characteristic),
            ("answer", _words),
            ("where", lambda row: row.locator or row.fragment or ""),
            ("by", lambda row: called(row.by)),
            ("at", lambda row: minute(row.at)),
            ("why", lambda row: row.why or ""),
        ],
        as_json=as_json,
        empty=f"Nothing was answered from {record}.",
    )


@characteristics.command(
    "set",
    example="living synthesis characteristics set ics-leadership rec_1 setting 'three towns' --locator 'p. 3'\n"
    "living synthesis characteristics set ics-leadership --file answers.csv",
)
@REVIEW
@argument("record", "The record of the report.", required=False)
@argument("characteristic", "Its name, as `living synthesis characteristics form` shows it.", required=False)
@argument("value", "What the report says, in your own words; options with ; between them.", required=False)
@option("--not-reported", is_flag=True, help="The report does not say.")
@option("--clear", is_flag=True, help="Take back what was said.")
@option("--locator", help="Where it stands in the report.")
@option("--fragment", help="The id of a fragment that it rests on.")
@option("--why", help="Why it corrects another answer.")
@option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Answers from a file instead: CSV, or JSON (.json).",
)
@AS_JSON
def set_(
    review: str, record: str | None, characteristic: str | None, value: str | None, not_reported: bool, clear: bool,
    locator: str | None, fragment: str | None, why: str | None, file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what a report tells of a characteristic of its study, or many such answers of a file at once: all, or none.

    A file is CSV with the columns record, characteristic and value, and, where wanted, not_reported, locator, fragment
    and why; or a JSON list of objects with these keys. A value that is empty, with no yes under not_reported, takes
    back what was said.
    """
    if file is not None:
        if record is not None:
            raise click.UsageError("give a record, or --file")
        answers, lines = zip(*_answers_in(file), strict=True)
    else:
        if record is None or characteristic is None or sum((value is not None, not_reported, clear)) != 1:
            raise click.UsageError(
                "give a record, a characteristic, and its value, --not-reported or --clear; or --file"
            )
        given = {"record": record, "characteristic": characteristic, "value": value, "not_reported": not_reported}
        answers, lines = (given | {"locator": locator, "fragment": fragment, "why": why},), (None,)
    with acting("describing studies", review, "reviewer") as living:
        try:
            taken = living.synthesis.describe(review, {"answers": list(answers)})
        except LivingError as error:
            if file is not None:
                raise _in_file(file, lines, error) from error
            raise
    if as_json:
        print_json(taken)
    else:
        unchanged = len(answers) - taken.changed
        said = f"{counted(taken.changed, 'answer')} kept"
        print_line(f"{said}, {unchanged} known already." if unchanged else f"{said}.")


def _answers_in(file: Path) -> Iterator[tuple[dict[str, Any], int | None]]:
    """The answers in a file, each with its line. Raises Invalid with file and line."""
    if not file.is_file():
        raise Invalid(f"there is no file {file}")
    if file.stat().st_size > LARGEST_DOCUMENT:
        raise Invalid(f"{file}: it has more than {LARGEST_DOCUMENT:,} bytes: send it in parts")
    found = list(_in_json(file) if file.suffix == ".json" else _in_csv(file))
    if not found:
        raise Invalid(f"{file}: there are no answers in it")
    yield from found


def _in_csv(file: Path) -> Iterator[tuple[dict[str, Any], int | None]]:
    try:
        rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        columns = [it.strip() for it in next(rows, [])]
        for name in (it for it in columns if it not in _COLUMNS or columns.count(it) > 1):
            raise _wrong(file, 1, name, f"is no column, or stands twice; there may be: {', '.join(_COLUMNS)}")
        for name in (it for it in _NEEDED if it not in columns):
            raise _wrong(file, 1, name, "this column is missing")
        ended = rows.line_num
        for cells in rows:
            line, ended = ended + 1, rows.line_num  # A row may be of several lines.
            if not any(it.strip() for it in cells):
                continue
            if len(cells) != len(columns):
                raise _wrong(file, line, "row", f"it has {len(cells)} cells of {len(columns)}")
            answer: dict[str, Any] = {name: cell for name, cell in zip(columns, cells, strict=True) if cell.strip()}
            yield answer | _yes(file, line, answer.get("not_reported", "")), line
    except UnicodeDecodeError as error:
        raise Invalid(f"{file}: it is no UTF-8: {error.reason}") from error
    except csv.Error as error:
        raise Invalid(f"{file}, line {rows.line_num}: {error}") from error


def _yes(file: Path, line: int, word: str) -> dict[str, Any]:
    if (said := word.strip().casefold()) not in ("", "yes", "no", "true", "false"):
        raise _wrong(file, line, "not_reported", "takes yes or no")
    return {"not_reported": said in ("yes", "true")}


def _in_json(file: Path) -> Iterator[tuple[dict[str, Any], int | None]]:
    # What is JSON is YAML, too, whose reader knows the lines.
    document = read(file.read_bytes(), "yaml", what=str(file), slug="malformed_answers")
    if document.faults:
        path, why = document.faults[0]
        raise _wrong(file, document.line_of(path), "answers", why)
    if not isinstance(document.data, list):
        raise Invalid(f"{file}: a list of answers must stand here")
    for at, answer in enumerate(document.data):
        if not isinstance(answer, dict):
            raise _wrong(file, document.line_of((at,)), "answer", "keys with values must stand here")
        yield answer, document.line_of((at,))


def _in_file(file: Path, lines: tuple[int | None, ...], error: LivingError) -> LivingError:
    """What the platform says of an answer, with its line in the file; anything else as it is."""
    errors = []
    for it in error.extra.get("errors", []):
        if (found := _AT.fullmatch(it["at"])) is not None and int(found[1]) < len(lines):
            line = lines[int(found[1])]
            number = {"line": line} if line is not None else {"answer": int(found[1]) + 1}
            errors.append({"at": found[2] or "answer", "why": it["why"]} | number)
    if not errors:
        return error
    first = errors[0]
    where = f"line {first['line']}" if "line" in first else f"answer {first['answer']}"
    return Invalid(f"{file}, {where}: {first['at']}: {first['why']}", errors, slug=error.slug)


def _wrong(file: Path, line: int | None, at: str, why: str) -> Invalid:
    where = f", line {line}" if line is not None else ""
    return Invalid(f"{file}{where}: {at}: {why}")
