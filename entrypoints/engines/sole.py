"""One `postroom up` at a time in a home."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from postroom.adapters.embedded.locks import FileLock
from postroom.adapters.embedded.waiting import within
from postroom.entrypoints.engines.home import usable
from postroom.entrypoints.settings import NotReady

PARTS_MAY_TAKE = 35
"""Seconds for the parts of one that was killed: they stop by themselves (see part_process.py)."""


@contextmanager
def sole_up(home: Path, show: Callable[[str], object]) -> Iterator[int]:
    """Be the only one in *home*; yields a file descriptor for the parts to inherit.

    Two locks in the home say who is there. Ours is dropped when we end. The other is held by every
    part, too: as long as one of them lives it has its port, and the jobs that are in its hands.
    Raises NotReady.
    """
    with usable(home):
        ours, parts = FileLock(home / ".up"), FileLock(home / ".parts")
    try:
        if not ours.seize():
            raise NotReady(f"`postroom up` runs already in {home}{_number(home)}")
        _sign(ours)
        if not parts.seize():
            show(f"Parts of a `postroom up` that was killed still stop in {home} …")
            within(time.monotonic() + PARTS_MAY_TAKE, parts.seize)  # nothing is done twice anyway
        yield parts.fd
    finally:
        parts.close()
        ours.close()


def _number(home: Path) -> str:
    with suppress(OSError):
        if pid := (home / ".up").read_text().strip():
            return f", as process {pid}"
    return ""


def _sign(lock: FileLock) -> None:
    with suppress(OSError):  # the disk is full: then nobody is told which process it is
        os.truncate(lock.fd, 0)
        os.pwrite(lock.fd, f"{os.getpid()}\n".encode(), 0)
