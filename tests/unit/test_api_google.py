import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.ingress import BODY_LIMIT
from tests.unit.api_providers import (
    GOOGLE_TOKEN,
    PUSH_SUBSCRIPTION,
    ProviderRig,
    google_mailbox,
    open_rig,
)
from tests.unit.api_rig import problem

URL = "/webhooks/google"
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[ProviderRig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: ProviderRig) -> AsyncIterator[Client]:
    await rig.registry.add(google_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


def encoded(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


def push(
    address: str = "sales@acme.example", history_id: object = "9876543210", **changes: object
) -> dict[str, object]:
    """As in Google's documentation of Pub/Sub push."""
    return {
        "message": {
            "attributes": {},
            "data": encoded({"emailAddress": address, "historyId": history_id}),
            "messageId": "2070443601311540",
            "message_id": "2070443601311540",
            "publishTime": "2021-02-26T19:13:55.749Z",
            "publish_time": "2021-02-26T19:13:55.749Z",
        },
        "subscription": PUSH_SUBSCRIPTION,
        "deliveryAttempt": 5,
        **changes,
    }


async def send(client: Client, body: object, *, token: str = GOOGLE_TOKEN) -> httpx.Response:
    return await client.post(URL, json=body, headers={"Authorization": f"Bearer {token}"})


# --- Who sent it


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz"])
async def test_without_a_token_nothing_is_read_and_nobody_is_looked_up(
    client: Client, rig: ProviderRig, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    response = await client.post(URL, content=b"not json", headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert problem(response)["type"] == "urn:postroom:problem:unauthenticated"
    assert rig.routes.queries == []
    assert rig.jobs == []


async def test_a_token_that_google_did_not_sign_is_refused_and_counted(
    client: Client, rig: ProviderRig
) -> None:
    response = await send(client, push(), token="forged")

    assert response.status_code == 401
    assert problem(response)["type"] == "urn:postroom:problem:bad-signature"
    assert rig.routes.queries == []
    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}


async def test_without_googles_certificates_the_push_is_sent_again(
    client: Client, rig: ProviderRig
) -> None:
    rig.verifier.failure = Unavailable("certificates: HTTP 500")

    response = await send(client, push())

    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert "certificates" not in response.text
    assert rig.routes.queries == []


async def test_the_schema_says_what_proves_a_push(client: Client) -> None:
    schema = (await client.get("/schema")).json()

    assert schema["paths"][URL]["post"]["security"] == [{"google": []}]
    assert schema["components"]["securitySchemes"]["google"]["scheme"] == "bearer"


async def test_a_body_over_the_limit_is_refused(client: Client, rig: ProviderRig) -> None:
    response = await client.post(
        URL, content=b"x" * (BODY_LIMIT + 1), headers={"Authorization": f"Bearer {GOOGLE_TOKEN}"}
    )

    assert response.status_code == 413
    problem(response)
    assert rig.routes.queries == []


async def test_a_strangers_token_is_refused_and_shows_no_mailbox(
    client: Client, rig: ProviderRig
) -> None:
    rig.verifier.email = "stranger@elsewhere.iam.gserviceaccount.com"

    with structlog.testing.capture_logs() as logs:
        known = await send(client, push())
        unknown = await send(client, push(address="nobody@acme.example"))

    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.status_code == 403
    assert problem(known)["type"] == "urn:postroom:problem:forbidden"
    assert rig.jobs == []
    assert rig.routes.queries == []
    assert rig.notifications() == {"bad_signature": 2}
    assert "@" not in str(logs) + known.text


async def test_another_service_account_than_the_mailboxs_is_refused(
    client: Client, rig: ProviderRig
) -> None:
    await rig.registry.add(google_mailbox(name="another", pusher="another@p.example"))
    rig.verifier.email = "another@p.example"

    with structlog.testing.capture_logs() as logs:
        response = await send(client, push())

    assert response.status_code == 403
    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}
    assert (logs[0]["mailbox"], logs[0]["subscription_id"]) == ("sales", PUSH_SUBSCRIPTION)
    assert "@" not in str(logs) + response.text


# --- What it says


async def test_a_push_becomes_a_job_and_is_acknowledged(client: Client, rig: ProviderRig) -> None:
    response = await send(client, push())

    assert response.status_code == 204
    [job] = rig.jobs
    assert (job.tenant, job.mailbox) == ("acme", "sales")
    assert job.pointer == GooglePointer(
        history_id=9876543210,
        address="sales@acme.example",
        pubsub_message_id="2070443601311540",
    )
    assert rig.notifications() == {"accepted": 1}


async def test_a_paused_mailbox_keeps_its_pointers_and_is_told_apart(rig: ProviderRig) -> None:
    await rig.registry.add(google_mailbox(paused="access revoked"))

    async with AsyncTestClient(rig.app()) as client:
        response = await send(client, push())

    assert response.status_code == 204
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"paused": 1}


@pytest.mark.parametrize(
    "body",
    [
        push(address="nobody@acme.example"),
        push(subscription="projects/acme/subscriptions/other"),
    ],
)
async def test_an_unknown_mailbox_is_acknowledged_and_counted(
    client: Client, rig: ProviderRig, body: dict[str, object]
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, body)

    assert response.status_code == 204
    assert rig.jobs == []
    assert rig.notifications() == {"unknown_mailbox": 1}
    assert logs[0]["subscription_id"] == body["subscription"]
    assert "@" not in str(logs)


async def test_a_malformed_push_is_acknowledged_and_counted(
    client: Client, rig: ProviderRig
) -> None:
    response = await send(client, push(message=None))

    assert response.status_code == 204
    assert rig.jobs == []
    assert rig.routes.queries == []
    assert rig.notifications() == {"malformed": 1}


async def test_what_is_not_json_is_acknowledged_and_counted(
    client: Client, rig: ProviderRig
) -> None:
    response = await client.post(
        URL, content=b"not json", headers={"Authorization": f"Bearer {GOOGLE_TOKEN}"}
    )

    assert response.status_code == 204
    assert rig.notifications() == {"malformed": 1}


async def test_a_push_without_its_envelope_is_acknowledged_and_said(
    client: Client, rig: ProviderRig
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, {"emailAddress": "sales@acme.example", "historyId": 7})

    assert response.status_code == 204
    assert rig.jobs == []
    assert rig.notifications() == {"unwrapped": 1}
    assert [each["log_level"] for each in logs] == ["warning"]
    assert "@" not in str(logs)


async def test_a_failed_enqueue_has_the_push_sent_again(client: Client, rig: ProviderRig) -> None:
    rig.queue.failure = Unavailable("redis is away")

    response = await send(client, push())

    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert rig.notifications() == {"unavailable": 1}
