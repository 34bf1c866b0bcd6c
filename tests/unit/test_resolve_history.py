"""A Gmail notification becomes one job a message, and nothing falls between two notifications."""

from datetime import timedelta

import pytest
from postroom.adapters.memory.history import InMemoryMailboxHistory
from postroom.application.resolve_history import CURSOR, INDEX_LAG, OVERLAP

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import Unavailable
from postroom.domain.outcome import Expanded
from tests.unit.history_rig import World

MINUTE = timedelta(minutes=1)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def world(clock: ManualClock) -> World:
    return World(clock)


# --- Fanning out --------------------------------------------------------------------------------


async def test_each_message_becomes_a_job_of_its_own_in_order(world: World) -> None:
    notification = world.receive("a", "b", "c")

    outcome = await world.resolve(world.mailbox, notification, traceparent=TRACE)

    assert outcome == Expanded(3)
    assert world.queued() == ["a", "b", "c"]
    assert {job.traceparent for job in world.queue.taken} == {TRACE}


async def test_the_next_notice_begins_where_the_last_one_ended(world: World) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    notification = world.receive("b")

    outcome = await world.resolve(world.mailbox, notification)

    assert outcome == Expanded(1)
    assert world.queued() == ["a", "b"]
    assert await world.cursor() == notification.history_id


async def test_a_notice_brings_what_earlier_lost_notices_announced(world: World) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    world.receive("b", "c")

    await world.resolve(world.mailbox, world.receive("d"))

    assert world.queued() == ["a", "b", "c", "d"]


async def test_an_old_notice_finds_nothing_and_does_no_harm(world: World) -> None:
    old = world.receive("a")
    new = world.receive("b")
    await world.resolve(world.mailbox, new)

    outcome = await world.resolve(world.mailbox, old)

    assert outcome == Expanded(0)
    assert await world.cursor() == new.history_id


async def test_an_old_notice_still_brings_what_came_in_since(world: World) -> None:
    old = world.receive("a")
    await world.resolve(world.mailbox, old)
    world.receive("b")

    await world.resolve(world.mailbox, old)

    assert world.queued() == ["a", "b"]


async def test_a_message_that_nothing_can_be_done_with_does_not_hold_up_the_rest(
    world: World,
) -> None:
    await world.resolve(world.mailbox, world.receive("bad", "good", "better"))
    bad, *others = await world.queue.claim(3, MINUTE)

    await world.queue.bury(bad, "nothing to be done")

    assert [await world.queue.acknowledge(claim) for claim in others] == [True, True]


async def test_a_long_history_comes_in_pages_and_is_queued_whole(clock: ManualClock) -> None:
    world = World(clock, InMemoryMailboxHistory(page_size=50))
    await world.resolve(world.mailbox, world.receive("first"))
    many = [f"m{number}" for number in range(1234)]

    outcome = await world.resolve(world.mailbox, world.receive(*many))

    assert outcome == Expanded(1234)
    assert world.queued() == ["first", *many]


async def test_message_ids_that_came_with_the_notice_are_queued_too(world: World) -> None:
    notification = world.receive("a")
    await world.resolve(world.mailbox, notification)
    found_elsewhere = GooglePointer(
        history_id=notification.history_id, address=notification.address, message_ids=("x", "y")
    )

    outcome = await world.resolve(world.mailbox, found_elsewhere)

    assert outcome == Expanded(2)
    assert world.queued() == ["a", "x", "y"]


async def test_two_mailboxes_of_a_tenant_never_mix(world: World) -> None:
    sales = world.add_mailbox("sales")
    of_support = world.receive("a", "b")
    of_sales = world.receive("c", mailbox=sales)

    await world.resolve(sales, of_sales)
    assert world.queued() == []
    assert await world.cursor() is None
    await world.resolve(world.mailbox, of_support)

    assert (world.queued(), world.queued(sales)) == (["a", "b"], ["c"])
    assert await world.cursor(sales) == of_sales.history_id


# --- Where the list begins ----------------------------------------------------------------------


async def test_a_new_mailbox_begins_with_the_moment_it_was_added(
    world: World, clock: ManualClock
) -> None:
    world.receive("before")
    clock.advance(MINUTE)
    world.mailbox = world.add_mailbox("support")
    notification = world.receive("after")

    await world.resolve(world.mailbox, notification)

    assert world.queued() == ["after"]


async def test_a_forgotten_history_is_made_up_for_by_date_without_a_gap(
    world: World, clock: ManualClock
) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    clock.advance(timedelta(days=10))
    world.receive("b")
    clock.advance(timedelta(days=10))
    notification = world.receive("c")
    world.history.expire(world.mailbox)

    await world.resolve(world.mailbox, notification)

    assert world.queued() == ["a", "b", "c"]
    assert await world.cursor() == notification.history_id


async def test_a_catch_up_by_date_overlaps_and_then_ends(world: World, clock: ManualClock) -> None:
    world.receive("long ago")
    clock.advance(OVERLAP)
    late_to_be_indexed = world.receive("late")
    clock.advance(OVERLAP - MINUTE)
    await world.cursors.advance(
        world.mailbox, CURSOR, before=None, after=str(late_to_be_indexed.history_id)
    )
    notification = world.receive("new")
    world.history.expire(world.mailbox)

    await world.resolve(world.mailbox, notification)

    assert world.queued() == ["late", "new"]


async def test_a_mailbox_that_was_deleted_and_made_anew_is_followed(
    world: World, clock: ManualClock
) -> None:
    await world.resolve(world.mailbox, world.receive("a", "b", "c"))
    clock.advance(2 * OVERLAP)
    world.history.recreate(world.mailbox)
    notification = world.receive("d")

    await world.resolve(world.mailbox, notification)

    assert world.queued() == ["a", "b", "c", "d"]
    assert await world.cursor() == notification.history_id


async def test_a_history_that_lags_is_looked_at_again(world: World) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    before = await world.cursor()
    world.history.delay(world.mailbox, 1)
    notification = world.receive("b")

    with pytest.raises(Unavailable) as caught:
        await world.resolve(world.mailbox, notification)

    assert caught.value.retry_after == INDEX_LAG
    assert await world.cursor() == before
    assert await world.resolve(world.mailbox, notification) == Expanded(1)
    assert world.queued() == ["a", "b"]


async def test_what_a_lagging_history_does_show_is_queued_at_once(world: World) -> None:
    await world.resolve(world.mailbox, world.receive("a"))
    seen = world.receive("b")
    world.history.delay(world.mailbox, 1)
    notification = world.receive("c")

    with pytest.raises(Unavailable):
        await world.resolve(world.mailbox, notification)

    assert world.queued() == ["a", "b"]
    assert await world.cursor() == seen.history_id
