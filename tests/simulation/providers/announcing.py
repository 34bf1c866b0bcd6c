"""What a provider says of its own accord: that it watches a mailbox from now on."""

import asyncio
from contextlib import AsyncExitStack

from tests.simulation.arrivals import Notice
from tests.simulation.providers import Reach

AFTER = 0.5
SENT_AGAIN = 30.0
"""Seconds after which it is sent, and sent again to those who did not take it."""


class Announcer:
    """Sends notices, one after the other in which they are given, until each is taken."""

    def __init__(self) -> None:
        self._waiting = asyncio.Queue[Notice]()
        self._sending = set[asyncio.Task[None]]()

    def open(self, resources: AsyncExitStack, reach: Reach) -> None:
        task = asyncio.create_task(self._run(reach))
        resources.callback(task.cancel)
        resources.callback(lambda: [each.cancel() for each in self._sending])

    def __call__(self, notice: Notice) -> None:
        self._waiting.put_nowait(notice)

    async def _run(self, reach: Reach) -> None:
        while True:
            sending = asyncio.create_task(self._send(await self._waiting.get(), reach))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _send(self, notice: Notice, reach: Reach) -> None:
        wait, answer = AFTER, None
        while answer is None or not 200 <= answer.status < 300:
            await asyncio.sleep(wait)
            answer, wait = await reach("POST", notice), SENT_AGAIN
