"""What comes of a job that is suspected of killing the processes which handle it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.locks import InMemoryLocks
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ports import Claim
from postroom.application.run_suspect import Isolation, ProcessDied, RunSuspect, SuspectEvents
from postroom.domain.crash import MAX_SOLO_CRASHES, wait_after
from postroom.domain.failure import StoreUnavailable
from postroom.domain.outcome import Dead
from tests.contracts.pointer_queue.samples import LEASE, jobs

GIVEN_UP = "killed the process that ran it alone (SIGKILL), 3 times"


@dataclass
class Processes(Isolation):
    """*ends* are how the next processes end: with an error, or by acknowledging the job."""

    queue: InMemoryPointerQueue
    ends: deque[Exception] = field(default_factory=deque)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, claim: Claim) -> None:
        await self.gate.wait()
        if self.ends:
            raise self.ends.popleft()
        await self.queue.acknowledge(claim)


@dataclass
class Events(SuspectEvents):
    told: list[str] = field(default_factory=list)

    def began(self, claim: Claim) -> None:  # noqa: ARG002
        self.told.append("began")

    def cleared(self, claim: Claim) -> None:  # noqa: ARG002
        self.told.append("cleared")

    def killed(self, claim: Claim, how: str, *, dead: bool) -> None:  # noqa: ARG002
        self.told.append(f"killed by {how}, {dead=}")


class Rig:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.queue = InMemoryPointerQueue(clock)
        self.outcomes = InMemoryOutcomes(InMemoryDatabase())
        self.processes = Processes(self.queue)
        self.processes.gate.set()
        self.events = Events()
        self.run = RunSuspect(
            InMemoryLocks(), self.processes, self.queue, self.outcomes, self.events, clock
        )

    async def claim(self) -> Claim:
        (claim,) = await self.queue.claim(1, LEASE)
        return claim


@pytest.fixture
async def rig(clock: ManualClock) -> Rig:
    rig = Rig(clock)
    await rig.queue.enqueue(jobs("pill"))
    return rig


async def test_who_is_innocent_is_done_and_cleared(rig: Rig) -> None:
    await rig.run(await rig.claim())

    assert rig.events.told == ["began", "cleared"]
    assert await rig.queue.statistics() == []


async def test_who_kills_its_process_is_tried_again_after_longer_and_longer_waits(rig: Rig) -> None:
    rig.processes.ends.extend([ProcessDied("SIGKILL")] * 2)

    for crashes in (1, 2):
        await rig.run(await rig.claim())
        rig.clock.advance(wait_after(crashes) / 2)
        assert await rig.queue.claim(1, LEASE) == []
        rig.clock.advance(wait_after(crashes) / 2)
    await rig.run(await rig.claim())

    assert wait_after(2) > wait_after(1)
    assert rig.events.told[-2:] == ["began", "cleared"]
    assert await rig.queue.statistics() == []


async def test_who_kills_three_is_given_up_with_a_reason_and_an_outcome(rig: Rig) -> None:
    rig.processes.ends.extend([ProcessDied("SIGKILL")] * MAX_SOLO_CRASHES)

    for crashes in range(1, MAX_SOLO_CRASHES + 1):
        await rig.run(await rig.claim())
        rig.clock.advance(wait_after(crashes))

    letter = await rig.queue.dead_letter("pill")
    assert letter
    assert letter.reason == GIVEN_UP
    [record] = await rig.outcomes.find("acme")
    assert record.outcome == Dead(GIVEN_UP)
    assert rig.events.told.count("killed by SIGKILL, dead=False") == 2
    assert rig.events.told[-1] == "killed by SIGKILL, dead=True"


async def test_two_suspects_take_turns(rig: Rig) -> None:
    await rig.queue.enqueue(jobs("other"))
    rig.processes.gate.clear()
    first = asyncio.create_task(rig.run(await rig.claim()))
    await asyncio.sleep(0)

    await rig.run(await rig.claim())

    [lane] = await rig.queue.statistics()
    assert (lane.delayed, lane.in_flight) == (1, 1)
    rig.processes.gate.set()
    await first
    assert rig.events.told == ["began", "cleared"]


async def test_a_process_that_could_not_begin_is_no_crash(rig: Rig) -> None:
    rig.processes.ends.append(StoreUnavailable("a process could not begin"))

    with pytest.raises(StoreUnavailable):
        await rig.run(await rig.claim())

    assert rig.events.told == ["began"]
