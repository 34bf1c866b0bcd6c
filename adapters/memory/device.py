"""A login that a test, in the place of a person, signs in to."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.ports import Clock, DeviceCode, DeviceSignIn
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed, Failure

LIFETIME = timedelta(minutes=15)
INTERVAL = timedelta(seconds=5)


@dataclass
class InMemoryDeviceSignIn(DeviceSignIn):
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

    async def begin(self, account: Account) -> DeviceCode:
        if self.failures:
            raise self.failures.popleft()
        if not self.knows(account):
            raise AccessFailed("there is no such application")
        return DeviceCode(
            verification_uri="https://login.example/device",
            user_code=secrets.token_hex(4).upper(),
            device_code=Secret(secrets.token_hex()),
            interval=INTERVAL,
            expires_at=self.clock.now() + LIFETIME,
        )

    async def finish(self, account: Account, code: DeviceCode) -> Account:
        while self.responses:
            if isinstance(response := self.responses.popleft(), AccessFailed):
                raise response
            if self.clock.now() + code.interval >= code.expires_at:
                raise AccessFailed("nobody has signed in with the code in time")
            await self.clock.sleep(code.interval)
        return self.signed_in(account)
