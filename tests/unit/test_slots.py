"""How many jobs a process may have in hand."""

import asyncio
import time
from datetime import timedelta

import pytest

from postroom.entrypoints.loop_lag import EVERY, LATE, LoopLag
from postroom.entrypoints.slots import BRISK, IN_HAND_PER_SLOT, LONG, Slots


def slots(**waiting: int) -> Slots:
    """Four, with so many jobs that have waited for a `moment`, and for `long`."""
    counts = {BRISK: waiting.get("moment", 0), LONG: waiting.get("long", 0)}
    return Slots(4, lambda at_least: counts[at_least])


@pytest.mark.parametrize(("in_hand", "free"), [(0, 4), (3, 1), (4, 0)])
async def test_so_many_are_worked_on(in_hand: int, free: int) -> None:
    assert slots().free(in_hand) == free


async def test_those_that_wait_for_a_server_take_none() -> None:
    assert slots(moment=3).free(4) == 3


async def test_there_is_a_most() -> None:
    most = 4 * IN_HAND_PER_SLOT

    assert slots(moment=most).free(most - 1) == 1
    assert slots(moment=most).free(most) == 0


async def test_where_the_processor_is_busy_only_a_long_wait_is_sure_to_be_for_a_server() -> None:
    busy = slots(moment=3, long=1)
    busy.lag.seconds = 2 * LATE

    assert busy.free(4) == 1


async def test_a_loop_that_has_little_to_do_is_not_late() -> None:
    lag = LoopLag()
    for _ in range(3):
        lag.measure()
        await asyncio.sleep(EVERY)

    assert not lag.is_high


async def test_a_loop_that_is_held_up_is_late() -> None:
    lag = LoopLag()
    for _ in range(3):
        lag.measure()
        time.sleep(4 * EVERY)  # noqa: ASYNC251 - it holds up the loop
        await asyncio.sleep(0)

    assert lag.is_high


async def test_it_is_measured_only_while_slots_are_scarce() -> None:
    few, many = slots(), slots()

    few.free(3)
    many.free(4)

    assert (few.lag._is_measured, many.lag._is_measured) == (False, True)


def test_a_wait_is_no_wait_before_its_time() -> None:
    assert timedelta(0) < BRISK < LONG
