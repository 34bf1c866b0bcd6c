"""The OpenTelemetry SDK, opened for a process and closed with it.

Not set as the global one: what is observed is handed its `Telemetry`, so that tests need no reset.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, generate_latest

from postroom.entrypoints.telemetry.instruments import Instruments, instruments
from postroom.entrypoints.telemetry.tracing import DrawnIds, Spans

_SCOPE = "postroom"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where to tell spans and metrics; *exposition* is the metrics as Prometheus reads them."""

    spans: Spans
    instruments: Instruments
    exposition: Callable[[], bytes]


@contextmanager
def open_telemetry(
    *,
    span_processors: Sequence[SpanProcessor] = (),
    metric_readers: Sequence[MetricReader] = (),
    random: Random | None = None,
) -> Iterator[Telemetry]:
    """Tell to `/metrics`, and to OTLP over HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

    The SDK's own `OTEL_…` variables (service name, sampler, headers) are heeded. With nobody to
    tell spans to, none is recorded, but trace ids are made all the same, for the logs. Ids are
    drawn from *random*.
    """
    ids = DrawnIds(random or Random())  # noqa: S311 - they are no secrets
    exporting = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    spans = [*span_processors, *(_otlp_spans() if exporting else ())]
    registry = CollectorRegistry()
    prometheus = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    readers = [prometheus, *metric_readers, *(_otlp_metrics() if exporting else ())]
    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", _SCOPE)})
    tracers = TracerProvider(id_generator=ids, resource=resource, shutdown_on_exit=False)
    for processor in spans:
        tracers.add_span_processor(processor)
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    try:
        yield Telemetry(
            spans=Spans(tracers.get_tracer(_SCOPE) if spans else None, ids),
            instruments=instruments(meters.get_meter(_SCOPE)),
            exposition=lambda: generate_latest(registry),
        )
    finally:
        tracers.shutdown()
        meters.shutdown()


def _otlp_spans() -> Sequence[SpanProcessor]:
    # Imported where it is used: it brings requests and protobuf with it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return [BatchSpanProcessor(OTLPSpanExporter())]


def _otlp_metrics() -> Sequence[MetricReader]:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )

    return [PeriodicExportingMetricReader(OTLPMetricExporter())]
