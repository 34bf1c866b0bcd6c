"""Access to mailboxes: as a service account that acts for the user, or as a person has allowed.

https://developers.google.com/identity/protocols/oauth2/service-account (domain-wide delegation) and
https://developers.google.com/identity/protocols/oauth2/native-app (a person's refresh token).
"""

import asyncio
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx

from postroom.adapters.google.account import GoogleAccount, PersonalAccess, google_account
from postroom.adapters.google.credentials import TOKEN_URL, SignInCredentials, token_host
from postroom.adapters.google.token_transport import TokenTransport
from postroom.adapters.http.exchange import of_source
from postroom.adapters.http.sign_ins import SignIns
from postroom.application.ports import Clock, MailboxRegistry
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox

DEADLINE = timedelta(seconds=30)
"""Of a sign-in, with its wait for a thread."""

TRIES = 5
"""Something else of an account may be stored at any moment, but not one moment after the other."""


@dataclass(slots=True)
class _Entry:
    """Where a mailbox's token is cached; the *lock* makes requests for it take turns."""

    credentials: SignInCredentials | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class AccessTokens:
    """Caches each mailbox's token until shortly before it expires; one refresh at a time for each.

    google-auth blocks while it reads a key, signs and asks, so it does all that in a thread. Where
    a person's refresh token is replaced, that is stored in the *registry*, for all workers. Without
    one a mailbox is opened as it is given, and nothing is stored: to try it.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        sign_ins: SignIns,
        registry: MailboxRegistry | None = None,
        token_url: str = TOKEN_URL,
    ) -> None:
        self._http = http
        self._clock = clock
        self._sign_ins = sign_ins
        self._registry = registry
        self._token_url = token_url
        self._own: defaultdict[tuple[str, str], _Entry] = defaultdict(_Entry)
        self._entries: defaultdict[tuple[str, str], _Entry] = defaultdict(_Entry)

    def host(self, account: GoogleAccount) -> str:
        """What signs *account* in."""
        return token_host(account, self._token_url)

    async def get(self, mailbox: Mailbox, *, rejected: str = "") -> str:
        """A token for *mailbox*, and not the one that Gmail has *rejected*.

        Raises AccessFailed, Throttled, Unavailable.
        """
        account = google_account(mailbox)
        entry = self._entries[mailbox.tenant, mailbox.id]
        async with entry.lock:
            credentials = entry.credentials
            is_ours = credentials and credentials.are_of(account, mailbox.address)
            if credentials and is_ours and credentials.token not in ("", rejected):
                return credentials.token
            entry.credentials, token = await self._signed_in(mailbox, credentials)
            return token

    async def of_itself(self, account: GoogleAccount, scope: str, *, rejected: str = "") -> str:
        """The same for the service account of *account*, which acts for nobody."""
        entry = self._own[account.service_account.value, scope]
        async with entry.lock:
            credentials = entry.credentials or SignInCredentials(account, "", scope=scope)
            entry.credentials = credentials
            if (token := credentials.token) and token != rejected:
                return token
            return await self._refreshed(credentials)

    def renewed(self, mailbox: Mailbox) -> GoogleAccount:
        """The account of *mailbox*, with its refresh token as it is since it was used."""
        account = google_account(mailbox)
        credentials = self._entries[mailbox.tenant, mailbox.id].credentials
        if credentials and credentials.are_of(account, mailbox.address):
            return replace(account, person=credentials.account.person)
        return account

    async def _signed_in(
        self, mailbox: Mailbox, before: SignInCredentials | None
    ) -> tuple[SignInCredentials, str]:
        """New credentials unless those *before* are still the mailbox's; and a new token."""
        stored = await self._stored(mailbox)
        account = google_account(stored)
        if before and before.are_of(account, stored.address):
            credentials = before
        else:
            credentials = SignInCredentials(account, stored.address, self._token_url)
        token = await self._refreshed(credentials)
        await self._store(stored, credentials)
        return credentials, token

    async def _refreshed(self, credentials: SignInCredentials) -> str:
        """A new token."""
        transport = TokenTransport(self._http, self._clock, asyncio.get_running_loop())
        with of_source(self.host(credentials.account)):
            return await self._sign_ins.run(
                _application(credentials.account),
                lambda: credentials.refresh(transport),
                peer="the token endpoint",
                deadline=DEADLINE,
            )

    async def _stored(self, mailbox: Mailbox) -> Mailbox:
        """Another worker may have stored another refresh token since *mailbox* was read."""
        if not self._registry or not google_account(mailbox).person:
            return mailbox
        stored = await self._registry.get(mailbox.tenant, mailbox.id)
        return stored if stored and isinstance(stored.account, GoogleAccount) else mailbox

    async def _store(self, mailbox: Mailbox, credentials: SignInCredentials) -> None:
        """Google may have ended the old refresh token with its use: lose the new one to nobody.

        Where another worker has stored one meanwhile, or a person has signed in again, that stays.
        """
        new, used = Secret(credentials.refresh_token), google_account(mailbox).person
        if used is None or not new.value or new == used.refresh_token:
            return
        person = replace(used, refresh_token=new)
        credentials.account = replace(google_account(mailbox), person=person)
        if self._registry:
            await self._store_in(self._registry, mailbox, used, person)

    async def _store_in(
        self,
        registry: MailboxRegistry,
        mailbox: Mailbox,
        used: PersonalAccess,
        person: PersonalAccess,
    ) -> None:
        for _ in range(TRIES):
            account = google_account(mailbox)
            if account.person != used:
                return
            if await registry.replace_account(mailbox, replace(account, person=person)):
                return
            mailbox = await self._stored(mailbox)


def _application(account: GoogleAccount) -> Hashable:
    """What signs in."""
    return account.person.client_id if account.person else account.service_account.value
