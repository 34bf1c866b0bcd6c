"""Spans and metrics after OpenTelemetry's messaging conventions 1.44.

A pointer's life is one trace: the span that sends it into the queue is the parent of each span that
processes it (allowed, for single messages, beside the default of linking the two). No value is
registered for Redis as a messaging system, so `redis` is a custom one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from entrypoints.telemetry.privacy import error_type
from entrypoints.telemetry.sdk import Telemetry
from entrypoints.telemetry.tracing import in_span, parent_of

QUEUE = "postroom.pointers"


@dataclass(frozen=True, slots=True)
class Operation:
    """One send or process: its *span*, and the *labels* of its metrics."""

    span: Span
    labels: dict[str, str]

    def failed(self, kind: str) -> None:
        """Mark it as failed, *kind* being one of few words. The message stays untold."""
        self.labels["error.type"] = kind
        self.span.set_attribute("error.type", kind)
        self.span.set_status(Status(StatusCode.ERROR))


@contextmanager
def sending(telemetry: Telemetry, count: int, *, traceparent: str) -> Iterator[Operation]:
    """Give *count* pointers to the queue, in the current span, else below *traceparent*."""
    details = {"messaging.batch.message_count": count} if count > 1 else {}
    with _operation(
        telemetry,
        "send",
        SpanKind.PRODUCER,
        None if in_span() else parent_of(traceparent),
        details,
    ) as operation:
        measured = telemetry.instruments
        with _measured(operation, measured.operation_duration, measured.sent, count):
            yield operation


@contextmanager
def processing(
    telemetry: Telemetry, job_id: str, *, traceparent: str, details: Mapping[str, AttributeValue]
) -> Iterator[Operation]:
    """Make an attempt at a claimed pointer, below the span that sent it."""
    with _operation(
        telemetry,
        "process",
        SpanKind.CONSUMER,
        parent_of(traceparent),
        {"messaging.message.id": job_id, **details},
    ) as operation:
        measured = telemetry.instruments
        with _measured(operation, measured.process_duration, measured.consumed, 1):
            yield operation


@contextmanager
def _operation(
    telemetry: Telemetry,
    name: str,
    kind: SpanKind,
    parent: Context | None,
    details: Mapping[str, AttributeValue],
) -> Iterator[Operation]:
    labels = {
        "messaging.system": "redis",
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": QUEUE,
    }
    with telemetry.tracer.start_as_current_span(
        f"{name} {QUEUE}",
        context=parent,
        kind=kind,
        attributes={**labels, **details},
        record_exception=False,  # it would tell the message, which may quote anything
        set_status_on_exception=False,
    ) as span:
        yield Operation(span, labels)


@contextmanager
def _measured(
    operation: Operation, duration: Histogram, messages: Counter, count: int
) -> Iterator[None]:
    begun = perf_counter()
    try:
        yield
    except BaseException as error:
        operation.failed(error_type(error))
        raise
    finally:
        duration.record(perf_counter() - begun, operation.labels)
        messages.add(count, operation.labels)
