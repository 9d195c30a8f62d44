"""Events are declared facts: their envelope survives the way, and a released form never changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docs.asyncapi import breaks_of_data
from shared.errors import Rejected
from shared.events import bounds, registry
from shared.events.base import Envelope, Event
from shared.events.bounds import DEEPEST
from shared.events.ingest import Bibliography, RecordDiscovered
from shared.events.schemas import frozen_path, schema_of
from shared.events.screening import TaskClosed
from shared.events.synthesis import ReviewOverdue
from shared.events.values import earliest_day, latest_day

TEXT = st.text(max_size=40)
#: Text that every database keeps, names without control characters, and instants.
KEPT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
INSTANT = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
AT = "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize("event", registry.EVENTS, ids=lambda event: event.type)
def test_a_released_event_is_as_it_was_frozen_but_for_fields_that_may_be_left_out(event):
    frozen = orjson.loads(frozen_path(event).read_bytes())

    assert list(breaks_of_data(event.type, frozen, schema_of(event))) == [], (
        f"{event.type} changed: a new meaning is a new version (make docs writes new forms)"
    )


@pytest.mark.parametrize("change", [
    lambda form: form["properties"].pop("revision"), lambda form: form["required"].append("more"),
    lambda form: form["properties"]["revision"].update(type="string"),
    lambda form: form["$defs"]["VoteCast"]["required"].append("via"),
])  # fmt: skip
def test_a_form_that_breaks_who_reads_is_none_that_was_frozen(change):
    frozen = orjson.loads(frozen_path(TaskClosed).read_bytes())
    now = schema_of(TaskClosed)

    change(now)

    assert list(breaks_of_data(TaskClosed.type, frozen, now)) != []


@pytest.mark.parametrize("event", registry.EVENTS, ids=lambda event: event.type)
def test_every_event_says_what_it_is_and_names_its_producer_first(event):
    assert event.__doc__ and event.type.count(".") == 2
    assert event.topic.startswith(event.type.split(".")[0] + ".")
    assert event.topic in registry.TOPICS


@given(NAME, NAME, NAME, st.none() | NAME, st.dictionaries(KEPT, KEPT, max_size=3), INSTANT, INSTANT)
def test_an_envelope_comes_back_as_it_was_sent(id_, subject, actor, cause, data, time, recorded):
    sent = Envelope(id_, "a.b.c", 1, "s", subject, time, recorded, "c", cause, actor, data)

    assert Envelope.from_json(sent.to_json()) == sent


@given(st.binary(max_size=200) | st.builds(orjson.dumps, st.dictionaries(TEXT, st.none() | st.integers(0, 9) | TEXT)))
def test_bytes_that_are_no_envelope_are_rejected_with_a_reason(raw):
    with pytest.raises(Rejected):
        Envelope.from_json(raw)


def test_a_field_that_is_wrong_is_named():
    envelope = Envelope("i", ReviewOverdue.type, 1, "s", "r", AT, AT, "c", None, "a", {"review": "r", "due": "soon"})

    with pytest.raises(Rejected, match=r"synthesis\.review\.overdue: due"):
        registry.decode(envelope)


def test_a_field_a_newer_producer_added_is_passed_over():
    data = {"review": "r", "due": "2020-01-01", "last_published": None, "mood": "worried"}

    assert registry.decode(
        Envelope("i", ReviewOverdue.type, 1, "s", "r", AT, AT, "c", None, "a", data)
    ) == ReviewOverdue(review="r", due=date(2020, 1, 1), last_published=None)


def test_an_event_whose_key_is_no_field_cannot_be_declared():
    with pytest.raises(TypeError, match="not one of its fields"):

        class Keyless(Event, type="a.b.c", key="nowhere"):
            pass


@pytest.mark.parametrize(
    ("partial", "first", "last"),
    [
        ("2019", date(2019, 1, 1), date(2019, 12, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2019-12", date(2019, 12, 1), date(2019, 12, 31)),
        ("2019-04-07", date(2019, 4, 7), date(2019, 4, 7)),
    ],
)
def test_a_partial_date_means_all_days_it_may_be(partial, first, last):
    assert (earliest_day(partial), latest_day(partial)) == (first, last)


@pytest.mark.parametrize("wrong", ["19", "2019-13", "2019-02-30", "2019-4", "April 2019", ""])
def test_a_date_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="published"):
        Bibliography(published=wrong)


@pytest.mark.parametrize("placeholder", ["0000", "0000-12", "0000-00-00", "2200", "9999", "9999-12", "9999-99-99"])
def test_a_placeholder_is_no_date(placeholder):
    assert Bibliography(published=placeholder).published is None
    assert (earliest_day(placeholder), latest_day(placeholder)) == (None, None)


@pytest.mark.parametrize("odd", ["0000-00", "9999-99-99", "0000-00-00", "2020-00", "2021-02-29", "", "soon", "٢٠٢٠"])
def test_asking_what_is_no_date_for_its_days_is_no_error(odd):
    assert (earliest_day(odd), latest_day(odd)) == (None, None)


@given(st.text(alphabet="0129-", max_size=12) | st.text(max_size=12))
@example("9999-12")
@example("0000-00")
def test_whatever_stands_for_a_date_has_both_days_or_none(text):
    first, last = earliest_day(text), latest_day(text)

    assert (first is None) == (last is None)
    assert first is None or first <= last


def envelope_with(**parts: Any) -> bytes:
    sent = Envelope("i", ReviewOverdue.type, 1, "s", "r", AT, AT, "c", None, "a", {"review": "r", "due": "2020-01-01"})
    return orjson.dumps(orjson.loads(sent.to_json()) | parts)


@pytest.mark.parametrize(
    ("attribute", "odd"),
    [
        ("time", "yesterday"),
        ("time", "2020-13-01T00:00:00Z"),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("recordedtime", "9999-12-31T23:59:59-01:00"),
        ("recordedtime", ""),
        ("id", "i" * 301),
        ("id", "a\0b"),
        ("subject", "a\nb"),
        ("correlationid", "c" * 5000),
        ("causationid", "\x7f"),
        ("actor", "a" * 301),
        ("dataversion", True),
        ("dataversion", 1.5),
        ("dataversion", 1.0),
        ("dataversion", 0),
        ("dataversion", -1),
        ("dataversion", bounds.LATEST_VERSION + 1),
        ("dataversion", 2**63),
        ("data", {"review": "a\0b"}),
        ("data", {"a\0b": 1}),
        ("data", {"review": [[{"a": ["b\0"]}]]}),
    ],
)
def test_an_attribute_that_no_service_could_keep_is_named(attribute, odd):
    with pytest.raises(Rejected, match=attribute):
        Envelope.from_json(envelope_with(**{attribute: odd}))


@pytest.mark.parametrize("deep", [DEEPEST + 1, 250, 900, 5000])
def test_data_nested_beyond_all_measure_is_rejected(deep):
    raw = envelope_with().replace(b'"due":', b'"more":' + b"[" * deep + b"]" * deep + b',"due":')

    with pytest.raises(Rejected):
        Envelope.from_json(raw)


@pytest.mark.parametrize(
    "raw", [b"9" * 5000, b'{"time": 1e999}', b'{"id": "\\ud83d"}', b'{"id": "\xff"}', b"\xef\xbb\xbf{}"]
)
def test_json_that_says_what_cannot_be_is_rejected(raw):
    with pytest.raises(Rejected):
        Envelope.from_json(raw)


def test_an_instant_without_an_offset_counts_as_utc():
    assert Envelope.from_json(envelope_with(time="2020-01-01T00:00:00")).occurred == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("revision", [-1, 2**31, 2**63, 2**64, 10**30])
def test_a_count_that_no_database_holds_is_named(revision):
    data = {"review": "r", "record": "x", "revision": revision, "run": "u", "bibliography": {}}

    with pytest.raises(Rejected, match="revision"):
        registry.decode(Envelope("i", "ingest.record.discovered", 1, "s", "x", AT, AT, "c", None, "a", data))


def test_an_identifier_too_long_for_an_index_is_named():
    data = {"review": "r", "record": "x" * 3000, "revision": 1, "run": "u", "bibliography": {}}

    with pytest.raises(Rejected, match=r"record: .* at most 300 characters"):
        registry.decode(Envelope("i", "ingest.record.discovered", 1, "s", "x", AT, AT, "c", None, "a", data))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * (bounds.LONGEST_TITLE + 1)),
        ("abstract", "x" * (bounds.LONGEST_ABSTRACT + 1)),
        ("venue", "x" * (bounds.LONGEST_VENUE + 1)),
        ("kind", "x" * (bounds.LONGEST_ID + 1)),
        ("authors", ["x"] * (bounds.MOST_AUTHORS + 1)),
        ("authors", ["x" * (bounds.LONGEST_AUTHOR + 1)]),
        ("authors", ["x" * bounds.LONGEST_AUTHOR] * 501),
    ],
)
def test_a_description_longer_than_any_work_has_is_named(field, value):
    data = {"review": "r", "record": "a", "revision": 1, "run": "u", "bibliography": {field: value}}
    envelope = Envelope("i", RecordDiscovered.type, 1, "s", "r", AT, AT, "c", None, "a", data)

    with pytest.raises(Rejected, match=rf"bibliography.{field}: .*(more than|at most)") as seen:
        registry.decode(envelope)
    assert len(seen.value.detail) < 500


def test_a_reason_is_one_line_whatever_the_names_in_the_data_are():
    data = {"review": "r", "due": "2020-01-01", "last_published": None, "searched_through": {"a\nb\u202e": "never"}}

    with pytest.raises(Rejected) as rejected:
        registry.decode(Envelope("i", "synthesis.revision.published", 1, "s", "r", AT, AT, "c", None, "a", data))

    assert rejected.value.detail.isprintable()
