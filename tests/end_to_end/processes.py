"""Processes, as the kernel tells of them."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 60
"""How long to wait for what should come."""


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for *condition*. Fails if it does not come."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None


def wait_until(condition: Callable[[], object], what: str) -> None:
    """The same where nothing else runs."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Whether the process is there, and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def with_home(home: Path) -> set[int]:
    """The processes that work in *home*, or were started with it in their environment."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if bytes(home) in told and lives(int(process.name)):
            found.add(int(process.name))
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
