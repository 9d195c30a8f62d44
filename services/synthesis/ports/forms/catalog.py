"""The forms that a revision has as a file, and what makes each; the same revision is the same file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.synthesis.domain.matrix import read
from services.synthesis.ports.forms import destiny, linked, markdown, sheets, word
from shared.wire.synthesis import EvidenceForm, ExportForm, RevisionContent, WithdrawnRevision


@dataclass(frozen=True)
class Published:
    """A revision to be written: what was signed, with its hash, the DOI of it where it has one, and that it was
    withdrawn since, where it was."""

    content: RevisionContent
    sha256: str
    doi: str | None = None
    withdrawn: WithdrawnRevision | None = None


#: All that a revision says.
FORMS: Mapping[ExportForm, Callable[[Published], bytes]] = {
    "markdown": lambda it: markdown.written(it.content, it.sha256, it.doi, it.withdrawn),
    "docx": lambda it: word.written(it.content, it.sha256, it.doi, it.withdrawn),
    "csv": lambda it: sheets.written(it.content, it.withdrawn),
    "jsonld": lambda it: linked.written(it.content, it.sha256, it.doi, None, it.withdrawn),
}

#: The links that it rests on, out of the matrix as it was signed: for those who may see them.
EVIDENCE: Mapping[EvidenceForm, Callable[[Published, str], bytes]] = {
    "matrix": lambda it, text: text.encode(),
    "annotated": lambda it, text: linked.written(it.content, it.sha256, it.doi, read(text).links, it.withdrawn),
    "destiny": lambda it, text: destiny.written(it.content, read(text).links),
}
