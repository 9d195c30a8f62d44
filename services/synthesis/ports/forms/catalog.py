"""The forms that a revision has as a file: what each is called, of which type it is, and what makes it."""

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


@dataclass(frozen=True)
class Made:
    """A form: how its file's name ends, its media type, and what makes it of what was signed. The same revision is the
    same file."""

    ending: str
    media_type: str
    make: Callable[[Signed], bytes]


@dataclass(frozen=True)
class MadeOfLinks:
    """The same of a form that shows the links that a revision rests on: it is for those who may see them."""

    ending: str
    media_type: str
    make: Callable[[Signed, str, Sequence[MatrixLink]], bytes]


FORMS: Mapping[ExportForm, Made] = {
    "markdown": Made(".md", "text/markdown", lambda it: markdown.written(it.content, it.sha256, it.doi)),
    "docx": Made(".docx", word.MEDIA_TYPE, lambda it: word.written(it.content, it.sha256, it.doi)),
    "csv": Made("-cmocs.csv", "text/csv", lambda it: sheets.written(it.content)),
    "jsonld": Made(".jsonld", linked.MEDIA_TYPE, lambda it: linked.written(it.content, it.sha256, it.doi, None)),
}

EVIDENCE: Mapping[EvidenceForm, MadeOfLinks] = {
    "matrix": MadeOfLinks("-matrix.csv", "text/csv", lambda it, text, links: text.encode()),
    "annotated": MadeOfLinks(
        "-annotated.jsonld",
        linked.MEDIA_TYPE,
        lambda it, text, links: linked.written(it.content, it.sha256, it.doi, links),
    ),
    "destiny": MadeOfLinks(
        f"-destiny-{destiny.SHAPE}.jsonl",
        "application/jsonl",
        lambda it, text, links: destiny.written(it.content, links),
    ),
}


def name_of(review: str, number: int, ending: str) -> str:
    return f"{review}-revision-{number}{ending}"
