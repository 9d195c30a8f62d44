"""DOAJ: articles of open-access journals, harvested by the day on which a record came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, NoReturn, Unpack
from urllib.parse import quote

import httpx

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.lookups import looked_up
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
from services.ingest.ports.sources.reading import Reader, answered, as_dict, as_list, as_text
from services.ingest.ports.sources.rereading import Asked, read_again
from services.ingest.ports.sources.slices import FIRST_DAY, LAST_DAY, Position, Slices
from shared import identifiers
from shared.events.values import Identifiers
from shared.languages import language

NAME = "doaj"
PAGE_SIZE = 100
#: The API gives this many records of one question.
CEILING = 1_000
#: Characters that an address may have, as servers and what stands before them take it.
LONGEST_ADDRESS = 6_000

_OWN_ID = re.compile(r"[0-9a-f]{32}")
#: A field's name at the end of text, of which the colon comes next.
_FIELD = re.compile(r"(?:\A|[\s(+!-])[A-Za-z_][A-Za-z_.]{0,99}$")
_LAST_WORD = 200


class DOAJ:
    """Walks https://doaj.org/api/v4/search/articles by numbered pages, the oldest record first.

    The strategy is an Elasticsearch query string (`title:"integrated care" OR abstract:leadership`), words side by side
    meaning all of them; wildcards, fuzzy and proximity searches are refused by DOAJ. It gives 1,000 records of a
    question: a window with more is cut by the day on which records came. DOAJ takes a colon for that of a field only
    where it is the first, or AND or OR stand before it; a strategy it would misread is refused.
    """

    name = NAME
    datings: tuple[Dating, ...] = ("came", "changed", "published")
    least_overlap_days = 7
    slack = 0.0
    ids_at_once = 50

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
        # A page that crosses the ceiling is refused whole.
        self._page_size, self._ceiling = page_size, ceiling - ceiling % page_size or page_size
        self._http = PoliteClient(NAME, access, client, interval=0.5, limits=limits or Limits(), **timing)

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        text = squeeze(query.text)
        if fault := misread(text):
            raise SourceRefused(f"{NAME} would misread the strategy: {fault}", source=NAME)
        query = query.model_copy(update={"text": text})
        slices = Slices(
            source=NAME,
            size=self._page_size,
            ceiling=self._ceiling,
            ask=lambda position: self._page(*request_of(query, position), position.start, keep),
            numbered=True,
        )
        window = (FIRST_DAY, LAST_DAY) if query.by == "published" else (query.since, query.until)
        return slices.walk(*window, cursor)

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """The records with these ids, changed or not."""
        wanted = [each for each in ids if _OWN_ID.fullmatch(each)]
        named = " OR ".join(f'"{each}"' for each in wanted)
        ask = partial(self._page, f"id.exact:({named})", "created_date:asc", 0, keep, PAGE_SIZE)
        yield looked_up(wanted, ask)

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page:
            return read_page(answer, normal.count_of(asked.sent.get("pageSize")) or 0)

        return read_again(heard, read)

    def _page(self, text: str, sort: str, start: int, keep: Keep, size: int | None = None) -> Page:
        size = size or self._page_size
        path = f"search/articles/{quote(text, safe='')}"
        if len(path) > LONGEST_ADDRESS:
            words = f"the strategy makes an address of {len(path):,} characters, and {LONGEST_ADDRESS:,} is the most"
            raise SourceRefused(f"{NAME} takes it in an address: {words}; split it", source=NAME)
        params = {"page": str(start // size + 1), "pageSize": str(size), "sort": sort}
        return self._http.ask(
            "GET", path, lambda answer: read_page(answer, size), refused=read_refusal, params=params, keep=keep
        )


def request_of(query: Query, position: Position) -> tuple[str, str]:
    """What is asked of a slice, as text and order. The window comes last, behind AND, so that its colons are read."""
    days = f"[{position.since} TO {position.until}]"
    if query.by == "changed":
        return f"({query.text}) AND last_updated:{days}", "last_updated:asc"
    if query.by == "came":
        return f"({query.text}) AND created_date:{days}", "created_date:asc"
    text = f"({query.text}) AND bibjson.year:[{query.since.year} TO {query.until.year}]"
    whole = (position.since, position.until) == (FIRST_DAY, LAST_DAY)
    return text if whole else f"{text} AND created_date:{days}", "created_date:asc"


def misread(text: str) -> str | None:
    """Which field of a strategy DOAJ would take for text, and what to do; None where it reads all of them.

    It escapes each colon but the first unless AND or OR, in capitals, stand between it and the one before (`escape` in
    DOAJ's portality/api/current/discovery.py).
    """
    quoted, parts = False, text.split(":")
    for index, part in enumerate(parts[:-1]):
        quoted ^= (part.count('"') - part.count('\\"')) % 2 == 1
        read = not index or part.endswith("\\") or " AND " in part or " OR " in part
        if not quoted and not read and (name := _FIELD.search(part[-_LAST_WORD:])):
            return f"there is neither AND nor OR before the field {name[0].strip(' (+!-')}"
    return None


def read_refusal(answer: Answer) -> NoReturn:
    """Reads {"status", "error"} of a 400, 401 or 403."""
    body = as_dict(answer.json()) if answer.is_json else {}
    raise Refused(as_text(body.get("error")) or answer.excerpt())


def read_page(answer: Answer, size: int) -> Page:
    """Reads one search answer; raises Malformed when it is not one, or has pages of another size than was asked for."""
    body = as_dict(answer.json())
    if (of := body.get("pageSize")) != size and "results" in body:
        raise Malformed(f"pages of {size} records were asked for, and come with {of}")
    return answered(read_articles(body), answer)


def read_articles(body: Any) -> Page:
    """Reads the body of a search answer: {"total", "results"}; raises Malformed when it is not one."""
    results, total = as_dict(body).get("results"), normal.count(as_dict(body).get("total"))
    if not isinstance(results, list) or total is None:
        raise Malformed("the answer has no total or no list of results")
    return Reader(NAME, read_article).page(results, reported=total)


def read_article(article: Any, reader: Reader) -> SourceRecord | Rejection:
    """Reads one article. Its language is told only where its journal has no more than one."""
    article = as_dict(article)
    own_id, described = as_text(article.get("id")), as_dict(article.get("bibjson"))
    if not own_id:
        return reader.reject(article, None, "it has no id, so nothing identifies it")
    journal = as_dict(described.get("journal"))
    languages = as_list(journal.get("language"))
    return reader.record(
        article,
        source_id=own_id,
        title=plain(as_text(described.get("title"))),
        abstract=prose(as_text(described.get("abstract"))),
        keywords=[plain(as_text(each)) for each in as_list(described.get("keywords"))],
        authors=[name for name in map(_author, as_list(described.get("author"))) if name],
        venue=plain(as_text(journal.get("title"))),
        volume=normal.part(journal.get("volume")),
        issue=normal.part(journal.get("number")),
        pages=normal.pages(described.get("start_page"), described.get("end_page")),
        issns=as_list(journal.get("issns")),
        publisher=plain(as_text(journal.get("publisher"))),
        published=reader.partial_date(described.get("year"), described.get("month")),
        kind="article",
        language=language(languages[0]) if len(languages) == 1 else None,
        identifiers=Identifiers(doi=_doi(described)),
        entered=normal.day(article.get("created_date")),
        updated=normal.day(article.get("last_updated")),
    )


def _author(author: Any) -> str | None:
    return plain(as_text(as_dict(author).get("name")))


def _doi(described: dict[str, Any]) -> str | None:
    """The first identifier of type `doi` or `DOI` that is one."""
    listed = map(as_dict, as_list(described.get("identifier")))
    named = (identifiers.doi(each.get("id")) for each in listed if str(each.get("type")).lower() == "doi")
    return next(filter(None, named), None)
