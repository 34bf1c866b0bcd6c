"""DeviceSignIn: in memory, and Entra ID's, at the emulator's login."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from postroom.adapters.memory.device import InMemoryDeviceSignIn

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.account import (
    NOBODY_YET,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
)
from postroom.application.ports import DeviceCode, DeviceSignIn
from postroom.domain.account import Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.entrypoints.emulators.graph import CLIENT_ID, DIRECTORY
from tests.adapters.login_rig import PERSON, Login, login_rig

PORTS = {DeviceSignIn}

NOBODY = "00000000-0000-0000-0000-000000000000"
SECOND = timedelta(seconds=1)

ACCOUNT = MicrosoftAccount(
    directory=DIRECTORY, client_id=CLIENT_ID, credentials=NOBODY_YET, user="info@example.org"
)
SIGNED_IN = DelegatedAccess(Secret("refresh-token-1"), "object-1", PERSON)


class Stage(Protocol):
    """A sign-in under test, and what the person, and the login, make of the next code."""

    sign_in: DeviceSignIn

    @abstractmethod
    def sign_in_after(self, polls: int) -> None:
        """PERSON has not signed in yet at the first so many polls."""

    @abstractmethod
    def decline(self) -> None: ...

    @abstractmethod
    def throttle(self, wait: timedelta) -> None:
        """Want to be left alone for so long, the next time."""

    @abstractmethod
    def break_down_while_waiting(self) -> None:
        """Fail the next time; the code has been given out."""


class InMemory(Stage):
    def __init__(self, clock: ManualClock) -> None:
        self.sign_in = self._login = InMemoryDeviceSignIn(
            clock,
            waits=lambda account: account == ACCOUNT,
            signed_in=lambda _: replace(ACCOUNT, credentials=SIGNED_IN),
            knows=lambda account: account == ACCOUNT,
        )

    def sign_in_after(self, polls: int) -> None:
        self._login.responses.extend([None] * polls)

    def decline(self) -> None:
        self._login.responses.append(AccessFailed("they would not"))

    def throttle(self, wait: timedelta) -> None:
        self._login.failures.append(Throttled("busy", retry_after=wait))

    def break_down_while_waiting(self) -> None:
        self._login.responses.append(Unavailable("broken"))


class Entra(Stage):
    def __init__(self, login: Login) -> None:
        self.sign_in = login.device()
        self._graph = login.graph
        self._graph.expect_device(PERSON)

    def sign_in_after(self, polls: int) -> None:
        self._graph.expect_device(PERSON, *["authorization_pending"] * polls)

    def decline(self) -> None:
        self._graph.expect_device(PERSON, "authorization_declined")

    def throttle(self, wait: timedelta) -> None:
        self._graph.fail("login", status=429, retry_after=str(wait.seconds))

    def break_down_while_waiting(self) -> None:
        self._graph.fail("login", status=500)


@pytest.fixture(params=["memory", "entra"])
async def stage(
    request: pytest.FixtureRequest, clock: ManualClock, imap_certificate: Path
) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield InMemory(clock)
        return
    async with login_rig(clock, imap_certificate) as login:
        yield Entra(login)


async def signed_in(stage: Stage, code: DeviceCode | None = None) -> DelegatedAccess:
    code = code or await stage.sign_in.begin(ACCOUNT)
    account = await stage.sign_in.finish(ACCOUNT, code)
    assert isinstance(account, MicrosoftAccount)
    assert isinstance(account.credentials, DelegatedAccess)
    return account.credentials


# --- Who has to ---


async def test_an_account_needs_somebody_to_sign_in_until_they_have(stage: Stage) -> None:
    with_access = replace(ACCOUNT, credentials=await signed_in(stage))
    with_secret = replace(ACCOUNT, credentials=ClientSecret(Secret("secret")))

    assert stage.sign_in.is_needed(ACCOUNT)
    assert not stage.sign_in.is_needed(with_access)
    assert not stage.sign_in.is_needed(with_secret)


# --- The code -----------------------------------------------------------------------------------


async def test_a_code_says_all_that_a_person_must_know(stage: Stage, clock: ManualClock) -> None:
    code = await stage.sign_in.begin(ACCOUNT)

    assert code.verification_uri.startswith("https://")
    assert code.user_code
    assert SECOND <= code.interval < code.expires_at - clock.now()


async def test_each_code_is_another_and_its_secret_is_not_shown(stage: Stage) -> None:
    one, other = [await stage.sign_in.begin(ACCOUNT) for _ in range(2)]

    assert one.device_code != other.device_code
    assert one.device_code.value not in f"{one} {one!r}"
    assert one.user_code != one.device_code.value


@pytest.mark.parametrize(
    "account", [replace(ACCOUNT, client_id=NOBODY), replace(ACCOUNT, directory=NOBODY)]
)
async def test_what_the_login_does_not_know_gets_no_code(
    stage: Stage, account: MicrosoftAccount
) -> None:
    with pytest.raises(AccessFailed):
        await stage.sign_in.begin(account)


async def test_a_busy_login_says_how_long_to_wait_for_a_code(stage: Stage) -> None:
    stage.throttle(77 * SECOND)

    with pytest.raises(Throttled) as raised:
        await stage.sign_in.begin(ACCOUNT)

    assert raised.value.retry_after == 77 * SECOND
    await stage.sign_in.begin(ACCOUNT)


# --- The wait -----------------------------------------------------------------------------------


async def test_who_has_signed_in_is_noted_and_their_token_is_not_shown(stage: Stage) -> None:
    access = await signed_in(stage)

    assert access.principal_name == PERSON
    assert access.object_id
    assert access.refresh_token.value
    assert access.refresh_token.value not in repr(access)


@pytest.mark.parametrize("polls", [0, 1, 3])
async def test_the_login_is_left_alone_between_two_polls(
    stage: Stage, clock: ManualClock, polls: int
) -> None:
    stage.sign_in_after(polls)
    code, start = await stage.sign_in.begin(ACCOUNT), clock.now()

    await stage.sign_in.finish(ACCOUNT, code)

    assert clock.now() - start == polls * code.interval


async def test_a_person_who_refuses_ends_the_wait(stage: Stage, clock: ManualClock) -> None:
    stage.decline()
    code, start = await stage.sign_in.begin(ACCOUNT), clock.now()

    with pytest.raises(AccessFailed):
        await stage.sign_in.finish(ACCOUNT, code)

    assert clock.now() == start


async def test_a_person_who_is_late_is_not_waited_for(stage: Stage, clock: ManualClock) -> None:
    stage.sign_in_after(10)
    code, start = await stage.sign_in.begin(ACCOUNT), clock.now()

    with pytest.raises(AccessFailed):
        await stage.sign_in.finish(ACCOUNT, replace(code, expires_at=start + 5 * code.interval))

    assert 3 * code.interval <= clock.now() - start <= 5 * code.interval


async def test_a_login_that_is_away_does_not_end_the_wait(stage: Stage, clock: ManualClock) -> None:
    start = clock.now()
    code = await stage.sign_in.begin(ACCOUNT)
    stage.break_down_while_waiting()

    access = await signed_in(stage, code)

    assert access.principal_name == PERSON
    assert clock.now() - start >= code.interval
