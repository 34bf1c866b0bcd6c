"""`python -m benchmarks.bulkheads`: how long a calm mailbox waits, alone and beside others."""

import argparse
import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import structlog

from benchmarks.bulkheads.stage import Stage, open_stage
from benchmarks.bulkheads.strangers import Way
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.engines import ready
from postroom.entrypoints.settings import Settings

Company = Callable[[Stage], Awaitable[Sequence[Mailbox]]]
Measure = Callable[[Stage], Awaitable[Sequence[float]]]
Found = dict[str, list[float]]

WARM_UP = 20
"""Seconds. The first sign-in, and the first connections, are not what is measured."""


async def _nobody(_: Stage) -> Sequence[Mailbox]:
    return ()


async def _all_of_them(stage: Stage) -> Sequence[Mailbox]:
    return [
        *await stage.stuck_mailboxes(Way.HANGS, 5),
        *await stage.stuck_mailboxes(Way.DRIPS, 5),
        *await stage.hanging_sign_ins(10),
    ]


ALONE = "alone"

COMPANY: Mapping[str, Company] = {
    ALONE: _nobody,
    "beside five mailboxes whose server hangs": lambda s: s.stuck_mailboxes(Way.HANGS, 5),
    "beside five whose server drips": lambda s: s.stuck_mailboxes(Way.DRIPS, 5),
    "beside ten whose sign-in hangs": lambda s: s.hanging_sign_ins(10),
    "beside all twenty": _all_of_them,
    "beside a hundred with a backlog": lambda s: s.busy_neighbours(100),
}

LISTS: Mapping[str, Company] = {
    ALONE: _nobody,
    "beside ten mailboxes whose lists drip": lambda s: s.dripping_mailboxes(10),
    "beside forty whose lists drip": lambda s: s.dripping_mailboxes(40),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all of them")
    parser.add_argument("--only", default="", help="what has this in its name")
    parser.add_argument("--rate", type=float, default=10, help="messages a second")
    parser.add_argument("--log", default=os.devnull, help="where the worker writes to")
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with TemporaryDirectory(prefix="postroom-bulkheads-") as home:
        settings = Settings(home=Path(home), concurrency=given.concurrency)
        with ready(settings) as running, Path(given.log).open("wb") as log:
            asyncio.run(_run(running, log, given))


async def _run(settings: Settings, log: IO[bytes], given: argparse.Namespace) -> None:
    async with open_stage(settings, log) as stage:
        await _latencies(stage, given.rate, WARM_UP)

        async def handled(stage: Stage) -> Sequence[float]:
            return await _latencies(stage, given.rate, given.seconds)

        async def synced(stage: Stage) -> Sequence[float]:
            return await _syncs(stage, given.seconds)

        print("From the notification of a message to its outcome:")
        await _measure(stage, COMPANY, handled, given)
        async with stage.maintenance():
            await _syncs(stage, WARM_UP)
            print("From the request of a sync to its end:")
            await _measure(stage, LISTS, synced, given)


async def _measure(
    stage: Stage, company: Mapping[str, Company], measure: Measure, given: argparse.Namespace
) -> None:
    found: Found = {name: [] for name in company}
    for _ in range(given.rounds):
        for name, come in company.items():
            if given.only not in name and name != ALONE:
                continue
            strangers = await come(stage)
            found[name] += await measure(stage)
            print(f"  {name}: {_summary(found[name], found[ALONE])}", flush=True)
            await stage.leave(strangers)


async def _syncs(stage: Stage, seconds: float) -> Sequence[float]:
    """One after the other, at moments of their own."""
    loop, latencies = asyncio.get_running_loop(), list[float]()
    ends = loop.time() + seconds
    while loop.time() < ends:
        latencies.append(await stage.synced())
        await asyncio.sleep(random.random())  # noqa: S311 - no secret
    return latencies


async def _latencies(stage: Stage, rate: float, seconds: float) -> Sequence[float]:
    since = stage.wired.clock.now()
    sent = await _arrivals(stage, rate, seconds)
    latencies: Sequence[float] = ()
    async with asyncio.timeout(10 * seconds):
        while len(latencies) < sent:
            await asyncio.sleep(0.5)
            latencies = await stage.latencies(since)
    return latencies


def _summary(latencies: Sequence[float], alone: Sequence[float]) -> str:
    median, p99, most = (1000 * _share(latencies, share) for share in (0.5, 0.99, 1.0))
    ratio = _share(latencies, 0.99) / _share(alone, 0.99)
    return (
        f"p50 {median:.0f} ms, p99 {p99:.0f} ms, most {most:.0f} ms of {len(latencies)};"
        f" p99 {ratio:.2f} times that alone"
    )


def _share(latencies: Sequence[float], share: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


async def _arrivals(stage: Stage, rate: float, seconds: float) -> int:
    """As many as *rate* a second, evenly; returns how many."""
    loop = asyncio.get_running_loop()
    began, number = loop.time(), int(rate * seconds)
    for each in range(number):
        await stage.arrive()
        await asyncio.sleep(max(began + (each + 1) / rate - loop.time(), 0))
    return number


main()
