"""The emulated Pub/Sub pushes as Google does, by the word of Google's own library."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import google.auth.transport.requests
import pytest
from google.oauth2 import id_token

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator, PushSubscription
from postroom.entrypoints.emulators.loopback import serve
from tests.emulators.gmail_rig import END_POINT, SUPPORT, Receiver, emulated


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def gmail(clock: ManualClock, receiver: Receiver) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, receiver) as gmail:
        gmail.pubsub.create_topic()
        gmail.watch(SUPPORT)
        yield gmail


async def test_a_push_is_wrapped_as_pubsub_does(gmail: GmailEmulator, receiver: Receiver) -> None:
    gmail.deliver(SUPPORT, b"")
    subscription = PushSubscription(endpoint=END_POINT, dead_letters=True)

    statuses = await gmail.push(SUPPORT, subscription)

    assert statuses == (204,)
    (push,) = receiver.pushes
    envelope = json.loads(push.content)
    message = envelope.pop("message")
    assert envelope == {"subscription": subscription.name, "deliveryAttempt": 1}
    assert set(message) == {
        "attributes", "data", "messageId", "message_id", "publishTime", "publish_time"
    }  # fmt: skip
    assert message["messageId"] == message["message_id"]
    assert json.loads(base64.urlsafe_b64decode(message["data"])) == {
        "emailAddress": SUPPORT,
        "historyId": gmail.history_id(SUPPORT),
    }


async def test_google_auth_believes_the_token_of_a_push(
    gmail: GmailEmulator, receiver: Receiver
) -> None:
    subscription = PushSubscription(endpoint=END_POINT, audience="postroom")
    await gmail.push(SUPPORT, subscription)
    token = receiver.pushes[0].headers["Authorization"].removeprefix("Bearer ")

    async with serve(gmail.app) as url:
        claims = await asyncio.to_thread(
            id_token.verify_token,
            token,
            google.auth.transport.requests.Request(),
            audience="postroom",
            certs_url=f"{url}/oauth2/v1/certs",
        )

    assert claims["email"] == subscription.identity
    assert claims["email_verified"] is True
    assert claims["iss"] == "https://accounts.google.com"


async def test_a_push_that_is_not_acknowledged_is_sent_again(
    gmail: GmailEmulator, receiver: Receiver
) -> None:
    receiver.statuses = [503, 404, 202]

    statuses = await gmail.push(SUPPORT, PushSubscription(endpoint=END_POINT))

    assert statuses == (503, 404, 202)
    assert len({push.content for push in receiver.pushes}) == 1


async def test_a_push_that_is_never_acknowledged_is_given_up(
    gmail: GmailEmulator, receiver: Receiver
) -> None:
    receiver.statuses = [401] * 9

    assert await gmail.push(SUPPORT, PushSubscription(endpoint=END_POINT), attempts=3) == (401,) * 3
