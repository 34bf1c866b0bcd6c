"""Spans, and W3C trace context (https://www.w3.org/TR/trace-context/) in and out of a text."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

_propagator = TraceContextTextMapPropagator()
_ids = RandomIdGenerator()


class CurrentSpan:
    """A span that is the current one meanwhile, below that in *parent* (None: the current one).

    Without a *tracer* nothing records it: it has ids, for the logs and the jobs, and no more. An
    error that ends the block is not noted, since its message may quote anything.
    """

    __slots__ = ("_span", "_token")

    def __init__(
        self,
        tracer: Tracer | None,
        name: str,
        *,
        kind: SpanKind,
        parent: Context | None,
        attributes: Mapping[str, AttributeValue],
    ) -> None:
        started = tracer and tracer.start_span(name, parent, kind, attributes)
        self._span = started or _unrecorded(parent)

    def __enter__(self) -> Span:
        self._token = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        detach(self._token)
        self._span.end()


def _unrecorded(parent: Context | None) -> Span:
    above = trace.get_current_span(parent).get_span_context()
    trace_id = above.trace_id if above.is_valid else _ids.generate_trace_id()
    return NonRecordingSpan(SpanContext(trace_id, _ids.generate_span_id(), is_remote=False))


def current_traceparent() -> str:
    """The current span's context, or empty if there is no span."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return ""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def parent_of(traceparent: str) -> Context:
    """A context whose span is the remote one of *traceparent*; a root if that is none."""
    if not traceparent:
        return Context()
    return _propagator.extract({"traceparent": traceparent}, context=Context())


def in_span() -> bool:
    """Whether there is a current span, which a new one should be a child of."""
    return trace.get_current_span().get_span_context().is_valid
