"""Provenance: what a revision came from, as PROV says it (W3C PROV-JSON), out of what was signed alone."""

from __future__ import annotations

from typing import Any

from services.synthesis.domain.revisions import number_of
from shared.wire.synthesis import Provenance, RevisionContent

#: The names of ours: URNs, which lead nowhere and are the same on every platform.
_PREFIX = {"living": "urn:living:", "prov": "http://www.w3.org/ns/prov#"}


def provenance_of(content: RevisionContent, sha256: str) -> Provenance:
    """A revision was made by signing it: of the protocol in force, and of the studies that support what it says, by a
    person who is an id; and it revises the one before."""
    revision, signing = f"living:revision-{content.revision}", f"living:signing-{content.revision}"
    protocol, signer = f"living:protocol-{content.review}-{content.protocol_version}", f"living:{content.signed_by}"
    studies = sorted({f"living:study-{study}" for cmoc in content.cmocs for study in cmoc.studies})
    at = content.signed_at.isoformat()
    entities: dict[str, dict[str, Any]] = {
        revision: {
            "prov:type": _name("living:Revision"),
            "prov:label": content.title,
            "living:number": content.number,
            "living:change": content.change_class,
            "living:sha256": sha256,
        },
        protocol: {"prov:type": _name("prov:Plan"), "living:sha256": content.protocol_sha256},
        **{study: {"prov:type": _name("living:Study")} for study in studies},
    }
    derived = {f"_:from-{n}": _derived(revision, study) for n, study in enumerate(studies)}
    if content.preceding is not None:
        before = f"living:revision-{content.preceding}"
        entities[before] = {
            "prov:type": _name("living:Revision"),
            "living:number": number_of(content.review, content.preceding, content.number),
        }
        derived["_:revises"] = _derived(revision, before) | {"prov:type": _name("prov:Revision")}
    return Provenance(
        prefix=_PREFIX,
        entity=entities,
        activity={signing: {"prov:type": _name("living:Signing"), "prov:endTime": at}},
        agent={signer: {"prov:type": _name("prov:Person")}},
        wasGeneratedBy={"_:made": {"prov:entity": revision, "prov:activity": signing, "prov:time": at}},
        used={
            f"_:used-{n}": {"prov:activity": signing, "prov:entity": used}
            for n, used in enumerate([protocol, *studies])
        },
        wasAssociatedWith={"_:by": {"prov:activity": signing, "prov:agent": signer, "prov:plan": protocol}},
        wasAttributedTo={"_:whose": {"prov:entity": revision, "prov:agent": signer}},
        wasDerivedFrom=derived,
    )


def _name(qualified: str) -> dict[str, str]:
    return {"$": qualified, "type": "prov:QUALIFIED_NAME"}


def _derived(made: str, of: str) -> dict[str, Any]:
    return {"prov:generatedEntity": made, "prov:usedEntity": of}
