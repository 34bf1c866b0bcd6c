"""The emulated Pub/Sub pushes as Google does, by the word of Google's own library."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import google.auth.transport.requests
import httpx
import pytest
from google.oauth2 import id_token

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator, PushSubscription
from postroom.entrypoints.emulators.loopback import serve

SUPPORT = "support@example.org"
END_POINT = "https://postroom.test/webhooks/google"


@dataclass
class SubscribedFolder:
    """Answers pushes with *statuses*, one after the other, and remembers what was pushed."""

    statuses: list[int] = field(default_factory=list)
    pushes: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.pushes.append(request)
        return httpx.Response(self.statuses.pop(0) if self.statuses else 204)


@pytest.fixture
def receiver() -> SubscribedFolder:
    return SubscribedFolder()


@pytest.fixture
async def gmail(clock: ManualClock, receiver: SubscribedFolder) -> AsyncIterator[GmailEmulator]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http:
        yield GmailEmulator(http, clock)


async def test_a_push_is_wrapped_as_pubsub_does(
    gmail: GmailEmulator, receiver: SubscribedFolder
) -> None:
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
    gmail: GmailEmulator, receiver: SubscribedFolder
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
    gmail: GmailEmulator, receiver: SubscribedFolder
) -> None:
    receiver.statuses = [503, 404, 202]

    statuses = await gmail.push(SUPPORT, PushSubscription(endpoint=END_POINT))

    assert statuses == (503, 404, 202)
    assert len({push.content for push in receiver.pushes}) == 1


async def test_a_push_that_is_never_acknowledged_is_given_up(
    gmail: GmailEmulator, receiver: SubscribedFolder
) -> None:
    receiver.statuses = [401] * 9

    assert await gmail.push(SUPPORT, PushSubscription(endpoint=END_POINT), attempts=3) == (401,) * 3
