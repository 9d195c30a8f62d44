"""Connections: none is held without an end, and no number of them uses up what the process needs to work."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared import logging as logs
from shared.settings import Settings

if TYPE_CHECKING:
    from uvicorn.server import Protocols  # There for type checkers alone.

log = logs.get(__name__)

#: Files that a process needs beside its connections: databases (three a connection on SQLite), log, index, sources,
#: and one burst of new connections.
_RESERVED = 400

#: How many connections are taken from the system at once; what comes in between is counted before the next ones.
_BURST = 64

#: How many connections the system keeps for us until we take them.
_BACKLOG = 1024

#: Seconds between two looks at all connections.
_LOOK = 0.5

#: Seconds in which a process that stops at least answers what is on its way, before it closes its door; and between
#: two looks at whether somebody still comes.
_LAST_CALL, _TURN = 0.5, 0.05


def _is_there(part: object) -> bool:
    """Whether uvicorn has set a part of a connection: its types do not tell that a transport and a cycle are None
    until then."""
    return part is not None


def _plain(status: str, text: str, *headers: str) -> bytes:
    """A whole answer to a connection that never came to be a request of the application's."""
    lines = (
        f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(text)}",
        "X-Content-Type-Options: nosniff", "Connection: close", *headers, "", text,
    )  # fmt: skip
    return "\r\n".join(lines).encode()


_REFUSAL = _plain("503 Service Unavailable", "too many connections\n", "Retry-After: 5")
_NO_HTTP = _plain("400 Bad Request", "this is no HTTP request\n")


class Connection(H11Protocol):
    """A connection whose every phase has an end: its head, its body, its answer, and the rest between them."""

    def __init__(self, *given: Any, settings: Settings, most: int, **more: Any) -> None:
        super().__init__(*given, **more)
        self._settings, self._most = settings, most
        self._phase, self.since = "head", time.monotonic()

    # Narrower than asyncio says it, as uvicorn's own is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= self._most and not close_idlest(self.connections):
            transport.write(_REFUSAL)
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if _is_there(self.transport):  # One that was refused was never ours.
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not _is_there(self.transport):
            return
        if self._phase == "idle":
            self._enter("head")
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._enter("answer")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:
        cycle = self.cycle
        if _is_there(cycle) and not (cycle.response_started or cycle.response_complete):
            # Its body broke off in the middle: nothing is done before all of one is there, and now nothing is to come.
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.write(_NO_HTTP)
        elif not _is_there(cycle) or cycle.response_complete:  # Else it would end up inside another answer.
            self.transport.write(_NO_HTTP)
        self.transport.close()

    @property
    def fresh(self) -> bool:
        """Whether it was only just opened, or a request has begun to come."""
        return self._phase == "head"

    @property
    def resting(self) -> bool:
        """Whether no request is being worked on here."""
        return self._phase in ("idle", "head", "body")

    def close_if_overdue(self, now: float) -> None:
        """Ends a phase that has lasted too long."""
        settings = self._settings
        limits = {
            "head": settings.head_timeout, "body": settings.body_timeout,
            "answer": settings.body_timeout, "idle": settings.idle_timeout,
        }  # fmt: skip
        if now - self.since > limits.get(self._phase, float("inf")):
            self.give_up()

    def give_up(self) -> None:
        # An orderly end would wait until what is buffered has been taken.
        self.transport.abort()

    def _look(self) -> None:
        """Sees which phase the connection is in: what the client sends, or what we do."""
        if self.flow.write_paused:
            return
        theirs = self.conn.their_state
        if theirs is h11.SEND_BODY:
            self._enter("body")
        elif _is_there(self.cycle) and not self.cycle.response_complete:
            self._enter("work")
        elif self._phase != "head":
            self._enter("idle")

    def _enter(self, phase: str) -> None:
        if phase != self._phase:
            self._phase, self.since = phase, time.monotonic()


def close_idlest(connections: set[Protocols]) -> bool:
    """Closes the connection that has rested longest; False when all are being worked for."""
    resting = [it for it in connections if isinstance(it, Connection) and it.resting]
    if not resting:
        return False
    idlest = min(resting, key=lambda it: it.since)
    connections.discard(idlest)
    idlest.give_up()
    return True


class Server(uvicorn.Server):
    """A server that looks after its connections, and that stops without cutting anything off.

    `listens` is called once it does, `stopping` when it is told to stop, before its door is closed.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, listens: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        self._listens, self._stopping, self._looked = listens, stopping, 0.0
        self._stop_timeout = settings.stop_timeout
        most = _most(settings)

        def protocol(**given: Any) -> Connection:
            return Connection(settings=settings, most=most, **given)

        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=protocol,  # type: ignore[arg-type]  # Called, as a class is.
                ws="none",
                backlog=_BURST,
                # Told by `Connection`, which also knows what a phase is.
                timeout_keep_alive=round(settings.idle_timeout) + 5,
                timeout_graceful_shutdown=round(settings.stop_timeout),
                log_config=None,
                access_log=False,
                server_header=False,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in getattr(self, "servers", []):
            for listening in server.sockets:
                _deepen(listening.fileno())
        if self.started:
            self._listens()

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._looked = now
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.close_if_overdue(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers those who wait and those who still come that we stop, until nobody is being answered; then closes the
        door, and finishes."""
        self._stopping()
        until = time.monotonic() + self._stop_timeout
        await asyncio.sleep(_LAST_CALL)
        # The door is closed in the very moment in which nobody stood before it: the system resets the connections of
        # those who do.
        while (self._is_answering() or await self._let_in()) and time.monotonic() < until:
            await asyncio.sleep(_TURN)
        self.config.timeout_graceful_shutdown = max(1, round(until - time.monotonic()))
        await super().shutdown(sockets)

    def _is_answering(self) -> bool:
        """Whether a request is being worked on, or somebody has only just come and may be sending one."""
        recently = time.monotonic() - _LAST_CALL
        return any(
            not it.resting or (it.fresh and it.since > recently)
            for it in self.server_state.connections
            if isinstance(it, Connection)
        )

    async def _let_in(self) -> int:
        """Takes the connections that the system keeps for us; answers how many there were."""
        loop, came = asyncio.get_running_loop(), []
        for server in getattr(self, "servers", []):
            for listening in server.sockets:
                came += _waiting(listening.fileno())
        for connection in came:
            await loop.connect_accepted_socket(self._protocol, connection)
        return len(came)

    def _protocol(self) -> asyncio.Protocol:
        """A connection's, as uvicorn makes it."""
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made


class Rarely(logging.Filter):
    """Lets a message through once in `seconds`, with the number of those left out in between: anybody may cause as
    many as they like."""

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        now, (at, left_out) = time.monotonic(), self._last.get(str(record.msg), (0.0, 0))
        if now - at < self._seconds and at:
            self._last[str(record.msg)] = (at, left_out + 1)
            return False
        if len(self._last) > 100:
            self._last.clear()
        self._last[str(record.msg)] = (now, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like it)", ()
        return True


def serve(
    app: ASGIApp,
    settings: Settings,
    sockets: list[socket.socket] | None = None,
    *,
    listens: Callable[[], None] = lambda: None,
    stopping: Callable[[], None],
) -> None:
    """Serves on these sockets, or at the settings' address, until SIGTERM or SIGINT; then it takes no more, finishes
    what is in hand, and closes."""
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Rarely())
    server = Server(app, settings, listens, stopping)
    server.run(sockets)
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def _most(settings: Settings) -> int:
    """How many connections fit, once this process may open as many files as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return settings.connections
    most = max(16, min(settings.connections, soft - _RESERVED))
    if most < settings.connections:
        log.warning("fewer connections than set", connections=most, open_files=soft)
    return most


def _waiting(descriptor: int) -> list[socket.socket]:
    """The connections that wait at a listening socket, taken from the system."""
    came = []
    with socket.socket(fileno=os.dup(descriptor)) as listening, suppress(BlockingIOError):
        listening.setblocking(False)
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            came.append(connection)
    return came


def _deepen(descriptor: int) -> None:
    """Lets the system keep more connections for us than we take at once: asyncio knows one number for both."""
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        listening.listen(_BACKLOG)
