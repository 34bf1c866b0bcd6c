"""Choose who gets a message: its mailbox's application, its tenant's, or the installation's.

Exactly one application gets it; those that get copies have handovers of their own, and hold nobody
up. Where there is none of that name, or it is behind or off, the mailbox's mail waits as pointers
at no cost: at its provider, and not on a disk of ours.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from postroom.application.accept_handover import AcceptHandover
from postroom.application.ports import Applications, EmailProcessor, Handovers, Prepared
from postroom.domain.failure import AccessFailed, Contended
from postroom.domain.handover.application import Application, Mode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Skipped
from postroom.domain.pointer import PointerJob

HELPDESK = "helpdesk"
"""The name of the built-in help desk, where the name of an application may stand."""

LOOKED_UP_FOR = 2.0
"""Seconds for which a route, and whether its application is behind, are not looked up again."""

MOST_REMEMBERED = 10_000

PYTHON = "python"
"""The scheme of a destination that is a processor in this process."""


FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[FoundT]):
    """What was looked up of late."""

    _found: dict[tuple[str, str], tuple[float, FoundT]] = field(default_factory=dict)

    async def get(self, key: tuple[str, str], look_up: Callable[[], Awaitable[FoundT]]) -> FoundT:
        now = asyncio.get_running_loop().time()
        if (known := self._found.get(key)) and now - known[0] < LOOKED_UP_FOR:
            return known[1]
        found = await look_up()
        if len(self._found) >= MOST_REMEMBERED:
            self._found.clear()
        self._found[key] = now, found
        return found

    def __len__(self) -> int:
        return len(self._found)


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
    _routes: _Remembered[Route] = field(default_factory=_Remembered, init=False, repr=False)
    _backlogs: _Remembered[str] = field(default_factory=_Remembered, init=False, repr=False)

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
        behind = await self._backlogs.get(owned, lambda: self._behind(application))
        return Route(application, obstacle=behind)

    def _to_processor(self, application: Application) -> Route:
        processor = self.processors.get(application.destination.removeprefix(f"{PYTHON}:"))
        if processor is None:
            return Route(obstacle=f"the processor of {application.name} is not installed here")
        return Route(processor=processor)

    async def _behind(self, application: Application) -> str:
        backlog = await self.handovers.backlog(application)
        is_full = backlog.count >= application.max_backlog
        if is_full or backlog.size >= application.max_backlog_bytes:
            return f"the application {application.name} is behind: {backlog.count} messages wait"
        return ""
