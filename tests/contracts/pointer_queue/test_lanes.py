"""What every PointerQueue promises to those who share it: turns, and a cap."""

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Claim, PointerConsumer, PointerQueue
from tests.contracts.pointer_queue.samples import (
    LEASE,
    claimed,
    job,
    jobs,
    let_leases_end,
    names,
)

PORTS = {PointerConsumer, PointerQueue}


async def test_lanes_of_a_tenant_take_turns(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("a1", "a2", "a3", mailbox="a"))
    await queue.enqueue(jobs("b1", "b2", mailbox="b"))
    await queue.enqueue(jobs("c1", mailbox="c"))

    assert await names(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_turns_go_on_from_one_claim_to_the_next(queue: PointerQueue) -> None:
    await queue.enqueue(jobs("a1", "a2", mailbox="a"))
    await queue.enqueue(jobs("b1", "b2", mailbox="b"))

    assert [*await names(queue, 1), *await names(queue, 1)] == ["a1", "b1"]
    assert [*await names(queue, 1), *await names(queue, 1)] == ["a2", "b2"]


async def test_tenants_take_turns_however_many_lanes_they_have(queue: PointerQueue) -> None:
    for n in range(4):
        await queue.enqueue(jobs(f"busy{n}", tenant="busy", mailbox=f"m{n}"))
    await queue.enqueue(jobs("quiet0", "quiet1", tenant="quiet"))

    order = await names(queue)

    assert order == ["busy0", "quiet0", "busy1", "quiet1", "busy2", "busy3"]


async def test_mailboxes_of_one_name_are_lanes_of_their_tenants(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcde", tenant="acme", mailbox="support"))
    await queue.enqueue(jobs(*"vwxyz", tenant="globex", mailbox="support"))

    claims = await claimed(queue, 100)

    assert [claim.job.tenant for claim in claims] == ["acme", "globex"] * 4


async def test_a_backlog_holds_up_nobody_else(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*(f"busy{n}" for n in range(300)), mailbox="busy"))
    [busy] = await claimed(queue)
    await queue.enqueue([job("quiet", mailbox="quiet"), job("other", tenant="other")])

    waited = []
    for _ in range(3):
        await queue.acknowledge(busy)
        waited += await names(queue, 1)

    assert {"quiet", "other"} < set(waited)


async def test_a_lane_waits_no_longer_than_the_lanes_are_many(queue: PointerQueue) -> None:
    lanes = [f"m{n}" for n in range(7)]
    for lane in lanes:
        await queue.enqueue(jobs(*(f"{lane}-{n}" for n in range(20)), mailbox=lane))

    order = []
    for _ in range(70):
        [claim] = await claimed(queue)
        order.append(claim.job.mailbox)
        await queue.acknowledge(claim)

    assert all(set(order[turn : turn + 7]) == set(lanes) for turn in range(0, 70, 7))


async def test_a_lane_has_no_more_in_flight_than_its_cap(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcdefg"))

    assert await names(queue) == ["a", "b", "c", "d"]
    assert await names(queue) == []


async def test_a_lane_at_its_cap_holds_up_nobody_else(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcdef"))
    await claimed(queue, 4)
    await queue.enqueue(jobs("x", mailbox="other"))
    await queue.enqueue(jobs("g"))

    assert await names(queue) == ["x"]


async def test_a_job_that_is_settled_makes_room_for_the_next(queue: PointerQueue) -> None:
    await queue.enqueue(jobs(*"abcdefgh"))
    a, b, c, d = await claimed(queue, 9)

    await queue.acknowledge(b)
    assert await names(queue) == ["e"]
    await queue.bury(a, "broken")
    assert await names(queue) == ["f"]
    await queue.retry(c, LEASE, "away")
    assert await names(queue) == ["g"]
    await queue.defer(d, LEASE, "throttled")
    assert await names(queue) == ["h"]


async def test_a_lease_that_runs_out_makes_room(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs(*"abcde"))
    d, *others = reversed(await claimed(queue, 9))
    await queue.renew(others, 2 * LEASE)

    await let_leases_end(queue, clock)

    assert d.job.id == "d"
    assert await names(queue) == ["d"]
    await queue.acknowledge(others[0])
    assert await names(queue) == ["e"]


async def test_a_stale_settlement_makes_no_room(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcd"))
    await let_leases_end(queue, clock)
    assert await names(queue) == ["first", "a", "b", "c"]

    await queue.acknowledge(claim)

    assert await names(queue) == []
