"""The replay as one ASGI application: each API under a path of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import get_args

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from demo.replay import arxiv, crossref, doaj, europepmc, eutils, openalex, semanticscholar, unpaywall
from demo.replay.corpus import Corpus, SourceName
from demo.replay.holdings import Holdings
from shared.clock import Clock, SystemClock

_NOT_FOUND = {
    "/openalex": openalex.not_found,
    "/crossref": crossref.not_found,
    "/eutils": eutils.not_found,
    "/europepmc": europepmc.not_found,
    "/doaj": doaj.not_found,
    "/arxiv": arxiv.not_found,
    "/semanticscholar": semanticscholar.not_found,
    "/unpaywall": unpaywall.not_found,
}


def replay_app(
    corpus: Corpus,
    *,
    clock: Clock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    pubmed_ceiling: int = eutils.CEILING,
    doaj_ceiling: int = doaj.CEILING,
    arxiv_ceiling: int = arxiv.CEILING,
    bulk_size: int = semanticscholar.BULK_SIZE,
) -> Starlette:
    """Serves the corpus in the form of each API it has entries for.

    Each API is at `/` and its name (`/eutils` is PubMed). What entered after the day of `clock` is not shown;
    `monotonic` ages Crossref's cursors; the ceilings say how far one search reaches, and `bulk_size` how many papers
    a page of Semantic Scholar has, so that a small corpus can show what a large one does.
    """
    clock = clock or SystemClock()
    holdings = {name: Holdings(corpus, name, clock) for name in get_args(SourceName)}
    routes = [
        Mount("/openalex", routes=openalex.OpenAlexApi(holdings["openalex"]).routes()),
        Mount("/crossref", routes=crossref.CrossrefApi(holdings["crossref"], monotonic).routes()),
        Mount("/eutils", routes=eutils.EutilsApi(holdings["pubmed"], pubmed_ceiling).routes()),
        Mount("/europepmc", routes=europepmc.EuropePmcApi(holdings["europepmc"]).routes()),
        Mount("/doaj", routes=doaj.DoajApi(holdings["doaj"], doaj_ceiling).routes()),
        Mount("/arxiv", routes=arxiv.ArxivApi(holdings["arxiv"], arxiv_ceiling).routes()),
        Mount(
            "/semanticscholar",
            routes=semanticscholar.SemanticScholarApi(holdings["semanticscholar"], bulk_size).routes(),
        ),
        Mount("/unpaywall", routes=unpaywall.UnpaywallApi(holdings["crossref"]).routes()),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


def _not_found(request: Request, error: Exception) -> Response:
    """An unknown address, in the words of the API it is under."""
    for path, answer in _NOT_FOUND.items():
        if request.url.path.startswith(path):
            return answer(request)
    return PlainTextResponse(f"The replay serves {', '.join(_NOT_FOUND)}.", 404)
