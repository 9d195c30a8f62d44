"""Crossref: what publishers registered, harvested by the day a record was last indexed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn, Unpack
from urllib.parse import parse_qsl, quote

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.citing import (
    Point,
    Seed,
    batches,
    beginning,
    by_doi,
    by_id,
    follow,
    ids_of,
    links_to,
    named,
    unknown,
)
from services.ingest.ports.sources.crossref_record import read_work
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.lookups import MOST_REPORTS_REFUSED, halved, looked_up
from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import (
    Dating,
    Direction,
    Heard,
    Keep,
    Page,
    Query,
    SourceRefused,
    SourceUnavailable,
    keep_nothing,
)
from services.ingest.ports.sources.reading import (
    AGAIN,
    Reader,
    answered,
    as_cursor,
    as_dict,
    as_list,
    check_for_an_end,
    read_cursor,
    whole,
)
from services.ingest.ports.sources.rereading import Asked, read_again
from services.ingest.ports.sources.slices import FIRST_DAY, LAST_DAY, middle_of, next_slice
from shared import identifiers
from shared.events.base import Value
from shared.events.bounds import LONGEST_ID

NAME = "crossref"
ROWS = 200
#: No offset reaches further than 10,000 works of a result.
CEILING = 9_800

_WINDOWS: dict[Dating, str] = {"came": "index", "changed": "index", "published": "pub"}


class Position(Value):
    """Where a walk stands: at which offset of a slice of the window, by the days on which works were registered, small
    enough for offsets. `reported` is the count of the whole window."""

    since: date = FIRST_DAY
    until: date = LAST_DAY
    offset: int = 0
    reported: int | None = None

    @property
    def filters(self) -> list[str]:
        """What keeps a search to the slice; nothing where it is the whole window."""
        if (self.since, self.until) == (FIRST_DAY, LAST_DAY):
            return []
        return [f"from-created-date:{self.since}", f"until-created-date:{self.until}"]


class Crossref:
    """Walks https://api.crossref.org/works by offsets, in the order in which works were registered.

    A window with more than 9,800 works is cut into slices by the day of registration, which never moves; only a day
    with more is read by a deep-paging cursor, since a scroll cannot be taken up where it broke off.

    The strategy is a query string of Crossref's own parameters (`query.bibliographic=integrated care&
    filter=type:journal-article`); text without a parameter's name is sent as `query.bibliographic`.
    Crossref has no Boolean operators: any word may match. The index date also moves when nothing we use
    has changed, so most of what comes is known already.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed", "published")
    least_overlap_days = 2
    #: Works come and go while it counts: two in a thousand.
    slack = 0.002
    ids_at_once = 40
    #: Which works cite another it tells its members alone.
    directions: tuple[Direction, ...] = ("backward",)
    seeds_at_once = 20

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        rows: int = ROWS,
        ceiling: int = CEILING,
        **timing: Unpack[Timing],
    ) -> None:
        self._rows, self._ceiling = rows, ceiling
        # One a second is what is always allowed; the answers say when it may be more.
        self._http = PoliteClient(
            NAME, access, client, interval=1.0, limits=limits or Limits(), pace=read_pace, **timing
        )

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        position: Position | None = _position(cursor)
        while position is not None:
            page = self._page(query, position, keep)
            total, known = page.reported or 0, position.reported
            reported = total if known is None else known
            if total > self._ceiling and position.since < position.until:
                middle = middle_of(position.since, position.until)
                position = Position(since=position.since, until=middle, reported=reported)
                continue
            if total > self._ceiling:
                day, position = position, _following(position.model_copy(update={"reported": reported}))
                yield from self._scrolled(query, day, reported, position, keep)
                continue
            given = position.offset + page.found
            # A page that is still empty after it was asked for again ends a slice; the count tells what it lacks.
            if page.found and given < total:
                position = position.model_copy(update={"offset": given, "reported": reported})
            else:
                position = _following(position.model_copy(update={"reported": reported}))
            yield page.model_copy(update={"reported": reported, "cursor": position and position.model_dump_json()})

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """Those of the DOIs that were indexed anew since: whatever changes about a work, that day moves."""
        return self._look_up(ids, since, keep, lambda work: None)

    def _look_up(
        self, ids: Sequence[str], since: date, keep: Keep, see: Callable[[dict[str, Any]], None]
    ) -> Iterator[Page]:
        """The same; each work is given to `see` as it came."""

        def read(answer: Answer) -> Page:
            page, message = read_page(answer)[0], as_dict(as_dict(answer.json()).get("message"))
            for work in as_list(message.get("items")):
                see(as_dict(work))
            return page

        def read_one(answer: Answer) -> Page:
            page = read_single(answer)
            see(as_dict(as_dict(answer.json()).get("message")))
            return page

        # A filter is cut at its commas, so a DOI with one is asked for by itself.
        if listed := [doi for doi in ids if "," not in doi]:
            filters = ",".join([*(f"doi:{doi}" for doi in listed), f"from-index-date:{since}"])
            asked = {"filter": filters, "rows": str(self.ids_at_once)}
            yield looked_up(
                listed, lambda: self._http.ask("GET", "works", read, refused=read_refusal, params=asked, keep=keep)
            )
        for doi in ids:
            if "," in doi:
                path = f"works/{quote(doi, safe='')}"
                yield self._http.ask("GET", path, read_one, refused=read_refusal, unknown=Page, keep=keep)

    def chase(self, seeds: Sequence[Seed], cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        """What the publishers of the reports deposited as cited, as far as a DOI names it, looked up by that."""
        point = read_cursor(cursor, Point) or Point()
        asked = by_id(seeds)
        for doi, records in by_doi(seeds).items():
            asked.setdefault(doi, set()).update(records)
        cited: dict[str, list[str]] = {}
        unnamed: Counter[bool] = Counter()
        withheld: list[str] = []

        def see(work: dict[str, Any]) -> None:
            doi = identifiers.doi(work.get("DOI"))
            if doi in asked and doi not in cited:
                given, count = read_references(work)
                cited[doi] = [one for each in given if (one := identifiers.doi(as_dict(each).get("DOI")))]
                unnamed.update({True: len(given) - len(cited[doi]), False: len(given)})
                withheld.extend([f"{doi} ({len(given)} of {count})"] if len(given) < count else [])

        lacking, missing, refused, remarks = set(asked), list[str](), list[str](), list[str]()
        for wanted in batches(list(asked), self.ids_at_once):
            for page in halved(
                lambda some: self._look_up(some, FIRST_DAY, keep, see), wanted, refused, share=MOST_REPORTS_REFUSED
            ):
                lacking -= ids_of(page) | set(page.missing)
                # It may yet come as what another one cites, and its references lack all the same.
                missing += [f"references of {doi}"[:LONGEST_ID] for doi in page.missing]
                remarks += page.remarks
        remarks += unknown(NAME, sorted(lacking))
        if unnamed[True]:
            of_all = f"{unnamed[True]} of {unnamed[False]} references of {len(cited)} reports"
            remarks.append(f"{of_all} have no DOI at {NAME}")
        if withheld:
            why = f"{len(withheld)} reports, as publishers keep them to themselves"
            remarks.append(f"{NAME} does not give all references of {why}: {named(withheld)}")
        heard = Page(missing=missing, remarks=remarks)
        yield from beginning(heard, follow(self, links_to(cited, asked, "backward"), point, None, keep))

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page:
            return read_page(answer)[0] if asked.address.endswith("/works") else read_single(answer)

        return read_again(heard, read)

    def _page(self, query: Query, position: Position, keep: Keep) -> Page:
        asked = request_of(query, position) | {"rows": str(self._rows), "offset": str(position.offset)}
        asked |= {"sort": "created", "order": "asc"}

        def is_whole(page: Page) -> bool:
            rest = max((page.reported or 0) - position.offset, 0)
            return rest > self._ceiling or page.found >= min(self._rows, rest)

        return whole(lambda: self._ask(asked, keep)[0], is_whole)

    def _scrolled(
        self, query: Query, day: Position, reported: int, after: Position | None, keep: Keep
    ) -> Iterator[Page]:
        """One day of so many works that no offset reaches them all: a scroll, which cannot be taken up again."""
        asked = request_of(query, day) | {"rows": str(self._rows)}
        cursor, given, empty = "*", 0, 0
        again = day.model_copy(update={"reported": reported}).model_dump_json()
        while True:
            page, following = self._ask(asked | {"cursor": cursor}, keep, repeatable=cursor == "*")
            given, total = given + page.found, page.reported or 0
            check_for_an_end(page, given, self._rows)
            empty = 0 if page.found else empty + 1
            # The cursor is sent even at the end, and may be the same from page to page.
            ended = not following or (page.found < self._rows and given >= total) or empty > AGAIN
            goes_on = (after and after.model_dump_json()) if ended else again
            yield page.model_copy(update={"reported": reported, "cursor": goes_on})
            if ended:
                return
            cursor = following or ""

    def _ask(self, params: Mapping[str, str], keep: Keep, *, repeatable: bool = True) -> tuple[Page, str | None]:
        return self._http.ask(
            "GET", "works", read_page, refused=read_refusal, params=params, repeatable=repeatable, keep=keep
        )


def _position(cursor: str | None) -> Position:
    """What a cursor names, or the beginning."""
    return read_cursor(cursor, Position) or Position()


def _following(position: Position) -> Position | None:
    """The next slice of the days on which works were registered, twice as long; None after the last."""
    slice_ = next_slice(position.since, position.until, LAST_DAY, grows=True)
    return slice_ and Position(since=slice_[0], until=slice_[1], reported=position.reported)


def request_of(query: Query, position: Position) -> dict[str, str]:
    """The parameters that say what is asked. Raises SourceRefused for one that is not part of a strategy."""
    day = _WINDOWS[query.by]
    window = [f"from-{day}-date:{query.since}", f"until-{day}-date:{query.until}", *position.filters]
    asked = _parameters(query.text) if "=" in query.text else {"query.bibliographic": query.text}
    for name in asked:
        if name not in {"query", "filter"} and not name.startswith("query."):
            words = f"crossref strategy: parameter {name!r} is not one of query, query.* and filter"
            raise SourceRefused(words, source=NAME)
    return asked | {"filter": ",".join(filter(None, [asked.get("filter"), *window]))}


def _parameters(text: str) -> dict[str, str]:
    """The strategy's parameters. Raises SourceRefused where an `&` of the text would cut one short, and for one
    that is given twice, of which Crossref would take one."""
    listed = parse_qsl(text, keep_blank_values=True)
    for part in text.split("&"):
        if "=" not in part:
            words = f"crossref strategy: {part!r} is no parameter; an & that belongs to a value is written %26"
            raise SourceRefused(words, source=NAME)
    if len(dict(listed)) < len(listed):
        raise SourceRefused("crossref strategy: a parameter is given twice; join its words in one", source=NAME)
    return dict(listed)


def read_pace(answer: Answer) -> float | None:
    """Seconds between two requests, out of x-rate-limit-limit and x-rate-limit-interval (`1s`)."""
    limit = normal.count_of(answer.headers.get("x-rate-limit-limit"))
    seconds = normal.count_of(answer.headers.get("x-rate-limit-interval", "").removesuffix("s"))
    return seconds / limit if limit and seconds is not None else None


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"status": "failed", "message": [{"type", "value", "message"}]}."""
    body = as_dict(answer.json()) if answer.is_json else {}
    faults = [as_dict(fault) for fault in as_list(body.get("message"))]
    if any(fault.get("type") == "cursor-invalid" for fault in faults):
        words = "crossref no longer knows the cursor (it lives five minutes); the window must be walked anew"
        raise SourceUnavailable(words, source=NAME, retry_after=0.0)
    said = [f"{fault.get('message') or fault.get('type')} ({fault.get('value')!r})" for fault in faults]
    raise Refused(squeeze("; ".join(said))[:600] or answer.excerpt())


def read_page(answer: Answer) -> tuple[Page, str | None]:
    """Reads one list answer and the cursor for the next; raises Malformed when it is not one."""
    body = answer.json()
    page = answered(read_items(body), answer)
    return page, as_cursor(as_dict(as_dict(body).get("message")).get("next-cursor"))


def read_single(answer: Answer) -> Page:
    """Reads the answer of one DOI; raises Malformed when it is none."""
    body = as_dict(answer.json())
    if body.get("message-type") != "work":
        raise Malformed("the answer is not a work")
    return answered(Reader(NAME, read_work).page([body.get("message")]), answer)


def read_references(work: dict[str, Any]) -> tuple[list[Any], int]:
    """What its publisher deposited as cited by a work, and how many these are by Crossref's count; they are left out
    where the publisher wants it. Raises Malformed where they are no list."""
    given = work.get("reference")
    if given is not None and not isinstance(given, list):
        raise Malformed(f"the references of {work.get('DOI')} are no list")
    counts = (normal.count(work.get(name)) or 0 for name in ("references-count", "reference-count"))
    return given or [], max(counts)


def read_items(body: Any) -> Page:
    """Reads the body of a list answer of works; raises Malformed when it is not one."""
    message = as_dict(as_dict(body).get("message"))
    items, total = message.get("items"), normal.count(message.get("total-results"))
    if as_dict(body).get("message-type") != "work-list" or not isinstance(items, list) or total is None:
        raise Malformed("the answer is not a work-list with total-results and items")
    return Reader(NAME, read_work).page(items, reported=total)
