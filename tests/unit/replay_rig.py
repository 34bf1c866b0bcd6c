"""Handovers that were taken, and what replays them, over the adapters in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from postroom.adapters import imap
from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import Answered, Call, HandoverFilter, Provider
from postroom.application.providers import Providers
from postroom.application.replay_as_new import ReplayAsNew
from postroom.application.replay_handovers import REPLAYABLE, Progress, ReplayHandovers
from postroom.domain.handover.answer import Done
from postroom.domain.handover.handover import State
from postroom.domain.mail.trusted_servers import TrustedServers
from tests.contracts.handing_over import CRM, SECOND, new_handover
from tests.provider_deps import provider_deps

RAW = b"Authentication-Results: mx.acme.example; dmarc=pass header.from=sender.example\r\n"
RAW += b"From: Ann <ann@sender.example>\r\nMessage-ID: <a@x>\r\nSubject: Order\r\n\r\nHello\r\n"
EVERY = HandoverFilter(application="crm", states=REPLAYABLE)


def _imap(clock: ManualClock, registry: InMemoryMailboxRegistry) -> Provider:
    trusted = {"imap.acme.example": TrustedServers(ids=frozenset({"mx.acme.example"}))}
    return imap.provider(provider_deps(clock, registry), handoff_secrets={}, trusted=trusted)


class Hub:
    def __init__(self, clock: ManualClock) -> None:
        database = InMemoryDatabase()
        self.clock = clock
        self.handovers = InMemoryHandovers(database, clock)
        self.records = InMemoryHandoverRecords(database, clock)
        self.registry = InMemoryMailboxRegistry(database)
        self.blobs = InMemoryBlobStore(clock)
        as_new = ReplayAsNew(
            registry=self.registry,
            providers=Providers([_imap(clock, self.registry)]),
            handovers=self.handovers,
            records=self.records,
            blobs=self.blobs,
            sanitise=Nh3Sanitiser(),
            offload=AtOnce(),
            clock=clock,
            base_url="https://postroom.example",
        )
        self.replay = ReplayHandovers(self.records, as_new, clock)

    async def handed_over(self, *keys: str) -> Sequence[Call]:
        blob = await self.blobs.put("acme", RAW)
        for key in keys:
            self.clock.advance(SECOND)
            await self.handovers.accept(
                CRM, replace(new_handover(key, self.clock.now()), raw=blob, raw_size=len(RAW))
            )
        return await self.all_taken()

    async def all_taken(self) -> Sequence[Call]:
        calls: list[Call] = []
        while found := (await self.handovers.claim(CRM, 10)).calls:
            answered = [Answered(call.handover, Done(reference="1")) for call in found]
            await self.handovers.settle(CRM, answered, draw=0.0)
            calls += found
        self.clock.advance(SECOND)
        return calls

    async def replayed(
        self, chosen: HandoverFilter = EVERY, *, as_new: bool = False, rate: float = 0
    ) -> Progress:
        return await last(self.replay(CRM, chosen, as_new=as_new, rate=rate))

    async def state_of(self, key: str) -> State:
        record = await self.records.get(key)
        assert record
        return record.handover.state


async def last(steps: AsyncIterator[Progress]) -> Progress:
    return [each async for each in steps][-1]
