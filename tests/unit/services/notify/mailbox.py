"""A mail server on this machine that keeps what it is given, and may be down, slow or of another mind."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections import Counter
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """Takes mail on 127.0.0.1. `answers` are what it says to the recipient of an address, `after` to a whole message;
    it hangs at what it is told to until it closes."""

    answers: dict[str, str] = field(default_factory=dict)
    after: str = "250 OK"
    hangs: bool = False
    received: list[EmailMessage] = field(default_factory=list)
    #: The same as they came, byte for byte.
    came: list[bytes] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Mailbox:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.comes_up()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.goes_down()
        asyncio.run_coroutine_threadsafe(_settled(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def comes_up(self) -> None:
        self._server: asyncio.Server | None = self._asked(self._listen())

    def goes_down(self) -> None:
        if self._server is not None:
            self._asked(_close(self._server))
            self._server = None

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.received if mail["To"] == address]

    @property
    def ids(self) -> Counter[str]:
        return Counter(mail["Message-ID"] for mail in self.received)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.hangs:
            await asyncio.sleep(3600)
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.after.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.received.append(mail)
            self.came.append(envelope.content)
        return self.after

    def _asked(self, doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="mailbox", loop=loop), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server


async def _close(server: asyncio.Server) -> None:
    server.close()


async def _settled() -> None:
    """Lets go of whoever is still at it."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
