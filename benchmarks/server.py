"""The server under test: a fresh Valkey, with all its data in a directory of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis
from redis.exceptions import ConnectionError as NotConnected

from postroom.adapters.embedded.binaries import valkey_command

STARTS_WITHIN = 120
"""Seconds. It reads all its data before it answers."""

_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Spent:
    """What the server has spent since its start: a difference of two is what was spent between."""

    commands: int
    """All that were run, those that a script runs included."""
    wire_bytes: int
    file_bytes: int
    """Of the append-only file."""
    cpu_seconds: float
    memory_bytes: int

    def per_job(self, before: "Spent", jobs: int) -> dict[str, float]:
        return {
            "commands_per_job": (self.commands - before.commands) / jobs,
            "wire_bytes_per_job": (self.wire_bytes - before.wire_bytes) / jobs,
            "file_bytes_per_job": (self.file_bytes - before.file_bytes) / jobs,
            "server_us_per_job": (self.cpu_seconds - before.cpu_seconds) * 1e6 / jobs,
        }


class Server:
    """A context manager around the process. Its data are deleted at the end.

    It keeps an append-only file that is never rewritten, so that its size tells what was written.
    *cpus* are those that it may use (empty: all).
    """

    def __init__(self, parent: Path, appendfsync: str, cpus: Iterable[int] = ()) -> None:
        self.directory = parent / f"server-{os.getpid()}-{next(_NUMBERS)}"
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.appendfsync = appendfsync
        self._cpus = frozenset(cpus)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self.directory)

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": self.appendfsync,
            "auto-aof-rewrite-percentage": "0",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with on_cpus(self._cpus), (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*valkey_command(), *options], stdout=log, stderr=log, cwd=self.directory
            )
        self._redis = Redis(port=self.port, socket_timeout=STARTS_WITHIN)
        self._wait_until_ready()

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would."""
        self._redis.close()
        self._process.kill()
        self._process.wait()

    @contextmanager
    def relaxed(self) -> Iterator[None]:
        """Do not wait for the disk meanwhile: to fill a queue, which is not what is measured."""
        self._redis.config_set("appendfsync", "everysec")
        try:
            yield
        finally:
            self._redis.config_set("appendfsync", self.appendfsync)

    def spent(self) -> Spent:
        info: dict[str, Any] = self._redis.info("everything")
        statistics = [told for name, told in info.items() if name.startswith("cmdstat_")]
        return Spent(
            commands=sum(told["calls"] for told in statistics),
            wire_bytes=info["total_net_input_bytes"] + info["total_net_output_bytes"],
            file_bytes=sum(path.stat().st_size for path in self.directory.glob("*/*.aof")),
            cpu_seconds=info["used_cpu_user"] + info["used_cpu_sys"],
            memory_bytes=info["used_memory"],
        )

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + STARTS_WITHIN
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Valkey did not start:\n{(self.directory / 'log').read_text()}")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        try:
            return bool(self._redis.ping())
        except NotConnected:  # while it reads its data, too
            return False


@contextmanager
def on_cpus(cpus: frozenset[int]) -> Iterator[None]:
    """What this thread starts in the block may use only *cpus* (empty: all that we may)."""
    if not cpus:
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
