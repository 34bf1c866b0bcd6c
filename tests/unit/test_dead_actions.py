"""How far a redrive or a purge came, when something stops it half way."""

import asyncio
from collections.abc import Sequence

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.providers import Providers
from postroom.application.redrive_dead_letters import BATCH, RedriveDeadLetters, Survey
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.domain.dead_letter import EVERY_LETTER
from postroom.domain.failure import Unavailable
from postroom.entrypoints.cli.context import AdminContext
from postroom.entrypoints.cli.dead_actions import REDRIVE, Found, _move
from postroom.entrypoints.cli.errors import CommandFailed
from tests.contracts.pointer_queue.samples import bury_all, job

COUNT = BATCH + 20


class StoppedQueue(InMemoryPointerQueue):
    """Re-drives one batch, and then raises *error*."""

    error: BaseException = Unavailable("Redis is away")
    batches = 0

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        self.batches += 1
        if self.batches > 1:
            raise self.error
        return await super().redrive(job_ids)


@pytest.fixture
async def queue(clock: ManualClock) -> StoppedQueue:
    queue = StoppedQueue(clock)
    await queue.enqueue([job(str(n), mailbox=f"m{n}") for n in range(COUNT)])
    await bury_all(queue, clock)
    return queue


@pytest.fixture
def admin(queue: StoppedQueue, clock: ManualClock) -> AdminContext:
    database = InMemoryDatabase()
    providers = Providers([])
    registry, folder_syncs = InMemoryMailboxRegistry(database), InMemoryFolderSyncs(database)
    dead_letters = RedriveDeadLetters(queue, clock)
    return AdminContext(
        queue=queue,
        dead_letters=dead_letters,
        registry=registry,
        applications=InMemoryApplications(database),
        handovers=InMemoryHandovers(database, clock),
        handover_records=InMemoryHandoverRecords(database, clock),
        folder_syncs=folder_syncs,
        resume=ResumeMailbox(registry, queue),
        resync=ResyncMailbox(folder_syncs, dead_letters, clock),
        remove=RemoveMailbox(registry, folder_syncs, providers, queue),
        outcomes=InMemoryOutcomes(database),
        helpdesk=InMemoryHelpdesk(database),
        providers=providers,
        clock=clock,
    )


async def test_a_failure_half_way_says_how_far_it_came(admin: AdminContext) -> None:
    found = Found(EVERY_LETTER, Survey(COUNT))

    with pytest.raises(CommandFailed) as failed:
        await _move(REDRIVE, found, 0, admin)

    assert str(failed.value) == (
        f"stopped when {BATCH} of {COUNT} were queued again; run it again for the rest:"
        " Redis is away"
    )


async def test_whoever_interrupts_it_is_told_how_far_it_came(
    admin: AdminContext, queue: StoppedQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.error = asyncio.CancelledError()

    with pytest.raises(asyncio.CancelledError):
        await _move(REDRIVE, Found(EVERY_LETTER, Survey(COUNT)), 0, admin)

    told = f"postroom: stopped when {BATCH} of {COUNT} were queued again\n"
    assert capsys.readouterr().err == told
