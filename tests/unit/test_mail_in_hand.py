"""The budget of bytes for the mail that is in hand."""

import asyncio
from datetime import timedelta

import pytest

from postroom.application.mail_in_hand import MailInHand
from postroom.domain.failure import Contended


class Message:
    """One message in hand, from its first bytes until it is *settled*."""

    def __init__(self, in_hand: MailInHand, *sizes: int, tenant: str = "acme") -> None:
        self.taken = 0
        self.settled = asyncio.Event()
        self.task = asyncio.create_task(self._run(in_hand, tenant, sizes))

    async def _run(self, in_hand: MailInHand, tenant: str, sizes: tuple[int, ...]) -> None:
        async with in_hand.one(tenant):
            for size in sizes:
                await in_hand.take(size)
                self.taken += size
            await self.settled.wait()

    async def settle(self) -> None:
        self.settled.set()
        await self.task


async def a_while() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_fetch_waits_for_room() -> None:
    in_hand = MailInHand(100)
    first = Message(in_hand, 30)
    second = Message(in_hand, 20, 1)
    await a_while()

    assert (first.taken, second.taken) == (30, 20)

    await first.settle()
    await a_while()
    assert second.taken == 21
    await second.settle()


async def test_a_tenant_may_have_as_much_as_it_leaves_and_others_have_the_rest() -> None:
    in_hand = MailInHand(100)
    hogs = [Message(in_hand, 25) for _ in range(4)]
    await a_while()
    stranger, another = (
        Message(in_hand, 25, tenant="globex"),
        Message(in_hand, 1, tenant="umbrella"),
    )
    await a_while()

    assert [hog.taken for hog in hogs] == [25, 25, 0, 0]
    assert (stranger.taken, another.taken) == (25, 1)

    for message in (*hogs, stranger, another):
        await message.settle()


async def test_five_tenants_whose_servers_promise_much_and_send_nothing_leave_room() -> None:
    in_hand = MailInHand(256)
    hogs = [Message(in_hand, 50, tenant=f"hog{n}") for n in range(5) for _ in range(4)]
    await a_while()
    calm = Message(in_hand, 5, tenant="calm")
    await a_while()

    assert calm.taken == 5

    for hog in hogs:
        hog.task.cancel()
    await calm.settle()


async def test_a_mailbox_that_is_alone_may_have_messages_larger_than_the_budget() -> None:
    in_hand = MailInHand(100)
    messages = [Message(in_hand, 150) for _ in range(4)]

    async with asyncio.timeout(5):
        for message in messages:
            await message.settle()

    assert [message.taken for message in messages] == [150] * 4


async def test_one_that_is_given_up_while_it_waits_stands_in_nobodys_way() -> None:
    in_hand = MailInHand(100)
    first, waiting, last = Message(in_hand, 100), Message(in_hand, 100), Message(in_hand, 50)
    await a_while()

    waiting.task.cancel()
    await a_while()
    await first.settle()
    await a_while()

    assert last.taken == 50
    await last.settle()
    assert not in_hand._held


async def test_the_first_gets_all_that_it_wants() -> None:
    in_hand = MailInHand(100)
    first, second = Message(in_hand, 50, 500), Message(in_hand, 1)
    await a_while()

    assert (first.taken, second.taken) == (550, 0)

    await first.settle()
    await second.settle()


async def test_two_that_both_want_more_do_not_wait_for_each_other() -> None:
    in_hand = MailInHand(100)
    messages = [Message(in_hand, *[10] * 30) for _ in range(5)]

    async with asyncio.timeout(5):
        for message in messages:
            await message.settle()

    assert [message.taken for message in messages] == [300] * 5


async def test_one_that_is_given_up_makes_room() -> None:
    in_hand = MailInHand(100)
    first, second = Message(in_hand, 100), Message(in_hand, 100)
    await a_while()
    assert second.taken == 0

    first.task.cancel()
    await a_while()

    assert second.taken == 100
    await second.settle()


async def test_who_waits_for_too_long_is_to_come_again() -> None:
    in_hand = MailInHand(100, patience=timedelta(milliseconds=1))
    first = Message(in_hand, 100)
    await a_while()

    async with in_hand.one("acme"):
        with pytest.raises(Contended, match="too much mail is in hand"):
            await in_hand.take(1)

    await first.settle()


async def test_what_belongs_to_no_message_is_not_counted() -> None:
    in_hand = MailInHand(100)
    first = Message(in_hand, 100)
    await a_while()

    await in_hand.take(1000)

    await first.settle()
