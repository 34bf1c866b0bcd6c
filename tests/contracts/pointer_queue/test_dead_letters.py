"""What every PointerQueue promises of its dead letters."""

from datetime import timedelta

from adapters.memory.clock import ManualClock
from application.ports import Claim, PointerQueue
from tests.contracts.pointer_queue.samples import LEASE, MOMENT, claimed, job, jobs, names

MINUTE = timedelta(minutes=1)


async def ids(queue: PointerQueue, *, tenant: str = "", mailbox: str = "") -> list[str]:
    letters = await queue.dead_letters(tenant=tenant, mailbox=mailbox)
    return [letter.job.id for letter in letters]


async def bury_all(queue: PointerQueue, clock: ManualClock) -> None:
    for claim in await claimed(queue, 100):
        await queue.bury(claim, "broken")
        clock.advance(MOMENT)


async def test_a_dead_letter_tells_the_whole_story(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    began = clock.now()
    await queue.retry(claim, began, "the provider is away")
    [second] = await claimed(queue)
    clock.advance(MINUTE)
    await queue.defer(second, clock.now(), "throttled: ü")
    await claimed(queue)
    clock.advance(LEASE + MOMENT)
    [last] = await claimed(queue)
    clock.advance(MINUTE)
    await queue.bury(last, "gave up")

    [letter] = await queue.dead_letters()

    assert letter.job == claim.job
    assert letter.attempts == 3
    assert letter.reason == "gave up"
    assert [reason for _, reason in letter.reasons] == [
        "the provider is away",
        "throttled: ü",
        "the lease ran out",
        "gave up",
    ]
    minutes = [round((at - began) / MINUTE, 1) for at, _ in letter.reasons]
    assert minutes == [0, 1, 2, 3]
    assert abs(letter.died_at - clock.now()) < MOMENT


async def test_the_newest_come_first(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs("b", "a", "c"))
    await bury_all(queue, clock)

    assert await ids(queue) == ["c", "a", "b"]
    newest = await queue.dead_letters(limit=2)
    assert [letter.job.id for letter in newest] == ["c", "a"]


async def test_they_can_be_asked_for_by_tenant_and_mailbox(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job("as"), job("ab", mailbox="sales")])
    await queue.enqueue([job("gs", tenant="globex"), job("gb", tenant="globex", mailbox="sales")])
    await bury_all(queue, clock)

    assert set(await ids(queue, tenant="acme")) == {"as", "ab"}
    assert set(await ids(queue, mailbox="sales")) == {"ab", "gb"}
    assert await ids(queue, tenant="globex", mailbox="support") == ["gs"]
    assert await ids(queue, tenant="initech") == []


async def test_a_wanted_one_is_found_behind_many_others(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job("wanted", tenant="wanted")])
    await bury_all(queue, clock)
    for n in range(130):
        await queue.enqueue([job(f"j{n}", mailbox=f"m{n}")])
    await bury_all(queue, clock)

    assert await ids(queue, tenant="wanted") == ["wanted"]


async def test_only_the_last_reasons_are_kept(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    for n in range(40):
        await queue.defer(claim, clock.now(), f"throttled {n}")
        [claim] = await claimed(queue)
    await queue.bury(claim, "gave up")

    [letter] = await queue.dead_letters()

    told = [reason for _, reason in letter.reasons]
    assert told == [*(f"throttled {n}" for n in range(9, 40)), "gave up"]


async def test_a_job_that_dies_again_is_one_dead_letter(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue([job("other")])
    await queue.bury(claim, "broken")
    clock.advance(MOMENT)
    await bury_all(queue, clock)
    await queue.enqueue([claim.job])
    [again] = await claimed(queue)
    await queue.bury(again, "broken again")

    assert await ids(queue) == ["first", "other"]
    [newest] = await queue.dead_letters(limit=1)
    assert newest.reason == "broken again"
    [lane] = await queue.statistics()
    assert lane.dead == 2


async def test_a_redriven_job_is_queued_like_a_new_one(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.retry(claim, clock.now(), "away")
    [second] = await claimed(queue)
    await queue.bury(second, "broken")
    await queue.enqueue([job("waiting")])

    assert await queue.redrive("first")

    waiting, again = await claimed(queue, 2)
    assert waiting.job.id == "waiting"
    assert again.job == claim.job
    assert again.attempt == 1
    assert await queue.dead_letters() == []


async def test_what_a_redriven_job_had_behind_it_is_forgotten(
    queue: PointerQueue, claim: Claim
) -> None:
    await queue.bury(claim, "broken")
    await queue.redrive("first")
    [again] = await claimed(queue)
    await queue.bury(again, "still broken")

    [letter] = await queue.dead_letters()

    assert letter.attempts == 1
    assert [reason for _, reason in letter.reasons] == ["still broken"]


async def test_a_redriven_job_keeps_its_new_place(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    await queue.enqueue([job("waiting")])
    await queue.redrive("first")
    for each in await claimed(queue, 2):
        await queue.release(each)

    assert await names(queue) == ["waiting", "first"]


async def test_only_a_dead_letter_can_be_redriven(queue: PointerQueue, claim: Claim) -> None:
    assert not await queue.redrive("unknown")
    assert not await queue.redrive("first")

    await queue.bury(claim, "broken")
    assert await queue.redrive("first")
    assert not await queue.redrive("first")


async def test_redriving_what_is_queued_again_queues_nothing_twice(
    queue: PointerQueue, claim: Claim
) -> None:
    await queue.bury(claim, "broken")
    await queue.enqueue([claim.job])

    assert await queue.redrive("first")

    assert await names(queue) == ["first"]
    assert await queue.dead_letters() == []


async def test_a_redriven_job_makes_its_lane_due(queue: PointerQueue, claim: Claim) -> None:
    await queue.bury(claim, "broken")
    assert await names(queue) == []

    await queue.redrive("first")

    assert await names(queue) == ["first"]
