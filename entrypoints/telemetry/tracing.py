"""Spans, and W3C trace context (https://www.w3.org/TR/trace-context/) in and out of a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    INVALID_SPAN_ID,
    INVALID_TRACE_ID,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

_propagator = TraceContextTextMapPropagator()


class DrawnIds(IdGenerator):
    """Ids that are drawn from *random*: whoever seeds it has the same ones each time."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def generate_span_id(self) -> int:
        while (drawn := self._random.getrandbits(64)) == INVALID_SPAN_ID:
            pass
        return drawn

    def generate_trace_id(self) -> int:
        while (drawn := self._random.getrandbits(128)) == INVALID_TRACE_ID:
            pass
        return drawn


@dataclass(frozen=True, slots=True)
class Spans:
    """Begins spans. Without a *tracer* nothing records them: they have *ids*, for the logs and the
    jobs, and no more.
    """

    tracer: Tracer | None
    ids: IdGenerator


class CurrentSpan:
    """A span that is the current one meanwhile, below that in *parent* (None: the current one).

    Where nothing records it, it would add nothing below the current span, and so is the current one
    itself. An error that ends the block is not noted, since its message may quote anything.
    """

    __slots__ = ("_is_new", "_span", "_token")

    def __init__(
        self,
        spans: Spans,
        name: str,
        *,
        kind: SpanKind,
        parent: Context | None,
        attributes: Mapping[str, AttributeValue],
    ) -> None:
        if spans.tracer:
            started = spans.tracer.start_span(name, parent, kind, attributes)
            self._span, self._is_new = started, True
        else:
            self._span, self._is_new = _unrecorded(spans.ids, parent)

    def __enter__(self) -> Span:
        if self._is_new:
            self._token = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        if self._is_new:
            detach(self._token)
            self._span.end()


def _unrecorded(ids: IdGenerator, parent: Context | None) -> tuple[Span, bool]:
    """And whether it is a new one."""
    current = trace.get_current_span(parent)
    above = current.get_span_context()
    if parent is None and above.is_valid:
        return current, False
    trace_id = above.trace_id if above.is_valid else ids.generate_trace_id()
    context = SpanContext(trace_id, ids.generate_span_id(), is_remote=False)
    return NonRecordingSpan(context), True


def traceparent_of(span: Span) -> str:
    """The context of *span*, or empty if it has none."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def parent_of(traceparent: str) -> Context:
    """A context whose span is the remote one of *traceparent*; a root if that is none."""
    if not traceparent:
        return Context()
    return _propagator.extract({"traceparent": traceparent}, context=Context())


def in_span() -> bool:
    """Whether there is a current span, which a new one should be a child of."""
    return trace.get_current_span().get_span_context().is_valid
