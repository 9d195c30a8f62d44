"""Asking sources ahead of a run, and keeping nothing: what a strategy would bring, and whether it reaches a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import parse_qsl, urlencode

from services.ingest.domain.outside import is_outside
from services.ingest.ports.sources.port import Dating, Keep, Page, Query, Source, SourceUnavailable, keep_nothing
from shared.errors import LivingError
from shared.events.protocol import Strategy
from shared.strategies.asking import asked, tree_of

#: Titles of a preview.
TITLES = 5

#: Before this day nothing was published that a source has.
_EVER, _NEVER = date(1700, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Preview:
    """What one string would bring of a window: the source's own count and the first titles, or why it gave none
    (`error`), also as the slug of that error (`failed`)."""

    strategy: str
    source: str
    asked: str
    reported: int | None = None
    titles: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    error: str | None = None
    failed: str | None = None


def preview(strategy: Strategy, sources: Mapping[str, Source], since: date, until: date) -> Iterator[Preview]:
    """One page of each string of a strategy at each source that is given, by the days of publication where it can."""
    for name in strategy.searched:
        if (source := sources.get(name)) is None:
            continue
        for string in asked(strategy, name).strings:
            try:
                page = first_page(source, string, since, until)
            except LivingError as error:
                yield Preview(strategy.id, name, string, error=str(error), failed=error.slug)
            else:
                yield Preview(strategy.id, name, string, page.reported, titles_of(page), page.remarks)


def titles_of(page: Page) -> list[str]:
    """The first titles of a page, or what the source calls a work that has none."""
    return [each.title or each.source_id for each in page.records[:TITLES]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a source has a paper that one knows (by its DOI or PMID), and whether a strategy finds it there; None is
    what could not be told, and `why` says so."""

    paper: str
    source: str
    strategy: str
    has: bool | None = None
    reached: bool | None = None
    title: str | None = None
    published: str | None = None
    why: str | None = None
    failed: str | None = None


def reaches_of(papers: Sequence[str], strategies: Sequence[Strategy], sources: Mapping[str, Source]) -> Iterator[Reach]:
    """Whether each strategy reaches each paper at each source that is given; one that once did not answer is asked no
    more, since each try takes its time."""
    away: dict[str, str | None] = {}
    for paper in papers:
        for strategy in strategies:
            for name in [it for it in strategy.searched if it in sources]:
                if name in away:
                    yield Reach(paper, name, strategy.id, why=away[name], failed=SourceUnavailable.slug)
                    continue
                found = reach(paper, strategy, name, sources[name])
                if found.failed == SourceUnavailable.slug:
                    away[name] = found.why
                yield found


def reach(paper: str, strategy: Strategy, name: str, source: Source) -> Reach:
    """Asks a source for a paper (`doi:...` or `pmid:...`) by itself, and then by the strategy's strings."""
    kind, _, number = paper.partition(":")
    by_id = _BY_ID.get(name)
    if by_id is None or (name == "crossref" and kind != "doi"):
        return Reach(paper, name, strategy.id, why=f"{name} is not asked by {'a DOI' if kind == 'doi' else 'a PMID'}")
    try:
        found = first_page(source, by_id(kind, number, None), _EVER, _NEVER).records
        if not found:
            return Reach(paper, name, strategy.id, has=False, reached=False)
        record = found[0]
        tree = tree_of(strategy) if strategy.concepts is not None else None
        reached = tree is None or not is_outside(tree, [record.title, *record.other_titles], record.abstract)
        strings = asked(strategy, name).strings
        reached = reached and any(first_page(source, by_id(kind, number, it), _EVER, _NEVER).found for it in strings)
    except LivingError as error:
        return Reach(paper, name, strategy.id, why=str(error), failed=error.slug)
    return Reach(paper, name, strategy.id, True, reached, record.title, record.published)


def _pubmed(kind: str, number: str, text: str | None) -> str:
    return _both(text, f'"{number}"[doi]' if kind == "doi" else f"{number}[uid]")


def _europepmc(kind: str, number: str, text: str | None) -> str:
    return _both(text, f'DOI:"{number}"' if kind == "doi" else f'(SRC:MED AND EXT_ID:"{number}")')


def _openalex(kind: str, number: str, text: str | None) -> str:
    wanted = f"doi:{number}" if kind == "doi" else f"ids.pmid:{number}"
    if text is None:
        return wanted
    # Text without a filter's name is a search of everything.
    return f"{text},{wanted}" if re.match(r"[a-z_.]+:", text) else f"default.search:{text},{wanted}"


def _crossref(kind: str, number: str, text: str | None) -> str:
    if text is None:
        return f"filter=doi:{number}"
    parameters = dict(parse_qsl(text, keep_blank_values=True)) if "=" in text else {"query.bibliographic": text}
    filters = ",".join(filter(None, [parameters.get("filter"), f"doi:{number}"]))
    return urlencode(parameters | {"filter": filters})


def _both(text: str | None, wanted: str) -> str:
    return wanted if text is None else f"({text}) AND {wanted}"


#: How a source is asked for one paper by its DOI or PMID, alone or where a strategy's string finds it.
_BY_ID = {"pubmed": _pubmed, "europepmc": _europepmc, "openalex": _openalex, "crossref": _crossref}


def first_page(source: Source, text: str, since: date, until: date, keep: Keep = keep_nothing) -> Page:
    """The first page, by the days of publication where a source can, and no more of the walk."""
    by: Dating = "published" if "published" in source.datings else source.datings[0]
    return next(iter(source.pages(Query(text=text, since=since, until=until, by=by), keep=keep)), Page())
