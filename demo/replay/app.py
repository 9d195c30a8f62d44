"""The replay as one ASGI application: four APIs under four paths."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from demo.replay import crossref, europepmc, eutils, openalex
from demo.replay.corpus import Corpus, SourceName
from demo.replay.holdings import Holdings
from shared.clock import Clock, SystemClock

_NOT_FOUND = {
    "/openalex": openalex.not_found,
    "/crossref": crossref.not_found,
    "/eutils": eutils.not_found,
    "/europepmc": europepmc.not_found,
}


def replay_app(
    corpus: Corpus,
    *,
    clock: Clock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    pubmed_ceiling: int = eutils.CEILING,
) -> Starlette:
    """Serves the corpus in the form of each API it has entries for.

    Base addresses are `/openalex`, `/crossref`, `/eutils` and `/europepmc` of the server. What entered
    after the day of `clock` is not shown; `monotonic` ages Crossref's cursors; `pubmed_ceiling` lowers
    how far esearch reaches, so that a small corpus can show what a large one does.
    """
    clock = clock or SystemClock()
    names: tuple[SourceName, ...] = ("openalex", "crossref", "pubmed", "europepmc")
    holdings = {name: Holdings(corpus, name, clock) for name in names}
    routes = [
        Mount("/openalex", routes=openalex.OpenAlexApi(holdings["openalex"]).routes()),
        Mount("/crossref", routes=crossref.CrossrefApi(holdings["crossref"], monotonic).routes()),
        Mount("/eutils", routes=eutils.EutilsApi(holdings["pubmed"], pubmed_ceiling).routes()),
        Mount("/europepmc", routes=europepmc.EuropePmcApi(holdings["europepmc"]).routes()),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


def _not_found(request: Request, error: Exception) -> Response:
    """An unknown address, in the words of the API it is under."""
    for path, answer in _NOT_FOUND.items():
        if request.url.path.startswith(path):
            return answer(request)
    return PlainTextResponse("The replay serves /openalex, /crossref, /eutils and /europepmc.", 404)
