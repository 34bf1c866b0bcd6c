"""What the tests of the push verifier have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from postroom.adapters.google import GooglePushVerifier
from postroom.application.ports import Clock, Unauthenticated
from postroom.entrypoints.emulators.gmail import GmailEmulator, GoogleError, PushSubscription
from tests.adapters.gmail_rig import URL

AUDIENCE = "https://postroom.test/webhooks/google"
PUSHER = "pusher@project.iam.gserviceaccount.com"
SUBSCRIPTION = PushSubscription(endpoint=AUDIENCE, identity=PUSHER)


@dataclass
class Google:
    emulator: GmailEmulator
    verify: GooglePushVerifier

    def token(self, **claims: object) -> str:
        return self.emulator.pubsub.token(SUBSCRIPTION, claims)

    @property
    def requests(self) -> int:
        """For certificates."""
        return self.emulator.calls["certs"]

    def away(self, *, times: int = 1) -> None:
        self.emulator.fail("certs", GoogleError(503, "backendError"), times=times)

    async def refusal_of(self, token: str) -> str:
        """Why *token* is refused; neither the reason nor a traceback shows the token."""
        with pytest.raises(Unauthenticated) as caught:
            await self.verify(token)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert not token or token not in str(caught.value)
        return str(caught.value)


@asynccontextmanager
async def google_rig(clock: Clock) -> AsyncIterator[Google]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(_no_push)) as nobody:
        emulator = GmailEmulator(nobody, clock)
        async with httpx.AsyncClient(transport=emulator.transport()) as http:
            certs_url = f"{URL}/oauth2/v1/certs"
            verify = GooglePushVerifier(http, clock, audience=AUDIENCE, certs_url=certs_url)
            yield Google(emulator, verify)


def _no_push(_: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is pushed in these tests")
