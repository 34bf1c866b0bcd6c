"""How callers share a command."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from postroom.adapters.redis.funnel import Funnel


@dataclass
class Carrier:
    """Doubles each item, once it is let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[int]] = field(default_factory=list)
    failure: Exception | None = None

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.go.wait()
        if self.failure:
            raise self.failure
        return [2 * item for item in items]


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


def call(funnel: Funnel[int, int], *items: int) -> asyncio.Task[Sequence[int]]:
    async def run() -> Sequence[int]:
        return await funnel(items)

    return asyncio.create_task(run())


async def on_its_way(funnel: Funnel[int, int], item: int) -> asyncio.Task[Sequence[int]]:
    task = call(funnel, item)
    await turns()
    return task


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_lone_caller_goes_at_once(carrier: Carrier) -> None:
    carrier.go.set()

    assert await Funnel(carrier)([1, 2]) == [2, 4]


async def test_who_comes_while_two_batches_are_on_their_way_goes_with_the_next(
    carrier: Carrier,
) -> None:
    funnel = Funnel(carrier)
    first = [await on_its_way(funnel, 1), await on_its_way(funnel, 2)]
    others = [call(funnel, 3, 4), call(funnel, 5)]
    await turns()

    carrier.go.set()

    assert await asyncio.gather(*first, *others) == [[2], [4], [6, 8], [10]]
    assert carrier.batches == [[1], [2], [3, 4, 5]]


async def test_what_has_gathered_is_shared_out_over_the_ways_that_are_free(
    carrier: Carrier,
) -> None:
    funnel = Funnel(carrier)
    calls = [call(funnel, n) for n in range(1, 6)]
    await turns()
    carrier.go.set()

    assert await asyncio.gather(*calls) == [[2], [4], [6], [8], [10]]
    assert carrier.batches == [[1, 2, 3], [4, 5]]


async def test_a_batch_is_bounded_and_keeps_a_callers_items_together(carrier: Carrier) -> None:
    funnel = Funnel(carrier, most=3)
    first = [await on_its_way(funnel, 100), await on_its_way(funnel, 200)]
    calls = [call(funnel, *items) for items in ([1, 2], [3], [5, 6, 7, 8, 9], [10])]
    await turns()
    carrier.go.set()

    replies = await asyncio.gather(*first, *calls)

    assert replies[2:] == [[2, 4], [6], [10, 12, 14, 16, 18], [20]]
    assert carrier.batches[2:] == [[1, 2, 3], [5, 6, 7, 8, 9], [10]]


async def test_who_is_answered_may_call_again_at_once(carrier: Carrier) -> None:
    funnel = Funnel(carrier)

    async def call_twice() -> Sequence[int]:
        await funnel([1])
        return await funnel([2])

    twice, once = asyncio.create_task(call_twice()), call(funnel, 3)
    await turns()
    carrier.go.set()

    async with asyncio.timeout(1):
        assert list(await asyncio.gather(twice, once)) == [[4], [6]]


async def test_all_who_wait_fail_with_the_batch_and_later_callers_do_not(carrier: Carrier) -> None:
    funnel = Funnel(carrier)
    carrier.failure = ZeroDivisionError()
    first = [await on_its_way(funnel, 1), await on_its_way(funnel, 2)]
    third = call(funnel, 3)
    await turns()
    carrier.go.set()

    replies = await asyncio.gather(*first, third, return_exceptions=True)

    assert list(replies) == [carrier.failure] * 3
    assert carrier.batches == [[1], [2]]
    carrier.failure = None
    assert await funnel([4]) == [8]


async def test_a_cancelled_caller_cancels_nothing(carrier: Carrier) -> None:
    funnel = Funnel(carrier)
    await on_its_way(funnel, 0)
    first, second = call(funnel, 1), call(funnel, 2)
    await turns()

    first.cancel()
    await turns()
    carrier.go.set()

    assert await second == [4]
    assert first.cancelled()
    assert carrier.batches == [[0], [1, 2]]


async def test_a_cancelled_caller_does_not_mind_a_failure(carrier: Carrier) -> None:
    funnel = Funnel(carrier)
    first = call(funnel, 1)
    await turns()
    carrier.failure = ZeroDivisionError()
    first.cancel()
    await turns()

    carrier.go.set()
    await turns()

    assert first.cancelled()
    carrier.failure = None
    assert await funnel([3]) == [6]
