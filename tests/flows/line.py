"""A long line to a server: whatever goes over it arrives later, and in order."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType


class LongLine:
    """A proxy on the loopback address that passes bytes on, each way `delay` seconds later. A server that is not there
    ends the connection."""

    def __init__(self, port: int, delay: float) -> None:
        self._to, self._delay = port, delay
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0
        self.carried = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LongLine:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, thither = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._carry(reader, thither), self._carry(there, writer))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Passes on what comes, each piece when its time has come, while the next are on their way already."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                at, data = await waiting.get()
                await asyncio.sleep(at - self._loop.time())
                if not data:
                    sink.close()
                    return
                sink.write(data)
                self.carried += len(data)

        delivery = asyncio.ensure_future(deliver())
        data = b"."
        while data:
            try:
                data = await source.read(65536)
            except OSError:
                data = b""
            waiting.put_nowait((self._loop.time() + self._delay, data))
        await delivery
