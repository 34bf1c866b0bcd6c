"""What every Handovers promises an application that wants its messages in order."""

import asyncio
from dataclasses import replace

from postroom.application.ports import HandoverFilter, HandoverRecords, Handovers, IdempotencyLedger
from postroom.domain.handover.answer import Done, InProgress, Refused
from postroom.domain.handover.application import Order, WhenUnsure
from postroom.domain.handover.handover import State
from tests.contracts.handing_over import (
    CRM,
    MINUTE,
    ORDERED,
    SECOND,
    PassTime,
    accept,
    accept_one,
    answer,
    keys,
    new_handover,
)
from tests.contracts.samples import failing_block, identity, imap_mailbox

PORTS = {Handovers}


async def test_the_next_of_a_mailbox_waits_for_the_end_of_the_one_before(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a1", "a2", "a3", application=ORDERED, mailbox="a")
    await accept(handovers, "b1", "b2", application=ORDERED, mailbox="b")

    first = await handovers.claim(ORDERED, 10)
    none = await handovers.claim(ORDERED, 10)
    a1, b1 = first.calls
    await answer(handovers, b1, Done(), ORDERED)
    await answer(handovers, a1, InProgress(retry_after=SECOND), ORDERED)
    second = await handovers.claim(ORDERED, 10)
    await answer(handovers, second.calls[0], Refused(reason="no"), ORDERED)
    await pass_time(MINUTE)
    third = await handovers.claim(ORDERED, 10)

    assert (keys(first), keys(none), keys(second)) == (["a1", "b1"], [], ["b2"])
    assert keys(third) == ["a1"]
    await answer(handovers, third.calls[0], Refused(reason="no"), ORDERED)
    assert keys(await handovers.claim(ORDERED, 10)) == ["a2"]


async def test_a_call_whose_lease_ran_out_is_made_again_before_the_next(
    handovers: Handovers, pass_time: PassTime
) -> None:
    await accept(handovers, "a", "b", application=ORDERED)
    await handovers.claim(ORDERED, 10)
    await pass_time(ORDERED.timeout + MINUTE)

    again = await handovers.claim(ORDERED, 10)

    assert [(call.handover.key, call.handover.unsure) for call in again.calls] == [("a", 1)]


async def test_what_is_held_holds_up_its_mailbox_alone(
    handovers: Handovers, pass_time: PassTime
) -> None:
    application = replace(ORDERED, when_unsure=WhenUnsure.HOLD)
    await accept(handovers, "a1", "a2", application=application, mailbox="a")
    await handovers.claim(application, 10)
    await pass_time(application.timeout + MINUTE)
    [held] = (await handovers.claim(application, 10)).others
    await accept(handovers, "b1", application=application, mailbox="b")

    assert held.state is State.HELD
    assert keys(await handovers.claim(application, 10)) == ["b1"]


async def test_what_lies_in_the_shadow_holds_nobody_up(handovers: Handovers) -> None:
    _, now = await handovers.health(ORDERED)
    new = new_handover("a", now, ORDERED)
    shadow = replace(new, handover=replace(new.handover, state=State.SHADOW))
    await handovers.accept(ORDERED, shadow)
    await accept(handovers, "b", application=ORDERED)

    assert keys(await handovers.claim(ORDERED, 10)) == ["b"]


async def test_what_was_accepted_before_an_order_was_wanted_is_first(handovers: Handovers) -> None:
    unordered = replace(ORDERED, order=Order.NONE)
    await accept(handovers, "a1", "a2", application=unordered)
    await accept(handovers, "a0", application=ORDERED)

    order = []
    for _ in range(3):
        [call] = (await handovers.claim(ORDERED, 10)).calls
        order.append((call.handover.key, call.handover.sequence))
        await answer(handovers, call, Done(), ORDERED)

    assert order == [("a1", None), ("a2", None), ("a0", 1)]


async def test_numbers_are_of_a_mailbox_and_have_no_gap(
    handovers: Handovers,
    handover_records: HandoverRecords,
    ledger: IdempotencyLedger,
) -> None:
    _, now = await handovers.health(ORDERED)
    await accept(handovers, "a1", application=ORDERED)
    async with failing_block(ledger, imap_mailbox()):
        assert await accept_one(handovers, ORDERED, new_handover("lost", now, ORDERED))
    async with ledger.once(imap_mailbox(), identity(source="1", digest="1")):
        assert not await accept_one(handovers, ORDERED, new_handover("a1", now, ORDERED))
    async with ledger.once(imap_mailbox(), identity(source="2", digest="2")):
        assert await accept_one(handovers, ORDERED, new_handover("a2", now, ORDERED))
    await accept(handovers, "b1", application=ORDERED, mailbox="b")
    await accept(handovers, "c1", application=ORDERED, tenant="globex")
    await accept(handovers, "d1", application=CRM)

    records = await handover_records.find(HandoverFilter())

    numbers = {record.handover.key: record.handover.sequence for record in records}
    assert numbers == {"a1": 1, "a2": 2, "b1": 1, "c1": 1, "d1": None}


async def test_those_who_accept_at_once_get_numbers_without_a_gap(
    handovers: Handovers, handover_records: HandoverRecords, ledger: IdempotencyLedger
) -> None:
    _, now = await handovers.health(ORDERED)

    async def accept_in_block(n: int) -> bool:
        async with ledger.once(imap_mailbox(), identity(source=f"{n}", digest=f"{n}")):
            return await accept_one(handovers, ORDERED, new_handover(f"a{n % 6}", now, ORDERED))

    accepted = await asyncio.gather(*(accept_in_block(n) for n in range(12)))

    records = await handover_records.find(HandoverFilter())
    assert sum(accepted) == 6
    assert sorted(record.handover.sequence or 0 for record in records) == [1, 2, 3, 4, 5, 6]
