"""A report as a Word document: its items in order, what people wrote with its stamp, and where each number is from."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

from shared.characters import sayable
from shared.reporting.asking import Number
from shared.reporting.documents import Authored, Document, Item, Lack, Paragraph, Run, Table
from shared.reporting.wording import HEADING, WORDS, shown, stamp_of, state_of

if TYPE_CHECKING:
    from docx.document import Document as Word
    from docx.text.paragraph import Paragraph as Line

_GRID = "Light Grid Accent 1"


def as_docx(document: Document) -> bytes:
    """The bytes of the file."""
    # Not at the top: whoever draws another form needs it not.
    from docx import Document as new

    made = new()
    made.core_properties.title = sayable(f"{document.title}: {document.name}")[:255]
    made.core_properties.author = ""
    made.core_properties.comments = ""
    _begin(made, document)
    section = ""
    for item in document.items:
        if item.section != section:
            section = item.section
            made.add_heading(section, 1)
        _item(made, item)
    _queries(made, document)
    file = BytesIO()
    made.save(file)
    return file.getvalue()


def _begin(made: Word, document: Document) -> None:
    made.add_heading(sayable(f"{document.title}: {document.name}"), 0)
    made.add_paragraph(sayable(HEADING.format(document=document, of=of_what(document))))
    made.add_paragraph(document.source)


def of_what(document: Document) -> str:
    """What of the review the report is of."""
    return WORDS["of_revision"].format(n=document.revision) if document.revision is not None else WORDS["of_now"]


def _item(made: Word, item: Item) -> None:
    made.add_heading(sayable(f"{item.number}. {item.about}"), 2)
    if item.state != "filled":
        made.add_paragraph().add_run(state_of(item)).italic = True
    for block in item.blocks:
        match block:
            case Paragraph():
                _fill(made.add_paragraph(), block)
            case Table():
                _table(made, block)
            case Lack():
                made.add_paragraph().add_run(block.why).italic = True
    for written in item.authored:
        _authored(made, written)


def _authored(made: Word, written: Authored) -> None:
    if written.text is None:
        made.add_paragraph().add_run(WORDS["to_write"].format(asks=written.asks)).italic = True
        return
    for text in re.split(r"\n\s*\n", written.text):
        made.add_paragraph(sayable(text))
    made.add_paragraph().add_run(sayable(stamp_of(written))).italic = True


def _table(made: Word, table: Table) -> None:
    line = made.add_paragraph()
    _fill(line, table.caption)
    for run in line.runs:
        run.bold = True
    drawn = made.add_table(rows=1, cols=len(table.head))
    drawn.style = _GRID
    for cell, text in zip(drawn.rows[0].cells, table.head, strict=True):
        cell.text = text
    for row in table.rows:
        for cell, content in zip(drawn.add_row().cells, row, strict=True):
            _fill(cell.paragraphs[0], content)
    if table.cut:
        made.add_paragraph().add_run(WORDS["cut"]).italic = True


def _fill(line: Line, paragraph: Paragraph) -> None:
    for run in paragraph.runs:
        line.add_run(_text(run))


def _text(run: Run) -> str:
    return shown(run.value) if isinstance(run, Number) else sayable(run.text)


def _queries(made: Word, document: Document) -> None:
    """Each number of the report once more, with the question that gives it again."""
    made.add_heading(WORDS["queries"], 1)
    made.add_paragraph(WORDS["queries_help"])
    found = {run.query: run for run in document.runs() if isinstance(run, Number)}
    drawn = made.add_table(rows=1, cols=3)
    drawn.style = _GRID
    for cell, text in zip(drawn.rows[0].cells, (WORDS["number"], WORDS["request"], WORDS["read_as"]), strict=True):
        cell.text = text
    for query, number in found.items():
        cells = drawn.add_row().cells
        for cell, text in zip(cells, (shown(number.value), query.request.line, query.reading), strict=True):
            cell.text = sayable(text)
