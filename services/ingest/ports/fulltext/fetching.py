"""Fetching a copy of a text from an address that others wrote: guarded, bounded, polite, and believing no label."""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event as Signal
from threading import Lock

import httpcore
import httpx

from services.ingest.domain import kinds
from services.ingest.domain.licences import licence_in_jats
from services.ingest.ports.fulltext.port import Address, Fetched, NotFetched
from shared.blobs.packing import CHUNK, Draft
from shared.blobs.port import Blobs
from shared.errors import Invalid, TooLarge
from shared.outward.pinned import Deadline, PinnedNetwork
from shared.outward.target import Resolver, Target, find_target, look_up
from shared.outward.trust import trusted
from shared.pauses import retry_after
from shared.wire.ingest import TextKind

#: Redirects that are followed at most; each is checked as the first address was.
MOST_REDIRECTS = 5

#: Seconds between two requests to one host.
PAUSE = 1.0

_REDIRECTS = {301, 302, 303, 307, 308}
#: How much of a file is kept at hand of its beginning, in which an article names its licence.
_BEGINNING = 256 * 1024
_BODY = b"<body"


@dataclass
class Turns:
    """Whose turn it is at each host: one request at a time, with a pause before the next."""

    _hosts: dict[str, _Turn] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, host: str) -> _Turn:
        with self._lock:
            return self._hosts.setdefault(host, _Turn())


@dataclass
class _Turn:
    lock: Lock = field(default_factory=Lock)
    next: float = float("-inf")


class TextFetcher:
    """Fetches by HTTPS what is a text by its bytes: a whole PDF, or an article of JATS with its body. A page of a
    publisher, whatever it is labelled, is none.

    Each address, and each one that it redirects to, must be on the open internet, and is connected to as it was
    checked. Bytes are written as they come, no more than `limit` of them, packed or not.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        limit: int,
        timeout: float,
        each: float,
        private: bool = False,
        resolve: Resolver = look_up,
        tls: ssl.SSLContext | None = None,
        pause: float = PAUSE,
    ) -> None:
        """`timeout` are seconds for all of a copy, `each` for what comes next of it."""
        self._user_agent, self._limit, self._private = user_agent, limit, private
        self._timeout, self._each, self._resolve = timeout, each, resolve
        self._tls = tls or trusted()
        self._pause = pause

    def fetch(self, address: Address, blobs: Blobs, turns: Turns, stopping: Signal) -> Fetched:
        """A copy, kept as a blob that nothing names yet. Raises NotFetched, and what the store of blobs raises."""
        url, left = address.url, self._timeout
        for hop in range(MOST_REDIRECTS + 1):
            target = self._target(url, trusted=address.own and hop == 0)
            try:
                with self._turn(turns, target.host, stopping):
                    began = time.monotonic()
                    with self._asked(target, Deadline(left, self._each)) as answer:
                        if answer.status not in _REDIRECTS:
                            return self._kept(address, url, answer, blobs, stopping)
                        url = _led_to(url, answer)
                    left -= time.monotonic() - began
            except httpcore.TimeoutException:
                raise NotFetched(f"{target.host} did not send all of it in time") from None
            except (httpcore.NetworkError, httpcore.ProtocolError) as lost:
                raise NotFetched(f"{target.host}: {type(lost).__name__}: {lost}") from None
        raise NotFetched(f"{target.host} redirects more than {MOST_REDIRECTS} times")

    def _target(self, url: str, *, trusted: bool) -> Target:
        """Where an address leads. One without TLS is asked with it, unless that is allowed."""
        private = self._private or trusted
        try:
            parsed = httpx.URL(url).copy_with(fragment=None)
            if parsed.scheme == "http" and parsed.port is None and not private:
                parsed = parsed.copy_with(scheme="https")
            return find_target(str(parsed), private=private, resolve=self._resolve)
        except (Invalid, httpx.InvalidURL, ValueError) as refused:
            why = refused.detail.removeprefix("url: ") if isinstance(refused, Invalid) else str(refused)
            raise NotFetched(f"the address {url[:100]!r} is not gone to: {why}") from None

    @contextmanager
    def _turn(self, turns: Turns, host: str, stopping: Signal) -> Iterator[None]:
        turn = turns.of(host)
        with turn.lock:
            if stopping.wait(max(0.0, turn.next - time.monotonic())):
                raise NotFetched("the process ends")
            try:
                yield
            finally:
                turn.next = time.monotonic() + self._pause

    @contextmanager
    def _asked(self, target: Target, deadline: Deadline) -> Iterator[httpcore.Response]:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        headers = {
            "Host": target.authority,
            "User-Agent": self._user_agent,
            "Accept": "application/pdf, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
            "Accept-Encoding": "gzip, identity",
            "Connection": "close",
        }
        wire = PinnedNetwork(target.addresses, deadline)
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=wire) as pool,
            pool.stream("GET", url, headers=[*headers.items()]) as answer,
        ):
            yield answer

    def _kept(self, address: Address, url: str, answer: httpcore.Response, blobs: Blobs, stopping: Signal) -> Fetched:
        host = httpx.URL(url).host
        if answer.status != 200:
            asked = retry_after(_header(answer, "retry-after") or "", _header(answer, "date"))
            raise NotFetched(f"{host} answers HTTP {answer.status}", retry_after=asked)
        try:
            with blobs.draft(self._limit) as draft:
                looked = self._written(draft, answer, stopping)
                kind = self._kind(looked, address)
                licence = address.licence
                if kind == kinds.JATS:
                    licence = licence_in_jats(looked.beginning.decode("utf-8", "replace")) or licence
                return Fetched(address, url, draft.finish(), kind, licence)
        except TooLarge:
            raise NotFetched(f"{host} sends more than {self._limit} bytes") from None
        except kinds.NoText as error:
            raise NotFetched(f"what {host} sends is {error}") from None
        except zlib.error:
            raise NotFetched(f"what {host} sends is packed wrongly") from None

    def _written(self, draft: Draft, answer: httpcore.Response, stopping: Signal) -> _Looked:
        """Writes the body, refusing it as soon as its beginning shows that it is no text."""
        if (announced := _header(answer, "content-length") or "").isdigit() and int(announced) > self._limit:
            raise TooLarge(f"{announced} bytes")
        looked = _Looked()
        for chunk in _unpacked(answer, self._limit):
            if stopping.is_set():
                raise NotFetched("the process ends")
            was_unknown = len(looked.beginning) < kinds.HEAD
            looked.look(chunk)
            if was_unknown and len(looked.beginning) >= kinds.HEAD:
                kinds.kind_of(bytes(looked.beginning[: kinds.HEAD]))
            draft.write(chunk)
        return looked

    def _kind(self, looked: _Looked, address: Address) -> TextKind:
        """What it is. Raises NoText for what is none of those that are taken from there, or is not whole."""
        kind = kinds.kind_of(bytes(looked.beginning[: kinds.HEAD]))
        if kind not in address.kinds:
            raise kinds.NoText(f"{kind.upper()}, and {' or '.join(it.upper() for it in address.kinds)} is taken there")
        kinds.require_whole(kind, looked.end)
        if kind == kinds.JATS and not looked.has_body:
            raise kinds.NoText("the front of an article, without its text")
        return kind


class _Looked:
    """What is kept at hand of a file as it comes: its beginning, its end, and whether it has an article's body."""

    def __init__(self) -> None:
        self.beginning, self.end, self.has_body = bytearray(), b"", False

    def look(self, chunk: bytes) -> None:
        self.beginning += chunk[: _BEGINNING - len(self.beginning)]
        self.has_body = self.has_body or _BODY in self.end[-len(_BODY) :] + chunk
        self.end = (self.end + chunk)[-kinds.END :]


def _unpacked(answer: httpcore.Response, limit: int) -> Iterator[bytes]:
    """The body as it is meant, in pieces of bounded size. Raises NoText for one that is packed in a way that was not
    asked for, or breaks off, and TooLarge for one of more than `limit` bytes while it is packed."""
    encoding = (_header(answer, "content-encoding") or "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise kinds.NoText(f"packed in a way that was not asked for ({encoding[:40]})")
    unpacking = None if encoding == "identity" else zlib.decompressobj(47)
    came = 0
    for piece in answer.iter_stream():
        came += len(piece)
        if came > limit:
            raise TooLarge(f"{came} bytes")
        if unpacking is None:
            yield piece
            continue
        while out := unpacking.decompress(piece, CHUNK):
            yield out
            piece = unpacking.unconsumed_tail
    if unpacking is not None and not unpacking.eof:
        raise kinds.NoText("packed, and breaks off")


def _led_to(url: str, answer: httpcore.Response) -> str:
    """Where a redirect leads. Raises NotFetched for one that leads nowhere."""
    location = _header(answer, "location")
    if not location:
        raise NotFetched(f"{httpx.URL(url).host} redirects to nowhere")
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, ValueError):
        raise NotFetched(f"{httpx.URL(url).host} redirects to {location[:100]!r}, which is no address") from None


def _header(answer: httpcore.Response, name: str) -> str | None:
    found = (value for key, value in answer.headers if key.lower() == name.encode())
    return next((value.decode("latin-1") for value in found), None)
