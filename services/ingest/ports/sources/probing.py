"""Probing: one small page of a live source is held against all that its adapter needs, so that anyone can see within
seconds whether the API is still the one we know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.ingest.ports.sources.port import Page, Query, Source, SourceRecord
from shared.errors import LivingError

State = Literal["ok", "warn", "fail"]

#: What each source is asked unless something else is given: a question that has works in any two months, and few.
STRATEGIES = {
    "openalex": 'title_and_abstract.search:"patient safety"',
    "crossref": "filter=issn:1568-4156",
    "pubmed": '"patient safety"[tiab]',
    "europepmc": 'TITLE:"patient safety"',
    "doaj": 'title:"patient safety"',
    "arxiv": 'abs:"health care"',
    "semanticscholar": '"patient safety"',
}
DAYS = 60

#: The share of works that have each field at least, of any source; below it somebody should look. Of abstracts and DOIs
#: each source has its own, well below what its recorded answers have.
_TITLE, _DATE = 0.95, 0.9
_ABSTRACT = {"openalex": 0.3, "crossref": 0.1, "pubmed": 0.5, "europepmc": 0.4, "doaj": 0.7, "arxiv": 0.95}
_DOI = {"openalex": 0.6, "crossref": 1.0, "pubmed": 0.7, "europepmc": 0.6, "doaj": 0.6, "arxiv": 0.95}
#: Fewer works than these tell nothing of shares.
_ENOUGH = 10
#: The share of rejected items from which on somebody should look, and from which on the form has changed.
_ODD, _BROKEN = 0.02, 0.2

#: The sources that say in headers how much may be asked of them.
_TELL_RATES = {"openalex", "crossref", "pubmed"}

_LONG_AGO = date(1990, 1, 1)

_FIELDS: dict[str, Callable[[SourceRecord], bool]] = {
    "title": lambda record: record.title is not None,
    "abstract": lambda record: record.abstract is not None,
    "DOI": lambda record: record.identifiers.doi is not None,
    "date": lambda record: record.published is not None,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing that an adapter needs."""

    source: str
    check: str
    state: State
    said: str


def query_of(source: Source, today: date, strategy: str | None = None, days: int = DAYS) -> Query:
    """What a probe asks: works of the last days, by the first of the source's datings."""
    text = strategy or STRATEGIES[source.name]
    return Query(text=text, since=today - timedelta(days=days), until=today, by=source.datings[0])


def probe(source: Source, query: Query) -> Iterator[Finding]:
    """Asks for a page, the one after it, and one of its works by its id: three requests, or a few more where a source
    lists ids first. What fails ends it."""
    try:
        page = next(source.pages(query))
    except LivingError as error:
        yield _unanswered(source, "answer", error)
        return
    yield Finding(source.name, "answer", "ok", f"a page of {page.found} items, asked by the days they {query.by}")
    yield from _items(source, page)
    yield from _quota(source, page)
    yield from _goes_on(source, query, page)
    if page.records:
        yield _looked_up(source, page.records[0])


def _unanswered(source: Source, check: str, error: LivingError) -> Finding:
    words = error.detail
    if "ConnectError" in words or "ConnectTimeout" in words:
        words += "; it cannot be reached from here, so this tells nothing of its API"
    return Finding(source.name, check, "fail", words)


def _items(source: Source, page: Page) -> Iterator[Finding]:
    name = source.name
    if page.reported is None:
        yield Finding(
            name, "count", "fail", "it does not say how many works there are: no walk can be shown to be whole"
        )
    elif page.reported < page.found:
        yield Finding(name, "count", "fail", f"it gave {page.found} items and says that there are {page.reported}")
    else:
        yield Finding(name, "count", "ok", f"{page.reported} works")
    if not page.found:
        yield Finding(
            name, "items", "fail", "no work was found where there should be some: is the strategy still read?"
        )
        return
    share = len(page.rejections) / page.found
    state: State = "fail" if share > _BROKEN else "warn" if share > _ODD else "ok"
    reasons = sorted({rejection.reason for rejection in page.rejections})[:3]
    said = f"{len(page.rejections)} of {page.found} are no records" + (f": {'; '.join(reasons)}" if reasons else "")
    yield Finding(name, "items", state, said)
    if page.missing:
        yield Finding(name, "items", "warn", f"{len(page.missing)} were listed and not given: {page.missing[0]} ...")
    for remark in page.remarks[:3]:
        yield Finding(name, "remark", "warn", remark)
    floors = {
        "title": _TITLE, "abstract": _ABSTRACT.get(name, 0.1), "DOI": _DOI.get(name, 0.4), "date": _DATE
    }  # fmt: skip
    for field, floor in floors.items():
        yield _field(name, field, page.records, floor)


def _field(name: str, field: str, records: list[SourceRecord], floor: float) -> Finding:
    having, of = sum(map(_FIELDS[field], records)), len(records)
    said = f"{having} of {of} records have one"
    if of < _ENOUGH:
        return Finding(name, field, "ok" if having else "warn", f"{said}; too few to judge")
    if not having:
        return Finding(name, field, "fail", f"{said}: is it still where it was?")
    if having < floor * of:
        return Finding(name, field, "warn", f"{said}; mostly at least {floor:.0%} do")
    return Finding(name, field, "ok", said)


def _quota(source: Source, page: Page) -> Iterator[Finding]:
    if page.quota:
        said = ", ".join(f"{name}: {value}" for name, value in sorted(page.quota.items())[:8])
        yield Finding(source.name, "rates", "ok", said)
    elif source.name in _TELL_RATES:
        yield Finding(source.name, "rates", "warn", "it does not say any more how much may be asked of it")
    else:
        yield Finding(source.name, "rates", "ok", "it says nothing of them, as ever")


def _goes_on(source: Source, query: Query, page: Page) -> Iterator[Finding]:
    """Whether the walk has a next page exactly where there is more, and that page is another one."""
    more = (page.reported or 0) > page.found
    if page.cursor is None:
        state: State = "fail" if more else "ok"
        said = (
            f"no next page, though only {page.found} of {page.reported} came" if more else "this page is the last one"
        )
        yield Finding(source.name, "next page", state, said)
        return
    try:
        following = next(source.pages(query, page.cursor))
    except LivingError as error:
        yield _unanswered(source, "next page", error)
        return
    first, second = ({record.source_id for record in each.records} for each in (page, following))
    if more and not second:
        yield Finding(source.name, "next page", "fail", "it is empty, though more is said to be there")
    elif len(first & second) > len(second) / 2:
        yield Finding(source.name, "next page", "fail", "it repeats the page before: the place in the walk is not read")
    else:
        yield Finding(source.name, "next page", "ok", f"{following.found} other items")


def _looked_up(source: Source, record: SourceRecord) -> Finding:
    try:
        pages = list(source.look_up([record.source_id], _LONG_AGO))
    except LivingError as error:
        return _unanswered(source, "look-up", error)
    found = next((each for page in pages for each in page.records if each.source_id == record.source_id), None)
    if found is None:
        return Finding(source.name, "look-up", "fail", f"{record.source_id} is listed and not given by its id")
    if found.content_hash != record.content_hash:
        return Finding(source.name, "look-up", "warn", f"{record.source_id} is another by its id than in the list")
    return Finding(source.name, "look-up", "ok", f"{record.source_id} is the same by its id")
