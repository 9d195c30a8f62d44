"""The evidence and appraisals behind a revision in the shape of the DESTINY repository's file of references, so that
others who keep evidence can take it in.

Written by our own small code, since its package wants a newer Python than ours; tests hold it against that package's
schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from services.synthesis.domain.matrix import MatrixLink
from shared.wire.synthesis import RevisionContent

#: The version of `destiny-sdk` whose `ReferenceFileInput` a line is.
SHAPE = "0.17.6"

#: What is said of a link beside what its annotation's names say.
_SAID = (
    "link", "fragment", "inference", "rationale", "coder", "data_type", "locator", "paraphrase", "quote", "anchor",
    "parse_sha256", "start", "end", "quote_sha256", "salt",
)  # fmt: skip


def written(content: RevisionContent, links: Sequence[MatrixLink]) -> bytes:
    """JSON lines, a report a line. In ASCII, so that no other character ends a line. Not public: these are for members
    of the review."""
    source = f"living:{content.review}:{content.number}"
    return "".join(f"{json.dumps(_reference(source, of))}\n" for of in _by_report(links)).encode("ascii")


def _by_report(links: Sequence[MatrixLink]) -> Iterator[list[MatrixLink]]:
    reports: dict[str, list[MatrixLink]] = {}
    for it in links:
        reports.setdefault(it.record, []).append(it)
    yield from (reports[record] for record in sorted(reports))


def _reference(source: str, of: Sequence[MatrixLink]) -> dict[str, Any]:
    """A report: its title, what each of its links says, and what was judged of them."""
    first = of[0]
    said = [{"enhancement_type": "bibliographic", "title": first.title}] if first.title else []
    evidence = {"enhancement_type": "annotation", "annotations": [_link(it) for it in of]}
    judged = [_appraisal(it) for it in of]
    contents = [*said, evidence, {"enhancement_type": "annotation", "annotations": judged}]
    return {
        "visibility": "restricted",
        "identifiers": [
            {"identifier_type": "other", "other_identifier_name": "living:record", "identifier": first.record},
            {"identifier_type": "other", "other_identifier_name": "living:study", "identifier": first.study},
        ],
        "enhancements": [{"source": source, "visibility": "restricted", "content": it} for it in contents],
    }


def _link(it: MatrixLink) -> dict[str, Any]:
    """That the report speaks to an element of a CMOC, and where."""
    return _annotation(f"living:{it.stance}", f"{it.cmoc}:{it.element}", True, _given(it, _SAID))


def _appraisal(it: MatrixLink) -> dict[str, Any]:
    """Whether it counted as credible for what it says, and what a person had judged."""
    return _annotation("living:credible", f"{it.cmoc}:{it.element}", it.credible, _given(it, ("link", "judged")))


def _given(it: MatrixLink, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(it, name)) is not None}


def _annotation(scheme: str, label: str, value: bool, data: dict[str, Any]) -> dict[str, Any]:
    return {"annotation_type": "boolean", "scheme": scheme, "label": label, "value": value, "data": data}
