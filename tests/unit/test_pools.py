"""The pools of a process: none waits for another."""

import asyncio
from threading import Event

from postroom.entrypoints.container.pools import SIGN_INS, open_pools


async def test_sign_ins_that_hang_hold_up_neither_blobs_nor_lookups_of_names() -> None:
    ended, loop = Event(), asyncio.get_running_loop()
    async with open_pools(2**20) as pools:
        hanging = [
            loop.run_in_executor(pools.sign_ins, ended.wait, 10) for _ in range(SIGN_INS + 1)
        ]
        try:
            async with asyncio.timeout(5):
                assert await loop.run_in_executor(pools.blobs, lambda: "written") == "written"
                assert await loop.getaddrinfo("127.0.0.1", 443)
        finally:
            ended.set()
            await asyncio.gather(*hanging)
