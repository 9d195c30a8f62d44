"""Europe PMC: PubMed, PubMed Central and preprints, harvested by the day a record was first indexed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn, Unpack

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, prose
from services.ingest.ports.sources.port import (
    Dating,
    Heard,
    Keep,
    Notice,
    Page,
    Query,
    Rejection,
    SourceRecord,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_list, as_text, walk
from services.ingest.ports.sources.rereading import read_again
from shared import identifiers
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers
from shared.languages import language

NAME = "europepmc"
PAGE_SIZE = 100
START = "*"

#: Characters of a query that the search by GET takes; a longer one goes by POST.
LONGEST_QUERY = 1_500

_WINDOWS: dict[Dating, str] = {"came": "FIRST_IDATE", "changed": "UPDATE_DATE", "published": "FIRST_PDATE"}
_FAR_AWAY = date(2999, 12, 31)

_STRUCK: dict[str, NoticeKind] = {
    "retraction in": "retraction",
    "partial retraction in": "partial_retraction",
    "erratum in": "correction",
    "expression of concern in": "expression_of_concern",
    "corrected and republished in": "replacement",
    "retracted and republished in": "replacement",
}
_STRIKES: dict[str, NoticeKind] = {
    "retraction of": "retraction",
    "partial retraction of": "partial_retraction",
    "erratum for": "correction",
    "expression of concern for": "expression_of_concern",
    "corrected and republished from": "replacement",
    "retracted and republished from": "replacement",
}


class EuropePMC:
    """Walks https://www.ebi.ac.uk/europepmc/webservices/rest/search with a cursorMark.

    The strategy is a Europe PMC query; one that is too long for an address goes by POST (searchPOST). Synonyms are
    off, as the API has it; the website has them on, so its counts differ.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed", "published")
    least_overlap_days = 7
    drift = 0.0
    ids_at_once = 100

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        page_size: int = PAGE_SIZE,
        **timing: Unpack[Timing],
    ) -> None:
        self._page_size = page_size
        self._http = PoliteClient(NAME, access, client, interval=0.2, limits=limits or Limits(), **timing)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        return self._walk(text_of(query), cursor, keep, self._page_size)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """Those of the ids (source and number there, MED:123) whose record was changed since."""
        named = [f'(SRC:{origin} AND EXT_ID:"{number}")' for origin, _, number in (each.partition(":") for each in ids)]
        text = f"({' OR '.join(named)}) AND UPDATE_DATE:[{since} TO {_FAR_AWAY}]"
        for page in self._walk(text, None, keep, self.ids_at_once):
            yield page.model_copy(update={"cursor": None})

    def read_again(self, heard: Heard) -> Page | None:
        return read_again(heard, lambda answer, asked: read_page(answer))

    def _walk(self, text: str, cursor: str | None, keep: Keep, size: int) -> Iterator[Page]:
        asked = {"query": text, "resultType": "core", "format": "json", "pageSize": str(size)}
        return walk(lambda cursor: self._page(asked | {"cursorMark": cursor}, keep), cursor, START, size)

    def _page(self, asked: Mapping[str, str], keep: Keep) -> Page:
        if len(asked["query"]) < LONGEST_QUERY:
            return self._http.ask("GET", "search", read_page, refused=read_refusal, params=asked, keep=keep)
        return self._http.ask("POST", "searchPOST", read_page, refused=read_refusal, form=asked, keep=keep)


def text_of(query: Query) -> str:
    """The strategy and its window as one query."""
    return f"({query.text}) AND {_WINDOWS[query.by]}:[{query.since} TO {query.until}]"


def read_refusal(answer: Answer) -> NoReturn:
    body = as_dict(answer.json()) if answer.is_json else {}
    raise Refused(as_text(body.get("errMsg")) or answer.excerpt())


def read_page(answer: Answer) -> Page:
    """Reads one search answer; raises Malformed when it is not one, Refused or Busy for an error inside it."""
    body = as_dict(answer.json())
    if "errCode" in body or "errMsg" in body:
        said = as_text(body.get("errMsg")) or f"errCode {body.get('errCode')}"
        raise Busy(said) if normal.count(body.get("errCode")) in {429, 500, 502, 503, 504} else Refused(said)
    return answered(read_results(body), answer)


def read_results(body: Any) -> Page:
    """Reads the body of a search answer, of result type idlist, lite or core; raises Malformed when it is none."""
    body = as_dict(body)
    results, total = as_dict(body.get("resultList")).get("result"), normal.count(body.get("hitCount"))
    if not isinstance(results, list) or total is None:
        raise Malformed("the answer has no hitCount or no resultList.result")
    return Reader(NAME, read_result).page(results, cursor=as_cursor(body.get("nextCursorMark")), reported=total)


def read_result(result: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one result; its own id is its source (MED, PMC, PPR ...) and its id there."""
    result = as_dict(result)
    origin, number = as_text(result.get("source")), as_text(result.get("id"))
    if not origin or not number:
        return reader.reject(result, number, "it has no source and id, so nothing identifies it")
    own_id = f"{origin}:{number}"
    called = Identifiers(
        doi=identifiers.doi(result.get("doi")),
        pmid=identifiers.pmid(result.get("pmid") or (number if origin == "MED" else None)),
        pmcid=identifiers.pmcid(result.get("pmcid") or (number if origin == "PMC" else None)),
    )
    notices = _notices(own_id, called, result)
    return reader.record(
        result,
        source_id=own_id,
        title=_title(result),
        abstract=prose(as_text(result.get("abstractText"))),
        authors=_authors(result),
        venue=_venue(result),
        published=_published(result, reader),
        kind="preprint" if origin == "PPR" else normal.kind(_types(result)),
        language=language(result.get("language")),
        identifiers=called,
        notices=notices,
        entered=normal.day(result.get("firstIndexDate")),
        updated=normal.day(result.get("dateOfRevision")),
    )


def _title(result: dict[str, Any]) -> str | None:
    """The title without its final dot and the brackets of a translation."""
    title = plain(as_text(result.get("title"))) or ""
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    return (title if title.endswith("..") else title.removesuffix(".")) or None


def _authors(result: dict[str, Any]) -> list[str]:
    people = [as_dict(each) for each in as_list(as_dict(result.get("authorList")).get("author"))]
    if not people:
        listed = (as_text(result.get("authorString")) or "").strip().removesuffix(".")
        return [name for name in map(plain, listed.split(", ")) if name]
    return [name for name in map(_author, people) if name]


def _author(author: dict[str, Any]) -> str | None:
    family = plain(as_text(author.get("lastName")))
    given = plain(as_text(author.get("firstName")) or as_text(author.get("initials")))
    if family:
        return f"{family}, {given}" if given else family
    return plain(as_text(author.get("collectiveName"))) or plain(as_text(author.get("fullName")))


def _venue(result: dict[str, Any]) -> str | None:
    """The journal; for a preprint its server, for a chapter its book's publisher."""
    journal = as_dict(as_dict(result.get("journalInfo")).get("journal"))
    report = as_dict(result.get("bookOrReportDetails"))
    return plain(
        as_text(journal.get("title")) or as_text(result.get("journalTitle")) or as_text(report.get("publisher"))
    )


def _published(result: dict[str, Any], reader: Reader) -> str | None:
    """The day of electronic publication, else the issue's date as precise as it is printed.

    `firstPublicationDate` comes last, since it fills an unknown month and day with 01.
    """
    issue = as_dict(result.get("journalInfo"))
    return (
        reader.partial_date_of(result.get("electronicPublicationDate"))
        or reader.partial_date_of(issue.get("dateOfPublication"))
        or reader.partial_date(issue.get("yearOfPublication"), issue.get("monthOfPublication"))
        or reader.partial_date_of(result.get("firstPublicationDate"))
        or reader.partial_date(result.get("pubYear"))
    )


def _types(result: dict[str, Any]) -> list[str]:
    """Publication types: a list in `core`, text with semicolons in `lite`."""
    listed = as_list(as_dict(result.get("pubTypeList")).get("pubType"))
    return [str(each) for each in listed] or [each.strip() for each in str(result.get("pubType") or "").split(";")]


def _notices(own_id: str, called: Identifiers, result: dict[str, Any]) -> list[Notice]:
    own = f"pmid:{called.pmid}" if called.pmid else f"doi:{called.doi}" if called.doi else own_id
    notices = []
    for other in map(as_dict, as_list(as_dict(result.get("commentCorrectionList")).get("commentCorrection"))):
        its_type = (as_text(other.get("type")) or "").lower()
        pmid = identifiers.pmid(other.get("id")) if other.get("source") == "MED" else None
        if kind := _STRUCK.get(its_type):
            notices.append(Notice(kind=kind, by=pmid and f"pmid:{pmid}"))
        elif (kind := _STRIKES.get(its_type)) and pmid:
            notices.append(Notice(kind=kind, of=Identifiers(pmid=pmid), by=own))
    retracted = any(each.lower() == "retracted publication" for each in _types(result))
    if retracted and not any(one.kind == "retraction" and not one.of for one in notices):
        notices.append(Notice(kind="retraction"))
    return notices
