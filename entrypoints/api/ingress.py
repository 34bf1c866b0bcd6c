"""What becomes of what is announced: its pointers are queued, durably, or that fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ingest_pointer import Ingest
from postroom.application.ports import NotificationResult, Route
from postroom.domain.pointer import Pointer
from postroom.entrypoints.telemetry.notifications import note
from postroom.entrypoints.telemetry.sdk import Telemetry

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes. A notification has about 1 KB, and some providers send a thousand in one request."""


class Services(Protocol):
    """What it takes to queue something."""

    @property
    def ingest(self) -> Ingest: ...

    @property
    def telemetry(self) -> Telemetry: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What is announced of one mailbox at a time."""

    route: Route
    pointers: list[Pointer]


async def queue_all(services: Services, batches: Sequence[Batch]) -> None:
    """Queue every batch, and only then return. Raises Unavailable if one could not be queued.

    All are tried nevertheless; the sender then sends all again, and what was queued is known by its
    job id. Pointers of a paused mailbox are queued too: their jobs wait, and nothing is lost.
    """
    if len(batches) == 1:  # as nearly always: it needs no task of its own
        await _queue(services, batches[0])
        return
    results = await asyncio.gather(
        *(_queue(services, batch) for batch in batches), return_exceptions=True
    )
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise failures[0]


async def _queue(services: Services, batch: Batch) -> None:
    route = batch.route
    result = NotificationResult.UNAVAILABLE
    try:
        await services.ingest(route, batch.pointers)
        result = NotificationResult.PAUSED if route.is_paused else NotificationResult.ACCEPTED
    finally:
        note(
            services.telemetry,
            route.provider,
            result,
            count=len(batch.pointers),
            tenant=route.tenant,
            mailbox=route.id,
        )
