"""A revision as a Word document (DOCX), the same bytes each time."""

from __future__ import annotations

import zipfile
from datetime import UTC
from io import BytesIO

from services.synthesis.ports.forms.outline import Heading, Item, outline_of
from shared.characters import sayable
from shared.wire.synthesis import RevisionContent, WithdrawnRevision

_STYLES = ("Heading 1", "Heading 2", "Heading 3", "List Bullet")

#: Characters that a property of the document holds.
_LONGEST_PROPERTY = 255

#: The time of every file in the archive (the least that ZIP has).
_THEN = (1980, 1, 1, 0, 0, 0)


def written(
    content: RevisionContent, sha256: str, doi: str | None, withdrawn: WithdrawnRevision | None = None
) -> bytes:
    from docx import Document  # What it brings along is loaded by whoever asks for a document.

    document = Document()
    # By its id: to set a style by its name takes ten times as long as all else of a paragraph.
    styles = {name: document.styles[name].style_id for name in _STYLES}
    for block in outline_of(content, sha256, doi, withdrawn):
        paragraph = document.add_paragraph()
        match block:
            case Heading():
                paragraph._p.style = styles[f"Heading {block.level}"]
            case Item():
                paragraph._p.style = styles["List Bullet"]
                paragraph.add_run(f"{_line(block.label)}: ").bold = True
        paragraph.add_run(_line(block.text))
    about = document.core_properties
    about.title = _line(f"{content.title}: revision {content.number}")[:_LONGEST_PROPERTY]
    about.author = about.last_modified_by = _line(f"The review team of {content.review}")[:_LONGEST_PROPERTY]
    about.comments = ""
    about.version = str(content.number)
    about.created = about.modified = content.signed_at.astimezone(UTC).replace(tzinfo=None)
    saved = BytesIO()
    document.save(saved)
    return _packed_alike(saved)


def _line(text: str) -> str:
    """What people wrote, as one line of what XML can say."""
    return " ".join(sayable(text).split())


def _packed_alike(saved: BytesIO) -> bytes:
    """The same archive without the time at which it was packed."""
    out = BytesIO()
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(zipfile.ZipInfo(name, _THEN), before.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
