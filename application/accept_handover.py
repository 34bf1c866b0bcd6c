"""Accept a message for an application: what is called later is durable before the pointer goes.

The original lies in the blob store, fsynced, and the body is rendered once: every call of the key
has the same bytes, whatever the provider makes of the message next time. Both are there before the
ledger block commits the row that the call is made from (`application/hand_over.py`).
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from postroom.application.backlogs import why_behind
from postroom.application.ports import (
    Applications,
    BlobStore,
    Clock,
    Handovers,
    HtmlSanitiser,
    NewHandover,
    Offload,
    Prepared,
)
from postroom.application.remembered import Remembered
from postroom.application.rendering import Rendering, rendered
from postroom.application.sanitising import sanitised
from postroom.domain.failure import AccessFailed
from postroom.domain.handover.application import Application, BodyKind, Mode, Order
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.key import handover_key
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Accepted
from postroom.domain.pointer import PointerJob


class CopyEvents(Protocol):
    """Hears of copies that are not made."""

    @abstractmethod
    def left_out(self, copy: str, mailbox: Mailbox, reason: str) -> None:
        """The application *copy* gets no copy of a message: there is no place for it, or no way."""


@dataclass(frozen=True, slots=True)
class _Message:
    """What all handovers of a message have in common."""

    mailbox: Mailbox
    inbound: InboundMessage
    html: str | None
    original: str
    job: PointerJob
    at: datetime


@dataclass(frozen=True, slots=True)
class AcceptHandover:
    """*base_url* is that of our API, as applications reach it.

    A copy that cannot be made is left out: a message waits for its own application alone.
    """

    applications: Applications
    handovers: Handovers
    events: CopyEvents
    blobs: BlobStore
    sanitise: HtmlSanitiser
    offload: Offload
    clock: Clock
    ingress: Ingress
    base_url: str
    _backlogs: Remembered[str] = field(default_factory=Remembered, init=False, repr=False)

    async def prepare(
        self, application: Application, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob
    ) -> Prepared:
        """Store the original, and do all but what must be in the ledger block."""
        message = _Message(
            mailbox,
            inbound,
            html=await sanitised(inbound.message.html, self.sanitise, self.offload),
            original=await self.blobs.put(mailbox.tenant, inbound.raw),
            job=job,
            at=self.clock.now(),
        )
        copies = await self._copies(application, mailbox)
        bodies = {
            each.name: await self._body(each, message)
            for each in (application, *copies)
            if each.order is not Order.MAILBOX  # whose bodies say their place
        }
        return partial(self._accept, message, application, copies, bodies)

    async def _accept(
        self,
        message: _Message,
        application: Application,
        copies: Sequence[Application],
        bodies: dict[str, bytes],
    ) -> Accepted:
        for each in (application, *copies):
            handover, body = self._handover(each, message), bodies.get(each.name)
            if body is None:
                number = await self.handovers.next_number(each, message.mailbox)
                handover = replace(handover, sequence=number)
                body = await self._body(each, message, sequence=number)
            await self.handovers.accept(
                each,
                NewHandover(
                    handover=handover,
                    body=body,
                    job=message.job,
                    raw=message.original,
                    raw_size=len(message.inbound.raw),
                    traceparent=message.job.traceparent,
                ),
            )
        return Accepted(application.name)

    async def _copies(self, application: Application, mailbox: Mailbox) -> Sequence[Application]:
        """Those that are there still, want mail, and have place for it."""
        names = dict.fromkeys(application.copies)
        found = [await self._copy(mailbox, name) for name in names if name != application.name]
        return [each for each in found if each]

    async def _copy(self, mailbox: Mailbox, name: str) -> Application | None:
        try:
            found = await self.applications.get(mailbox.tenant, name)
        except AccessFailed as failure:  # its secrets cannot be decrypted
            self.events.left_out(name, mailbox, failure.reason)
            return None
        if found is None or found.mode is Mode.OFF:
            return None
        if behind := await self._why_behind(found):
            self.events.left_out(name, mailbox, behind)
            return None
        return found

    async def _why_behind(self, copy: Application) -> str:
        owned = copy.tenant, copy.name
        return await self._backlogs.get(owned, lambda: why_behind(self.handovers, copy))

    def _handover(self, application: Application, message: _Message) -> Handover:
        mailbox, identity = message.mailbox, message.inbound.identity
        return Handover(
            tenant=mailbox.tenant,
            application=application.name,
            key=handover_key(mailbox.tenant, mailbox.id, identity),
            mailbox=mailbox.id,
            identity=identity.name,
            received_at=message.inbound.received_at,
            accepted_at=message.at,
            state=self._first_state(application, mailbox),
            due_at=message.at,
        )

    def _first_state(self, application: Application, mailbox: Mailbox) -> State:
        """The more careful of what the application and the ingress of the provider are set to."""
        in_shadow = (
            application.mode is Mode.SHADOW
            or self.ingress.mode_of(mailbox.provider) is IngressMode.SHADOW
        )
        return State.SHADOW if in_shadow else State.WAITING

    async def _body(
        self, application: Application, message: _Message, *, sequence: int | None = None
    ) -> bytes:
        handover = self._handover(application, message)
        accepted = Acceptance(
            key=handover.key,
            at=message.at,
            keep_key_until=handover.keep_key_until,
            sequence=sequence,
        )
        options = body_options(application, self.base_url)
        rendering = Rendering(message.mailbox, message.inbound, message.html, accepted, options)
        return await rendered(rendering, self.offload)


def body_options(application: Application, base_url: str) -> BodyOptions:
    return BodyOptions(
        application=application.name,
        base_url=base_url,
        max_body=application.max_body,
        thin=application.body is BodyKind.THIN,
        inline_below=application.inline_below,
    )
