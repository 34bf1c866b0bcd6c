"""Trigger a sync: a notification has announced that a folder has changed, and does not say how.

A trigger makes the folder's sync due, durably, and that is all that it promises. So a hundred
notifications are one sync, and none can be missed by that: a run that began before the trigger is
followed by another. Where a notification says up to where the folder has changed, and a sync has
come there meanwhile, there is nothing left to do; and where the list lags, another is due soon in
any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from postroom.application.ingest_pointer import Ingest
from postroom.application.maintain_folder import LEASE, Maintain
from postroom.application.ports import Clock, FolderSyncs
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Expanded, Skipped
from postroom.domain.pointer import Pointer
from postroom.domain.sync_rules import LIST_LAG

NOT_SYNCED = "the folder is not synced"
"""It was taken off the mailbox's folders after a provider had announced something in it."""


@dataclass(frozen=True, slots=True)
class TriggerSync:
    folder_syncs: FolderSyncs
    maintain: Maintain
    ingest: Ingest
    clock: Clock

    async def __call__(self, mailbox: Mailbox, pointer: Pointer) -> Expanded | Skipped:
        """Have the folder that *pointer* announces synced; at once, if nobody is about to.

        What the sync fails of is the folder's, and not the notification's.
        """
        folder = pointer.changed_folder or ""
        stored = await self._stored(mailbox, folder)
        if stored is None:
            return Skipped(NOT_SYNCED)
        named = await self._ingest(mailbox, pointer.messages)
        await self._note(stored, pointer)
        if pointer.is_reached_by(stored.position):
            return Expanded(named)
        if stored.lag.is_waited_for(self.clock.now()):
            await self._request(mailbox, folder, after=LIST_LAG)
            return Expanded(named)
        await self._request(mailbox, folder)
        claimed = await self.folder_syncs.claim(
            mailbox.tenant, mailbox.id, folder, self.clock.now(), LEASE
        )
        if claimed is None:
            return Expanded(named)
        run = await self.maintain(claimed)
        return Expanded(named + (run.result.queued if run.result else 0))

    async def _note(self, stored: FolderSync, pointer: Pointer) -> None:
        """Of a notification whose mail a sync has found before, too: rule 6."""
        if number := pointer.changed_to:
            await self.folder_syncs.note_announced(
                stored.tenant, stored.mailbox, stored.folder, number, self.clock.now()
            )

    async def _ingest(self, mailbox: Mailbox, messages: Sequence[Pointer]) -> int:
        return len((await self.ingest(mailbox, messages)).new) if messages else 0

    async def _request(
        self, mailbox: Mailbox, folder: str, *, after: timedelta = timedelta()
    ) -> None:
        await self.folder_syncs.request(
            mailbox.tenant, mailbox.id, Request.CHANGED, self.clock.now() + after, folder=folder
        )

    async def _stored(self, mailbox: Mailbox, folder: str) -> FolderSync | None:
        found = await self.folder_syncs.all(tenant=mailbox.tenant, mailbox=mailbox.id)
        return next((each for each in found if each.folder == folder), None)
