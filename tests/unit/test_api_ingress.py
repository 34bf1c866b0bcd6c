"""Webhooks of a provider whose ingress is off, or in shadow."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.ingress import IngressMode
from tests.adapters.graph_notifications import notification
from tests.unit.api_providers import ProviderRig, microsoft_mailbox, open_rig
from tests.unit.api_rig import API_TOKEN, problem

PROVIDERS = ["microsoft", "google", "imap"]
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[ProviderRig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: ProviderRig) -> AsyncIterator[Client]:
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_off_whatever_is_posted_is_to_be_sent_again(
    client: Client, rig: ProviderRig, provider: str
) -> None:
    rig.modes[provider] = IngressMode.OFF

    response = await client.post(f"/webhooks/{provider}", json={"value": []})

    assert response.status_code == 503
    assert response.headers["retry-after"] == "300"
    assert problem(response)["detail"] == f"ingress of {provider} is off."
    assert rig.routes.queries == []
    assert rig.notifications() == {"unavailable": 1}


async def test_off_no_handshake_is_made_and_no_lifecycle_event_taken(
    client: Client, rig: ProviderRig
) -> None:
    rig.modes["microsoft"] = IngressMode.OFF

    handshake = await client.post("/webhooks/microsoft", params={"validationToken": "hello"})
    lifecycle = await client.post("/webhooks/microsoft/lifecycle", json={"value": []})

    assert (handshake.status_code, lifecycle.status_code) == (503, 503)
    assert "hello" not in handshake.text


async def test_off_goes_for_one_provider_alone(client: Client, rig: ProviderRig) -> None:
    rig.modes["google"] = IngressMode.OFF
    await rig.subscribe(microsoft_mailbox())

    response = await client.post("/webhooks/microsoft", json={"value": [notification("1")]})

    assert response.status_code == 202
    assert len(rig.jobs) == 1


async def test_in_shadow_a_notification_is_queued_as_ever(client: Client, rig: ProviderRig) -> None:
    rig.modes["microsoft"] = IngressMode.SHADOW
    await rig.subscribe(microsoft_mailbox())

    response = await client.post("/webhooks/microsoft", json={"value": [notification("1")]})

    assert response.status_code == 202
    assert len(rig.jobs) == 1


async def test_the_api_shows_that_a_mailbox_is_off(client: Client, rig: ProviderRig) -> None:
    rig.modes["microsoft"] = IngressMode.OFF
    await rig.registry.add(microsoft_mailbox())

    response = await client.get(
        "/api/v1/mailboxes", headers={"Authorization": f"Bearer {API_TOKEN}"}
    )

    [shown] = response.json()
    assert (shown["state"], shown["reason"]) == ("off", "ingress of microsoft is off")
