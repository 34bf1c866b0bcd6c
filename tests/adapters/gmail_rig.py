"""What the tests of the Google adapter have in common: an emulated Gmail, and a client of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from postroom.adapters.google import GmailClient
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.application.ports import Clock
from postroom.domain.account import Secret
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GmailEmulator
from tests.adapters.line import Line
from tests.threads import sign_ins

URL = "https://gmail.test"
SUPPORT = "support@example.org"
MAIL = b"From: anna@example.net\r\nSubject: Printer\r\n\r\nIt is on fire.\r\n"


@dataclass(frozen=True)
class Rig:
    gmail: GmailEmulator
    client: GmailClient
    line: Line

    def mailbox(self, address: str = SUPPORT, name: str = "support") -> Mailbox:
        self.gmail.mailbox(address)
        return Mailbox(
            tenant="acme",
            id=name,
            address=address,
            account=GoogleAccount(
                service_account=Secret(self.gmail.service_account_key(URL)),
                pubsub_subscription="projects/project/subscriptions/gmail",
                push_service_account="pusher@project.iam.gserviceaccount.com",
            ),
            added_at=datetime(2029, 1, 1, tzinfo=UTC),
        )


@asynccontextmanager
async def gmail_rig(clock: Clock) -> AsyncIterator[Rig]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(_nobody)) as nobody:
        gmail = GmailEmulator(nobody, clock)
        line = Line(gmail.transport())
        async with httpx.AsyncClient(transport=line) as http:
            yield Rig(gmail, GmailClient(http, clock, sign_ins(clock), URL), line)


def _nobody(_: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is pushed in these tests")


@asynccontextmanager
async def responding(
    clock: Clock, respond: Callable[[httpx.Request], httpx.Response]
) -> AsyncIterator[GmailClient]:
    """A client of a Gmail that gives tokens, and to all else what *respond* gives."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        return respond(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        yield GmailClient(http, clock, sign_ins(clock), URL)


def pointer(message_id: str, address: str = SUPPORT) -> GooglePointer:
    return GooglePointer(history_id=1, address=address, message_ids=(message_id,))


def with_key(mailbox: Mailbox, key: str) -> Mailbox:
    assert isinstance(mailbox.account, GoogleAccount)
    return replace(mailbox, account=replace(mailbox.account, service_account=Secret(key)))


def logged(failure: Failure) -> str:
    """All that a log with a traceback would show of *failure*."""
    texts: list[str] = []
    error: BaseException | None = failure
    while error:
        texts.append(f"{error!s} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)
