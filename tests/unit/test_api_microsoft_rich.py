"""Rich notifications: those whose sender has to be proven by tokens, too."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from tests.adapters.graph_notifications import notification
from tests.unit.api_providers import APPLICATION, ProviderRig, microsoft_mailbox, open_rig
from tests.unit.api_rig import problem

URL = "/webhooks/microsoft"
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[ProviderRig]:
    with open_rig(clock) as opened:
        opened.notification_tokens.tokens = {
            "ours": APPLICATION,
            "of another": "another application",
        }
        yield opened


@pytest.fixture
async def client(rig: ProviderRig) -> AsyncIterator[Client]:
    await rig.subscribe(microsoft_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


async def send(client: Client, *tokens: object, items: tuple[object, ...] = ()) -> httpx.Response:
    value = items or (notification("1"),)
    return await client.post(URL, json={"value": value, "validationTokens": tokens})


async def test_without_keys_the_notification_is_sent_again(
    client: Client, rig: ProviderRig
) -> None:
    rig.notification_tokens.failure = Unavailable("the keys could not be fetched")

    response = await send(client, "ours")
    rig.notification_tokens.failure = None
    again = await send(client, "ours")

    assert (response.status_code, again.status_code) == (503, 202)
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"accepted": 1}
