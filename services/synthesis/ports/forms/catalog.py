"""The forms that a revision has as a file, and what makes each; the same revision is the same file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.synthesis.domain.matrix import MatrixLink
from services.synthesis.ports.forms import destiny, linked, markdown, sheets, word
from shared.wire.synthesis import EvidenceForm, ExportForm, RevisionContent


@dataclass(frozen=True)
class Signed:
    """A revision to be written: what was signed, with its hash, and the DOI of it where it has one."""

    content: RevisionContent
    sha256: str
    doi: str | None = None


#: All that a revision says.
FORMS: Mapping[ExportForm, Callable[[Signed], bytes]] = {
    "markdown": lambda it: markdown.written(it.content, it.sha256, it.doi),
    "docx": lambda it: word.written(it.content, it.sha256, it.doi),
    "csv": lambda it: sheets.written(it.content),
    "jsonld": lambda it: linked.written(it.content, it.sha256, it.doi, None),
}

#: The links that it rests on, out of the matrix as it was signed and as it is read: for those who may see them.
EVIDENCE: Mapping[EvidenceForm, Callable[[Signed, str, Sequence[MatrixLink]], bytes]] = {
    "matrix": lambda it, text, links: text.encode(),
    "annotated": lambda it, text, links: linked.written(it.content, it.sha256, it.doi, links),
    "destiny": lambda it, text, links: destiny.written(it.content, links),
}
