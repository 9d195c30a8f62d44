"""The description: completes the OpenAPI document with what FastAPI cannot see, so that it is true of every answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.events.base import Event
from shared.events.registry import EVENTS
from shared.http.auth import checks
from shared.http.blobs import BlobResponse
from shared.tokens import ANY, OWN, ROLES, SCOPES
from shared.wire.common import Problem

_ABOUT = """
Every route but those marked open asks for a token, as `Authorization: Bearer TOKEN`. `POST /people/token` makes one of
a key, for five minutes. A person has a role in each review; each role may do what those before it may: {roles}. A key
may be for something alone: {scopes}.

An error is a problem document (RFC 9457, `application/problem+json`); `errors` lists every fault of a request with
its place. Bodies and queries are read strictly: a name nobody declared is an error, and so is a value of another
kind. A method that an address does not have is answered 405, with those it has in `Allow`.

Lists come in pages: `next` of one is the `cursor` of the next, null on the last.
"""

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token that `POST /people/token` made of a key."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any name, and a key or a token as the password."},
}

_AGAIN = "Seconds until it is worth trying again; not there where a person must do something first."
_WAIT = {"Retry-After": {"description": _AGAIN, "schema": {"type": "integer"}}}
_WHO = {"WWW-Authenticate": {"description": "How to say who you are.", "schema": {"type": "string"}}}
_TRIED = {"Allow": {"description": "What may be done at this address.", "schema": {"type": "string"}}}

#: Every answer that is a problem: its status, the name of its component, when it is given, its headers.
_PROBLEMS: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (400, "Unreadable", "The body cannot be read.", {}),
    (401, "Unauthenticated", "There is no token, or none that holds here.", _WHO),
    (403, "Forbidden", "The role does not suffice, or the token does not hold for this review.", {}),
    (404, "NotFound", "There is no such thing, or none you may know of.", {}),
    (405, "MethodNotAllowed", "This address has no such method.", _TRIED),
    (409, "Conflict", "True and well formed, but not in this state; or the idempotency key was used before.", {}),
    (413, "TooLarge", "The body is larger than this platform accepts.", {}),
    (422, "Invalid", "The request breaks a rule; `errors` says which, each with its place.", {}),
    (500, "Lost", "What was kept is gone or damaged: somebody must put a copy back, and asking again is in vain.", {}),
    (429, "TooMany", "You ask for more at once than one may.", _WAIT),
    (
        503,
        "Unavailable",
        "Something this needs is down or busy; nothing was changed, unless it is `unconfirmed`.",
        _WAIT,
    ),
)


def complete(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Makes `app.openapi()` tell of every answer: problems, security, what events carry."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    bare = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(bare(), routes)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend its description.


def _completed(document: dict[str, Any], routes: Sequence[APIRoute]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    _add_schemas(components.setdefault("schemas", {}))
    _hoist_bodies(document)
    components["securitySchemes"] = _SECURITY
    components["responses"] = {name: _problem(why, headers) for _, name, why, headers in _PROBLEMS}
    document["info"]["description"] = _ABOUT.format(roles=", ".join(ROLES), scopes=", ".join(SCOPES)).strip()
    for route in routes:
        for method in route.methods or ():
            _complete(document["paths"][route.path_format][method.lower()], route)
    return document


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    check = next(checks(route.dependant), None)
    role, scope = (check.role, check.scope) if check else (None, None)
    operation["security"] = [] if scope is None else [{"bearer": []}, {"basic": []}]
    needs = f"Needs the role `{role}`, or one that may more" if role in ROLES else "Needs any role"
    needs += ", in all reviews" if check and check.everywhere else ""
    by = {OWN: ", by a key of one's own.", ANY: ", by any key."}.get(
        scope or "", f", by a key for `{scope}` or for all."
    )
    needs = "Open: no token is asked for." if scope is None else f"{needs}{by}"
    operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _never_null(parameter["schema"])
    responses = operation["responses"]
    responses.pop("422", None)
    for status, name, _, _ in _PROBLEMS:
        # A route that names one by itself (`responses={404: {}}`) says so without its form.
        named = responses.get(str(status), {})
        if "content" not in named and (named or _can_answer(status, operation, route, scope)):
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}


def _can_answer(status: int, operation: dict[str, Any], route: APIRoute, scope: str | None) -> bool:
    """Whether a route can be answered with a problem of this status."""
    # What asks for no token and takes a body is shown something else, which may be none.
    door = scope is None and "requestBody" in operation
    if status in (401, 403):
        return scope is not None or door
    if status == 422:
        return scope is not None or door or "parameters" in operation
    if status in (400, 413):
        return "requestBody" in operation
    if status == 404:
        return "{" in route.path or door
    if status == 500:
        return route.response_class is BlobResponse
    if status == 409:
        # A lease may be over, whatever is asked of it.
        return "GET" not in (route.methods or ()) or "{lease}" in route.path
    return status in (429, 503)


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null: what is optional is left out, and `null` is a word like any other."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return {**{key: part for key, part in schema.items() if key != "anyOf"}, **kinds[0]} if len(kinds) == 1 else schema


def _problem(why: str, headers: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    response = {"description": why, "content": {"application/problem+json": {"schema": schema}}}
    return response | ({"headers": headers} if headers else {})


def _hoist_bodies(document: dict[str, Any]) -> None:
    """Gives the parts of a body that a route describes by itself their place among the components, as `...Given`."""
    operations = (part for methods in document["paths"].values() for part in methods.values())
    for body in (part["requestBody"] for part in operations if "requestBody" in part):
        for content in body["content"].values():
            if "$defs" not in content["schema"]:
                continue
            whole = {name: part for name, part in content["schema"].items() if name != "$defs"}
            parts = {whole["title"]: whole, **content["schema"]["$defs"]}
            schemas = document["components"]["schemas"]
            for name, part in parts.items():
                if schemas.setdefault(f"{name}Given", part) != part:
                    raise ValueError(f"two models are described as {name}Given: rename one of them")
            content["schema"] = _ref(f"{whole['title']}Given")


# What events carry


def _add_schemas(schemas: dict[str, Any]) -> None:
    """Adds what no route declares: the problem, and the journal's events, each type with its own data."""
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    models: list[type[BaseModel]] = [Problem, *EVENTS]
    described = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    for name, schema in described[1]["$defs"].items():
        schemas.setdefault(name, schema)
    names = {event: f"{event.__name__}Told" for event in EVENTS}
    schemas.update({name: _envelope(event) for event, name in names.items()})
    schemas["UnknownTold"] = _unknown_envelope()
    schemas["KnownTold"] = {
        "description": "An event of a type that this release knows.",
        "oneOf": [_ref(name) for name in names.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {event.type: _ref(name)["$ref"] for event, name in names.items()},
        },
    }
    schemas["Told"] = {"anyOf": [_ref("KnownTold"), _ref("UnknownTold")]}
    if "JournalEntry" in schemas:
        schemas["JournalEntry"]["properties"]["event"] = _ref("Told")


def _envelope(event: type[Event]) -> dict[str, Any]:
    """The CloudEvents envelope of one type of event."""
    kind = {"type": {"const": event.type}, "dataversion": {"const": event.version}, "data": _ref(event.__name__)}
    return _ENVELOPE | {
        "description": (event.__doc__ or "").strip(),
        "properties": {**_ENVELOPE["properties"], **kind},
    }


def _unknown_envelope() -> dict[str, Any]:
    """An event that an earlier or later release told: it is listed as it was stored."""
    known = [
        {"properties": {"type": {"const": event.type}, "dataversion": {"const": event.version}}} for event in EVENTS
    ]
    return _ENVELOPE | {
        "description": "An event of a type or version that this release does not know, as it was stored.",
        "not": {"anyOf": known},
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_WORD = {"type": "string"}
_ENVELOPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _WORD,
        "type": _WORD,
        "dataversion": {"type": "integer"},
        "source": _WORD,
        "subject": _WORD,
        "time": {"type": "string", "format": "date-time"},
        "recordedtime": {"type": "string", "format": "date-time"},
        "correlationid": _WORD,
        "causationid": {"type": ["string", "null"]},
        "actor": _WORD,
        "via": _WORD,
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
    "required": [
        "specversion", "id", "type", "dataversion", "source", "subject", "time", "recordedtime", "correlationid",
        "causationid", "actor", "data",
    ],
}  # fmt: skip
