"""PubMed: searched by the day a citation entered (E-utilities esearch), fetched as XML (efetch)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NoReturn, Unpack
from xml.etree.ElementTree import Element

import httpx
from pydantic import ValidationError

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Busy, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, squeeze, text_of
from services.ingest.ports.sources.port import (
    DatedBy,
    Keep,
    Notice,
    Page,
    Query,
    Rejection,
    SourceRecord,
    SourceRefused,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_dict, as_list, as_text
from shared import identifiers
from shared.events.base import Value
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers
from shared.languages import language

NAME = "pubmed"
PER_PAGE = 200
#: esearch reaches the first 9,999 records of a result only.
CEILING = 9_999

_STRUCK: dict[str, NoticeKind] = {
    "RetractionIn": "retraction",
    "PartialRetractionIn": "partial_retraction",
    "RetractedandRepublishedIn": "replacement",
    "CorrectedandRepublishedIn": "replacement",
    "ErratumIn": "correction",
    "ExpressionOfConcernIn": "expression_of_concern",
}
_STRIKES: dict[str, NoticeKind] = {
    "RetractionOf": "retraction",
    "PartialRetractionOf": "partial_retraction",
    "RetractedandRepublishedFrom": "replacement",
    "CorrectedandRepublishedFrom": "replacement",
    "ErratumFor": "correction",
    "ExpressionOfConcernFor": "expression_of_concern",
}
_TAG = re.compile(r"<[^>]*>")
#: Characters of WebEnv and query_key, which a cursor must hold.
_LONGEST_CURSOR = 1500
_NOT_AVAILABLE = {"not available", "no title available"}


class Position(Value):
    """Where a walk stands: a slice of the window small enough for esearch, and how far it has been fetched.

    `webenv` and `key` name the slice's result on NCBI's history server, which forgets it after hours;
    `found` is its size, `reported` that of the whole window.
    """

    since: date
    until: date
    start: int = 0
    found: int = 0
    reported: int | None = None
    webenv: str = ""
    key: str = ""

    @property
    def unsearched(self) -> bool:
        return self.reported is None or not self.webenv


class PubMed:
    """Walks https://eutils.ncbi.nlm.nih.gov/entrez/eutils: one esearch a slice of days, one efetch a page.

    The strategy is a PubMed query. The window is one of entry dates (`edat`); a window with more than
    9,999 citations is halved until each slice has fewer. Requests are POSTs, so that long strategies fit
    and the key stays out of every URL.
    """

    name = NAME
    dated_by: DatedBy = "entered"
    least_overlap_days = 2

    def __init__(
        self,
        access: Access,
        client: httpx.Client,
        *,
        limits: Limits | None = None,
        per_page: int = PER_PAGE,
        ceiling: int = CEILING,
        **timing: Unpack[Timing],
    ) -> None:
        self._per_page, self._ceiling = per_page, ceiling
        self._who = {"tool": access.tool}
        if access.contact:
            self._who["email"] = access.contact
        if access.key:
            self._who["api_key"] = access.key.get_secret_value()
        interval = 0.1 if access.key else 0.34
        self._http = PoliteClient(
            NAME, access, client, interval=interval, limits=limits or Limits(), pace=read_pace, **timing
        )

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        position: Position | None = _position(query, cursor)
        while position is not None:
            position, page = self._page(query, position, keep)
            position = _following(position, query, self._per_page)
            yield page.model_copy(update={"cursor": position.model_dump_json() if position else None})

    def _page(self, query: Query, position: Position, keep: Keep) -> tuple[Position, Page]:
        remarks: list[str] = []
        if position.unsearched:
            position, remarks = self._search(query, position, keep)
        page = Page(reported=position.reported, remarks=remarks)
        if not position.found:
            return position, page
        try:
            fetched = self._fetch(position, keep)
        except SourceRefused as refusal:
            if not isinstance(refusal.__cause__, Forgotten):
                raise
            # The history server keeps a result for hours only; what follows was partly given before.
            position, remarks = self._search(query, position, keep)
            fetched = self._fetch(position, keep)
        return position, fetched.model_copy(
            update={"reported": position.reported, "remarks": remarks + fetched.remarks}
        )

    def _search(self, query: Query, position: Position, keep: Keep) -> tuple[Position, list[str]]:
        """Searches the slice, halving it until esearch can reach all of it."""
        while True:
            window = {
                "datetype": "edat",
                "mindate": f"{position.since:%Y/%m/%d}",
                "maxdate": f"{position.until:%Y/%m/%d}",
            }
            asked = {"term": query.text, "retmode": "json", "retmax": "0", "usehistory": "y"}
            form = {"db": "pubmed"} | asked | window | self._who
            found, webenv, key, remarks = self._http.ask(
                "POST", "esearch.fcgi", read_search, refused=read_refusal, form=form, keep=keep
            )
            reported = found if position.reported is None else position.reported
            if found <= self._ceiling:
                searched = {"start": 0, "found": found, "webenv": webenv, "key": key, "reported": reported}
                return position.model_copy(update=searched), remarks
            if position.since == position.until:
                words = f"pubmed took in {found} citations on {position.since} alone, and gives {self._ceiling} at most"
                raise SourceRefused(f"{words}; narrow the strategy", source=NAME)
            middle = position.since + (position.until - position.since) // 2
            position = position.model_copy(update={"until": middle, "reported": reported})

    def _fetch(self, position: Position, keep: Keep) -> Page:
        expected = min(self._per_page, position.found - position.start)
        history = {"WebEnv": position.webenv, "query_key": position.key}
        part = {"retstart": str(position.start), "retmax": str(self._per_page)}
        form = {"db": "pubmed", "retmode": "xml"} | history | part | self._who
        return self._http.ask(
            "POST",
            "efetch.fcgi",
            lambda answer: read_page(answer, expected),
            refused=read_refusal,
            form=form,
            keep=keep,
        )


class Forgotten(Refused):
    """The history server no longer has the result of the search."""


def _position(query: Query, cursor: str | None) -> Position:
    """The place a cursor names, or the window's beginning when it names none within this window."""
    start = Position(since=query.since, until=query.until)
    try:
        position = Position.model_validate_json(cursor or "")
    except ValidationError:
        return start
    return position if query.since <= position.since <= position.until <= query.until else start


def _following(position: Position, query: Query, per_page: int) -> Position | None:
    """The place after this page: the next page of the slice, the next slice, or none."""
    if position.start + per_page < position.found:
        return position.model_copy(update={"start": position.start + per_page})
    if position.until >= query.until:
        return None
    since = position.until + timedelta(days=1)
    until = min(query.until, since + (position.until - position.since))
    return Position(since=since, until=until, reported=position.reported)


def read_pace(answer: Answer) -> float | None:
    """Seconds between two requests, out of x-ratelimit-limit (requests a second)."""
    limit = normal.count_of(answer.headers.get("x-ratelimit-limit"))
    return 1 / limit if limit else None


def read_search(answer: Answer) -> tuple[int, str, str, list[str]]:
    """Reads an esearch answer: how many citations, WebEnv, query_key, and what PubMed remarks on the strategy."""
    body = as_dict(answer.json())
    _check_error(body)
    result = as_dict(body.get("esearchresult"))
    if error := as_text(result.get("ERROR")):
        if "backend failed" in error.lower():
            raise Busy(plain(error) or "search backend failed")
        raise Refused(plain(error) or "ERROR")
    count = normal.count_of(result.get("count"))
    webenv, key = (as_text(result.get(name)) or "" for name in ("webenv", "querykey"))
    if count is None or (count and not (webenv and key)) or len(webenv + key) > _LONGEST_CURSOR:
        raise Malformed(f"the answer has no count, webenv and querykey: {answer.excerpt()}")
    return count, webenv, key, _remarks(result)


def _check_error(body: dict[str, Any]) -> None:
    """Reads {"error": ...}, which also comes with status 200."""
    if error := as_text(body.get("error")):
        raise Busy(error) if "rate limit" in error.lower() else Refused(error)


def _remarks(result: dict[str, Any]) -> list[str]:
    lists = as_dict(result.get("errorlist")) | as_dict(result.get("warninglist"))
    return [f"{name}: {plain(str(said))}" for name, all_said in lists.items() for said in as_list(all_said)]


def read_refusal(answer: Answer) -> NoReturn:
    """Reads a client error, some of which mean that the server itself timed out or forgot."""
    if answer.is_json:
        _check_error(as_dict(answer.json()))
    _judge_error(f"HTTP {answer.status}: {squeeze(_TAG.sub(' ', answer.excerpt(600)))}")


def _judge_error(text: str) -> NoReturn:
    low = text.lower()
    if "timeout" in low or "empty response" in low:
        raise Busy(text)
    if "history" in low or "unable to obtain query" in low or "webenv" in low:
        raise Forgotten(text)
    raise Refused(text)


def read_page(answer: Answer, expected: int) -> Page:
    """Reads an efetch answer that should hold `expected` citations; each one missing is a rejection."""
    if answer.media_type == "application/json":
        _check_error(as_dict(answer.json()))
    page = read_articles(answer.xml())
    if not page.found:
        raise Malformed(f"{expected} citations were asked for, and none came")
    missing = [
        Rejection(
            source=NAME,
            source_id=None,
            position=position,
            reason="PubMed counts it in the result of the search, but did not deliver it (deleted meanwhile, perhaps)",
            excerpt="",
        )
        for position in range(page.found, expected)
    ]
    return answered(page, answer).model_copy(update={"rejections": page.rejections + missing})


def read_articles(root: Element) -> Page:
    """Reads a PubmedArticleSet; raises Malformed when it is something else."""
    if root.tag in {"eFetchResult", "ePostResult"}:
        _judge_error(text_of(root) or root.tag)
    if root.tag != "PubmedArticleSet":
        raise Malformed(f"a PubmedArticleSet was expected, <{root.tag}> came")
    return Reader(NAME, read_article).page(list(root))


def read_article(item: Element, reader: Reader) -> SourceRecord | Rejection:
    """Reads one PubmedArticle or PubmedBookArticle."""
    if item.tag == "PubmedBookArticle":
        return _read_book(item, reader)
    if item.tag != "PubmedArticle":
        return reader.reject(item, None, f"it is a <{item.tag}>, neither an article nor a book")
    citation, article = item.find("MedlineCitation"), item.find("MedlineCitation/Article")
    own_id = identifiers.pmid(item.findtext("MedlineCitation/PMID"))
    if citation is None or article is None or own_id is None:
        return reader.reject(item, own_id, "it has no citation with a PMID and an article")
    titles = _titles(article)
    types = [text_of(each) for each in article.iterfind("PublicationTypeList/PublicationType")]
    return reader.record(
        item,
        source_id=own_id,
        title=titles[0] if titles else None,
        other_titles=titles[1:],
        abstract=_abstract(article.find("Abstract")),
        authors=_authors(article.find("AuthorList")),
        venue=plain(article.findtext("Journal/Title")),
        published=_date(article.find("ArticleDate"), reader)
        or _date(article.find("Journal/JournalIssue/PubDate"), reader),
        kind=normal.kind(types),
        language=language(article.findtext("Language")),
        identifiers=_identifiers(own_id, item.find("PubmedData/ArticleIdList"), article),
        notices=_notices(own_id, citation, types),
        entered=_stamp(_entrez(item.find("PubmedData/History"))),
        updated=_stamp(citation.find("DateRevised")),
    )


def _read_book(item: Element, reader: Reader) -> SourceRecord | Rejection:
    document = item.find("BookDocument")
    own_id = identifiers.pmid(item.findtext("BookDocument/PMID"))
    if document is None or own_id is None:
        return reader.reject(item, own_id, "it has no book document with a PMID")
    chapter, book = _titles(document), text_of(document.find("Book/BookTitle"))
    people = document.find("AuthorList")
    return reader.record(
        item,
        source_id=own_id,
        title=chapter[0] if chapter else book,
        abstract=_abstract(document.find("Abstract")),
        authors=_authors(people if people is not None else document.find("Book/AuthorList")),
        venue=book if chapter else plain(document.findtext("Book/Publisher/PublisherName")),
        published=_date(document.find("Book/PubDate"), reader),
        kind="chapter" if chapter else "book",
        language=language(document.findtext("Language")),
        identifiers=_identifiers(own_id, document.find("ArticleIdList"), document),
        entered=_stamp(_entrez(item.find("PubmedBookData/History"))),
        updated=_stamp(document.find("DateRevised")),
    )


def _titles(article: Element) -> list[str]:
    """The title without its final dot and the brackets of a translation; then the title in its own language."""
    title = text_of(article.find("ArticleTitle")) or ""
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    title = title if title.endswith("..") else title.removesuffix(".")
    vernacular = (text_of(article.find("VernacularTitle")) or "").removesuffix(".")
    return [each for each in (title, vernacular) if each and each.lower() not in _NOT_AVAILABLE]


def _abstract(abstract: Element | None) -> str | None:
    lines = []
    for part in abstract.iterfind("AbstractText") if abstract is not None else ():
        label, text = squeeze(part.get("Label", "")), text_of(part)
        if text:
            lines.append(text if label.upper() in {"", "UNLABELLED"} else f"{label}: {text}")
    return "\n".join(lines) or None


def _authors(people: Element | None) -> list[str]:
    return [name for name in map(_author, people.iterfind("Author") if people is not None else ()) if name]


def _author(author: Element) -> str | None:
    if author.get("ValidYN") == "N":
        return None
    family = text_of(author.find("LastName"))
    if not family:
        return text_of(author.find("CollectiveName"))
    given = [plain(author.findtext("ForeName") or author.findtext("Initials")), plain(author.findtext("Suffix"))]
    return ", ".join([family, " ".join(filter(None, given))]).removesuffix(", ")


def _identifiers(own_id: str, listed: Element | None, article: Element) -> Identifiers:
    """The ids of the citation itself: a ReferenceList elsewhere in it holds those of other works."""
    ids = {each.get("IdType"): text_of(each) for each in (listed if listed is not None else ())}
    found = article.iterfind("ELocationID[@EIdType='doi']")
    located = next((text_of(each) for each in found if each.get("ValidYN") != "N"), None)
    return Identifiers(
        doi=identifiers.doi(ids.get("doi")) or identifiers.doi(located),
        pmid=own_id,
        pmcid=identifiers.pmcid(ids.get("pmc")),
    )


def _date(element: Element | None, reader: Reader) -> str | None:
    return (
        None
        if element is None
        else reader.partial_date(*_parts(element)) or reader.partial_date_of(element.findtext("MedlineDate"))
    )


def _stamp(element: Element | None) -> date | None:
    return None if element is None else normal.day(normal.partial_date(*_parts(element)))


def _parts(element: Element) -> list[str | None]:
    return [element.findtext(name) for name in ("Year", "Month", "Day")]


def _entrez(history: Element | None) -> Element | None:
    return history.find("PubMedPubDate[@PubStatus='entrez']") if history is not None else None


def _notices(own_id: str, citation: Element, types: list[str | None]) -> list[Notice]:
    notices = []
    for other in citation.iterfind("CommentsCorrectionsList/CommentsCorrections"):
        its_type = other.get("RefType", "")
        named = _named(other)
        if kind := _STRUCK.get(its_type):
            by = (f"pmid:{named.pmid}" if named.pmid else f"doi:{named.doi}") if named else None
            notices.append(Notice(kind=kind, by=by))
        elif (kind := _STRIKES.get(its_type)) and named:
            notices.append(Notice(kind=kind, of=named, by=f"pmid:{own_id}"))
    if "Retracted Publication" in types and not any(one.kind == "retraction" and not one.of for one in notices):
        notices.append(Notice(kind="retraction"))
    return notices


def _named(other: Element) -> Identifiers | None:
    """The other citation by its PMID or, where it has none, by the DOI in its reference text."""
    pmid = identifiers.pmid(other.findtext("PMID"))
    doi = identifiers.doi((other.findtext("RefSource") or "").rpartition("doi:")[2].strip().rstrip("."))
    return Identifiers(pmid=pmid, doi=doi) if pmid or doi else None
