"""Group commit: what many callers hand in at a time goes over in one command, with one fsync."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

CONCURRENT_BATCHES = 2
"""Batches on their way at a time: while the server works on one, we unpack and pack the other."""

Item = TypeVar("Item")
Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class _Call(Generic[Item, Reply]):
    items: Sequence[Item]
    replies: asyncio.Future[Sequence[Reply]]

    def answer(self, replies: Sequence[Reply]) -> None:
        if not self.replies.done():  # it is, if the caller was cancelled
            self.replies.set_result(replies)

    def fail(self, error: Exception) -> None:
        if not self.replies.done():
            self.replies.set_exception(error)


class Batcher(Generic[Item, Reply]):
    """Hands items to *flush*, batch after batch, and the replies to those who wait for them.

    A lone caller's items go at once. While CONCURRENT_BATCHES batches are on their way the next one
    gathers, up to *most* items (those of one caller stay together). A caller that is cancelled
    takes nothing back: the command on its way is everyone's. When a batch fails, all who wait fail
    with it, so that with the server away nobody waits for longer than one batch takes.
    """

    def __init__(
        self, flush: Callable[[Sequence[Item]], Awaitable[Sequence[Reply]]], *, most: int = 256
    ) -> None:
        self._flush = flush
        self._most = most
        self._waiting: list[_Call[Item, Reply]] = []
        self._flushers: set[asyncio.Task[None]] = set()  # which the loop does not hold on to
        self._idle = CONCURRENT_BATCHES
        self._on_their_way = 0

    async def __call__(self, items: Sequence[Item]) -> Sequence[Reply]:
        """The replies to *items*, in their order. Raises whatever *flush* raises."""
        call: _Call[Item, Reply] = _Call(items, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._idle:
            self._idle -= 1
            flusher = asyncio.create_task(self._flush_all())
            self._flushers.add(flusher)
            flusher.add_done_callback(self._flushers.discard)
        return await call.replies

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
                self._on_their_way += 1
                try:
                    await self._flush_batch(batch)
                finally:
                    self._on_their_way -= 1
        finally:
            self._idle += 1  # at once: a caller may be next who was answered just now

    def _next_batch(self) -> list[_Call[Item, Reply]]:
        """An equal share of what waits, for each way that is free."""
        share = -(-len(self._waiting) // (CONCURRENT_BATCHES - self._on_their_way))
        count, size = 1, len(self._waiting[0].items)
        for call in self._waiting[1:share]:
            size += len(call.items)
            if size > self._most:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _flush_batch(self, batch: list[_Call[Item, Reply]]) -> None:
        try:
            replies = await self._flush(list(chain.from_iterable(call.items for call in batch)))
        except Exception as error:  # noqa: BLE001 - it is raised again, where it is waited for
            failed, self._waiting = [*batch, *self._waiting], []
            for call in failed:
                call.fail(error)
            return
        start = 0
        for call in batch:
            end = start + len(call.items)
            call.answer(replies[start:end])
            start = end
