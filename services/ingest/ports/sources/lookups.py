"""Looking works up by their ids: what does not come, and what a source refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from services.ingest.ports.sources.port import Keep, Page, Source, SourceRefused
from services.ingest.ports.sources.reading import whole

#: So many ids of a batch may be refused, each by itself; where more are, it is the source that refuses whatever it is
#: asked.
MOST_REFUSED = 3

#: Characters of a remark on an id that is refused.
_LONGEST_REMARK = 500


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


def half_by_half(source: Source, ids: Sequence[str], since: date, keep: Keep, refused: list[str]) -> Iterator[Page]:
    """The works with these ids, asked for half by half where the source refuses all of them at once: so an id that it
    does not take is found, named and passed over. `refused` are those of its batch before.

    Raises SourceRefused where more than a few are.
    """
    try:
        yield from source.look_up(ids, since, keep)
        return
    except SourceRefused as error:
        if len(ids) == 1 and len(refused) == MOST_REFUSED:
            raise
        why = str(error)
    if len(ids) == 1:
        refused += ids
        yield Page(missing=list(ids), remarks=[f"{ids[0]} is refused: {why}"[:_LONGEST_REMARK]])
        return
    middle = len(ids) // 2
    for half in (ids[:middle], ids[middle:]):
        yield from half_by_half(source, half, since, keep, refused)
