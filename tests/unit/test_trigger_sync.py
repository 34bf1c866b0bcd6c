"""A notification that names no message has its folder synced, and promises nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import LEASE, MaintainFolder
from postroom.application.ports import (
    Arrival,
    Handshake,
    Notification,
    NotificationReader,
    Routes,
    WebhookRequest,
)
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.application.trigger_sync import INDEX_LAG, NOT_SYNCED, TriggerSync
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.folder_sync import FolderSync, Mode, SyncIntervals
from postroom.domain.inbound_age import InboundAge
from postroom.domain.outcome import Expanded, Skipped
from tests.consuming import track_sources
from tests.contracts.samples import google_mailbox

INFO = google_mailbox()
[FOLDER] = INFO.account.folders
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class _Pushed(NotificationReader):
    """Notifications that an operator has set up: they come, or do not."""

    paths = ("",)
    accepted = 204

    async def read(
        self, request: WebhookRequest, routes: Routes
    ) -> Handshake | Sequence[Notification]:
        raise NotImplementedError


@dataclass
class Rig:
    clock: ManualClock = field(default_factory=lambda: ManualClock(INFO.added_at))

    def __post_init__(self) -> None:
        database = InMemoryDatabase()
        self.queue = InMemoryPointerQueue(self.clock, cap=1000)
        self.registry = InMemoryMailboxRegistry(database)
        self.folder_syncs = InMemoryFolderSyncs(database)
        self.provider = InMemoryProvider(
            name="google",
            account=GoogleAccount,
            pointer=GooglePointer,
            notifications=_Pushed(),
        )
        self.changes = self.provider.changes
        providers = Providers([self.provider()])
        sync = SyncFolder(
            providers,
            self.folder_syncs,
            InMemoryOutcomes(database),
            IngestPointer(self.queue, self.clock),
            self.clock,
            InboundAge(),
            self.queue,
        )
        resume = ResumeMailbox(self.registry, self.queue)
        self.maintain = MaintainFolder(
            registry=self.registry,
            folder_syncs=self.folder_syncs,
            providers=providers,
            sync=sync,
            access=TrackAccess(self.registry, self.queue, resume, self.clock),
            sources=track_sources(self.clock),
            slow_calls=SlowCalls(places=256),
            pull_states=InMemoryPullStates(),
            clock=self.clock,
            intervals=SyncIntervals(),
        )
        ingest = IngestPointer(self.queue, self.clock)
        self.trigger = TriggerSync(self.folder_syncs, self.maintain, ingest, self.clock)

    def arrive(self, number: int) -> GooglePointer:
        """A message comes in; gives what is announced of it."""
        message = GooglePointer(number, INFO.address, message_ids=(f"m{number}",))
        self.changes.deliver(INFO, Arrival(message))
        return GooglePointer(self.changes.end(INFO, folder=FOLDER), INFO.address)

    async def maintain_due(self) -> int:
        """Do what is due, once; returns how many runs that were."""
        due = await self.folder_syncs.claim_due(self.clock.now(), 10, LEASE)
        for folder_sync in due:
            await self.maintain(folder_sync)
        return len(due)

    async def pass_time(self, duration: timedelta) -> None:
        end = self.clock.now() + duration
        while (due_at := (await self.folder_sync()).due_at) <= end:
            self.clock.time = max(self.clock.time, due_at)
            await self.maintain_due()
        self.clock.time = end

    async def folder_sync(self) -> FolderSync:
        [found] = await self.folder_syncs.all(tenant=INFO.tenant, mailbox=INFO.id)
        return found

    async def queued(self) -> list[str]:
        return [
            claim.job.pointer.message_ids[0]
            for claim in await self.queue.claim(1000, DAY)
            if isinstance(claim.job.pointer, GooglePointer)
        ]


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(INFO)
    await rig.maintain_due()
    return rig


async def test_what_has_come_is_queued_at_once(rig: Rig) -> None:
    announced = rig.arrive(2)
    rig.arrive(3)

    assert await rig.trigger(INFO, announced) == Expanded(2)
    assert await rig.queued() == ["m2", "m3"]


async def test_messages_that_a_notification_names_are_queued_too(rig: Rig) -> None:
    rig.arrive(3)

    assert await rig.trigger(INFO, GooglePointer(1, INFO.address, "", ("m2", "m3"))) == Expanded(2)
    assert await rig.queued() == ["m2", "m3"]


async def test_a_hundred_notifications_are_one_sync(rig: Rig) -> None:
    announced = rig.arrive(2)
    await rig.trigger(INFO, announced)
    rig.changes.break_down(INFO, Unavailable("it was listed again"))

    for _ in range(100):
        assert await rig.trigger(INFO, announced) == Expanded(0)

    assert not (await rig.folder_sync()).last_error
    assert await rig.queued() == ["m2"]


async def test_a_notification_during_a_sync_is_followed_by_another_sync(rig: Rig) -> None:
    running = await rig.folder_syncs.claim(INFO.tenant, INFO.id, FOLDER, rig.clock.now(), LEASE)
    assert running
    announced = rig.arrive(2)

    assert await rig.trigger(INFO, announced) == Expanded(0), "somebody else is about to"
    await rig.folder_syncs.save(running)

    assert await rig.maintain_due() == 1
    assert await rig.queued() == ["m2"]


async def test_a_list_that_lags_behind_its_notification_is_listed_again_in_seconds(
    rig: Rig,
) -> None:
    announced = GooglePointer(9_999_999, INFO.address)

    await rig.trigger(INFO, announced)
    rig.arrive(100)
    rig.clock.advance(INDEX_LAG)

    assert await rig.maintain_due() == 1
    assert await rig.queued() == ["m100"]


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable("away"),
        Throttled("leave us alone", retry_after=MINUTE),
        AccessFailed("revoked"),
    ],
)
async def test_what_a_sync_fails_of_is_the_folders_and_no_hundred_notifications_knock(
    rig: Rig, failure: Unavailable | Throttled | AccessFailed
) -> None:
    announced = rig.arrive(2)
    rig.changes.break_down(INFO, failure)

    assert await rig.trigger(INFO, announced) == Expanded(0)
    failed = await rig.folder_sync()
    assert failed.last_error == failure.reason
    rig.changes.repair(INFO)
    for _ in range(100):
        assert await rig.trigger(INFO, announced) == Expanded(0)
    assert await rig.queued() == [], "nothing is tried before its retry is due"

    await rig.pass_time(5 * MINUTE)
    assert await rig.queued() == ["m2"]


async def test_a_folder_that_is_not_synced_has_nothing_to_tell(rig: Rig) -> None:
    await rig.registry.remove(INFO.tenant, INFO.id)

    assert await rig.trigger(INFO, GooglePointer(1, INFO.address)) == Skipped(NOT_SYNCED)


# --- Notifications that do not come (rule 6) ------------------------------------------------------


async def test_notifications_that_never_come_end_in_polling_and_a_probe(rig: Rig) -> None:
    for number in range(2, 7):
        rig.arrive(number)
        await rig.pass_time(15 * MINUTE)

    folder_sync = await rig.folder_sync()
    assert folder_sync.mode is Mode.POLLING
    assert "no notification had announced" in folder_sync.polling_reason
    rig.arrive(7)
    await rig.pass_time(MINUTE)
    assert (await rig.queued())[-1] == "m7"

    await rig.pass_time(DAY)
    assert (await rig.folder_sync()).mode is Mode.NOTIFICATIONS, "they are tried again"


async def test_a_notification_that_comes_a_moment_after_the_sync_was_not_missed(rig: Rig) -> None:
    for number in range(2, 9):
        announced = rig.arrive(number)
        await rig.pass_time(15 * MINUTE)
        await rig.trigger(INFO, announced)

    folder_sync = await rig.folder_sync()
    assert (folder_sync.mode, folder_sync.missed_runs) == (Mode.NOTIFICATIONS, 0)


async def test_syncs_that_are_quicker_than_notifications_may_be_find_out_as_well(rig: Rig) -> None:
    rig.maintain = replace(rig.maintain, intervals=SyncIntervals(sync_every=MINUTE))
    for number in range(2, 7):
        rig.arrive(number)
        await rig.pass_time(15 * MINUTE)

    assert (await rig.folder_sync()).mode is Mode.POLLING


async def test_a_quiet_mailbox_misses_nothing(rig: Rig) -> None:
    await rig.pass_time(2 * DAY)

    assert (await rig.folder_sync()).missed_runs == 0
