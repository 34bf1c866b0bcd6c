"""Choose who gets a message: its mailbox's application, its tenant's, or the installation's.

Exactly one application gets it; those that get copies have handovers of their own, and hold nobody
up. Where there is none of that name, or it is behind or off, the mailbox's mail waits as pointers
at no cost: at its provider, and not on a disk of ours.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from postroom.application.accept_handover import AcceptHandover
from postroom.application.backlogs import why_behind
from postroom.application.ports import Applications, EmailProcessor, Handovers, Prepared
from postroom.application.remembered import Remembered
from postroom.domain.failure import AccessFailed, Contended
from postroom.domain.handover.application import Application, Mode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Skipped
from postroom.domain.pointer import PointerJob

HELPDESK = "helpdesk"
"""The name of the built-in help desk, where the name of an application may stand."""

PYTHON = "python"
"""The scheme of a destination that is a processor in this process."""


@dataclass(frozen=True, slots=True)
class Route:
    """*processor* is who gets the message, unless *application* does; *obstacle* keeps it back."""

    application: Application | None = None
    processor: EmailProcessor | None = None
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class RouteMessage(EmailProcessor):
    """*default* is HELPDESK or the name of an application. *processors* are by their names."""

    applications: Applications
    handovers: Handovers
    accept: AcceptHandover
    helpdesk: EmailProcessor
    processors: Mapping[str, EmailProcessor]
    default: str = HELPDESK
    _routes: Remembered[Route] = field(default_factory=Remembered, init=False, repr=False)
    _backlogs: Remembered[str] = field(default_factory=Remembered, init=False, repr=False)

    async def obstacle(self, mailbox: Mailbox) -> str:
        route = await self._route(mailbox)
        if route.processor:
            return await route.processor.obstacle(mailbox)
        return route.obstacle

    async def prepare(
        self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob
    ) -> Prepared | Skipped:
        route = await self._route(mailbox)
        if route.application:
            return await self.accept.prepare(route.application, mailbox, inbound, job)
        if route.processor:
            return await route.processor.prepare(mailbox, inbound, job)
        raise Contended(route.obstacle)  # it has changed since the message was fetched

    @asynccontextmanager
    async def place(self, mailbox: Mailbox) -> AsyncIterator[None]:
        route = await self._route(mailbox)
        async with route.processor.place(mailbox) if route.processor else nullcontext():
            yield

    async def _route(self, mailbox: Mailbox) -> Route:
        tenant, name = mailbox.tenant, mailbox.application
        return await self._routes.get((tenant, name), lambda: self._look_up(tenant, name))

    async def _look_up(self, tenant: str, of_mailbox: str) -> Route:
        name = of_mailbox or await self.applications.route(tenant) or self.default
        if name == HELPDESK:
            return Route(processor=self.helpdesk)
        try:
            application = await self.applications.get(tenant, name)
        except AccessFailed as failure:  # its secrets cannot be decrypted
            return Route(obstacle=f"the application {name}: {failure.reason}")
        if application is None:
            return Route(obstacle=f"there is no application {name}: add it, or route the mail")
        if application.mode is Mode.OFF:
            return Route(obstacle=f"the application {name} is off")
        if application.scheme == PYTHON:
            return self._to_processor(application)
        owned = application.tenant, application.name
        # An installation's application is that of many routes, and has one backlog.
        behind = await self._backlogs.get(owned, lambda: why_behind(self.handovers, application))
        return Route(application, obstacle=behind)

    def _to_processor(self, application: Application) -> Route:
        processor = self.processors.get(application.destination.removeprefix(f"{PYTHON}:"))
        if processor is None:
            return Route(obstacle=f"the processor of {application.name} is not installed here")
        return Route(processor=processor)
