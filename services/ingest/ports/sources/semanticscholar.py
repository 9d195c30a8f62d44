"""Semantic Scholar: papers by its bulk search, harvested over a long window of publication dates."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple, NoReturn, Unpack
from urllib.parse import quote

import httpx
import orjson

from services.ingest.ports.sources import normal
from services.ingest.ports.sources.citing import Point, Seed, beginning, follow, links_to, unknown
from services.ingest.ports.sources.http import Access, Answer, Limits, Malformed, PoliteClient, Refused, Timing
from services.ingest.ports.sources.lookups import refusal
from services.ingest.ports.sources.markup import plain, prose, squeeze
from services.ingest.ports.sources.port import (
    Dating,
    Direction,
    Heard,
    Keep,
    Page,
    Query,
    Rejection,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
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
)
from services.ingest.ports.sources.rereading import Asked, read_again
from shared import identifiers
from shared.events.bounds import LONGEST_ID
from shared.events.values import Identifiers

NAME = "semanticscholar"
#: The bulk search gives pages of this size, whatever is asked for.
PAGE_SIZE = 1_000
START = "*"
#: Characters that a strategy may have as part of an address.
LONGEST_QUERY = 6_000

#: No list of what a paper cites, or of what cites it, reaches further.
MOST_LISTED = 9_999

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
#: Where such a list is, and the name of a paper in it.
_LISTS: dict[Direction, tuple[str, str]] = {
    "backward": ("references", "citedPaper"),
    "forward": ("citations", "citingPaper"),
}
_OWN_ID = re.compile(r"[0-9a-f]{40}")


class PaperRefused(Exception):
    """It takes the id of one paper for none; the message is its own."""


class Listed(NamedTuple):
    """A part of a list of papers: their ids, how many have none, where the next part begins, whether it is withheld,
    and whether its paper is known at all."""

    ids: list[str]
    unnamed: int = 0
    following: int | None = None
    withheld: bool = False
    known: bool = True

    @property
    def length(self) -> int:
        return len(self.ids) + self.unnamed

    def gives_nothing(self, given: Container[str], limit: int) -> bool:
        """Whether it holds no place, or is full and repeats what was given before."""
        return not self.length or (bool(self.ids) and self.length == limit and all(own in given for own in self.ids))


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
    directions: tuple[Direction, ...] = ("backward", "forward")
    seeds_at_once = 1

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

    def chase(self, seeds: Sequence[Seed], cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]:
        """What it lists as cited by the reports, and as citing them, each looked up by its id, since its lists leave
        abstracts out."""
        point: Point | None = read_cursor(cursor, Point) or Point()
        asked = {
            own: [seed.record]
            for seed in seeds
            for own in seed.ids or ([f"DOI:{seed.doi}"] if seed.doi is not None else [])
        }
        while point is not None:
            listed: dict[str, list[str]] = {}
            missing: list[str] = []
            remarks: list[str] = []
            for own in asked:
                found = self._listed(own, point.direction, keep, missing, remarks)
                listed |= {} if found is None else {own: found}
            remarks += unknown(NAME, [own for own in asked if own not in listed])
            then = Point(direction="forward") if point.direction == "backward" else None
            pages = follow(self, links_to(listed, asked, point.direction), point, then, keep)
            missing = [each[:LONGEST_ID] for each in missing]
            yield from beginning(Page(missing=missing, remarks=remarks), pages)
            point = then

    def _listed(self, own: str, way: Direction, keep: Keep, missing: list[str], remarks: list[str]) -> list[str] | None:
        """The ids of a whole list, in its order; None for a paper that is not there.

        It has no count, and ends where it does not say how it goes on. A part that gives nothing though more was
        promised is asked for again; where it still gives nothing its places are passed over, if there are any behind
        them, and are missing.
        """
        name, _ = _LISTS[way]
        ids: dict[str, None] = {}
        unnamed, start, again = 0, 0, 0
        while start < MOST_LISTED:
            limit = min(self._page_size, MOST_LISTED - start)
            try:
                part = self._part(own, way, start, limit, keep)
            except PaperRefused as no:
                missing.append(f"{name} {start + 1} and more of {own}" if start else f"{name} of {own}")
                remarks.append(refusal(own, no))
                break
            if not part.known and not start:
                return None
            following = part.following
            if following is not None and following <= start:
                words = f"{NAME} goes on with the {name} of {own} at {following}, and stands at {start}"
                raise SourceDrifted(words, source=NAME)
            if (start or following) and part.gives_nothing(ids, limit):
                again += 1
                if again <= AGAIN:
                    continue
                if following and again == AGAIN + 1:
                    missing.append(f"{name} {start + 1} to {following} of {own}")
                    start = following
                    continue
                if part == Listed([]):
                    remarks.append(f"{NAME} says that more than {start} {name} of {own} are there, and gives no more")
                else:
                    missing.append(f"{name} {start + 1} and more of {own}")
                break
            if part.withheld:
                remarks.append(f"the {name} of {own} are withheld at {NAME}, as its publisher wants it")
            ids |= dict.fromkeys(part.ids)
            unnamed, again = unnamed + part.unnamed, 0
            if following is None:
                break
            # What it would pass over is asked for.
            start += part.length
        else:
            remarks.append(f"{NAME} lists {MOST_LISTED:,} {name} of {own} at most, and there are more")
        if unnamed:
            remarks.append(f"{unnamed} of {len(ids) + unnamed} {name} of {own} have no id at {NAME}")
        return list(ids)

    def _part(self, own: str, way: Direction, start: int, limit: int, keep: Keep) -> Listed:
        name, inner = _LISTS[way]
        return self._http.ask(
            "GET",
            f"paper/{quote(own, safe='/:')}/{name}",
            lambda answer: read_list(answer, inner, limit),
            refused=read_refusal_of_paper,
            params={"fields": "paperId", "offset": str(start), "limit": str(limit)},
            headers=self._headers,
            unknown=lambda: Listed([], known=False),
            keep=keep,
        )

    def read_again(self, heard: Heard) -> Page | None:
        def read(answer: Answer, asked: Asked) -> Page | None:
            if asked.address.endswith("/paper/search/bulk"):
                return read_page(answer)
            if not asked.address.endswith("/paper/batch"):
                return None
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


def read_refusal_of_paper(answer: Answer) -> NoReturn:
    """The same, where a paper is asked about by its id: a refusal that is not of who asks is of that paper."""
    try:
        read_refusal(answer)
    except Refused as no:
        if answer.status in {401, 403}:
            raise
        raise PaperRefused(str(no)) from no


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


def read_list(answer: Answer, inner: str, most: int = MOST_LISTED) -> Listed:
    """Reads a part of a list of papers, so many at most, each within an object under the name `inner`; raises Malformed
    when it is none. Where a publisher withholds it the list is null."""
    body = as_dict(answer.json())
    listed, following = body.get("data"), normal.count(body.get("next"))
    if listed is None and "data" in body:
        return Listed([], withheld=True)
    if not isinstance(listed, list) or (following is None and body.get("next") is not None):
        raise Malformed(f"a list of papers was expected: {answer.excerpt()}")
    papers = [as_dict(as_dict(each).get(inner)).get("paperId") for each in listed[:most]]
    ids = [own for each in papers if (own := as_text(each)) and _OWN_ID.fullmatch(own)]
    return Listed(ids, len(papers) - len(ids), following)


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
        other_venues=[plain(as_text(paper.get("venue")))],
        volume=normal.part(as_dict(paper.get("journal")).get("volume")),
        pages=normal.pages(as_dict(paper.get("journal")).get("pages")),
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
