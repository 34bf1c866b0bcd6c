"""When Google's certificates are asked for, and what happens while they cannot be had."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.google import GooglePushVerifier
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from tests.adapters.push_rig import AUDIENCE, PUSHER, Google, google_rig

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def google(clock: ManualClock) -> AsyncIterator[Google]:
    async with google_rig(clock) as rig:
        yield rig


async def test_certificates_are_ours_an_hour(google: Google, clock: ManualClock) -> None:
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


async def test_without_certificates_nobody_is_called_a_forger(google: Google) -> None:
    google.away()

    with pytest.raises(Unavailable):
        await google.verify(google.token())


@pytest.mark.parametrize(
    "response",
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
    google: Google, clock: ManualClock, response: httpx.Response | Exception
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        verify = GooglePushVerifier(http, clock, audience=AUDIENCE)
        with pytest.raises(Unavailable):
            await verify(google.token())
