"""What a job does in these benchmarks, and how the worker that runs it tells what it has seen."""

import asyncio
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.payload import now, number_in, stamp_in

WORK = 0.01
"""Seconds of awaited work, where a job has any: a quick answer of a provider."""

LINE = 64
"""Bytes of each line of the journal. A page holds a whole number of them, since a kill tears a
write that goes over the end of one."""

AT_MOST = 30
"""Seconds over which a rate is taken, though jobs may be left."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker process is there for.

    It writes its *report* when *expected* jobs have ended (of those that are timed, if *timed*),
    and tells of each job in the *journal*, if there is one.
    """

    report: Path
    expected: int
    works: bool = False
    timed: bool = False
    journal: Path | None = None


class Probe:
    """The body of every job. It is told the job's trace context, which names the job."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._ended = self._timed = 0
        self._begun = 0
        self._waits: list[int] = []
        self._lock = threading.Lock()
        self._journal = _append_to(assignment.journal) if assignment.journal else None

    async def run(self, traceparent: str) -> None:
        self.begin(traceparent)
        if self._assignment.works:
            await asyncio.sleep(WORK)
        self.end(traceparent)

    def run_blocking(self, traceparent: str) -> None:
        """The same where jobs run in threads."""
        self.begin(traceparent)
        if self._assignment.works:
            time.sleep(WORK)
        self.end(traceparent)

    def begin(self, traceparent: str) -> None:
        moment = now()
        self._begun = self._begun or moment
        if self._assignment.timed and (stamp := stamp_in(traceparent)):
            self._waits.append(moment - stamp)
        self.note("begun", traceparent)

    def end(self, traceparent: str) -> None:
        self.note("ended", traceparent)
        with self._lock:
            self._ended += 1
            if self._ended == 1:
                ready_file(self._assignment.report).touch()
            if self._is_over():
                self._write_report()

    def note(self, what: str, traceparent: str) -> None:
        """Tell of a job in the journal, in one write, so that a kill leaves whole lines."""
        if self._journal is not None:
            line = f"{what} {number_in(traceparent)} {now()} {os.getpid()}"
            os.write(self._journal, line.ljust(LINE - 1).encode() + b"\n")

    def _is_over(self) -> bool:
        if self._assignment.timed:
            return len(self._waits) == self._assignment.expected
        if self._ended >= self._assignment.expected:
            return True
        return self._ended % 256 == 0 and now() - self._begun > AT_MOST * 1e9

    def _write_report(self) -> None:
        seconds = (now() - self._begun) / 1e9
        content = {
            "jobs": self._ended,
            "jobs_per_second": (self._ended - 1) / seconds,
            "waits": sorted(self._waits),
        }
        report = self._assignment.report
        if not report.exists():
            unfinished = report.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(content))
            unfinished.rename(report)


def ready_file(report: Path) -> Path:
    """Is there as soon as the worker has ended its first job."""
    return report.with_suffix(".ready")


def _append_to(journal: Path) -> int:
    return os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
