"""The client's HTTP: one place that sends the token, finds the service, and turns problems into errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from shared import errors
from shared.ids import new_id

Model = TypeVar("Model", bound=BaseModel)

_ERRORS: dict[int, type[errors.LivingError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    503: errors.Unavailable,
}


class Http:
    """Speaks to the platform, whether it is one process or one per service.

    `urls` is one base address, or one per service name (the first part of every path). A platform that
    does not answer is asked again for up to `patience` seconds: a command carries an idempotency key, so
    that asking twice does it once.
    """

    def __init__(
        self,
        urls: str | Mapping[str, str],
        token: str,
        *,
        patience: float = 0,
        timeout: float = 30,
        client: httpx.Client | None = None,
    ) -> None:
        self._urls = {"": urls} if isinstance(urls, str) else dict(urls)
        self._patience = patience
        self._client = client or httpx.Client(timeout=timeout)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, model: type[Model], **params: Any) -> Model:
        """The answer to a GET, as `model`. Raises the platform's error of shared.errors."""
        return model.model_validate_json(self.raw("GET", path, params=params).content)

    def post(self, path: str, model: type[Model], body: BaseModel | None = None, **params: Any) -> Model:
        """The answer to a command, which is done once however often it is sent."""
        content = body.model_dump_json() if body is not None else None
        headers = {"Idempotency-Key": new_id("cmd"), "Content-Type": "application/json"}
        return model.model_validate_json(
            self.raw("POST", path, params=params, content=content, headers=headers).content
        )

    def pages(self, path: str, model: type[Model], **params: Any) -> Iterator[Model]:
        """Every item of a listing, page after page."""
        cursor = None
        while True:
            page = self.raw("GET", path, params={**params, "cursor": cursor}).json()
            yield from (model.model_validate(item) for item in page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def raw(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """One answer with a good status. Raises the error its problem document tells, or Unavailable."""
        request["params"] = {k: v for k, v in (request.get("params") or {}).items() if v is not None}
        until = time.monotonic() + self._patience
        pause = 0.05
        while True:
            try:
                answer = self._client.request(
                    method, self._base(path) + path, headers={**self._headers, **(headers or {})}, **request
                )
                if answer.status_code < 400:
                    return answer
                error: errors.LivingError = error_of(answer)
            except httpx.TransportError as lost:
                error = errors.Unavailable(f"{self._base(path)} does not answer: {lost}")
            if not isinstance(error, errors.Unavailable) or time.monotonic() + pause > until:
                raise error
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def close(self) -> None:
        self._client.close()

    def _base(self, path: str) -> str:
        service = path.split("/")[1]
        base = self._urls.get(service) or self._urls.get("")
        if base is None:
            raise errors.Invalid(f"no address is given for the service {service!r}")
        return base.rstrip("/")


def error_of(answer: httpx.Response) -> errors.LivingError:
    """The error that a bad answer tells."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    detail = body.get("detail") or f"{answer.request.method} {answer.request.url.path}: HTTP {answer.status_code}"
    slug = str(body.get("type", "")).rpartition(":")[2] or None
    if answer.status_code == 422:
        return errors.Invalid(detail, body.get("errors"), slug=slug)
    kind = _ERRORS.get(answer.status_code, errors.Unavailable if answer.status_code >= 502 else errors.LivingError)
    return kind(detail, slug=slug)
