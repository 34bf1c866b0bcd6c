import hashlib
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
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.microsoft.handler import MAX_LOGGED
from tests.unit.api_rig import (
    CLIENT_STATE,
    SUBSCRIPTION,
    Rig,
    microsoft_mailbox,
    open_rig,
    problem,
    raw_post,
)
from tests.unit.graph_notifications import OTHER, notification

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


@pytest.mark.parametrize(
    "token",
    ["", "a" * 4097, "a\r\nSet-Cookie: x=1", "nul\0", "escape\x1b[2J", "\x85"],
    ids=["empty", "long", "line break", "nul", "escape", "C1 control"],
)
async def test_a_token_that_graph_never_sends_is_refused(client: Client, token: str) -> None:
    response = await client.post(URL, params={"validationToken": token})

    assert response.status_code == 400
    assert problem(response)["type"] == "urn:postroom:problem:invalid-request"
    assert "aaaa" not in response.text


async def test_a_token_of_10_megabytes_is_refused(rig: Rig) -> None:
    query = "validationToken=" + "a" * 10_000_000

    assert await raw_post(rig.app(), URL, query=query, chunks=[b""]) == 400


async def test_a_token_of_the_greatest_length_is_answered(client: Client) -> None:
    response = await client.post(URL, params={"validationToken": "a" * 4096})

    assert response.status_code == 200


# --- What is accepted


async def test_a_notice_becomes_a_job(client: Client, rig: Rig, clock: ManualClock) -> None:
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


@pytest.mark.parametrize(
    "resource",
    ["users/u/messages/AAMk=", "Users/u/Messages('AAMk=')", "me/mailFolders/x/messages/AAMk=?y"],
)
async def test_without_resource_data_the_message_id_is_read_from_the_resource(
    client: Client, rig: Rig, resource: str
) -> None:
    await send(client, notification(resource=resource, resourceData=None))

    [job] = rig.jobs
    assert isinstance(job.pointer, MicrosoftPointer)
    assert job.pointer.message_id == "AAMk="


async def test_notices_of_several_mailboxes_in_one_request_are_all_queued(
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
    assert rig.folder_syncs.queries == [sorted([SUBSCRIPTION, OTHER])]


async def test_a_notice_that_is_sent_again_is_queued_once(client: Client, rig: Rig) -> None:
    await send(client, notification("1"))

    response = await send(client, notification("1"))

    assert response.status_code == 202
    assert len(rig.jobs) == 1


async def test_unknown_fields_of_graph_are_ignored(client: Client, rig: Rig) -> None:
    response = await client.post(
        URL, json={"value": [notification(newInSpring={"a": 1})], "validationTokens": None, "x": 1}
    )

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


@pytest.mark.parametrize("state", ["wrong", "", None, CLIENT_STATE + " ", CLIENT_STATE[:-1], "ä"])
async def test_a_wrong_client_state_is_refused(client: Client, rig: Rig, state: str | None) -> None:
    response = await send(client, notification(clientState=state))

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}


async def test_without_client_state_nobody_is_looked_up(client: Client, rig: Rig) -> None:
    unsigned = notification()
    del unsigned["clientState"]

    response = await send(client, unsigned)

    assert response.status_code == 202
    assert rig.folder_syncs.queries == []
    assert rig.notifications() == {"bad_signature": 1}


async def test_a_subscription_without_a_secret_accepts_nobody(rig: Rig) -> None:
    await rig.subscribe(microsoft_mailbox(), client_state="")

    async with AsyncTestClient(rig.app()) as client:
        await send(client, notification(clientState=""), notification(clientState="x"))

    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 2}


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


async def test_the_digest_that_is_kept_is_no_secret_to_show(client: Client, rig: Rig) -> None:
    digest = hashlib.sha256(CLIENT_STATE.encode()).hexdigest()

    await send(client, notification(clientState=digest))

    assert rig.notifications() == {"bad_signature": 1}


async def test_one_mailbox_s_secret_does_not_open_another(client: Client, rig: Rig) -> None:
    await rig.subscribe(
        microsoft_mailbox(name="info"), subscription_id=OTHER, client_state="another"
    )

    await send(client, notification(subscriptionId=OTHER))

    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}


@pytest.mark.parametrize("change", ["updated", "deleted", "", None])
async def test_other_changes_than_created_are_ignored(
    client: Client, rig: Rig, change: str | None
) -> None:
    response = await send(client, notification(changeType=change))

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.notifications() == {"ignored": 1}


async def test_one_bad_item_does_not_cost_the_others(client: Client, rig: Rig) -> None:
    response = await send(
        client,
        notification("1"),
        {"subscriptionId": 7},
        "no object",
        notification("2", clientState="wrong"),
        notification("3", resource=None, resourceData=None),
        notification("4", resourceData={"id": "x" * 1025}),
        notification("5"),
    )

    assert response.status_code == 202
    assert [getattr(job.pointer, "message_id", "") for job in rig.jobs] == ["1", "5"]
    assert rig.notifications() == {"accepted": 2, "malformed": 4, "bad_signature": 1}


async def test_a_flood_of_wrong_client_states_is_told_once_and_without_them(
    client: Client, rig: Rig
) -> None:
    flood = [notification(str(n), clientState=f"guess-{n}") for n in range(1000)]

    with structlog.testing.capture_logs() as logs:
        response = await send(client, *flood)

    assert response.status_code == 202
    assert rig.notifications() == {"bad_signature": 1000}
    assert rig.folder_syncs.queries == [[SUBSCRIPTION]]
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
    assert len(rig.folder_syncs.queries) == 1
    assert len(logs) == MAX_LOGGED + 1
    assert sum(told["count"] for told in logs) == 1000


# --- What is refused as a whole


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"value": null}',
        b'{"value": {}}',
        b'{"value": [1]}',
        b'{"value": [{"subscriptionId": "\\ud800"}]}',
        b'{"value": [{"subscriptionId": "a\\u0000b", "clientState": "x"}]}',
        b'{"value": [{"subscriptionId": "", "clientState": "x"}]}',
        b'{"value": [], "validationTokens": "one"}',
        b'{"value": [], "validationTokens": [7]}',
        json.dumps({"value": [], "validationTokens": [""] * 101}).encode(),
        json.dumps({"value": [], "validationTokens": ["a" * 16385]}).encode(),
        b'{"value": ' + b"[" * 5000,
        json.dumps({"value": [{}] * 1001}).encode(),
    ],
)
async def test_what_is_no_notification_is_refused(client: Client, rig: Rig, body: bytes) -> None:
    response = await client.post(URL, content=body)

    assert response.status_code == 400
    assert problem(response)["type"] == "urn:postroom:problem:invalid-request"
    assert rig.jobs == []
    assert rig.folder_syncs.queries == []


async def test_a_body_over_a_mebibyte_is_refused(client: Client, rig: Rig) -> None:
    response = await client.post(URL, content=b"x" * (1024 * 1024 + 1))

    assert response.status_code == 413
    assert problem(response)["type"] == "urn:postroom:problem:too-large"
    assert rig.jobs == []


async def test_a_body_that_hides_its_length_is_refused_as_well(rig: Rig) -> None:
    assert await raw_post(rig.app(), URL, chunks=[b"x" * 65536] * 17) == 413


async def test_a_mebibyte_is_read(client: Client) -> None:
    body = json.dumps({"value": [], "padding": ""})

    response = await client.post(URL, content=body[:-2] + "x" * (2**20 - len(body)) + body[-2:])

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


async def test_a_database_that_cannot_answer_has_the_notice_sent_again(
    client: Client, rig: Rig
) -> None:
    rig.folder_syncs.failure = Unavailable("postgres")

    response = await send(client, notification())
    rig.folder_syncs.failure = None
    again = await send(client, notification())

    assert (response.status_code, again.status_code) == (503, 202)
    assert "postgres" not in response.text
    assert len(rig.jobs) == 1


async def test_no_database_is_asked_about_a_subscription_that_is_known(
    client: Client, rig: Rig
) -> None:
    await send(client, notification("1"))
    rig.folder_syncs.failure = Unavailable("postgres")

    response = await send(client, notification("2"))

    assert response.status_code == 202
    assert len(rig.jobs) == 2
    assert rig.registry.asked == 0


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
