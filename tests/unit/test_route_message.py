"""Who gets a message, and what keeps it back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.application import remembered
from postroom.application.accept_handover import AcceptHandover
from postroom.application.ports import EmailProcessor, Prepared
from postroom.application.remembered import LOOKED_UP_FOR
from postroom.application.route_message import RouteMessage
from postroom.domain.failure import AccessFailed, Contended
from postroom.domain.handover.application import Application, Mode
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Accepted, Completed, Effect
from postroom.domain.pointer import PointerJob
from tests.contracts.handing_over import CRM
from tests.contracts.samples import JOB, imap_mailbox
from tests.unit.accept_rig import accepting, inbound
from tests.unit.handover_rig import Rig, in_virtual_time

MAILBOX = imap_mailbox()
OF_CRM = replace(MAILBOX, application="crm")
SMALL = replace(CRM, max_backlog=2)


@dataclass
class Named(EmailProcessor):
    name: str
    in_the_way: str = ""

    async def obstacle(self, _mailbox: Mailbox) -> str:
        return self.in_the_way

    async def prepare(self, _: Mailbox, __: InboundMessage, ___: PointerJob) -> Prepared:
        async def process() -> Completed:
            return Completed(Effect.TICKET, self.name)

        return process


@dataclass
class Router:
    rig: Rig
    helpdesk: Named = field(default_factory=lambda: Named("helpdesk"))
    processors: Mapping[str, EmailProcessor] = field(default_factory=dict)
    default: str = "helpdesk"

    def __post_init__(self) -> None:
        accept: AcceptHandover = accepting(self.rig)
        self.route = RouteMessage(
            applications=self.rig.applications,
            handovers=self.rig.handovers,
            accept=accept,
            helpdesk=self.helpdesk,
            processors=self.processors,
            default=self.default,
        )

    async def obstacle(self, mailbox: Mailbox = MAILBOX) -> str:
        return await self.route.obstacle(mailbox)

    async def taken(self, mailbox: Mailbox = MAILBOX) -> object:
        """What becomes of a message."""
        process = await self.route.prepare(mailbox, inbound(), JOB)
        assert callable(process)
        async with self.rig.database.ledger_block(mailbox.tenant, mailbox.id):
            return await process()


class Locked(InMemoryApplications):
    async def get(self, _tenant: str, _name: str) -> Application | None:
        raise AccessFailed("no key opens its secrets")


# --- Who ------------------------------------------------------------------------------------------


@in_virtual_time
async def test_it_is_the_mailboxs_or_else_the_tenants_or_else_the_installations(rig: Rig) -> None:
    own, installed = replace(CRM, tenant="acme", name="own"), replace(CRM, name="installed")
    await rig.add(CRM, own, installed)
    router = Router(rig, default="installed")

    assert await router.taken() == Accepted("installed")
    await rig.applications.set_route("acme", "own")
    await asyncio.sleep(LOOKED_UP_FOR)
    assert await router.taken() == Accepted("own")
    assert await router.taken(OF_CRM) == Accepted("crm")


@in_virtual_time
async def test_the_help_desk_is_one_of_them(rig: Rig) -> None:
    await rig.add(CRM)
    await rig.applications.set_route("acme", "crm")
    router = Router(rig)

    assert await router.taken() == Accepted("crm")
    of_desk = replace(MAILBOX, application="helpdesk")
    assert await router.taken(of_desk) == Completed(Effect.TICKET, "helpdesk")
    assert await router.taken(imap_mailbox("other")) == Completed(Effect.TICKET, "helpdesk")


@in_virtual_time
async def test_a_processor_gets_it_in_this_process(rig: Rig) -> None:
    await rig.add(replace(CRM, destination="python:archive"))
    router = Router(rig, processors={"archive": Named("archive")}, default="crm")

    assert await router.obstacle() == ""
    assert await router.taken() == Completed(Effect.TICKET, "archive")


@in_virtual_time
async def test_what_is_in_a_processors_way_keeps_it_back(rig: Rig) -> None:
    await rig.add(replace(CRM, destination="python:archive"))
    busy = {"archive": Named("archive", "it is full")}

    assert await Router(rig, processors=busy, default="crm").obstacle() == "it is full"
    assert await Router(rig, Named("helpdesk", "it is shut")).obstacle() == "it is shut"


# --- What keeps it back ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        (None, "there is no application crm: add it, or route the mail"),
        (replace(CRM, mode=Mode.OFF), "the application crm is off"),
        (
            replace(CRM, destination="python:archive"),
            "the processor of crm is not installed here",
        ),
    ],
    ids=["unknown", "off", "not installed"],
)
@in_virtual_time
async def test_mail_waits_for_an_application_that_cannot_have_it(
    rig: Rig, application: Application | None, reason: str
) -> None:
    await rig.add(*filter(None, [application]))
    router = Router(rig, default="crm")

    assert await router.obstacle() == reason
    with pytest.raises(Contended, match=reason):  # it was not so when the message was fetched
        await router.taken()


@in_virtual_time
async def test_it_waits_for_one_whose_secrets_cannot_be_read_and_no_mailbox_is_blamed(
    rig: Rig,
) -> None:
    rig.applications = Locked(rig.database)
    router = Router(rig, default="crm")

    assert await router.obstacle() == "the application crm: no key opens its secrets"


@in_virtual_time
async def test_mail_waits_for_an_application_that_is_behind_and_goes_on_when_it_is_not(
    rig: Rig,
) -> None:
    await rig.add(SMALL)
    router = Router(rig, default="crm")
    assert await router.obstacle() == ""
    await rig.accept("a", "b", to=SMALL)
    await asyncio.sleep(LOOKED_UP_FOR)

    assert await router.obstacle() == "the application crm is behind: 2 messages wait"
    claimed = await rig.hand_over.claim(SMALL, 1)
    answers = await rig.hand_over.call(SMALL, claimed.calls)
    await rig.hand_over.settle(SMALL, answers, lease_ends=rig.now)
    await asyncio.sleep(LOOKED_UP_FOR)
    assert await router.obstacle() == ""


@in_virtual_time
async def test_it_is_behind_by_bytes_as_well(rig: Rig) -> None:
    large = replace(CRM, max_backlog_bytes=1000)
    await rig.add(large)
    await rig.accept("a", to=large)

    assert "is behind" in await Router(rig, default="crm").obstacle()


@in_virtual_time
async def test_what_was_fetched_is_taken_in_though_the_application_is_behind_by_now(
    rig: Rig,
) -> None:
    await rig.add(SMALL)
    router = Router(rig, default="crm")
    assert await router.obstacle() == ""
    await rig.accept("a", "b", to=SMALL)
    await asyncio.sleep(LOOKED_UP_FOR)

    assert await router.taken() == Accepted("crm")


# --- How often it is looked up --------------------------------------------------------------------


@in_virtual_time
async def test_a_route_is_looked_up_once_in_two_seconds(rig: Rig) -> None:
    await rig.add(SMALL)
    router = Router(rig, default="crm")
    assert await router.obstacle() == ""
    await rig.accept("a", "b", to=SMALL)

    await asyncio.sleep(LOOKED_UP_FOR - 0.1)
    assert await router.obstacle() == ""
    await asyncio.sleep(0.1)
    assert await router.obstacle() != ""


@in_virtual_time
async def test_a_mailbox_that_is_moved_to_another_application_is_so_at_once(rig: Rig) -> None:
    await rig.add(CRM)
    router = Router(rig)

    assert await router.taken() == Completed(Effect.TICKET, "helpdesk")
    assert await router.taken(OF_CRM) == Accepted("crm")


@in_virtual_time
async def test_no_more_routes_are_held_than_are_used(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST_REMEMBERED", 3)
    router = Router(rig)
    for number in range(10):
        assert await router.obstacle(imap_mailbox(f"t{number}")) == ""
        assert len(router.route._routes) <= 3


@in_virtual_time
async def test_a_failure_to_look_it_up_is_not_remembered(rig: Rig) -> None:
    await rig.add(CRM)
    router = Router(rig, default="crm")
    backlog = rig.handovers.backlog

    async def fail(_: Application) -> object:
        raise Contended("too many wait")

    rig.handovers.backlog = fail  # type: ignore[assignment,method-assign]
    with pytest.raises(Contended):
        await router.obstacle()
    rig.handovers.backlog = backlog  # type: ignore[method-assign]
    assert await router.obstacle() == ""
