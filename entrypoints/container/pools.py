"""What blocks or takes long, and where it does: no kind of it waits for another.

| what                | where                                | what bounds it                      |
|---------------------|--------------------------------------|-------------------------------------|
| looking up a name   | threads: the loop's own, since       | the resolver's own timeouts         |
|                     | asyncio takes no others for it       |                                     |
| signing in          | threads                              | a deadline on each of its requests, |
|                     |                                      | and one sign-in an application      |
| reading mail        | at once if it is small, or processes | processor time, memory              |
| reading HTML        | the same, but others                 | the same, and a size                |
| writing blobs       | threads                              | the disk                            |
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

NAMES = SIGN_INS = 64
"""A thread for each job that a worker may have in hand: they cost next to nothing while they wait,
and none is made before it is needed."""

BLOBS = 8
"""Disks like some writes at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    sign_ins: Executor
    blobs: Executor


@asynccontextmanager
async def open_pools() -> AsyncIterator[Pools]:
    async with AsyncExitStack() as resources:

        def threads(number: int, name: str) -> ThreadPoolExecutor:
            pool = ThreadPoolExecutor(number, name)
            # Without waiting: what hangs is bounded, and there are signals to stop by.
            resources.callback(pool.shutdown, wait=False, cancel_futures=True)
            return pool

        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NAMES, "names"))
        yield Pools(sign_ins=threads(SIGN_INS, "sign-in"), blobs=threads(BLOBS, "blobs"))
