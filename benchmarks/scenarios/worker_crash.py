"""What becomes of the jobs of a worker that is killed with SIGKILL, at default settings.

A worker is killed in the middle of its work, a fresh one is started at once, and the jobs are
waited for, but not for ever: once for each peer, side by side, since they mostly wait. Ours is
killed often; and at times stopped instead (SIGSTOP) until another has done its jobs, and then let
go on (SIGCONT), so that it tries to settle what is no longer its own.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import journal
from benchmarks.contestants import Contestant, Kind
from benchmarks.journal import Entry
from benchmarks.payload import now
from benchmarks.processes import IS_READY_WITHIN, WorkerProcess, at_work, produce
from benchmarks.scenarios.scenario import Bench, Figures, Scenario
from benchmarks.server import Server

SIDE_BY_SIDE = 4
"""Of our own crashes. More would be short of CPUs."""

STALE_TIME = 2
"""Seconds that a worker is given to settle what it held when it was stopped."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What one of them has done. Seconds are from the kill."""

    in_hand: int
    """Jobs that the worker had begun, and not ended."""
    waits: Sequence[float]
    """Seconds until jobs of the worker began again with another."""
    missing: int
    doubled: int
    settled_twice: int
    stale_tries: int
    """Jobs that a stopped worker has ended, and so tried to settle, when it went on."""
    done_after: float


def measure(bench: Bench, contestants: Sequence[Contestant]) -> Mapping[str, Figures]:
    peers = [one for one in contestants if one.kind is not Kind.OURS]
    with ThreadPoolExecutor(max(len(peers), 1)) as threads:
        crashes = threads.map(lambda peer: [crash(bench, peer, signal.SIGKILL)], peers)
        figures = {peer.name: _sum_up(seen) for peer, seen in zip(peers, crashes, strict=True)}
    for ours in set(contestants).difference(peers):
        figures[ours.name] = _crash_often(bench, ours)
    return figures


def _crash_often(bench: Bench, ours: Contestant) -> Figures:
    kills, freezes = bench.scale.worker_kills, bench.scale.worker_freezes
    ways = [signal.SIGKILL] * kills + [signal.SIGSTOP] * freezes
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        crashes = list(threads.map(lambda how: crash(bench, ours, how), ways))
    return {**_sum_up(crashes), "kills": kills, "freezes": freezes}


def _sum_up(crashes: Sequence[Crash]) -> Figures:
    waits = [wait for crash in crashes for wait in crash.waits]
    figures: dict[str, float] = {
        "kills": len(crashes),
        "in_hand": sum(crash.in_hand for crash in crashes),
        "missing": sum(crash.missing for crash in crashes),
        "doubled": sum(crash.doubled for crash in crashes),
        "settled_twice": sum(crash.settled_twice for crash in crashes),
        "stale_tries": sum(crash.stale_tries for crash in crashes),
    }
    if not figures["missing"]:
        figures["done_after_s"] = max(crash.done_after for crash in crashes)
    if waits:
        figures |= {"redelivered_first_s": min(waits), "redelivered_s": max(waits)}
    return figures


def crash(bench: Bench, contestant: Contestant, how: signal.Signals) -> Crash:
    """Stop a worker in the way that *how* says, and see what becomes of its jobs."""
    jobs = bench.scale.crashed
    with bench.server() as server:
        with server.relaxed():
            produce(contestant, server, "fill", jobs=jobs)
        told = server.directory / "journal"
        with _worker(bench, contestant, server, told) as victim:
            _wait(lambda: journal.ended(told) >= jobs / 4, IS_READY_WITHIN, pause=0.002)
            victim.signal(how)
            stopped = now()
            if how is signal.SIGKILL:
                victim.kill()
            with _worker(bench, contestant, server, told):
                _wait(lambda: _done(told) == jobs, bench.scale.patience, pause=0.05)
                if how is signal.SIGSTOP:
                    victim.signal(signal.SIGCONT)
                    time.sleep(STALE_TIME)
        return _judge(journal.read(told), victim.pid, stopped, jobs)


def _worker(
    bench: Bench, contestant: Contestant, server: Server, told: Path
) -> AbstractContextManager[WorkerProcess]:
    return at_work(
        contestant,
        server,
        jobs=bench.scale.crashed + 1,  # never: it works until it is killed
        concurrency=bench.working(contestant),
        works=True,
        journal=told,
    )


def _judge(entries: Sequence[Entry], victim: int, stopped: int, jobs: int) -> Crash:
    ends = [entry for entry in entries if entry.what == "ended"]
    waits = journal.waits_for_redelivery(entries, victim, stopped)
    stale = [end for end in ends if end.worker == victim and end.moment > stopped]
    fresh = [end.moment for end in ends if end.worker != victim]
    return Crash(
        in_hand=len(journal.in_hand(entries, victim, stopped)),
        waits=list(waits.values()),
        missing=jobs - len(journal.numbers(entries, "ended")),
        doubled=journal.more_than_once(entries, "ended") - len(stale),
        settled_twice=journal.more_than_once(entries, "settled"),
        stale_tries=len(stale),
        done_after=(max(fresh, default=stopped) - stopped) / 1e9,
    )


def _done(told: Path) -> int:
    return len(journal.numbers(journal.read(told), "ended"))


def _wait(condition: Callable[[], bool], seconds: float, *, pause: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(pause)


SCENARIO = Scenario(
    name="worker_crash",
    title="SIGKILL of a worker in the middle of its work",
    admits=lambda contestant: contestant.has_worker,
    measure=measure,
    seconds=250,
    repeated=False,
    together=True,
)
