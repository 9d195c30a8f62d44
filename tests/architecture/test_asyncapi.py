"""Events may grow, and nobody who reads them is broken: the gate of `make lint` sees each change that would."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import orjson
import pytest

from docs import asyncapi
from shared.events import registry

NOW = asyncapi.document()
MESSAGE = "ingest.record.discovered.v1"


def data(document: dict[str, Any], message: str = MESSAGE) -> dict[str, Any]:
    return document["components"]["messages"][message]["payload"]["properties"]["data"]


def found(change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What the gate says of a change to the document of today."""
    changed = deepcopy(NOW)
    change(changed)
    return list(asyncapi.breaks(NOW, changed))


def test_the_code_of_today_breaks_nobody():
    assert list(asyncapi.breaks(orjson.loads(asyncapi.PATH.read_bytes()), NOW)) == []


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda it: data(it)["properties"].pop("run"), "run is gone"),
        (lambda it: data(it)["properties"]["run"].update(type="integer"), "run is of another kind"),
        (lambda it: data(it)["$defs"]["Bibliography"]["properties"].pop("title"), "bibliography.title is gone"),
        (
            lambda it: data(it)["$defs"]["Bibliography"]["properties"]["title"].update(maxLength=3),
            "bibliography.title is of another kind",
        ),
        (
            lambda it: (data(it)["properties"].update(new={"type": "string"}), data(it)["required"].append("new")),
            "new is required now",
        ),
        (lambda it: data(it)["required"].remove("run"), "run may be left out now"),
        (lambda it: it["channels"].pop("ingest.records"), "topic ingest.records: it is gone"),
        (lambda it: it["channels"]["ingest.records"].update(address="records"), "its address is another"),
        (
            lambda it: it["channels"]["ingest.records"]["bindings"]["kafka"].update(partitions=1),
            "another number of partitions",
        ),
        (lambda it: it["channels"]["ingest.records"]["messages"].pop(MESSAGE), "is not on ingest.records any more"),
        (lambda it: it["components"]["messages"][MESSAGE].update({"x-key": "run"}), "its key was record and is run"),
    ],
)
def test_what_would_break_a_reader_is_told(change, seen):
    (line,) = found(change)

    assert seen in line


@pytest.mark.parametrize(
    "change",
    [
        lambda it: data(it)["properties"].update(new={"type": "string"}),
        lambda it: data(it)["properties"]["run"].update(description="Which run found it."),
        lambda it: it["channels"].update({"ingest.answers": it["channels"]["ingest.records"]}),
        lambda it: it["channels"]["ingest.records"]["messages"].update({"ingest.record.counted.v1": {}}),
        lambda it: it["components"]["messages"].update({"ingest.record.discovered.v2": {}}),
    ],
    ids=["an optional field", "a description", "a topic", "a type", "a version"],
)
def test_what_grows_breaks_nobody(change):
    assert found(change) == []


def test_a_document_that_would_break_readers_is_not_written(tmp_path, monkeypatch):
    before = deepcopy(NOW)
    data(before)["properties"]["gone"] = {"type": "string"}
    path = tmp_path / "asyncapi.json"
    path.write_bytes(orjson.dumps(before))
    monkeypatch.setattr(asyncapi, "PATH", path)

    with pytest.raises(ValueError, match="gone is gone; readers ask for it"):
        asyncapi.text()
    assert asyncapi.main() == 1


def test_every_version_of_every_event_is_a_message_on_its_topic_with_those_who_tell_and_read_it():
    for event in registry.EVENTS:
        for version in range(1, event.version + 1):
            assert f"{event.type}.v{version}" in NOW["channels"][event.topic]["messages"]
    heard = NOW["operations"]["ingest.receive.protocol.versions"]["messages"]
    assert [it["$ref"].rpartition("/")[2] for it in heard] == [
        "protocol.version.published.v1", "protocol.version.published.v2",
    ]  # fmt: skip
    seen = NOW["operations"]["protocol.send.protocol.versions"]["messages"]
    assert [it["$ref"].rpartition("/")[2] for it in seen] == ["protocol.version.published.v2"]


def test_every_reference_leads_somewhere():
    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [it for one in part for it in references(one)]
        if isinstance(part, dict):
            return [part["$ref"]] if isinstance(part.get("$ref"), str) else references(list(part.values()))
        return []

    for reference in references(NOW):
        at: Any = NOW
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
