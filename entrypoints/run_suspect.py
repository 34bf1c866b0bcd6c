"""The process in which a suspect runs alone: see isolation.py for what it says to its parent."""

import asyncio
import os
import sys
import threading

from postroom.domain.failure import StoreUnavailable
from postroom.entrypoints.container import wire
from postroom.entrypoints.isolation import EXIT_AWAY, READY
from postroom.entrypoints.settings import Settings, load_settings
from postroom.entrypoints.telemetry.logging import configure_logging
from postroom.entrypoints.telemetry.observed import ObservedConsume

STDIN = 0


def consume_claim() -> int:
    """Returns the exit code."""
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return asyncio.run(_consume(load_settings(), line))


def _end_with_parent() -> None:
    """Nobody renews the lease any more, and another worker will claim the job."""
    # Not by sys.stdin: Python aborts at its end where a thread is in the middle of reading that.
    while os.read(STDIN, 1024):
        pass
    os._exit(EXIT_AWAY)


async def _consume(settings: Settings, line: bytes) -> int:
    async with wire(settings) as wired:
        configure_logging(settings.log_format)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        try:
            await ObservedConsume(wired.consume, wired.telemetry)(wired.claim_records.unpack(line))
        except StoreUnavailable:
            return EXIT_AWAY
    return 0
