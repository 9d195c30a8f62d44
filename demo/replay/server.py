"""A replay in a thread of this process, on a free port: for the demo and for tests."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

_START_SECONDS = 15.0


class ReplayServer:
    """Serves an ASGI application on the loopback address while the `with` block runs.

    >>> with ReplayServer(replay_app(corpus)) as server:
    ...     server.url
    'http://127.0.0.1:40321'
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False, timeout_graceful_shutdown=5)
        self._server = uvicorn.Server(config)
        # Named as TCP, so that asyncio turns Nagle's delay off; it would cost 40 ms an answer.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._wanted = port
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ReplayServer:
        try:
            self._socket.bind(("127.0.0.1", self._wanted))
        except OSError:
            self._socket.close()
            raise
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.01)):
            if self._server.started:
                return self
            if not self._thread.is_alive():
                break
            waited.wait(0.01)
        self.close()
        raise RuntimeError(f"the replay server did not start on {self.url}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
