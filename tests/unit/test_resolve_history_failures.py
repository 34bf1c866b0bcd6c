"""A Gmail notification is resolved again after whatever breaks, and the cursor moves last."""

import asyncio
from datetime import timedelta

import pytest
from postroom.adapters.memory.history import InMemoryMailboxHistory

from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import AccessFailed, Failure, Throttled, Unavailable
from postroom.domain.outcome import Expanded
from tests.unit.history_rig import PausingHistory, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(clock: ManualClock) -> World:
    return World(clock)


async def test_the_cursor_stays_where_it_is_if_the_queue_is_away(world: World) -> None:
    notification = world.receive("a")
    world.queue.answers = 0

    with pytest.raises(Unavailable):
        await world.resolve(world.mailbox, notification)

    assert await world.cursor() is None
    world.queue.answers = 1
    await world.resolve(world.mailbox, notification)
    assert world.queued() == ["a"]


async def test_a_list_that_breaks_off_is_queued_again_and_each_message_once(
    clock: ManualClock,
) -> None:
    world = World(clock, InMemoryMailboxHistory(page_size=2))
    notification = world.receive("a", "b", "c", "d", "e")
    world.queue.answers = 2
    with pytest.raises(Unavailable):
        await world.resolve(world.mailbox, notification)
    assert (world.queued(), await world.cursor()) == (["a", "b", "c", "d"], None)
    world.queue.answers = 3

    outcome = await world.resolve(world.mailbox, notification)

    assert outcome == Expanded(5)
    assert world.queued() == ["a", "b", "c", "d", "e"]


async def test_a_crash_before_the_cursor_moves_queues_nothing_twice(world: World) -> None:
    notification = world.receive("a", "b")
    world.cursors.doomed = True
    with pytest.raises(ZeroDivisionError):
        await world.resolve(world.mailbox, notification)
    assert world.queued() == ["a", "b"]
    world.cursors.doomed = False

    await world.resolve(world.mailbox, notification)

    assert world.queued() == ["a", "b"]
    assert await world.cursor() == notification.history_id


@pytest.mark.parametrize(
    "failure",
    [AccessFailed("revoked"), Throttled("slow down", retry_after=MINUTE), Unavailable("away")],
)
async def test_a_history_that_cannot_be_read_leaves_all_as_it_was(
    world: World, failure: Failure
) -> None:
    notification = world.receive("a")
    world.history.failures.append(failure)

    with pytest.raises(type(failure)) as caught:
        await world.resolve(world.mailbox, notification)

    assert caught.value is failure
    assert (world.queued(), await world.cursor()) == ([], None)


async def test_a_slow_worker_does_not_move_the_cursor_back(world: World) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    early = world.receive("b")
    history = PausingHistory(world.history)
    slow = asyncio.create_task(world.resolver(history)(world.mailbox, early))
    await asyncio.wait_for(history.listed.wait(), 5)
    late = world.receive("c")
    fast = await world.resolve(world.mailbox, late)
    history.go_on.set()

    assert (fast, await slow) == (Expanded(2), Expanded(1))

    assert await world.cursor() == late.history_id
    assert world.queued() == ["a", "b", "c"]


async def test_workers_who_resolve_at_once_queue_each_message_once(world: World) -> None:
    notifications = [world.receive(f"m{number}") for number in range(10)]

    await asyncio.gather(
        *(world.resolve(world.mailbox, notification) for notification in notifications)
    )

    assert world.queued() == [f"m{number}" for number in range(10)]
    assert await world.cursor() == notifications[-1].history_id
