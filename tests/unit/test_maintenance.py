"""The maintenance process: what is due gets its round, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from structlog.testing import capture_logs

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.application.maintain_folder import Maintain, SyncRun
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.folder_sync import FolderSync
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.maintenance import Maintenance
from postroom.entrypoints.slots import nobody_waits
from tests.unit.listener_rig import BOUND, Waits, settle
from tests.unit.sync_rig import SALES, Rig
from tests.unit.worker.rig import until

POLL, SWEEP = 2.0, 3600.0


@dataclass
class WaitingClock(ManualClock):
    """Time that passes only when a test says so."""

    waits: Waits = field(default_factory=Waits)

    async def sleep(self, duration: timedelta) -> None:
        await self.waits(duration.total_seconds())

    async def let_pass(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))
        await self.waits.let_pass(seconds)


class Breaking(InMemoryFolderSyncs):
    """FolderSyncs that cannot be asked for while there is a *failure*."""

    failure: Failure | None = None

    async def claim_due(self, now: datetime, limit: int, hold: timedelta) -> Sequence[FolderSync]:
        if self.failure:
            raise self.failure
        return await super().claim_due(now, limit, hold)


@dataclass
class Process:
    clock: WaitingClock = field(default_factory=lambda: WaitingClock(SALES.added_at))
    sweeps: list[int] = field(default_factory=list)
    orphans: int = 0
    blob_sweeps: int = 0
    unused_blobs: int = 0
    expired: list[int] = field(default_factory=list)
    expired_events: list[int] = field(default_factory=list)
    sweep_failure: Exception | None = None
    logs: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rig = Rig(self.clock)
        self.folder_syncs = Breaking(self.rig.database)

    async def remove_orphans(self) -> int:
        self.sweeps.append(self.orphans)
        if self.sweep_failure:
            raise self.sweep_failure
        return self.orphans

    async def sweep_blobs(self) -> int:
        self.blob_sweeps += 1
        return self.unused_blobs

    async def expire_events(self) -> int:
        return self.expired_events.pop(0) if self.expired_events else 0

    async def expire_handovers(self) -> int:
        return self.expired.pop(0) if self.expired else 0

    @asynccontextmanager
    async def running(
        self,
        maintain: Maintain | None = None,
        concurrency: int = 8,
        waiting: Callable[[timedelta], int] = nobody_waits,
    ) -> AsyncIterator[None]:
        maintenance = Maintenance(
            folder_syncs=self.folder_syncs,
            maintain=maintain or self.rig.maintain,
            remove_orphans=self.remove_orphans,
            sweep_blobs=self.sweep_blobs,
            expire_handovers=self.expire_handovers,
            expire_events=self.expire_events,
            clock=self.clock,
            concurrency=concurrency,
            waiting=waiting,
        )
        stop = asyncio.Event()
        with capture_logs() as self.logs:
            task = asyncio.create_task(maintenance.run(stop))
            await settle()
            try:
                yield
            finally:
                stop.set()
                async with asyncio.timeout(BOUND):
                    await task

    def events(self) -> list[str]:
        return [entry["event"] for entry in self.logs]


async def test_what_is_due_is_kept_coming() -> None:
    process = Process()
    await process.rig.registry.add(SALES)
    process.rig.arrive()
    async with process.running():
        await process.clock.let_pass(POLL)

        assert await process.rig.handle_all() == ["m1"]
        assert (await process.rig.folder_sync()).subscription

    assert process.events() == ["maintenance started", "maintenance stopped"]


async def test_a_mailbox_that_is_added_meanwhile_is_found_within_seconds() -> None:
    process = Process()
    async with process.running():
        await process.rig.registry.add(SALES)
        await process.clock.let_pass(POLL)

        assert (await process.rig.folder_sync()).subscription


@dataclass
class Stalling(Maintain):
    """Rounds that do not end."""

    begun: list[str] = field(default_factory=list)

    async def __call__(self, folder_sync: FolderSync, **_: object) -> SyncRun:
        self.begun.append(folder_sync.mailbox)
        await asyncio.Event().wait()
        raise AssertionError

    async def fail(self, *_: object, **__: object) -> SyncRun:
        raise AssertionError


async def test_so_many_rounds_at_a_time_and_no_more() -> None:
    process, stalling = Process(), Stalling()
    for number in range(5):
        await process.rig.registry.add(_other(number))
    async with process.running(stalling, concurrency=3):
        await process.clock.let_pass(POLL)

        assert len(stalling.begun) == 3


@dataclass
class Crashing(Maintain):
    maintain: Maintain

    async def __call__(self, folder_sync: FolderSync, **_: object) -> SyncRun:
        if folder_sync.mailbox == "box0":
            raise ZeroDivisionError("a subject, an address")
        return await self.maintain(folder_sync)

    async def fail(self, *_: object, **__: object) -> SyncRun:
        raise AssertionError


async def test_rounds_that_only_wait_for_a_server_take_no_slot_from_others() -> None:
    process, stalling = Process(), Stalling()
    for number in range(5):
        await process.rig.registry.add(_other(number))
    async with process.running(stalling, concurrency=3, waiting=lambda _: len(stalling.begun)):
        await process.clock.let_pass(POLL)

        await until(lambda: len(stalling.begun) == 5)


async def test_a_round_that_crashes_stops_no_other() -> None:
    process = Process()

    for number in range(2):
        await process.rig.registry.add(_other(number))
    async with process.running(Crashing(process.rig.maintain)):
        assert (await process.rig.folder_syncs.all(mailbox="box1"))[0].subscription

    (crashed,) = [entry for entry in process.logs if entry["event"] == "sync crashed"]
    assert crashed["mailbox"] == "box0"
    assert "subject" not in str(crashed)


async def test_an_outage_of_the_database_is_told_once_and_so_is_its_end() -> None:
    process = Process()
    await process.rig.registry.add(SALES)
    process.folder_syncs.failure = Unavailable("PostgreSQL is away")
    async with process.running():
        for _ in range(3):
            await process.clock.let_pass(POLL)
        process.folder_syncs.failure = None
        await process.clock.let_pass(POLL)

        assert (await process.rig.folder_sync()).subscription

    assert process.events() == [
        *("maintenance started", "database unreachable"),
        *("database reachable again", "maintenance stopped"),
    ]


async def test_orphans_are_looked_for_every_hour_even_after_a_failure() -> None:
    process = Process(sweep_failure=Unavailable("PostgreSQL is away"))
    async with process.running():
        process.sweep_failure, process.orphans = None, 2
        await process.clock.let_pass(SWEEP)

    assert len(process.sweeps) == 2
    assert process.events()[1:3] == [
        "orphaned subscriptions not looked for",
        "orphaned subscriptions removed",
    ]


async def test_blobs_that_nothing_refers_to_are_looked_for_every_hour() -> None:
    process = Process(unused_blobs=3)
    async with process.running():
        await process.clock.let_pass(SWEEP)

    assert process.blob_sweeps == 2
    removed = [entry for entry in process.logs if entry["event"] == "unused blobs removed"]
    assert [entry["count"] for entry in removed] == [3, 3]


async def test_handovers_whose_retention_has_ended_are_deleted_every_hour() -> None:
    process = Process(expired=[3, 0, 5])
    async with process.running():
        await process.clock.let_pass(SWEEP)
        await process.clock.let_pass(SWEEP)

    counts = [
        each["count"] for each in process.logs if each["event"] == "expired handovers removed"
    ]
    assert counts == [3, 5]


async def test_a_sweep_that_crashes_stops_no_mail() -> None:
    process = Process(sweep_failure=ZeroDivisionError("a subject, an address"))
    async with process.running():
        await process.rig.registry.add(SALES)
        await process.clock.let_pass(POLL)

        assert (await process.rig.folder_sync()).subscription

    assert process.events().count("sweep crashed") == 1
    assert "subject" not in str(process.logs)


def _other(number: int) -> Mailbox:
    return replace(SALES, id=f"box{number}", address=f"box{number}@acme.example")
