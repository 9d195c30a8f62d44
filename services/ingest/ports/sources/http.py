"""The polite way to talk to a bibliographic API: paced, bounded, patient up to a limit, silent about secrets."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, TypedDict, TypeVar
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, ParseError

import httpx
import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import SecretStr

from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.mending import mended_json, mended_xml
from services.ingest.ports.sources.port import (
    LONGEST_PAUSE,
    Heard,
    Keep,
    SourceDrifted,
    SourceRefused,
    SourceUnavailable,
    keep_nothing,
)
from shared import pauses
from shared.retrying import retrying

T = TypeVar("T")

TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHORTEST_KEY = 8
#: Seconds between two requests; a header that asks for more says something else.
_LONGEST_INTERVAL = 60.0
#: Parameters that say who asks, not what is asked.
_WHO = {"api_key", "apikey", "key", "email", "mailto"}
_QUOTA_HEADER = re.compile(r"(x-)?(rate-?limit|concurrency-limit|api-pool)", re.IGNORECASE)


@dataclass(frozen=True)
class Access:
    """Where a source is and who asks: base address, contact e-mail address, API key, name of the tool."""

    base_url: str
    contact: str = ""
    key: SecretStr | None = None
    tool: str = "living-reviews"

    @property
    def user_agent(self) -> str:
        """The header by which a source can tell who we are and whom to write to."""
        return f"{self.tool} (mailto:{self.contact})" if self.contact else self.tool

    def hide(self, body: bytes) -> bytes:
        """The body without our key and our address, which some error bodies repeat."""
        for own in (self.key.get_secret_value() if self.key else "", self.contact):
            body = body.replace(own.encode(), b"***") if len(own) >= _SHORTEST_KEY else body
        return body

    def asked(self, request: httpx.Request) -> str:
        """Method and address of a request, a form's fields among the parameters, without who asks; JSON is one of
        them, called `json`."""
        form = parse_qsl(request.content.decode()) if request.method == "POST" else []
        if request.headers.get("content-type") == "application/json":
            form = [("json", request.content.decode())]
        parameters = (*request.url.params.multi_items(), *form)
        sent = [(name, value) for name, value in parameters if name.lower() not in _WHO]
        address = f"{request.method} {request.url.copy_with(userinfo=b'', query=None)}"
        asked = f"{address}?{urlencode(sent)}" if sent else address
        secret = self.key.get_secret_value() if self.key else ""
        for own in (secret, self.contact):
            # A key may be part of the base address that was set.
            asked = asked.replace(own, "***") if len(own) >= _SHORTEST_KEY else asked
        return asked


@dataclass(frozen=True)
class Limits:
    """How long and how much: seconds to wait for bytes, seconds and bytes of one answer, tries, longest pause."""

    timeout: float = 30.0
    answer_seconds: float = 180.0
    answer_bytes: int = 32 * 1024 * 1024
    tries: int = 4
    longest_pause: float = LONGEST_PAUSE


@dataclass(frozen=True)
class Answer:
    """One answer, read whole: status, headers (case-insensitive), decoded body."""

    status: int
    headers: httpx.Headers
    body: bytes
    #: What was wrong with the body where it had to be mended; known once it has been read.
    remarks: list[str] = field(default_factory=list, compare=False, repr=False)

    @property
    def media_type(self) -> str:
        content_type: str = self.headers.get("content-type", "")
        return content_type.partition(";")[0].strip().lower()

    @property
    def quota(self) -> dict[str, str]:
        """What the source said about our rate and budget, under its own header names."""
        return {name: value for name, value in self.headers.items() if _QUOTA_HEADER.match(name)}

    @property
    def is_json(self) -> bool:
        """Whether the body really is a JSON object; "Resource not found." also comes labelled as JSON."""
        try:
            return isinstance(self.json(), dict)
        except Malformed:
            return False

    def json(self) -> Any:
        """The body as JSON, single characters of it mended; raises Malformed when it is not labelled so or is none."""
        if self.media_type not in {"application/json", "text/json"}:
            raise Malformed(f"JSON was expected, {self.media_type or 'nothing'} came: {self.excerpt()}")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            return self._mend(mended_json, f"the answer is not JSON ({error})", ValueError)

    def xml(self) -> Element:
        """The body as XML, entities forbidden, single characters of it mended; raises Malformed when it is not
        labelled so or is none."""
        if self.media_type not in {"text/xml", "application/xml", "application/atom+xml"}:
            raise Malformed(f"XML was expected, {self.media_type or 'nothing'} came: {self.excerpt()}")
        try:
            return fromstring(self.body)
        except DefusedXmlException as error:
            raise Malformed(f"the answer is not sound XML ({type(error).__name__}): {self.excerpt()}") from error
        except ParseError as error:
            why = f"the answer is not sound XML (ParseError: {error})"
            return self._mend(lambda body: fromstring(mended_xml(body)), why, ParseError)

    def _mend(self, read: Callable[[bytes], T], why: str, fault: type[Exception]) -> T:
        """Reads the body once more, with its single characters mended, and remarks it."""
        try:
            body = read(self.body)
        except (fault, DefusedXmlException) as error:
            raise Malformed(f"{why}: {self.excerpt()}") from error
        remark = f"{why}; it was read with U+FFFD for what is no character"
        if remark not in self.remarks:
            self.remarks.append(remark)
        return body

    def excerpt(self, length: int = 300) -> str:
        """The beginning of the body as one line of text."""
        return squeeze(self.body[: length * 4].decode("utf-8", "replace"))[:length] or "(empty)"


class Busy(Exception):
    """The source cannot answer now; `pause` is how many seconds it asked us to wait, None if it did not say."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class Malformed(Busy):
    """The answer has not the documented form. It is asked for again, since networks and proxies garble too."""


class Lost(Busy):
    """The request went out and no whole answer came back: the source may have served it or not."""


def refuse(answer: Answer) -> NoReturn:
    """Says what a client error means when an adapter knows no better."""
    raise Refused(f"HTTP {answer.status}: {answer.excerpt()}")


class Refused(Exception):
    """The source said no, and will say so again; the message is its own."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the Retry-After header asks for, given as seconds or as a date; None when it says nothing clear."""
    return pauses.retry_after(headers.get("retry-after", ""), headers.get("date"))


def _pause(tries: int, busy: BaseException) -> float:
    """As long as the source asks, or else a second, two, four ...; what is too long is given up."""
    asked = busy.pause if isinstance(busy, Busy) else None
    return pauses.pause_after(tries, first=1.0, longest=float("inf")) if asked is None else asked


class Timing(TypedDict, total=False):
    """What time a client goes by, and how it waits: another's are for tests."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]


@dataclass
class _Patience:
    """For how long whoever asks waits in all, from their first question on; by the client's own clock."""

    seconds: float
    until: float | None = None

    def left(self, now: float) -> float:
        self.until = now + self.seconds if self.until is None else self.until
        return self.until - now


_PATIENCE: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within the block, what this thread asks of sources is given up (SourceUnavailable) after so many seconds in all:
    the wait for its turn, for an answer and before another try. A silence that has begun by then may last as long
    again. For whoever has a person wait; a run waits as long as a source's limits say."""
    before = _PATIENCE.set(_Patience(seconds))
    try:
        yield
    finally:
        _PATIENCE.reset(before)


@dataclass
class PoliteClient:
    """Asks one source, one request at a time, and never faster than `interval` seconds apart.

    `busy` reads a status that means "not now"; `pace` reads a new interval out of an answer's headers.
    Both have a sensible default. No key or address of a person is ever put into a URL, since HTTP
    libraries log URLs.
    """

    source: str
    access: Access
    client: httpx.Client
    interval: float
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    busy: Callable[[Answer], Busy] = lambda answer: Busy(f"HTTP {answer.status}", retry_after(answer.headers))
    pace: Callable[[Answer], float | None] = lambda answer: None
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _next: float = field(default=float("-inf"), repr=False)

    def ask(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        refused: Callable[[Answer], NoReturn] = refuse,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        unknown: Callable[[], T] | None = None,
        keep: Keep = keep_nothing,
    ) -> T:
        """Sends one request and reads its answer with `read`, trying again as long as that makes sense.

        `read` gets every 200, `refused` every other answer that is not "not now"; both may raise Busy,
        Malformed or Refused. One that is not `repeatable`, since it moves a place the source keeps, is
        sent again only after a plain "not now". `unknown` is what a 404 means where the address names one work that
        may be gone; elsewhere it is drift. `keep` gets every answer that came whole, before it is read. Raises
        SourceUnavailable, SourceDrifted or SourceRefused.
        """
        request = self.client.build_request(
            method,
            f"{self.access.base_url.rstrip('/')}/{path}",
            params=params,
            data=form,
            json=json,
            headers={"user-agent": self.access.user_agent, **(headers or {})},
            timeout=self.limits.timeout,
        )
        if not self._turn.acquire(timeout=max(left, 0.0) if (left := self._left()) is not None else -1):
            raise SourceUnavailable(self._words("is asked by others for longer than one waits"), source=self.source)
        try:
            return self._ask(request, lambda answer: self._judge(answer, read, refused, unknown), repeatable, keep)
        finally:
            self._turn.release()

    def _left(self) -> float | None:
        """Seconds for which whoever asks still waits; None where they wait as long as our limits say."""
        patience = _PATIENCE.get()
        return patience.left(self.monotonic()) if patience is not None else None

    def _at_most(self, seconds: float) -> float:
        """So many seconds, or fewer where whoever asks waits no longer."""
        left = self._left()
        return seconds if left is None else max(0.0, min(seconds, left))

    def _ask(
        self,
        request: httpx.Request,
        judge: Callable[[Answer], T],
        repeatable: bool,
        keep: Keep,
    ) -> T:
        def once() -> T:
            answer = self._once(request)
            keep(self._heard(request, answer))
            return judge(answer)

        attempts = retrying(
            lambda error: isinstance(error, Busy) and (repeatable or not isinstance(error, Lost | Malformed)),
            self._pause_before,
            tries=self.limits.tries,
            longest=self.limits.longest_pause,
            sleep=self.sleep,
        )
        try:
            return attempts(once)
        except Refused as no:
            raise SourceRefused(self._words(f"refused the request: {no}"), source=self.source) from no
        except Busy as busy:
            self._give_up(busy, attempts.statistics["attempt_number"])

    def _pause_before(self, tries: int, busy: BaseException) -> float:
        """As long as one pauses; for ever, which is given up, where nobody waits for so long."""
        pause, left = _pause(tries, busy), self._left()
        return pause if left is None or pause < left else float("inf")

    def _judge(
        self,
        answer: Answer,
        read: Callable[[Answer], T],
        refused: Callable[[Answer], NoReturn],
        unknown: Callable[[], T] | None,
    ) -> T:
        if answer.status in TRY_AGAIN:
            raise self.busy(answer)
        if answer.status == 404 and unknown is not None:
            return unknown()
        if answer.status == 200:
            return read(answer)
        if 200 < answer.status < 300:
            raise Malformed(f"HTTP {answer.status}")
        if 300 <= answer.status < 400:
            # Followed blindly, a redirect would carry our key to wherever it points.
            words = f"has moved (HTTP {answer.status}); set its new address"
            raise SourceDrifted(self._words(words), source=self.source)
        if answer.status in {404, 410} and not answer.is_json:
            words = f"has nothing at the address we use (HTTP {answer.status}): {answer.excerpt()}"
            raise SourceDrifted(self._words(words), source=self.source)
        refused(answer)

    def _give_up(self, busy: Busy, attempt: int) -> NoReturn:
        pause = _pause(attempt, busy)
        if isinstance(busy, Malformed):
            words = f"answered in a form it does not document, {attempt} times: {busy.reason}"
            raise SourceDrifted(self._words(words), source=self.source) from busy
        words = f"does not answer ({busy.reason}); asked {attempt} times"
        if pause > self.limits.longest_pause:
            words = f"asks to wait {pause:.0f} s ({busy.reason})"
        raise SourceUnavailable(self._words(words), source=self.source, retry_after=busy.pause) from busy

    def _once(self, request: httpx.Request) -> Answer:
        self._wait_for_turn()
        silence = self._at_most(self.limits.timeout)
        if not silence:
            raise Lost("nobody waits for it any longer")
        request.extensions["timeout"] = httpx.Timeout(silence).as_dict()
        try:
            response = self.client.send(request, stream=True)
            try:
                answer = Answer(response.status_code, response.headers, self.access.hide(self._read(response)))
            finally:
                response.close()
        except httpx.DecodingError as error:
            raise Malformed("its compression is broken") from error
        except httpx.TransportError as error:
            raise Lost(type(error).__name__) from error
        self.interval = min(self.pace(answer) or self.interval, _LONGEST_INTERVAL)
        return answer

    def _heard(self, request: httpx.Request, answer: Answer) -> Heard:
        content_type = answer.headers.get("content-type", "")
        return Heard(
            self.access.asked(request), answer.status, content_type, datetime.now(UTC), answer.body, answer.quota
        )

    def _wait_for_turn(self) -> None:
        if (wait := self._next - self.monotonic()) > 0:
            if (left := self._left()) is not None and wait >= left:
                raise Lost("its next turn comes later than one waits")
            self.sleep(wait)
        self._next = self.monotonic() + self.interval

    def _read(self, response: httpx.Response) -> bytes:
        longest = self._at_most(self.limits.answer_seconds)
        body, deadline = bytearray(), self.monotonic() + longest
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self.limits.answer_bytes:
                words = f"answered with more than {self.limits.answer_bytes} bytes; ask for smaller pages"
                raise SourceDrifted(self._words(words), source=self.source)
            if self.monotonic() > deadline:
                raise Lost(f"one answer took more than {longest:.0f} s")
        return bytes(body)

    def _words(self, text: str) -> str:
        return f"{self.source} {text}"
