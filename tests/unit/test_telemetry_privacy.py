"""What is never logged, traced or counted, whatever the providers send and however they fail."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
import structlog
from litestar.testing import AsyncTestClient
from prometheus_client.parser import text_string_to_metric_families

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import (
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    FetchedMessage,
)
from postroom.application.providers import Providers
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.adapters.graph_notifications import notification
from tests.unit.api_providers import (
    GOOGLE_TOKEN,
    SECRET,
    ProviderRig,
    google_mailbox,
    imap_mailbox,
    microsoft_mailbox,
    open_rig,
)
from tests.unit.api_rig import API_TOKEN, CLIENT_STATE, LEASE, SUBSCRIPTION
from tests.unit.captured_log import captured_log
from tests.unit.telemetry_rig import Processor, Worker, ingesting
from tests.unit.test_api_google import push

M1 = GooglePointer(2, "sales@acme.example", message_ids=("m1",))


@dataclass(frozen=True)
class OneMessage(ChangeSource):
    """A history in which M1 came in at position 2."""

    async def position(self, _: Mailbox, _folder: str) -> str:
        return "1"

    async def since(self, _: Mailbox, _folder: str, _position: str) -> AsyncIterator[ChangesPage]:
        yield ChangesPage([Arrival(M1)], "2", is_last=True)

    async def received_after(
        self, _: Mailbox, _folder: str, _moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        yield BackfillPage([])


class World:
    """The providers' webhooks and accounts, with their messages in memory, and a worker."""

    def __init__(self, rig: ProviderRig) -> None:
        self.rig, self.messages = rig, InMemoryMessages()
        rig.providers = Providers(
            [
                replace(each, fetcher=self.messages, changes=OneMessage())
                for each in rig.providers.values()
            ]
        )
        self.worker = Worker(rig)


@pytest.fixture
def world(clock: ManualClock) -> Iterator[World]:
    with open_rig(clock) as opened:
        yield World(opened)


@pytest.mark.parametrize(
    ("pointer", "ids"),
    [
        (
            MicrosoftPointer(SUBSCRIPTION, "AAMk", "users/alice@example.org/messages/AAMk"),
            {"subscription_id": SUBSCRIPTION, "message_id": "AAMk"},
        ),
        (
            GooglePointer(history_id=7, address="sales@acme.example", pubsub_message_id="99"),
            {"history_id": 7, "pubsub_message_id": "99"},
        ),
        (
            GooglePointer(7, "sales@acme.example", message_ids=("m1",)),
            {"history_id": 7, "pubsub_message_id": "", "message_id": "m1"},
        ),
        (
            ImapPointer("INBOX", 7, 1, "secret-id@example.org"),
            {"folder": "INBOX", "uid": 7, "uid_validity": 1},
        ),
    ],
)
def test_of_a_pointer_its_ids_are_logged(pointer: Pointer, ids: dict[str, object]) -> None:
    assert pointer.log_fields == ids


async def test_labels_are_words_out_of_small_sets(world: World) -> None:
    await everything(world)

    families = text_string_to_metric_families(world.rig.telemetry.exposition().decode())
    samples = [sample for family in families for sample in family.samples]
    labels = {name for sample in samples for name in sample.labels if name != "le"}
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


async def everything(world: World) -> None:
    """Notifications good and bad from all providers, and attempts with all kinds of failures."""
    rig = world.rig
    await rig.subscribe(microsoft_mailbox())
    for mailbox in (google_mailbox(), imap_mailbox()):
        await rig.registry.add(mailbox)
    await notify(rig)
    for source in ("microsoft:AAMk", "google:m1"):
        world.messages.put(FetchedMessage(source, RAW, rig.clock.now()))
    await world.worker.work()
    for failure in TALKATIVE:
        await fail(world, failure)
    await lose_a_worker(world)


async def lose_a_worker(world: World) -> None:
    """A message is claimed again, since the worker that had it has died."""
    rig = world.rig
    world.messages.put(FetchedMessage("imap:INBOX:1:99", RAW, rig.clock.now()))
    pointer = ImapPointer("INBOX", 99, 1, "secret-id@example.org")
    await ingesting(rig)(imap_mailbox(), [pointer])
    await rig.queue.claim(1, LEASE)
    for _ in range(3):  # while other workers go on
        rig.clock.advance(LEASE / 2)
        await rig.queue.claim(0, LEASE)
    await world.worker.work()


async def fail(world: World, failure: Exception) -> None:
    """A message of its own that is processed when it is handed out again, however that comes."""
    rig, uid = world.rig, len(world.messages.messages)
    raw = RAW.replace(b"secret-id", b"secret-id-%d" % uid)
    world.messages.put(FetchedMessage(f"imap:INBOX:1:{uid}", raw, rig.clock.now()))
    assert isinstance(world.worker.processor, Processor)
    world.worker.processor.failures = [failure]
    pointer = ImapPointer("INBOX", uid, 1, "secret-id@example.org")
    await ingesting(rig)(imap_mailbox(), [pointer])
    await ingesting(rig)(imap_mailbox(), [pointer])
    await world.worker.work()
    for _ in range(2):  # a lease may be prolonged once
        rig.clock.advance(timedelta(minutes=10))
        await world.worker.work()


async def notify(rig: ProviderRig) -> None:
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


async def test_nothing_personal_is_in_any_log_span_or_metric(world: World) -> None:
    with captured_log() as out:
        await everything(world)
        logging.getLogger("httpx").warning("GET /users/%s", "alice@example.org")
        logging.getLogger("aioimaplib").error("LOGIN alice@example.org hush-password")
        structlog.get_logger().info("fetched", subject="You are fired", address="alice@example.org")

    told = {
        "logs": out.getvalue(),
        "spans": "\n".join(span.to_json() for span in world.rig.spans.get_finished_spans()),
        "metrics": world.rig.telemetry.exposition().decode(),
    }
    leaks = [(where, text) for where in told for text in PERSONAL if text in told[where]]
    assert leaks == []


async def test_the_way_of_that_test_meets_every_kind_of_event_and_result(world: World) -> None:
    with structlog.testing.capture_logs() as logs:
        await everything(world)

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
    assert world.rig.notifications().keys() >= {
        "accepted",
        "bad_signature",
        "unknown_subscription",
        "unknown_mailbox",
        "malformed",
        "unavailable",
        "sync",
        "ignored",
    }
