"""Looking works up by their ids: what does not come, and what a source refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from services.ingest.ports.sources.port import Keep, Page, Source, SourceRefused
from services.ingest.ports.sources.reading import whole

#: So many ids of a batch may be refused, each by itself, or this share of them; where more are, it is the source that
#: refuses whatever it is asked.
MOST_REFUSED, MOST_REFUSED_SHARE = 3, 0.25

#: The share of reports that may be refused where these are asked about: all but some, as each lacks its own citations.
MOST_REPORTS_REFUSED = 0.9

#: Characters of a remark on an id that is refused.
_LONGEST_REMARK = 500


def looked_up(ids: Sequence[str], ask: Callable[[], Page]) -> Page:
    """The page that `ask` gives of these ids, asked for again while it holds less than its own count.

    What the source has no more is left out. Where the count still says that there is more, each id that did not come is
    `missing`, since nobody can tell which of them it is.
    """
    page = whole(ask, holds_all) if ids else Page()
    came = {record.source_id for record in page.records} | {each.source_id for each in page.rejections}
    missing = [] if holds_all(page) else [each for each in ids if each not in came]
    return page.model_copy(update={"missing": missing, "cursor": None})


def holds_all(page: Page) -> bool:
    """Whether a page of works by their ids holds as many different ones as its own count says."""
    return len(page.distinct) >= (page.reported or 0)


def refusal(asked: str, why: object) -> str:
    """The remark on an id that a source does not take."""
    return f"{asked} is refused: {why}"[:_LONGEST_REMARK]


def half_by_half(source: Source, ids: Sequence[str], since: date, keep: Keep, refused: list[str]) -> Iterator[Page]:
    """The works with these ids, as `halved` asks for them."""
    return halved(lambda some: source.look_up(some, since, keep), ids, refused)


def halved(
    ask: Callable[[Sequence[str]], Iterator[Page]],
    ids: Sequence[str],
    refused: list[str],
    *,
    share: float = MOST_REFUSED_SHARE,
) -> Iterator[Page]:
    """What `ask` gives for these ids, asked half by half where the source refuses all of them at once: so an id that it
    does not take is found, named as missing, written into `refused` and passed over.

    Raises SourceRefused where more than a few, and more than that share of them, are.
    """
    most = len(refused) + max(MOST_REFUSED, int(len(ids) * share))
    yield from _halved(ask, ids, refused, most)


def _halved(
    ask: Callable[[Sequence[str]], Iterator[Page]], ids: Sequence[str], refused: list[str], most: int
) -> Iterator[Page]:
    try:
        yield from ask(ids)
        return
    except SourceRefused as error:
        if len(ids) == 1 and len(refused) >= most:
            raise
        why = str(error)
    if len(ids) == 1:
        refused += ids
        yield Page(missing=list(ids), remarks=[refusal(ids[0], why)])
        return
    middle = len(ids) // 2
    for half in (ids[:middle], ids[middle:]):
        yield from _halved(ask, half, refused, most)
