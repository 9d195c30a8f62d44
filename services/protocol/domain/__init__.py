"""The rules of a protocol: what a file must say to become a version of a review's plan. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from services.protocol.domain.rules import broken_rules
from services.protocol.domain.teams import lacking as lacking
from services.protocol.domain.teams import lacking_as_named as lacking_as_named
from services.protocol.domain.teams import missing as missing
from shared.canonical import canonical_json, sha256
from shared.documents import Document, Form, Path, read, spelled
from shared.errors import Invalid
from shared.events.protocol import Protocol

#: The largest protocol, in bytes of canonical JSON: its event must fit into one message of the log.
LARGEST = 900_000

#: How many errors are listed at most; a file with more is mended in several rounds.
MOST_ERRORS = 500


def check(text: str | bytes, *, form: Form = "yaml", review: str | None = None) -> Protocol:
    """Reads a protocol file and checks it against every rule.

    `review` is the review it is meant for, where that is known. Raises Invalid, whose `errors` list every
    fault as {"at": "stages[2].answers[0].leads_to", "why": sentence, "line": from 1, where the form has lines}.
    """
    document = read(text, form, what="the protocol", slug="malformed_protocol")
    protocol, misfits = _shape(document)
    faults = [*document.faults, *misfits, *broken_rules(document.data, review)]
    if protocol is not None and len(canonical_json(protocol.model_dump(mode="json"))) > LARGEST:
        faults.append(((), f"the protocol is larger than {LARGEST} bytes; shorten its texts"))
    if faults or protocol is None:
        raise _invalid(document, faults)
    return protocol


def digest(protocol: Protocol) -> str:
    """The hash by which two protocols are the same: hex SHA-256 of the canonical document."""
    return sha256(protocol.model_dump(mode="json"))


def _shape(document: Document) -> tuple[Protocol | None, list[tuple[Path, str]]]:
    """The protocol, or each place where the data has not its shape; places that could not even be read aside."""
    unread = {path for path, _ in document.faults}
    try:
        # As JSON, whose kinds are told apart: a 0 is no date, a 1 no truth value, and a number no text.
        return Protocol.model_validate_json(json.dumps(document.data, default=str), strict=True), []
    except ValidationError as error:
        items = [(tuple(item["loc"]), item) for item in error.errors(include_url=False)]
    return None, [(path, _explained(item)) for path, item in items if path not in unread or item["input"] is not None]


def _explained(item: ErrorDetails) -> str:
    """Pydantic's message, with the value at fault where it is short enough to help."""
    why, value = _in_plain_words(item), item["input"]
    if item["type"] == "extra_forbidden":
        return _unknown_key(item["loc"])
    if item["type"] == "missing":
        return "this key is missing"
    if item["type"] == "string_type" and isinstance(value, bool | int | float):
        read_as = "true or false" if isinstance(value, bool) else "a number"
        return f"{why}; {value!r} is read as {read_as}, so put it in quotes"
    if item["type"] == "string_pattern_mismatch":  # Only names have a pattern.
        why = "a name is lower-case letters and digits, with single - or _ between them"
        if item["loc"][-1] == "owner" or item["loc"][0] == "team":
            why = "a person is named by the id that `living people list` shows, since names may be erased"
    if isinstance(value, dict | list):
        return why
    return f"{why} (it is {str(value)[:80]!r})"


#: By kind of fault what is wanted; others are told in pydantic's words, which name what may stand there.
_WANTED = {
    "too_short": "at least {min_length} must stand here, and there are {actual_length}",
    "too_long": "at most {max_length} may stand here, and there are more",
    "string_too_short": "this text must not be empty",
    "string_too_long": "this text may have at most {max_length} characters",
    "list_type": "a list must stand here, each item behind a -",
    "dict_type": "keys with values must stand here",
    "model_type": "keys with values must stand here",
    "model_attributes_type": "keys with values must stand here",
    "string_type": "a text must stand here",
    "int_type": "a whole number must stand here",
    "int_from_float": "a whole number must stand here",
    "bool_type": "true or false must stand here",
    "greater_than_equal": "this must be {ge} or more",
    "less_than_equal": "this must be {le} or less",
    "literal_error": "this must be {expected}",
    "date_type": "a date must stand here, such as 2018-01-31",
    "date_parsing": "a date must stand here, such as 2018-01-31",
    "date_from_datetime_parsing": "a date must stand here, such as 2018-01-31",
    "date_from_datetime_inexact": "a date without a time must stand here, such as 2018-01-31",
}


def _in_plain_words(item: ErrorDetails) -> str:
    wanted = _WANTED.get(item["type"])
    if wanted is None:
        return item["msg"].removeprefix("Value error, ").replace("Input should be", "this must be")
    return wanted.format_map(item.get("ctx", {}))


def _unknown_key(path: Path) -> str:
    """That a key is none, with the nearest of those that may stand there."""
    known = _keys_at(path[:-1])
    near = get_close_matches(str(path[-1]), known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"there is no such key here; {meant}there may be: {', '.join(known)}" if known else "no key may stand here"


def _keys_at(path: Path) -> list[str]:
    """The keys that may stand at a place of a protocol."""
    model: type[BaseModel] | None = Protocol
    for name in (part for part in path if isinstance(part, str)):
        field = _fields_of(model).get(name)
        model = next(_models_in(field.annotation), None) if field is not None else None
    return list(_fields_of(model))


def _fields_of(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """A model's fields by the names that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()} if model is not None else {}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _invalid(document: Document, faults: list[tuple[Path, str]]) -> Invalid:
    errors = [_error(document, path, why) for path, why in dict.fromkeys(faults)]
    errors.sort(key=lambda error: error.get("line", 0))
    first = errors[0]
    line = f" (line {first['line']})" if "line" in first else ""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    count += f", of which {MOST_ERRORS} are listed" if len(errors) > MOST_ERRORS else ""
    detail = f"the protocol has {count}; {first['at']}: {first['why']}{line}"
    return Invalid(detail, errors[:MOST_ERRORS], slug="malformed_protocol")


def _error(document: Document, path: Path, why: str) -> dict[str, Any]:
    line = document.line_of(path)
    return {"at": spelled(path), "why": why} | ({"line": line} if line is not None else {})
