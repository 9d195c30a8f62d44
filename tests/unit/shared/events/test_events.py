"""Events are declared facts: their envelope survives the way, and a released form never changes."""

from __future__ import annotations

from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope, Event
from shared.events.ingest import Bibliography
from shared.events.schemas import frozen_path, schema_of
from shared.events.synthesis import ReviewOverdue
from shared.events.values import earliest_day, latest_day

TEXT = st.text(max_size=40)


@pytest.mark.parametrize("event", registry.EVENTS, ids=lambda event: event.type)
def test_a_released_event_is_as_it_was_frozen(event):
    frozen = orjson.loads(frozen_path(event).read_bytes())

    assert schema_of(event) == frozen, (
        f"{event.type} changed: a new meaning is a new version (make docs writes new forms)"
    )


@pytest.mark.parametrize("event", registry.EVENTS, ids=lambda event: event.type)
def test_every_event_says_what_it_is_and_names_its_producer_first(event):
    assert event.__doc__ and event.type.count(".") == 2
    assert event.topic.startswith(event.type.split(".")[0] + ".")
    assert event.topic in registry.TOPICS


@given(TEXT, TEXT, TEXT, st.none() | TEXT, st.dictionaries(TEXT, TEXT, max_size=3))
def test_an_envelope_comes_back_as_it_was_sent(id_, subject, actor, cause, data):
    sent = Envelope(id_, "a.b.c", 1, "s", subject, "t", "r", "c", cause, actor, data)

    assert Envelope.from_json(sent.to_json()) == sent


@given(st.binary(max_size=200) | st.builds(orjson.dumps, st.dictionaries(TEXT, st.none() | st.integers(0, 9) | TEXT)))
def test_bytes_that_are_no_envelope_are_rejected_with_a_reason(raw):
    with pytest.raises(Rejected):
        Envelope.from_json(raw)


def test_a_field_that_is_wrong_is_named():
    envelope = Envelope("i", ReviewOverdue.type, 1, "s", "r", "t", "r", "c", None, "a", {"review": "r", "due": "soon"})

    with pytest.raises(Rejected, match=r"synthesis\.review\.overdue: due"):
        registry.decode(envelope)


def test_a_field_a_newer_producer_added_is_passed_over():
    data = {"review": "r", "due": "2020-01-01", "last_published": None, "mood": "worried"}

    assert registry.decode(
        Envelope("i", ReviewOverdue.type, 1, "s", "r", "t", "r", "c", None, "a", data)
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
