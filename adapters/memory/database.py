"""What the ledger, the helpdesk, the outcomes, the registry and the other stores share.

A transaction works on a copy of its tenant's tables, and what it has changed there is stored when
it succeeds. Ledger blocks are one at a time for each mailbox, and for each tenant from the moment
on that they have opened a ticket, whose number nobody else may get: as in PostgreSQL.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import count
from typing import Any

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.adapters.memory.handover_row import HandoverRow, Standing
from postroom.adapters.memory.witness_row import WitnessRow
from postroom.application.ports import Canary, Clock, OutcomeRecord
from postroom.domain.events.event import Stored
from postroom.domain.handover.application import Application
from postroom.domain.helpdesk.ticket import Ticket
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another system has handled; the message with that *digest*, once it has come to us."""

    handled_at: datetime
    digest: str = ""


@dataclass(slots=True)
class Tables:
    """All rows of one tenant; values are immutable, so a shallow copy of each table is a copy."""

    handled: dict[tuple[str, ...], str] = field(default_factory=dict)
    outcomes: list[OutcomeRecord] = field(default_factory=list)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    folder_syncs: dict[tuple[str, str], FolderSyncRow] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    takeovers: dict[str, datetime] = field(default_factory=dict)
    elsewhere: dict[tuple[str, str], Elsewhere] = field(default_factory=dict)
    handovers: dict[tuple[str, str], HandoverRow] = field(default_factory=dict)
    handover_numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    application_routes: dict[str, str] = field(default_factory=dict)
    events: dict[str, Stored] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(*(copy(getattr(self, table.name)) for table in fields(self)))

    def changed(self, before: "Tables", after: "Tables") -> "Tables":
        """These tables, with what somebody has made of *before*: *after*."""
        if self is before:
            return after
        names = [table.name for table in fields(self)]
        return Tables(
            *(_changed(*(getattr(each, name) for each in (self, before, after))) for name in names)
        )


def _changed(now: Any, before: Any, after: Any) -> Any:  # noqa: ANN401 - a table of either kind
    match after:
        case set():
            return now | (after - before)
        case list():
            return [*now, *after[len(before) :]]
        case _:
            removed = before.keys() - after.keys()
            set_ = {key: row for key, row in after.items() if before.get(key) is not row}
            return {key: row for key, row in now.items() if key not in removed} | set_


@dataclass(slots=True)
class _Block:
    """A ledger block that is open in this task, and in the tasks that it started.

    *locks* are what it holds to its end, the tenant's counter of tickets among them once it has
    *numbered* one.
    """

    database: "InMemoryDatabase"
    tenant: str
    tables: Tables
    locks: AsyncExitStack
    is_open: bool = True
    numbered: bool = False


_block: ContextVar[_Block | None] = ContextVar("in_memory_ledger_block", default=None)


class InMemoryDatabase:
    """*witness* belongs to no tenant; nor do *canaries*, each with when its process was seen.

    *clock* has the time of what it notes by itself.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or ManualClock()
        self._tenants: defaultdict[str, Tables] = defaultdict(Tables)
        self._mailboxes: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._counters: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._versions = count(1)
        self.witness = WitnessRow()
        self.canaries: dict[tuple[str, int], tuple[Canary, datetime]] = {}

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Tables]:
        """Tables of *tenant* to write to: those of the ledger block, if one is open."""
        if block := self._open_block():
            if block.tenant != tenant:
                raise RuntimeError("another tenant's transaction was asked for in a ledger block")
            yield block.tables
        else:
            before = self._tenants[tenant]
            tables = before.copy()
            yield tables
            self._tenants[tenant] = self._tenants[tenant].changed(before, tables)

    @asynccontextmanager
    async def ledger_block(self, tenant: str, mailbox_id: str) -> AsyncIterator[Tables]:
        """A transaction of *tenant* that others in this task join while it is open."""
        self._refuse_in_block()
        async with AsyncExitStack() as locks:
            await locks.enter_async_context(self._mailboxes[tenant, mailbox_id])
            async with self.transaction(tenant) as tables:
                block = _Block(self, tenant, tables, locks)
                token = _block.set(block)
                try:
                    yield tables
                finally:
                    block.is_open = False
                    _block.reset(token)

    async def next_number(self, tenant: str) -> int:
        """Of a ticket. Nobody else of the tenant gets one before the open ledger block ends."""
        if (block := self._open_block()) and not block.numbered:
            await block.locks.enter_async_context(self._counters[tenant])
            block.numbered = True
        stored, ours = self._tenants[tenant], self.read(tenant)
        return len({*stored.tickets, *stored.merged, *ours.tickets, *ours.merged}) + 1

    def read(self, tenant: str) -> Tables:
        """What has been committed of *tenant*, or what the open ledger block has made of it."""
        if block := self._open_block():
            if block.tenant != tenant:
                raise RuntimeError("another tenant's tables were asked for in a ledger block")
            return block.tables
        return self._tenants[tenant]

    def across_tenants(self) -> Sequence[Tables]:
        """What has been committed of each tenant, by name: only to find out whose a thing is."""
        self._refuse_in_block()
        return [tables for _, tables in sorted(self._tenants.items())]

    @property
    def installation(self) -> Tables:
        """What belongs to no tenant, as it was committed: any tenant may read it."""
        return self._tenants[""]

    def next_version(self) -> int:
        """Greater than all before it, so that no row is taken for one that was removed."""
        return next(self._versions)

    @property
    def in_ledger_block(self) -> bool:
        return self._open_block() is not None

    def _open_block(self) -> _Block | None:
        block = _block.get()
        return block if block and block.is_open and block.database is self else None

    def _refuse_in_block(self) -> None:
        if self._open_block():
            raise RuntimeError("a second transaction was asked for in a ledger block")
