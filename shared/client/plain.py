"""The plain client: answers as they came, over the standard library, for a command line that must start at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from shared.client.asking import Answered, Model, error_of
from shared.client.http import Http, Sender
from shared.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from shared.client.http import Into, Sent

#: Bytes of a file that are taken at once.
_PIECE = 256 * 1024

#: Seconds in which a stream says at least that it is there.
_QUIET = 60.0


class Document(dict[str, Any]):
    """A JSON object whose values are read as attributes too. A name that `dict` has itself, such as `items`, is read
    with brackets."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the platform's answer has no {name!r}") from None


@dataclass(frozen=True)
class Answer:
    """What the server said: its status, its headers, its body."""

    status_code: int
    headers: Message
    content: bytes

    def json(self) -> Any:
        """The body, its objects as Documents. Raises ValueError where it is no JSON."""
        return json.loads(self.content, object_hook=Document)


class PlainHttp(Http):
    """Http that loads neither httpx nor pydantic: what it reads are Documents, with dates and times as ISO text."""

    # A Document is no model; that it has the same attributes is the server's promise, which no type can tell.
    def read(self, model: type[Model], answer: Answered) -> Any:
        return answer.json()

    def item(self, model: type[Model], item: Any) -> Any:
        return item

    def parsed(self, model: type[Model], text: str) -> Any:
        return json.loads(text, object_hook=Document)

    def _connect(self, timeout: float) -> Sender:
        return _Standard(timeout)

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any],
        content: Sent,
        headers: Mapping[str, str],
        into: Into | None = None,
    ) -> Answered:
        client = cast(_Standard, self._client)
        return client.request(method, url, params=params, content=content, headers=headers, into=into)

    def _pieces(self, url: str, headers: Mapping[str, str]) -> Iterator[bytes]:
        return cast(_Standard, self._client).pieces(url, headers)


class LastingHttp(Http):
    """Http that reads Documents as PlainHttp does, over connections that stay open, for whoever asks all day long."""

    def read(self, model: type[Model], answer: Answered) -> Any:
        return json.loads(answer.content, object_hook=Document)

    def item(self, model: type[Model], item: Any) -> Any:
        return Document(item)

    def parsed(self, model: type[Model], text: str) -> Any:
        return json.loads(text, object_hook=Document)


class _Standard:
    """The standard library's HTTP: a connection a request, the environment's proxies, no redirects."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._opener = build_opener(_StayThere)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any],
        content: Sent,
        headers: Mapping[str, str],
        into: Into | None = None,
    ) -> Answer:
        """One answer, of whatever status, whose body goes `into` that where it is given and the status is good. Raises
        Unavailable when there is none, Invalid for what is no address."""
        query = urlencode({name: _spelled(value) for name, value in params.items()}, doseq=True)
        url = f"{url}?{query}" if query else url
        body = content.encode() if isinstance(content, str) else content
        if not url.startswith(("http://", "https://")):
            raise _no_address(url)
        try:
            request = Request(url, body, dict(headers), method=method)
            with self._opener.open(request, timeout=self._timeout) as answer:
                while into is not None and (piece := answer.read(_PIECE)):
                    into(piece)
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.headers, refused.read())
        except (OSError, HTTPException) as lost:
            reason = lost.reason if isinstance(lost, URLError) else lost
            raise Unavailable(str(reason) or type(lost).__name__) from lost
        except ValueError as error:
            raise _no_address(url) from error

    def pieces(self, url: str, headers: Mapping[str, str]) -> Iterator[bytes]:
        """A good answer's body as it comes. Raises the error of a bad one, or Unavailable."""
        try:
            with self._opener.open(Request(url, headers=dict(headers)), timeout=_QUIET) as answer:
                while piece := answer.read1(_PIECE):
                    yield piece
        except HTTPError as refused:
            with refused:
                raise error_of(Answer(refused.code, refused.headers, refused.read()), f"GET {url}") from refused
        except (OSError, HTTPException) as lost:
            raise Unavailable(f"{url} does not answer: {lost}", slug="no_answer") from lost

    def close(self) -> None:
        self._opener.close()


class _StayThere(HTTPRedirectHandler):
    """Follows no redirect: it would carry the token to another address."""

    def redirect_request(self, *about: object) -> None:
        return None


def _no_address(url: str) -> Invalid:
    return Invalid(f"{url} is no address: set LIVING_URL to where the platform answers, such as http://127.0.0.1:8000")


def _spelled(value: Any) -> Any:
    """A query's value as httpx spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    return [_spelled(item) for item in value] if isinstance(value, list | tuple) else value
