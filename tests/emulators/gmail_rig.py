"""What the tests of the emulated Gmail have in common."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build

from postroom.application.ports import Clock
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.access import MODIFY_MAIL, READ_MAIL, USE_PUBSUB

SUPPORT = "support@example.org"
END_POINT = "https://postroom.test/webhooks/google"
MAIL = b"From: anna@example.net\r\nSubject: Printer\r\n\r\n\xffIt is on fire.\r\n"

# What google-api-python-client makes of its discovery documents at run time.
Service = Any
Users = Any
Answer = Any


@dataclass
class Receiver:
    """Answers pushes with *statuses*, one after the other, and remembers what was pushed."""

    statuses: list[int] = field(default_factory=list)
    pushes: list[httpx.Request] = field(default_factory=list)
    _expected: tuple[int, asyncio.Event] | None = None

    def expect(self, pushes: int) -> asyncio.Event:
        """Set when so many have come."""
        self._expected = (pushes, asyncio.Event())
        return self._expected[1]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.pushes.append(request)
        if self._expected and len(self.pushes) == self._expected[0]:
            self._expected[1].set()
        return httpx.Response(self.statuses.pop(0) if self.statuses else 204)


@asynccontextmanager
async def emulated(clock: Clock, receiver: Receiver) -> AsyncIterator[GmailEmulator]:
    """A Gmail with one mailbox, whose pushes go to *receiver*."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http:
        gmail = GmailEmulator(http, clock)
        gmail.mailbox(SUPPORT)
        yield gmail


async def gmail_service(
    gmail: GmailEmulator,
    url: str,
    address: str = SUPPORT,
    scopes: Collection[str] = (READ_MAIL, MODIFY_MAIL),
) -> Service:
    """Google's client for the mailbox, by its own discovery document; close it."""
    return await _service(gmail, url, "gmail", scopes, address)


async def pubsub_service(gmail: GmailEmulator, url: str) -> Service:
    """Google's client of Pub/Sub, for the service account itself; close it."""
    return await _service(gmail, url, "pubsub", [USE_PUBSUB], None)


async def execute(request: Any) -> Answer:  # noqa: ANN401 - see Answer
    """The client blocks; the emulator needs the loop."""
    return await asyncio.to_thread(request.execute)


async def _service(
    gmail: GmailEmulator, url: str, name: str, scopes: Collection[str], subject: str | None
) -> Service:
    key = json.loads(gmail.service_account_key(url, scopes={READ_MAIL, MODIFY_MAIL, *scopes}))
    credentials = Credentials.from_service_account_info(key, scopes=scopes, subject=subject)  # type: ignore[no-untyped-call] # google-auth has no types
    return await asyncio.to_thread(
        build,
        name,
        "v1",
        credentials=credentials,
        static_discovery=True,
        client_options={"api_endpoint": url},
    )
