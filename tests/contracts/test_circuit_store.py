"""What every CircuitStore promises."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.redis.circuits import RedisCircuitStore
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import LONGEST_SOURCE, CircuitStore
from postroom.domain.circuit import Circuit
from tests.contracts.samples import NOON

PORTS = {CircuitStore}

MOST = 20

SOURCE = "imap.acme.example:993"
NOTHING = Circuit()
FAILED = Circuit(("acme/support",), NOON)
OPEN = Circuit(
    ("acme/support", "acme/Vertrieb-Süd", "globex/desk"),
    NOON,
    NOON + timedelta(seconds=30, microseconds=1),
)


@pytest.fixture
async def circuits(server_url: str, clock: ManualClock) -> AsyncIterator[CircuitStore]:
    """A store for which it is as late as *clock* says."""
    if not server_url:
        yield InMemoryCircuitStore(clock, most=MOST)
        return
    async with open_redis(server_url) as servers:
        yield RedisCircuitStore(
            servers,
            prefix=uuid4().hex,
            most=MOST,
            ahead=lambda: clock.now() - SystemClock().now(),
        )


async def stored(circuits: CircuitStore, source: str = SOURCE) -> Circuit:
    circuit, _ = await circuits.load(source)
    return circuit


async def test_a_source_of_which_nothing_is_known_has_an_empty_circuit(
    circuits: CircuitStore,
) -> None:
    assert await stored(circuits) == NOTHING
    assert await circuits.all() == {}


async def test_the_time_is_the_stores_own(circuits: CircuitStore, clock: ManualClock) -> None:
    for _ in range(2):
        clock.advance(timedelta(hours=1))
        _, now = await circuits.load(SOURCE)

        assert timedelta() <= now - clock.now() < timedelta(seconds=1)


@pytest.mark.parametrize("circuit", [FAILED, OPEN])
async def test_a_circuit_comes_out_as_it_was_saved(
    circuits: CircuitStore, circuit: Circuit
) -> None:
    assert await circuits.save(SOURCE, NOTHING, circuit)

    assert await stored(circuits) == circuit
    assert await stored(circuits, "another") == NOTHING
    assert await circuits.all() == {SOURCE: circuit}


async def test_a_circuit_that_somebody_else_has_saved_meanwhile_stands(
    circuits: CircuitStore,
) -> None:
    assert await circuits.save(SOURCE, NOTHING, FAILED)

    assert not await circuits.save(SOURCE, NOTHING, OPEN)
    assert not await circuits.save(SOURCE, OPEN, NOTHING)

    assert await stored(circuits) == FAILED
    assert await circuits.save(SOURCE, FAILED, OPEN)
    assert await stored(circuits) == OPEN


async def test_of_many_at_a_time_one_is_saved(circuits: CircuitStore) -> None:
    others = [Circuit(("acme/support",), NOON + timedelta(seconds=n)) for n in range(20)]

    saved = await asyncio.gather(*(circuits.save(SOURCE, NOTHING, each) for each in others))

    assert saved.count(True) == 1
    assert await stored(circuits) == others[saved.index(True)]


async def test_what_is_saved_twice_is_saved(circuits: CircuitStore) -> None:
    """The first call may have come through, and its reply been lost."""
    assert await circuits.save(SOURCE, NOTHING, OPEN)
    assert await circuits.save(SOURCE, NOTHING, OPEN)


async def test_an_empty_circuit_is_forgotten_by_one_of_those_who_save_it(
    circuits: CircuitStore,
) -> None:
    await circuits.save(SOURCE, NOTHING, OPEN)

    assert await circuits.save(SOURCE, OPEN, NOTHING)

    assert not await circuits.save(SOURCE, OPEN, NOTHING)
    assert await circuits.all() == {}
    assert await stored(circuits) == NOTHING
    assert await circuits.save(SOURCE, NOTHING, NOTHING)
    assert await circuits.all() == {}


async def test_no_more_of_a_source_counts_than_a_host_can_have(circuits: CircuitStore) -> None:
    endless = "a" * 100_000

    assert await circuits.save(endless, NOTHING, OPEN)

    assert await stored(circuits, endless) == OPEN
    assert await circuits.all() == {"a" * LONGEST_SOURCE: OPEN}


async def test_beyond_a_number_another_is_forgotten_for_each_that_is_new(
    circuits: CircuitStore,
) -> None:
    for n in range(MOST):
        await circuits.save(f"source-{n}", NOTHING, FAILED)
    assert len(await circuits.all()) == MOST

    assert await circuits.save("new", NOTHING, OPEN)

    assert len(await circuits.all()) == MOST
    assert await stored(circuits, "new") == OPEN
    assert await circuits.save("new", OPEN, FAILED)
    assert len(await circuits.all()) == MOST
