"""Sign-ins of many applications: whatever one of them does, the others go on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest

from postroom.adapters.http.sign_ins import MAX_FLIGHTS, SignIns
from postroom.adapters.memory.clock import ManualClock
from postroom.domain.failure import AccessFailed, Unavailable
from tests.threads import sign_ins

LONG = timedelta(minutes=1)
AT_ONCE = timedelta(milliseconds=10)


async def run(
    sign_ins: SignIns, application: str, request: Callable[[], str], deadline: timedelta = LONG
) -> str:
    return await sign_ins.run(application, request, peer="sign-in", deadline=deadline)


def token() -> str:
    return "token"


def away() -> str:
    raise Unavailable("sign-in answered 503")


async def test_it_returns_what_the_request_does(clock: ManualClock) -> None:
    assert await run(sign_ins(clock), "one", token) == "token"


async def test_ten_that_hang_leave_room_for_another(clock: ManualClock) -> None:
    ended, signing_in = Event(), SignIns(ThreadPoolExecutor(64), clock)
    hanging = [
        asyncio.create_task(run(signing_in, f"{number}", lambda: str(ended.wait(10))))
        for number in range(10)
        for _ in range(4)
    ]
    await asyncio.sleep(0)

    try:
        async with asyncio.timeout(5):
            assert await run(signing_in, "calm", token) == "token"
    finally:
        ended.set()
        await asyncio.gather(*hanging)


async def test_one_that_has_not_answered_yet_has_one_under_way(clock: ManualClock) -> None:
    under_way: list[str] = []
    began, ended, signing_in = Event(), Event(), sign_ins(clock)

    def request() -> str:
        under_way.append("")
        began.set()
        return str(ended.wait(10))

    running = [asyncio.create_task(run(signing_in, "one", request)) for _ in range(3)]
    try:
        await run(signing_in, "another", lambda: str(began.wait(5)))
        assert len(under_way) == 1
    finally:
        ended.set()
        await asyncio.gather(*running)


async def test_one_that_has_answered_has_several_under_way(clock: ManualClock) -> None:
    signing_in, all_are_here = sign_ins(clock), Barrier(MAX_FLIGHTS)
    await run(signing_in, "one", token)

    def request() -> str:
        return str(all_are_here.wait(5))

    async with asyncio.timeout(5):
        await asyncio.gather(*(run(signing_in, "one", request) for _ in range(MAX_FLIGHTS)))


async def test_who_waits_behind_one_that_fails_meets_its_failure(clock: ManualClock) -> None:
    asked: list[int] = []
    signing_in = sign_ins(clock)

    def request() -> str:
        asked.append(1)
        return away()

    got = await asyncio.gather(
        *(run(signing_in, "one", request) for _ in range(20)), return_exceptions=True
    )

    assert [str(each) for each in got] == ["sign-in answered 503"] * 20
    assert len(asked) == 1


async def test_one_that_failed_is_left_alone_for_a_while_and_says_for_how_long(
    clock: ManualClock,
) -> None:
    signing_in = sign_ins(clock)
    with pytest.raises(Unavailable):
        await run(signing_in, "one", away)

    with pytest.raises(Unavailable) as raised:
        await run(signing_in, "one", token)

    assert raised.value.retry_after == timedelta(seconds=2)
    assert await run(signing_in, "another", token) == "token"


async def test_one_that_failed_is_asked_again_when_that_is_over(clock: ManualClock) -> None:
    signing_in = sign_ins(clock)
    with pytest.raises(Unavailable):
        await run(signing_in, "one", away)
    clock.advance(timedelta(seconds=2))

    assert await run(signing_in, "one", token) == "token"


async def test_one_that_goes_on_failing_is_left_alone_for_longer_and_never_for_long(
    clock: ManualClock,
) -> None:
    signing_in = sign_ins(clock)
    waits: list[timedelta] = []

    for _ in range(60):
        with pytest.raises(Unavailable):
            await run(signing_in, "one", away)
        with pytest.raises(Unavailable) as raised:
            await run(signing_in, "one", token)
        waits.append(raised.value.retry_after or timedelta())
        clock.advance(waits[-1])

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=2), timedelta(minutes=1))


async def test_a_clock_that_is_set_back_leaves_nobody_alone_for_long(clock: ManualClock) -> None:
    signing_in = sign_ins(clock)
    with pytest.raises(Unavailable):
        await run(signing_in, "one", away)
    clock.advance(timedelta(hours=-1))

    assert await run(signing_in, "one", token) == "token"


async def test_a_refusal_is_an_answer_and_nobody_is_left_alone_for_it(clock: ManualClock) -> None:
    signing_in = sign_ins(clock)

    def refuse() -> str:
        raise AccessFailed("sign-in answered 401")

    with pytest.raises(AccessFailed):
        await run(signing_in, "one", refuse)

    assert await run(signing_in, "one", token) == "token"


async def test_one_that_is_not_over_in_time_is_given_up(clock: ManualClock) -> None:
    ended = Event()
    try:
        with pytest.raises(Unavailable, match="sign-in did not answer: TimeoutError"):
            await run(sign_ins(clock), "one", lambda: str(ended.wait(10)), AT_ONCE)
    finally:
        ended.set()


async def test_one_that_is_cancelled_makes_room_for_the_next(clock: ManualClock) -> None:
    ended, signing_in = Event(), sign_ins(clock)
    cancelled = asyncio.create_task(run(signing_in, "one", lambda: str(ended.wait(10))))
    waiting = asyncio.create_task(run(signing_in, "one", token))
    await asyncio.sleep(0)

    cancelled.cancel()

    try:
        async with asyncio.timeout(5):
            assert await waiting == "token"
    finally:
        ended.set()
