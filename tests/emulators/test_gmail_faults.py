"""What the emulated Gmail can be made to do wrong: refusals, slow answers, and quota."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError
from postroom.entrypoints.emulators.gmail.quota import HEADER, Limit
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT
from postroom.entrypoints.emulators.loopback import serve
from tests.emulators.gmail_rig import MAIL, SUPPORT, Receiver, emulated

ME = "/gmail/v1/users/me"


@pytest.fixture
async def gmail(clock: ManualClock) -> AsyncIterator[GmailEmulator]:
    async with emulated(clock, Receiver()) as gmail:
        yield gmail


@pytest.fixture
async def http(gmail: GmailEmulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a person's access, over a socket."""
    async with serve(gmail.app) as url, httpx.AsyncClient(base_url=url) as http:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": gmail.consent(SUPPORT),
            "client_id": CLIENT.id,
            "client_secret": CLIENT.secret,
        }
        token = (await http.post("/token", data=form)).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def status(http: httpx.AsyncClient, path: str) -> int:
    return (await http.get(f"{ME}/{path}")).status_code


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [403, 404, 429, 500, 503])
async def test_the_answer_for_one_message_can_be_an_error(
    gmail: GmailEmulator, http: httpx.AsyncClient, wrong: int
) -> None:
    poisoned, other = gmail.deliver(SUPPORT, MAIL), gmail.deliver(SUPPORT, MAIL)
    gmail.fail(poisoned, GoogleError(wrong, "backendError"), times=2)

    answers = [await status(http, f"messages/{each}") for each in (other, poisoned, poisoned)]

    assert answers == [200, wrong, wrong]
    assert await status(http, f"messages/{poisoned}") == 200


async def test_every_third_call_can_fail(gmail: GmailEmulator, http: httpx.AsyncClient) -> None:
    gmail.fail("getProfile", GoogleError(503, "backendError"), times=2, every=3)

    answers = [await status(http, "profile") for _ in range(9)]

    assert answers == [200, 200, 503, 200, 200, 503, 200, 200, 200]


async def test_failing_can_be_stopped(gmail: GmailEmulator, http: httpx.AsyncClient) -> None:
    gmail.fail("getProfile", GoogleError(503, "backendError"), times=9)

    gmail.stop_failing()

    assert await status(http, "profile") == 200


# --- Slow answers -------------------------------------------------------------------------------


async def test_a_call_can_hang_until_it_is_released(
    gmail: GmailEmulator, http: httpx.AsyncClient
) -> None:
    gmail.hang("getProfile")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        hanging = group.create_task(status(http, "profile"))
        await gmail.hanging()
        assert not hanging.done()
        gmail.release()

    assert hanging.result() == 200


async def test_an_answer_can_come_byte_by_byte(
    gmail: GmailEmulator, http: httpx.AsyncClient
) -> None:
    gmail.drip("getProfile", 0)

    async with http.stream("GET", f"{ME}/profile") as answer:
        chunks = [chunk async for chunk in answer.aiter_raw()]

    assert json.loads(b"".join(chunks))["emailAddress"] == SUPPORT


async def test_a_connection_can_be_dropped_in_the_middle(
    gmail: GmailEmulator, http: httpx.AsyncClient
) -> None:
    gmail.cut("getProfile")

    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(f"{ME}/profile")

    assert await status(http, "profile") == 200


# --- Quota --------------------------------------------------------------------------------------


async def test_quota_is_counted_in_units_a_user_and_a_while(
    gmail: GmailEmulator, http: httpx.AsyncClient, clock: ManualClock
) -> None:
    message_id = gmail.deliver(SUPPORT, MAIL)
    gmail.quota.limit = Limit(units=6000, per=timedelta(minutes=1))

    answers = [await status(http, f"messages/{message_id}") for _ in range(301)]

    assert answers == [200] * 300 + [429]
    assert gmail.quota.refused == 1

    clock.advance(timedelta(minutes=1))

    assert await status(http, "profile") == 200


async def test_a_refusal_says_in_its_text_when_to_come_back(
    gmail: GmailEmulator, http: httpx.AsyncClient, clock: ManualClock
) -> None:
    gmail.quota.limit = Limit(
        units=0, per=timedelta(seconds=1.5), status=403, reason="userRateLimitExceeded"
    )

    refused = await http.get(f"{ME}/profile")

    back = clock.now() + timedelta(seconds=1.5)
    text = f"User-rate limit exceeded.  Retry after {back:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    assert refused.status_code == 403
    assert "Retry-After" not in refused.headers
    assert refused.json() == {
        "error": {
            "code": 403,
            "message": text,
            "errors": [
                {"message": text, "domain": "usageLimits", "reason": "userRateLimitExceeded"}
            ],
            "status": "PERMISSION_DENIED",
        }
    }


async def test_a_refusal_may_say_it_in_a_header(
    gmail: GmailEmulator, http: httpx.AsyncClient
) -> None:
    gmail.quota.limit = Limit(units=0, per=timedelta(seconds=1.5), says=HEADER)

    refused = await http.get(f"{ME}/profile")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert refused.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
