"""Jobs and claims, each with only what matters in the test given."""

from datetime import UTC, datetime, timedelta

from application.ports import Claim, PointerQueue
from domain.pointer import ImapPointer, PointerJob

LEASE = timedelta(minutes=1)
MOMENT = timedelta(seconds=1)
"""A Redis that follows the clock of a test lags behind it by the time that a command takes."""

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


def job(name: str, *, tenant: str = "acme", mailbox: str = "support") -> PointerJob:
    return PointerJob(
        id=name,
        tenant=tenant,
        mailbox=mailbox,
        pointer=ImapPointer("INBOX", uid=7, uid_validity=1),
        enqueued_at=NEW_YEAR,
    )


def jobs(*names: str, tenant: str = "acme", mailbox: str = "support") -> list[PointerJob]:
    return [job(name, tenant=tenant, mailbox=mailbox) for name in names]


async def claimed(queue: PointerQueue, limit: int = 1) -> list[Claim]:
    return list(await queue.claim(limit, LEASE))


async def names(queue: PointerQueue, limit: int = 100) -> list[str]:
    """The ids of what can be claimed now."""
    return [claim.job.id for claim in await queue.claim(limit, LEASE)]
