"""A login that a test, in the place of a person, signs in to."""

import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.application.ports import Clock, DeviceCode, DeviceSignIn
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.mailbox import DelegatedAccess, Secret

LIFETIME = timedelta(minutes=15)
INTERVAL = timedelta(seconds=5)


@dataclass
class InMemoryDeviceSignIn(DeviceSignIn):
    """Knows the *applications*, by directory and client id.

    Whoever asks whether the *person* has signed in gets the *responses* first: None is not yet, a
    failure says why not. *failures* are raised one a beginning.
    """

    clock: Clock
    applications: frozenset[tuple[str, str]]
    person: str = "clerk@example.org"
    responses: deque[Failure | None] = field(default_factory=deque)
    failures: deque[Failure] = field(default_factory=deque)

    async def begin(self, directory: str, client_id: str) -> DeviceCode:
        if self.failures:
            raise self.failures.popleft()
        if (directory, client_id) not in self.applications:
            raise AccessFailed("there is no such application")
        return DeviceCode(
            directory=directory,
            client_id=client_id,
            verification_uri="https://login.example/device",
            user_code=secrets.token_hex(4).upper(),
            device_code=Secret(secrets.token_hex()),
            interval=INTERVAL,
            expires_at=self.clock.now() + LIFETIME,
        )

    async def finish(self, code: DeviceCode) -> DelegatedAccess:
        while self.responses:
            if isinstance(response := self.responses.popleft(), AccessFailed):
                raise response
            if self.clock.now() + code.interval >= code.expires_at:
                raise AccessFailed("nobody has signed in with the code in time")
            await self.clock.sleep(code.interval)
        return DelegatedAccess(Secret(secrets.token_hex()), f"id of {self.person}", self.person)
