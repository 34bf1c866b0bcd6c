"""The test driver for receiving: a mailbox that is kept, and hands to lose its notifications."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.ports import Arrival
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.sync_folder import SyncFolder
from postroom.domain.failure import AccessFailed
from postroom.domain.folder_sync import FolderSync, SyncIntervals
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from postroom.domain.subscription import Subscription
from tests.features.providers import Request
from tests.features.service import Service, mail

LEASE = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
REVOKED = AccessFailed("Graph answered 403 ErrorAccessDenied")


@dataclass
class Receiving:
    """A Microsoft mailbox that Postroom is to keep receiving, once `begin` has added it."""

    service: Service
    mailbox: Mailbox = field(init=False)
    changes: InMemoryChanges = field(default_factory=InMemoryChanges)

    def __post_init__(self) -> None:
        rig = self.service.rig
        self.clock = rig.clock
        self.subscriptions = InMemorySubscriptions(rig.clock)
        self.keep = MaintainFolder(
            registry=rig.registry,
            folder_syncs=rig.folder_syncs,
            subscriptions=self.subscriptions,
            reconcile=SyncFolder(
                self.changes, rig.cursors, rig.outcomes, self.service.ingest, rig.clock
            ),
            access=self.service.access,
            clock=rig.clock,
            intervals=SyncIntervals(),
        )
        self.remove = RemoveMailbox(
            rig.registry, rig.folder_syncs, self.subscriptions, self.service.queue
        )
        self.mailbox = self.service.mailbox("Microsoft", self.service.tenant, id_="kept")

    async def begin(self) -> None:
        await self.service.rig.registry.add(self.mailbox)

    # --- The provider ---

    def arrive(self, *, ago: timedelta = timedelta()) -> Pointer:
        """A message comes in; the provider announces it only if `notify` is called."""
        pointer = self.service.deliver(self.mailbox, mail())
        assert isinstance(pointer, MicrosoftPointer)
        listed = Arrival(MicrosoftPointer("", pointer.message_id), self.clock.now() - ago)
        self.changes.deliver(self.mailbox, listed)
        return pointer

    async def notify(self, pointer: Pointer) -> int:
        """Returns the HTTP status that the provider gets for an answer."""
        assert isinstance(pointer, MicrosoftPointer)
        data = {"changeType": "created", "resourceData": {"id": pointer.message_id}}
        return await self._send("/webhooks/microsoft", data)

    async def say(self, event: str, *, genuine: bool = True) -> int:
        """A lifecycle notification."""
        data = {"lifecycleEvent": event}
        return await self._send("/webhooks/microsoft/lifecycle", data, genuine=genuine)

    async def _send(self, path: str, data: dict[str, Any], *, genuine: bool = True) -> int:
        subscription = await self.subscription()
        assert subscription, "the provider sends no notifications"
        secret = self.subscriptions.shown[subscription.id] if genuine else "a guess"
        item = {"subscriptionId": subscription.id, "clientState": secret, **data}
        return await self.service.send(Request(path, json.dumps({"value": [item]}).encode(), {}))

    def lock(self) -> None:
        self.service.messages.failures.extend([REVOKED] * 10_000)
        self.changes.break_down(self.mailbox, REVOKED)

    def unlock(self) -> None:
        self.service.messages.failures.clear()
        self.changes.mend(self.mailbox)

    # --- Postroom ---

    async def look_after(self) -> None:
        """All rounds that are due, and those that they make due."""
        folder_syncs = self.service.rig.folder_syncs
        while due := await folder_syncs.claim_due(self.clock.now(), 10, LEASE):
            for folder_sync in due:
                await self.keep(folder_sync)

    async def look_after_twice_at_once(self) -> None:
        await asyncio.gather(self.look_after(), self.look_after())

    async def pass_time(self, duration: timedelta, *, handling: bool = False) -> None:
        """Let it pass, with everything done when it is due, to the minute."""
        end = self.clock.now() + duration
        await self._work(handling=handling)
        while self.clock.now() < end:
            self.clock.advance(min(MINUTE, end - self.clock.now()))
            await self._work(handling=handling)

    async def _work(self, *, handling: bool) -> None:
        await self.look_after()
        if handling:
            await self.service.handle_waiting()

    # --- Looking ---

    async def folder_sync(self) -> FolderSync:
        rig, mailbox = self.service.rig, self.mailbox
        (found,) = await rig.folder_syncs.all(tenant=mailbox.tenant, mailbox=mailbox.id)
        return found

    async def subscription(self) -> Subscription | None:
        """That under which the provider sends notifications now."""
        live = await self.subscriptions.ids(self.mailbox)
        found = (await self.folder_sync()).subscription
        return found if found and found.id in live else None

    async def stored(self) -> Mailbox:
        found = await self.service.rig.registry.get(self.mailbox.tenant, self.mailbox.id)
        assert found
        return found
