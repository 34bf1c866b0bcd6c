"""End subscriptions that send notifications to us, and that no folder_sync knows: nobody would
renew them.

They are left where a crash fell between a subscription and the record of it, or where a mailbox was
removed while its provider was away.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.application.ports import FolderSyncs, MailboxRegistry, Subscriptions
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox, sign_in_of


@dataclass(slots=True)
class RemoveOrphans:
    """One that is unknown may be about to be recorded, and so is ended only at the next sweep."""

    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    subscriptions: Subscriptions
    _suspected: frozenset[str] = field(default=frozenset(), init=False)

    async def __call__(self) -> int:
        """Sweep through all mailboxes; returns how many were ended. Raises Unavailable."""
        folder_syncs = await self.folder_syncs.all()
        ours = {each.subscription.id for each in folder_syncs if each.subscription}
        seen: dict[str, Mailbox] = {}
        for mailbox in await self._openers(folder_syncs):
            seen |= dict.fromkeys(await self._listed(mailbox), mailbox)
        unknown = seen.keys() - ours
        ended = 0
        for subscription_id in unknown & self._suspected:
            ended += await self._end(seen[subscription_id], subscription_id)
        self._suspected = frozenset(unknown)
        return ended

    async def _openers(self, folder_syncs: Sequence[FolderSync]) -> Collection[Mailbox]:
        """One mailbox of each sign-in, for which all that it shows is listed once."""
        openers: dict[object, Mailbox] = {}
        for tenant, mailbox_id in {(each.tenant, each.mailbox): None for each in folder_syncs}:
            with suppress(AccessFailed):  # a key that is missing is told of by the keeper as well
                mailbox = await self.registry.get(tenant, mailbox_id)
                if mailbox and not mailbox.paused:
                    openers.setdefault(sign_in_of(mailbox.account), mailbox)
        return openers.values()

    async def _listed(self, mailbox: Mailbox) -> list[str]:
        try:
            return list(await self.subscriptions.ids(mailbox))
        except Failure:
            return []  # what is wrong there, `MaintainFolder` finds out and tells

    async def _end(self, mailbox: Mailbox, subscription_id: str) -> bool:
        try:
            await self.subscriptions.remove(mailbox, subscription_id)
        except Failure:
            return False
        return True
