import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import AsyncTestClient

from postroom.adapters import imap
from postroom.adapters.http.standard_webhooks import key_of, sign
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.providers import Providers
from postroom.domain.failure import Unavailable
from postroom.entrypoints.api.ingress import BODY_LIMIT
from tests.provider_deps import provider_deps
from tests.unit.api_providers import SECRET, google_mailbox, imap_mailbox, open_rig
from tests.unit.api_rig import Rig, problem

URL = "/webhooks/imap"
POINTER = {"folder": "INBOX", "uid": 7, "uid_validity": 1, "message_id": "a@b.example"}
Client = AsyncTestClient[Any]


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    await rig.registry.add(imap_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


def headers(rig: Rig, body: bytes) -> dict[str, str]:
    timestamp = str(int(rig.clock.now().timestamp()))
    signature = sign(key_of(SECRET), message_id="msg_1", timestamp=timestamp, body=body)
    return {
        "Postroom-Tenant": "acme",
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }


async def send(client: Client, rig: Rig, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(URL, content=content, headers=headers(rig, content))


def hand_off(*pointers: object, mailbox: str = "post") -> dict[str, Any]:
    return {"mailbox": mailbox, "pointers": pointers}


async def test_pointers_that_are_handed_off_become_jobs_in_order(client: Client, rig: Rig) -> None:
    second = {"folder": "INBOX", "uid": 8, "uid_validity": 1}

    response = await send(client, rig, hand_off(POINTER, second))

    assert response.status_code == 202
    assert response.json() == {"accepted": 2}
    assert [(job.tenant, job.mailbox, job.pointer) for job in rig.jobs] == [
        ("acme", "post", ImapPointer("INBOX", 7, 1, "a@b.example")),
        ("acme", "post", ImapPointer("INBOX", 8, 1)),
    ]
    assert rig.notifications() == {"accepted": 2}


async def test_what_is_not_signed_right_is_refused_before_anything_is_looked_up(
    client: Client, rig: Rig
) -> None:
    body = json.dumps(hand_off(POINTER)).encode()
    broken = {**headers(rig, body), "webhook-signature": "v1,bm90IHRoZSBzaWduYXR1cmU="}

    response = await client.post(URL, content=body, headers=broken)

    assert response.status_code == 401
    assert problem(response)["type"] == "urn:postroom:problem:bad-signature"
    assert rig.routes.queries == []
    assert rig.jobs == []
    assert rig.notifications() == {"bad_signature": 1}


@pytest.mark.parametrize("tenant", ["globex", "", "acme "])
async def test_a_tenant_without_a_secret_is_told_which_setting_is_missing(
    client: Client, rig: Rig, tenant: str
) -> None:
    body = json.dumps(hand_off(POINTER)).encode()

    response = await client.post(
        URL, content=body, headers={**headers(rig, body), "Postroom-Tenant": tenant + "x"}
    )

    assert response.status_code == 403
    told = problem(response)
    assert told["type"] == "urn:postroom:problem:not-configured"
    assert "POSTROOM_HANDOFF_SECRETS" in told["detail"]
    assert rig.routes.queries == []


async def test_what_does_not_fit_the_schema_is_refused(client: Client, rig: Rig) -> None:
    response = await send(client, rig, b"not json")

    assert response.status_code == 400
    assert problem(response)["type"] == "urn:postroom:problem:invalid-request"
    assert rig.jobs == []
    assert rig.routes.queries == []


async def test_a_refusal_says_which_field_is_wrong(client: Client, rig: Rig) -> None:
    response = await send(client, rig, hand_off({**POINTER, "uid": 0}))

    assert "uid" in problem(response)["detail"]


async def test_a_body_over_the_limit_is_refused(client: Client, rig: Rig) -> None:
    response = await send(client, rig, b"x" * (BODY_LIMIT + 1))

    assert response.status_code == 413
    problem(response)


@pytest.mark.parametrize("mailbox", ["unknown", "sales"])
async def test_an_unknown_mailbox_and_one_of_another_provider_are_not_found(
    client: Client, rig: Rig, mailbox: str
) -> None:
    await rig.registry.add(google_mailbox())

    response = await send(client, rig, hand_off(POINTER, mailbox=mailbox))

    assert response.status_code == 404
    assert problem(response)["type"] == "urn:postroom:problem:not-found"
    assert rig.jobs == []
    assert rig.notifications() == {"unknown_mailbox": 1}


async def test_a_paused_mailbox_keeps_its_pointers_and_is_told_apart(rig: Rig) -> None:
    await rig.registry.add(imap_mailbox(paused="wrong password"))

    async with AsyncTestClient(rig.app()) as client:
        response = await send(client, rig, hand_off(POINTER))

    assert response.status_code == 202
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"paused": 1}


async def test_a_failed_enqueue_asks_to_hand_off_again(client: Client, rig: Rig) -> None:
    rig.queue.failure = Unavailable("redis is away")

    response = await send(client, rig, hand_off(POINTER))

    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"


async def test_the_schema_says_what_a_hand_off_is_and_how_it_is_signed(client: Client) -> None:
    schema = (await client.get("/schema")).json()

    operation = schema["paths"][URL]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["title"] == "HandOff"
    assert operation["security"] == [{"imap": []}]
    assert schema["components"]["securitySchemes"]["imap"]["name"] == "webhook-signature"


# --- Senders that cannot sign ---


@pytest.fixture
async def unsigned(rig: Rig) -> AsyncIterator[Client]:
    secrets = {"acme": "a secret of another system"}
    deps = provider_deps(rig.clock, rig.registry)
    rig.providers = Providers([imap.provider(deps, handoff_secrets=secrets, static_header=True)])
    await rig.registry.add(imap_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("tenant", "secret", "status"),
    [
        ("acme", "a secret of another system", 202),
        ("acme", "a secret of a stranger", 401),
        ("acme", "", 401),
        ("globex", "a secret of another system", 503),
        ("", "a secret of another system", 503),
    ],
)
async def test_a_secret_that_is_shown_is_right_or_wrong_or_not_set(
    unsigned: Client, rig: Rig, tenant: str, secret: str, status: int
) -> None:
    response = await unsigned.post(
        URL,
        json=hand_off(POINTER),
        headers={"Postroom-Tenant": tenant, "X-IMAP-Webhook-Secret": secret},
    )

    assert response.status_code == status
    assert len(rig.jobs) == (status == 202)
    assert ("retry-after" in response.headers) == (status == 503)
    assert "secret of" not in response.text
