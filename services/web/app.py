"""The pages as one application: the tables, files of ours, and what stands where there is no page."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.web import drawing, policy
from services.web.asking import Api
from services.web.door import Door
from services.web.gate import Gate
from services.web.page import Look, Web
from services.web.pages import ALL
from shared.errors import NotFound
from shared.http.middleware import Answers
from shared.settings import Settings

#: How long a browser keeps a file of ours, whose address changes with what it holds.
_FOR_GOOD = "public, max-age=31536000, immutable"


def pages(settings: Settings, api: ASGIApp | None = None) -> Starlette:
    """The pages. They ask `api`, where the services are in this process, else the platform at `LIVING_URL`."""
    web = Web(
        Api(api, settings.url),
        Gate(settings.request_patience),
        Door(encrypted=settings.public_url.startswith("https://")),
        settings.public_url.rstrip("/"),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await web.api.close()

    async def nothing_here(request: Request, error: Exception) -> Response:
        look = Look(web, (), request, web.door.session(request), web.door.visitor(request))
        if isinstance(error, HTTPException) and error.status_code != 404:
            answer = look.page("trouble.html", {"what": "method", "errors": []}, error.status_code)
            answer.headers.update(error.headers or {})
            return answer
        return look.of_error(NotFound("there is no such page"))

    app = Starlette(
        routes=[Route("/favicon.ico", _icon), Route("/static/{version}/{name}", _file), *web.routes(ALL)],
        exception_handlers={HTTPException: nothing_here},
        lifespan=lifespan,
    )
    app.state.web, app.state.gates = web, web.gate
    return app


def alone(settings: Settings) -> Starlette:
    """The pages in a process of their own, which has no key, no database and no log."""
    app = pages(settings)
    app.router.routes[:0] = [Route("/healthz", _healthy), Route("/readyz", _ready)]
    app.add_middleware(Answers, observe=_unobserved, encrypted=settings.public_url.startswith("https://"))
    return app


def join_to(api: FastAPI, settings: Settings, services: Collection[str]) -> None:
    """Has an application that serves the API serve pages too, wherever the API has nothing. What begins with the name
    of a service is answered as the API answers."""
    shown, otherwise = pages(settings, api), api.router.default

    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] != "http" or scope["path"].removeprefix("/").partition("/")[0] in services
        await (otherwise if is_api else shown)(scope, receive, send)

    api.router.default = default
    api.state.gates.when_closed(shown.state.gates.close)


def _unobserved(scope: Scope, status: int, seconds: float) -> None:
    """Nothing counts in a process without a platform; its log says what it answered."""


async def _healthy(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    ready = await request.app.state.web.api.answers()
    parts = {"web": {"people": "ok" if ready else "down"}}
    return JSONResponse({"ready": ready, "services": parts}, 200 if ready else 503)


async def _icon(request: Request) -> Response:
    """What a browser asks for wherever a page may have pictures."""
    kept = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(drawing.file("icon.svg"), media_type="image/svg+xml", headers=policy.headers() | kept)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in drawing.files() or request.path_params["version"] != drawing.version_of(name):
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kept = {"Cache-Control": _FOR_GOOD, "X-Content-Type-Options": "nosniff"}
    return Response(drawing.file(name), media_type=kind, headers=policy.headers() | kept)
