"""Whether a source is called, when several processes share what they know of it."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import CircuitStore
from postroom.application.track_sources import AWAY_FOR, RAREST_NEWCOMER, TrackSources
from postroom.domain.circuit import FIRST_PROBE, Circuit
from postroom.domain.failure import StoreUnavailable
from tests.consuming import largest

SOURCE = "graph.example"
MAILBOXES = ["acme/desk", "acme/info", "other/desk"]


@pytest.fixture
def store(clock: ManualClock) -> InMemoryCircuitStore:
    return InMemoryCircuitStore(clock)


def a_process(store: CircuitStore) -> TrackSources:
    return TrackSources(store, draw=largest)


async def fail_all(process: TrackSources) -> list[int]:
    return [await process.failed(SOURCE, mailbox) for mailbox in MAILBOXES]


async def test_a_source_that_works_is_called(store: InMemoryCircuitStore) -> None:
    assert await a_process(store).wait([SOURCE]) is None


async def test_the_third_mailbox_that_it_fails_opens_its_circuit_and_that_is_said_once(
    store: InMemoryCircuitStore,
) -> None:
    process = a_process(store)

    assert await fail_all(process) == [0, 0, 3]
    assert not await process.failed(SOURCE, "another/one")
    assert await process.wait([SOURCE]) == FIRST_PROBE


async def test_what_one_process_has_found_all_heed(store: InMemoryCircuitStore) -> None:
    await fail_all(a_process(store))

    assert await a_process(store).wait([SOURCE]) == FIRST_PROBE


async def test_failures_in_several_processes_add_up(store: InMemoryCircuitStore) -> None:
    opened = [await a_process(store).failed(SOURCE, mailbox) for mailbox in MAILBOXES]

    assert opened == [0, 0, 3]


async def test_an_answer_in_one_process_is_evidence_for_all(store: InMemoryCircuitStore) -> None:
    one, other = a_process(store), a_process(store)
    await one.failed(SOURCE, MAILBOXES[0])
    await one.failed(SOURCE, MAILBOXES[1])

    assert await other.answered([SOURCE]) == {}  # it was not open
    assert not await one.failed(SOURCE, MAILBOXES[2])


async def test_of_ten_processes_one_probes(store: InMemoryCircuitStore, clock: ManualClock) -> None:
    processes = [a_process(store) for _ in range(10)]
    await fail_all(processes[0])
    clock.advance(FIRST_PROBE)

    waits = await asyncio.gather(*(process.wait([SOURCE]) for process in processes))

    assert waits.count(None) == 1


async def test_the_first_answer_closes_the_circuit_and_that_is_said_once(
    store: InMemoryCircuitStore, clock: ManualClock
) -> None:
    one, other = a_process(store), a_process(store)
    await fail_all(one)
    clock.advance(FIRST_PROBE)

    assert await other.wait([SOURCE]) is None
    assert await other.answered([SOURCE]) == {SOURCE: FIRST_PROBE}
    assert await other.answered([SOURCE]) == {}
    assert await a_process(store).wait([SOURCE]) is None


async def test_the_longest_wait_of_several_sources_counts(
    store: InMemoryCircuitStore, clock: ManualClock
) -> None:
    process = a_process(store)
    await fail_all(process)

    assert await process.wait(["login.example", SOURCE]) == FIRST_PROBE


# --- What hangs for some ---


async def test_mailboxes_that_hang_at_a_source_that_answers_others_open_no_circuit(
    store: InMemoryCircuitStore,
) -> None:
    process = a_process(store)
    began = process.mark()
    await process.answered([SOURCE])  # while they hang

    assert not any([await process.failed(SOURCE, mailbox, mark=began) for mailbox in MAILBOXES])
    assert await process.wait([SOURCE]) is None


async def test_an_answer_of_another_source_or_before_is_no_excuse(
    store: InMemoryCircuitStore,
) -> None:
    process = a_process(store)
    await process.answered([SOURCE])
    began = process.mark()
    await process.answered(["login.example"])

    assert any([await process.failed(SOURCE, mailbox, mark=began) for mailbox in MAILBOXES])


async def test_a_mailbox_that_has_not_failed_yet_waits_behind_none_that_have(
    store: InMemoryCircuitStore,
) -> None:
    process = a_process(store)
    await fail_all(process)

    assert await process.wait([SOURCE]) == FIRST_PROBE
    assert await process.wait([SOURCE], is_new=True) is None
    await process.answered([SOURCE])
    assert await process.wait([SOURCE]) is None


async def test_where_those_fail_too_their_probes_become_rare(
    store: InMemoryCircuitStore, clock: ManualClock
) -> None:
    process, probes = a_process(store), 0
    await fail_all(process)
    for _ in range(3600):
        clock.advance(timedelta(seconds=1))
        wait = await process.wait([SOURCE], is_new=True)
        probes += wait is None
        assert wait is None or wait <= RAREST_NEWCOMER

    assert 60 <= probes <= 130


async def test_of_many_that_have_not_failed_one_probes_for_each_process(
    store: InMemoryCircuitStore,
) -> None:
    processes = [a_process(store) for _ in range(10)]
    await fail_all(processes[0])

    waits = [await each.wait([SOURCE], is_new=True) for each in processes for _ in range(100)]

    assert waits.count(None) == len(processes)


class Counted(InMemoryCircuitStore):
    loads = 0

    async def load(self, source: str) -> tuple[Circuit, datetime]:
        self.loads += 1
        return await super().load(source)


async def test_a_source_that_works_is_looked_up_once_a_second(clock: ManualClock) -> None:
    store = Counted(clock)
    process = a_process(store)

    for _ in range(100):
        await process.wait([SOURCE])
        await process.answered([SOURCE])

    assert store.loads == 1


class Away(CircuitStore):
    async def load(self, source: str) -> tuple[Circuit, datetime]:  # noqa: ARG002
        raise StoreUnavailable("Redis cannot be reached")

    async def save(self, source: str, before: Circuit, after: Circuit) -> bool:  # noqa: ARG002
        raise StoreUnavailable("Redis cannot be reached")

    async def all(self) -> Mapping[str, Circuit]:
        raise StoreUnavailable("Redis cannot be reached")


async def test_without_the_store_every_source_is_called() -> None:
    process = a_process(Away())

    assert await fail_all(process) == [0, 0, 0]
    assert await process.wait([SOURCE]) is None
    assert await process.answered([SOURCE]) == {}


async def test_a_circuit_that_the_store_has_lost_is_closed_and_opens_again(
    clock: ManualClock,
) -> None:
    await fail_all(a_process(InMemoryCircuitStore(clock)))
    emptied = a_process(InMemoryCircuitStore(clock))

    assert await emptied.wait([SOURCE]) is None
    assert await fail_all(emptied) == [0, 0, 3]


async def test_an_outage_is_probed_less_and_less_often(
    store: InMemoryCircuitStore, clock: ManualClock
) -> None:
    process, probes = a_process(store), 0
    await fail_all(process)
    for _ in range(3600):
        clock.advance(timedelta(seconds=1))
        if await process.wait([SOURCE]) is None:
            probes += 1
            await process.failed(SOURCE, MAILBOXES[0])

    assert 50 <= probes <= 90


async def test_what_is_away_is_counted_by_each_process_that_finds_it_so(
    store: InMemoryCircuitStore, clock: ManualClock
) -> None:
    one, other, third = (a_process(store) for _ in range(3))
    await fail_all(one)
    await other.wait([SOURCE, "login.example"])

    assert (one.away, other.away, third.away) == (1, 1, 0)

    clock.advance(FIRST_PROBE)
    await other.answered([SOURCE])
    await one.wait([SOURCE])
    assert (one.away, other.away) == (0, 0)


async def test_what_nobody_asks_after_any_more_is_away_no_longer(
    store: InMemoryCircuitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = a_process(store)
    await fail_all(process)
    later = asyncio.get_running_loop().time() + AWAY_FOR
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)

    assert process.away == 0
