"""What becomes of the mail that waits for a mailbox which is removed meanwhile."""

from dataclasses import dataclass, replace

import pytest

from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.offload import AtOnce
from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.ports import FetchedMessage
from postroom.application.providers import Providers
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer
from tests.consuming import consuming
from tests.unit.sync_rig import LEASE, SALES, Rig


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.registry.add(SALES)
    for _ in range(3):
        await rig.arrive_and_notify()
    return rig


@dataclass
class Removing(InMemoryMessages):
    """The provider is away, and while that is found out, a person removes the mailbox."""

    rig: Rig | None = None

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:  # noqa: ARG002
        assert self.rig
        rig = self.rig
        remove = RemoveMailbox(rig.registry, rig.folder_syncs, rig.providers, rig.queue)
        assert await remove(mailbox.tenant, mailbox.id)
        raise Unavailable("connection refused", answered=False)


def consume(rig: Rig) -> ConsumeJob:
    served = rig.providers.serving("microsoft")
    providers = Providers([replace(served, fetcher=Removing(rig=rig))])
    return consuming(
        queue=rig.queue,
        registry=rig.registry,
        providers=providers,
        trigger_sync=TriggerSync(rig.folder_syncs, rig.maintain, rig.ingest, rig.clock),
        ledger=InMemoryIdempotencyLedger(rig.database),
        processor=FileMessage(
            InMemoryHelpdesk(rig.database), InMemoryBlobStore(), Nh3Sanitiser(), AtOnce()
        ),
        outcomes=rig.outcomes,
        access=rig.access,
        sources=rig.sources,
        clock=rig.clock,
    )


async def test_a_lane_that_backs_off_as_its_mailbox_goes_is_emptied_and_held_back_no_more(
    rig: Rig,
) -> None:
    consume_job = consume(rig)

    for _ in range(10):
        for claim in await rig.queue.claim(1, LEASE):
            await consume_job(claim)
        rig.clock.advance(LEASE / 2)

    [lane] = await rig.queue.statistics()
    assert (lane.dead, lane.ready, lane.delayed, lane.in_flight) == (3, 0, 0, 0)
    assert (lane.paused, lane.waiting_for) == ("", None)
    letters = (await rig.queue.dead_letters()).letters
    assert {letter.reason for letter in letters} == {"unknown mailbox"}
