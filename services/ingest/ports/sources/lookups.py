"""Looking works up by their ids, where a source says how many of them it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.ingest.ports.sources.port import Page
from services.ingest.ports.sources.reading import whole


def looked_up(ids: Sequence[str], ask: Callable[[], Page]) -> Page:
    """The page that `ask` gives of these ids, asked for again while it holds less than its own count.

    What the source has no more is left out. Where the count still says that there is more, each id that did not come is
    `missing`, since nobody can tell which of them it is.
    """
    page = whole(ask, _is_whole) if ids else Page()
    came = {record.source_id for record in page.records} | {each.source_id for each in page.rejections}
    missing = [] if _is_whole(page) else [each for each in ids if each not in came]
    return page.model_copy(update={"missing": missing, "cursor": None})


def _is_whole(page: Page) -> bool:
    return page.found >= (page.reported or 0)
