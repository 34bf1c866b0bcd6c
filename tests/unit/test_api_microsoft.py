import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import by_subscription
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.ingress import BODY_LIMIT
from postroom.entrypoints.api.take_in import MAX_LOGGED
from tests.adapters.graph_notifications import OTHER, notification
from tests.unit.api_providers import microsoft_mailbox, open_rig
from tests.unit.api_rig import CLIENT_STATE, SUBSCRIPTION, Rig, problem, raw_post

URL = "/webhooks/microsoft"
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


async def send(client: Client, *notifications: object) -> httpx.Response:
    return await client.post(URL, json={"value": list(notifications)})


# --- The handshake


async def test_a_validation_token_is_answered_decoded_and_as_text(client: Client) -> None:
    response = await client.post(
        f"{URL}?validationToken=Validation%3A+Testing%20client%2Freachability",
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )

    assert response.status_code == 200
    assert response.text == "Validation: Testing client/reachability"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_token_of_html_is_text_that_no_browser_sniffs(client: Client) -> None:
    html = "<script>alert(1)</script>"

    response = await client.post(URL, params={"validationToken": html})

    assert response.status_code == 200
    assert response.text == html
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_token_of_10_megabytes_is_refused(rig: Rig) -> None:
    query = "validationToken=" + "a" * 10_000_000

    assert await raw_post(rig.app(), URL, query=query, chunks=[b""]) == 400


# --- What is accepted


async def test_a_notification_becomes_a_job(client: Client, rig: Rig, clock: ManualClock) -> None:
    response = await send(client, notification("AAMkAD"))

    assert response.status_code == 202
    assert response.content == b""
    [job] = rig.jobs
    assert (job.tenant, job.mailbox, job.enqueued_at) == ("acme", "support", clock.now())
    assert job.pointer == MicrosoftPointer(
        SUBSCRIPTION,
        "AAMkAD",
        "users/622eaaff-0683-4862-9de4-f2ec83c2bd98/messages/AAMkAD",
    )
    assert rig.notifications() == {"accepted": 1}


async def test_notifications_of_several_mailboxes_in_one_request_are_all_queued(
    client: Client, rig: Rig
) -> None:
    await rig.subscribe(microsoft_mailbox(tenant="globex", name="info"), subscription_id=OTHER)

    response = await send(
        client,
        notification("1"),
        notification("2", subscriptionId=OTHER),
        notification("3"),
        notification("4"),
    )

    assert response.status_code == 202
    assert {(job.tenant, job.mailbox) for job in rig.jobs} == {
        ("acme", "support"),
        ("globex", "info"),
    }
    assert rig.notifications() == {"accepted": 4}
    assert rig.routes.queries == [sorted(map(by_subscription, [SUBSCRIPTION, OTHER]))]


async def test_a_notification_that_is_sent_again_is_queued_once(client: Client, rig: Rig) -> None:
    await send(client, notification("1"))

    response = await send(client, notification("1"))

    assert response.status_code == 202
    assert len(rig.jobs) == 1


async def test_a_paused_mailbox_keeps_its_pointers_and_is_told_apart(
    rig: Rig,
) -> None:
    await rig.subscribe(microsoft_mailbox(paused="access revoked"))

    async with AsyncTestClient(rig.app()) as client:
        response = await send(client, notification())

    assert response.status_code == 202
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"paused": 1}


async def test_an_empty_notification_is_accepted(client: Client, rig: Rig) -> None:
    response = await send(client)

    assert response.status_code == 202
    assert rig.jobs == []


# --- What is refused, each for itself


async def test_an_unknown_subscription_is_told_and_answered_with_202(
    client: Client, rig: Rig
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, notification(subscriptionId=OTHER))

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.notifications() == {"unknown_subscription": 1}
    [told] = logs
    assert told["result"] == "unknown_subscription"
    assert told["subscription_id"] == OTHER


async def test_what_is_no_subscription_id_is_not_told(client: Client) -> None:
    with structlog.testing.capture_logs() as logs:
        await send(client, notification(subscriptionId="alice@example.org"))

    assert "alice" not in str(logs)


async def test_a_flood_of_wrong_client_states_is_told_once_and_without_them(
    client: Client, rig: Rig
) -> None:
    flood = [notification(str(n), clientState=f"guess-{n}") for n in range(1000)]

    with structlog.testing.capture_logs() as logs:
        response = await send(client, *flood)

    assert response.status_code == 202
    assert rig.notifications() == {"bad_signature": 1000}
    assert rig.routes.queries == [[by_subscription(SUBSCRIPTION)]]
    assert [(told["result"], told["count"]) for told in logs] == [("bad_signature", 1000)]
    assert "guess" not in str(logs)
    assert CLIENT_STATE not in str(logs)


async def test_a_flood_of_unknown_subscriptions_is_one_query_and_few_lines(
    client: Client, rig: Rig
) -> None:
    flood = [
        notification(subscriptionId=f"{n:08x}{OTHER[8:]}", clientState="guess") for n in range(1000)
    ]

    with structlog.testing.capture_logs() as logs:
        response = await send(client, *flood)

    assert response.status_code == 202
    assert rig.notifications() == {"unknown_subscription": 1000}
    assert len(rig.routes.queries) == 1
    assert len(logs) == MAX_LOGGED + 1
    assert sum(told["count"] for told in logs) == 1000


# --- What is refused as a whole


async def test_a_body_over_the_limit_is_refused(client: Client, rig: Rig) -> None:
    response = await client.post(URL, content=b"x" * (BODY_LIMIT + 1))

    assert response.status_code == 413
    assert problem(response)["type"] == "urn:postroom:problem:too-large"
    assert rig.jobs == []


async def test_a_body_that_hides_its_length_is_refused_as_well(rig: Rig) -> None:
    assert await raw_post(rig.app(), URL, chunks=[b"x" * 65536] * 65) == 413


async def test_a_body_of_the_limit_is_read(client: Client) -> None:
    body = json.dumps({"value": [], "padding": ""})

    response = await client.post(
        URL, content=body[:-2] + "x" * (BODY_LIMIT - len(body)) + body[-2:]
    )

    assert response.status_code == 202


# --- What cannot be queued


async def test_a_failed_enqueue_asks_graph_to_send_again(client: Client, rig: Rig) -> None:
    rig.queue.failure = Unavailable("redis: connection refused")

    response = await send(client, notification())

    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert "redis" not in response.text
    assert rig.notifications() == {"unavailable": 1}


async def test_the_wish_of_the_failure_is_passed_on(client: Client, rig: Rig) -> None:
    rig.queue.failure = Unavailable("full", retry_after=timedelta(seconds=90.2))

    response = await send(client, notification())

    assert response.headers["retry-after"] == "91"


async def test_one_mailbox_that_cannot_be_queued_has_all_sent_again(
    client: Client, rig: Rig
) -> None:
    await rig.subscribe(microsoft_mailbox(name="info"), subscription_id=OTHER)
    rig.queue.failure, rig.queue.fails_for = Unavailable("redis is away"), "support"

    response = await send(client, notification("1"), notification("2", subscriptionId=OTHER))
    rig.queue.failure = None
    again = await send(client, notification("1"), notification("2", subscriptionId=OTHER))

    assert (response.status_code, again.status_code) == (503, 202)
    assert sorted(job.mailbox for job in rig.jobs) == ["info", "support"]
    assert rig.notifications() == {"unavailable": 1, "accepted": 3}


async def test_a_database_that_cannot_answer_has_the_notification_sent_again(
    client: Client, rig: Rig
) -> None:
    rig.routes.failure = Unavailable("postgres")

    response = await send(client, notification())
    rig.routes.failure = None
    again = await send(client, notification())

    assert (response.status_code, again.status_code) == (503, 202)
    assert "postgres" not in response.text
    assert len(rig.jobs) == 1


async def test_no_database_is_asked_about_a_subscription_that_is_known(
    client: Client, rig: Rig
) -> None:
    await send(client, notification("1"))
    rig.routes.failure = Unavailable("postgres")

    response = await send(client, notification("2"))

    assert response.status_code == 202
    assert len(rig.jobs) == 2


async def test_a_bug_is_a_500_that_tells_nothing(client: Client, rig: Rig) -> None:
    rig.queue.failure = ValueError("alice@example.org said: hush")

    with structlog.testing.capture_logs() as logs:
        response = await send(client, notification())

    assert response.status_code == 500
    assert problem(response)["type"] == "urn:postroom:problem:internal"
    assert "alice" not in response.text
    [told] = [log for log in logs if log["event"] == "request crashed"]
    assert told["error"] == "ValueError"
    assert told["where"].startswith("api_rig.py:")
    assert "alice" not in str(logs)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_answered(client: Client, method: str) -> None:
    response = await client.request(method, URL)

    assert response.status_code == 405
    assert problem(response)["type"] == "urn:postroom:problem:method-not-allowed"
    assert "POST" in response.headers["allow"]


def test_litestar_logs_nothing_by_itself(rig: Rig) -> None:
    assert rig.app().logging_config is None
    assert logging.getLogger("litestar").handlers == []
