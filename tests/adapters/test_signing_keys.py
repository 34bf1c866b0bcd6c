"""When Entra ID's keys are asked for, and what happens while they cannot be had."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.signing_keys import FRESH, MAX_BYTES
from postroom.domain.failure import Unavailable
from tests.adapters.notification_token_rig import APPLICATION, Entra, published

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
async def entra(clock: ManualClock) -> AsyncIterator[Entra]:
    rig = Entra(clock)
    async with rig.http:
        yield rig


async def test_keys_are_ours_a_day(entra: Entra, clock: ManualClock) -> None:
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


async def test_without_keys_nobody_is_called_a_forger(entra: Entra) -> None:
    entra.responses = [httpx.Response(503)]

    with pytest.raises(Unavailable):
        await entra.verify(entra.token())


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
    entra.responses = [httpx.Response(200, content=keys + b" " * MAX_BYTES)]

    with pytest.raises(Unavailable, match="more than"):
        await entra.verify(entra.token())


@pytest.mark.parametrize(
    "response",
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
    entra: Entra, response: httpx.Response | Exception
) -> None:
    entra.responses = [response]

    with pytest.raises(Unavailable):
        await entra.verify(entra.token())
