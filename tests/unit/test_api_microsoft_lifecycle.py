"""What Graph tells of its subscriptions, at either endpoint."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from postroom.domain.folder_sync import Request
from tests.adapters.graph_notifications import event, notification
from tests.unit.api_providers import microsoft_mailbox, open_rig
from tests.unit.api_rig import SUBSCRIPTION, Rig, problem, raw_post

URL, MESSAGES = "/webhooks/microsoft/lifecycle", "/webhooks/microsoft"
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    await rig.subscribe(microsoft_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


async def send(client: Client, *items: object, url: str = URL) -> httpx.Response:
    return await client.post(url, json={"value": list(items)})


async def test_a_validation_token_is_answered_here_as_well(client: Client) -> None:
    response = await client.post(f"{URL}?validationToken=Validation%3A%20life%20cycle")

    assert response.status_code == 200
    assert response.text == "Validation: life cycle"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("reauthorizationRequired", Request.RENEW),
        ("subscriptionRemoved", Request.RECREATE),
        ("missed", Request.SYNC),
    ],
)
async def test_what_graph_asks_for_is_noted_for_a_round_that_is_due_at_once(
    client: Client, rig: Rig, clock: ManualClock, name: str, request_: Request
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, event(name))

    assert response.status_code == 202
    assert response.content == b""
    [folder_sync] = await rig.folder_syncs.all()
    assert folder_sync.requests == {request_}
    assert folder_sync.due_at == clock.now()
    assert rig.jobs == []
    assert rig.notifications() == {request_.value: 1}
    [told] = logs
    assert told == {
        "event": "notification",
        "log_level": "info",
        "provider": "microsoft",
        "result": request_.value,
        "count": 1,
        "tenant": "acme",
        "mailbox": "support",
        "subscription_id": SUBSCRIPTION,
    }


async def test_items_of_both_kinds_may_come_together(client: Client, rig: Rig) -> None:
    response = await send(client, event("missed"), notification("1"), url=MESSAGES)
    again = await send(client, notification("2"), event("missed"), url=URL)

    assert (response.status_code, again.status_code) == (202, 202)
    assert len(rig.jobs) == 2
    assert rig.folder_syncs.requests == [(SUBSCRIPTION, Request.SYNC)] * 2


async def test_what_is_asked_for_many_times_in_one_request_is_noted_once(
    client: Client, rig: Rig
) -> None:
    await send(client, *[event("missed")] * 500, *[event("subscriptionRemoved")] * 500)

    assert rig.folder_syncs.requests == [
        (SUBSCRIPTION, Request.SYNC),
        (SUBSCRIPTION, Request.RECREATE),
    ]
    assert rig.notifications() == {"sync": 500, "recreate": 500}


async def test_a_subscription_that_is_remembered_and_has_gone_meanwhile_is_unknown(
    client: Client, rig: Rig
) -> None:
    await send(client, notification())  # it is known, and remembered
    await rig.registry.remove("acme", "support")

    response = await send(client, event())

    assert response.status_code == 202
    assert rig.notifications() == {"accepted": 1, "unknown_subscription": 1}


async def test_what_could_not_be_noted_is_sent_again(client: Client, rig: Rig) -> None:
    await send(client, notification("1"))
    rig.folder_syncs.failure = Unavailable("postgres")

    response = await send(client, event("missed"), notification("2"))
    rig.folder_syncs.failure = None
    again = await send(client, event("missed"), notification("2"))

    assert (response.status_code, again.status_code) == (503, 202)
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert rig.folder_syncs.requests == [(SUBSCRIPTION, Request.SYNC)]
    assert len(rig.jobs) == 2
    assert rig.notifications() == {"accepted": 3, "unavailable": 1, "sync": 1}


async def test_a_body_over_the_limit_is_refused(rig: Rig) -> None:
    assert await raw_post(rig.app(), URL, chunks=[b"x" * 65536] * 65) == 413
