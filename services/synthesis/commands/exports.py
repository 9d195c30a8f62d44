"""Exports: a revision as files that people and programs read elsewhere, each made once nothing is held any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.synthesis import store, views
from services.synthesis.commands import revisions
from services.synthesis.domain.revisions import content_of
from services.synthesis.ports.forms import studies
from services.synthesis.ports.forms.catalog import EVIDENCE, FORMS, Published
from services.synthesis.views import withdrawn_view
from shared.db.work import Work
from shared.errors import Conflict, NotFound, TooLarge
from shared.paging import PageAsked
from shared.wire.synthesis import EvidenceForm, ExportForm, StudyCharacteristics

#: Studies that are read at once for a sheet, and its characters at most.
_AT_ONCE, _LONGEST = 100, 20_000_000


def file_of(work: Work, review: str, number: int, form: ExportForm) -> Callable[[], bytes]:
    """What makes a file of all that a revision says. It takes no work, and seconds."""
    row = store.revision(work, review, number)
    frozen, sha256, doi = row.content, row.content_sha256, revisions.doi_of(work, review, number)
    withdrawn = withdrawn_view(work, review, number)
    return lambda: FORMS[form](Published(content_of(frozen), sha256, doi, withdrawn))


def evidence_of(work: Work, review: str, number: int, form: EvidenceForm) -> Callable[[], bytes]:
    """The same of the links that it rests on. Raises NotFound for a revision that was signed before these were kept."""
    row = store.revision(work, review, number)
    frozen, sha256, doi = row.content, row.content_sha256, revisions.doi_of(work, review, number)
    withdrawn = withdrawn_view(work, review, number)
    kept = store.matrix_of(work, review, number)

    def make() -> bytes:
        content = content_of(frozen)
        if content.matrix_sha256 is None:
            raise NotFound(
                f"revision {number} of {review!r} was signed before revisions kept the links that they rest on",
                slug="no_matrix",
            )
        text = revisions.unpacked(kept, content.matrix_sha256)
        if text is None:
            raise Conflict(
                "the links of this revision were changed where they are kept; verifying it says so",
                slug="spoiled_revision",
            )
        return EVIDENCE[form](Published(content, sha256, doi, withdrawn), text)

    return make


def characteristics_of(work: Work, review: str) -> str:
    """What is known of every included study, as CSV. Raises TooLarge for more than a sheet may hold."""
    asked = [views.characteristic_view(row) for row in views.asked_of_studies(work, review)]
    lines: list[str] = []
    length = 0
    for line in studies.written(asked, _studies(work, review)):
        length += len(line)
        if length > _LONGEST:
            raise TooLarge(f"the sheet has more than {_LONGEST:,} characters: read the listing of studies page by page")
        lines.append(line)
    return "".join(lines)


def _studies(work: Work, review: str) -> Iterator[StudyCharacteristics]:
    """Every included study, few at a time."""
    page = PageAsked(_AT_ONCE)
    while True:
        found = store.included_studies(work, review, page)
        yield from views.study_characteristics(work, review, found.rows, None)
        if found.next is None:
            return
        work.session.expunge_all()
        page = PageAsked(_AT_ONCE, after=[found.rows[-1]])
