"""End subscriptions that send notifications to us, and that no folder sync knows: nobody would
renew them.

They are left where a crash fell between a subscription and the record of it, or where a mailbox was
removed while its provider was away. In shadow none is an orphan: it may be another system's.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.application.ports import FolderSyncs, MailboxRegistry, Subscriptions
from postroom.application.providers import Providers
from postroom.domain.failure import AccessFailed, Failure
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class _Opener:
    """A mailbox whose credentials show subscriptions, perhaps of many others."""

    mailbox: Mailbox
    subscriptions: Subscriptions


@dataclass(slots=True)
class RemoveOrphans:
    """One that is unknown may be about to be recorded, and so is ended only at the next sweep."""

    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    providers: Providers
    _suspected: frozenset[str] = field(default=frozenset(), init=False)

    async def __call__(self) -> int:
        """Sweep through all mailboxes; returns how many were ended. Raises Unavailable."""
        folder_syncs = await self.folder_syncs.all()
        ours = {each.subscription.id for each in folder_syncs if each.subscription}
        seen: dict[str, _Opener] = {}
        for opener in await self._openers(folder_syncs):
            seen |= dict.fromkeys(await self._listed(opener), opener)
        unknown = seen.keys() - ours
        ended = 0
        for subscription_id in unknown & self._suspected:
            ended += await self._end(seen[subscription_id], subscription_id)
        self._suspected = frozenset(unknown)
        return ended

    async def _openers(self, folder_syncs: Sequence[FolderSync]) -> Iterable[_Opener]:
        """One for each sign-in, for which all that it shows is listed once."""
        openers: dict[object, _Opener] = {}
        for tenant, mailbox_id in {(each.tenant, each.mailbox): None for each in folder_syncs}:
            with suppress(AccessFailed):  # `MaintainFolder` reports a key that is missing as well
                mailbox = await self.registry.get(tenant, mailbox_id)
                if mailbox is None or mailbox.paused:
                    continue
                if self.providers.ingress.obstacle(mailbox.provider):
                    continue
                if subscriptions := self.providers.serving(mailbox.provider).subscriptions:
                    opener = _Opener(mailbox, subscriptions)
                    openers.setdefault((mailbox.provider, mailbox.account.sign_in_key), opener)
        return openers.values()

    async def _listed(self, opener: _Opener) -> Sequence[str]:
        try:
            return await opener.subscriptions.ids(opener.mailbox)
        except Failure:
            return []  # what is wrong there, `MaintainFolder` finds out

    async def _end(self, opener: _Opener, subscription_id: str) -> bool:
        try:
            await opener.subscriptions.remove(opener.mailbox, subscription_id)
        except Failure:
            return False
        return True
