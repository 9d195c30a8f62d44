"""Unpaywall as documented: GET /{doi} with an e-mail address, over the works that Crossref has here."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from demo.replay.holdings import Holdings, json_answer

_OPEN_JOURNALS = {"international journal of integrated care", "bmj open", "plos one"}
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class UnpaywallApi:
    """Works of an open journal are gold here, all others closed: which are open otherwise no file says."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def routes(self) -> list[Route]:
        return [Route("/{doi:path}", self.work)]

    def work(self, request: Request) -> Response:
        if not _ADDRESS.fullmatch(request.query_params.get("email", "")):
            return _fault(422, "Please use your own email address in API calls.")
        doi = str(request.path_params["doi"]).lower()
        if not doi.startswith("10."):
            return not_found(request)
        for entry in self._holdings.matching(lambda entry: entry.entered <= self._holdings.today):
            item = entry.wire()
            if item["DOI"].lower() == doi:
                return json_answer(_work(doi, item))
        return _fault(404, f"'{doi}' isn't in Unpaywall.")


def _work(doi: str, item: dict[str, Any]) -> dict[str, Any]:
    is_open = not _OPEN_JOURNALS.isdisjoint(venue.lower() for venue in item.get("container-title", []))
    page = f"https://doi.org/{doi}"
    location = {
        "url": page,
        "url_for_pdf": None,
        "url_for_landing_page": page,
        "license": "cc-by",
        "version": "publishedVersion",
        "host_type": "publisher",
        "is_best": True,
        "evidence": "deprecated",
        "updated": "deprecated",
    }
    return {
        "doi": doi,
        "doi_url": page,
        "title": item["title"][0],
        "is_oa": is_open,
        "oa_status": "gold" if is_open else "closed",
        "best_oa_location": location if is_open else None,
        "oa_locations": [location] if is_open else [],
        "oa_locations_embargoed": [],
    }


def not_found(request: Request) -> Response:
    return HTMLResponse("<html><title>404 Not Found</title><h1>Not Found</h1></html>", 404)


def _fault(status: int, message: str) -> Response:
    return json_answer({"HTTP_status_code": status, "error": True, "message": message}, status)
