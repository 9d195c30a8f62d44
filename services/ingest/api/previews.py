"""The routes of what is asked ahead: what the strategies of a draft would bring."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.ingest import store, views
from services.ingest.api.router import Reading, Unit, router
from services.ingest.commands import previews
from services.ingest.commands.previews import Draft, drafted
from shared.http.auth import Lead
from shared.http.parameters import Name
from shared.http.route import Later
from shared.http.units import IdempotencyKey
from shared.wire.ingest import NewPreview, PreviewView


async def _drafted(body: NewPreview) -> Later:
    """The draft in the body. Its strings are made before a transaction is opened, since that may take a second."""
    return Later(lambda: drafted(body))


@router.post("/reviews/{review}/previews", status_code=202)
def request_preview(
    review: Name,
    person: Lead,
    draft: Annotated[Draft, Depends(_drafted)],
    work: Unit,
    key: IdempotencyKey = None,
) -> PreviewView:
    """Asks the sources that a draft of a protocol searches what each of its strings would bring, at most 20 in all;
    nothing of it is applied, and the review need have no protocol yet. The same draft again, while they are asked,
    answers that one; another is refused meanwhile (409 `preview_under_way`)."""

    def ask() -> PreviewView:
        return views.preview_view(work, previews.request_preview(work, review, draft))

    return work.once(key, "preview", draft.given, ask)


@router.get("/reviews/{review}/previews/{preview}")
def show_preview(review: Name, preview: Name, work: Reading, person: Lead) -> PreviewView:
    """What the sources have said so far: of each string its count and first titles, or why there is none."""
    return views.preview_view(work, store.preview_of(work, review, preview))
