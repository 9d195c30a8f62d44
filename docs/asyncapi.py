"""What travels on the log, as an AsyncAPI 3.0 document for machines; and what of it must not change.

The document that is committed is what readers out there go by. `make docs` writes it anew, and `make lint` compares:
a field that is gone or of another kind, a new one that old events lack, a renamed topic or key breaks whoever reads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from services.catalog import SERVICES
from shared.events import registry
from shared.events.base import Event
from shared.events.schemas import frozen_path, schema_of

PATH = Path(__file__).parent / "asyncapi.json"

Json = dict[str, Any]

#: What a field's schema says for people alone.
_FOR_PEOPLE = {"description", "title", "examples", "default"}

#: The attributes of an envelope beside its data (CloudEvents 1.0, with ours; `Envelope` in shared/events/base.py).
_ENVELOPE: dict[str, Json] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string"},
    "source": {"type": "string", "description": "`living/` and the service that told it."},
    "subject": {"type": "string", "description": "The message's key."},
    "time": {"type": "string", "format": "date-time", "description": "When it happened, by the platform's clock."},
    "recordedtime": {"type": "string", "format": "date-time", "description": "When it was written, by the machine's."},
    "correlationid": {"type": "string", "description": "Its flow: all that follows from one beginning."},
    "causationid": {"type": ["string", "null"], "description": "The event that caused it."},
    "actor": {"type": "string", "description": "Who did it: an opaque id, or the part of the platform."},
    "via": {"type": "string", "description": "The key by which a client did it for them."},
    "datacontenttype": {"const": "application/json"},
}

_HEADERS: Json = {
    "type": "object",
    "properties": {
        "traceparent": {"type": "string", "description": "W3C Trace Context, where it was told in a trace."}
    },
}


def document() -> Json:
    """The registry and the manifests as AsyncAPI 3.0: a channel for each topic, a message for each version of an event
    that was ever released, and what each service sends and receives."""
    messages = {name: _message(event, version) for event, version, name in _versions()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Living Reviews",
            "version": "1",
            "description": "What the services tell each other. Readers pass over fields that they do not know.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {topic.name: _channel(topic) for topic in registry.TOPICS.values()},
        "operations": dict(_operations()),
        "components": {"messages": messages},
    }


def text() -> str:
    """docs/asyncapi.json. Raises ValueError where it would break who reads by the one that is there."""
    now = document()
    if PATH.exists() and (found := list(breaks(orjson.loads(PATH.read_bytes()), now))):
        raise ValueError("\n".join(found))
    return orjson.dumps(now, option=orjson.OPT_INDENT_2).decode() + "\n"


def breaks(before: Json, now: Json) -> Iterator[str]:
    """What would break those who read by the document of before, or keep us from reading what was told then."""
    for topic, channel in before["channels"].items():
        other = now["channels"].get(topic)
        if other is None:
            yield f"topic {topic}: it is gone; a topic keeps its name for good"
            continue
        if channel["address"] != other["address"]:
            yield f"topic {topic}: its address is another"
        if channel["bindings"]["kafka"]["partitions"] != other["bindings"]["kafka"]["partitions"]:
            yield f"topic {topic}: it has another number of partitions, so that keys move"
        for name in channel["messages"]:
            if name not in other["messages"]:
                yield f"{name}: it is not on {topic} any more; what was told there must be read for good"
    for name, message in before["components"]["messages"].items():
        if (same := now["components"]["messages"].get(name)) is not None:
            yield from _breaks_of(name, message, same)


def _breaks_of(name: str, before: Json, now: Json) -> Iterator[str]:
    if before["x-key"] != now["x-key"]:
        yield f"{name}: its key was {before['x-key']} and is {now['x-key']}, which changes what is in order"
    yield from breaks_of_data(name, before["payload"]["properties"]["data"], now["payload"]["properties"]["data"])


def breaks_of_data(name: str, before: Json, now: Json) -> Iterator[str]:
    """The same of the data of one version: a field more that may be left out breaks nobody."""
    yield from _breaks_in(name, "", _whole(before, before.get("$defs", {})), _whole(now, now.get("$defs", {})))


def _breaks_in(name: str, at: str, old: Any, new: Any) -> Iterator[str]:
    """Of two schemas in which every reference is written out."""
    if not (isinstance(old, dict) and isinstance(new, dict) and "properties" in old and "properties" in new):
        for word in ("items", "additionalProperties"):
            if isinstance(old, dict) and isinstance(new, dict) and word in old and word in new:
                yield from _breaks_in(name, f"{at}[]", old[word], new[word])
                old, new = _without(old, word), _without(new, word)
        if isinstance(old, dict) and isinstance(new, dict) and len(old.get("anyOf", [])) == len(new.get("anyOf", [1])):
            for one, other in zip(old["anyOf"], new["anyOf"], strict=True):
                yield from _breaks_in(name, at, one, other)
            old, new = _without(old, "anyOf"), _without(new, "anyOf")
        if old != new:
            yield f"{name}: {at or 'its data'} is of another kind; a new meaning is a new version"
        return
    for field, schema in old["properties"].items():
        path = f"{at}.{field}" if at else field
        if field not in new["properties"]:
            yield f"{name}: {path} is gone; readers ask for it"
        else:
            yield from _breaks_in(name, path, schema, new["properties"][field])
    required, now_required = set(old.get("required", [])), set(new.get("required", []))
    for field in sorted(now_required - required):
        yield f"{name}: {f'{at}.{field}' if at else field} is required now; events that were told lack it"
    for field in sorted((required - now_required) & set(new["properties"])):
        yield f"{name}: {f'{at}.{field}' if at else field} may be left out now; readers ask for it"


def _whole(schema: Any, parts: Mapping[str, Any]) -> Any:
    """With its references written out, and without what is for people."""
    if isinstance(schema, list):
        return [_whole(part, parts) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _whole(parts[schema["$ref"].rpartition("/")[2]], parts)
    whole = {}
    for word, part in schema.items():
        if word == "properties":
            whole[word] = {field: _whole(its, parts) for field, its in part.items()}
        elif word not in _FOR_PEOPLE and word != "$defs":
            whole[word] = _whole(part, parts)
    return whole


def _without(schema: Json, word: str) -> Json:
    return {name: part for name, part in schema.items() if name != word}


def _versions() -> Iterator[tuple[type[Event], int, str]]:
    for event in registry.EVENTS:
        for version in range(1, event.version + 1):
            yield event, version, _name(event, version)


def _name(event: type[Event], version: int) -> str:
    return f"{event.type}.v{version}"


def _message(event: type[Event], version: int) -> Json:
    newest = version == event.version
    data = schema_of(event) if newest else orjson.loads(frozen_path(event, version).read_bytes())
    message: Json = {
        "name": event.type,
        "title": f"{event.type}, version {version}",
        "summary": data.get("description", "").partition("\n\n")[0],
        "x-key": event.key_field,
        "headers": _HEADERS,
        "payload": {
            "type": "object",
            "properties": {
                **_ENVELOPE,
                "type": {"const": event.type},
                "dataversion": {"const": version},
                "data": _absolute(data, event, version),
            },
            "required": [*_ENVELOPE, "type", "dataversion", "data"],
        },
    }  # fmt: skip
    return message if newest else {**message, "x-superseded-by": _name(event, event.version)}


def _absolute(data: Any, event: type[Event], version: int) -> Any:
    """The schema with its references from the top of the document, where AsyncAPI looks for them."""
    if isinstance(data, list):
        return [_absolute(part, event, version) for part in data]
    if not isinstance(data, dict):
        return data
    here = f"#/components/messages/{_name(event, version)}/payload/properties/data/$defs/"
    return {
        word: here + part.removeprefix("#/$defs/") if word == "$ref" else _absolute(part, event, version)
        for word, part in data.items()
    }


def _channel(topic: registry.Topic) -> Json:
    names = [name for event, _, name in _versions() if event.topic == topic.name]
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
    }


def _operations() -> Iterator[tuple[str, Json]]:
    for service in SERVICES:
        for topic in registry.TOPICS:
            sent = [_name(event, event.version) for event in service.emits if event.topic == topic]
            heard = [name for event, _, name in _versions() if event.topic == topic and event.type in service.types]
            for action, names in (("send", sent), ("receive", heard)):
                if names:
                    yield (
                        f"{service.name}.{action}.{topic}",
                        {
                            "action": action,
                            "channel": {"$ref": f"#/channels/{topic}"},
                            "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in sorted(names)],
                            "tags": [{"name": service.name}],
                        },
                    )


def main() -> int:
    """Tells what the code would break; exits 1 where there is any."""
    found = list(breaks(orjson.loads(PATH.read_bytes()), document()))
    print("\n".join(found) or f"Events: nothing breaks who reads by {PATH.name}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
