"""Pulling from Pub/Sub: what is requested, and what each of its answers means."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pubsub import MAX_BYTES, WAITS_FOR, PubsubClient
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import NotificationsRefused
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from tests.threads import sign_ins

URL = "https://pubsub.test"
NAME = "projects/project/subscriptions/gmail"
MESSAGE = {"ackId": "a", "message": {"data": "e30=", "messageId": "1"}}

Respond = Callable[[httpx.Request], httpx.Response]


@dataclass
class Server:
    """Gives tokens, and to all else the next of *answers*."""

    answers: list[httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)
    sent: list[tuple[str, Any, str]] = field(default_factory=list)
    tokens: int = 0
    grant: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.tokens += 1
            grant = {"access_token": f"token-{self.tokens}", "expires_in": 3600}
            return self.grant or httpx.Response(200, json=grant)
        self.requests.append(request)
        body, token = json.loads(request.content), request.headers["Authorization"]
        self.sent.append((request.url.path, body, token))
        return self.answers.pop(0)


def key_file() -> str:
    return TokenEndPoint(SystemClock()).service_accounts.key_file("p@p.example", f"{URL}/token", ())


ACCOUNT = GoogleAccount(
    service_account=Secret(key_file()), pubsub_subscription=NAME, pubsub_pull=True
)


@asynccontextmanager
async def client(server: Server, clock: ManualClock) -> AsyncIterator[PubsubClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        yield PubsubClient(http, clock, sign_ins(clock), URL)


def answer(status: int, code: str = "", **headers: str) -> httpx.Response:
    error = {"code": status, "status": code, "message": "anna@acme.example may not"}
    return httpx.Response(status, json={"error": error} if code else {}, headers=headers)


async def pull(server: Server, clock: ManualClock) -> Sequence[object]:
    async with client(server, clock) as pubsub:
        return await pubsub.pull(ACCOUNT)


async def test_a_pull_waits_for_messages_as_the_service_account_itself(clock: ManualClock) -> None:
    server = Server([httpx.Response(200, json={"receivedMessages": [MESSAGE]})])

    async with client(server, clock) as pubsub:
        [received] = await pubsub.pull(ACCOUNT)

    assert (received.ack_id, received.message) == ("a", MESSAGE["message"])
    assert server.sent == [(f"/v1/{NAME}:pull", {"maxMessages": 100}, "Bearer token-1")]
    timeout = server.requests[0].extensions["timeout"]
    assert timeout["read"] == WAITS_FOR.total_seconds() > 90


async def test_receipts_are_acknowledged_and_a_token_serves_for_both(clock: ManualClock) -> None:
    server = Server([httpx.Response(200, json={}), httpx.Response(200, json={})])

    async with client(server, clock) as pubsub:
        assert await pubsub.pull(ACCOUNT) == ()
        await pubsub.acknowledge(ACCOUNT, ["a", "b"])

    assert server.sent[1][:2] == (f"/v1/{NAME}:acknowledge", {"ackIds": ["a", "b"]})
    assert server.tokens == 1


async def test_a_token_that_is_refused_is_replaced_once(clock: ManualClock) -> None:
    server = Server([answer(401, "UNAUTHENTICATED"), httpx.Response(200, json={})])

    assert await pull(server, clock) == ()
    assert [sent[2] for sent in server.sent] == ["Bearer token-1", "Bearer token-2"]


async def test_more_than_fits_is_pulled_one_by_one(clock: ManualClock) -> None:
    large = httpx.Response(200, content=b" " * (MAX_BYTES + 1))
    server = Server([large, httpx.Response(200, json={"receivedMessages": [MESSAGE]})])

    assert len(await pull(server, clock)) == 1
    assert [sent[1] for sent in server.sent] == [{"maxMessages": 100}, {"maxMessages": 1}]


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "FAILED_PRECONDITION", "without a push endpoint"),
        (403, "PERMISSION_DENIED", "roles/pubsub.subscriber"),
        (403, "", "roles/pubsub.subscriber"),
        (403, "SERVICE_DISABLED", "enable the Gmail API and the Pub/Sub API"),
        (404, "NOT_FOUND", "there is no such Pub/Sub subscription"),
        (404, "", "there is no such Pub/Sub subscription"),
    ],
)
async def test_a_refusal_says_what_to_do(
    clock: ManualClock, status: int, code: str, remedy: str
) -> None:
    with pytest.raises(NotificationsRefused, match=remedy) as caught:
        await pull(Server([answer(status, code)]), clock)

    assert caught.value.reason.endswith(f"(pubsub answered {status} {code}".rstrip() + ")")
    assert "@" not in caught.value.reason


async def test_who_is_refused_with_every_token_is_told(clock: ManualClock) -> None:
    refused = [answer(401, "UNAUTHENTICATED"), answer(401, "UNAUTHENTICATED")]

    with pytest.raises(NotificationsRefused, match="does not take the service account's token"):
        await pull(Server(refused), clock)


@pytest.mark.parametrize(
    ("status", "code"), [(429, "RESOURCE_EXHAUSTED"), (403, "RATE_LIMIT_EXCEEDED")]
)
async def test_a_quota_is_waited_for(clock: ManualClock, status: int, code: str) -> None:
    with pytest.raises(Throttled) as caught:
        await pull(Server([answer(status, code, **{"Retry-After": "7"})]), clock)

    assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "response",
    [
        answer(500, "INTERNAL"),
        answer(503, "UNAVAILABLE"),
        answer(502),
        httpx.Response(200, content=b"not json"),
        httpx.Response(200, json={"receivedMessages": [{"message": {}}]}),
        httpx.Response(200, json={"receivedMessages": "anna@acme.example"}),
        httpx.Response(200, json=[]),
    ],
)
async def test_what_is_no_answer_is_an_outage(clock: ManualClock, response: httpx.Response) -> None:
    with pytest.raises(Unavailable) as caught:
        await pull(Server([response]), clock)

    assert "@" not in caught.value.reason


async def test_a_message_of_any_kind_is_received(clock: ManualClock) -> None:
    odd = [{"ackId": "a"}, {"ackId": "b", "message": None}, {"ackId": "c", "message": [7]}]
    server = Server([httpx.Response(200, json={"receivedMessages": odd})])

    assert len(await pull(server, clock)) == 3


async def test_a_service_account_that_is_gone_is_a_failure_of_access(clock: ManualClock) -> None:
    server = Server([], grant=httpx.Response(400, json={"error": "invalid_grant"}))

    with pytest.raises(AccessFailed, match="invalid_grant"):
        await pull(server, clock)
