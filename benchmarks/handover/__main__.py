"""`python -m benchmarks.handover`: handovers a second, and acceptance beside what hangs."""

import argparse
import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO

import structlog

from benchmarks.handover.accepting import HANGING, Accepting
from benchmarks.handover.throughput import Throughput
from postroom.entrypoints.container import wire
from postroom.entrypoints.engines import ready
from postroom.entrypoints.part_process import ProcessStart, environment_of
from postroom.entrypoints.settings import Settings

LEAST_THROUGHPUT, MOST_P99 = 0.5, 2.0
"""The goals: both are ratios within one run, since machines differ."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of both sides in turns")
    parser.add_argument("--calls", type=int, default=8, help="at a time, of both sides")
    parser.add_argument("--only", choices=["throughput", "accepting"])
    parser.add_argument("--log", default=os.devnull, help="where the worker writes to")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with TemporaryDirectory(prefix="postroom-handover-") as home:
        settings = Settings(home=Path(home))
        with ready(settings) as running, Path(given.log).open("wb") as log:
            asyncio.run(_run(running, log, given))


async def _run(settings: Settings, log: IO[bytes], given: argparse.Namespace) -> None:
    async with _receiver() as url:
        if given.only != "accepting":
            await _throughput(settings, log, url, given)
        if given.only != "throughput":
            await _accepting(settings, url, given)


async def _throughput(
    settings: Settings, log: IO[bytes], url: str, given: argparse.Namespace
) -> None:
    print(f"Handovers a second, {given.calls} at a time, over bare posts with a commit each:")
    ratios = list[float]()
    async with wire(settings) as wired, _worker(settings, log):
        measured = Throughput(wired, settings, f"{url}/inbound", given.messages, given.calls)
        for _ in range(given.rounds):
            bare, ours = await measured.bare(), await measured.postroom()
            ratios.append(ours / bare)
            print(f"  {ours:,.0f}/s over {bare:,.0f}/s: {ratios[-1]:.2f} times", flush=True)
    _verdict(median(ratios), "at least", LEAST_THROUGHPUT, met=median(ratios) >= LEAST_THROUGHPUT)


async def _accepting(settings: Settings, url: str, given: argparse.Namespace) -> None:
    print(f"Acceptance of a message while {HANGING} applications hang, over that when idle:")
    ratios = list[float]()
    async with wire(settings) as wired:
        measured = Accepting(wired, url, given.messages)
        for _ in range(given.rounds):
            idle, beside = await measured.idle(), await measured.beside_hanging()
            ratios.append(_share(beside, 0.99) / _share(idle, 0.99))
            print(f"  {_times(beside)} over {_times(idle)}: p99 {ratios[-1]:.2f} times", flush=True)
    _verdict(median(ratios), "at most", MOST_P99, met=median(ratios) <= MOST_P99)


def _times(seconds: Sequence[float]) -> str:
    p50, p99 = (1000 * _share(seconds, share) for share in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _share(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _verdict(ratio: float, bound: str, goal: float, *, met: bool) -> None:
    print(f"  median {ratio:.2f} times; goal {bound} {goal:g}: {'met' if met else 'NOT MET'}\n")


@asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    command = (sys.executable, "-m", "benchmarks.handover.receiver")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _worker(settings: Settings, log: IO[bytes]) -> AsyncIterator[None]:
    process = await ProcessStart(environment_of(settings), log)("worker")
    try:
        yield
    finally:
        process.kill()
        await process.wait()


main()
