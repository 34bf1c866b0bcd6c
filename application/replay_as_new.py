"""Hand a message over under a new key, rendered from its stored original.

That is the one way to a second effect. The body says of which key it is, and the how manieth.
"""

from dataclasses import dataclass
from itertools import count

from postroom.application.accept_handover import body_options
from postroom.application.consume_job import as_inbound
from postroom.application.ports import (
    BlobStore,
    Clock,
    FetchedMessage,
    HandoverRecord,
    HandoverRecords,
    Handovers,
    HtmlSanitiser,
    Kind,
    MailboxRegistry,
    NewHandover,
    Offload,
)
from postroom.application.providers import Providers
from postroom.application.sanitising import sanitised
from postroom.domain.failure import AccessFailed, StoreUnavailable
from postroom.domain.handover.application import Application
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_hints import hints_of
from postroom.domain.handover.body_input import Acceptance, Replayed
from postroom.domain.handover.handover import Handover, State
from postroom.domain.mail.message import NO_HINTS, InboundMessage, SourceHints
from postroom.domain.mail.reader import read_message
from postroom.domain.mail.trusted_servers import TrustedServers


@dataclass(frozen=True, slots=True)
class ReplayAsNew:
    """*base_url* is that of our API, as applications reach it."""

    registry: MailboxRegistry
    providers: Providers
    handovers: Handovers
    records: HandoverRecords
    blobs: BlobStore
    sanitise: HtmlSanitiser
    offload: Offload
    clock: Clock
    base_url: str

    async def __call__(self, application: Application, record: HandoverRecord) -> str:
        """Why it cannot be; empty if it waits for its call now."""
        before = record.handover
        try:
            mailbox = await self.registry.get(before.tenant, before.mailbox)
            provider = self.providers.serving(mailbox.provider) if mailbox else None
        except AccessFailed as failure:
            return failure.reason
        if mailbox is None or provider is None:
            return "its mailbox was removed"
        raw = await self.blobs.get(before.tenant, record.raw) if record.raw else None
        if raw is None:
            return "its original is not stored any more"
        inbound = await self._read(record, raw, provider.trusted_servers(mailbox.account))
        html = await sanitised(inbound.message.html, self.sanitise, self.offload)
        options = body_options(application, self.base_url)
        for number in count(1):
            handover, accepted = self._accepted(before, number)
            body = render_body(mailbox, inbound, html, accepted, options)
            new = NewHandover(
                handover=handover, body=body, job=record.job, raw=record.raw, raw_size=len(raw)
            )
            if await self.handovers.accept(application, new):
                break
        return ""

    async def _read(
        self, record: HandoverRecord, raw: bytes, trusted: TrustedServers
    ) -> InboundMessage:
        message = await self.offload(Kind.MAIL, read_message, raw, size=len(raw))
        source = record.job.pointer.source if record.job else ""
        hints = await self._hints(record)
        fetched = FetchedMessage(source, raw, record.handover.received_at, hints)
        return as_inbound(fetched, message, trusted)

    async def _hints(self, record: HandoverRecord) -> SourceHints:
        """As the provider gave them for the first body, if that can be read still."""
        try:
            body = await self.records.body(record)
        except StoreUnavailable:
            return NO_HINTS
        return hints_of(body) if body else NO_HINTS

    def _accepted(self, before: Handover, number: int) -> tuple[Handover, Acceptance]:
        """As new; where the application wants an order it has no place in that, and comes first."""
        now = self.clock.now()
        handover = Handover(
            tenant=before.tenant,
            application=before.application,
            key=f"{before.key}_r{number}",
            mailbox=before.mailbox,
            identity=before.identity,
            received_at=before.received_at,
            accepted_at=now,
            state=State.WAITING,
            due_at=now,
        )
        accepted = Acceptance(
            key=handover.key,
            at=now,
            keep_key_until=handover.keep_key_until,
            replayed=Replayed(before.key, number),
        )
        return handover, accepted
