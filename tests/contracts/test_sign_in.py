"""SignIn: in memory; Entra ID's, by device code; Google's, by a browser that ends at a port."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.sign_in import InMemorySignIn
from postroom.adapters.microsoft.account import NOBODY_YET, DelegatedAccess
from postroom.application.ports import PendingSignIn, SignIn, SignInPrompt
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed, Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail.wire import GrantError
from tests.adapters.google_sign_in_rig import GoogleLogin, google_login
from tests.adapters.graph_rig import ACCOUNT, a_mailbox
from tests.adapters.login_rig import PERSON, Login, login_rig

PORTS = {PendingSignIn, SignIn}

NOBODY = "00000000-0000-0000-0000-000000000000"

MICROSOFT = a_mailbox(account=replace(ACCOUNT, credentials=NOBODY_YET))
SIGNED_IN = DelegatedAccess(Secret("refresh-token-1"), "object-1", PERSON)


class Stage(Protocol):
    """A sign-in under test, and what the person, and the login, make of the next prompt.

    The *mailbox* waits for a person; that of *stranger* is one that the login has no client for.
    """

    sign_in: SignIn
    mailbox: Mailbox
    stranger: Mailbox

    @abstractmethod
    async def answer(self, prompt: SignInPrompt) -> None:
        """The person signs in, or refuses to."""

    @abstractmethod
    def decline(self) -> None:
        """The next prompt will be answered by no."""

    @abstractmethod
    def lose_patience(self) -> None:
        """Nobody will answer the next prompt, and it is given up soon."""

    @abstractmethod
    def break_down_while_waiting(self) -> None:
        """Fail the next time; the prompt has been given out."""

    @abstractmethod
    def token_of(self, account: Account) -> str: ...


class InMemory(Stage):
    mailbox = MICROSOFT
    stranger = a_mailbox(account=replace(ACCOUNT, credentials=NOBODY_YET, client_id=NOBODY))

    def __init__(self, clock: ManualClock) -> None:
        self.sign_in = self._login = InMemorySignIn(
            clock,
            waits=lambda account: account == MICROSOFT.account,
            signed_in=lambda _: replace(ACCOUNT, credentials=SIGNED_IN),
            knows=lambda account: account == MICROSOFT.account,
        )

    async def answer(self, prompt: SignInPrompt) -> None:
        pass

    def decline(self) -> None:
        self._login.responses.append(AccessFailed("they would not"))

    def lose_patience(self) -> None:
        self._login.responses.extend([None] * 1000)

    def break_down_while_waiting(self) -> None:
        self._login.responses.append(Unavailable("broken"))

    def token_of(self, account: Account) -> str:
        return _entra_token(account)


class Entra(Stage):
    mailbox = MICROSOFT
    stranger = InMemory.stranger

    def __init__(self, login: Login) -> None:
        self.sign_in = login.device()
        self._graph = login.graph
        self._graph.expect_device(PERSON)

    async def answer(self, prompt: SignInPrompt) -> None:
        pass

    def decline(self) -> None:
        self._graph.expect_device(PERSON, "authorization_declined")

    def lose_patience(self) -> None:
        self._graph.expect_device(PERSON, *["authorization_pending"] * 1000)

    def break_down_while_waiting(self) -> None:
        self._graph.fail("login", status=500)

    def token_of(self, account: Account) -> str:
        return _entra_token(account)


@dataclass
class Google(Stage):
    login: GoogleLogin

    def __post_init__(self) -> None:
        self.sign_in = self.login.sign_in()
        self.mailbox = self.login.mailbox()
        self.stranger = self.login.mailbox(client_secret="another")

    async def answer(self, prompt: SignInPrompt) -> None:
        assert await self.login.browse(prompt.uri) == 200

    def decline(self) -> None:
        self.login.gmail.deny_consent()

    def lose_patience(self) -> None:
        self.sign_in = self.login.sign_in(lifetime=timedelta(milliseconds=50))

    def break_down_while_waiting(self) -> None:
        self.login.gmail.fail("token", GrantError(500, "internal_failure", ""))

    def token_of(self, account: Account) -> str:
        return self.login.token_of(account)


def _entra_token(account: Account) -> str:
    credentials = getattr(account, "credentials", None)
    assert isinstance(credentials, DelegatedAccess)
    return credentials.refresh_token.value


@pytest.fixture(params=["memory", "entra", "google"])
async def stage(
    request: pytest.FixtureRequest, clock: ManualClock, imap_certificate: Path
) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield InMemory(clock)
    elif request.param == "entra":
        async with login_rig(clock, imap_certificate) as login:
            yield Entra(login)
    else:
        async with google_login(clock) as google:
            yield Google(google)


async def signed_in(stage: Stage) -> Account:
    async with stage.sign_in.open(stage.mailbox, {}) as pending:
        await stage.answer(pending.prompt)
        return await pending.finish()


async def test_an_account_needs_somebody_to_sign_in_until_they_have(stage: Stage) -> None:
    assert stage.sign_in.is_needed(stage.mailbox.account)

    assert not stage.sign_in.is_needed(await signed_in(stage))


async def test_a_prompt_says_all_that_a_person_must_know(stage: Stage, clock: ManualClock) -> None:
    async with stage.sign_in.open(stage.mailbox, {}) as pending:
        assert pending.prompt.uri.startswith("https://")
        assert timedelta(minutes=1) < pending.prompt.expires_at - clock.now()
        assert not pending.prompt.is_pasted


async def test_each_sign_in_is_another(stage: Stage) -> None:
    shown = []
    for _ in range(2):
        async with stage.sign_in.open(stage.mailbox, {}) as pending:
            await stage.answer(pending.prompt)
            await pending.finish()
            shown.append(pending.prompt.uri + pending.prompt.user_code)

    assert len(set(shown)) == 2 or isinstance(stage, Entra)  # whose emulator has one code


async def test_a_token_is_shown_nowhere(stage: Stage) -> None:
    account = await signed_in(stage)

    assert stage.token_of(account)
    assert stage.token_of(account) not in f"{account} {account!r}"


async def test_what_the_login_has_no_client_for_is_refused(stage: Stage) -> None:
    async def sign_in() -> None:
        async with stage.sign_in.open(stage.stranger, {}) as pending:
            await stage.answer(pending.prompt)
            await pending.finish()

    with pytest.raises(AccessFailed):
        await sign_in()


async def test_a_person_who_refuses_ends_the_wait(stage: Stage, clock: ManualClock) -> None:
    start = clock.now()
    stage.decline()
    async with stage.sign_in.open(stage.mailbox, {}) as pending:
        await stage.answer(pending.prompt)
        with pytest.raises(AccessFailed):
            await pending.finish()

    assert clock.now() == start


async def test_a_person_who_does_not_come_is_not_waited_for(stage: Stage) -> None:
    stage.lose_patience()
    async with stage.sign_in.open(stage.mailbox, {}) as pending:
        with pytest.raises(AccessFailed, match="in time"):
            await pending.finish()


async def test_a_login_that_is_away_does_not_end_the_wait(stage: Stage, clock: ManualClock) -> None:
    start = clock.now()
    async with stage.sign_in.open(stage.mailbox, {}) as pending:
        await stage.answer(pending.prompt)
        stage.break_down_while_waiting()

        account = await pending.finish()

    assert stage.token_of(account)
    assert clock.now() > start
