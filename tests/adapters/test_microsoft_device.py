"""The device code flow: a person signs in elsewhere, and we ask now and then."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import (
    NOBODY_YET,
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftCredentials,
)
from postroom.adapters.microsoft.device import DeviceCode, EntraDeviceSignIn
from postroom.adapters.microsoft.entra import EntraId
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.entrypoints.emulators.graph.wire import guid
from tests.adapters.graph_rig import ACCOUNT, USER, a_mailbox
from tests.adapters.login_rig import PERSON, Login
from tests.threads import sign_ins

SECOND = timedelta(seconds=1)
UNOPENED = replace(ACCOUNT, credentials=NOBODY_YET)


async def begun(login: Login, *answers: str) -> DeviceCode:
    login.graph.expect_device(PERSON, *answers)
    return await login.device().begin(UNOPENED)


@pytest.mark.parametrize(
    ("credentials", "is_needed"),
    [
        (NOBODY_YET, True),
        (DelegatedAccess(Secret("r")), False),
        (ClientSecret(Secret("s")), False),
        (ClientCertificate(Secret("PEM")), False),
    ],
)
async def test_a_person_is_needed_where_there_is_no_refresh_token_yet(
    login: Login, credentials: MicrosoftCredentials, *, is_needed: bool
) -> None:
    account = replace(ACCOUNT, credentials=credentials)

    assert login.device().is_needed(account) is is_needed


async def test_a_person_is_told_where_to_enter_which_code(login: Login) -> None:
    code = await begun(login)

    assert (code.verification_uri, code.user_code) == (
        "https://login.microsoft.com/device",
        "A1B2C3D4E",
    )
    assert code.expires_at - login.clock.now() == timedelta(minutes=15)
    assert code.interval == 5 * SECOND
    assert code.device_code.value not in repr(code)


async def test_when_the_person_has_signed_in_their_mailboxes_are_open(login: Login) -> None:
    account = await login.device().finish(UNOPENED, await begun(login))

    assert account == replace(UNOPENED, credentials=account.credentials)
    assert isinstance(account.credentials, DelegatedAccess)
    assert login.graph.accepts(await login.tokens().get(a_mailbox(account=account)))


async def test_who_has_signed_in_is_noted(login: Login) -> None:
    account = await login.device().finish(UNOPENED, await begun(login))

    access = account.credentials
    assert isinstance(access, DelegatedAccess)
    assert access.principal_name == PERSON
    assert access.object_id == guid(PERSON)
    assert access.is_of(PERSON)
    assert not access.is_of(USER)


async def test_it_asks_again_at_an_interval_until_the_person_has_signed_in(login: Login) -> None:
    code, start = await begun(login, *["authorization_pending"] * 3), login.clock.now()

    await login.device().finish(UNOPENED, code)

    assert login.graph.device_polls == 4
    assert login.clock.now() - start == 3 * code.interval


async def test_it_slows_down_when_it_is_asked_to(login: Login) -> None:
    code, start = await begun(login, "slow_down", "authorization_pending"), login.clock.now()

    await login.device().finish(UNOPENED, code)

    assert login.clock.now() - start == 20 * SECOND


@pytest.mark.parametrize(("status", "retry_after", "wait"), [(503, "60", 60), (500, "", 10)])
async def test_a_login_in_trouble_does_not_end_it(
    login: Login, status: int, retry_after: str, wait: int
) -> None:
    code, start = await begun(login), login.clock.now()
    login.graph.fail("login", status=status, retry_after=retry_after)

    await login.device().finish(UNOPENED, code)

    assert login.clock.now() - start == wait * SECOND


@pytest.mark.parametrize("error", ["authorization_declined", "expired_token"])
async def test_a_person_who_refuses_or_is_late_ends_it(login: Login, error: str) -> None:
    code = await begun(login, "authorization_pending", error)

    with pytest.raises(AccessFailed, match=f"sign-in answered 400 {error} AADSTS"):
        await login.device().finish(UNOPENED, code)


async def test_it_is_given_up_when_the_code_has_expired(login: Login) -> None:
    code, start = await begun(login, *["authorization_pending"] * 100), login.clock.now()

    with pytest.raises(AccessFailed, match="nobody has signed in with the code in time"):
        await login.device().finish(UNOPENED, replace(code, expires_at=start + 30 * SECOND))

    assert login.graph.device_polls == 6
    assert login.clock.now() - start == 25 * SECOND


async def test_it_can_be_interrupted(login: Login) -> None:
    code = await begun(login)
    login.graph.stall("login")
    waiting = asyncio.create_task(login.device().finish(UNOPENED, code))
    await login.graph.stalled()

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    login.graph.release()


async def test_an_unknown_application_is_told_at_once(login: Login) -> None:
    with pytest.raises(AccessFailed, match="400 unauthorized_client AADSTS700016"):
        await login.device().begin(replace(UNOPENED, client_id="nobody"))


@pytest.mark.parametrize(
    "flow", [b"{}", b"<html>", b'{"device_code": "s3cret", "user_code": "A", "expires_in": 900}']
)
async def test_nonsense_from_the_login_is_unavailable_and_not_repeated(
    clock: ManualClock, flow: bytes
) -> None:
    metadata = (
        b'{"token_endpoint": "https://login/t", "authorization_endpoint": "https://login/a",'
        b' "device_authorization_endpoint": "https://login/d"}'
    )

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=metadata if request.method == "GET" else flow)

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        device = EntraDeviceSignIn(EntraId(http, clock, sign_ins(clock)), clock)

        with pytest.raises(Unavailable) as raised:
            await device.begin(UNOPENED)

    assert "s3cret" not in repr(raised.value)
