from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.application.ports import IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox


class InMemoryIdempotencyLedger(IdempotencyLedger):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        keys = {
            (mailbox.id, "source", identity.source),
            (mailbox.id, "message", identity.name, identity.digest),
        }
        async with self._database.ledger_block(mailbox.tenant) as tables:
            is_new = tables.handled.isdisjoint(keys)
            if is_new:
                tables.handled |= keys
            yield is_new
