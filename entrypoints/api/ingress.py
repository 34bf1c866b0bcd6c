"""What every webhook does once it knows which pointers to accept: queue them, durably, or fail."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from application.ingest_pointer import Addressee
from domain.pointer import Pointer
from entrypoints.api.services import Services
from entrypoints.telemetry.notices import Verdict, note

BODY_LIMIT = 1024 * 1024
"""Bytes. A Graph notification is about 1 KB, and comes in batches; a Gmail one is smaller."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request tells of one mailbox."""

    mailbox: Addressee
    pointers: Sequence[Pointer]
    is_paused: bool


async def queue_all(services: Services, batches: Sequence[Batch]) -> None:
    """Queue every batch, and only then return. Raises Unavailable if one could not be queued.

    All are tried nevertheless; the sender then sends all again, and what was queued is known by its
    job id. Pointers of a paused mailbox are queued too: their jobs wait, and nothing is lost.
    """
    results = await asyncio.gather(
        *(services.ingest(batch.mailbox, batch.pointers) for batch in batches),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, BaseException)]
    for batch, result in zip(batches, results, strict=True):
        note(
            services.telemetry,
            batch.mailbox.provider,
            _verdict(batch, failed=isinstance(result, BaseException)),
            count=len(batch.pointers),
            tenant=batch.mailbox.tenant,
            mailbox=batch.mailbox.id,
        )
    if failures:
        raise failures[0]


def _verdict(batch: Batch, *, failed: bool) -> Verdict:
    if failed:
        return Verdict.UNAVAILABLE
    return Verdict.PAUSED if batch.is_paused else Verdict.ACCEPTED
