"""The toy service with routes that have bodies of their own kinds: a limit, and a body that becomes a blob."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel

from shared.blobs import names
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.http.auth import Reader, Reviewer
from shared.http.blobs import BlobResponse, blobs_of, received
from shared.http.bodies import at_most
from shared.http.route import Route
from tests.toy import TOY, NoteView, Reading, Unit

#: Bytes of an upload at most, and of a body of the route that has a limit of its own.
MOST, OWN = 3_000_000, 5000

UPLOADING = replace(TOY, blobs=True)

Kept = Annotated[Blobs, blobs_of("toy")]

router = APIRouter(prefix="/toy", route_class=Route)


class Given(BaseModel):
    text: str


class Uploaded(BaseModel):
    sha256: str
    size: int


@router.post("/reviews/{review}/files")
def upload(
    review: str,
    person: Reviewer,
    blob: Annotated[Blob, received("toy", role="reviewer", scope="import", limit=MOST)],
    work: Unit,
    blobs: Kept,
) -> Uploaded:
    """Keeps a file, once for each review."""
    names.keep(work, blobs, blob.sha256, by=review)
    return Uploaded(sha256=blob.sha256, size=blob.size)


@router.get("/reviews/{review}/files/{sha256}/{size}", response_class=BlobResponse)
def download(review: str, sha256: str, size: int, person: Reader, work: Reading, blobs: Kept) -> BlobResponse:
    """Gives a file."""
    return BlobResponse(blobs, Blob(sha256, size), "file")


@router.post("/reviews/{review}/long-notes")
@at_most(OWN)
def write_long(review: str, body: Given, work: Unit, person: Reviewer) -> NoteView:
    """Takes longer bodies than others do."""
    return NoteView(review=body.text[:10])


def add_uploads(app: Any) -> None:
    app.include_router(router)
