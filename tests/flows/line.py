"""A long line to a server: whatever goes over it arrives later, and in order."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType


class LongLine:
    """A proxy on the loopback address that passes bytes on, each way `delay` seconds later. A server that is not there
    ends the connection."""

    def __init__(self, port: int, delay: float) -> None:
        self._to, self._delay = port, delay
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

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
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0.1)  # What is closed is so a turn of the loop later.

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._connect(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        thither: asyncio.StreamWriter | None = None
        try:
            there, thither = await asyncio.open_connection("127.0.0.1", self._to)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, thither))
                both.create_task(self._carry(there, writer))
        except (OSError, ExceptionGroup):
            pass  # Either end is gone, and so is the line.
        finally:
            for end in (writer, thither):
                if end is not None:
                    end.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Passes on what comes, each piece when its time has come, while the next are on their way already."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(waiting, sink))
            data = b"."
            while data:
                data = b""
                with suppress(OSError):
                    data = await source.read(65536)
                waiting.put_nowait((self._loop.time() + self._delay, data))

    async def _deliver(self, waiting: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        while True:
            at, data = await waiting.get()
            await asyncio.sleep(at - self._loop.time())
            if not data:
                sink.close()
                return
            sink.write(data)
