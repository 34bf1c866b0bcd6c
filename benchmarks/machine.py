"""What the figures depend on: the machine, its disk, and the versions of the servers."""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from postroom.adapters.embedded.binaries import find_valkey

SYNCED = 200
"""Writes that the disk is timed over."""


def describe(data: Path) -> Mapping[str, Any]:
    """Tells of this machine; *data* is a directory on the disk that the servers write to."""
    return {
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "memory_gib": _memory() / 2**30,
        "system": platform.platform(),
        "python": platform.python_version(),
        "server": _server_version(),
        "fdatasync_us": _fdatasync(data) * 1e6,
    }


def split_cpus() -> tuple[frozenset[int], frozenset[int]]:
    """One CPU for the server, and the others for all else: so figures differ less between runs.

    Two empty sets, which stand for no split, where there is one CPU, or no way to bind processes.
    """
    if not hasattr(os, "sched_getaffinity"):
        return frozenset(), frozenset()
    first, *others = sorted(os.sched_getaffinity(0))
    return (frozenset({first}), frozenset(others)) if others else (frozenset(), frozenset())


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _server_version() -> str:
    told = subprocess.run([find_valkey(), "--version"], capture_output=True, text=True, check=True)
    words = told.stdout.split()  # Valkey server v=9.1.2 sha=…
    return f"{words[0]} {words[2].removeprefix('v=')}"


def _fdatasync(directory: Path) -> float:
    """Seconds that an append of one job takes to be on disk (median)."""
    file = directory / "fdatasync"
    taken = []
    sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
    with file.open("ab", buffering=0) as appended:
        for _ in range(SYNCED):
            appended.write(bytes(700))
            begun = time.perf_counter()
            sync(appended.fileno())
            taken.append(time.perf_counter() - begun)
    file.unlink()
    return statistics.median(taken)
