"""Traces: one that a caller began is found with everything that its request caused; others hinder nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import event, select

from shared import tracing
from shared.bus.port import Message
from shared.bus.relay import relay_once
from shared.db.tables import OutboxRow, ParkedEventRow
from shared.events.base import Envelope
from shared.events.notify import DeliveryFailed
from tests.toy import TOY, overdue
from tests.unit.shared.bus.rig import ListenerRig

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def rig(workbench) -> Iterator[ListenerRig]:
    rig = ListenerRig(workbench(TOY, retry_seconds=0.01))
    yield rig
    rig.close()


@contextmanager
def exported(monkeypatch) -> Iterator[InMemorySpanExporter]:
    """As in a process that has the SDK."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    yield kept
    monkeypatch.undo()


def puts(rig: ListenerRig, *traced: tuple[str, str | None]) -> None:
    rig.bench.platform.event_log.append(
        [
            Message(overdue(name).topic, name, rig.bench.envelope(overdue(name)).to_json(), tracing.headers_of(parent))
            for name, parent in traced
        ]
    )


def traceparents(rig: ListenerRig) -> dict[str, str | None]:
    with rig.bench.running.database.session(readonly=True) as session:
        return {row.review: row.traceparent for row in session.execute(select(OutboxRow)).scalars()}


def test_what_an_event_causes_bears_the_trace_it_was_told_in(rig):
    puts(rig, ("traced", PARENT), ("other", None))
    rig.listens()

    assert traceparents(rig) == {"traced": PARENT, "other": None}


def test_the_relay_sends_it_on(rig):
    puts(rig, ("traced", PARENT), ("other", None))
    rig.listens()
    log = rig.bench.platform.event_log

    assert relay_once(rig.bench.running.database, log, limit=10) == 2

    sent_ones = log.read([DeliveryFailed.topic])
    sent = {Envelope.from_json(one.value).data["review"]: tracing.read(one.headers) for one in sent_ones}
    assert sent == {"traced": PARENT, "other": None}


def test_what_waits_for_another_event_keeps_its_trace(rig):
    puts(rig, ("early", PARENT))
    rig.listens()
    assert [row.traceparent for row in rig.rows(ParkedEventRow)] == [PARENT]

    puts(rig, ("late", None))
    rig.listens(until=lambda: "early" in rig.notes())

    assert traceparents(rig)["early"] == PARENT


def test_a_letter_keeps_its_trace(rig):
    puts(rig, ("poison", PARENT))
    rig.listens()
    (letter,) = rig.letters()
    assert letter.traceparent == PARENT
    rig.mend(letter, overdue("well"))

    rig.retries(letter)

    assert traceparents(rig) == {"well": PARENT}


def test_a_request_of_a_trace_tells_its_events_in_it(workbench):
    bench = workbench(TOY)
    asked = bench.person("ada").post("/toy/reviews/r/notes", headers={"traceparent": PARENT})

    assert asked.status_code == 200
    with bench.running.database.session(readonly=True) as session:
        assert [row.traceparent for row in session.execute(select(OutboxRow)).scalars()] == [PARENT]


@example("00-" + "0" * 32 + "-b7ad6b7169203331-01")
@example("ff-" + "1" * 32 + "-b7ad6b7169203331-01")
@example(PARENT + "-more")
@example(PARENT.upper())
@given(st.text(max_size=80))
def test_a_header_that_is_no_trace_hinders_nothing(header):
    headers = {"traceparent": header}

    with tracing.effect("toy", "a.b.c", "evt_1", tracing.read(headers)):
        assert tracing.current() is None


def test_each_event_of_a_batch_has_a_span_in_its_own_trace_linked_to_the_batch(rig, monkeypatch):
    with exported(monkeypatch) as spans:
        puts(rig, ("one", PARENT), ("two", None), ("three", PARENT.replace(TRACE, "1" * 32)))
        at_commit = []
        event.listen(
            rig.bench.running.database.engine, "commit",
            lambda _: at_commit.append(getattr(trace.get_current_span(), "name", "none")), once=True,
        )  # fmt: skip
        rig.listens()
        ended = spans.get_finished_spans()

    assert at_commit == ["toy receive"]
    batches = {span.context.span_id for span in ended if span.name == "toy receive"}
    effects = [span for span in ended if span.name == "toy process synthesis.review.overdue"]
    assert len(effects) == 3
    assert all(len(span.links) == 1 and span.links[0].context.span_id in batches for span in effects)
    traces = {f"{span.context.trace_id:032x}" for span in effects}
    assert {TRACE, "1" * 32} < traces and len(traces) == 3
