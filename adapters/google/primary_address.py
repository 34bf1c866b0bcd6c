"""Keeps the address that Gmail itself states of a mailbox, since that is what notifications name.

A mailbox may be added under an alias, and a user may be given another name: `getProfile` goes by
either, and states the primary address.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.changes import GmailChanges
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.responses import Profile
from postroom.application.ports import ChangesPage, Clock, MailboxRegistry
from postroom.domain.failure import Failure
from postroom.domain.mailbox import InvalidMailbox, Mailbox

GOOD_FOR = timedelta(hours=1)
"""How long it is not asked for again: a request costs one unit of a quota of thousands a minute."""


@dataclass(frozen=True, slots=True)
class PrimaryAddresses:
    """Those of the mailboxes in *registry*; *_stated_at* says when each was last stated."""

    gmail: GmailClient
    registry: MailboxRegistry
    clock: Clock
    _stated_at: dict[tuple[str, str], datetime] = field(default_factory=dict)

    async def refresh(self, mailbox: Mailbox) -> None:
        """Store what Gmail states, if that is new. What that fails of, a sync fails of, too.

        A mailbox whose notifications another one has, of the same user, stays as it is: what it is
        not notified of, it misses, and so it is polled.
        """
        account, key = mailbox.account, (mailbox.tenant, mailbox.id)
        if not isinstance(account, GoogleAccount):
            return
        now, stated_at = self.clock.now(), self._stated_at.get(key)
        if account.primary_address and stated_at and now < stated_at + GOOD_FOR:
            return
        try:
            stated = (await self.gmail.get(mailbox, "profile", Profile)).email_address
            if stated and stated != account.primary_address:
                renamed = replace(account, primary_address=stated)
                if not await self.registry.replace_account(mailbox, renamed):
                    return  # it is another by now: the next sync asks again
        except (Failure, InvalidMailbox):
            return
        self._stated_at[key] = now


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedChanges(GmailChanges):
    """Whenever changes are listed, the primary address is refreshed."""

    addresses: PrimaryAddresses

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        await self.addresses.refresh(mailbox)
        return await GmailChanges.position(self, mailbox, folder)

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        await self.addresses.refresh(mailbox)
        async for page in GmailChanges.since(self, mailbox, folder, position):
            yield page
