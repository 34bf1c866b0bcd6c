"""What every webhook does, whichever provider sends: here the toy one, and one that is scripted."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import (
    Announced,
    ForbiddenWebhook,
    Handshake,
    InvalidWebhook,
    Notification,
    NotificationReader,
    NotificationResult,
    Rejected,
    Route,
    Routes,
    SenderProof,
    UnauthenticatedWebhook,
    UnknownMailbox,
    WebhookDescription,
    WebhookError,
    WebhookNotConfigured,
    WebhookRequest,
)
from postroom.application.providers import Providers
from postroom.domain.failure import Unavailable
from postroom.domain.folder_sync import Request
from postroom.entrypoints.api import route_cache, webhook_handler
from postroom.entrypoints.api.ingress import BODY_LIMIT
from postroom.entrypoints.api.route_cache import TTL
from postroom.entrypoints.api.take_in import MAX_LOGGED
from tests.toy_provider import ToyPointer
from tests.unit.api_rig import (
    CLIENT_STATE,
    SUBSCRIPTION,
    Rig,
    open_rig,
    problem,
    raw_post,
    toy_mailbox,
)

URL, LIFE = "/webhooks/toy", "/webhooks/toy/life"
OTHER = "11111111-2dc5-4530-97cd-4e7ae6534c07"
PLACE = Route(tenant="acme", id="support", provider="toy")
UNDESCRIBED = WebhookDescription()
Client = AsyncTestClient[Any]


@dataclass
class ScriptedReader(NotificationReader):
    """Reads *found* in every request, or raises it; keeps the *requests*."""

    found: Handshake | Sequence[Notification] | Exception = ()
    accepted: int = 202
    reports_count: bool = False
    description: WebhookDescription = UNDESCRIBED
    requests: list[WebhookRequest] = field(default_factory=list)

    paths: Sequence[str] = ("", "/life")

    async def read(self, request: WebhookRequest, _: Routes) -> Handshake | Sequence[Notification]:
        self.requests.append(request)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    await rig.subscribe(toy_mailbox())
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


@asynccontextmanager
async def reading(rig: Rig, reader: NotificationReader) -> AsyncIterator[Client]:
    rig.providers = Providers([replace(rig.toy, notifications=reader)])
    async with AsyncTestClient(rig.app()) as opened:
        yield opened


def item(number: int = 1, **changes: object) -> dict[str, object]:
    return {"subscription": SUBSCRIPTION, "secret": CLIENT_STATE, "number": number, **changes}


def event(name: str = "dropped") -> dict[str, object]:
    return item(event=name)


async def send(client: Client, *items: object, url: str = URL) -> httpx.Response:
    return await client.post(url, json={"items": items})


# --- The handshake


@pytest.mark.parametrize("url", [URL, LIFE])
async def test_a_handshake_is_answered_decoded_and_as_text(client: Client, url: str) -> None:
    response = await client.post(f"{url}?challenge=Validation%3A+Test%20client%2Fü")

    assert response.status_code == 200
    assert response.text == "Validation: Test client/ü"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_handshake_of_html_is_text_that_no_browser_sniffs(client: Client) -> None:
    html = "<script>alert(1)</script>"

    response = await client.post(URL, params={"challenge": html})

    assert response.text == html
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_query_of_10_megabytes_is_read(rig: Rig) -> None:
    async with reading(rig, ScriptedReader()):
        assert await raw_post(rig.app(), URL, query="x=" + "a" * 10_000_000, chunks=[b""]) == 202


# --- What a reader is given


async def test_a_reader_is_given_all_that_may_prove_a_sender(rig: Rig) -> None:
    reader = ScriptedReader()

    async with reading(rig, reader) as client:
        await client.post(
            f"{LIFE}?a=1&b=&a=2", content=b"\0\xff", headers={"X-Signature": "v1,abc"}
        )

    [request] = reader.requests
    assert (request.path, request.body) == ("/life", b"\0\xff")
    assert request.query == {"a": "2", "b": ""}
    assert request.headers["x-signature"] == "v1,abc"
    assert all(name == name.lower() for name in request.headers)


# --- What is accepted


async def test_a_notification_becomes_a_job(client: Client, rig: Rig, clock: ManualClock) -> None:
    response = await send(client, item(7))

    assert response.status_code == 202
    assert response.content == b""
    [job] = rig.jobs
    assert (job.tenant, job.mailbox, job.enqueued_at) == ("acme", "support", clock.now())
    assert job.pointer == ToyPointer("inbox", 7)
    assert rig.notifications() == {"accepted": 1}


async def test_notifications_of_several_mailboxes_are_all_queued_each_in_order(
    client: Client, rig: Rig
) -> None:
    await rig.subscribe(toy_mailbox(tenant="globex", name="info"), subscription_id=OTHER)

    response = await send(client, item(1), item(9, subscription=OTHER), item(3), item(2))

    assert response.status_code == 202
    assert [job.pointer for job in rig.jobs if job.tenant == "acme"] == [
        ToyPointer("inbox", number) for number in (1, 3, 2)
    ]
    assert [(job.tenant, job.mailbox) for job in rig.jobs if job.tenant != "acme"] == [
        ("globex", "info")
    ]
    assert rig.notifications() == {"accepted": 4}
    assert len(rig.routes.queries) == 1


async def test_a_notification_that_is_sent_again_is_queued_once(client: Client, rig: Rig) -> None:
    await send(client, item(1))

    response = await send(client, item(1))

    assert response.status_code == 202
    assert len(rig.jobs) == 1


async def test_a_paused_mailbox_keeps_its_pointers_and_is_counted_apart(rig: Rig) -> None:
    await rig.subscribe(toy_mailbox(paused="access revoked"))

    async with AsyncTestClient(rig.app()) as client:
        response = await send(client, item())

    assert response.status_code == 202
    assert len(rig.jobs) == 1
    assert rig.notifications() == {"paused": 1}


async def test_an_empty_notification_is_accepted(client: Client, rig: Rig) -> None:
    response = await send(client)

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.notifications() == {}


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_each_provider_gets_the_status_that_it_wants(rig: Rig, status: int) -> None:
    async with reading(
        rig, ScriptedReader([Announced(PLACE, ToyPointer("inbox", 1))], status)
    ) as client:
        response = await client.post(URL)

    assert (response.status_code, response.content) == (status, b"")
    assert ("content-length" in response.headers) == (status != 204)
    assert len(rig.jobs) == 1


async def test_who_wants_to_know_is_told_how_many_were_announced(rig: Rig) -> None:
    announced = [Announced(PLACE, ToyPointer("inbox", number)) for number in (1, 2)]
    rejected = Rejected(NotificationResult.MALFORMED)

    async with reading(rig, ScriptedReader([*announced, rejected], reports_count=True)) as client:
        response = await client.post(URL)

    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"accepted": 2}


# --- What is requested of subscriptions


@pytest.mark.parametrize(
    ("name", "request_"),
    [("ending", Request.RENEW), ("ended", Request.RECREATE), ("dropped", Request.SYNC)],
)
async def test_what_a_lifecycle_event_requests_is_noted_for_a_run_that_is_due_at_once(
    client: Client, rig: Rig, clock: ManualClock, name: str, request_: Request
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, event(name), url=LIFE)

    assert (response.status_code, response.content) == (202, b"")
    [folder_sync] = await rig.folder_syncs.all()
    assert folder_sync.requests == {request_}
    assert folder_sync.due_at == clock.now()
    assert rig.jobs == []
    assert rig.notifications() == {request_.value: 1}
    assert logs == [
        {
            "event": "notification",
            "log_level": "info",
            "provider": "toy",
            "result": request_.value,
            "count": 1,
            "tenant": "acme",
            "mailbox": "support",
            "subscription_id": SUBSCRIPTION,
        }
    ]


@pytest.mark.parametrize("url", [URL, LIFE])
async def test_items_of_both_kinds_may_come_together(client: Client, rig: Rig, url: str) -> None:
    response = await send(client, event(), item(1), url=url)

    assert response.status_code == 202
    assert len(rig.jobs) == 1
    assert rig.folder_syncs.requests == [(SUBSCRIPTION, Request.SYNC)]


async def test_what_is_requested_many_times_in_one_request_is_noted_once(
    client: Client, rig: Rig
) -> None:
    await send(client, *[event("dropped")] * 50, *[event("ended")] * 50)

    assert rig.folder_syncs.requests == [
        (SUBSCRIPTION, Request.SYNC),
        (SUBSCRIPTION, Request.RECREATE),
    ]
    assert rig.notifications() == {"sync": 50, "recreate": 50}


async def test_a_subscription_that_is_remembered_and_has_gone_meanwhile_is_unknown(
    client: Client, rig: Rig
) -> None:
    await send(client, item())  # it is known, and remembered
    await rig.registry.remove("acme", "support")

    response = await send(client, event())

    assert response.status_code == 202
    assert rig.notifications() == {"accepted": 1, "unknown_subscription": 1}


async def test_what_could_not_be_noted_is_sent_again(client: Client, rig: Rig) -> None:
    await send(client, item(1))
    rig.folder_syncs.failure = Unavailable("postgres")

    response = await send(client, event(), item(2))
    rig.folder_syncs.failure = None
    again = await send(client, event(), item(2))

    assert (response.status_code, again.status_code) == (503, 202)
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert rig.folder_syncs.requests == [(SUBSCRIPTION, Request.SYNC)]
    assert len(rig.jobs) == 2
    assert rig.notifications() == {"accepted": 3, "unavailable": 1, "sync": 1}


# --- What is rejected, each for itself


async def test_one_bad_item_does_not_cost_the_others(client: Client, rig: Rig) -> None:
    response = await send(
        client,
        item(1),
        {"subscription": 7},
        "no object",
        item(2, secret="wrong"),
        item(0),
        event("renamed in spring"),
        item(5),
    )

    assert response.status_code == 202
    assert [job.pointer for job in rig.jobs] == [ToyPointer("inbox", 1), ToyPointer("inbox", 5)]
    assert rig.notifications() == {"accepted": 2, "malformed": 3, "bad_signature": 1, "ignored": 1}


async def test_an_unknown_subscription_is_logged_and_accepted(client: Client, rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, item(subscription=OTHER))

    assert response.status_code == 202
    assert rig.jobs == []
    assert rig.notifications() == {"unknown_subscription": 1}
    [logged] = logs
    assert logged["result"] == "unknown_subscription"
    assert logged["subscription_id"] == OTHER
    assert logged["log_level"] == "warning"


@pytest.mark.parametrize("id_", ["alice@example.org", "Alice Smith", "alice", "a" * 200, "\n" * 20])
async def test_what_is_no_subscription_id_is_not_logged(rig: Rig, id_: str) -> None:
    rejected = Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, id_)
    with structlog.testing.capture_logs() as logs:
        async with reading(rig, ScriptedReader([rejected])) as client:
            await client.post(URL)

    [logged] = [log for log in logs if log["event"] == "notification"]
    assert "subscription_id" not in logged


async def test_a_flood_of_one_kind_is_one_line(client: Client, rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await send(client, *[item(secret=f"guess-{n}") for n in range(100)])

    assert response.status_code == 202
    assert rig.notifications() == {"bad_signature": 100}
    assert [(logged["result"], logged["count"]) for logged in logs] == [("bad_signature", 100)]
    assert "guess" not in str(logs)
    assert CLIENT_STATE not in str(logs)


async def test_a_flood_of_unknown_subscriptions_is_one_query_and_few_lines(
    client: Client, rig: Rig
) -> None:
    flood = [item(subscription=f"{n:08x}{OTHER[8:]}") for n in range(100)]

    with structlog.testing.capture_logs() as logs:
        response = await send(client, *flood)

    assert response.status_code == 202
    assert rig.notifications() == {"unknown_subscription": 100}
    assert len(rig.routes.queries) == 1
    assert len(logs) == MAX_LOGGED + 1
    assert sum(logged["count"] for logged in logs) == 100


async def test_each_of_a_flood_is_counted_though_some_name_nothing_that_is_logged(
    client: Client, rig: Rig
) -> None:
    flood = [item(subscription=f"{n:08x}{OTHER[8:]}") for n in range(20)]

    await send(client, *flood, item(subscription="no-id-of-ours"))

    assert rig.notifications() == {"unknown_subscription": 21}


# --- What is refused as a whole


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidWebhook("No."), 400, "invalid-request"),
        (UnauthenticatedWebhook("No."), 401, "unauthenticated"),
        (ForbiddenWebhook("No."), 403, "forbidden"),
        (WebhookNotConfigured("No."), 403, "not-configured"),
        (UnknownMailbox("No."), 404, "not-found"),
    ],
)
async def test_a_refusal_is_a_problem_that_says_why(
    rig: Rig, error: WebhookError, status: int, name: str
) -> None:
    async with reading(rig, ScriptedReader(error)) as client:
        response = await client.post(URL)

    assert response.status_code == status
    assert problem(response)["type"] == f"urn:postroom:problem:{name}"
    assert problem(response)["detail"] == "No."
    assert rig.jobs == []
    assert rig.notifications() == {}


async def test_a_refusal_that_deserves_it_is_counted_and_logged(rig: Rig) -> None:
    rejected = Rejected(NotificationResult.BAD_SIGNATURE, tenant="acme", mailbox="support")
    with structlog.testing.capture_logs() as logs:
        async with reading(rig, ScriptedReader(ForbiddenWebhook("No.", rejected))) as client:
            await client.post(URL)

    assert rig.notifications() == {"bad_signature": 1}
    [logged] = [log for log in logs if log["event"] == "notification"]
    assert (logged["tenant"], logged["mailbox"]) == ("acme", "support")


async def test_a_proof_that_is_wrong_is_told_apart_from_none(rig: Rig) -> None:
    wrong = UnauthenticatedWebhook("No.", Rejected(NotificationResult.BAD_SIGNATURE))

    async with reading(rig, ScriptedReader(wrong)) as client:
        response = await client.post(URL)

    assert response.status_code == 401
    assert problem(response)["type"] == "urn:postroom:problem:bad-signature"


@pytest.mark.parametrize(
    ("proof", "challenge"),
    [(SenderProof("a token"), "Bearer"), (SenderProof("a MAC", "x-signature"), None), (None, None)],
)
async def test_who_shows_no_bearer_token_is_challenged(
    rig: Rig, proof: SenderProof | None, challenge: str | None
) -> None:
    reader = ScriptedReader(
        UnauthenticatedWebhook("No."), description=WebhookDescription(proof=proof)
    )

    async with reading(rig, reader) as client:
        response = await client.post(URL)

    assert response.headers.get("www-authenticate") == challenge


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b"[]", b"{}", b'{"items": null}'])
async def test_what_is_no_notification_is_refused(client: Client, rig: Rig, body: bytes) -> None:
    response = await client.post(URL, content=body)

    assert response.status_code == 400
    assert problem(response)["type"] == "urn:postroom:problem:invalid-request"
    assert rig.jobs == []
    assert rig.routes.queries == []


async def test_a_body_over_the_limit_is_refused_unread(rig: Rig) -> None:
    reader = ScriptedReader()

    async with reading(rig, reader) as client:
        response = await client.post(URL, content=b"x" * (BODY_LIMIT + 1))

    assert response.status_code == 413
    assert problem(response)["type"] == "urn:postroom:problem:too-large"
    assert reader.requests == []


async def test_a_body_that_hides_its_length_is_refused_as_well(rig: Rig) -> None:
    assert await raw_post(rig.app(), URL, chunks=[b"x" * 65536] * 65) == 413


async def test_a_body_of_the_limit_is_read(rig: Rig) -> None:
    reader = ScriptedReader()

    async with reading(rig, reader) as client:
        response = await client.post(URL, content=b"x" * BODY_LIMIT)

    assert response.status_code == 202
    assert len(reader.requests[0].body) == BODY_LIMIT


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_answered(client: Client, method: str) -> None:
    response = await client.request(method, URL)

    assert response.status_code == 405
    assert problem(response)["type"] == "urn:postroom:problem:method-not-allowed"
    assert "POST" in response.headers["allow"]


async def test_a_provider_without_notifications_has_no_webhook(rig: Rig) -> None:
    rig.providers = Providers([replace(rig.toy, notifications=None)])

    async with AsyncTestClient(rig.app()) as client:
        response = await client.post(URL)

    assert response.status_code == 404
    assert problem(response)["type"] == "urn:postroom:problem:not-found"


# --- What cannot be queued


async def test_a_failed_enqueue_asks_to_send_again(client: Client, rig: Rig) -> None:
    rig.queue.failure = Unavailable("redis: connection refused")

    response = await send(client, item())

    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert problem(response)["type"] == "urn:postroom:problem:unavailable"
    assert "redis" not in response.text
    assert rig.notifications() == {"unavailable": 1}


async def test_the_wish_of_the_failure_is_passed_on(client: Client, rig: Rig) -> None:
    rig.queue.failure = Unavailable("full", retry_after=timedelta(seconds=90.2))

    response = await send(client, item())

    assert response.headers["retry-after"] == "91"


async def test_one_mailbox_that_cannot_be_queued_has_all_sent_again(
    client: Client, rig: Rig
) -> None:
    await rig.subscribe(toy_mailbox(name="info"), subscription_id=OTHER)
    rig.queue.failure, rig.queue.fails_for = Unavailable("redis is away"), "support"

    response = await send(client, item(1), item(2, subscription=OTHER))
    rig.queue.failure = None
    again = await send(client, item(1), item(2, subscription=OTHER))

    assert (response.status_code, again.status_code) == (503, 202)
    assert sorted(job.mailbox for job in rig.jobs) == ["info", "support"]
    assert rig.notifications() == {"unavailable": 1, "accepted": 3}


async def test_a_reader_that_cannot_verify_has_all_sent_again(rig: Rig) -> None:
    async with reading(rig, ScriptedReader(Unavailable("the keys could not be fetched"))) as client:
        response = await client.post(URL)

    assert response.status_code == 503
    assert "keys" not in response.text


async def test_without_the_database_an_unknown_subscription_is_sent_again(
    client: Client, rig: Rig
) -> None:
    rig.routes.failure = Unavailable("postgres")

    response = await send(client, item())
    rig.routes.failure = None
    again = await send(client, item())

    assert (response.status_code, again.status_code) == (503, 202)
    assert "postgres" not in response.text
    assert len(rig.jobs) == 1


async def test_without_the_database_a_known_mailbox_gets_its_mail(
    client: Client, rig: Rig, clock: ManualClock
) -> None:
    await send(client, item(1))
    rig.routes.failure = Unavailable("postgres")

    response = await send(client, item(2))
    clock.advance(TTL * 1000)
    much_later = await send(client, item(3))

    assert (response.status_code, much_later.status_code) == (202, 202)
    assert len(rig.jobs) == 3


# --- What hangs


@pytest.fixture
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses are due within milliseconds."""
    monkeypatch.setattr(webhook_handler, "RESPOND_WITHIN", 0.02)


def is_to_be_sent_again(response: httpx.Response) -> bool:
    problem(response)
    return response.status_code == 503 and response.headers["retry-after"] == "5"


@pytest.mark.usefixtures("in_no_time")
async def test_no_sender_waits_for_a_queue_that_hangs(client: Client, rig: Rig) -> None:
    rig.queue.hangs = True

    assert is_to_be_sent_again(await send(client, item()))
    assert rig.notifications() == {"unavailable": 1}


@pytest.mark.usefixtures("in_no_time")
async def test_nor_for_a_database_that_would_have_to_know_its_subscription(
    client: Client, rig: Rig
) -> None:
    rig.routes.hangs = True

    assert is_to_be_sent_again(await send(client, item()))


@pytest.mark.usefixtures("in_no_time")
async def test_nor_for_a_database_that_would_have_to_note_what_is_requested(
    client: Client, rig: Rig
) -> None:
    rig.folder_syncs.hangs = True

    assert is_to_be_sent_again(await send(client, event()))
    assert rig.notifications() == {"unavailable": 1}


async def test_a_known_mailbox_gets_its_mail_while_the_database_hangs(
    client: Client, rig: Rig, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_cache, "PATIENCE", 0.02)
    await send(client, item(1))
    rig.routes.hangs = True
    clock.advance(TTL)

    responses = [await send(client, item(number)) for number in (2, 3, 4)]

    assert [response.status_code for response in responses] == [202, 202, 202]
    assert len(rig.jobs) == 4


async def test_a_timeout_of_something_else_is_a_bug(rig: Rig) -> None:
    async with reading(rig, ScriptedReader(TimeoutError())) as client:
        response = await client.post(URL)

    assert response.status_code == 500


# --- What is our own fault


async def test_a_bug_is_a_500_that_says_nothing(client: Client, rig: Rig) -> None:
    rig.queue.failure = ValueError("alice@example.org said: hush")

    with structlog.testing.capture_logs() as logs:
        response = await send(client, item())

    assert response.status_code == 500
    assert problem(response)["type"] == "urn:postroom:problem:internal"
    assert "alice" not in response.text
    [logged] = [log for log in logs if log["event"] == "request crashed"]
    assert logged["error"] == "ValueError"
    assert logged["where"].startswith("api_rig.py:")
    assert "alice" not in str(logs)


def test_litestar_logs_nothing_by_itself(rig: Rig) -> None:
    assert rig.app().logging_config is None
    assert logging.getLogger("litestar").handlers == []


# --- What the OpenAPI description says


async def test_a_webhook_is_described_by_its_reader(client: Client) -> None:
    schema = (await client.get("/schema")).json()

    operation = schema["paths"][URL]["post"]
    assert operation["summary"] == "Notifications of Toy Mail"
    assert operation["description"].startswith("Queue the messages that the toy server announces")
    [parameter] = operation["parameters"]
    assert (parameter["name"], parameter["in"]) == ("challenge", "query")
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["title"] == "ToyNotifications"
    assert body["properties"]["items"]["items"]["anyOf"][0]["title"] == "ToyItem"
    assert "$" not in str(body)
    assert set(operation["responses"]) == {"200", "202", "400", "413", "503"}
    assert set(operation["responses"]["200"]["content"]) == {"text/plain"}
    assert "content" not in operation["responses"]["202"]
    assert operation["operationId"] != schema["paths"][LIFE]["post"]["operationId"]


@pytest.mark.parametrize(
    ("proof", "scheme"),
    [
        (SenderProof("A token."), {"type": "http", "scheme": "bearer"}),
        (SenderProof("A MAC.", "x-mac"), {"type": "apiKey", "in": "header", "name": "x-mac"}),
    ],
)
async def test_what_proves_a_sender_is_described(
    rig: Rig, proof: SenderProof, scheme: dict[str, str]
) -> None:
    reader = ScriptedReader(description=WebhookDescription(proof=proof), accepted=204)

    async with reading(rig, reader) as client:
        schema = (await client.get("/schema")).json()

    operation = schema["paths"][URL]["post"]
    assert operation["security"] == [{"toy": []}]
    assert set(operation["responses"]) == {"204", "400", "401", "403", "404", "413", "503"}
    described = schema["components"]["securitySchemes"]["toy"]
    assert described == {**scheme, "description": proof.description}


async def test_a_response_that_says_how_many_is_described(rig: Rig) -> None:
    async with reading(rig, ScriptedReader(reports_count=True)) as client:
        schema = (await client.get("/schema")).json()

    assert "application/json" in schema["paths"][URL]["post"]["responses"]["202"]["content"]
