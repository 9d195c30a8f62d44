"""Checking: what somebody takes away to see for themselves that a revision is what was signed: keys, and all of it."""

from __future__ import annotations

import asyncio
from typing import cast, get_args

from services.web.page import Asked, Drawn, Page, Pages
from services.web.saving import as_file, saved
from services.web.written import numbered
from shared.errors import NotFound
from shared.keys.published import read_keys
from shared.wire.synthesis import EvidenceForm, file_of

pages = Pages()

_AT = "/reviews/{review}/findings/{number}"


@pages.page(_AT + "/keys", open_to="readers", allowed=("scripts",))
async def show_keys(asked: Asked) -> Drawn:
    """The public keys by which revisions are checked, with their dates, and how that is done without this platform."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    verified, published = await asyncio.gather(
        asked.api.synthesis.verify(review, number), asked.api.operations.signing_keys()
    )
    ring = read_keys(published.model_dump_json().encode())
    given = {
        "review": review, "number": number, "kid": verified.kid,
        "keys": [key for key in reversed(ring.keys) if key.purpose == "revisions"],
    }  # fmt: skip
    return Page("keys.html", given)


@pages.page(_AT + "/keys.json", open_to="readers")
async def keep_keys(asked: Asked) -> Drawn:
    """Every public key with its dates, as a file: what is at /signing-keys, for whoever has no token."""
    numbered(asked.path["number"])
    published = await asked.api.operations.signing_keys()
    return as_file(published.model_dump_json(indent=1), "application/jwk-set+json", "keys.json")


@pages.page(_AT + "/crate")
async def take_crate(asked: Asked) -> Drawn:
    """A revision with all that it rests on, as one file, for members."""
    review, number = asked.path["review"], numbered(asked.path["number"])
    return await saved(
        asked, lambda api, into: api.synthesis.crate(review, number, into), name=f"{review}-revision-{number}.crate.zip"
    )


@pages.page(_AT + "/evidence/{shape}")
async def take_evidence(asked: Asked) -> Drawn:
    """The links that a revision rests on, in a form that is read elsewhere, for members."""
    review, number, kind = asked.path["review"], numbered(asked.path["number"]), asked.path["shape"]
    if kind not in get_args(EvidenceForm):
        raise NotFound(f"the evidence of a revision has no form {kind[:50]!r}")
    form = cast(EvidenceForm, kind)
    return await saved(
        asked,
        lambda api, into: api.synthesis.evidence_file(review, number, form, into),
        name=file_of(review, number, form)[0],
    )
