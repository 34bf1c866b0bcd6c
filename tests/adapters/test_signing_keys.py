"""When Entra ID's keys are asked for, and what happens while they cannot be had."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.notification_tokens import GraphNotificationTokenVerifier
from postroom.adapters.microsoft.signing_keys import DEADLINE, FRESH, LIMIT
from postroom.domain.failure import Unavailable
from tests.adapters.notification_token_rig import APPLICATION, LOGIN, Entra, published

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
async def entra(clock: ManualClock) -> AsyncIterator[Entra]:
    rig = Entra(clock)
    async with rig.http:
        yield rig


async def test_keys_are_kept_for_a_day(entra: Entra, clock: ManualClock) -> None:
    await entra.verify(entra.token())
    clock.advance(FRESH - SECOND)
    await entra.verify(entra.token())
    assert entra.requests == 1
    clock.advance(SECOND)

    await entra.verify(entra.token())

    assert entra.requests == 2


async def test_a_withdrawn_key_is_not_believed_for_longer_than_a_day(
    entra: Entra, clock: ManualClock
) -> None:
    await entra.verify(entra.token())
    entra.keys = [published("k2")]
    clock.advance(FRESH)

    assert "unknown key" in await entra.refusal_of(entra.token())


async def test_a_new_key_is_believed_at_once(entra: Entra, clock: ManualClock) -> None:
    await entra.verify(entra.token())
    clock.advance(MINUTE)
    entra.keys = [published("k2")]

    assert await entra.verify(entra.token(key="k2", kid="k2")) == APPLICATION


async def test_a_flood_of_unknown_keys_costs_one_request_a_minute(
    entra: Entra, clock: ManualClock
) -> None:
    await entra.verify(entra.token())
    forged = entra.token(key="a stranger's", kid="unknown")
    for _ in range(3):
        clock.advance(MINUTE)
        await asyncio.gather(*(entra.refusal_of(forged) for _ in range(20)))

    assert entra.requests == 4


async def test_notices_that_come_together_ask_once_and_all_wait(entra: Entra) -> None:
    token = entra.token()

    verified = await asyncio.gather(*(entra.verify(token) for _ in range(20)))

    assert verified == [APPLICATION] * 20
    assert entra.requests == 1


async def test_without_keys_nobody_is_called_a_forger(entra: Entra) -> None:
    entra.answers = [httpx.Response(503)]

    with pytest.raises(Unavailable):
        await entra.verify(entra.token())


async def test_keys_that_did_not_come_are_asked_for_again_soon(
    entra: Entra, clock: ManualClock
) -> None:
    entra.answers = [httpx.Response(503)]
    for _ in range(3):
        with pytest.raises(Unavailable):
            await entra.verify(entra.token())
    assert entra.requests == 1
    clock.advance(timedelta(seconds=5))

    assert await entra.verify(entra.token()) == APPLICATION


async def test_old_keys_serve_while_there_are_no_new(entra: Entra, clock: ManualClock) -> None:
    await entra.verify(entra.token())
    clock.advance(FRESH)
    entra.answers = [httpx.Response(503)]

    for _ in range(3):
        assert await entra.verify(entra.token()) == APPLICATION

    assert entra.requests == 2


async def test_a_known_key_does_not_wait_for_someone_elses_request(
    entra: Entra, clock: ManualClock
) -> None:
    hanging, asked = asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        if asked.is_set():
            hanging.set()
            await asyncio.Event().wait()
        asked.set()
        return httpx.Response(200, json={"keys": entra.keys})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        verify = GraphNotificationTokenVerifier(http, clock, login_url=LOGIN)
        await verify(entra.token())
        clock.advance(FRESH)
        waiting = asyncio.create_task(verify(entra.token()))
        await hanging.wait()

        verified = await asyncio.wait_for(verify(entra.token()), DEADLINE.total_seconds() / 2)
        waiting.cancel()

    assert verified == APPLICATION


async def test_keys_of_other_kinds_beside_ours_do_no_harm(entra: Entra) -> None:
    entra.keys = [
        {},
        {"kty": "EC", "crv": "P-521", "kid": "k1", "x": "AA", "y": "AA"},
        {"kty": "oct", "kid": "k1", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "k0", "n": "?", "e": 7},
        published("k1"),
        published("k1", "of encryption", use="enc"),
    ]

    assert await entra.verify(entra.token()) == APPLICATION


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(entra: Entra) -> None:
    keys = json.dumps({"keys": entra.keys}).encode()
    entra.answers = [httpx.Response(200, content=keys + b" " * LIMIT)]

    with pytest.raises(Unavailable, match="more than"):
        await entra.verify(entra.token())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<h1>Welcome to the hotel</h1>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"keys": []}),
        httpx.Response(200, json={"keys": [{"kid": "k1", "n": "…"}]}),
        httpx.Response(302, headers={"Location": "https://elsewhere.test/"}),
        httpx.Response(404),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
async def test_what_is_no_set_of_keys_is_no_forgery(
    entra: Entra, answer: httpx.Response | Exception
) -> None:
    entra.answers = [answer]

    with pytest.raises(Unavailable):
        await entra.verify(entra.token())
