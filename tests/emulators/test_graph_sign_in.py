"""The emulator's login beyond client credentials, against the shapes that Microsoft documents.

That msal gets along with it is shown in tests/adapters.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.emulators.graph import CLIENT_ID, DIRECTORY
from postroom.entrypoints.emulators.graph.directory import DEVICE_CODE
from tests.emulators.graph_rig import USER, Rig, graph_rig

SCOPE = "https://graph.microsoft.com/Mail.Read offline_access"


@pytest.fixture
async def rig(clock: ManualClock) -> AsyncIterator[Rig]:
    async with graph_rig(clock) as rig:
        yield rig


async def posted(rig: Rig, endpoint: str, **form: str) -> httpx.Response:
    return await rig.http.post(
        f"/{DIRECTORY}/oauth2/v2.0/{endpoint}", data={"client_id": CLIENT_ID, **form}
    )


async def begun(rig: Rig, scope: str = SCOPE) -> str:
    return str((await posted(rig, "devicecode", scope=scope)).json()["device_code"])


async def polled(rig: Rig, code: str) -> httpx.Response:
    return await posted(rig, "token", grant_type=DEVICE_CODE, device_code=code)


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_a_device_flow_begins_with_a_code_for_the_person_and_one_for_us(rig: Rig) -> None:
    answer = (await posted(rig, "devicecode", scope=SCOPE)).json()

    assert (answer["expires_in"], answer["interval"]) == (900, 5)
    assert answer["user_code"] in answer["message"]
    assert answer["verification_uri"] in answer["message"]
    assert len(answer["device_code"]) > 100


async def test_a_device_code_is_good_once(rig: Rig) -> None:
    rig.graph.expect_device(USER, "authorization_pending")
    code = await begun(rig)

    pending, granted, again = [await polled(rig, code) for _ in range(3)]

    assert error(pending) == (400, "authorization_pending")
    assert rig.graph.accepts(granted.json()["access_token"])
    assert granted.json()["scope"] == SCOPE
    assert error(again) == (400, "bad_verification_code")


async def test_a_device_code_ends_after_a_quarter_of_an_hour(rig: Rig, clock: ManualClock) -> None:
    code = await begun(rig)
    clock.advance(timedelta(minutes=15))

    assert error(await polled(rig, code)) == (400, "expired_token")


async def test_without_offline_access_there_is_no_refresh_token(rig: Rig) -> None:
    granted = await polled(rig, await begun(rig, scope="Mail.Read"))

    assert "refresh_token" not in granted.json()


async def test_a_refresh_token_is_replaced_and_the_old_one_goes_on(rig: Rig) -> None:
    first = rig.graph.consent(USER)
    form = {"grant_type": "refresh_token", "refresh_token": first, "scope": SCOPE}

    answers = [(await posted(rig, "token", **form)).json() for _ in range(2)]

    assert len({first, *(answer["refresh_token"] for answer in answers)}) == 3


async def test_a_refresh_token_is_of_no_use_to_another_application(rig: Rig) -> None:
    rig.graph.register(DIRECTORY, "another", "secret")
    form = {"grant_type": "refresh_token", "refresh_token": rig.graph.consent(USER)}

    answer = await posted(rig, "token", client_id="another", **form)

    assert error(answer) == (400, "invalid_grant")


async def test_an_assertion_is_of_no_use_where_no_certificate_is_known(rig: Rig) -> None:
    answer = await posted(
        rig,
        "token",
        grant_type="client_credentials",
        scope="https://graph.microsoft.com/.default",
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion="a.b.c",
    )

    assert error(answer) == (401, "invalid_client")
