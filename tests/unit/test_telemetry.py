"""What is told of a pointer on its way, and what is never told."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import cast, get_args

import pytest
import structlog
from litestar.testing import AsyncTestClient
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.cursors import InMemoryCursors
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.memory.history import InMemoryMailboxHistory
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.application.consume_job import Consumed, ConsumeJob
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import Claim, EmailProcessor, FetchedMessage
from postroom.application.resolve_history import ResolveHistory
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.track_access import TrackAccess
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import (
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
from postroom.domain.pointer import (
    GooglePointer,
    ImapPointer,
    MicrosoftPointer,
    Pointer,
    PointerJob,
)
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.telemetry.observed import Consume, observed_consume, observed_ingest
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.unit.api_rig import (
    API_TOKEN,
    CLIENT_STATE,
    GOOGLE_TOKEN,
    SECRET,
    SUBSCRIPTION,
    Rig,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    open_rig,
)
from tests.unit.captured_log import captured_log
from tests.unit.graph_notifications import notification
from tests.unit.test_api_google import push

SAMPLED = 1  # of the flags of a traceparent
LEASE = timedelta(minutes=1)
MICROSOFT = MicrosoftPointer(SUBSCRIPTION, "AAMk", "users/alice@example.org/messages/AAMk")
GOOGLE = GooglePointer(history_id=7, address="sales@acme.example", pubsub_message_id="99")
IMAP = ImapPointer("INBOX", 7, 1, "secret-id@example.org")


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@dataclass
class Processor(EmailProcessor):
    """Takes every message, or raises the next of *failures*."""

    failures: list[Exception] = field(default_factory=list)

    async def __call__(self, _mailbox: Mailbox, _inbound: InboundMessage) -> Completed:
        if self.failures:
            raise self.failures.pop(0)
        return Completed(Effect.TICKET, "1")


@dataclass
class Worker:
    """What a worker does with the jobs of a rig, one claim after another."""

    rig: Rig
    messages: InMemoryMessages = field(default_factory=InMemoryMessages)
    history: InMemoryMailboxHistory = field(default_factory=InMemoryMailboxHistory)
    processor: Processor = field(default_factory=Processor)

    async def work(self) -> list[Outcome]:
        """Consume all that is due; a crash is an attempt like any other."""
        consume, outcomes = self._consume(), []
        while claims := await self.rig.queue.claim(1, LEASE):
            try:
                outcomes.append((await consume(claims[0])).outcome)
            except ZeroDivisionError:
                continue
        return outcomes

    def _consume(self) -> Consume:
        rig = self.rig
        ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
        job = ConsumeJob(
            queue=rig.queue,
            registry=rig.registry,
            fetcher=self.messages,
            resolve_history=ResolveHistory(
                self.history,
                InMemoryCursors(rig.database, rig.clock),
                cast("IngestPointer", ingest),
            ),
            ledger=InMemoryIdempotencyLedger(rig.database),
            process=self.processor,
            outcomes=rig.outcomes,
            access=TrackAccess(
                rig.registry, rig.queue, ResumeMailbox(rig.registry, rig.queue), rig.clock
            ),
            clock=rig.clock,
            policy=RetryPolicy(draw=lambda: 0.0),
        )
        return observed_consume(job, rig.telemetry)


def claim_of(pointer: Pointer, *, attempt: int = 1, reclaimed: bool = False) -> Claim:
    job = PointerJob(
        id="j1",
        tenant="acme",
        mailbox="support",
        pointer=pointer,
        enqueued_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    return Claim(job, attempt, 1, reclaimed)


def consuming(rig: Rig, outcome: Outcome | Exception, *, settled: bool = True) -> Consume:
    async def consume(_: Claim) -> Consumed:
        if isinstance(outcome, Exception):
            raise outcome
        return Consumed(outcome, settled)

    return observed_consume(consume, rig.telemetry)


def spans(rig: Rig) -> dict[str, ReadableSpan]:
    return {span.name: span for span in rig.spans.get_finished_spans()}


def is_child(span: ReadableSpan, of: ReadableSpan) -> bool:
    assert span.context
    assert of.context
    return bool(
        span.parent
        and span.parent.span_id == of.context.span_id
        and span.context.trace_id == of.context.trace_id
    )


# --- Events


@pytest.mark.parametrize(
    ("mailbox", "pointer", "ids"),
    [
        (microsoft_mailbox(), MICROSOFT, {"subscription_id": SUBSCRIPTION, "message_id": "AAMk"}),
        (google_mailbox(), GOOGLE, {"history_id": 7, "pubsub_message_id": "99"}),
        (
            google_mailbox(),
            GooglePointer(7, "sales@acme.example", message_ids=("m1",)),
            {"history_id": 7, "pubsub_message_id": "", "message_id": "m1"},
        ),
        (imap_mailbox(), IMAP, {"folder": "INBOX", "uid": 7, "uid_validity": 1}),
    ],
)
async def test_what_is_enqueued_is_told_with_the_ids_of_its_pointer(
    rig: Rig, mailbox: Mailbox, pointer: Pointer, ids: dict[str, object]
) -> None:
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)

    with structlog.testing.capture_logs() as logs:
        await ingest(mailbox, [pointer])
        await ingest(mailbox, [pointer])

    assert logs == [
        {
            "event": event,
            "log_level": "info",
            "tenant": "acme",
            "mailbox": mailbox.id,
            "provider": mailbox.provider,
            "job": rig.jobs[0].id,
            **ids,
        }
        for event in ("enqueued", "already queued")
    ]


async def test_what_could_not_be_enqueued_is_told_with_the_reason(rig: Rig) -> None:
    rig.queue.failure = Unavailable("Redis does not answer in time")
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)

    with structlog.testing.capture_logs() as logs, pytest.raises(Unavailable):
        await ingest(microsoft_mailbox(), [MICROSOFT])

    [told] = logs
    assert (told["event"], told["log_level"]) == ("enqueue failed", "error")
    assert (told["mailbox"], told["count"]) == ("support", 1)
    assert told["reason"] == "Redis does not answer in time"


async def test_nothing_to_ingest_is_nothing_to_tell(rig: Rig) -> None:
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)

    with structlog.testing.capture_logs() as logs:
        ingested = await ingest(microsoft_mailbox(), [])

    assert ingested.jobs == ()
    assert logs == []
    assert rig.spans.get_finished_spans() == ()


LATER = datetime(2030, 1, 1, 0, 5, tzinfo=UTC)
ENDS: list[tuple[Outcome, str, dict[str, object]]] = [
    (Completed(Effect.COMMENT, "17"), "acknowledged", {"effect": "comment"}),
    (Duplicate(), "duplicate", {}),
    (Skipped("source unavailable"), "skipped", {"reason": "source unavailable"}),
    (Expanded(3), "expanded", {"count": 3}),
    (Retry(LATER, "HTTP 500"), "retried", {"due": LATER.isoformat(), "reason": "HTTP 500"}),
    (Deferred(LATER, "HTTP 429"), "deferred", {"due": LATER.isoformat(), "reason": "HTTP 429"}),
    (Dead("gave up"), "dead", {"reason": "gave up"}),
]


def test_every_outcome_is_among_the_examples() -> None:
    assert {type(outcome) for outcome, _, _ in ENDS} == set(get_args(Outcome))


@pytest.mark.parametrize(("outcome", "event", "facts"), ENDS)
async def test_every_end_of_an_attempt_is_told_once(
    rig: Rig, outcome: Outcome, event: str, facts: dict[str, object]
) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, outcome)(claim_of(MICROSOFT, attempt=2))

    assert [told["event"] for told in logs] == ["claimed", event]
    del logs[1]["log_level"]
    assert logs[1] == {
        "event": event,
        "tenant": "acme",
        "mailbox": "support",
        "provider": "microsoft",
        "job": "j1",
        "subscription_id": SUBSCRIPTION,
        "message_id": "AAMk",
        "attempt": 2,
        "outcome": name_of(outcome),
        **facts,
    }


async def test_a_reclaimed_job_is_told_as_such(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, Duplicate())(claim_of(IMAP, reclaimed=True))

    assert [told["event"] for told in logs] == ["reclaimed", "claimed", "duplicate"]


async def test_a_lost_claim_is_told_instead_of_what_did_not_happen(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await consuming(rig, Completed(Effect.TICKET, "1"), settled=False)(claim_of(IMAP))

    assert [told["event"] for told in logs] == ["claimed", "lost"]
    assert logs[1]["outcome"] == "completed"


async def test_a_bug_is_told_by_its_class_and_place_and_escapes(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await consuming(rig, ZeroDivisionError("alice"))(claim_of(IMAP))

    assert [told["event"] for told in logs] == ["claimed", "crashed"]
    assert logs[1]["error"] == "ZeroDivisionError"
    assert logs[1]["where"].startswith("test_telemetry.py:")
    assert "alice" not in str(logs)


async def test_events_of_one_attempt_bear_its_trace(rig: Rig) -> None:
    with captured_log() as out:
        await consuming(rig, Duplicate())(claim_of(IMAP))

    [span] = rig.spans.get_finished_spans()
    assert span.context
    assert out.getvalue().count(f"{span.context.trace_id:032x}") == 2
    assert out.getvalue().count(f"{span.context.span_id:016x}") == 2


# --- Traces


async def test_one_trace_leads_from_the_webhook_into_the_worker(rig: Rig) -> None:
    await rig.subscribe(microsoft_mailbox())
    async with AsyncTestClient(rig.app()) as client:
        await client.post("/webhooks/microsoft", json={"value": [notification()]})

    await Worker(rig).work()

    told = spans(rig)
    server = told["POST /webhooks/microsoft"]
    send = told["send postroom.pointers"]
    process = told["process postroom.pointers"]
    assert is_child(send, of=server)
    assert is_child(process, of=send)
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)


async def test_spans_follow_the_messaging_conventions(rig: Rig) -> None:
    await rig.registry.add(imap_mailbox())
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
    await ingest(imap_mailbox(), [IMAP])
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
        "postroom.mailbox": "post",
        "postroom.provider": "imap",
        "postroom.folder": "INBOX",
        "postroom.uid": 7,
        "postroom.uid_validity": 1,
        "postroom.attempt": 1,
        "postroom.outcome": "skipped",
    }


async def test_a_batch_is_one_span_that_says_how_many(rig: Rig) -> None:
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)

    await ingest(imap_mailbox(), [ImapPointer("INBOX", uid, 1) for uid in (1, 2, 3)])

    [span] = rig.spans.get_finished_spans()
    assert (span.attributes or {})["messaging.batch.message_count"] == 3
    assert len({job.traceparent for job in rig.jobs}) == 1


async def test_the_messages_of_a_google_notice_stay_in_its_trace(rig: Rig) -> None:
    mailbox = google_mailbox()
    await rig.registry.add(mailbox)
    worker = Worker(rig)
    history_id = worker.history.receive(mailbox, "m1", rig.clock.now())
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
    await ingest(mailbox, [GooglePointer(history_id, mailbox.address)])

    outcomes = await worker.work()

    assert [name_of(outcome) for outcome in outcomes] == ["expanded", "skipped"]
    notification_sent, message_sent, notification_processed, message_processed = (
        rig.spans.get_finished_spans()
    )
    assert is_child(notification_processed, of=notification_sent)
    assert is_child(message_sent, of=notification_processed)
    assert is_child(message_processed, of=message_sent)


async def test_without_a_span_of_ours_a_given_trace_goes_on(rig: Rig) -> None:
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    await ingest(imap_mailbox(), [IMAP], traceparent=given)

    [span] = rig.spans.get_finished_spans()
    assert span.parent
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert rig.jobs[0].traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert rig.jobs[0].traceparent != given


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Retry(LATER, "x"), "retry"),
        (Dead("x"), "dead"),
        (ZeroDivisionError("alice"), "ZeroDivisionError"),
        (Unavailable("x"), "postroom.domain.failure.Unavailable"),
    ],
)
async def test_a_failed_attempt_is_a_failed_span(
    rig: Rig, outcome: Outcome | Exception, error: str
) -> None:
    consume = consuming(rig, outcome)

    if isinstance(outcome, Exception):
        with pytest.raises(type(outcome)):
            await consume(claim_of(IMAP))
    else:
        await consume(claim_of(IMAP))

    [span] = rig.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert (span.attributes or {})["error.type"] == error
    assert span.events == ()


@pytest.mark.parametrize("outcome", [Duplicate(), Deferred(LATER, "x"), Skipped("x")])
async def test_an_attempt_that_waits_or_has_nothing_to_do_has_not_failed(
    rig: Rig, outcome: Outcome
) -> None:
    await consuming(rig, outcome)(claim_of(IMAP))

    [span] = rig.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


async def test_with_nobody_to_tell_spans_to_traces_still_join_the_logs(
    clock: ManualClock, rig: Rig
) -> None:
    with open_telemetry() as telemetry, captured_log() as out:
        ingest = observed_ingest(IngestPointer(rig.queue, clock), telemetry)
        await ingest(imap_mailbox(), [IMAP])

    _, trace_id, _, flags = rig.jobs[0].traceparent.split("-")
    assert not int(flags, 16) & SAMPLED
    assert trace_id in out.getvalue()


async def test_with_nobody_to_tell_spans_to_a_trace_goes_on_all_the_same(
    clock: ManualClock, rig: Rig
) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with open_telemetry() as telemetry:
        ingest = observed_ingest(IngestPointer(rig.queue, clock), telemetry)
        await ingest(imap_mailbox(), [IMAP], traceparent=given)

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
                imap_mailbox(), [IMAP]
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
        await rig.subscribe(microsoft_mailbox())
        async with AsyncTestClient(rig.app()) as client:
            await client.post("/webhooks/microsoft", json={"value": [notification()]})
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
    await consuming(rig, Duplicate())(claim_of(IMAP))
    await consuming(rig, Dead("x"))(claim_of(MICROSOFT))
    await consuming(rig, Duplicate(), settled=False)(claim_of(IMAP))

    counted = {
        (sample.labels["provider"], sample.labels["outcome"]): sample.value
        for sample in samples(rig)
        if sample.name == "postroom_outcomes_total"
    }
    assert counted == {("imap", "duplicate"): 1, ("microsoft", "dead"): 1, ("imap", "lost"): 1}


async def test_messages_are_counted_one_by_one_and_failures_by_their_class(rig: Rig) -> None:
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
    await ingest(imap_mailbox(), [ImapPointer("INBOX", uid, 1) for uid in (1, 2, 3)])
    rig.queue.failure = Unavailable("away")
    with pytest.raises(Unavailable):
        await ingest(imap_mailbox(), [IMAP])

    counted = {
        sample.labels.get("error_type", ""): sample.value
        for sample in samples(rig)
        if sample.name == "messaging_client_sent_messages_total"
    }
    assert counted == {"": 3, "postroom.domain.failure.Unavailable": 1}


def samples(rig: Rig) -> list[Sample]:
    families = text_string_to_metric_families(rig.telemetry.exposition().decode())
    return [sample for family in families for sample in family.samples]


async def test_labels_are_words_out_of_small_sets(rig: Rig) -> None:
    await everything(rig)

    labels = {name for sample in samples(rig) for name in sample.labels if name != "le"}
    assert labels == {
        "provider",
        "result",
        "outcome",
        "messaging_system",
        "messaging_operation_name",
        "messaging_operation_type",
        "messaging_destination_name",
        "error_type",
        # of target_info: this process, not the mail
        "service_name",
        "service_instance_id",
        "telemetry_sdk_language",
        "telemetry_sdk_name",
        "telemetry_sdk_version",
    }


# --- Nothing personal

PERSONAL = (
    *("alice@example.org", "alice%40example.org", "Alice Smith", "bob@acme.example", "example.org"),
    *("sales@acme.example", "post@acme.example", "support@acme.example"),
    *("You are fired", "Dear Bob, clear your desk", "letter-of-dismissal", "iban-de89370400440532"),
    *(CLIENT_STATE, SECRET, SECRET[6:], GOOGLE_TOKEN, API_TOKEN, "guessed-state", "forged-token"),
    *("validation-token-of-graph", "hush-password"),
)
RAW = b"""\
From: Alice Smith <alice@example.org>
To: Bob <bob@acme.example>
Subject: You are fired
Message-ID: <secret-id@example.org>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Dear Bob, clear your desk
--b
Content-Type: application/pdf; name=letter-of-dismissal.pdf
Content-Disposition: attachment; filename=letter-of-dismissal.pdf

iban-de89370400440532
--b--
"""
TALKATIVE = (
    Unavailable("550 5.1.1 <alice@example.org>: no such user"),
    Throttled("for users/alice%40example.org", retry_after=timedelta()),
    AccessFailed('consent of "Alice Smith"@example.org is gone'),
    ZeroDivisionError("Subject: You are fired, Dear Bob, clear your desk hush-password"),
)


async def everything(rig: Rig) -> None:
    """Notifications good and bad from all providers, and attempts with all kinds of failures."""
    await rig.subscribe(microsoft_mailbox())
    for mailbox in (google_mailbox(), imap_mailbox()):
        await rig.registry.add(mailbox)
    await notify(rig)
    worker = Worker(rig)
    worker.history.receive(google_mailbox(), "m1", rig.clock.now())
    for source in ("microsoft:AAMk", "google:m1"):
        worker.messages.put(FetchedMessage(source, RAW, rig.clock.now()))
    await worker.work()
    for failure in TALKATIVE:
        await fail(rig, worker, failure)


async def fail(rig: Rig, worker: Worker, failure: Exception) -> None:
    """A message of its own that is processed only at the second attempt."""
    uid = len(worker.messages.messages)
    raw = RAW.replace(b"secret-id", b"secret-id-%d" % uid)
    worker.messages.put(FetchedMessage(f"imap:INBOX:1:{uid}", raw, rig.clock.now()))
    worker.processor.failures = [failure]
    ingest = observed_ingest(IngestPointer(rig.queue, rig.clock), rig.telemetry)
    pointer = ImapPointer("INBOX", uid, 1, "secret-id@example.org")
    await ingest(imap_mailbox(), [pointer])
    await ingest(imap_mailbox(), [pointer])
    await worker.work()
    rig.clock.advance(timedelta(minutes=10))
    await worker.work()


async def notify(rig: Rig) -> None:
    bearer = {"Authorization": f"Bearer {GOOGLE_TOKEN}"}
    async with AsyncTestClient(rig.app()) as client:
        post, get = client.post, client.get
        await post("/webhooks/microsoft?validationToken=validation-token-of-graph")
        good = notification("AAMk", resource="users/alice@example.org/messages/AAMk")
        strange = notification(subscriptionId="alice@example.org")
        await post(
            "/webhooks/microsoft",
            json={
                "value": [good, notification(clientState="guessed-state"), strange, "Alice Smith"]
            },
        )
        missed = notification(lifecycleEvent="missed")
        unknown = notification(lifecycleEvent="alice@example.org")
        await post("/webhooks/microsoft/lifecycle", json={"value": [missed, unknown]})
        await post(
            "/webhooks/microsoft", json={"value": [good], "validationTokens": ["forged-token"]}
        )
        await post("/webhooks/google", json=push(history_id=2), headers=bearer)
        await post("/webhooks/google", json=push("alice@example.org"), headers=bearer)
        await post("/webhooks/google", headers={"Authorization": "Bearer forged-token"})
        await post("/webhooks/imap", json={}, headers={"Postroom-Tenant": "acme"})
        await post("/webhooks/imap", json={}, headers={"Postroom-Tenant": "alice@example.org"})
        await get(
            "/api/v1/outcomes?identity=alice@example.org", headers={"Authorization": "Bearer"}
        )
        await get("/alice@example.org")
        for failure in (Unavailable("alice@example.org"), ValueError("Dear Bob, hush-password")):
            rig.queue.failure = failure
            await post("/webhooks/microsoft", json={"value": [good]})
        rig.queue.failure = None


async def test_nothing_personal_is_in_any_log_span_or_metric(rig: Rig) -> None:
    with captured_log() as out:
        await everything(rig)
        logging.getLogger("httpx").warning("GET /users/%s", "alice@example.org")
        logging.getLogger("aioimaplib").error("LOGIN alice@example.org hush-password")
        structlog.get_logger().info("fetched", subject="You are fired", address="alice@example.org")

    told = {
        "logs": out.getvalue(),
        "spans": "\n".join(span.to_json() for span in rig.spans.get_finished_spans()),
        "metrics": rig.telemetry.exposition().decode(),
    }
    leaks = [(where, text) for where in told for text in PERSONAL if text in told[where]]
    assert leaks == []


async def test_the_way_of_that_test_meets_every_kind_of_event_and_verdict(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await everything(rig)

    assert {told["event"] for told in logs} >= {
        "enqueued",
        "already queued",
        "enqueue failed",
        "claimed",
        "reclaimed",
        "acknowledged",
        "retried",
        "deferred",
        "expanded",
        "crashed",
        "notification",
        "request failed",
        "request crashed",
    }
    assert rig.notifications().keys() >= {
        "accepted",
        "bad_signature",
        "unknown_subscription",
        "unknown_mailbox",
        "malformed",
        "unavailable",
        "sync",
        "ignored",
    }
