"""Opens the archive as the settings say: what synthesis needs beside its database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.synthesis.ports.dois.port import Archive
from services.synthesis.ports.dois.zenodo import Zenodo
from shared.clock import Clock, SystemClock
from shared.settings import Settings


@dataclass(frozen=True)
class Dois:
    """Where DOIs come from, None where nobody set a token, and for the revisions of which reviews. `wall` is the
    machine's clock: by it another try is due, whatever time the platform lives in."""

    archive: Archive | None
    reviews: Sequence[str]
    public_url: str
    wall: Clock

    def archive_of(self, review: str) -> Archive | None:
        """Where the revisions of a review are deposited; None where they are not."""
        return self.archive if review in self.reviews else None


def open_dois(settings: Settings) -> Dois:
    """The archive of a running platform."""
    token, archive = settings.doi_token, None
    if token is not None and settings.reviews_with_doi:
        archive = Zenodo(
            settings.doi_url, token.get_secret_value(), licence=settings.doi_licence, timeout=settings.doi_timeout
        )
    return Dois(archive, settings.reviews_with_doi, settings.public_url, SystemClock())
