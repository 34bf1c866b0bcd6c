"""What the ledger, the helpdesk, the outcomes, the registry and the folder syncs share.

A transaction works on a copy of its tenant's tables, which takes the place of the tables when it
succeeds. They are one at a time for each tenant; PostgreSQL lets two mailboxes go on side by side.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field, fields
from itertools import count

from postroom.adapters.memory.folder_sync_row import FolderSyncRow
from postroom.adapters.memory.witness_row import WitnessRow
from postroom.application.ports import OutcomeRecord
from postroom.domain.helpdesk.ticket import Ticket
from postroom.domain.mailbox import Mailbox


@dataclass(slots=True)
class Tables:
    """All rows of one tenant; values are immutable, so a shallow copy of each table is a copy."""

    handled: dict[tuple[str, ...], str] = field(default_factory=dict)
    outcomes: list[OutcomeRecord] = field(default_factory=list)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    folder_syncs: dict[tuple[str, str], FolderSyncRow] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(*(copy(getattr(self, table.name)) for table in fields(self)))


@dataclass(slots=True)
class _Block:
    """A ledger block that is open in this task, and in the tasks that it started."""

    database: "InMemoryDatabase"
    tenant: str
    tables: Tables
    is_open: bool = True


_block: ContextVar[_Block | None] = ContextVar("in_memory_ledger_block", default=None)


class InMemoryDatabase:
    """*witness* belongs to no tenant."""

    def __init__(self) -> None:
        self._tenants: defaultdict[str, Tables] = defaultdict(Tables)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._versions = count(1)
        self.witness = WitnessRow()

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Tables]:
        """Tables of *tenant* to write to: those of the ledger block, if one is open."""
        if block := self._open_block():
            if block.tenant != tenant:
                raise RuntimeError("another tenant's transaction was asked for in a ledger block")
            yield block.tables
        else:
            async with self._locks[tenant]:
                tables = self._tenants[tenant].copy()
                yield tables
                self._tenants[tenant] = tables

    @asynccontextmanager
    async def ledger_block(self, tenant: str) -> AsyncIterator[Tables]:
        """A transaction of *tenant* that others in this task join while it is open."""
        self._refuse_in_block()
        async with self.transaction(tenant) as tables:
            block = _Block(self, tenant, tables)
            token = _block.set(block)
            try:
                yield tables
            finally:
                block.is_open = False
                _block.reset(token)

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
