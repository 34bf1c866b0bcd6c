"""A job beside others: of what it takes nothing from them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postroom.adapters.http.downloads import TooSlow
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.offload import AtOnce
from postroom.application.consume_job import PREPARED_FOR
from postroom.application.ports import FetchedMessage, MessageFetcher, Prepared
from postroom.application.providers import Providers
from postroom.application.slow_calls import AGAIN_AFTER, SlowCalls
from postroom.domain.failure import Failure, Unavailable
from postroom.domain.identity import MessageIdentity
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Deferred, Retry, name_of
from postroom.domain.pointer import PointerJob
from tests.unit.api_rig import LEASE, Rig, open_rig, toy_mailbox
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


@contextmanager
def crowded() -> Iterator[SlowCalls]:
    """A tenant hangs at its server in as many places as are left."""
    slow_calls = SlowCalls(places=2, slow=timedelta())
    with slow_calls.calling(MAILBOX.tenant, ["its server"]):
        yield slow_calls


async def test_beside_as_many_slow_calls_as_its_source_may_have_it_waits_at_no_cost(
    rig: Rig,
) -> None:
    await a_message_waits(rig)

    with crowded() as slow_calls:
        outcomes = await Worker(rig, slow_calls=slow_calls).work()

    reason = f"{rig.toy.title} is slow"
    assert outcomes == [Deferred(AGAIN_AFTER, reason, with_lane=True)]
    [lane] = await rig.queue.statistics()
    assert (lane.ready, lane.paused) == (1, reason)


async def test_it_is_handled_when_they_are_over(rig: Rig) -> None:
    await a_message_waits(rig)
    with crowded() as slow_calls:
        await Worker(rig, slow_calls=slow_calls).work()
    rig.clock.advance(AGAIN_AFTER)

    outcomes = await Worker(rig, slow_calls=slow_calls).work()

    assert [name_of(outcome) for outcome in outcomes] == ["completed"]


# --- The ledger block ---


@dataclass
class Events(Processor):
    """A processor, and a ledger, that say when which of them is at work."""

    def __post_init__(self) -> None:
        self.seen: list[str] = []

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob) -> Prepared:
        self.seen.append("prepare")
        return await super().prepare(mailbox, inbound, job)


class Ledger(InMemoryIdempotencyLedger):
    events: Events

    @asynccontextmanager
    async def once(
        self, mailbox: Mailbox, identity: MessageIdentity, received_at: datetime | None = None
    ) -> AsyncIterator[bool]:
        self.events.seen.append("begin")
        async with super().once(mailbox, identity, received_at) as is_new:
            yield is_new
        self.events.seen.append("end")


async def test_what_takes_long_is_done_before_the_transaction_begins(rig: Rig) -> None:
    await a_message_waits(rig)
    events, ledger = Events(), Ledger(rig.database)
    ledger.events = events

    await Worker(rig, processor=events, ledger=ledger).work()

    assert events.seen == ["prepare", "begin", "end"]


class Suspended(Processor):
    """Its host is suspended when it has prepared."""

    clock: ManualClock
    seconds: float

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob) -> Prepared:
        prepared = await super().prepare(mailbox, inbound, job)
        self.clock.advance(timedelta(seconds=self.seconds))
        return prepared


@pytest.mark.parametrize(
    ("seconds", "ended"), [(PREPARED_FOR.total_seconds(), "completed"), (1801, "deferred")]
)
async def test_what_was_prepared_too_long_ago_is_prepared_again_at_no_cost(
    rig: Rig, seconds: float, ended: str
) -> None:
    await a_message_waits(rig)
    processor = Suspended()
    processor.clock, processor.seconds = rig.clock, seconds

    [outcome] = await Worker(rig, processor=processor).work()

    assert name_of(outcome) == ended


# --- Whose it is ---


@dataclass
class FailingFetcher(MessageFetcher):
    failure: Failure

    async def fetch(self, *_: object) -> FetchedMessage:
        raise self.failure


async def test_a_server_that_drips_pays_for_it_with_one_job_at_a_time_and_the_message_does_not(
    rig: Rig,
) -> None:
    """Though the mailbox answers all else."""
    await a_message_waits(rig)
    dripping = FailingFetcher(TooSlow("a byte a second", answered=False))
    rig.providers = Providers([replace(rig.toy, fetcher=dripping)])

    [outcome] = await Worker(rig).work()

    assert isinstance(outcome, Deferred)
    assert outcome.with_lane
    [lane] = await rig.queue.statistics()
    assert lane.paused == "a byte a second"
    rig.clock.advance(outcome.after)
    [claim] = await rig.queue.claim(10, LEASE)
    assert (claim.attempt, claim.probation) == (1, outcome.after)


@dataclass
class Killed(AtOnce):
    """Processes that are killed, whatever they read."""

    async def __call__(self, *_: object, **__: object) -> Any:  # noqa: ANN401
        raise Unavailable("two processes that read the message were ended (SIGKILL)")


async def test_a_message_whose_readers_are_killed_pays_and_its_lane_does_not(rig: Rig) -> None:
    """It has been fetched, so its mailbox and its source are well."""
    await a_message_waits(rig)

    [outcome] = await Worker(rig, offload=Killed()).work()

    assert isinstance(outcome, Retry)
    [lane] = await rig.queue.statistics()
    assert lane.paused == ""


@dataclass
class HangingFetcher(MessageFetcher):
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, *_: object) -> FetchedMessage:
        self.began.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_job_that_is_stopped_while_its_server_hangs_leaves_nothing_taken(rig: Rig) -> None:
    await a_message_waits(rig)
    hanging = HangingFetcher()
    rig.providers = Providers([replace(rig.toy, fetcher=hanging)])
    slow_calls = SlowCalls(places=2, slow=timedelta())
    job = asyncio.create_task(Worker(rig, slow_calls=slow_calls).work())
    await hanging.began.wait()
    assert slow_calls.lasting(timedelta()) == 1

    job.cancel()
    await asyncio.wait([job])

    assert slow_calls.lasting(timedelta()) == 0
