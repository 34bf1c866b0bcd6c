"""Rich notifications: those whose sender has to be proven by tokens, too."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from tests.unit.api_rig import (
    APPLICATION,
    Rig,
    microsoft_mailbox,
    open_rig,
    problem,
)
from tests.unit.graph_notifications import event, notification

URL = "/webhooks/microsoft"
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.notification_tokens.tokens = {
            "ours": APPLICATION,
            "of another": "another application",
        }
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    await rig.subscribe(microsoft_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


async def send(client: Client, *tokens: object, items: tuple[object, ...] = ()) -> httpx.Response:
    value = items or (notification("1"),)
    return await client.post(URL, json={"value": value, "validationTokens": tokens})


@pytest.mark.parametrize("tokens", [["ours"], ["of another", "ours"], ["ours", "ours"]])
async def test_a_token_for_the_mailbox_s_application_proves_the_sender(
    client: Client, rig: Rig, tokens: list[str]
) -> None:
    response = await send(client, *tokens)

    assert response.status_code == 202
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"accepted": 1}


@pytest.mark.parametrize("tokens", [["forged"], ["of another"], ["ours", "forged"], [""]])
async def test_without_that_proof_the_items_are_refused(
    client: Client, rig: Rig, tokens: list[str]
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, *tokens, items=(notification("1"), event("missed")))

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.folder_syncs.requests == []
    assert rig.notifications() == {"bad_signature": 2}
    assert "forged" not in str(logs)


async def test_a_token_is_no_substitute_for_the_secret(client: Client, rig: Rig) -> None:
    await send(client, "ours", items=(notification(clientState="wrong"),))

    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}


async def test_no_key_is_asked_for_for_the_sake_of_a_stranger(client: Client, rig: Rig) -> None:
    rig.notification_tokens.failure = Unavailable("the keys could not be fetched")

    response = await send(client, "ours", items=(notification(clientState="wrong"),))

    assert response.status_code == 202


async def test_without_keys_the_notification_is_sent_again(client: Client, rig: Rig) -> None:
    rig.notification_tokens.failure = Unavailable("the keys could not be fetched")

    response = await send(client, "ours")
    rig.notification_tokens.failure = None
    again = await send(client, "ours")

    assert (response.status_code, again.status_code) == (503, 202)
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"accepted": 1}


@pytest.mark.parametrize("tokens", [None, []])
async def test_a_notification_without_tokens_is_judged_by_the_secret_alone(
    client: Client, rig: Rig, tokens: list[str] | None
) -> None:
    await client.post(URL, json={"value": [notification("1")], "validationTokens": tokens})

    assert rig.notifications() == {"accepted": 1}
