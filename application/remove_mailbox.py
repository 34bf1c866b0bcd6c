"""Stop serving a mailbox: end what the provider sends of it, and forget it."""

from contextlib import suppress
from dataclasses import dataclass

from postroom.application.ports import FolderSyncs, LanePauses, MailboxRegistry
from postroom.application.providers import Providers
from postroom.domain.failure import Failure


@dataclass(frozen=True, slots=True)
class RemoveMailbox:
    registry: MailboxRegistry
    folder_syncs: FolderSyncs
    providers: Providers
    queue: LanePauses

    async def __call__(self, tenant: str, mailbox_id: str) -> bool:
        """Remove it; False if there is none. What its mail has become stays.

        Jobs that are queued end in the dead letters, where they are seen.
        """
        with suppress(Failure):  # a subscription that is left expires, or is removed as an orphan
            await self._unsubscribe(tenant, mailbox_id)
        removed = await self.registry.remove(tenant, mailbox_id)
        if removed:
            await self.queue.resume(tenant, mailbox_id)
        return removed

    async def _unsubscribe(self, tenant: str, mailbox_id: str) -> None:
        mailbox = await self.registry.get(tenant, mailbox_id)
        if mailbox is None or self.providers.ingress.obstacle(mailbox.provider):
            return  # to end ours may end that of the system whose notifications they are now
        subscriptions = self.providers.serving(mailbox.provider).subscriptions
        for folder_sync in await self.folder_syncs.all(tenant=tenant, mailbox=mailbox_id):
            if subscriptions and folder_sync.subscription:
                await subscriptions.remove(mailbox, folder_sync.subscription.id)
