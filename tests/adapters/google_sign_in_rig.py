"""People who sign in to the emulated Google, in a browser on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx

from postroom.adapters.google import GmailClient
from postroom.adapters.google.account import GoogleAccount, PersonalAccess
from postroom.adapters.google.person_sign_in import LIFETIME, GoogleSignIn
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.domain.account import Account, Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT
from tests.adapters.gmail_rig import SUPPORT, URL, gmail_rig
from tests.threads import sign_ins

CONSENT_URL, TOKEN_URL = f"{URL}/o/oauth2/v2/auth", f"{URL}/token"


@dataclass
class GoogleLogin:
    gmail: GmailEmulator
    http: httpx.AsyncClient
    clock: ManualClock
    registry: InMemoryMailboxRegistry = field(
        default_factory=lambda: InMemoryMailboxRegistry(InMemoryDatabase())
    )

    def sign_in(self, *, lifetime: timedelta = LIFETIME) -> GoogleSignIn:
        return GoogleSignIn(self.http, self.clock, CONSENT_URL, TOKEN_URL, lifetime)

    def client(self, *, stored: bool = True) -> GmailClient:
        """Of one worker; what is not *stored* is tried."""
        return GmailClient(
            self.http,
            self.clock,
            sign_ins(self.clock),
            URL,
            registry=self.registry if stored else None,
            token_url=TOKEN_URL,
        )

    def mailbox(
        self, *, address: str = SUPPORT, client_secret: str = CLIENT.secret, token: str = ""
    ) -> Mailbox:
        self.gmail.mailbox(address)
        return Mailbox(
            tenant="acme",
            id="support",
            address=address,
            account=GoogleAccount(
                person=PersonalAccess(CLIENT.id, Secret(client_secret), Secret(token)),
                pubsub_subscription="projects/project/subscriptions/gmail",
                push_service_account="pusher@project.iam.gserviceaccount.com",
            ),
            added_at=datetime(2029, 1, 1, tzinfo=UTC),
        )

    def consented(self, address: str = SUPPORT) -> Mailbox:
        """A mailbox whose user has signed in."""
        return self.mailbox(address=address, token=self.gmail.consent(address))

    async def redirect(self, uri: str) -> str:
        """Where the browser is sent once the person has answered."""
        response = await self.http.get(uri, follow_redirects=False)
        assert response.is_redirect, response.text
        return response.headers["Location"]

    async def browse(self, uri: str) -> int:
        """The person answers, and the browser asks for the address that it is sent to."""
        async with httpx.AsyncClient() as browser:
            return (await browser.get(await self.redirect(uri))).status_code

    @staticmethod
    def token_of(account: Account) -> str:
        assert isinstance(account, GoogleAccount)
        assert account.person
        return account.person.refresh_token.value


@asynccontextmanager
async def google_login(clock: ManualClock) -> AsyncIterator[GoogleLogin]:
    async with gmail_rig(clock) as rig, httpx.AsyncClient(transport=rig.line) as http:
        yield GoogleLogin(rig.gmail, http, clock)


def with_token(mailbox: Mailbox, token: str) -> Mailbox:
    account = mailbox.account
    assert isinstance(account, GoogleAccount)
    assert account.person
    person = replace(account.person, refresh_token=Secret(token))
    return replace(mailbox, account=replace(account, person=person))
