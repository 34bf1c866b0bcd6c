"""The producer and worker processes of a queue, beside the server that they talk to."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.contestants import Contestant
from benchmarks.environments import ROOT, command_of
from benchmarks.probe import AT_MOST, ready_file
from benchmarks.server import Server

IS_READY_WITHIN = 30
"""Seconds from the start of a worker to the end of its first job."""

ENDS_WITHIN = 300
"""Seconds that a producer may take: to fill a queue takes longest."""

SETTLING = 0.3
"""Seconds after the last job until the worker has acknowledged it."""

_NUMBERS = count()


class ProcessFailedError(Exception):
    """The process ended, or did not do in time what it should; the message has its last words."""


def produce(
    contestant: Contestant, server: Server, command: str, **options: object
) -> dict[str, float]:
    """Run a producer to its end; what it tells (see program.py)."""
    done = subprocess.run(
        [*command_of(contestant), command, "--url", server.url, *_words(options)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=ENDS_WITHIN,
        check=False,
    )
    if done.returncode or not done.stdout.strip():
        raise ProcessFailedError(f"{contestant.name} {command}: {_last_words(done.stderr)}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


class WorkerProcess:
    """A worker, which reports when it has seen the jobs that it was told to expect."""

    def __init__(self, contestant: Contestant, server: Server, **options: object) -> None:
        files = server.directory / f"{contestant.name}-{next(_NUMBERS)}"
        self._name = contestant.name
        self._report = files.with_suffix(".json")
        self._errors = files.with_suffix(".errors")
        words = _words({"url": server.url, "report": self._report, **options})
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command_of(contestant), "work", *words],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
        self.pid = self._process.pid

    def wait_until_ready(self) -> None:
        self._wait_for(ready_file(self._report), IS_READY_WITHIN)

    def wait_for_report(self, within: float = AT_MOST + IS_READY_WITHIN) -> dict[str, Any]:
        """What the worker has seen, when it has acknowledged what it has done."""
        self._wait_for(self._report, within)
        time.sleep(SETTLING)
        told: dict[str, Any] = json.loads(self._report.read_text())
        return told

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait_for(self, file: Path, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not file.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                what = f"no {file.suffix} of the worker in {seconds:g} s"
                raise ProcessFailedError(
                    f"{self._name}: {what}: {_last_words(self._errors.read_text(errors='replace'))}"
                )
            time.sleep(0.02)


@contextmanager
def at_work(
    contestant: Contestant,
    server: Server,
    *,
    jobs: int,
    concurrency: int,
    works: bool = False,
    timed: bool = False,
    journal: Path | None = None,
) -> Iterator[WorkerProcess]:
    """A worker that expects *jobs* (see probe.py), killed at the end."""
    worker = WorkerProcess(
        contestant,
        server,
        jobs=jobs,
        concurrency=concurrency,
        works=works,
        timed=timed,
        journal=journal,
    )
    try:
        yield worker
    finally:
        worker.kill()


def _words(options: dict[str, object]) -> list[str]:
    words: list[str] = []
    for name, value in options.items():
        if value is True:
            words.append(f"--{name}")
        elif value is not None and value is not False:
            words += [f"--{name}", str(value)]
    return words


def _last_words(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:])[-500:] or "it said nothing"
