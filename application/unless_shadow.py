"""Keeps a processor that has no rows of its own from handling what another system handles."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from postroom.application.ports import EmailProcessor, Prepared
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import SHADOW, Skipped
from postroom.domain.pointer import PointerJob


@dataclass(frozen=True, slots=True)
class UnlessShadow(EmailProcessor):
    """Skips what comes in shadow, and leaves it out of the ledger.

    Its pointer stays with the outcome, from which `ReleaseShadow` queues it again; lists do not.
    """

    processor: EmailProcessor
    ingress: Ingress

    async def obstacle(self, mailbox: Mailbox) -> str:
        return await self.processor.obstacle(mailbox)

    def place(self, mailbox: Mailbox) -> AbstractAsyncContextManager[None]:
        return self.processor.place(mailbox)

    async def prepare(
        self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob
    ) -> Prepared | Skipped:
        if self.ingress.mode_of(mailbox.provider) is IngressMode.SHADOW:
            return Skipped(SHADOW)
        return await self.processor.prepare(mailbox, inbound, job)
