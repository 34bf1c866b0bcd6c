from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from postroom.adapters.memory.database import InMemoryDatabase, Tables
from postroom.application.ports import IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from postroom.domain.takeover import may_be


class InMemoryIdempotencyLedger(IdempotencyLedger):
    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def once(
        self, mailbox: Mailbox, identity: MessageIdentity, received_at: datetime | None = None
    ) -> AsyncIterator[bool]:
        keys = {
            (mailbox.id, "source", identity.source),
            (mailbox.id, "message", identity.name, identity.digest),
        }
        async with self._database.ledger_block(mailbox.tenant, mailbox.id) as tables:
            is_new = tables.handled.keys().isdisjoint(keys)
            if is_new:
                tables.handled |= dict.fromkeys(keys, identity.name)
                is_new = not _was_elsewhere(tables, mailbox.id, identity, received_at)
            yield is_new

    async def handled(self, mailbox: Mailbox, source: str) -> str:
        async with self._database.transaction(mailbox.tenant) as tables:
            return tables.handled.get((mailbox.id, "source", source), "")


def _was_elsewhere(
    tables: Tables, mailbox: str, identity: MessageIdentity, received_at: datetime | None
) -> bool:
    if received_at is None:
        return False
    since, place = tables.takeovers.get(mailbox), (mailbox, identity.name)
    found = tables.elsewhere.get(place)
    is_listed = bool(found and not found.digest and may_be(received_at, found.handled_at))
    if found and is_listed:
        tables.elsewhere[place] = replace(found, digest=identity.digest)
    return is_listed or (since is not None and received_at < since)
