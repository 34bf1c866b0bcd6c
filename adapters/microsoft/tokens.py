"""Access tokens for Graph: of the application itself (app-only), or of a person (delegated).

Rule 1: a token is kept until shortly before it expires, and however many fetches want a new one at
a time, one request is made for it.
Rule 2: one token serves all mailboxes of an application that signs in as itself. A person's serves
their mailbox alone.
Rule 3: a refresh token that comes with a person's access token takes the place of the old one in
the registry, for all workers, before the access token is used.
Rule 4: what a token opens is settled when it is made. So a mailbox whose access has failed gets one
that is younger: a consent that was given since would not show in the old one for an hour.
"""

import asyncio
from abc import abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from postroom.adapters.microsoft.account import (
    DelegatedAccess,
    MicrosoftAccount,
    microsoft_account,
)
from postroom.adapters.microsoft.entra import EntraId, Grant
from postroom.application.ports import Clock, MailboxRegistry
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox

MARGIN = timedelta(minutes=5)
"""A token this close to its end is not used any more: clocks differ, and calls take time."""


class AccessTokens(Protocol):
    """Where a call to Graph gets its bearer token."""

    @abstractmethod
    async def get(self, mailbox: Mailbox, *, rejected: str = "") -> str:
        """A valid access token for the Microsoft *mailbox*, and not the *rejected* one.

        Raises AccessFailed, Throttled, Unavailable.
        """


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    made_at: datetime
    good_until: datetime

    def is_good(self, mailbox: Mailbox, now: datetime) -> bool:
        failed_at = mailbox.access.last_at
        return now < self.good_until and (failed_at is None or failed_at < self.made_at)


@dataclass(slots=True)
class _Entry:
    """Where a token is cached; the *lock* makes requests for it take turns."""

    token: _Token | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class EntraTokens(AccessTokens):
    """Tokens that Entra ID gives for the credentials of a mailbox.

    Without a *registry* a mailbox is opened as it is given, and nothing is written back: to try it.
    """

    def __init__(self, entra: EntraId, registry: MailboxRegistry | None, clock: Clock) -> None:
        self._entra = entra
        self._registry = registry
        self._clock = clock
        self._cache: defaultdict[object, _Entry] = defaultdict(_Entry)

    async def get(self, mailbox: Mailbox, *, rejected: str = "") -> str:
        account = microsoft_account(mailbox)
        entry = self._cache[_cache_key(mailbox, account)]
        async with entry.lock:
            token, now = entry.token, self._clock.now()
            if not token or token.value == rejected or not token.is_good(mailbox, now):
                grant = await self._sign_in(mailbox, account)
                token = _Token(grant.access_token, now, now + grant.expires_in - MARGIN)
                entry.token = token
            return token.value

    async def _sign_in(self, mailbox: Mailbox, account: MicrosoftAccount) -> Grant:
        match account.credentials:
            case DelegatedAccess():
                # Another worker may have kept another refresh token since the mailbox was read.
                stored = self._registry and await self._registry.get(mailbox.tenant, mailbox.id)
                return await self._refresh(stored or mailbox)
            case credentials:
                return await self._entra.as_itself(
                    account.directory, account.client_id, credentials
                )

    async def _refresh(self, mailbox: Mailbox) -> Grant:
        account = microsoft_account(mailbox)
        match account.credentials:
            case DelegatedAccess(refresh_token=old) as access:
                grant = await self._entra.refreshed(account.directory, account.client_id, old)
                new = Secret(grant.refresh_token)
                if self._registry and new.value and new != old:
                    # If that comes too late, another worker's is kept, which is as good. Should we
                    # die before it is kept, the old one is good for as long as it was: Entra ID
                    # revokes none for its use (learn.microsoft.com/entra/identity-platform/
                    # refresh-tokens).
                    renewed = replace(access, refresh_token=new)
                    await self._registry.replace_account(
                        mailbox, replace(account, credentials=renewed)
                    )
                return grant
            case _:
                return await self._sign_in(mailbox, account)


def _cache_key(mailbox: Mailbox, account: MicrosoftAccount) -> object:
    """Whoever shares a token (rule 2) shares the key."""
    match account.credentials:
        case DelegatedAccess():
            return mailbox.tenant, mailbox.id
        case credentials:
            return account.directory, account.client_id, credentials
