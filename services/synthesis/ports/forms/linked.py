"""A revision as linked data (JSON-LD): schema.org says what it is, PROV what it came from, and W3C's annotations where
its evidence stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from services.synthesis.domain.matrix import MatrixLink
from services.synthesis.domain.states import PARTS
from services.synthesis.ports.crates import collection_of
from shared.wire.synthesis import RevisionContent, Statement, WithdrawnRevision

_CONTEXT = ["https://schema.org/", {"prov": "http://www.w3.org/ns/prov#", "living": "urn:living:"}]


def written(
    content: RevisionContent,
    sha256: str,
    doi: str | None,
    links: Sequence[MatrixLink] | None,
    withdrawn: WithdrawnRevision | None = None,
) -> bytes:
    """With the annotations of its links where these are given."""
    graph = [
        _revision(content, sha256, doi) | _withdrawn(withdrawn),
        *(_claim(content.review, it) for it in content.cmocs),
    ]
    if links is not None:
        # A context of its own: it has other names for the same words.
        graph.append(collection_of(links))
    text = json.dumps({"@context": _CONTEXT, "@graph": graph}, ensure_ascii=False)
    return (text + "\n").encode()


def _revision(content: RevisionContent, sha256: str, doi: str | None) -> dict[str, Any]:
    of, at = _id(f"revision-{content.revision}"), content.signed_at.isoformat()
    protocol = _id(f"protocol-{content.review}-{content.protocol_version}")
    said: dict[str, Any] = {
        "@id": of,
        "@type": ["CreativeWork", "prov:Entity"],
        "name": f"{content.title}: revision {content.number}",
        "description": content.summary,
        "version": str(content.number),
        "datePublished": at,
        "creator": {"@type": "Organization", "name": f"The review team of {content.review}"},
        "identifier": [{"@type": "PropertyValue", "propertyID": "sha256", "value": sha256}],
        "isPartOf": {"@id": _id(f"review-{content.review}"), "@type": "CreativeWork", "name": content.title},
        "living:change": content.change_class,
        "living:drill": content.drill,
        "hasPart": [{"@id": _claim_id(content.review, it)} for it in content.cmocs],
        "prov:wasAttributedTo": {"@id": _id(content.signed_by), "@type": "prov:Person"},
        "prov:wasGeneratedBy": {
            "@id": _id(f"signing-{content.revision}"),
            "@type": "prov:Activity",
            "prov:endedAtTime": {"@value": at, "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
            "prov:used": {"@id": protocol, "@type": "prov:Plan"},
        },
        "prov:wasDerivedFrom": [
            {"@id": _id(f"study-{study}")} for study in sorted({one for it in content.cmocs for one in it.studies})
        ],
    }
    if content.preceding is not None:
        said["prov:wasRevisionOf"] = {"@id": _id(f"revision-{content.preceding}")}
    if doi is not None:
        said["identifier"].append({"@type": "PropertyValue", "propertyID": "doi", "value": doi})
        said["sameAs"] = f"https://doi.org/{doi}"
    return said


def _withdrawn(said: WithdrawnRevision | None) -> dict[str, Any]:
    """That nobody should go by it any more, where it was withdrawn."""
    if said is None:
        return {}
    at = {"@value": said.at.isoformat(), "@type": "http://www.w3.org/2001/XMLSchema#dateTime"}
    return {
        "creativeWorkStatus": "Withdrawn",
        "prov:invalidatedAtTime": at,
        "living:withdrawnWhy": said.why,
        **({"living:replacedByRevision": said.replaced_by} if said.replaced_by is not None else {}),
    }


def _claim(review: str, it: Statement) -> dict[str, Any]:
    return {
        "@id": _claim_id(review, it),
        "@type": ["Claim", "prov:Entity"],
        "name": it.cmoc,
        "text": f"Context: {it.context} Resource: {it.resource} Reasoning: {it.reasoning} Outcome: {it.outcome}",
        **{f"living:{part}": getattr(it, part) for part in PARTS},
        "living:theory": it.theory,
        "living:status": it.status,
        "living:support": it.support,
        "prov:wasDerivedFrom": [{"@id": _id(f"study-{study}")} for study in it.studies],
    }


def _claim_id(review: str, it: Statement) -> str:
    return _id(f"cmoc-{review}-{it.cmoc}")


def _id(name: str) -> str:
    return f"urn:living:{quote(name, safe='-._~:')}"
