"""Chasing citations: what a source that knows them promises, and looking up the works that it lists for a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol, runtime_checkable

from services.ingest.ports.sources.lookups import half_by_half
from services.ingest.ports.sources.port import Direction, Keep, Link, Page, Rejection, Source, keep_nothing
from shared.events.base import Value
from shared.events.bounds import Count

#: Before this day no source was asked anything: what has changed since is everything.
_EVER = date(1990, 1, 1)

#: How often works that were listed are asked for until the source is believed that it does not have them.
_TIMES = 2

#: Ids that a remark names.
_MOST_NAMED = 5


class Seed(Value):
    """An included report: its record, its ids at a source, and a DOI to ask by where it has none there."""

    record: str
    ids: list[str] = []
    doi: str | None = None

    @property
    def without_ids(self) -> Seed:
        return self.model_copy(update={"ids": []})


@runtime_checkable
class Citing(Source, Protocol):
    """A source that knows which works cite which.

    Promises beside those of `Source`:
    - `chase` gives every work that it lists for these reports, in its `directions`, as a record or as a rejection with
      its reason, each page with the links of its items; only the last page has no cursor, and there is one at least;
    - a cursor belongs to the seeds it came with;
    - works are as `look_up` has them, so that a search and a chase say the same of one;
    - what has no id is counted in a remark, as are reports that the source does not know. Of what it lists and does not
      give that is `missing` which it has by its own count; the rest is remarked once it was asked for again, as sources
      list works that they have no more (4 of 42 in a recorded answer of OpenAlex).
    """

    #: What it knows: the works that a report cites, and those that cite it.
    directions: tuple[Direction, ...]

    #: How many reports it is asked about at once.
    seeds_at_once: int

    def chase(self, seeds: Sequence[Seed], cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]: ...


class Point(Value):
    """Where a chase stands: behind which of the works that were listed, or of the reports whose citing works were
    walked; and at which place of a walk, which has given so many works."""

    direction: Direction = "backward"
    after: str = ""
    #: What the walk's cursor says: as text within text its quotes would double.
    at: dict[str, Any] | None = None
    given: Count = 0


def by_id(seeds: Iterable[Seed]) -> dict[str, set[str]]:
    """The records behind each id of the source."""
    return _sorted((own, seed.record) for seed in seeds for own in seed.ids)


def by_doi(seeds: Iterable[Seed]) -> dict[str, set[str]]:
    """The records behind each DOI of the reports that have no id at the source."""
    return _sorted((seed.doi, seed.record) for seed in seeds if seed.doi and not seed.ids)


def _sorted(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, record in sorted(pairs):
        found[key].add(record)
    return dict(found)


def links_to(listed: Mapping[str, Iterable[str]], seeds: Mapping[str, Iterable[str]], way: Direction) -> list[Link]:
    """What the works `listed` for each id have to do with the records behind that id in `seeds`."""
    return [
        Link(seed=record, found=found, direction=way)
        for own, works in listed.items()
        for found in dict.fromkeys(works)
        for record in sorted(seeds.get(own, ()))
    ]


def follow(source: Source, links: Iterable[Link], point: Point, then: Point | None, keep: Keep) -> Iterator[Page]:
    """The linked works, looked up by their ids in their order, from a place on; the last page goes on to `then`.

    A page is of as many works as are looked up at once, however many answers that takes, so that each one moves on.
    """
    linked: defaultdict[str, list[Link]] = defaultdict(list)
    for link in links:
        linked[link.found].append(link)
    rest = list(batches(sorted(each for each in linked if each > point.after), source.ids_at_once))
    for number, asked in enumerate(rest, 1):
        page = _looked_up(source, asked, keep)
        found = [link for each in sorted(ids_of(page)) for link in linked[each]]
        following = point.model_copy(update={"after": asked[-1]}) if number < len(rest) else then
        yield page.model_copy(update={"links": found, "cursor": cursor_of(following)})
    if not rest:
        yield Page(cursor=cursor_of(then))


def _looked_up(source: Source, asked: Sequence[str], keep: Keep) -> Page:
    """These works on one page. What does not come is asked for again; an id that the source lists and refuses is
    missing. What comes unasked for is left out, and may be what does not come, by another id, so that is missing then.
    """
    made = Page()
    lacking = list(asked)
    refused: list[str] = []
    #: Those without an id, which come again with what is asked for again, and the ids of those not asked for.
    unnamed, unasked = list[Rejection](), set[str]()
    for _ in range(_TIMES):
        if not lacking:
            break
        wanted = set(lacking)
        unnamed.clear()
        for page in list(half_by_half(source, lacking, _EVER, keep, refused)):
            made = made.model_copy(
                update={
                    "records": made.records + [each for each in page.records if each.source_id in wanted],
                    "rejections": made.rejections + [each for each in page.rejections if each.source_id in wanted],
                    "missing": made.missing + page.missing, "remarks": made.remarks + page.remarks,
                    "quota": page.quota,
                }
            )  # fmt: skip
            unnamed += [each for each in page.rejections if each.source_id is None]
            unasked |= ids_of(page) - set(asked)
        there = ids_of(made).union(refused)
        lacking = [each for each in lacking if each not in there]
    missing = [each for each in lacking if unasked or each in made.missing]
    gone = [each for each in lacking if each not in missing]
    remarks = [f"{source.name} lists works that it does not have: {named(gone)}"] if gone else []
    return made.model_copy(
        update={
            "rejections": made.rejections + unnamed, "missing": refused + missing, "remarks": made.remarks + remarks
        }
    )  # fmt: skip


def beginning(with_: Page, pages: Iterator[Page]) -> Iterator[Page]:
    """The pages, the first of them with what another one misses and remarks, which is no page of its own since it moves
    nothing on."""
    yield beside(with_, next(pages))
    yield from pages


def beside(heard: Page, page: Page) -> Page:
    """The page with what another one before it misses and remarks."""
    return page.model_copy(update={"missing": heard.missing + page.missing, "remarks": heard.remarks + page.remarks})


def cursor_of(point: Point | None) -> str | None:
    return point.model_dump_json() if point is not None else None


def unknown(source: str, reports: Sequence[str]) -> list[str]:
    """The remark on those of the reports asked about that a source does not know, if any."""
    if not reports:
        return []
    return [f"{source} does not know {len(reports)} of the reports asked about: {named(reports)}"]


def ids_of(page: Page) -> set[str]:
    """The ids of all items of a page that have one."""
    rejected = {each.source_id for each in page.rejections if each.source_id is not None}
    return {each.source_id for each in page.records} | rejected


def batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def named(ids: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(ids) - _MOST_NAMED
    return ", ".join(ids[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
