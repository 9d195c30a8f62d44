"""The evidence matrix: every link that a revision rests on, as it stood when that was signed, and whether it says what
the revision says.

It is kept with the revision, and asked for no number: whoever has the matrix and the signed document computes each
status and each count anew (`faults_of`), by the rules of `services.synthesis.domain.states`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from services.synthesis.domain.states import PARTS, Link, Report, Wording, synthesise
from shared.errors import Invalid
from shared.events.synthesis import Credibility, Element, Inference, Stance
from shared.ids import id_of
from shared.wire.synthesis import RevisionContent, Statement

#: Bytes of a matrix that are read: 50,000 links have some 25 MB.
LARGEST = 512 * 1024 * 1024

#: Parts of a statement that its links give.
_GIVEN = (
    "status", "support", "elements", "stances", "studies", "links", "challenges", "reasons", "by_element", "pattern",
)  # fmt: skip


class MatrixLink(BaseModel):
    """A link with its fragment, its report and its study, as they stood. `credible` is whether it counted as such,
    `judged` what somebody had judged of it. Of a quote that was found in a copy, `anchor` to `salt` say where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cmoc: str
    link: str
    element: Element
    stance: Stance
    inference: Inference
    credible: bool
    judged: Credibility | None = None
    rationale: str | None = None
    study: str
    record: str
    title: str | None = None
    fragment: str
    coder: str
    data_type: str
    locator: str
    paraphrase: str
    quote: str | None = None
    anchor: str | None = None
    parse_sha256: str | None = None
    start: int | None = None
    end: int | None = None
    quote_sha256: str | None = None
    salt: str | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is read of a matrix: its links, and the hex SHA-256 of its text."""

    links: list[MatrixLink]
    sha256: str


_COLUMNS = tuple(MatrixLink.model_fields)


def written(links: Iterable[MatrixLink]) -> str:
    """The matrix as CSV (RFC 4180), a link a line, by CMOC and link; what begins as a formula of a spreadsheet does has
    a blank before it."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(_COLUMNS)
    for it in sorted(links, key=lambda it: (it.cmoc, it.link)):
        lines.writerow([cell(getattr(it, name)) for name in _COLUMNS])
    return out.getvalue()


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str) -> Matrix:
    """A matrix out of its text. Raises Invalid with the line at fault."""
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        if tuple(next(lines, ())) != _COLUMNS:
            raise Invalid("the matrix has other columns than those of a matrix", slug="malformed_matrix")
        return Matrix([_link(line, lines.line_num) for line in lines], sha256_of(text))
    except csv.Error as error:
        raise Invalid(f"the matrix, line {lines.line_num}: {error}", slug="malformed_matrix") from error


def faults_of(content: RevisionContent, links: Sequence[MatrixLink]) -> list[str]:
    """Where a revision says something else than its links do. Nothing is believed of either: ids are made anew of what
    they are made of, each CMOC's statement of its links, and the hash of all."""
    return list(dict.fromkeys(_faults(content, links)))


def _faults(content: RevisionContent, links: Sequence[MatrixLink]) -> Iterator[str]:
    studies: dict[str, str] = {}
    records: dict[str, str] = {}
    for it in links:
        if studies.setdefault(it.record, it.study) != it.study:
            yield f"record {it.record} is of two studies in the matrix"
        if records.setdefault(it.fragment, it.record) != it.record:
            yield f"fragment {it.fragment} is of two records in the matrix"
        if it.link != id_of("link", it.fragment, it.cmoc, it.element, it.stance):
            yield f"link {it.link} is of another element, stance or fragment than the matrix says"
    for cmoc, times in Counter(it.cmoc for it in content.cmocs).items():
        if times > 1:
            yield f"the revision states {cmoc} {times} times"
    wordings = [Wording(it.cmoc, it.theory, *(getattr(it, part) for part in PARTS)) for it in content.cmocs]
    reports = {record: Report(record, study, True, True) for record, study in studies.items()}
    flagged = {it.cmoc for it in content.cmocs if it.flagged}
    now = synthesise(content.theories, wordings, map(_of, links), reports, flagged=flagged)
    for said, computed in zip(content.cmocs, now.cmocs, strict=True):
        yield from _unlike(said, computed)
    for cmoc in sorted({it.cmoc for it in links} - {it.cmoc for it in wordings}):
        yield f"the matrix has links to {cmoc}, which the revision does not state"
    if now.fragments_sha256 != content.fragments_sha256:
        yield "the links are not those that were hashed: a study, an inference or a credibility is another"
    if now.counts != content.counts:
        yield "the revision counts other studies, reports, fragments or links than the matrix has"


def _unlike(said: Statement, now: Statement) -> Iterator[str]:
    for name in _GIVEN:
        if getattr(said, name) != getattr(now, name):
            of = "is" if name in ("status", "support") else "are"
            shown = f": {getattr(said, name)}, and by its links {getattr(now, name)}" if of == "is" else ""
            yield f"{said.cmoc}: its {name.replace('_', ' ')} {of} not what its links give{shown}"


def _of(it: MatrixLink) -> Link:
    credibility: Credibility = "credible" if it.credible else "not_credible"
    return Link(it.link, it.fragment, it.record, it.cmoc, it.element, it.stance, it.inference, credibility)


def cell(value: object) -> str:
    """A value in a cell of a sheet, where it is no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f" {text}" if text[:1] in _FORMULAS else text


#: What a spreadsheet takes for the beginning of a formula.
_FORMULAS = tuple("=+-@\t\r")


def _link(line: list[str], number: int) -> MatrixLink:
    if len(line) != len(_COLUMNS):
        raise Invalid(
            f"the matrix, line {number}: it has {len(line)} cells of {len(_COLUMNS)}", slug="malformed_matrix"
        )
    given: dict[str, Any] = {name: cell for name, cell in zip(_COLUMNS, line, strict=True) if cell}
    given["credible"] = {"yes": True, "no": False}.get(given.get("credible", ""))
    try:
        return MatrixLink.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"the matrix, line {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise Invalid(why, slug="malformed_matrix") from error
