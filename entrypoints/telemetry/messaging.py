"""Spans and metrics after OpenTelemetry's messaging conventions 1.44.

A pointer's life is one trace: the span that sends it into the queue is the parent of each span that
processes it (allowed, for single messages, beside the default of linking the two). No value is
registered for Redis as a messaging system, so `redis` is a custom one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from postroom.entrypoints.telemetry.instruments import Tally
from postroom.entrypoints.telemetry.privacy import error_type
from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.telemetry.tracing import CurrentSpan, Spans, in_span, parent_of

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


def sending(
    telemetry: Telemetry, count: int, *, traceparent: str
) -> AbstractContextManager[Operation]:
    """Give *count* pointers to the queue, in the current span, else below *traceparent*."""
    return _operation(
        telemetry.spans,
        "send",
        SpanKind.PRODUCER,
        parent=None if in_span() else parent_of(traceparent),
        details={"messaging.batch.message_count": count} if count > 1 else {},
        duration=telemetry.instruments.operation_duration,
        messages=telemetry.instruments.sent,
        count=count,
    )


def processing(
    telemetry: Telemetry, job_id: str, *, traceparent: str, details: Mapping[str, AttributeValue]
) -> AbstractContextManager[Operation]:
    """Make an attempt at a claimed pointer, below the span that sent it."""
    return _operation(
        telemetry.spans,
        "process",
        SpanKind.CONSUMER,
        parent=parent_of(traceparent),
        details={"messaging.message.id": job_id, **details},
        duration=telemetry.instruments.process_duration,
        messages=telemetry.instruments.consumed,
        count=1,
    )


@contextmanager
def _operation(
    spans: Spans,
    name: str,
    kind: SpanKind,
    *,
    parent: Context | None,
    details: Mapping[str, AttributeValue],
    duration: Histogram,
    messages: Tally,
    count: int,
) -> Iterator[Operation]:
    labels = {
        "messaging.system": "redis",
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": QUEUE,
    }
    with CurrentSpan(
        spans, f"{name} {QUEUE}", kind=kind, parent=parent, attributes={**labels, **details}
    ) as span:
        operation = Operation(span, labels)
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            yield operation
        except BaseException as error:
            operation.failed(error_type(error))
            raise
        finally:
            duration.record(clock() - begun, labels)
            messages.add(count, labels)
