"""What every webhook does once it knows which pointers to accept: queue them, durably, or fail."""

import asyncio
from collections.abc import Sequence

from domain.mailbox import Mailbox
from domain.pointer import Pointer
from entrypoints.api.services import Services
from entrypoints.telemetry.notices import Verdict, note

BODY_LIMIT = 1024 * 1024
"""Bytes. A Graph notification is about 1 KB, and comes in batches; a Gmail one is smaller."""

Batch = tuple[Mailbox, Sequence[Pointer]]


async def queue_all(services: Services, batches: Sequence[Batch]) -> None:
    """Queue every batch, and only then return. Raises Unavailable if one could not be queued.

    All are tried nevertheless; the sender then sends all again, and what was queued is known by its
    job id. Pointers of a paused mailbox are queued too: their jobs wait, and nothing is lost.
    """
    results = await asyncio.gather(
        *(services.ingest(mailbox, pointers) for mailbox, pointers in batches),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, BaseException)]
    for (mailbox, pointers), result in zip(batches, results, strict=True):
        note(
            services.telemetry,
            mailbox.provider,
            _verdict(mailbox, failed=isinstance(result, BaseException)),
            count=len(pointers),
            tenant=mailbox.tenant,
            mailbox=mailbox.id,
        )
    if failures:
        raise failures[0]


def _verdict(mailbox: Mailbox, *, failed: bool) -> Verdict:
    if failed:
        return Verdict.UNAVAILABLE
    return Verdict.PAUSED if mailbox.paused else Verdict.ACCEPTED
