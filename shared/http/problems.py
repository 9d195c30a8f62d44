"""Problems: every error as one RFC 9457 document; the only place that knows HTTP statuses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from shared import logging
from shared.bus.judging import is_down
from shared.errors import NOT_SERVED, Conflict, Invalid, LivingError, TooLarge, Unavailable, Unconfirmed
from shared.storage import SLUGS, Slug

log = logging.get(__name__)

STATUS = {
    "not_found": 404,
    "conflict": 409,
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "too_large": 413,
    "too_many": 429,
    "unavailable": 503,
    "lost": 500,
    "not_yet": 503,
    "rejected": 422,
    "internal": 500,
}


#: What is wrong with a value, by pydantic's name of it, which speaks of strings where people wrote texts.
_WORDS = {
    "missing": "must be given",
    "extra_forbidden": "nothing here takes this; look at how it is spelled",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "is not of the form that this has here: {pattern}",
    "list_type": "must be a list",
    "too_short": "must hold at least {min_length}; it holds {actual_length}",
    "too_long": "must hold at most {max_length}; it holds {actual_length}",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
}


#: What pydantic calls a kind of number or text within bounds, where a value may be of several.
_KINDS = {"constrained-str", "constrained-int", "constrained-float"}


#: SQLSTATEs of a connection that failed, was ended or was not to be had; without one it did not come to be
#: (PostgreSQL's appendix A, "Error Codes").
_NO_WAY = ("08", "53300", "57P")


#: What is wrong with a file or its disk, in words that do not name it: where the platform keeps what is its own affair.
_STORED: Mapping[str, str] = {
    "damaged": "a file that is needed for this is damaged, and must be mended",
    "disk_full": "the disk that is needed for this is full, and must be given room",
    "read_only": "the disk that is needed for this can only be read now",
    "forbidden": "the platform may not write where this is kept",
    "not_there": "a file that is needed for this is away, and must be put back",
    "disk_fails": "the disk that is needed for this fails",
}

#: What does not pass before a person has done something; nobody is told to ask again.
_FOR_A_PERSON = {*SLUGS, "index_lost"}


def problem(request: Request, status: int, slug: str, detail: str, *, passes: bool = True, **extra: object) -> Response:
    """A problem document; `request_id` finds it in the logs. `passes` says whether asking again may help."""
    body = {
        "type": f"urn:living:problem:{slug}",
        "title": slug.replace("_", " "),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **extra,
    }
    headers = {"WWW-Authenticate": 'Bearer realm="living", Basic realm="living"'} if status == 401 else {}
    if status == 429:
        headers["Retry-After"] = "5"
    if status == 503 and passes and slug not in _FOR_A_PERSON:
        headers["Retry-After"] = "5"
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(app: FastAPI, routers: Sequence[APIRouter], served: Collection[str], others: Collection[str] = ()) -> None:
    """Makes every error of `app`, which has the routes of these routers, a problem document. It serves the services
    named `served`; of `others` it says that they are not here."""

    @app.exception_handler(LivingError)
    async def _living(request: Request, error: LivingError) -> Response:
        if isinstance(error, Unavailable) and error.slug in _STORED:
            log.error("storage unavailable", path=request.url.path, error=error.detail)
            return await _answered(request, Unavailable(f"{_STORED[error.slug]}; nothing was changed", slug=error.slug))
        return await _answered(request, error)

    async def _answered(request: Request, error: LivingError) -> Response:
        extra = {name: value for name, value in error.extra.items() if value not in (None, [])}
        passes = error.passes if isinstance(error, Unconfirmed) else True
        return problem(request, STATUS[error.kind], error.slug, error.detail, passes=passes, **extra)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        errors = _faults(error.errors())
        first = f"{errors[0]['at']}: {errors[0]['why']}" if errors else "the request is not as the API describes it"
        return await _living(request, Invalid(first, errors))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        slugs = {400: "unreadable", 404: "not_found", 405: "method_not_allowed", 413: TooLarge.slug}
        service = request.scope["path"].removeprefix("/").partition("/")[0]
        if error.status_code == 404 and service in others:
            detail = f"the service {service!r} is not served here, but {', '.join(served) or 'none'}"
            return problem(request, 404, NOT_SERVED, detail)
        answer = problem(request, error.status_code, slugs.get(error.status_code, "http"), str(error.detail))
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and (methods := _methods(request, routers)):
            answer.headers["Allow"] = ", ".join(methods)
        return answer

    @app.exception_handler(IntegrityError)
    async def _integrity(request: Request, error: IntegrityError) -> Response:
        log.warning("two commands at once", path=request.url.path, error=str(error.orig))
        return await _living(
            request, Conflict("another request changed the same thing at this moment; look, then try again")
        )

    @app.exception_handler(DataError)
    async def _unstorable(request: Request, error: DataError) -> Response:
        return await _living(request, Invalid("a value in the request is one that the database cannot hold"))

    async def _database(request: Request, error: Exception) -> Response:
        log.error("database unavailable", path=request.url.path, error=str(getattr(error, "orig", error)))
        why, slug = _why(error)
        return await _answered(request, Unavailable(f"{why}; nothing was changed", slug=slug))

    # No connection, no lock or no answer in time, a deadlock, a server that went away.
    for unavailable in (OperationalError, InterfaceError, TimeoutError):
        app.add_exception_handler(unavailable, _database)

    @app.exception_handler(DBAPIError)
    async def _other(request: Request, error: DBAPIError) -> Response:
        """psycopg's other classes tell of a server that went away, too, as where it ends a transaction that stood."""
        return await _database(request, error) if is_down(error) else unexpected(request, error)


def _why(error: Exception) -> tuple[str, Slug | None]:
    """What keeps the database from its work, in words that tell nothing of its insides; and its slug, where that does
    not pass by itself."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, OSError):
        return "the database's file is away, and must be put back", "not_there"
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if code in ("SQLITE_FULL", "53100"):
        return "the database's disk is full, and must be given room", "disk_full"
    if code.startswith("SQLITE_READONLY"):
        return "the database can only be read now", "read_only"
    if code == "25006":  # As a standby, until it takes over.
        return "the database can only be read now", None
    if code.startswith("SQLITE_IOERR"):
        return "the database's disk fails", "disk_fails"
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "the database is damaged, and must be mended", "damaged"
    if isinstance(error, OperationalError) and (not code or code.startswith(_NO_WAY)):
        return "the database cannot be reached, or takes no more connections", None
    return "the database does not answer in time", None


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to an error that is ours; its insides are in the log only."""
    log.error("request failed", path=request.url.path, exc_info=error)
    return problem(request, 500, "internal", "something went wrong here; nothing was changed")


def _faults(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What is wrong, and where. Of a value that may be of several kinds, what is wrong with it as the kind that it is,
    and not that it is none of the others."""
    found = [(_locator(item["loc"]), _sentence(item), item["type"].endswith("_type")) for item in errors]
    of_its_kind = {at for at, _, is_other_kind in found if not is_other_kind}
    around = {at[:end] for at in of_its_kind for end in _ends(at)}
    left = [(at, why) for at, why, is_other_kind in found if not (is_other_kind and at in around)]
    return [{"at": at, "why": why} for at, why in dict.fromkeys(left)]


def _ends(at: str) -> Iterator[int]:
    """Where a place ends, and each that it is within, as an item is in a list."""
    yield len(at)
    yield from (end for end, sign in enumerate(at) if sign == ".")


def _locator(parts: Sequence[str | int]) -> str:
    """Where a fault is, without the names of the checks that pydantic puts between (`function-after[...]`), or behind
    (`constrained-int`)."""
    named = [str(part) for part in parts if "[" not in str(part)]
    return ".".join(named[:-1] if named[-1:] and named[-1] in _KINDS else named)[:300]


def _sentence(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in our words."""
    about, kind = {name: _whole(value) for name, value in error.get("ctx", {}).items()}, error["type"]
    if kind == "string_too_short" and about["min_length"] == 1:
        return "says nothing; write something"
    return _WORDS[kind].format(**about) if kind in _WORDS else error["msg"].removeprefix("Value error, ")


def _whole(value: object) -> object:
    """A bound as people write it: without a point where nothing follows."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _methods(request: Request, routers: Sequence[APIRouter]) -> list[str]:
    """What may be done at the address of a request; each of its routes knows only its own."""
    routes = (route for router in routers for route in router.routes if isinstance(route, Route))
    found = [route.methods or set() for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted(set().union(*found))
