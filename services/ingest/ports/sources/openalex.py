"""OpenAlex: works by title and abstract, harvested over a long window of publication dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NoReturn, Unpack

import httpx
import orjson

from services.ingest.domain.watching import lacks
from services.ingest.ports.sources import normal
from services.ingest.ports.sources.citing import (
    Point,
    Seed,
    batches,
    beginning,
    beside,
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
from services.ingest.ports.sources.lookups import MOST_REPORTS_REFUSED, halved, holds_all, looked_up
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
    AGAIN,
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
from shared.events.bounds import LONGEST_ID
from shared.events.values import Identifiers
from shared.languages import language

NAME = "openalex"
PER_PAGE = 100
START = "*"

#: Root fields we read; `select` keeps an answer ten times smaller.
FIELDS = (
    "id,doi,ids,title,display_name,publication_date,publication_year,language,type,authorships,"
    "primary_location,biblio,keywords,abstract_inverted_index,is_retracted,created_date,updated_date"
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
        names: dict[str, str] = {}
        lacking, lost, heard = list[str](), list[str](), Page()

        def see(body: Any) -> None:
            cited.update(read_references(body))
            names.update(read_names(body))

        for name in ("ids.openalex", "doi"):
            # An id may be merged away, and the report be there by its DOI.
            reached = set[str]().union(*own.values())
            rest = [seed for seed in seeds if seed.record not in reached]
            asked = by_id(rest) if name == "ids.openalex" else by_doi(each.without_ids for each in rest)
            # Both are signs of a filter, so that such a DOI cannot be asked for.
            sayable = [each for each in asked if "," not in each and "|" not in each]
            for wanted in batches(sayable, self.ids_at_once):
                ask = partial(self._reports, name, names, see, keep)
                for page in halved(ask, wanted, [], share=MOST_REPORTS_REFUSED):
                    lost += page.missing
                    # It is their citations that lack: the works themselves may well come, as cited by another report.
                    of_them = [f"citations of {each}"[:LONGEST_ID] for each in page.missing]
                    heard = beside(heard, page.model_copy(update={"missing": of_them}))
            for each in sorted(asked.keys() & names.keys()):
                own.setdefault(names[each], set()).update(asked[each])
            lacking += sorted(each for each in asked if each not in names and each not in lost)
        reached = set[str]().union(*own.values())
        there = {each for seed in seeds if seed.record in reached for each in seed.ids}
        unlisted = [f"what {each} cites"[:LONGEST_ID] for each in own if each not in cited]
        remarks = unknown(NAME, [each for each in lacking if each not in there])
        heard = beside(heard, Page(missing=unlisted, remarks=remarks))
        yield from beginning(heard, self._chased(own, {each: cited.get(each, []) for each in own}, point, keep))

    def _reports(
        self, name: str, names: Mapping[str, str], see: Callable[[Any], None], keep: Keep, wanted: Sequence[str]
    ) -> Iterator[Page]:
        """A page of what is missing of these reports, which are given to `see` as they came, readable or not."""
        filters = {"filter": f"{name}:{'|'.join(wanted)}", "per_page": str(self.ids_at_once)}
        page = whole(partial(self._page, filters, keep, see), holds_all)
        # What came without an id may be any of them.
        all_there = len(ids_of(page)) >= (page.reported or 0)
        yield Page(missing=[] if all_there else [each for each in wanted if each not in names])

    def _chased(
        self, own: Mapping[str, set[str]], cited: Mapping[str, list[str]], point: Point, keep: Keep
    ) -> Iterator[Page]:
        forward = Point(direction="forward")
        if point.direction == "backward":
            yield from follow(self, links_to(cited, own, "backward"), point, forward if own else None, keep)
            point = forward
        elif not own:
            yield Page()
        rest = list(batches(sorted(each for each in own if each > point.after), self.ids_at_once))
        for number, some in enumerate(rest, 1):
            # Behind these reports, unless they are the last ones.
            then = Point(direction="forward", after=some[-1]) if number < len(rest) else None
            yield from self._citing({each: own[each] for each in some}, point, then, keep)
            point = then or point

    def _citing(self, own: Mapping[str, set[str]], point: Point, then: Point | None, keep: Keep) -> Iterator[Page]:
        """Every work that cites one of these; the last page goes on to `then`. What the walk lacks by the source's own
        count is counted, as nobody can tell which works they are; one that gives nothing new page after page is over.
        """
        cited: dict[str, list[str]] = {}
        met: set[tuple[str, int | None]] = set()
        before, reported, stale = point.given, 0, 0
        asked = {"filter": f"cites:{'|'.join(own)}", "per_page": str(self._per_page)}

        def ask(at: str) -> Page:
            nonlocal before
            if at == START:
                # Also where a cursor has lapsed.
                before = 0
            cited.clear()
            return self._page(asked | {"cursor": at}, keep, lambda body: cited.update(read_references(body)))

        begun = orjson.dumps(point.at).decode() if point.at is not None else None
        for page in walk(ask, begun, START, self._per_page):
            stale = 0 if page.distinct - met else stale + 1
            met |= page.distinct
            given, reported = before + len(met), max(reported, page.reported or 0)
            is_last = page.cursor is None or stale > AGAIN
            citing = {each: set(cited.get(each, ())) & own.keys() for each in ids_of(page)}
            links = [
                Link(seed=record, found=each, direction="forward")
                for each, known in citing.items()
                for record in sorted(set().union(*(own[one] for one in known)))
            ]
            remarks = list(page.remarks)
            if unlinked := [each for each, known in citing.items() if not known]:
                remarks.append(f"{NAME} says of works that they cite a report that they do not list: {named(unlinked)}")
            lack = lacks(reported=reported, received=given, slack=self.slack) if is_last else 0
            if lack:
                remarks.append(f"{lack} of {reported} works that cite {named(list(own))} did not come from {NAME}")
            following = then
            if not is_last and page.cursor is not None:
                following = point.model_copy(update={"at": orjson.loads(page.cursor), "given": given})
            yield page.model_copy(
                update={
                    "links": links, "reported": None, "lacking": lack, "remarks": remarks,
                    "cursor": cursor_of(following),
                }
            )  # fmt: skip
            if is_last:
                return

    def read_again(self, heard: Heard) -> Page | None:
        return read_again(heard, lambda answer, asked: read_page(answer))

    def _page(self, asked: dict[str, str], keep: Keep, see: Callable[[Any], None] | None = None) -> Page:
        """A page of works; where they are to be given to `see` as they came, they say which works they cite."""
        params = asked | {"select": FIELDS if see is None else f"{FIELDS},referenced_works"}
        key = {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}

        def read(answer: Answer) -> Page:
            page = read_page(answer)
            if see is not None:
                see(answer.json())
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
    """The ids of the works that each work of a list answer cites, in the order in which it lists them; of no work whose
    list is none."""
    return {
        own: [id_ for each in work["referenced_works"] if (id_ := identifiers.openalex(each))]
        for work in map(as_dict, as_list(as_dict(body).get("results")))
        if (own := _own_id(work)) and isinstance(work.get("referenced_works"), list)
    }


def read_names(body: Any) -> dict[str, str]:
    """The id of each work of a list answer, by that and by its DOI, as far as it has them."""
    found: dict[str, str] = {}
    for work in map(as_dict, as_list(as_dict(body).get("results"))):
        if own := _own_id(work):
            doi = identifiers.doi(work.get("doi") or as_dict(work.get("ids")).get("doi"))
            found |= {own: own} | ({doi: own} if doi else {})
    return found


def read_works(body: Any) -> Page:
    """Reads the body of a list answer: {"meta", "results"}; raises Malformed when it is not one."""
    meta, works = as_dict(as_dict(body).get("meta")), as_dict(body).get("results")
    total = normal.count(meta.get("count"))
    if not isinstance(works, list) or total is None:
        raise Malformed("the answer has no meta.count or no list of results")
    cursor = as_cursor(meta.get("next_cursor"))
    return Reader(NAME, read_work).page(works, cursor=cursor, reported=total)


def _own_id(work: dict[str, Any]) -> str | None:
    return identifiers.openalex(work.get("id") or as_dict(work.get("ids")).get("openalex"))


def read_work(work: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one work object, of the schema of 2023 (host_venue, no language) or of 2026."""
    work = as_dict(work)
    ids = as_dict(work.get("ids"))
    own_id = _own_id(work)
    if own_id is None:
        return reader.reject(work, None, "it has no OpenAlex work id, so nothing identifies it")
    title = plain(as_text(work.get("title")) or as_text(work.get("display_name")))
    biblio = as_dict(work.get("biblio"))
    abstract = abstract_of(work.get("abstract_inverted_index"))
    struck = [Notice(kind="retraction")] if work.get("is_retracted") is True else []
    its_kind, notices = with_title(normal.kind([work.get("type")]), struck, title, abstract, f"openalex:{own_id}")
    return reader.record(
        work,
        source_id=own_id,
        title=title,
        abstract=abstract,
        keywords=[plain(as_text(as_dict(each).get("display_name"))) for each in as_list(work.get("keywords"))],
        authors=[name for name in map(_author, as_list(work.get("authorships"))) if name],
        venue=_venue(work),
        volume=normal.part(biblio.get("volume")),
        issue=normal.part(biblio.get("issue")),
        pages=normal.pages(biblio.get("first_page"), biblio.get("last_page")),
        issns=_issns(work),
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


def _issns(work: dict[str, Any]) -> list[Any]:
    source = as_dict(as_dict(work.get("primary_location")).get("source")) or as_dict(work.get("host_venue"))
    return [source.get("issn_l"), *as_list(source.get("issn"))]


def _published(work: dict[str, Any], reader: Reader) -> str | None:
    """OpenAlex fills an unknown month and day with 01-01; such a date is taken as the year it really is."""
    published = reader.partial_date_of(work.get("publication_date"))
    if published and published.endswith("-01-01"):
        return published[:4]
    return published or reader.partial_date(work.get("publication_year"))
