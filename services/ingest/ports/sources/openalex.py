"""OpenAlex: works by title and abstract, harvested over a long window of publication dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NoReturn, Unpack

import httpx

from services.ingest.domain.watching import lacks
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.citing import (
    Point,
    Seed,
    batches,
    beginning,
    by_doi,
    by_id,
    cursor_of,
    follow,
    ids_of,
    links_to,
    named,
    unknown,
)
from services.ingest.ports.sources.http import (
    Access,
    Answer,
    Busy,
    Limits,
    Malformed,
    PoliteClient,
    Refused,
    Timing,
    retry_after,
)
from services.ingest.ports.sources.lookups import holds_all, looked_up
from services.ingest.ports.sources.markup import plain
from services.ingest.ports.sources.noticing import with_title
from services.ingest.ports.sources.port import (
    Dating,
    Direction,
    Heard,
    Keep,
    Link,
    Notice,
    Page,
    Query,
    Rejection,
    SourceRecord,
    keep_nothing,
)
from services.ingest.ports.sources.reading import (
    Position,
    Reader,
    answered,
    as_cursor,
    as_dict,
    as_list,
    as_text,
    read_cursor,
    walk,
    whole,
)
from services.ingest.ports.sources.rereading import read_again
from shared import identifiers
from shared.events.values import Identifiers
from shared.languages import language

NAME = "openalex"
PER_PAGE = 100
START = "*"

#: Root fields we read; `select` keeps an answer ten times smaller.
FIELDS = (
    "id,doi,ids,title,display_name,publication_date,publication_year,language,type,authorships,"
    "primary_location,abstract_inverted_index,is_retracted,created_date,updated_date"
)
_FILTER = re.compile(r"[a-z_.]+:")
_LONGEST_ABSTRACT = 50_000


class OpenAlex:
    """Walks https://api.openalex.org/works with a cursor.

    The strategy is a `filter` expression (`title_and_abstract.search:"integrated care",language:en`);
    text without a filter's name is sent as `search`, which costs ten times as much. A free key cannot
    filter by the date a work entered, so the window is one of publication dates and must look far back.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("published",)
    least_overlap_days = 730
    slack = 0.0
    ids_at_once = 50
    directions: tuple[Direction, ...] = ("backward", "forward")
    seeds_at_once = 25

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        per_page: int = PER_PAGE,
        **timing: Unpack[Timing],
    ) -> None:
        self._per_page = per_page
        self._key = access.key
        self._http = PoliteClient(
            NAME, access, client, interval=0.05, limits=limits or Limits(), busy=read_busy, **timing
        )

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        asked = request_of(query) | {"per_page": str(self._per_page)}
        return walk(lambda cursor: self._page(asked | {"cursor": cursor}, keep), cursor, START, self._per_page)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """By ids alone, as a free key cannot ask for what changed since."""
        asked = {"filter": f"ids.openalex:{'|'.join(ids)}", "per_page": str(self.ids_at_once)}
        yield looked_up(ids, lambda: self._page(asked, keep))

    def chase(self, seeds: Sequence[Seed], cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        """What the reports list as cited, looked up by their ids; then what cites any of them, walked by a cursor."""
        point = read_cursor(cursor, Point) or Point()
        own: dict[str, set[str]] = {}
        cited: dict[str, list[str]] = {}
        lacking: list[str] = []
        missing: list[str] = []
        for name, asked in (("ids.openalex", by_id(seeds)), ("doi", by_doi(seeds))):
            # Both are signs of a filter, so that such a DOI cannot be asked for.
            sayable = [each for each in asked if "," not in each and "|" not in each]
            lacking += sorted(asked.keys() - set(sayable))
            for wanted in batches(sayable, self.ids_at_once):
                filters = {"filter": f"{name}:{'|'.join(wanted)}", "per_page": str(self.ids_at_once)}
                page = whole(partial(self._page, filters, keep, cited), holds_all)
                came = {_named(record, name): record.source_id for record in page.records}
                for each in came.keys() & set(wanted):
                    own.setdefault(came[each], set()).update(asked[each])
                (lacking if holds_all(page) else missing).extend(each for each in wanted if each not in came)
        heard = Page(missing=missing, remarks=unknown(NAME, lacking))
        yield from beginning(heard, self._chased(own, {each: cited[each] for each in own}, point, keep))

    def _chased(
        self, own: Mapping[str, set[str]], cited: Mapping[str, list[str]], point: Point, keep: Keep
    ) -> Iterator[Page]:
        forward = Point(direction="forward")
        if point.direction == "backward":
            yield from follow(self, links_to(cited, own, "backward"), point, forward if own else None, keep)
            point = forward
        elif not own:
            yield Page()
        if own:
            yield from self._citing(own, point, keep)

    def _citing(self, own: Mapping[str, set[str]], point: Point, keep: Keep) -> Iterator[Page]:
        """Every work that cites one of these. What the walk lacks by the source's own count is missing, though nobody
        can tell which works they are."""
        cited: dict[str, list[str]] = {}
        asked = {"filter": f"cites:{'|'.join(sorted(own))}", "per_page": str(self._per_page)}

        def ask(at: str) -> Page:
            cited.clear()
            return self._page(asked | {"cursor": at}, keep, cited)

        position = read_cursor(point.at, Position)
        given, reported = position.given if position else 0, 0
        for page in walk(ask, point.at, START, self._per_page):
            given, reported = given + page.found, max(reported, page.reported or 0)
            citing = {each: set(cited.get(each, ())) & own.keys() for each in ids_of(page)}
            links = [
                Link(seed=record, found=each, direction="forward")
                for each, known in citing.items()
                for record in sorted(set().union(*(own[one] for one in known)))
            ]
            unlinked = [each for each, known in citing.items() if not known]
            remarks = [f"{NAME} says of works that they cite a report that they do not list: {named(unlinked)}"]
            lack = lacks(reported=reported, received=given, slack=self.slack) if page.cursor is None else 0
            missing = [f"{lack} of {reported} works that cite {named(sorted(own))}"] if lack else []
            following = Point(direction="forward", at=page.cursor) if page.cursor else None
            yield page.model_copy(
                update={
                    "links": links, "reported": None, "missing": missing, "cursor": cursor_of(following),
                    "remarks": page.remarks + (remarks if unlinked else []),
                }
            )  # fmt: skip

    def read_again(self, heard: Heard) -> Page | None:
        return read_again(heard, lambda answer, asked: read_page(answer))

    def _page(self, asked: dict[str, str], keep: Keep, cited: dict[str, list[str]] | None = None) -> Page:
        """A page of works; which works each of them cites is written into `cited` where that is wanted."""
        params = asked | {"select": FIELDS if cited is None else f"{FIELDS},referenced_works"}
        key = {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}

        def read(answer: Answer) -> Page:
            page = read_page(answer)
            if cited is not None:
                cited.update(read_references(answer.json()))
            return page

        return self._http.ask("GET", "works", read, refused=read_refusal, params=params, headers=key, keep=keep)


def request_of(query: Query) -> dict[str, str]:
    """The parameters that say what is asked: `filter`, and `search` where the strategy names no filter."""
    window = f"from_publication_date:{query.since},to_publication_date:{query.until}"
    if _FILTER.match(query.text):
        return {"filter": f"{query.text},{window}"}
    return {"filter": window, "search": query.text}


def read_busy(answer: Answer) -> Busy:
    """Tells a burst from an empty budget: with nothing left, the wait is until the budget is filled again."""
    if answer.headers.get("x-ratelimit-remaining") == "0" or b"nsufficient budget" in answer.body:
        reset = answer.headers.get("x-ratelimit-reset", "")
        pause = retry_after(answer.headers) or (
            float(seconds) if (seconds := normal.count_of(reset)) is not None else 24 * 3600.0
        )
        return Busy("the day's budget is used up", pause)
    return Busy(f"HTTP {answer.status}", retry_after(answer.headers))


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"error", "message"} of a 400, 401 or 403."""
    body = as_dict(answer.json()) if answer.is_json else {}
    raise Refused(as_text(body.get("message")) or as_text(body.get("error")) or answer.excerpt())


def read_page(answer: Answer) -> Page:
    """Reads one list answer; raises Malformed when it is not one."""
    return answered(read_works(answer.json()), answer)


def read_references(body: Any) -> dict[str, list[str]]:
    """The ids of the works that each work of a list answer cites, in the order in which it lists them."""
    return {
        own: [id_ for each in as_list(as_dict(work).get("referenced_works")) if (id_ := identifiers.openalex(each))]
        for work in as_list(as_dict(body).get("results"))
        if (own := identifiers.openalex(as_dict(work).get("id")))
    }


def read_works(body: Any) -> Page:
    """Reads the body of a list answer: {"meta", "results"}; raises Malformed when it is not one."""
    meta, works = as_dict(as_dict(body).get("meta")), as_dict(body).get("results")
    total = normal.count(meta.get("count"))
    if not isinstance(works, list) or total is None:
        raise Malformed("the answer has no meta.count or no list of results")
    cursor = as_cursor(meta.get("next_cursor"))
    return Reader(NAME, read_work).page(works, cursor=cursor, reported=total)


def _named(record: SourceRecord, name: str) -> str:
    """A work by its id or by its DOI, as a filter named it."""
    return (record.identifiers.doi or "") if name == "doi" else record.source_id


def read_work(work: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one work object, of the schema of 2023 (host_venue, no language) or of 2026."""
    work = as_dict(work)
    ids = as_dict(work.get("ids"))
    own_id = identifiers.openalex(work.get("id") or ids.get("openalex"))
    if own_id is None:
        return reader.reject(work, None, "it has no OpenAlex work id, so nothing identifies it")
    title = plain(as_text(work.get("title")) or as_text(work.get("display_name")))
    abstract = abstract_of(work.get("abstract_inverted_index"))
    struck = [Notice(kind="retraction")] if work.get("is_retracted") is True else []
    its_kind, notices = with_title(normal.kind([work.get("type")]), struck, title, abstract, f"openalex:{own_id}")
    return reader.record(
        work,
        source_id=own_id,
        title=title,
        abstract=abstract,
        authors=[name for name in map(_author, as_list(work.get("authorships"))) if name],
        venue=_venue(work),
        published=_published(work, reader),
        kind=its_kind,
        language=language(work.get("language")),
        identifiers=Identifiers(
            doi=reader.doi(work.get("doi") or ids.get("doi")),
            pmid=identifiers.pmid(ids.get("pmid")),
            pmcid=identifiers.pmcid(ids.get("pmcid")),
            openalex=own_id,
        ),
        notices=notices,
        entered=normal.day(work.get("created_date")),
        updated=normal.day(work.get("updated_date")),
    )


def abstract_of(index: Any) -> str | None:
    """Rebuilds an abstract from its inverted index (word -> positions); positions may have gaps."""
    positions = [
        (position, word)
        for word, positions in as_dict(index).items()
        for position in as_list(positions)
        if isinstance(position, int)
    ]
    return plain(" ".join(word for _, word in sorted(positions)[:_LONGEST_ABSTRACT]))


def _author(authorship: Any) -> str | None:
    authorship = as_dict(authorship)
    return plain(as_text(as_dict(authorship.get("author")).get("display_name"))) or plain(
        as_text(authorship.get("raw_author_name"))
    )


def _venue(work: dict[str, Any]) -> str | None:
    source = as_dict(as_dict(work.get("primary_location")).get("source"))
    return plain(as_text(source.get("display_name")) or as_text(as_dict(work.get("host_venue")).get("display_name")))


def _published(work: dict[str, Any], reader: Reader) -> str | None:
    """OpenAlex fills an unknown month and day with 01-01; such a date is taken as the year it really is."""
    published = reader.partial_date_of(work.get("publication_date"))
    if published and published.endswith("-01-01"):
        return published[:4]
    return published or reader.partial_date(work.get("publication_year"))
