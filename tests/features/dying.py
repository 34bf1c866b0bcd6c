"""Workers that die at the worst moments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from postroom.application.ports import EmailProcessor, IdempotencyLedger
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed


class Died(BaseException):
    """The worker's process is gone: no `except Exception` sees it."""


@dataclass(frozen=True)
class DyingLedger(IdempotencyLedger):
    """Its process dies right after the commit, before anybody hears of it."""

    ledger: IdempotencyLedger

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        async with self.ledger.once(mailbox, identity) as is_new:
            yield is_new
        raise Died


@dataclass(frozen=True)
class DyingProcessor(EmailProcessor):
    """Does its work, and then its process dies, before anything is committed."""

    process: EmailProcessor

    async def __call__(self, mailbox: Mailbox, inbound: InboundMessage) -> Completed:
        await self.process(mailbox, inbound)
        raise Died
