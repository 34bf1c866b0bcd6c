"""When Google's certificates are asked for, and what happens while they cannot be had."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google import GooglePushVerifier
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.identity import signing_key
from tests.adapters.push_rig import AUDIENCE, PUSHER, SUBSCRIPTION, Google, google_rig

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def google(clock: ManualClock) -> AsyncIterator[Google]:
    async with google_rig(clock) as rig:
        yield rig


async def test_certificates_are_kept_for_an_hour(google: Google, clock: ManualClock) -> None:
    await google.verify(google.token())
    clock.advance(HOUR - timedelta(seconds=1))
    await google.verify(google.token())
    assert google.requests == 1
    clock.advance(timedelta(seconds=1))

    await google.verify(google.token())

    assert google.requests == 2


async def test_a_withdrawn_key_is_not_believed_for_longer_than_an_hour(
    google: Google, clock: ManualClock
) -> None:
    token = google.token()
    await google.verify(token)
    google.emulator.pubsub.rotate_key()
    clock.advance(HOUR)

    assert "unknown key" in await google.refusal_of(token)


async def test_a_new_key_is_believed_at_once(google: Google, clock: ManualClock) -> None:
    await google.verify(google.token())
    clock.advance(MINUTE)
    google.emulator.pubsub.rotate_key()

    assert await google.verify(google.token()) == PUSHER


async def test_a_flood_of_unknown_keys_costs_one_request_a_minute(
    google: Google, clock: ManualClock
) -> None:
    await google.verify(google.token())
    stranger = signing_key("a stranger")
    forged = google.emulator.pubsub.token(SUBSCRIPTION, key=stranger)
    for _ in range(3):
        clock.advance(MINUTE)
        await asyncio.gather(*(google.refusal_of(forged) for _ in range(20)))

    assert google.requests == 4


async def test_pushes_that_begin_together_ask_once_and_all_wait(google: Google) -> None:
    token = google.token()

    verified = await asyncio.gather(*(google.verify(token) for _ in range(20)))

    assert verified == [PUSHER] * 20
    assert google.requests == 1


async def test_without_certificates_nobody_is_called_a_forger(google: Google) -> None:
    google.away()

    with pytest.raises(Unavailable):
        await google.verify(google.token())


async def test_certificates_that_did_not_come_are_asked_for_again_soon(
    google: Google, clock: ManualClock
) -> None:
    google.away()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await google.verify(google.token())
    assert google.requests == 1
    clock.advance(timedelta(seconds=5))

    assert await google.verify(google.token()) == PUSHER


async def test_old_certificates_serve_while_there_are_no_new(
    google: Google, clock: ManualClock
) -> None:
    await google.verify(google.token())
    clock.advance(HOUR)
    google.away(times=9)

    for _ in range(3):
        assert await google.verify(google.token()) == PUSHER

    assert google.requests == 2


async def test_a_known_key_does_not_wait_for_someone_elses_request(clock: ManualClock) -> None:
    key = signing_key("push 1")
    hanging, asked = asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        if asked.is_set():
            hanging.set()
            await asyncio.Event().wait()
        asked.set()
        return httpx.Response(200, json={key.id: key.certificate})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        verify = GooglePushVerifier(http, clock, audience=AUDIENCE)
        emulator = GmailEmulator(http, clock)
        token = emulator.pubsub.token(SUBSCRIPTION)
        await verify(token)
        clock.advance(HOUR)
        waiting = asyncio.create_task(verify(token))
        await hanging.wait()

        verified = await asyncio.wait_for(verify(token), 5)
        waiting.cancel()

    assert verified == PUSHER


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<h1>Welcome to the hotel</h1>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"keys": [{"kid": "1", "n": "…"}]}),
        httpx.Response(200, content=b" " * 2**19),
        httpx.Response(302, headers={"Location": "https://elsewhere.test/"}),
        httpx.Response(404),
        httpx.ConnectError("refused"),
    ],
)
async def test_what_is_no_set_of_certificates_is_no_forgery(
    google: Google, clock: ManualClock, answer: httpx.Response | Exception
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        verify = GooglePushVerifier(http, clock, audience=AUDIENCE)
        with pytest.raises(Unavailable):
            await verify(google.token())
