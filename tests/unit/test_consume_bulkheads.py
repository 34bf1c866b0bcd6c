"""A job beside others: of what it takes nothing from them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.application.ports import Prepared
from postroom.application.slow_calls import AGAIN_AFTER, SlowCalls
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Deferred, name_of
from tests.unit.api_rig import Rig, open_rig, toy_mailbox
from tests.unit.telemetry_rig import Processor, Worker, ingesting

MAILBOX = toy_mailbox()


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.server.tokens["support"] = "hush"
        yield opened


async def a_message_waits(rig: Rig) -> None:
    await rig.registry.add(MAILBOX)
    pointer = rig.server.deliver("support", b"Subject: Hello\n\nHello!", rig.clock.now())
    await ingesting(rig)(MAILBOX, [pointer])


async def test_beside_as_many_slow_calls_as_its_source_may_have_it_waits_at_no_cost(
    rig: Rig,
) -> None:
    await a_message_waits(rig)

    outcomes = await Worker(rig, slow_calls=SlowCalls(share=0)).work()

    reason = f"{rig.toy.title} is slow"
    assert outcomes == [Deferred(AGAIN_AFTER, reason, with_lane=True)]
    [lane] = await rig.queue.statistics()
    assert (lane.ready, lane.paused) == (1, reason)


async def test_it_is_handled_when_they_are_over(rig: Rig) -> None:
    await a_message_waits(rig)
    await Worker(rig, slow_calls=SlowCalls(share=0)).work()
    rig.clock.advance(AGAIN_AFTER)

    outcomes = await Worker(rig, slow_calls=SlowCalls(share=1)).work()

    assert [name_of(outcome) for outcome in outcomes] == ["completed"]


# --- The ledger block ---


@dataclass
class Events(Processor):
    """A processor, and a ledger, that say when which of them is at work."""

    def __post_init__(self) -> None:
        self.seen: list[str] = []

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage) -> Prepared:
        self.seen.append("prepare")
        return await super().prepare(mailbox, inbound)


class Ledger(InMemoryIdempotencyLedger):
    events: Events

    @asynccontextmanager
    async def once(self, mailbox: Mailbox, identity: MessageIdentity) -> AsyncIterator[bool]:
        self.events.seen.append("begin")
        async with super().once(mailbox, identity) as is_new:
            yield is_new
        self.events.seen.append("end")


async def test_what_takes_long_is_done_before_the_transaction_begins(rig: Rig) -> None:
    await a_message_waits(rig)
    events, ledger = Events(), Ledger(rig.database)
    ledger.events = events

    await Worker(rig, processor=events, ledger=ledger).work()

    assert events.seen == ["prepare", "begin", "end"]
