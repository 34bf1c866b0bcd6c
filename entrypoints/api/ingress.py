"""What every webhook does once it knows which pointers to accept: queue them, durably, or fail."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.application.ingest_pointer import MailboxRef
from postroom.domain.pointer import Pointer
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.notifications import NotificationResult, note

BODY_LIMIT = 1024 * 1024
"""Bytes. A Graph notification is about 1 KB, and comes in batches; a Gmail one is smaller."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request tells of one mailbox."""

    mailbox: MailboxRef
    pointers: Sequence[Pointer]
    is_paused: bool


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
    result = NotificationResult.UNAVAILABLE
    try:
        await services.ingest(batch.mailbox, batch.pointers)
        result = NotificationResult.PAUSED if batch.is_paused else NotificationResult.ACCEPTED
    finally:
        note(
            services.telemetry,
            batch.mailbox.provider,
            result,
            count=len(batch.pointers),
            tenant=batch.mailbox.tenant,
            mailbox=batch.mailbox.id,
        )
