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
        async with self._database.ledger_block(mailbox.tenant, mailbox.id) as tables:
            is_new = tables.handled.keys().isdisjoint(keys)
            if is_new:
                tables.handled |= dict.fromkeys(keys, identity.name)
            yield is_new

    async def handled(self, mailbox: Mailbox, source: str) -> str:
        async with self._database.transaction(mailbox.tenant) as tables:
            return tables.handled.get((mailbox.id, "source", source), "")
