"""Who gets a message: what a route says of what is in the way, and whose place is waited for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.application.ports import EmailProcessor, Prepared
from postroom.application.route_message import RouteMessage
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob
from tests.contracts.handing_over import CRM
from tests.contracts.samples import imap_mailbox

MAILBOX = replace(imap_mailbox(), application="crm")
TO_PYTHON = replace(CRM, destination="python:tickets", secrets=())


@dataclass
class Named(EmailProcessor):
    reason: str = ""
    places: list[str] = field(default_factory=list)

    async def obstacle(self, mailbox: Mailbox) -> str:  # noqa: ARG002
        return self.reason

    @asynccontextmanager
    async def place(self, mailbox: Mailbox) -> AsyncIterator[None]:
        self.places.append(mailbox.id)
        yield

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob) -> Prepared:
        raise NotImplementedError


@pytest.fixture
def tickets() -> Named:
    return Named("it is being repaired")


@pytest.fixture
def applications() -> InMemoryApplications:
    return InMemoryApplications(InMemoryDatabase())


@pytest.fixture
def route(applications: InMemoryApplications, tickets: Named, clock: ManualClock) -> RouteMessage:
    accept: Any = None
    return RouteMessage(
        applications=applications,
        handovers=InMemoryHandovers(InMemoryDatabase(), clock),
        accept=accept,
        helpdesk=Named(),
        processors={"tickets": tickets},
    )


async def test_what_is_in_the_way_of_a_processor_is_in_the_way_of_its_mail(
    route: RouteMessage, applications: InMemoryApplications, tickets: Named
) -> None:
    await applications.add(TO_PYTHON)

    assert await route.obstacle(MAILBOX) == "it is being repaired"
    tickets.reason = ""
    assert await route.obstacle(MAILBOX) == ""


async def test_a_message_waits_for_a_place_of_its_own_processor(
    route: RouteMessage, applications: InMemoryApplications, tickets: Named
) -> None:
    await applications.add(TO_PYTHON)

    async with route.place(MAILBOX), route.place(imap_mailbox()):
        pass

    assert tickets.places == ["support"]


async def test_a_processor_that_is_not_installed_is_named(
    route: RouteMessage, applications: InMemoryApplications
) -> None:
    await applications.add(replace(TO_PYTHON, destination="python:tickest"))

    assert await route.obstacle(MAILBOX) == "the processor of crm is not installed here"


async def test_mail_for_an_application_that_is_called_needs_no_place(
    route: RouteMessage, applications: InMemoryApplications
) -> None:
    await applications.add(CRM)

    assert await route.obstacle(MAILBOX) == ""
    async with route.place(MAILBOX):
        pass
