"""What was ever released is read for good: one real event of each type and version lies in `released/`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope, Event
from shared.events.protocol import VersionPublished

#: Where names are data: one more would be one more of those. `protocol` is hashed as it is.
MAPS = {"provenance", "searched_through", "fields", "protocol"}
RELEASED = sorted((Path(__file__).parent / "released").glob("*.json"))


def envelope(path: Path) -> Envelope:
    return Envelope.from_json(orjson.dumps(orjson.loads(path.read_bytes())))


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_todays_code_reads_what_was_released(path):
    seen = envelope(path)

    event = registry.decode(seen)

    assert f"{seen.type}.v{seen.dataversion}" == path.stem
    assert (event.type, event.review, event.key) == (seen.type, seen.data["review"], seen.subject)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_field_of_tomorrow_changes_nothing_wherever_it_is(path):
    seen = envelope(path)

    assert registry.decode(seen._replace(data=_with_more(seen.data))) == registry.decode(seen)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_what_is_read_is_told_as_it_was(path):
    """An event of its newest version, read and told again, has the same data."""
    seen = envelope(path)
    event = registry.decode(seen)

    if seen.dataversion == type(event).version:
        assert event.model_dump(mode="json") == seen.data


def test_there_is_one_of_each_version_that_was_released():
    released = {path.stem for path in RELEASED}

    assert released == {
        f"{event.type}.v{number}" for event in registry.EVENTS for number in range(1, event.version + 1)
    }


def test_a_protocol_of_the_first_version_has_the_bytes_that_were_hashed():
    first, second = (envelope(path) for path in RELEASED if path.stem.startswith(VersionPublished.type))

    event, newer = registry.decode(first), registry.decode(second)

    assert isinstance(event, VersionPublished) and isinstance(newer, VersionPublished)
    assert hashlib.sha256(event.document.encode()).hexdigest() == event.sha256
    assert (event.document, event.protocol) == (newer.document, newer.protocol)


@pytest.mark.parametrize("broken", [{}, {"protocol": 5}, {"protocol": {"n": 2**60}}, {"protocol": {"title": "set"}}])
def test_an_earlier_version_that_cannot_be_made_a_later_one_is_rejected_with_its_reason(broken):
    path = next(path for path in RELEASED if path.stem == "protocol.version.published.v1")

    with pytest.raises(Rejected, match=r"protocol\.version\.published") as refused:
        event = registry.decode(envelope(path)._replace(data=broken))
        assert isinstance(event, VersionPublished) and event.protocol

    assert refused.value.slug == "bad_data"


def test_a_version_without_its_upcast_cannot_be_declared():
    with pytest.raises(TypeError, match="version 2 needs an upcast"):

        class Second(Event, type="a.b.c", version=2, key="review"):
            pass


def test_whoever_tells_an_event_names_only_fields_that_it_has():
    with pytest.raises(ValueError, match="tomorrow"):
        VersionPublished(review="r", version=1, sha256="", document="", needs=[], published_by="x", tomorrow=1)


def _with_more(data: object) -> object:
    """With a field that nobody knows, in it and in everything inside it that has fields of its own names."""
    if isinstance(data, list):
        return [_with_more(part) for part in data]
    if not isinstance(data, dict):
        return data
    return {name: part if name in MAPS else _with_more(part) for name, part in data.items()} | {"tomorrow": [1]}
