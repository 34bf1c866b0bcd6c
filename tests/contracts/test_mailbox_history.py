"""MailboxHistory: in memory, and Gmail's."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Protocol

import pytest

from postroom.adapters.google import GmailHistory
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.history import InMemoryMailboxHistory
from postroom.application.ports import HistoryExpired, HistoryPage, MailboxHistory
from postroom.domain.mailbox import Mailbox
from tests.adapters.gmail_rig import MAIL, Rig, gmail_rig

PORTS = {MailboxHistory}

MINUTE = timedelta(minutes=1)


class Stage(Protocol):
    """A history under test, and what can happen to it."""

    history: MailboxHistory

    @abstractmethod
    def mailbox(self, name: str = "support") -> Mailbox: ...

    @abstractmethod
    def receive(self, mailbox: Mailbox, messages: int = 1) -> list[str]: ...

    @abstractmethod
    def expire(self, mailbox: Mailbox) -> None: ...

    @abstractmethod
    def recreate(self, mailbox: Mailbox) -> None: ...


@dataclass
class InMemory(Stage):
    rig: Rig
    clock: ManualClock

    def __post_init__(self) -> None:
        self.history = self._history = InMemoryMailboxHistory()
        self._serial = count(1)

    def mailbox(self, name: str = "support") -> Mailbox:
        return self.rig.mailbox(f"{name}@example.org", name)

    def receive(self, mailbox: Mailbox, messages: int = 1) -> list[str]:
        message_ids = [f"m{next(self._serial)}" for _ in range(messages)]
        for message_id in message_ids:
            self._history.receive(mailbox, message_id, self.clock.now())
        return message_ids

    def expire(self, mailbox: Mailbox) -> None:
        self._history.expire(mailbox)

    def recreate(self, mailbox: Mailbox) -> None:
        self._history.recreate(mailbox)


@dataclass
class Gmail(Stage):
    rig: Rig
    clock: ManualClock

    def __post_init__(self) -> None:
        self.history = GmailHistory(self.rig.client)

    def mailbox(self, name: str = "support") -> Mailbox:
        return self.rig.mailbox(f"{name}@example.org", name)

    def receive(self, mailbox: Mailbox, messages: int = 1) -> list[str]:
        return [self.rig.gmail.deliver(mailbox.address, MAIL) for _ in range(messages)]

    def expire(self, mailbox: Mailbox) -> None:
        self.rig.gmail.expire_history(mailbox.address)

    def recreate(self, mailbox: Mailbox) -> None:
        self.rig.gmail.recreate_mailbox(mailbox.address)


@pytest.fixture(params=[InMemory, Gmail])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    async with gmail_rig(clock) as rig:
        yield request.param(rig, clock)


async def read(pages: AsyncIterator[HistoryPage]) -> tuple[list[str], int]:
    """Every id listed, and the history id that all pages agree on."""
    listed = [page async for page in pages]
    (history_id,) = {page.history_id for page in listed}
    return [message_id for page in listed for message_id in page.message_ids], history_id


async def test_what_came_in_after_a_history_id_is_listed_oldest_first(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox)
    _, start = await read(stage.history.received_after(mailbox, clock.now() - MINUTE))
    newer = stage.receive(mailbox, 3)

    listed, reached = await read(stage.history.since(mailbox, start))

    assert listed == newer
    assert reached > start


async def test_a_mailbox_where_nothing_came_in_says_how_far_it_is_listed(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()

    nothing, start = await read(stage.history.received_after(mailbox, clock.now()))
    still_nothing, reached = await read(stage.history.since(mailbox, start))

    assert (nothing, still_nothing) == ([], [])
    assert reached == start


async def test_a_history_id_that_is_forgotten_is_expired(stage: Stage, clock: ManualClock) -> None:
    mailbox = stage.mailbox()
    _, start = await read(stage.history.received_after(mailbox, clock.now()))
    stage.receive(mailbox)
    stage.expire(mailbox)

    with pytest.raises(HistoryExpired):
        await read(stage.history.since(mailbox, start))


async def test_a_history_id_that_the_mailbox_has_not_reached_is_expired(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox, 5)
    _, start = await read(stage.history.received_after(mailbox, clock.now()))
    stage.recreate(mailbox)
    stage.receive(mailbox)

    with pytest.raises(HistoryExpired):
        await read(stage.history.since(mailbox, start))


async def test_a_listing_by_date_leaves_out_what_came_in_before(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    stage.receive(mailbox, 2)
    clock.advance(MINUTE)
    moment = clock.now()
    wanted = stage.receive(mailbox)
    clock.advance(MINUTE)
    wanted += stage.receive(mailbox)

    listed, _ = await read(stage.history.received_after(mailbox, moment))

    assert listed == wanted


async def test_a_listing_by_date_finds_what_has_left_the_history(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    wanted = stage.receive(mailbox)
    stage.expire(mailbox)

    listed, start = await read(stage.history.received_after(mailbox, clock.now()))

    assert listed == wanted
    assert await read(stage.history.since(mailbox, start)) == ([], start)


async def test_a_long_listing_comes_in_pages_without_repeats(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    _, start = await read(stage.history.received_after(mailbox, clock.now()))
    wanted = stage.receive(mailbox, 1200)

    by_history = [page async for page in stage.history.since(mailbox, start)]
    by_date = [page async for page in stage.history.received_after(mailbox, clock.now())]

    for pages in (by_history, by_date):
        assert [len(page.message_ids) for page in pages] == [500, 500, 200]
        assert [message_id for page in pages for message_id in page.message_ids] == wanted


async def test_what_comes_in_during_a_listing_is_listed_by_the_next(
    stage: Stage, clock: ManualClock
) -> None:
    mailbox = stage.mailbox()
    _, start = await read(stage.history.received_after(mailbox, clock.now()))
    stage.receive(mailbox, 600)
    late: list[str] = []
    reached = 0
    async for page in stage.history.since(mailbox, start):
        late = late or stage.receive(mailbox)
        reached = page.history_id

    listed, _ = await read(stage.history.since(mailbox, reached))

    assert listed == late


async def test_two_mailboxes_of_a_tenant_never_mix(stage: Stage, clock: ManualClock) -> None:
    support, sales = stage.mailbox("support"), stage.mailbox("sales")
    of_support, of_sales = stage.receive(support), stage.receive(sales, 2)

    listed_for_support, _ = await read(stage.history.received_after(support, clock.now()))
    listed_for_sales, _ = await read(stage.history.received_after(sales, clock.now()))

    assert (listed_for_support, listed_for_sales) == (of_support, of_sales)
