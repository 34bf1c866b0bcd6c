"""Workers that die at the worst moments."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Claim, EmailProcessor, IdempotencyLedger, Prepared
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Skipped
from postroom.domain.pointer import PointerJob
from tests.features.service import LEASE, Service


class Died(BaseException):
    """The worker's process is gone: no `except Exception` sees it."""


@dataclass(frozen=True)
class DyingLedger(IdempotencyLedger):
    """Its process dies right after the commit, before anybody hears of it."""

    ledger: IdempotencyLedger

    @asynccontextmanager
    async def once(
        self, mailbox: Mailbox, identity: MessageIdentity, received_at: datetime | None = None
    ) -> AsyncIterator[bool]:
        async with self.ledger.once(mailbox, identity, received_at) as is_new:
            yield is_new
        raise Died

    async def handled(self, mailbox: Mailbox, source: str) -> str:
        return await self.ledger.handled(mailbox, source)


@dataclass(frozen=True)
class DyingProcessor(EmailProcessor):
    """Does its work, and then its process dies, before anything is committed."""

    processor: EmailProcessor

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob) -> Prepared:
        process = await self.processor.prepare(mailbox, inbound, job)
        assert not isinstance(process, Skipped)

        async def process_and_die() -> Completed:
            await process()
            raise Died

        return process_and_die


async def die_handling(service: Service, consume: Callable[[Claim], Awaitable[object]]) -> None:
    """A worker takes the next job, dies of it, and its lease runs out while others go on."""
    (claim,) = await service.queue.claim(1, LEASE)
    with suppress(Died):
        await consume(claim)
        raise AssertionError("the worker has not died")
    for _ in range(3):
        service.rig.clock.advance(LEASE / 3 + timedelta(seconds=1))
        await service.queue.claim(0, LEASE)
