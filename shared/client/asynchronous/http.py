"""The client's HTTP: one place that exchanges the key, finds the service, and turns problems into errors."""

# Made by `make docs` from shared/client/http.py; a test fails when it is stale.

from __future__ import annotations

import asyncio
import math
import time
from asyncio import Lock
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode, urlsplit

from shared import errors
from shared.client.asking import NAME as NAME
from shared.client.asking import (
    Answered,
    Model,
    Sheet,
    StreamEvent,
    StreamReader,
    as_json,
    error_of,
    key_of_command,
    loaded,
    sheet_asked,
)
from shared.client.asking import part as part
from shared.client.asking import under as under
from shared.keys import PERSONS
from shared.pauses import pause_after

if TYPE_CHECKING:
    from datetime import date

    import httpx
    from pydantic import BaseModel

    #: What a query may ask with; None is left out.
    Asked = str | int | bool | date | Sequence[str] | None

    #: What a request carries: all at once, or piece by piece, whose length its headers then say.
    Sent = str | bytes | AsyncIterable[bytes] | None

    #: What takes an answer's body, piece by piece.
    Into = Callable[[bytes], object]

#: Seconds after which whoever makes their own tokens makes another.
_OWN = 240.0

#: The share of a token's time after which a new one is asked for.
_WORN = 0.8

#: Seconds after which whoever waits is told so.
_SILENT = 1.0

#: Seconds in which a stream says at least that it is there.
_QUIET = 60.0

#: Seconds that are waited at most before a stream that was lost is asked for again.
_APART = 5.0


class AsyncSender(Protocol):
    """A way to ask the server: httpx's client, or the plain one."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any],
        content: Sent,
        headers: Mapping[str, str],
    ) -> Answered: ...

    async def aclose(self) -> None: ...


class AsyncHttp:
    """Speaks to the platform, whether it is one process or one per service, and reads its answers as wire models.

    `urls` is one base address, or one per service name (the first part of every path). A platform that
    does not answer is asked again for up to `patience` seconds: a command carries an idempotency key, so
    that asking twice does it once.
    """

    def __init__(
        self,
        urls: str | Mapping[str, str],
        key: str | Callable[[], str],
        *,
        patience: float = 0,
        timeout: float = 30,
        client: httpx.AsyncClient | None = None,
        waiting: Callable[[str, float], None] = lambda why, seconds: None,
    ) -> None:
        """`key` is exchanged for a token when one is needed; a token may stand for it, while it counts, or whatever
        makes one. `waiting` is told once of a request, after a second, why it has no answer and for how long it goes
        on."""
        if isinstance(key, str) and not (key.isascii() and key.isprintable()):
            raise errors.Unauthenticated("the key is none: it holds something else than letters, digits and - _ .")
        self._waiting = waiting
        self._urls = {"": urls} if isinstance(urls, str) else dict(urls)
        self._patience = patience
        self._client: AsyncSender = client if client is not None else self._connect(timeout)
        self._key = key if not isinstance(key, str) or key.startswith(PERSONS) else None
        self._renewing = Lock()
        self._token, self._renew_at = (key, math.inf) if isinstance(key, str) and self._key is None else ("", 0.0)

    async def get(self, path: str, model: type[Model], *, accept: Collection[int] = (), **params: Asked) -> Model:
        """The answer to a GET, as `model`, also one with a status of `accept`. Raises the platform's error of
        shared.errors."""
        return self.read(model, await self.raw("GET", path, accept=accept, params=params))

    async def listed(self, path: str, model: type[Model], **params: Asked) -> list[Model]:
        """The answer to a GET that is one list, each item as `model`."""
        return [self.item(model, item) for item in (await self.raw("GET", path, params=params)).json()]

    async def post(
        self, path: str, model: type[Model], body: BaseModel | Mapping[str, object] | None = None, **params: Asked
    ) -> Model:
        """The answer to a command, which is done once however often it is sent. A body is a wire model, or what
        would be its JSON."""
        content = None if body is None else as_json(body)
        return self.read(model, await self.command(path, content, params=params))

    async def command(
        self,
        path: str,
        content: str | bytes | None = None,
        *,
        kind: str = "application/json",
        params: Mapping[str, Asked] | None = None,
    ) -> Answered:
        """The bare answer to a command, which is done once however often it is sent."""
        headers = {"Idempotency-Key": key_of_command(), "Content-Type": kind}
        return await self.raw("POST", path, content=content, headers=headers, params=params)

    async def upload(
        self, path: str, model: type[Model], pieces: Callable[[], AsyncIterable[bytes]], size: int
    ) -> Model:
        """The answer to a file that is sent piece by piece; `pieces` begins it anew each time it is asked for."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return self.read(model, await self.raw("POST", path, content=pieces, headers=headers))

    async def download(self, path: str, into: Into) -> None:
        """Hands a file over piece by piece. One that breaks off is begun anew by whoever asks."""
        await self.raw("GET", path, into=into)

    async def pages(self, path: str, model: type[Model], **params: Asked) -> AsyncIterator[Model]:
        """Every item of a listing, page after page; of one page alone where one is asked for (`one_sheet`)."""
        sheet = sheet_asked() or Sheet()
        cursor, limit = sheet.cursor, sheet.limit
        while True:
            page = (await self.raw("GET", path, params={"limit": limit, **params, "cursor": cursor})).json()
            for it in (self.item(model, item) for item in page["items"]):
                yield it
            cursor = sheet.next = page["next"]
            if cursor is None or sheet is sheet_asked():
                return

    async def follow(
        self, path: str, *, after: str | None = None, lost: Callable[[str], None] = lambda why: None
    ) -> AsyncIterator[StreamEvent]:
        """The events of a stream that has no end, from the one `after` this id on. When the connection is lost, or the
        token is over, it comes back by itself and goes on where it was, and tells `lost` why it could not at once.
        Raises as `raw` does where it cannot begin, and for whatever is mended by no waiting."""
        began, tries, met, renewed = time.monotonic(), 0, False, False
        while True:
            try:
                async for event in self._stream(path, after):
                    tries, met, renewed = 0, True, False
                    if event is not None:
                        after = event.id or after
                        yield event
            except errors.Unauthenticated:
                if renewed or not self._key:
                    raise
                self._renew_at, renewed = 0.0, True
                continue
            except errors.Unavailable as gone:
                if not met and time.monotonic() - began >= self._patience:
                    raise
                lost(gone.detail)
            tries += 1
            await asyncio.sleep(pause_after(tries, first=0.05, longest=_APART))

    async def _stream(self, path: str, after: str | None) -> AsyncIterator[StreamEvent | None]:
        """One connection's events, and None for whatever else shows that it is there."""
        headers = {**await self._authorization(), "Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": after} if after else {}
        reader = StreamReader()
        async for piece in self._pieces(self._base(path) + path, headers):
            yield None
            for it in reader.read(piece):
                yield it

    async def everywhere(self, path: str, *, accept: Collection[int] = ()) -> AsyncIterator[Answered]:
        """What each address of the platform answers to a GET that is no service's. Raises as `raw` does."""
        for base in dict.fromkeys(self._urls.values()):
            yield await self.raw("GET", path, accept=accept, base=base.rstrip("/"))

    async def raw(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        params: Mapping[str, Asked] | None = None,
        content: str | bytes | Callable[[], AsyncIterable[bytes]] | None = None,
        base: str | None = None,
        into: Into | None = None,
    ) -> Answered:
        """One answer with a good status, of the service that the path names or of `base`. Raises the error its problem
        document tells, or Unavailable. The body of a good one goes `into` that, where it is given."""
        given = {k: v for k, v in (params or {}).items() if v is not None}
        began, tries, warned, renewed = time.monotonic(), 0, False, False
        until = began + self._patience
        base = base or self._base(path)
        error: errors.LivingError
        # Not `shared.retrying`: to load its library takes a command longer than many an answer.
        while True:
            try:
                named_with = {**await self._authorization(), **(headers or {})}
                sent = content() if callable(content) else content
                answer = await self._answer(method, base + path, given, sent, named_with, into)
                if answer.status_code < 400 or answer.status_code in accept:
                    return answer
                error = error_of(answer, f"{method} {path}")
            except errors.Unavailable as lost:
                error = lost
            if isinstance(error, errors.Unauthenticated) and self._key and not renewed:
                # Its role was changed, or the platform's own keys: a new token says what holds now.
                self._renew_at, renewed = 0.0, True
                continue
            tries += 1
            pause = pause_after(tries, first=0.05, longest=1.0)
            if not isinstance(error, errors.Unavailable) or time.monotonic() + pause > until:
                raise error
            if not warned and time.monotonic() - began > _SILENT:
                warned = True
                self._waiting(error.detail, until - time.monotonic())
            await asyncio.sleep(pause)

    async def send(
        self, method: str, path: str, model: type[Model], body: BaseModel | Mapping[str, object] | None = None
    ) -> Model:
        """The answer to a command that is no POST, and may be sent again as it is."""
        content = None if body is None else as_json(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.read(model, await self.raw(method, path, content=content, headers=headers))

    def read(self, model: type[Model], answer: Answered) -> Model:
        """An answer as a model."""
        return loaded(model).model_validate_json(answer.content)

    def item(self, model: type[Model], item: object) -> Model:
        """A part of an answer as a model."""
        return loaded(model).model_validate(item)

    def parsed(self, model: type[Model], text: str) -> Model:
        """A text of JSON as a model."""
        return loaded(model).model_validate_json(text)

    async def close(self) -> None:
        await self._client.aclose()

    async def _authorization(self) -> dict[str, str]:
        """The header that says who asks, with a token that counts for a while yet."""
        if self._key is not None and time.monotonic() >= self._renew_at:
            async with self._renewing:  # Whoever waited for another to renew it need not.
                if time.monotonic() >= self._renew_at:
                    await self._renew(self._key)
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _renew(self, key: str | Callable[[], str]) -> None:
        asked = time.monotonic()
        if callable(key):
            self._token, self._renew_at = key(), asked + _OWN
        else:
            form = urlencode({"grant_type": "client_credentials", "client_secret": key})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            path = "/people/token"
            answer = await self._answer("POST", self._base(path) + path, {}, form, headers)
            if answer.status_code >= 400:
                # With its address: what answers there may be something else.
                raise error_of(answer, f"POST {self._base(path)}{path}")
            made = answer.json()
            self._token, self._renew_at = made["access_token"], asked + made["expires_in"] * _WORN

    def _connect(self, timeout: float) -> AsyncSender:
        import httpx

        from shared.outward.trust import trusted

        return httpx.AsyncClient(timeout=timeout, verify=trusted())

    async def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any],
        content: Sent,
        headers: Mapping[str, str],
        into: Into | None = None,
    ) -> Answered:
        """One answer, of whatever status. Raises Unavailable when there is none."""
        import httpx

        try:
            if into is None:
                return await self._client.request(method, url, params=params, content=content, headers=headers)
            client = cast(httpx.AsyncClient, self._client)
            async with client.stream(method, url, params=params, headers=headers) as answer:
                await _hand_over(answer, into)
                return answer
        except httpx.TransportError as lost:
            raise errors.Unavailable(str(lost)) from lost

    async def _pieces(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A good answer's body as it comes, for as long as it does. Raises the error of a bad one, or Unavailable."""
        import httpx

        client = cast(httpx.AsyncClient, self._client)
        try:
            async with client.stream("GET", url, headers=headers, timeout=httpx.Timeout(_QUIET)) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                    raise error_of(answer, f"GET {url}")
                async for it in answer.aiter_bytes():
                    yield it
        except httpx.TransportError as lost:
            raise _no_answer(url, str(lost)) from lost

    async def _answer(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any],
        content: Sent,
        headers: Mapping[str, str],
        into: Into | None = None,
    ) -> Answered:
        """One answer, of whatever status. Raises Unavailable (`no_answer`), naming who gives none."""
        try:
            return await self._send(method, url, params, content, headers, into)
        except errors.Unavailable as lost:
            raise _no_answer(url, lost.detail) from lost

    def _base(self, path: str) -> str:
        service = path.split("/")[1]
        base = self._urls.get(service) or self._urls.get("")
        if base is None:
            raise errors.Invalid(f"no address is given for the service {service!r}")
        return base.rstrip("/")


async def _hand_over(answer: httpx.Response, into: Into) -> None:
    """Hands a good answer over as it comes; what a bad one says is read."""
    if answer.status_code >= 400:
        await answer.aread()
        return
    async for piece in answer.aiter_bytes():
        into(piece)


def _no_answer(url: str, why: str) -> errors.Unavailable:
    parts = urlsplit(url)
    return errors.Unavailable(f"{parts.scheme}://{parts.netloc} does not answer: {why}", slug="no_answer")
