"""The application factory: a platform's services as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.middleware import Middleware

from shared.errors import NotFound, Unauthenticated
from shared.http import blobs, dead_letters, description, journal, pages, problems
from shared.http.admission import Gates
from shared.http.auth import Anybody, Known, Monitor, authenticate
from shared.http.exchange import Exchange
from shared.http.middleware import Answers
from shared.http.route import Route, gone
from shared.http.streams import Streams
from shared.keys.published import MEDIA_TYPE, key_set
from shared.runtime.health import Health
from shared.runtime.platform import Platform
from shared.service import Service
from shared.wire.common import KeySet, Readiness


class Numbers(PlainTextResponse):
    """Prometheus's text format."""

    media_type = "text/plain; version=0.0.4"


class Pem(PlainTextResponse):
    """A key as PEM."""

    media_type = "application/x-pem-file"


class JwkSet(JSONResponse):
    """A key set."""

    media_type = MEDIA_TYPE


def create_app(
    platform: Platform, *, beside: Collection[str] = (), documented: Callable[[], Sequence[Service]] | None = None
) -> FastAPI:
    """Builds the application; its lifespan starts and stops the platform.

    `beside` names services that other processes serve. `/docs` describes the services that `documented` gives when it
    is first looked at, or those of this process: behind a proxy each process can so describe the whole platform.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread.run_sync(platform.start)
            yield
        finally:
            app.state.gates.close()
            await to_thread.run_sync(platform.stop)

    known = routers(platform.services)
    app = described(
        platform.services,
        known,
        lifespan=lifespan,
        middleware=[
            Middleware(
                Answers,
                observe=platform.metrics.observe_request,
                encrypted=platform.settings.public_url.startswith("https://"),
            ),
        ],
    )
    app.state.platform, app.state.known = platform, Known(platform.ring)
    app.state.withdrawn = platform.withdrawals.withdrawn
    app.state.exchange = Exchange(app if "people" in platform.running else None, platform.settings.people_url)
    sqlite = {name: running.requests.sqlite for name, running in platform.running.items()}
    app.state.gates = Gates(sqlite, platform.settings)
    app.state.streams = Streams(app.state.gates)
    blobs.bound(app)
    platform.metrics.measure_gates(app.state.gates.all())
    served = [service.name for service in platform.services]
    problems.install(app, known, served, {*beside} - {*served})
    if documented is not None:
        services = documented

        @cache
        def openapi() -> dict[str, Any]:
            return described(services(), routers(services())).openapi()

        app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to describe what it does not serve.
    return app


def described(services: Sequence[Service], known: Sequence[APIRouter], **about: Any) -> FastAPI:
    """An application with the routes of these services, which `routers` has made."""
    app = FastAPI(
        title="Living Reviews",
        summary="Living realist reviews, from the literature to signed programme theories.",
        version="0.1.0",
        openapi_tags=[{"name": service.name, "description": service.summary} for service in services],
        docs_url=None,
        redoc_url=None,
        **about,
    )
    # They are as they shall be: to include a router has FastAPI make each of its routes once more, which takes longer
    # than all else of a start.
    for router in known:
        app.router.routes.extend(router.routes)
    description.complete(app, known)
    pages.add(app)
    return app


def routers(services: Sequence[Service]) -> list[APIRouter]:
    """Every route there is: operations, each service's own, and each service's journal and dead letters."""
    return [_operations()] + [
        router
        for service in services
        for router in (service.routes, journal.routes(service), dead_letters.routes(service))
    ]


@cache
def _operations() -> APIRouter:
    """Health and numbers. `/healthz` and `/readyz` are open, since whoever starts containers has no token;
    they tell names and `ok` or `down`, and reasons only to an admin of all reviews, of which they may tell."""
    router = APIRouter(tags=["operations"], route_class=Route)

    @router.get("/healthz")
    async def show_health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not ready."}})
    async def show_ready(request: Request) -> Response:
        """Each thing each service depends on, as of some seconds ago; 503 when one is down."""
        health = request.app.state.platform.health
        await _first_look(health)
        reports = health.report()
        well = all(state == "ok" for report in reports.values() for state in report.values())
        if not await _asked_by_admin_of_all(request):
            reports = {
                name: {part: state if state == "ok" else "down" for part, state in report.items()}
                for name, report in reports.items()
            }
        return JSONResponse({"ready": well, "services": reports}, 200 if well else 503)

    @router.get("/metrics", response_class=Numbers)
    async def show_metrics(request: Request, person: Monitor) -> Response:
        """The numbers of this process, for Prometheus; they are of all reviews, as the token must be."""
        numbers = request.app.state.platform.metrics.text
        return Numbers(await request.app.state.gates.operations.run(person.id, numbers, partial(gone, request)))

    @router.get("/signing-key.pem", response_class=Pem, responses={404: {}})
    async def show_signing_key(request: Request, person: Anybody) -> Response:
        """The public key of which revisions are signed now. Those of before are in the key set (`/signing-keys`)."""
        key = request.app.state.platform.ring.current().newest("revisions")
        if key is None:
            makes = "`living key rotate --for revisions` makes one"
            raise NotFound(f"no key signs revisions: {makes}", slug="no_revision_key")
        return Pem(key.public_pem)

    @router.get("/signing-keys", response_class=JwkSet, response_model=KeySet)
    async def list_signing_keys(request: Request, person: Anybody) -> Response:
        """The public half of every key there is or was, as a JWK Set (RFC 7517), each with its dates: what every
        revision verifies with."""
        return JwkSet(key_set(request.app.state.platform.ring.current()))

    return router


async def _first_look(health: Health) -> None:
    """Waits a moment for the first look, which a process that has just started may not have taken yet."""
    health.start()
    for _ in range(60):
        if health.looked:
            return
        await asyncio.sleep(0.05)


async def _asked_by_admin_of_all(request: Request) -> bool:
    try:
        person = await authenticate(request)
        return person.holds_everywhere("admin")
    except Unauthenticated:
        return False
