"""Revisions: the signed document, a form of its own with a schema number, and how it is read for those who look at it.

What was signed are bytes: the document in canonical JSON (RFC 8785). They are kept as they were signed, and verified as
they are kept (`services.synthesis.domain.verifying`). The forms that HTTP carries are projections of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.canonical import canonical_json
from shared.errors import Conflict, Invalid
from shared.events.synthesis import Change, NotSearched
from shared.ids import id_of
from shared.wire.synthesis import GoneCmoc, RevisionContent, Statement, TheoryText, TriggerView

#: The schema of documents that are signed now. The first had no number, and keys sorted by code point. The third has
#: the rules of each status (`reasons`) and what speaks to each part (`by_element`); its `fragments_sha256` is of the
#: hashes of each CMOC's links, where those before have that of all links.
SCHEMA = 3

#: Every schema that this release can show.
KNOWN_SCHEMAS = (1, 2, SCHEMA)

Document = Mapping[str, Any]

#: The parts of a document that listings show.
_HEAD = (
    "revision", "review", "number", "cycle", "title", "change_class", "summary", "preceding", "fragments_sha256",
    "signed_by", "signed_at", "drill",
)  # fmt: skip

_CONTENT = (
    *_HEAD, "protocol_version", "protocol_sha256", "searched_through", "theories", "cmocs", "drills", "counts",
    "evidence", "changes", "triggers", "because",
)  # fmt: skip

#: The parts that stand in a document only where it has something to say there.
_SOMETIMES = ("not_searched", "gone", "matrix_sha256")


def revision_id(review: str, number: int) -> str:
    """The id of a review's n-th revision, known before it is published: its whole cycle is one flow."""
    return id_of("rev", review, str(number))


def number_of(review: str, revision: str | None, before: int) -> int | None:
    """The number of an earlier revision, which is mostly the last one before."""
    if revision is None:
        return None
    return next((number for number in range(before - 1, 0, -1) if revision_id(review, number) == revision), None)


def freeze(content: RevisionContent) -> tuple[str, str]:
    """The document as canonical JSON, and its hex SHA-256."""
    frozen = canonical_json(document_of(content))
    return frozen.decode(), hashlib.sha256(frozen).hexdigest()


def document_of(content: RevisionContent) -> Document:
    """The document of schema 3, part by part: what the wire's forms come to hold later is not in it. Instants are ISO
    8601 with their zone, days ISO 8601."""
    sometimes: dict[str, Any] = {}
    if content.not_searched:
        sometimes["not_searched"] = [_not_searched(it) for it in content.not_searched]
    if content.gone:
        sometimes["gone"] = [_gone(it) for it in content.gone]
    if content.matrix_sha256 is not None:
        sometimes["matrix_sha256"] = content.matrix_sha256
    return sometimes | {
        "schema": SCHEMA,
        "revision": content.revision,
        "review": content.review,
        "number": content.number,
        "cycle": content.cycle,
        "title": content.title,
        "change_class": content.change_class,
        "summary": content.summary,
        "preceding": content.preceding,
        "fragments_sha256": content.fragments_sha256,
        "signed_by": content.signed_by,
        "signed_at": content.signed_at.isoformat(),
        "drill": content.drill,
        "protocol_version": content.protocol_version,
        "protocol_sha256": content.protocol_sha256,
        "searched_through": {source: day.isoformat() for source, day in content.searched_through.items()},
        "theories": [_theory(it) for it in content.theories],
        "cmocs": [_statement(it) for it in content.cmocs],
        "drills": content.drills,
        "counts": {
            "studies": content.counts.studies,
            "reports": content.counts.reports,
            "fragments": content.counts.fragments,
            "links": content.counts.links,
        },
        "evidence": {"added": content.evidence.added, "withdrawn": content.evidence.withdrawn},
        "changes": [_change(it) for it in content.changes],
        "triggers": [_trigger(it) for it in content.triggers],
        "because": content.because,
    }


def head_of(document: Document) -> dict[str, Any]:
    """The part of a document that listings show, as it is stored."""
    return {name: document[name] for name in _HEAD}


def parsed(frozen: str) -> Document:
    """The document in what was signed. Raises Invalid where there is none."""
    try:
        document = json.loads(frozen)
    except (ValueError, RecursionError) as error:
        raise Invalid("what was signed is no JSON") from error
    if not isinstance(document, dict):
        raise Invalid("what was signed is no JSON object")
    return document


def schema_of(document: Document) -> int | None:
    """The schema's number; None for what is no number."""
    schema = document.get("schema", 1)
    return schema if type(schema) is int else None


def content_of(frozen: str) -> RevisionContent:
    """What people are shown of a signed document. Raises what `read` raises."""
    return read(frozen)[1]


def read(frozen: str) -> tuple[int, RevisionContent]:
    """A signed document's schema, and what people are shown of it.

    Raises Conflict for a schema that this release does not know, and for what is not of its schema any more.
    """
    try:
        document = parsed(frozen)
        schema = schema_of(document)
        if schema in KNOWN_SCHEMAS:
            parts = {name: document[name] for name in (*_CONTENT, *(it for it in _SOMETIMES if it in document))}
            return schema, RevisionContent.model_validate(parts)
    except (Invalid, KeyError, ValidationError) as error:
        raise Conflict(
            "this revision was changed where it is kept and cannot be shown; verifying it says what is wrong with it",
            slug="spoiled_revision",
        ) from error
    raise Conflict(
        f"this revision is of schema {schema}, which this release does not know: it can be verified and exported here, "
        "and shown by a later release",
        slug="unknown_schema",
    )


def not_searched_of(document: Document) -> list[NotSearched]:
    """The searches by hand that a document says it goes without. Raises ValidationError for what are none."""
    return TypeAdapter(list[NotSearched]).validate_python(document.get("not_searched", []))


def _not_searched(it: NotSearched) -> dict[str, Any]:
    return {"strategy": it.strategy, "database": it.database, "due": it.due.isoformat(), "reason": it.reason}


def _gone(it: GoneCmoc) -> dict[str, Any]:
    return {"cmoc": it.cmoc, "how": it.how, "into": it.into, "why": it.why}


def _theory(it: TheoryText) -> dict[str, Any]:
    return {"theory": it.theory, "heading": it.heading, "statement": it.statement}


def _statement(it: Statement) -> dict[str, Any]:
    return {
        "cmoc": it.cmoc,
        "theory": it.theory,
        "context": it.context,
        "resource": it.resource,
        "reasoning": it.reasoning,
        "outcome": it.outcome,
        "status": it.status,
        "support": it.support,
        "flagged": it.flagged,
        "elements": dict(it.elements),
        "stances": dict(it.stances),
        "studies": it.studies,
        "links": it.links,
        "challenges": it.challenges,
        "reasons": [
            {"rule": reason.rule, "met": reason.met, "studies": reason.studies, "links": reason.links}
            for reason in it.reasons
        ],
        "by_element": {
            element: [
                {"stance": one.stance, "links": one.links, "shown": one.shown, "studies": one.studies} for one in counts
            ]
            for element, counts in it.by_element.items()
        },
        **({"pattern": it.pattern.model_dump()} if it.pattern is not None else {}),
        **({"confidence": it.confidence.model_dump()} if it.confidence is not None else {}),
    }


def _change(it: Change) -> dict[str, Any]:
    return {
        "cmoc": it.cmoc,
        "what": it.what,
        "before": it.before,
        "after": it.after,
        "change_class": it.change_class,
    }


def _trigger(it: TriggerView) -> dict[str, Any]:
    return {
        "rule": it.rule,
        "subject": it.subject,
        "why": it.why,
        "cycle": it.cycle,
        "drill": it.drill,
        "at": it.at.isoformat(),
    }
