"""The API's description is whole: it validates, closes every body, bounds every value, and tells who may do what."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis

from services.catalog import SERVICES
from shared.events.registry import EVENTS
from shared.runtime.app import described, routers
from shared.tokens import ROLES
from shared.wire.common import BLANKS

DOORS = {
    "/people/token", "/people/public-tokens", "/people/public-reviews", "/people/invitations/accept",
    "/people/sessions",
    # By what whoever reads mail was sent, in the path.
    "/notify/mail/{subscription}/{token}", "/notify/mail/{subscription}/{token}/confirm",
    "/notify/mail/{subscription}/{token}/leave",
}  # fmt: skip
OPEN = {"/healthz", "/readyz"} | DOORS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described(SERVICES, routers(SERVICES)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, shown in methods.items():
            yield f"{method.upper()} {path}", shown


def resolved(document: dict[str, Any], part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        at = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            at = at[name]
        part = at
    return part


def parts(document: dict[str, Any], schema: Any, seen: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """A schema and every schema inside it."""
    if isinstance(schema, dict) and (name := schema.get("$ref")):
        if name not in seen:
            yield from parts(document, resolved(document, schema), (*seen, name))
        return
    yield schema
    inner = [schema.get("items"), *schema.get("properties", {}).values(), *schema.get("patternProperties", {}).values()]
    for one in [*inner, *schema.get("anyOf", [])]:
        if isinstance(one, dict):
            yield from parts(document, one, seen)


def asked(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of what a person may send, with the operation it belongs to."""
    for name, shown in operations(document):
        for parameter in shown.get("parameters", []):
            for part in parts(document, parameter["schema"]):
                yield f"{name} {parameter['name']}", part
        for kind, content in shown.get("requestBody", {}).get("content", {}).items():
            for part in parts(document, content["schema"]):
                yield f"{name} {kind}", part


def test_what_a_route_alone_may_answer_is_told_in_the_form_of_all_problems(document):
    answers = document["paths"]["/signing-key.pem"]["get"]["responses"]

    assert "application/problem+json" in resolved(document, answers["404"])["content"]


def test_the_description_is_an_openapi_document(document):
    schemathesis.openapi.from_dict(document).validate()


def test_every_body_is_closed_to_what_nobody_declared(document):
    still_open = {
        at for at, part in asked(document)
        if part.get("type") == "object" and part.get("additionalProperties") is not False
    }  # fmt: skip
    assert still_open == set()


def test_every_number_text_and_list_that_may_be_sent_has_a_bound(document):
    bounds = {
        "string": {"maxLength", "pattern", "enum", "const", "format"},
        "integer": {"maximum"},
        "array": {"maxItems"},
    }
    unbound = {
        at for at, part in asked(document)
        if part.get("type") in bounds and not bounds[part["type"]] & part.keys()
    }  # fmt: skip
    # A protocol's lists are bounded together: by the number of values of a document, and its size.
    protocols = tuple(f"POST /protocol/reviews/{{review}}/{what} app" for what in ("versions", "checks"))
    assert {at for at in unbound if not at.startswith(protocols)} == set()


def test_a_pattern_means_the_same_to_every_reader(document):
    read_in_different_ways = re.compile(r"\\[sSwWdDbBpP]")

    for at, part in asked(document):
        assert not read_in_different_ways.search(part.get("pattern", "")), at


def test_what_is_blank_to_the_description_is_blank_to_us():
    blank = re.compile(f"[{BLANKS}]")

    for code in range(sys.maxunicode):
        assert bool(blank.match(chr(code))) == chr(code).isspace(), hex(code)


def test_a_parameter_that_is_left_out_is_never_sent_as_null(document):
    for at, part in asked(document):
        assert "null" not in str(part.get("type")) or "application/" in at, at


def test_every_operation_tells_who_may_ask_and_a_stranger_what_to_expect(document):
    for name, shown in operations(document):
        if name.split()[1] in OPEN:
            assert shown["security"] == [] and "Open" in shown["description"], name
            continue
        assert shown["security"] == [{"bearer": []}, {"basic": []}], name
        assert any(f"`{role}`" in shown["description"] for role in ROLES) or "any role" in shown["description"], name
        assert {"401", "403", "422", "503"} <= shown["responses"].keys(), name
        assert {"409", "404"} <= shown["responses"].keys() or name.startswith("GET") or "{" not in name, name
    assert set(document["components"]["securitySchemes"]) == {"bearer", "basic"}


def test_every_error_is_a_problem_with_its_headers(document):
    for name, shown in operations(document):
        for status, answer in shown["responses"].items():
            if status < "400" or name.endswith("/readyz"):
                continue
            answer = resolved(document, answer)
            schema = answer["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, name
            assert status not in ("429", "503") or "Retry-After" in answer["headers"]


def test_what_an_event_carries_is_told_by_its_type_and_what_is_unknown_is_listed_still(document):
    schemas = document["components"]["schemas"]
    known = schemas["KnownTold"]

    assert set(known["discriminator"]["mapping"]) == {event.type for event in EVENTS}
    assert len(known["oneOf"]) == len(EVENTS)
    for event in EVENTS:
        envelope = resolved(document, {"$ref": known["discriminator"]["mapping"][event.type]})
        assert envelope["properties"]["type"]["const"] == event.type
        assert envelope["properties"]["data"]["$ref"] == f"#/components/schemas/{event.__name__}"
    assert schemas["JournalEntry"]["properties"]["event"] == {"$ref": "#/components/schemas/Told"}


def test_every_operation_has_a_short_name_of_its_own(document):
    names = [shown["operationId"] for _, shown in operations(document)]

    assert len(names) == len(set(names))
    assert {"screening_make_claim", "notify_add_subscription", "synthesis_sign_draft", "ingest_list_events"} <= set(
        names
    )


def test_what_is_no_json_is_told_as_what_it_is(document):
    kinds = {
        path: set(document["paths"][path]["get"]["responses"]["200"]["content"])
        for path in ("/metrics", "/signing-key.pem", "/notify/reviews/{review}/feed.atom")
    }
    assert kinds == {
        "/metrics": {"text/plain; version=0.0.4"},
        "/signing-key.pem": {"application/x-pem-file"},
        "/notify/reviews/{review}/feed.atom": {"application/atom+xml"},
    }
