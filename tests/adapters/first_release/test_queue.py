"""The queue that the release before leaves behind; its dead letters have tests of their own."""

from datetime import timedelta

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.redis.partition_count import PartitionCountHealth
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.failure import Unavailable
from postroom.domain.pointer import job_id
from tests.adapters.first_release.claiming import (
    claimed,
    finish_what_waits,
    pointers,
    reasons_of,
)
from tests.adapters.first_release.recorded import DENIED, RECORDED_AT, at

INFO = "Info@acme.example"
PUSHES = ("2070443601311544", "2070443601311545")
VALIDITY = 1_700_000_001
"""That of the folder INBOX of acme/support."""


async def test_every_lane_stands_as_it_stood(queue: RedisPointerQueue) -> None:
    found = {
        f"{lane.tenant}/{lane.mailbox}": (lane.ready, lane.delayed, lane.in_flight, lane.dead)
        for lane in await queue.statistics()
    }

    assert found == {
        "acme/former": (0, 0, 0, 1),
        "acme/info": (4, 0, 0, 2),
        "acme/invoices": (1, 0, 0, 0),
        "acme/sales": (2, 1, 0, 1),
        "acme/support": (3, 0, 4, 0),
        "acme/team": (0, 0, 0, 1),
        "globex/desk": (0, 1, 0, 0),
        "globex/hr": (1, 0, 0, 1),
        "globex/office": (0, 0, 0, 0),
        "globex/sales": (0, 1, 0, 0),
    }


async def test_a_paused_lane_says_why_and_until_when(queue: RedisPointerQueue) -> None:
    found = {
        lane.mailbox: (lane.paused, lane.paused_until)
        for lane in await queue.statistics()
        if lane.paused
    }

    assert found == {
        "desk": ("the mailbox is paused: moves to another server", at(10, 27)),
        "hr": (DENIED, at(10, 26)),
        "office": (DENIED, at(10, 26)),
        "sales": ("Graph answered 429 ApplicationThrottled", at(10, 24)),
    }


async def test_the_number_of_partitions_is_remembered(servers: Servers) -> None:
    await PartitionCountHealth(servers, 1)()

    with pytest.raises(Unavailable, match="set POSTROOM_REDIS_PARTITIONS=1"):
        await PartitionCountHealth(servers, 2)()


# --- What waits


async def test_what_waits_is_claimed_in_its_order(queue: RedisPointerQueue) -> None:
    found = await claimed(queue)

    assert found.keys() == {"acme/info", "acme/invoices", "acme/sales"}
    messages = ("1594bcaa5fc25b02", "cabe883016b89069", "6712110c3e98a337")
    assert pointers(found["acme/info"]) == [
        *(GooglePointer(1042, INFO, PUSHES[0], (each,)) for each in messages),
        GooglePointer(1049, INFO, PUSHES[1]),
    ]
    for claims in found.values():
        for claim in claims:
            job = claim.job
            assert (claim.attempt, claim.reclaimed, job.enqueued_at) == (1, False, RECORDED_AT)
            assert job.id == job_id(job.tenant, job.mailbox, job.pointer)
            assert job.traceparent.startswith("00-")
            assert await queue.acknowledge(claim)


async def test_a_pointer_to_graph_has_the_resource_that_its_notification_named(
    queue: RedisPointerQueue,
) -> None:
    found = await claimed(queue)

    for pointer in pointers(found["acme/sales"]):
        assert isinstance(pointer, MicrosoftPointer)
        assert pointer.subscription_id
        assert pointer.resource.startswith("users/")
        assert pointer.resource.endswith(f"/messages/{pointer.message_id}")
    [listed] = pointers(found["acme/invoices"])
    assert isinstance(listed, MicrosoftPointer)
    assert listed == MicrosoftPointer("", listed.message_id)


async def test_what_was_in_work_is_claimed_again_when_its_lease_has_ended(
    queue: RedisPointerQueue, clock: ManualClock
) -> None:
    clock.advance(timedelta(seconds=6))
    found = (await claimed(queue))["acme/support"]

    assert pointers(found) == [ImapPointer("INBOX", uid, VALIDITY) for uid in (4, 5, 6, 7)]
    assert {(claim.attempt, claim.crashes, claim.reclaimed) for claim in found} == {(1, 1, True)}
    for claim in found:
        assert await queue.acknowledge(claim)
    found = (await claimed(queue))["acme/support"]
    assert pointers(found) == [
        *(ImapPointer("INBOX", uid, VALIDITY) for uid in (8, 9)),
        ImapPointer("Anfragen/Möbel", 2, 1_700_000_004),
    ]


async def test_what_was_delayed_is_claimed_when_it_is_due(
    queue: RedisPointerQueue, clock: ManualClock
) -> None:
    await finish_what_waits(queue)

    clock.time = at(10, 22, 5)
    [broken] = (await claimed(queue))["acme/sales"]
    await queue.bury(broken, "broken again")
    clock.time = at(10, 24)
    [throttled] = (await claimed(queue))["globex/sales"]
    clock.time = at(10, 27)
    [paused] = (await claimed(queue))["globex/desk"]

    assert (broken.attempt, throttled.attempt, paused.attempt) == (2, 1, 1)
    assert paused.job.pointer == ImapPointer("INBOX", 1, 1_700_000_002)
    letter = await queue.dead_letter(broken.job.id)
    assert letter
    assert reasons_of(letter) == ["Graph answered 500 ErrorInternalServerError", "broken again"]


async def test_a_record_that_cannot_be_read_stops_nothing(
    queue: RedisPointerQueue, clock: ManualClock
) -> None:
    clock.time = at(10, 26)

    [unreadable] = (await claimed(queue))["globex/hr"]
    assert await queue.bury(unreadable, unreadable.unreadable)

    [letter, _] = (await queue.dead_letters(DeadLetterFilter(mailbox="hr"))).letters
    assert (letter.job, letter.reason) == (None, "unreadable record: microsoft/2 2 int_type")
