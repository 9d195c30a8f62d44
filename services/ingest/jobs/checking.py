"""Holding a whole file against its mapping before anything of it is kept."""

from __future__ import annotations

from services.ingest.domain.mappings import Mapped, read_mapping
from services.ingest.domain.statements import Check, Problem
from services.ingest.models import ImportRow
from services.ingest.ports.libraries.columns import cited
from services.ingest.ports.libraries.common import MOST_FIELDS
from services.ingest.ports.libraries.port import Entry, Opened
from shared.errors import Invalid
from shared.service import Context


class MappingMisfit(Invalid):
    """A file does not fit its mapping; `problems` say where and why, with the values. What it says itself has none."""

    slug = "mapping_misfit"

    def __init__(self, problems: list[Problem]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0].at}: {problems[0].why}{more}; nothing of the file was taken in")
        self.problems = problems


def mapped_of(row: ImportRow, stages: dict[str, list[str]] | None) -> tuple[Mapped, ...]:
    """What an import's file states, nothing without a mapping. Raises MappingMisfit where the protocol has changed
    since it was asked for, unless that has begun."""
    if row.mapping is None:
        return ()
    try:
        return read_mapping(row.mapping, stages if row.run is None else None)
    except Invalid as error:
        raise MappingMisfit(
            [Problem(f"the mapping, line {one['line']}", one["why"]) for one in error.errors]
        ) from error


def check_file(running: Context, row: ImportRow, mapped: tuple[Mapped, ...], opened: Opened) -> None:
    """Goes through the whole file, however large, keeping no record of it; stops where the process is to end. Raises
    MappingMisfit, and UnreadableLibrary for a file that cannot be read to its end."""
    check = Check(
        row.name, mapped, opened.columns, cited(opened.columns, opened.dialect), most_fields=MOST_FIELDS
    )  # fmt: skip
    for each in opened.entries:
        if running.stopping.is_set():
            return
        if isinstance(each, Entry):
            check.see(each.line, each.fields)
    if problems := check.problems():
        raise MappingMisfit(problems)
