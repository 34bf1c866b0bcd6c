from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import Elsewhere, InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import Takeovers
from postroom.domain.mailbox import Mailbox
from postroom.domain.takeover import Takeover


class InMemoryTakeovers(Takeovers):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database
        self._registry = InMemoryMailboxRegistry(database)

    async def add(self, mailbox: Mailbox, takeover: Takeover, positions: Mapping[str, str]) -> None:
        await self._registry.add(mailbox)
        await self.record(mailbox.tenant, mailbox.id, takeover)
        async with self._database.transaction(mailbox.tenant) as tables:
            for folder, position in positions.items():
                row = tables.folder_syncs[mailbox.id, folder]
                moved = replace(row.folder_sync, position=position, position_at=mailbox.added_at)
                tables.folder_syncs[mailbox.id, folder] = replace(row, folder_sync=moved)

    async def record(self, tenant: str, mailbox_id: str, takeover: Takeover) -> None:
        async with self._database.transaction(tenant) as tables:
            tables.takeovers[mailbox_id] = takeover.since
            for source in takeover.sources:
                tables.handled.setdefault((mailbox_id, "source", source), source)
            for name, handled_at in takeover.handled.items():
                tables.elsewhere.setdefault((mailbox_id, name), Elsewhere(handled_at))

    async def since(self, tenant: str, mailbox_id: str) -> datetime | None:
        return self._database.read(tenant).takeovers.get(mailbox_id)
