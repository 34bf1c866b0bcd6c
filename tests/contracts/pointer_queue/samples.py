"""Jobs and claims, each with only what matters in the test given."""

from datetime import UTC, datetime, timedelta

from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, PointerQueue
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetterFilter
from postroom.domain.pointer import Pointer, PointerJob

LEASE = timedelta(minutes=1)
MOMENT = timedelta(seconds=1)
"""A Redis that follows the clock of a test lags behind it by the time that a command takes."""

AT_ONCE = timedelta()

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


IN_INBOX = ImapPointer("INBOX", uid=7, uid_validity=1)


def job(
    name: str, *, tenant: str = "acme", mailbox: str = "support", pointer: Pointer = IN_INBOX
) -> PointerJob:
    return PointerJob(
        id=name,
        tenant=tenant,
        mailbox=mailbox,
        pointer=pointer,
        enqueued_at=NEW_YEAR,
    )


def jobs(*names: str, tenant: str = "acme", mailbox: str = "support") -> list[PointerJob]:
    return [job(name, tenant=tenant, mailbox=mailbox) for name in names]


async def claimed(queue: PointerQueue, limit: int = 1) -> list[Claim]:
    return list(await queue.claim(limit, LEASE))


async def let_leases_end(queue: PointerQueue, clock: ManualClock) -> None:
    """Let all leases run out, while other workers go on looking for work."""
    for _ in range(2):
        clock.advance(0.4 * LEASE)
        await queue.claim(0, LEASE)
    clock.advance(0.2 * LEASE + MOMENT)


async def names(queue: PointerQueue, limit: int = 100) -> list[str]:
    """The ids of what can be claimed now."""
    return [claim.job.id for claim in await queue.claim(limit, LEASE)]


async def bury_all(queue: PointerQueue, clock: ManualClock, reason: str = "broken") -> None:
    """Bury all that is due, one after the other, as time goes by."""
    while claims := await queue.claim(100, LEASE):
        for claim in claims:
            await queue.bury(claim, reason)
            clock.advance(MOMENT)


async def dead_ids(
    queue: PointerQueue,
    chosen: DeadLetterFilter = EVERY_LETTER,
    *,
    limit: int = 100,
    after: str = "",
) -> list[str]:
    """The ids on a page of the dead letters."""
    page = await queue.dead_letters(chosen, limit=limit, after=after)
    return [letter.id for letter in page.letters]
