"""The body of an answer, as it comes over a network that is drawn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx

from tests.simulation.plan import Fault


@dataclass(frozen=True)
class Body(httpx.AsyncByteStream):
    """*content*, a byte a second while it *drips*, or the half of it if it is *torn*."""

    content: bytes
    drips: Fault | None
    torn: bool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = self.content[: len(self.content) // 2] if self.torn else self.content
        for chunk in self._chunks(whole):
            yield chunk
            if self.drips:
                await asyncio.sleep(1.0)
        if self.torn:
            raise httpx.RemoteProtocolError("the peer closed the connection in the midst of it")

    def _chunks(self, whole: bytes) -> Iterator[bytes]:
        loop = asyncio.get_running_loop()
        start = 0
        while start < len(whole):
            size = 1 if self.drips and loop.time() < self.drips.ends else len(whole)
            yield whole[start : start + size]
            start += size
