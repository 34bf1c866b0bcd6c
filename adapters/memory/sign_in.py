"""A login that a test, in the place of a person, signs in to."""

import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.ports import (
    Clock,
    OptionValue,
    PendingSignIn,
    SignIn,
    SignInPrompt,
)
from postroom.domain.account import Account
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import Mailbox

LIFETIME = timedelta(minutes=15)
INTERVAL = timedelta(seconds=5)


@dataclass
class InMemorySignIn(SignIn):
    """Makes *signed_in* of the accounts that *waits* says are of no use before, and *knows*.

    Each poll, whether the person has signed in, takes one of *responses* first: None is not yet, a
    failure says why not. *failures* are raised one a beginning.
    """

    clock: Clock
    waits: Callable[[Account], bool]
    signed_in: Callable[[Account], Account]
    knows: Callable[[Account], bool] = lambda _: True
    responses: deque[Failure | None] = field(default_factory=deque)
    failures: deque[Failure] = field(default_factory=deque)

    def is_needed(self, account: Account) -> bool:
        return self.waits(account)

    @asynccontextmanager
    async def open(
        self,
        mailbox: Mailbox,
        values: Mapping[str, OptionValue],  # noqa: ARG002 - there is one way
    ) -> AsyncIterator[PendingSignIn]:
        if self.failures:
            raise self.failures.popleft()
        if not self.knows(mailbox.account):
            raise AccessFailed("there is no such application")
        prompt = SignInPrompt(
            uri="https://login.example/device",
            user_code=secrets.token_hex(4).upper(),
            expires_at=self.clock.now() + LIFETIME,
        )
        yield _Pending(self, mailbox.account, prompt)


@dataclass(frozen=True, slots=True)
class _Pending(PendingSignIn):
    login: InMemorySignIn
    account: Account
    prompt: SignInPrompt

    async def finish(self, pasted: str = "") -> Account:  # noqa: ARG002 - nothing is pasted here
        clock, responses = self.login.clock, self.login.responses
        while responses:
            if isinstance(response := responses.popleft(), AccessFailed):
                raise response
            if clock.now() + INTERVAL >= self.prompt.expires_at:
                raise AccessFailed("nobody has signed in in time")
            await clock.sleep(INTERVAL)
        return self.login.signed_in(self.account)
