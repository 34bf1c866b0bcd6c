"""How callers share a command."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from postroom.adapters.redis.batcher import Batcher


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
def flusher() -> Carrier:
    return Carrier()


def call(batcher: Batcher[int, int], *items: int) -> asyncio.Task[Sequence[int]]:
    async def run() -> Sequence[int]:
        return await batcher(items)

    return asyncio.create_task(run())


async def on_its_way(batcher: Batcher[int, int], item: int) -> asyncio.Task[Sequence[int]]:
    task = call(batcher, item)
    await turns()
    return task


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_lone_caller_goes_at_once(flusher: Carrier) -> None:
    flusher.go.set()

    assert await Batcher(flusher)([1, 2]) == [2, 4]


async def test_who_comes_while_two_batches_are_on_their_way_goes_with_the_next(
    flusher: Carrier,
) -> None:
    batcher = Batcher(flusher)
    first = [await on_its_way(batcher, 1), await on_its_way(batcher, 2)]
    others = [call(batcher, 3, 4), call(batcher, 5)]
    await turns()

    flusher.go.set()

    assert await asyncio.gather(*first, *others) == [[2], [4], [6, 8], [10]]
    assert flusher.batches == [[1], [2], [3, 4, 5]]


async def test_what_has_gathered_is_shared_out_over_the_ways_that_are_free(
    flusher: Carrier,
) -> None:
    batcher = Batcher(flusher)
    calls = [call(batcher, n) for n in range(1, 6)]
    await turns()
    flusher.go.set()

    assert await asyncio.gather(*calls) == [[2], [4], [6], [8], [10]]
    assert flusher.batches == [[1, 2, 3], [4, 5]]


async def test_a_batch_is_bounded_and_keeps_a_callers_items_together(flusher: Carrier) -> None:
    batcher = Batcher(flusher, most=3)
    first = [await on_its_way(batcher, 100), await on_its_way(batcher, 200)]
    calls = [call(batcher, *items) for items in ([1, 2], [3], [5, 6, 7, 8, 9], [10])]
    await turns()
    flusher.go.set()

    replies = await asyncio.gather(*first, *calls)

    assert replies[2:] == [[2, 4], [6], [10, 12, 14, 16, 18], [20]]
    assert flusher.batches[2:] == [[1, 2, 3], [5, 6, 7, 8, 9], [10]]


async def test_who_is_answered_may_call_again_at_once(flusher: Carrier) -> None:
    batcher = Batcher(flusher)

    async def call_twice() -> Sequence[int]:
        await batcher([1])
        return await batcher([2])

    twice, once = asyncio.create_task(call_twice()), call(batcher, 3)
    await turns()
    flusher.go.set()

    async with asyncio.timeout(1):
        assert list(await asyncio.gather(twice, once)) == [[4], [6]]


async def test_all_who_wait_fail_with_the_batch_and_later_callers_do_not(flusher: Carrier) -> None:
    batcher = Batcher(flusher)
    flusher.failure = ZeroDivisionError()
    first = [await on_its_way(batcher, 1), await on_its_way(batcher, 2)]
    third = call(batcher, 3)
    await turns()
    flusher.go.set()

    replies = await asyncio.gather(*first, third, return_exceptions=True)

    assert list(replies) == [flusher.failure] * 3
    assert flusher.batches == [[1], [2]]
    flusher.failure = None
    assert await batcher([4]) == [8]


async def test_a_cancelled_caller_cancels_nothing(flusher: Carrier) -> None:
    batcher = Batcher(flusher)
    await on_its_way(batcher, 0)
    first, second = call(batcher, 1), call(batcher, 2)
    await turns()

    first.cancel()
    await turns()
    flusher.go.set()

    assert await second == [4]
    assert first.cancelled()
    assert flusher.batches == [[0], [1, 2]]


async def test_a_cancelled_caller_does_not_mind_a_failure(flusher: Carrier) -> None:
    batcher = Batcher(flusher)
    first = call(batcher, 1)
    await turns()
    flusher.failure = ZeroDivisionError()
    first.cancel()
    await turns()

    flusher.go.set()
    await turns()

    assert first.cancelled()
    flusher.failure = None
    assert await batcher([3]) == [6]
