"""The frozen forms: the JSON Schema of every released event version, kept as files that must not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import orjson

from shared.events.base import Event

_FOLDER = Path(__file__).parent


def frozen_path(event: type[Event], version: int | None = None) -> Path:
    """Where the frozen form of an event's version lies, or of its newest."""
    return _FOLDER / f"{event.type}.v{version or event.version}.json"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The event's JSON Schema as the code has it now, as whoever reads it must see it: a field more breaks nothing."""
    return cast(dict[str, Any], _open(event.model_json_schema(mode="serialization")))


def _open(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _open(part) for name, part in schema.items() if (name, part) != ("additionalProperties", False)}


def freeze(event: type[Event]) -> bool:
    """Writes the form of a version that has none yet; answers whether it did. A frozen one is never rewritten."""
    path = frozen_path(event)
    if path.exists():
        return False
    path.write_bytes(orjson.dumps(schema_of(event), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return True
