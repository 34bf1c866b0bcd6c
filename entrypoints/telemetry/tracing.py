"""W3C trace context (https://www.w3.org/TR/trace-context/) in and out of a text."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FIELD = "traceparent"
_propagator = TraceContextTextMapPropagator()


def current_traceparent() -> str:
    """The current span's context, or empty if there is no span."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_FIELD, "")


def parent_of(traceparent: str) -> Context:
    """A context whose span is the remote one of *traceparent*; a root if that is none."""
    return _propagator.extract({_FIELD: traceparent}, context=Context())


def in_span() -> bool:
    """Whether there is a current span, which a new one should be a child of."""
    return trace.get_current_span().get_span_context().is_valid
