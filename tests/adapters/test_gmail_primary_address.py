"""By which address a mailbox is known to those who notify us of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.google.account import FOLDER, GoogleAccount
from postroom.adapters.google.primary_address import GOOD_FOR, AddressedChanges, PrimaryAddresses
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.emulators.gmail.token_endpoint import TokenEndPoint
from tests.adapters.gmail_rig import URL, responding, with_key
from tests.contracts.samples import google_mailbox

PRIMARY = "anna@acme.example"
ALIAS = "info@acme.example"
S = "projects/p/subscriptions/s"


@dataclass
class Rig:
    """A Gmail that states *address*, or answers with *status*."""

    clock: ManualClock
    address: str = PRIMARY
    status: int = 200
    asked: int = 0
    registry: InMemoryMailboxRegistry = field(
        default_factory=lambda: InMemoryMailboxRegistry(InMemoryDatabase())
    )

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[AddressedChanges]:
        async with responding(self.clock, self.respond) as gmail:
            addresses = PrimaryAddresses(gmail, self.registry, self.clock)
            yield AddressedChanges(gmail, self.clock, addresses=addresses)

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/history"):
            return httpx.Response(200, json={"historyId": "7"})
        self.asked += 1
        stated = {"emailAddress": self.address, "historyId": "7"}
        return httpx.Response(self.status, json=stated if self.status == 200 else {})

    async def stored(self, name: str = "info") -> Mailbox:
        found = await self.registry.get("acme", name)
        assert found
        return found

    async def route(self, name: str = "info") -> str:
        mailbox = await self.stored(name)
        return mailbox.account.route(mailbox.address)

    async def sync(self, changes: AddressedChanges, name: str = "info") -> None:
        pages = changes.since(await self.stored(name), FOLDER, "7")
        assert [page.position async for page in pages] == ["7"]


@pytest.fixture
async def rig(clock: ManualClock) -> Rig:
    """With a mailbox that was added under an alias."""
    rig = Rig(clock)
    await rig.registry.add(with_key(google_mailbox(address=ALIAS), key_file()))
    return rig


def key_file() -> str:
    return TokenEndPoint(SystemClock()).service_accounts.key_file("p@p.example", f"{URL}/token", ())


async def test_a_mailbox_that_was_added_under_an_alias_is_known_by_its_own_address(
    rig: Rig,
) -> None:
    assert await rig.route() == f"{S} {ALIAS}"

    async with rig.changes() as changes:
        assert await changes.position(await rig.stored(), FOLDER) == "7"

    assert await rig.route() == f"{S} {PRIMARY}"
    assert (await rig.stored()).address == ALIAS


async def test_a_user_who_was_renamed_is_known_by_the_new_name_an_hour_later(rig: Rig) -> None:
    async with rig.changes() as changes:
        await rig.sync(changes)
        rig.address = "bert@acme.example"
        rig.clock.advance(GOOD_FOR - timedelta(seconds=1))
        await rig.sync(changes)
        assert (await rig.route(), rig.asked) == (f"{S} {PRIMARY}", 1)

        rig.clock.advance(timedelta(seconds=1))
        await rig.sync(changes)
        await rig.sync(changes)

    assert (await rig.route(), rig.asked) == (f"{S} bert@acme.example", 2)


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_a_profile_that_cannot_be_read_costs_no_sync_and_is_read_at_the_next(
    rig: Rig, status: int
) -> None:
    rig.status = status
    async with rig.changes() as changes:
        await rig.sync(changes)
        assert await rig.route() == f"{S} {ALIAS}"

        rig.status = 200
        await rig.sync(changes)

    assert await rig.route() == f"{S} {PRIMARY}"


async def test_a_profile_without_an_address_changes_nothing(rig: Rig) -> None:
    rig.address = ""
    async with rig.changes() as changes:
        await rig.sync(changes)

    assert await rig.route() == f"{S} {ALIAS}"


async def test_a_mailbox_whose_notifications_another_has_is_synced_all_the_same(rig: Rig) -> None:
    await rig.registry.add(with_key(google_mailbox(name="anna", address=PRIMARY), key_file()))

    async with rig.changes() as changes:
        await rig.sync(changes, "anna")
        await rig.sync(changes)

    assert await rig.route("anna") == f"{S} {PRIMARY}"
    assert await rig.route() == f"{S} {ALIAS}"


async def test_a_mailbox_that_was_replaced_meanwhile_is_left_to_the_next_sync(
    rig: Rig,
) -> None:
    async with rig.changes() as changes:
        before = await rig.stored()
        assert isinstance(before.account, GoogleAccount)
        other = replace(before.account, push_service_account="other@p.example")
        await rig.registry.replace_account(before, other)
        await changes.position(before, FOLDER)
        assert (await rig.stored()).account == other

        await rig.sync(changes)
        assert await rig.route() == f"{S} {PRIMARY}"
