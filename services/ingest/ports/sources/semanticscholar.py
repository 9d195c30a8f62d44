"""Semantic Scholar: papers by its bulk search, harvested over a long window of publication dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, NoReturn, Unpack

import httpx
import orjson

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.markup import plain, prose, squeeze
from services.ingest.ports.sources.port import (
    Dating,
    Heard,
    Keep,
    Page,
    Query,
    Rejection,
    SourceRecord,
    SourceRefused,
    keep_nothing,
)
from services.ingest.ports.sources.reading import Reader, answered, as_cursor, as_dict, as_list, as_text, walk
from services.ingest.ports.sources.rereading import Asked, read_again
from shared import identifiers
from shared.events.values import Identifiers

NAME = "semanticscholar"
#: The bulk search gives pages of this size, whatever is asked for.
PAGE_SIZE = 1_000
START = "*"
#: Characters that a strategy may have as part of an address.
LONGEST_QUERY = 6_000

#: Fields we read.
FIELDS = "externalIds,title,abstract,venue,year,publicationDate,publicationTypes,journal,authors"

#: The types of papers, in the words of others.
_TYPES = {
    "JournalArticle": "journal-article",
    "Review": "review",
    "MetaAnalysis": "meta-analysis",
    "Conference": "conference-paper",
    "Book": "book",
    "BookSection": "chapter",
    "Editorial": "editorial",
    "LettersAndComments": "letter",
    "Dataset": "dataset",
}
#: Where a paper is that has not appeared in a journal, and what the DOIs begin with that are given there.
_SERVERS = {
    "arxiv": "10.48550/", "arxiv.org": "10.48550/", "biorxiv": "10.1101/", "chemrxiv": "10.26434/",
    "medrxiv": "10.1101/", "preprints.org": "10.20944/", "psyarxiv": "10.31234/", "research square": "10.21203/",
    "social science research network": "10.2139/", "ssrn electronic journal": "10.2139/",
}  # fmt: skip
_OWN_ID = re.compile(r"[0-9a-f]{40}")


class SemanticScholar:
    """Walks https://api.semanticscholar.org/graph/v1/paper/search/bulk by tokens, until none comes.

    The strategy is a query of the bulk search, over title and abstract: words side by side meaning all of them, `|` or,
    `-` not, `"phrases"`, `prefix*`. It knows no day on which a record came or changed, so the window is one of
    publication dates and must look far back; a paper of which only the year is known counts as of 1 January, so that
    a window begins with its year. Without a key most requests are turned away (429).
    """

    name = NAME
    datings: tuple[Dating, ...] = ("published",)
    least_overlap_days = 730
    #: Its count is an estimate: one in a hundred.
    slack = 0.01
    ids_at_once = 200

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
        self._headers = {"x-api-key": access.key.get_secret_value()} if access.key else {}
        self._http = PoliteClient(NAME, access, client, interval=1.1, limits=limits or Limits(), **timing)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        text = squeeze(query.text)
        if len(text) > LONGEST_QUERY:
            words = f"the strategy has {len(text):,} characters, and {LONGEST_QUERY:,} is the most"
            raise SourceRefused(f"{NAME} takes it in an address: {words}; split it", source=NAME)
        window = f"{query.since.year:04}-01-01:{query.until}"
        asked = {"query": text, "publicationDateOrYear": window, "sort": "paperId", "fields": FIELDS}
        return walk(partial(self._page, asked, keep), cursor, START, self._page_size)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """The papers with these ids (its own, 40 hex digits), changed or not; what it has no more is null there."""
        wanted = [each for each in ids if _OWN_ID.fullmatch(each)]
        if not wanted:
            yield Page()
            return
        yield self._http.ask(
            "POST",
            "paper/batch",
            lambda answer: read_batch(answer, wanted),
            refused=read_refusal,
            params={"fields": FIELDS},
            json={"ids": wanted},
            headers=self._headers,
            keep=keep,
        )

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page:
            if asked.address.endswith("/paper/search/bulk"):
                return read_page(answer)
            return read_batch(answer, as_list(as_dict(orjson.loads(asked.sent.get("json") or "{}")).get("ids")))

        return read_again(heard, read)

    def _page(self, asked: dict[str, str], keep: Keep, token: str) -> Page:
        params = asked if token == START else asked | {"token": token}
        return self._http.ask(
            "GET", "paper/search/bulk", read_page, refused=read_refusal, params=params, headers=self._headers, keep=keep
        )


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"error"} of a 400 or 404, {"message"} of a 403."""
    body = as_dict(answer.json()) if answer.is_json else {}
    raise Refused(as_text(body.get("error")) or as_text(body.get("message")) or answer.excerpt())


def read_page(answer: Answer) -> Page:
    """Reads one answer of the bulk search; raises Malformed when it is not one."""
    return answered(read_papers(answer.json()), answer)


def read_papers(body: Any) -> Page:
    """Reads the body of a bulk search: {"total", "token", "data"}; raises Malformed when it is not one. Where nothing
    is found the list may be left out."""
    body = as_dict(body)
    total = normal.count(body.get("total"))
    papers = body.get("data", [] if total == 0 else None)
    if not isinstance(papers, list) or total is None:
        raise Malformed("the answer has no total or no list of data")
    return Reader(NAME, read_paper).page(papers, cursor=as_cursor(body.get("token")), reported=total)


def read_batch(answer: Answer, wanted: Sequence[str]) -> Page:
    """Reads the answer to a list of ids, in which each that is not there is null; raises Malformed when it is none."""
    papers = answer.json()
    if not isinstance(papers, list) or len(papers) != len(wanted):
        raise Malformed(f"a list of {len(wanted)} papers was expected: {answer.excerpt()}")
    there = [paper for paper in papers if paper is not None]
    return answered(Reader(NAME, read_paper).page(there, reported=len(there)), answer)


def read_paper(paper: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one paper. Names of authors are shortened there, and text may be left out as its publisher wants it."""
    paper = as_dict(paper)
    own_id = as_text(paper.get("paperId"))
    if own_id is None:
        return reader.reject(paper, None, "it has no paperId, so nothing identifies it")
    ids = as_dict(paper.get("externalIds"))
    preprint = as_text(ids.get("ArXiv"))
    doi = identifiers.doi(ids.get("DOI")) or (identifiers.doi(f"10.48550/arxiv.{preprint}") if preprint else None)
    venue = plain(as_text(as_dict(paper.get("journal")).get("name")) or as_text(paper.get("venue")))
    return reader.record(
        paper,
        source_id=own_id,
        title=plain(as_text(paper.get("title"))),
        abstract=prose(as_text(paper.get("abstract"))),
        authors=[name for name in map(_author, as_list(paper.get("authors"))) if name],
        venue=venue,
        published=_published(paper, reader),
        kind="preprint" if _is_preprint(venue, doi) else normal.kind(_types(paper)),
        identifiers=Identifiers(
            doi=doi, pmid=identifiers.pmid(ids.get("PubMed")), pmcid=identifiers.pmcid(ids.get("PubMedCentral"))
        ),
    )


def _author(author: Any) -> str | None:
    return plain(as_text(as_dict(author).get("name")))


def _published(paper: dict[str, Any], reader: Reader) -> str | None:
    """An unknown day is told as 1 January; such a date is taken as the year it really is."""
    published = reader.partial_date_of(paper.get("publicationDate"))
    if published and published.endswith("-01-01"):
        return published[:4]
    return published or reader.partial_date(paper.get("year"))


def _is_preprint(venue: str | None, doi: str | None) -> bool:
    """Whether it is on a server of preprints, and its DOI, if any, is one of those that are given there."""
    prefix = _SERVERS.get((venue or "").lower())
    return prefix is not None and (doi is None or doi.startswith(prefix))


def _types(paper: dict[str, Any]) -> list[str]:
    return [_TYPES.get(each, "") for each in as_list(paper.get("publicationTypes")) if isinstance(each, str)]
