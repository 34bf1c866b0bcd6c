"""The emulated Pub/Sub is one that Google's `google-cloud-pubsub` takes for Pub/Sub, over REST.

Its streaming pull speaks gRPC alone, which the emulator does not.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound
from google.oauth2.service_account import Credentials
from google.pubsub_v1 import PublisherClient, SubscriberClient

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import TOPIC, GmailEmulator, PushSubscription
from postroom.entrypoints.emulators.gmail.access import USE_PUBSUB
from postroom.entrypoints.emulators.gmail.rights import CONSUME
from postroom.entrypoints.emulators.gmail.script_sign_in import SERVICE_ACCOUNT
from tests.emulators.discovery import served
from tests.emulators.gmail_rig import END_POINT, SUPPORT, Receiver, emulated

NAME = "projects/project/subscriptions/gmail"


@dataclass(frozen=True)
class Clients:
    publisher: Any
    subscriber: Any


async def call(method: Callable[..., Any], **request: object) -> Any:  # noqa: ANN401 - the library's
    """The client blocks; the emulator needs the loop."""
    return await asyncio.to_thread(method, request=request, timeout=30, retry=None)


@pytest.fixture
async def gmail(clock: ManualClock) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, Receiver()) as gmail:
        yield gmail


@pytest.fixture
async def clients(gmail: GmailEmulator) -> AsyncIterator[Clients]:
    async with served(gmail) as url:
        key = json.loads(gmail.service_account_key(url))
        credentials = Credentials.from_service_account_info(key, scopes=[USE_PUBSUB])  # type: ignore[no-untyped-call] # google-auth has no types
        made: dict[str, Any] = {
            "credentials": credentials,
            "transport": "rest",
            "client_options": {"api_endpoint": url},
        }
        clients = Clients(PublisherClient(**made), SubscriberClient(**made))
        yield clients
        clients.publisher.transport.close()
        clients.subscriber.transport.close()


async def test_googles_clients_publish_pull_and_acknowledge(clients: Clients) -> None:
    publisher, subscriber = clients.publisher, clients.subscriber
    await call(publisher.create_topic, name=TOPIC)
    await call(subscriber.create_subscription, name=NAME, topic=TOPIC, ack_deadline_seconds=20)

    published = await call(publisher.publish, topic=TOPIC, messages=[{"data": b"\xffhello"}])
    pulled = await call(subscriber.pull, subscription=NAME, max_messages=10)

    [received] = pulled.received_messages
    assert received.message.data == b"\xffhello"
    assert [received.message.message_id] == list(published.message_ids)

    await call(
        subscriber.modify_ack_deadline,
        subscription=NAME,
        ack_ids=[received.ack_id],
        ack_deadline_seconds=60,
    )
    await call(subscriber.acknowledge, subscription=NAME, ack_ids=[received.ack_id])

    again = await call(subscriber.pull, subscription=NAME, max_messages=10)
    assert not again.received_messages


async def test_googles_client_pulls_what_gmail_announces(
    gmail: GmailEmulator, clients: Clients
) -> None:
    gmail.pubsub.create_topic()
    await call(clients.subscriber.create_subscription, name=NAME, topic=TOPIC)
    gmail.watch(SUPPORT)

    pulled = await call(clients.subscriber.pull, subscription=NAME, max_messages=1)

    [received] = pulled.received_messages
    assert json.loads(received.message.data) == {
        "emailAddress": SUPPORT,
        "historyId": gmail.history_id(SUPPORT),
    }


async def test_googles_client_reads_a_push_subscription(
    gmail: GmailEmulator, clients: Clients
) -> None:
    gmail.pubsub.create_topic()
    gmail.pubsub.subscribe(PushSubscription(endpoint=END_POINT, audience="postroom", expires=False))

    found = await call(clients.subscriber.get_subscription, subscription=NAME)

    assert (found.topic, found.ack_deadline_seconds) == (TOPIC, 10)
    assert found.push_config.push_endpoint == END_POINT
    assert found.push_config.oidc_token.audience == "postroom"
    assert found.message_retention_duration.days == 7
    with pytest.raises(BadRequest, match="not supported for this subscription type"):
        await call(clients.subscriber.pull, subscription=NAME, max_messages=1)


async def test_googles_client_understands_refusals(gmail: GmailEmulator, clients: Clients) -> None:
    with pytest.raises(NotFound, match=r"Resource not found \(resource=gmail\)"):
        await call(clients.subscriber.pull, subscription=NAME, max_messages=1)
    gmail.pubsub.rights.take(CONSUME, SERVICE_ACCOUNT)
    with pytest.raises(Forbidden, match="User not authorized"):
        await call(clients.subscriber.pull, subscription=NAME, max_messages=1)
    gmail.pubsub.create_topic()
    with pytest.raises(Conflict):
        await call(clients.publisher.create_topic, name=TOPIC)


async def test_what_is_deleted_is_gone(gmail: GmailEmulator, clients: Clients) -> None:
    gmail.pubsub.create_topic()
    await call(clients.subscriber.create_subscription, name=NAME, topic=TOPIC)

    await call(clients.subscriber.delete_subscription, subscription=NAME)
    await call(clients.publisher.delete_topic, topic=TOPIC)

    with pytest.raises(NotFound):
        await call(clients.publisher.get_topic, topic=TOPIC)
    with pytest.raises(NotFound):
        await call(clients.subscriber.get_subscription, subscription=NAME)
