"""Traces: where a request's W3C traceparent comes in, and how it travels with what is told to what that causes.

Only OpenTelemetry's API is asked, which does nothing by itself: where its SDK was set up, spans are exported;
where it was not, the trace that a caller began goes through all the same (W3C Trace Context, Level 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Link, ProxyTracerProvider, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

#: The header's name, in HTTP and on the log.
HEADER = "traceparent"

#: Version, trace, parent, flags (W3C Trace Context, 3.2): what of a stranger's header is kept.
_FORM = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("living-reviews")


def headers_of(traceparent: str | None) -> Mapping[str, str]:
    """What travels beside a message that was told in a trace."""
    return {HEADER: traceparent} if traceparent else {}


def read(headers: Mapping[str, str]) -> str | None:
    """The trace that a message or a request came with; None where its header is no trace, which hinders nothing."""
    given = headers.get(HEADER)
    return given if given is not None and _FORM.fullmatch(given) else None


def current() -> str | None:
    """The traceparent of what is told now; None outside of any trace."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(HEADER)


@contextmanager
def request(method: str, path: str, traceparent: str | None) -> Iterator[None]:
    """A span for a request, in the caller's trace where there is one."""
    if traceparent is None and not _is_kept():
        yield
        return
    about = {"http.request.method": method, "url.path": path}
    with _TRACER.start_as_current_span(
        f"{method} {path}", _context(traceparent), kind=SpanKind.SERVER, attributes=about
    ):
        yield


@contextmanager
def batch(service: str) -> Iterator[None]:
    """A span for one transaction of a listener."""
    if not _is_kept():
        yield
        return
    with _TRACER.start_as_current_span(f"{service} receive", kind=SpanKind.CONSUMER):
        yield


@contextmanager
def effect(service: str, type_: str, event_id: str, traceparent: str | None) -> Iterator[None]:
    """A span for what one event causes: a child of the trace it was told in, linked to the batch it came in.

    What fails here and is judged is written on the span, and goes on to whoever judges it.
    """
    around = trace.get_current_span().get_span_context()
    # Where spans are kept, there is one around: of the batch, or of the request that tries a letter again.
    if traceparent is None and not around.is_valid:
        yield
        return
    with _TRACER.start_as_current_span(
        f"{service} process {type_}", _context(traceparent), kind=SpanKind.CONSUMER,
        links=[Link(around)] if around.is_valid else [], attributes={"messaging.message.id": event_id},
        record_exception=False, set_status_on_exception=False,
    ) as span:  # fmt: skip
        try:
            yield
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _is_kept() -> bool:
    """Whether an SDK was set up in this process, which keeps spans."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def _context(traceparent: str | None) -> context.Context:
    """Of the trace alone, whatever goes on around."""
    return _PROPAGATOR.extract(headers_of(traceparent), context.Context())
