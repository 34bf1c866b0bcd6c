"""What is logged, traced and counted of a pointer on its way."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar, get_args

import pytest
import structlog
from litestar.testing import AsyncTestClient
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from postroom.adapters.memory.clock import ManualClock
from postroom.application.consume_job import Consume, Consumed
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import Claim
from postroom.domain.failure import StoreUnavailable, Unavailable
from postroom.domain.outcome import (
    Accepted,
    Completed,
    Dead,
    Deferred,
    Duplicate,
    Effect,
    Expanded,
    Outcome,
    Retry,
    Skipped,
    name_of,
)
from postroom.domain.pointer import Pointer, PointerJob
from postroom.entrypoints.telemetry.observed import ObservedConsume, observed_ingest
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.toy_provider import ToyPointer
from tests.unit.api_rig import CLIENT_STATE, SUBSCRIPTION, Rig, open_rig, toy_mailbox
from tests.unit.captured_log import captured_log
from tests.unit.telemetry_rig import Worker, ingesting, is_child, spans

SAMPLED = 1  # of the flags of a traceparent
POINTER = ToyPointer("inbox", 7)
NOTIFICATION = {
    "items": [{"subscription": SUBSCRIPTION, "secret": CLIENT_STATE, "number": POINTER.number}]
}


@dataclass(frozen=True, slots=True)
class Changed(Pointer):
    """Announces that a folder has changed, and no message."""

    provider: ClassVar[str] = "toy"

    folder: str

    @property
    def key(self) -> tuple[str, ...]:
        return "changed", self.folder

    @property
    def log_fields(self) -> dict[str, str | int]:
        return {"folder": self.folder}

    @property
    def changed_folder(self) -> str:
        return self.folder


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.server.tokens["support"] = "hush"
        yield opened


def claim_of(pointer: Pointer, *, attempt: int = 1, reclaimed: bool = False) -> Claim:
    job = PointerJob(
        id="j1",
        tenant="acme",
        mailbox="support",
        pointer=pointer,
        enqueued_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    return Claim(job, attempt, 1, reclaimed)


@dataclass(frozen=True)
class Consumer(Consume):
    """Ends every attempt in one way."""

    end: Consumed | StoreUnavailable

    async def __call__(self, _: Claim) -> Consumed:
        if isinstance(self.end, StoreUnavailable):
            raise self.end
        return self.end

    async def overran(self, claim: Claim, _limit: timedelta) -> Consumed:
        return await self(claim)


def consuming(
    rig: Rig, outcome: Outcome, *, settled: bool = True, bug: Exception | None = None
) -> Consume:
    return ObservedConsume(Consumer(Consumed(outcome, settled, bug)), rig.telemetry)


# --- Events


async def test_what_is_enqueued_is_logged_with_the_ids_of_its_pointer(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await ingesting(rig)(toy_mailbox(), [POINTER])
        await ingesting(rig)(toy_mailbox(), [POINTER])

    assert logs == [
        {
            "event": event,
            "log_level": "info",
            "tenant": "acme",
            "mailbox": "support",
            "provider": "toy",
            "job": rig.jobs[0].id,
            "folder": "inbox",
            "message_id": "7",
        }
        for event in ("enqueued", "already queued")
    ]


async def test_what_could_not_be_enqueued_is_told_with_the_reason(rig: Rig) -> None:
    rig.queue.failure = Unavailable("Redis does not answer in time")
    ingest = ingesting(rig)

    with structlog.testing.capture_logs() as logs, pytest.raises(Unavailable):
        await ingest(toy_mailbox(), [POINTER])

    [told] = logs
    assert (told["event"], told["log_level"]) == ("enqueue failed", "error")
    assert (told["mailbox"], told["count"]) == ("support", 1)
    assert told["reason"] == "Redis does not answer in time"


async def test_nothing_to_ingest_is_nothing_to_tell(rig: Rig) -> None:
    ingest = ingesting(rig)

    with structlog.testing.capture_logs() as logs:
        ingested = await ingest(toy_mailbox(), [])

    assert ingested.jobs == ()
    assert logs == []
    assert rig.spans.get_finished_spans() == ()


LATER = timedelta(seconds=90)
ENDS: list[tuple[Outcome, str, dict[str, object]]] = [
    (Completed(Effect.COMMENT, "17"), "acknowledged", {"effect": "comment"}),
    (Accepted("crm"), "accepted", {"application": "crm"}),
    (Duplicate(), "duplicate", {}),
    (Skipped("source unavailable"), "skipped", {"reason": "source unavailable"}),
    (Expanded(3), "expanded", {"count": 3}),
    (Retry(LATER, "HTTP 500"), "retried", {"seconds": 90.0, "reason": "HTTP 500"}),
    (Deferred(LATER, "HTTP 429"), "deferred", {"seconds": 90.0, "reason": "HTTP 429"}),
    (Dead("gave up"), "dead", {"reason": "gave up"}),
]


def test_every_outcome_is_among_the_examples() -> None:
    assert {type(outcome) for outcome, _, _ in ENDS} == set(get_args(Outcome))


@pytest.mark.parametrize(("outcome", "event", "facts"), ENDS)
async def test_every_end_of_an_attempt_is_told_once(
    rig: Rig, outcome: Outcome, event: str, facts: dict[str, object]
) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, outcome)(claim_of(POINTER, attempt=2))

    assert [told["event"] for told in logs] == ["claimed", event]
    del logs[1]["log_level"]
    assert logs[1] == {
        "event": event,
        "tenant": "acme",
        "mailbox": "support",
        "provider": "toy",
        "job": "j1",
        "folder": "inbox",
        "message_id": "7",
        "attempt": 2,
        "outcome": name_of(outcome),
        **facts,
    }


async def test_a_reclaimed_job_is_told_as_such(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, Duplicate())(claim_of(POINTER, reclaimed=True))

    assert [told["event"] for told in logs] == ["reclaimed", "claimed", "duplicate"]


async def test_a_lost_claim_is_told_instead_of_what_did_not_happen(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, Completed(Effect.TICKET, "1"), settled=False)(claim_of(POINTER))

    assert [told["event"] for told in logs] == ["claimed", "lost"]
    assert logs[1]["outcome"] == "completed"


def a_bug() -> Exception:
    try:
        return ZeroDivisionError(1 // 0)
    except ZeroDivisionError as error:
        error.args = ("alice",)
        return error


async def test_a_bug_is_told_by_its_class_and_place(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, Retry(LATER, "a bug"), bug=a_bug())(claim_of(POINTER))

    assert [told["event"] for told in logs] == ["claimed", "crashed", "retried"]
    assert logs[1]["error"] == "ZeroDivisionError"
    assert logs[1]["where"].startswith("test_telemetry.py:")
    assert "alice" not in str(logs)


async def test_events_of_one_attempt_bear_its_trace(rig: Rig) -> None:
    with captured_log() as out:
        await consuming(rig, Duplicate())(claim_of(POINTER))

    [span] = rig.spans.get_finished_spans()
    assert span.context
    assert out.getvalue().count(f"{span.context.trace_id:032x}") == 2
    assert out.getvalue().count(f"{span.context.span_id:016x}") == 2


# --- Traces


async def test_one_trace_leads_from_the_webhook_into_the_worker(rig: Rig) -> None:
    await rig.subscribe(toy_mailbox())
    async with AsyncTestClient(rig.app()) as client:
        await client.post("/webhooks/toy", json=NOTIFICATION)

    await Worker(rig).work()

    told = spans(rig)
    server = told["POST /webhooks/toy"]
    send = told["send postroom.pointers"]
    process = told["process postroom.pointers"]
    assert is_child(send, of=server)
    assert is_child(process, of=send)
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)


async def test_spans_follow_the_messaging_conventions(rig: Rig) -> None:
    await rig.registry.add(toy_mailbox())
    ingest = ingesting(rig)
    await ingest(toy_mailbox(), [POINTER])
    job = rig.jobs[0].id

    await Worker(rig).work()

    told = spans(rig)
    conventional = {"messaging.system": "redis", "messaging.destination.name": "postroom.pointers"}
    assert dict(told["send postroom.pointers"].attributes or {}) == {
        **conventional,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": job,
    }
    assert dict(told["process postroom.pointers"].attributes or {}) == {
        **conventional,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": job,
        "postroom.tenant": "acme",
        "postroom.mailbox": "support",
        "postroom.provider": "toy",
        "postroom.folder": "inbox",
        "postroom.message_id": "7",
        "postroom.attempt": 1,
        "postroom.outcome": "deferred",
    }


async def test_a_batch_is_one_span_that_says_how_many(rig: Rig) -> None:
    ingest = ingesting(rig)

    await ingest(toy_mailbox(), [ToyPointer("inbox", number) for number in (1, 2, 3)])

    [span] = rig.spans.get_finished_spans()
    assert (span.attributes or {})["messaging.batch.message_count"] == 3
    assert len({job.traceparent for job in rig.jobs}) == 1


async def test_the_messages_of_a_folder_that_has_changed_stay_in_its_trace(rig: Rig) -> None:
    mailbox = toy_mailbox()
    await rig.registry.add(mailbox)
    rig.server.deliver("support", b"Subject: Hello\n\nHello!", rig.clock.now())
    await ingesting(rig)(mailbox, [Changed("inbox")])

    outcomes = await Worker(rig).work()

    assert [name_of(outcome) for outcome in outcomes] == ["expanded", "completed"]
    notification_sent, message_sent, notification_processed, message_processed = (
        rig.spans.get_finished_spans()
    )
    assert is_child(notification_processed, of=notification_sent)
    assert is_child(message_sent, of=notification_processed)
    assert is_child(message_processed, of=message_sent)


async def test_without_a_span_of_ours_a_given_trace_goes_on(rig: Rig) -> None:
    ingest = ingesting(rig)
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    await ingest(toy_mailbox(), [POINTER], traceparent=given)

    [span] = rig.spans.get_finished_spans()
    assert span.parent
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert rig.jobs[0].traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert rig.jobs[0].traceparent != given


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (Consumed(Retry(LATER, "x"), settled=True), "retry"),
        (Consumed(Dead("x"), settled=True), "dead"),
        (
            Consumed(Retry(LATER, "x"), settled=True, bug=ZeroDivisionError("alice")),
            "ZeroDivisionError",
        ),
        (StoreUnavailable("x"), "postroom.domain.failure.StoreUnavailable"),
    ],
)
async def test_a_failed_attempt_is_a_failed_span(
    rig: Rig, end: Consumed | StoreUnavailable, error: str
) -> None:
    with suppress(StoreUnavailable):
        await ObservedConsume(Consumer(end), rig.telemetry)(claim_of(POINTER))

    [span] = rig.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert (span.attributes or {})["error.type"] == error
    assert span.events == ()


@pytest.mark.parametrize("outcome", [Duplicate(), Deferred(LATER, "x"), Skipped("x")])
async def test_an_attempt_that_waits_or_has_nothing_to_do_has_not_failed(
    rig: Rig, outcome: Outcome
) -> None:
    await consuming(rig, outcome)(claim_of(POINTER))

    [span] = rig.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


async def test_with_nobody_to_tell_spans_to_traces_still_join_the_logs(
    clock: ManualClock, rig: Rig
) -> None:
    with open_telemetry() as telemetry, captured_log() as out:
        ingest = observed_ingest(IngestPointer(rig.queue, clock), telemetry)
        await ingest(toy_mailbox(), [POINTER])

    _, trace_id, _, flags = rig.jobs[0].traceparent.split("-")
    assert not int(flags, 16) & SAMPLED
    assert trace_id in out.getvalue()


async def test_with_nobody_to_tell_spans_to_a_trace_goes_on_all_the_same(
    clock: ManualClock, rig: Rig
) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with open_telemetry() as telemetry:
        ingest = observed_ingest(IngestPointer(rig.queue, clock), telemetry)
        await ingest(toy_mailbox(), [POINTER], traceparent=given)

    _, trace_id, span_id, flags = rig.jobs[0].traceparent.split("-")
    assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span_id != "00f067aa0ba902b7"
    assert not int(flags, 16) & SAMPLED


async def test_spans_and_metrics_go_to_the_collector_that_is_configured(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock, rig: Rig
) -> None:
    posted: set[str] = set()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.add(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with open_telemetry() as telemetry:
            await observed_ingest(IngestPointer(rig.queue, clock), telemetry)(
                toy_mailbox(), [POINTER]
            )
        server.shutdown()
        thread.join()

    assert posted == {"/v1/traces", "/v1/metrics"}
    assert int(rig.jobs[0].traceparent[-2:], 16) & SAMPLED


# --- Metrics


async def test_metrics_bear_the_names_of_the_conventions_and_our_own(
    clock: ManualClock, rig: Rig
) -> None:
    reader = InMemoryMetricReader()
    with open_telemetry(metric_readers=[reader]) as telemetry:
        rig.telemetry = telemetry
        await rig.subscribe(toy_mailbox())
        async with AsyncTestClient(rig.app()) as client:
            await client.post("/webhooks/toy", json=NOTIFICATION)
        await Worker(rig).work()
        told = reader.get_metrics_data()

    assert told
    assert {
        (metric.name, metric.unit)
        for resource in told.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    } == {
        ("messaging.client.sent.messages", "{message}"),
        ("messaging.client.consumed.messages", "{message}"),
        ("messaging.client.operation.duration", "s"),
        ("messaging.process.duration", "s"),
        ("postroom.notifications", "{notification}"),
        ("postroom.outcomes", "{attempt}"),
    }


async def test_attempts_are_counted_by_provider_and_outcome(rig: Rig) -> None:
    await consuming(rig, Duplicate())(claim_of(POINTER))
    await consuming(rig, Dead("x"))(claim_of(POINTER))
    await consuming(rig, Duplicate(), settled=False)(claim_of(POINTER))

    counted = {
        (sample.labels["provider"], sample.labels["outcome"]): sample.value
        for sample in samples(rig)
        if sample.name == "postroom_outcomes_total"
    }
    assert counted == {("toy", "duplicate"): 1, ("toy", "dead"): 1, ("toy", "lost"): 1}


async def test_messages_are_counted_one_by_one_and_failures_by_their_class(rig: Rig) -> None:
    ingest = ingesting(rig)
    await ingest(toy_mailbox(), [ToyPointer("inbox", number) for number in (1, 2, 3)])
    rig.queue.failure = Unavailable("away")
    with pytest.raises(Unavailable):
        await ingest(toy_mailbox(), [POINTER])

    counted = {
        sample.labels.get("error_type", ""): sample.value
        for sample in samples(rig)
        if sample.name == "messaging_client_sent_messages_total"
    }
    assert counted == {"": 3, "postroom.domain.failure.Unavailable": 1}


def samples(rig: Rig) -> list[Sample]:
    families = text_string_to_metric_families(rig.telemetry.exposition().decode())
    return [sample for family in families for sample in family.samples]
