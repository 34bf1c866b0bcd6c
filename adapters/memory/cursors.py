from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import Clock, Cursor, Cursors
from postroom.domain.mailbox import Mailbox


class InMemoryCursors(Cursors):
    def __init__(self, database: InMemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self, mailbox: Mailbox, name: str) -> Cursor | None:
        return self._database.read(mailbox.tenant).cursors.get((mailbox.id, name))

    async def advance(self, mailbox: Mailbox, name: str, *, before: str | None, after: str) -> bool:
        key = (mailbox.id, name)
        async with self._database.transaction(mailbox.tenant) as tables:
            current = tables.cursors.get(key)
            if before != (current.position if current else None):
                return False
            tables.cursors[key] = Cursor(after, self._clock.now())
            return True
