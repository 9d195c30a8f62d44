"""API pages: the description to read and try out, drawn with files of our own, so that no other host is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response

_ASSETS = Path(__file__).parent / "assets"
_FILES = {
    "swagger-ui.css": "text/css",
    "docs.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "docs.js": "text/javascript",
}

#: For this page alone: its own scripts and styles, its own API, and nothing from anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add(app: FastAPI) -> None:
    """Serves the page at `/docs`; like the description itself it is open."""
    page = _file(_ASSETS / "docs.html", "text/html", {"Content-Security-Policy": _POLICY})
    app.add_route("/docs", page, include_in_schema=False)
    for name, kind in _FILES.items():
        app.add_route(f"/docs/{name}", _file(_ASSETS / name, kind, {}), include_in_schema=False)


def _file(path: Path, kind: str, headers: dict[str, str]) -> Callable[[Request], Response]:
    # A browser asks each time whether its copy is still the newest, and is answered without the file.
    kept = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **headers}
    return lambda request: FileResponse(path, media_type=kind, headers=kept)
