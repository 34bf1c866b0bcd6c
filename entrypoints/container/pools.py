"""What blocks or takes long, and where it does: no kind of it waits for another.

| what                | where                                | what bounds it                      |
|---------------------|--------------------------------------|-------------------------------------|
| looking up a name   | threads: the loop's own, since       | the resolver's own timeouts         |
|                     | asyncio takes no others for it       |                                     |
| signing in          | threads                              | a deadline on each of its requests, |
|                     |                                      | and one sign-in an application      |
| reading mail, and   | at once if it is small, or processes | processor time, memory              |
| rendering bodies    |                                      |                                     |
| reading HTML        | the same, but others                 | the same, and a size                |
| fetching mail       | the event loop                       | a minimum rate, bytes in hand       |
| writing blobs       | threads                              | the disk, or the store's timeouts   |
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from postroom.adapters.offload.processes import Limits, Processes
from postroom.application.mail_in_hand import MailInHand
from postroom.application.ports import Kind, Offload

NAMES = SIGN_INS = 64
"""Threads cost next to nothing while they wait, and none is made before it is needed."""

BLOBS = 8
"""Disks like some writes at a time."""

PROCESSES = min(max(os.cpu_count() or 1, 2), 4)
"""For each kind of what a stranger wrote."""

KIBIBYTE = 2**10

MAIL_IN_LINE = 64 * KIBIBYTE
"""Read in 2 ms, and in 25 if it is hostile, where a process takes 2 for as much (ADR 0040)."""

HTML_IN_LINE = 8 * KIBIBYTE
"""Read in 3 ms, and in 6 if it is hostile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    sign_ins: Executor
    blobs: Executor
    offload: Offload
    in_hand: MailInHand


@asynccontextmanager
async def open_pools(max_bytes_in_hand: int) -> AsyncIterator[Pools]:
    async with AsyncExitStack() as resources:

        def threads(number: int, name: str) -> ThreadPoolExecutor:
            pool = ThreadPoolExecutor(number, name)
            # Without waiting: what hangs is bounded, and there are signals to stop by.
            resources.callback(pool.shutdown, wait=False, cancel_futures=True)
            return pool

        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NAMES, "names"))
        processes = Processes(
            {Kind.MAIL: Limits(in_line=MAIL_IN_LINE), Kind.HTML: Limits(in_line=HTML_IN_LINE)},
            each=PROCESSES,
        )
        resources.push_async_callback(processes.aclose)
        yield Pools(
            sign_ins=threads(SIGN_INS, "sign-in"),
            blobs=threads(BLOBS, "blobs"),
            offload=processes,
            in_hand=MailInHand(max_bytes_in_hand),
        )
