"""The application: chosen services as one ASGI app, served until told to stop."""

from __future__ import annotations

import errno
import gc
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from logging import LogRecord, getLogger
from threading import Thread
from typing import Any

from fastapi import FastAPI

from services.catalog import NAMES, PAGES, choose, with_pages
from shared import logging
from shared.errors import Conflict, Invalid, LivingError
from shared.http import connections
from shared.private import keep_private, link_path, write_private
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.settings import Settings

#: When Python looks for garbage that holds itself: after so many objects more than were let go (`gc.set_threshold`).
#: A request or a batch makes thousands that live until its end, which the usual 700 looks through again and again.
_COLLECT = (20_000, 20, 50)

#: How a line for people is told.
Tell = Callable[[str], None]


def build(settings: Settings, names: Sequence[str] = ()) -> FastAPI:
    """The ASGI application of the named services, or of all, which have pages too."""
    logging.configure(settings)
    app = create_app(Platform(settings, choose(names, beside=[PAGES])), beside=NAMES, documented=lambda: choose(()))
    if with_pages(names):
        from services.web.app import join_to  # Loaded where pages are, and not where they are not.

        join_to(app, settings, NAMES)
    return app


def serve_pages(settings: Settings, tell: Tell = print) -> None:
    """Serves the pages alone, which ask the platform at `LIVING_URL`, until told to stop."""
    from services.web.app import alone

    logging.configure(settings)
    with closing(_bound(settings)) as listener:
        app = alone(settings)
        _collect_what_comes()
        line = f"pages of living reviews are on {_address(listener)}; they ask {settings.url}"
        connections.serve(app, settings, [listener], listens=lambda: tell(line), stopping=app.state.gates.close)


def serve(settings: Settings, names: Sequence[str] = (), tell: Tell = print) -> None:
    """Serves until SIGTERM or SIGINT: then it takes no more, finishes what is in hand, and closes.

    Tells where it listens once it does. Raises Conflict when the port is taken, before anything is made.
    """
    if [*names] == [PAGES]:
        serve_pages(settings, tell)
        return
    # A part of the services lies behind something that leads to all: it is not where links and commands go.
    whole = len(choose(names, beside=[PAGES])) == len(NAMES)
    with closing(_bound(settings)) as listener:
        for trouble in keep_private(settings):
            tell(trouble)
        settings = _linking_to(listener, settings, whole)
        app = build(settings, names)
        _collect_what_comes()
        refused = _keep_what_refuses(app)
        line = f"living reviews listens on {_address(listener)} (its API: /docs)"
        if whole and not _leads_here(settings, listener):
            line += f"; for commands: export LIVING_URL={_own_link(listener)}"

        def listens() -> None:
            tell(line)
            # Beside the loop that answers, which waits for no database.
            Thread(target=tell_first_link, args=[settings, app.state.platform, tell], daemon=True).start()

        try:
            with _silent_about(refused):
                connections.serve(app, settings, [listener], listens=listens, stopping=app.state.gates.close)
        except SystemExit:
            if refused:
                raise refused[0] from None
            raise
        except OSError as error:
            raise _not_to_be_had(settings, error) from error


def _collect_what_comes() -> None:
    """What is loaded by now stays: the collector need not look through it time and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    gc.enable()


def tell_first_link(settings: Settings, platform: Platform, tell: Tell) -> None:
    """Writes an invitation of the first admin for its owner alone, while nobody is known here, so that the first start
    locks nobody out. It is told too where a person looks on, and never into a file."""
    running = platform.running.get("people")
    if running is None or not settings.make_signing_key:
        return
    from services.people.commands import invitations  # Loaded where people is, and not where it is not.

    with running.work("people:first") as work:
        made = invitations.first_admin(work)
    if made is None:
        return
    row, link = made
    path = link_path(settings)
    write_private(path, link + "\n")
    tell(f"Nobody is known here yet. The first admin comes in, until {row.ends_at:%Y-%m-%d}, by the link in {path}:")
    tell(f"  living login --name 'Your Name' < {path}")
    if sys.stderr.isatty():
        tell(f"  {link}")


def _bound(settings: Settings) -> socket.socket:
    """A socket at the address, on which nobody can connect yet."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _not_to_be_had(settings, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError as error:
        listener.close()
        raise _not_to_be_had(settings, error) from error
    return listener


def _not_to_be_had(settings: Settings, error: OSError) -> LivingError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"port {settings.port} of {settings.host} is taken by another program, perhaps by another `living serve`; "
            "stop that one, or take another: living serve --port 8001",
            slug="port_taken",
        )
    return Invalid(
        f"nothing can listen on {settings.host}:{settings.port} ({error.strerror}); set LIVING_HOST and LIVING_PORT"
    )


def _linking_to(listener: socket.socket, settings: Settings, whole: bool) -> Settings:
    """The settings with links that lead to where this listens, unless they say under which address people reach it, or
    it is not the whole platform."""
    if not whole or "public_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"public_url": _own_link(listener)})


def _own_link(listener: socket.socket) -> str:
    """How this machine reaches it: a socket may listen on all addresses, which is none to go to."""
    return re.sub(r"//(0\.0\.0\.0|\[::\]):", "//127.0.0.1:", _address(listener))


def _leads_here(settings: Settings, listener: socket.socket) -> bool:
    """Whether commands with these settings come here, or to what people know it by."""
    return _plain(settings.url) in (_own_link(listener), _plain(settings.public_url))


def _plain(url: str) -> str:
    return url.rstrip("/").replace("//localhost:", "//127.0.0.1:")


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _keep_what_refuses(app: FastAPI) -> list[LivingError]:
    """A list that holds the platform's own error, once one has kept it from starting."""
    refused: list[LivingError] = []
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        started = False
        try:
            async with inner(app) as state:
                started = True
                yield state
        except LivingError as error:
            if not started:
                refused.append(error)
            raise

    app.router.lifespan_context = lifespan
    return refused


@contextmanager
def _silent_about(refused: Sequence[LivingError]) -> Iterator[None]:
    """Keeps the server from logging the trace of an error of ours that refuses the start: a person wants the sentence,
    which is told by whoever called."""
    server = getLogger("uvicorn.error")

    def passes(record: LogRecord) -> bool:
        return not refused

    server.addFilter(passes)
    try:
        yield
    finally:
        server.removeFilter(passes)
