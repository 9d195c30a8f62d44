"""arXiv: preprints, harvested by the day on which their first version was submitted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import NoReturn, Unpack
from xml.etree.ElementTree import Element

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.lookups import looked_up
from services.ingest.ports.sources.markup import squeeze, text_of
from services.ingest.ports.sources.port import (
    Dating,
    Heard,
    Keep,
    Notice,
    Page,
    Query,
    Rejection,
    SourceRecord,
    SourceRefused,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, read_cursor, whole
from services.ingest.ports.sources.rereading import Asked, read_again
from services.ingest.ports.sources.slices import Position, Slices
from shared import identifiers
from shared.events.base import Value
from shared.events.bounds import Count
from shared.events.values import Identifiers

NAME = "arxiv"
PAGE_SIZE = 500
#: arXiv gives this many entries of one question.
CEILING = 30_000
#: Characters of a question that goes by GET; a longer one goes by POST.
LONGEST_QUERY = 1_500

_ATOM, _OPENSEARCH = "{http://www.w3.org/2005/Atom}", "{http://a9.com/-/spec/opensearch/1.1/}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_ID = re.compile(r"(?:[a-z-]{1,20}(?:\.[A-Z]{2})?/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})")
_VERSION = re.compile(r"v[0-9]{1,3}$")
_OWN_DOI = "10.48550/arxiv."
_WORKS = "(?:article|manuscript|paper|preprint|submission|work)"
_WITHDRAWN = re.compile(
    rf"\W{{0,3}}(?:this|the) {_WORKS} (?:has been|is|was) (?:temporarily )?withdrawn\b(?! from\b)", re.IGNORECASE
)
#: In a comment it is also said in fewer words.
_WITHDRAWN_IN_SHORT = re.compile(
    rf"\W{{0,3}}(?:{_WORKS} )?(?:has been |is |was )?(?:temporarily )?withdrawn\b(?! from\b)", re.IGNORECASE
)
#: A journal's name as a reference begins with it, before its first number.
_JOURNAL = re.compile(r"[^\d(]{3,}")
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_DAY = timedelta(days=1)
#: The slice that was asked for, at the end of a question.
_SUBMITTED = re.compile(r"submittedDate:\[([0-9]{8})0000 TO ([0-9]{8})[0-9]{4}\]\Z")
#: The share of a page's entries that may lie outside what was asked for, since days are told in another clock's hours.
_TOLERATED = 0.1


Reading = Callable[[Answer], Page]


class Descent(Value):
    """Where a walk from the latest change backwards stands: behind how many entries."""

    start: Count = 0


class ArXiv:
    """Walks https://export.arxiv.org/api/query, an Atom feed, by the place of entries in the answer.

    The strategy is an arXiv query (`ti:"integrated care" AND abs:leader`; AND, OR, ANDNOT). It gives 30,000 entries of
    a question: a window with more is cut into slices. Changes are read from the latest backwards until all entries are
    older than the window: a range of `lastUpdatedDate` is taken by arXiv for one of the days of submission since
    November 2025 (https://github.com/ropensci/aRxiv/issues/69).
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed")
    #: A submission may be held for weeks before it is announced, and then bears the day it was submitted on.
    least_overlap_days = 30
    slack = 0.0
    ids_at_once = 100

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        page_size: int = PAGE_SIZE,
        ceiling: int = CEILING,
        **timing: Unpack[Timing],
    ) -> None:
        self._page_size, self._ceiling = page_size, ceiling
        self._http = PoliteClient(NAME, access, client, interval=3.0, limits=limits or Limits(), **timing)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        text = squeeze(query.text)
        if query.by == "changed":
            return self._descend(text, query.since, cursor, keep)

        def ask(position: Position) -> Page:
            asked = request_of(text, position) | self._part(position.start)
            return self._ask(asked, partial(read_window, position=position), keep)

        slices = Slices(source=NAME, size=self._page_size, ceiling=self._ceiling, ask=ask)
        return slices.walk(query.since, query.until, cursor)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """The entries with these ids, changed or not; one that can be no id would have arXiv refuse all."""
        wanted = [each for each in ids if _ID.fullmatch(each)]
        asked = {"id_list": ",".join(wanted), "start": "0", "max_results": str(self.ids_at_once)}
        yield looked_up(wanted, partial(self._ask, asked, read_page, keep))

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page:
            if asked.sent.get("sortBy") == "lastUpdatedDate":
                return read_descent(answer)
            window = _SUBMITTED.search(asked.sent.get("search_query", ""))
            return read_window(answer, _slice_of(*window.groups())) if window else read_page(answer)

        return read_again(heard, read)

    def _descend(self, text: str, since: date, cursor: str | None, keep: Keep) -> Iterator[Page]:
        """Pages from the latest change on. What changes meanwhile moves others down, so it costs no entry its turn; how
        many entries of the window there are arXiv does not say."""
        descent: Descent | None = _descent(cursor)
        while descent is not None:
            start = descent.start
            if start >= self._ceiling:
                words = f"arxiv has more than {self._ceiling} entries that changed since {since}"
                raise SourceRefused(f"{words}, and gives no more; narrow the strategy", source=NAME)
            asked = {"search_query": text, "sortBy": "lastUpdatedDate", "sortOrder": "descending"}
            ask = partial(self._ask, asked | self._part(start), read_descent, keep)
            page = whole(ask, partial(_is_whole, start=start, size=self._page_size))
            older = bool(page.records) and all(_is_before(record.updated, since) for record in page.records)
            start += page.found or self._page_size
            descent = None if older or start >= (page.reported or 0) else Descent(start=start)
            yield page.model_copy(
                update={"reported": None, "cursor": descent.model_dump_json() if descent is not None else None}
            )

    def _part(self, start: int) -> dict[str, str]:
        return {"start": str(start), "max_results": str(self._page_size)}

    def _ask(self, asked: Mapping[str, str], read: Reading, keep: Keep) -> Page:
        if len(asked.get("search_query", "")) < LONGEST_QUERY:
            return self._http.ask("GET", "query", read, refused=read_refusal, params=asked, keep=keep)
        return self._http.ask("POST", "query", read, refused=read_refusal, form=asked, keep=keep)


def request_of(text: str, position: Position) -> dict[str, str]:
    """What is asked of a slice; days are those of Greenwich, both included.

    It ends with the first minute of the day after, so that the seconds of the last minute are in it however arXiv
    compares them; what is given twice for that costs nothing.
    """
    end = f"{position.until + _DAY:%Y%m%d}0000" if position.until < date.max else f"{position.until:%Y%m%d}2359"
    days = f"submittedDate:[{position.since:%Y%m%d}0000 TO {end}]"
    return {"search_query": f"({text}) AND {days}", "sortBy": "submittedDate", "sortOrder": "ascending"}


def _slice_of(since: str, until: str) -> Position:
    """The slice that `request_of` asked for between these days (YYYYMMDD)."""
    return Position(since=date.fromisoformat(since), until=date.fromisoformat(until))


def read_refusal(answer: Answer) -> NoReturn:
    """Reads the feed of a 400, whose one entry is the error."""
    if answer.media_type == "application/atom+xml":
        read_feed(answer.xml())
    raise Refused(f"HTTP {answer.status}: {answer.excerpt()}")


def read_page(answer: Answer) -> Page:
    """Reads one feed; raises Malformed when it is none, Refused for an error inside it."""
    return answered(read_feed(answer.xml()), answer)


def read_window(answer: Answer, position: Position) -> Page:
    """Reads one feed; raises Malformed when most of it was not submitted in the slice it was asked for."""
    page = read_page(answer)
    days = [record.entered for record in page.records if record.entered]
    outside = [day for day in days if not position.since - _DAY <= day <= position.until + _DAY]
    if len(outside) > _TOLERATED * len(days):
        words = f"{len(outside)} of {len(days)} entries, the first of {outside[0]}, lie outside"
        raise Malformed(f"entries of {position.since} to {position.until} were asked for, and {words}")
    return page


def read_descent(answer: Answer) -> Page:
    """Reads one feed; raises Malformed when it is not in the order of changes, the latest first."""
    page = read_page(answer)
    days = [record.updated for record in page.records if record.updated]
    wrong = sum(later > earlier + _DAY for earlier, later in pairwise(days))
    if wrong > _TOLERATED * len(days):
        raise Malformed(f"entries were asked for by their latest change, and {wrong} of {len(days)} are out of turn")
    return page


def read_feed(root: Element) -> Page:
    """Reads a feed; raises Malformed when it is something else, Refused where its entry is an error."""
    total = normal.count_of((root.findtext(f"{_OPENSEARCH}totalResults") or "").strip())
    if root.tag != f"{_ATOM}feed" or total is None:
        raise Malformed(f"an Atom feed with totalResults was expected, <{root.tag[:100]}> came")
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        if "/api/errors" in (entry.findtext(f"{_ATOM}id") or "") and entry.findtext(f"{_ATOM}title") == "Error":
            raise Refused(text_of(entry.find(f"{_ATOM}summary")) or "it answers with an error that says nothing")
    return Reader(NAME, read_entry).page(entries, reported=total)


def read_entry(entry: Element, reader: Reader) -> SourceRecord | Rejection:
    """Reads one entry; its id is without the version.

    An entry that names the DOI of a journal's article is taken for that article, since its first version's day is not
    when that was published; any other is a preprint with the DOI that arXiv gives it. Text is plain, with TeX in it.
    """
    own_id = _own_id(entry)
    if own_id is None:
        return reader.reject(entry, None, "it has no arXiv id, so nothing identifies it")
    first = normal.day(entry.findtext(f"{_ATOM}published"))
    summary, comment = (text_of(entry.find(name)) for name in (f"{_ATOM}summary", f"{_ARXIV}comment"))
    doi = identifiers.doi((entry.findtext(f"{_ARXIV}doi") or "").partition(" ")[0])
    reference = text_of(entry.find(f"{_ARXIV}journal_ref")) or ""
    is_article = doi is not None and not doi.startswith(_OWN_DOI)
    withdrawn = _WITHDRAWN.match(summary or "") or _WITHDRAWN.match(comment or "")
    withdrawn = withdrawn or _WITHDRAWN_IN_SHORT.match(comment or "")
    return reader.record(
        entry,
        source_id=own_id,
        title=text_of(entry.find(f"{_ATOM}title")),
        abstract=summary,
        authors=[name for each in entry.iterfind(f"{_ATOM}author/{_ATOM}name") if (name := text_of(each))],
        venue=_journal(reference) if is_article else "arXiv",
        published=_year(reference) if is_article else first and first.isoformat(),
        kind="article" if is_article else "preprint",
        identifiers=Identifiers(doi=doi or f"{_OWN_DOI}{own_id.lower()}"),
        notices=[Notice(kind="withdrawal")] if withdrawn else [],
        entered=first,
        updated=normal.day(entry.findtext(f"{_ATOM}updated")),
    )


def _own_id(entry: Element) -> str | None:
    named = (entry.findtext(f"{_ATOM}id") or "").strip().rpartition("/abs/")[2]
    found = _ID.fullmatch(_VERSION.sub("", named))
    return found[0] if found else None


def _journal(reference: str) -> str | None:
    found = _JOURNAL.match(reference)
    return (found[0].strip(" ,;:") or None) if found else None


def _year(reference: str) -> str | None:
    """The year that a reference names; None where it names several, or none."""
    years = set(_YEAR.findall(reference))
    return years.pop() if len(years) == 1 else None


def _is_whole(page: Page, start: int, size: int) -> bool:
    return page.found >= min(size, (page.reported or 0) - start)


def _is_before(day: date | None, since: date) -> bool:
    return day is not None and day < since


def _descent(cursor: str | None) -> Descent:
    return read_cursor(cursor, Descent) or Descent()
