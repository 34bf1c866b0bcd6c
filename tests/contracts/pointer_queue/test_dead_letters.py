"""What every PointerQueue promises of its dead letters: what they tell, and how they are listed."""

import asyncio
from datetime import timedelta

import pytest

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.memory.clock import ManualClock
from postroom.application.dead_letter_pages import LOOKED_AT
from postroom.application.ports import Claim, DeadLetterQueue, InvalidCursor, PointerQueue
from postroom.domain.dead_letter import DeadLetterFilter
from tests.contracts.pointer_queue.samples import (
    AT_ONCE,
    MOMENT,
    bury_all,
    claimed,
    dead_ids,
    job,
    jobs,
    let_leases_end,
)

PORTS = {DeadLetterQueue, PointerQueue}

MINUTE = timedelta(minutes=1)


async def test_a_dead_letter_tells_the_whole_story(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    began = clock.now()
    await queue.retry(claim, AT_ONCE, "the provider is away")
    [second] = await claimed(queue)
    clock.advance(MINUTE)
    await queue.defer(second, AT_ONCE, "throttled: ü")
    await claimed(queue)
    await let_leases_end(queue, clock)
    [last] = await claimed(queue)
    clock.advance(MINUTE)
    await queue.bury(last, "gave up")

    [letter] = (await queue.dead_letters()).letters

    assert letter.job == claim.job
    assert (letter.attempts, letter.crashes) == (2, 1)
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


@pytest.mark.usefixtures("claim")
async def test_a_job_that_is_not_dead_has_no_dead_letter(queue: PointerQueue) -> None:
    assert await queue.dead_letter("first") is None
    assert await queue.dead_letter("unknown") is None


async def test_a_dead_letter_is_found_by_its_job(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs("a", "b", "c"))
    await bury_all(queue, clock)
    listed = (await queue.dead_letters()).letters

    assert [await queue.dead_letter(name) for name in "cba"] == listed


# --- In which order


async def test_the_newest_come_first(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs("b", "a", "c"))
    await bury_all(queue, clock)

    assert await dead_ids(queue) == ["c", "a", "b"]
    assert await dead_ids(queue, limit=2) == ["c", "a"]


async def test_no_two_die_at_the_same_moment(queue: PointerQueue) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n}") for n in range(50)])
    claims = await claimed(queue, 50)
    await asyncio.gather(*(queue.bury(claim, "broken") for claim in claims))

    letters = (await queue.dead_letters()).letters

    deaths = [letter.died_at for letter in letters]
    assert len(set(deaths)) == 50
    assert deaths == sorted(deaths, reverse=True)
    assert [letter.id for letter in letters] == [claim.job.id for claim in reversed(claims)]


# --- Filters


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (DeadLetterFilter(tenant="acme"), {"as", "ab"}),
        (DeadLetterFilter(mailbox="sales"), {"ab", "gb"}),
        (DeadLetterFilter(tenant="globex", mailbox="support"), {"gs"}),
        (DeadLetterFilter(tenant="initech"), set()),
    ],
)
async def test_they_can_be_asked_for_by_tenant_and_mailbox(
    queue: PointerQueue, clock: ManualClock, chosen: DeadLetterFilter, found: set[str]
) -> None:
    await queue.enqueue([job("as"), job("ab", mailbox="sales")])
    await queue.enqueue([job("gs", tenant="globex"), job("gb", tenant="globex", mailbox="sales")])
    await bury_all(queue, clock)

    assert set(await dead_ids(queue, chosen)) == found


async def test_they_can_be_asked_for_by_provider(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue([job("imap"), job("google", pointer=GooglePointer(7, "a@b.example"))])
    await bury_all(queue, clock)

    assert await dead_ids(queue, DeadLetterFilter(provider="google")) == ["google"]
    assert await dead_ids(queue, DeadLetterFilter(provider="imap")) == ["imap"]
    assert await dead_ids(queue, DeadLetterFilter(provider="microsoft")) == []


async def test_they_can_be_asked_for_by_what_the_last_reason_holds_in_any_case(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.retry(claim, AT_ONCE, "HTTP 500")
    await bury_all(queue, clock, "The Größe is over 50 MiB")
    await queue.enqueue(jobs("other"))
    await bury_all(queue, clock, "HTTP 500")

    for text in ("größe", "GRÖSSE", "Over 50 MiB"):
        assert await dead_ids(queue, DeadLetterFilter(reason=text)) == ["first"]
    assert await dead_ids(queue, DeadLetterFilter(reason="http 500")) == ["other"]
    assert await dead_ids(queue, DeadLetterFilter(reason="over%")) == []


async def test_they_can_be_asked_for_by_age(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs("a", "b", "c", "d"))
    await bury_all(queue, clock)
    d, c, b, a = (await queue.dead_letters()).letters

    async def died(**bounds: object) -> list[str]:
        return await dead_ids(queue, DeadLetterFilter(**bounds))  # type: ignore[arg-type]

    assert await died(died_before=c.died_at) == ["b", "a"]
    assert await died(died_after=c.died_at) == ["d", "c"]
    assert await died(died_after=b.died_at, died_before=d.died_at) == ["c", "b"]
    assert await died(died_before=a.died_at) == []
    assert await died(died_after=d.died_at + MINUTE) == []


async def test_all_that_is_asked_for_must_match(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue([job("a"), job("b", mailbox="sales")])
    await bury_all(queue, clock, "HTTP 500")

    assert await dead_ids(queue, DeadLetterFilter(mailbox="sales", reason="500")) == ["b"]
    assert await dead_ids(queue, DeadLetterFilter(mailbox="sales", reason="404")) == []


# --- Pages


async def test_without_a_letter_there_is_one_empty_page(queue: PointerQueue) -> None:
    page = await queue.dead_letters()

    assert (page.letters, page.next) == ([], "")


async def test_pages_follow_one_another_to_the_end(queue: PointerQueue, clock: ManualClock) -> None:
    await queue.enqueue(jobs(*"abcde"))
    await bury_all(queue, clock)

    first = await queue.dead_letters(limit=2)
    second = await queue.dead_letters(limit=2, after=first.next)
    third = await queue.dead_letters(limit=2, after=second.next)

    pages = [[letter.id for letter in page.letters] for page in (first, second, third)]
    assert pages == [["e", "d"], ["c", "b"], ["a"]]
    assert first.next
    assert second.next
    assert third.next == ""


async def test_a_page_that_ends_with_the_oldest_letter_is_the_last(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("a", "b"))
    await bury_all(queue, clock)

    assert (await queue.dead_letters(limit=2)).next == ""


async def test_letters_that_come_and_go_move_no_page(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue(jobs(*"abcdefgh"))
    await bury_all(queue, clock)
    first = await queue.dead_letters(limit=3)
    assert [letter.id for letter in first.letters] == ["h", "g", "f"]

    await queue.redrive(["h", "f", "d"])
    await queue.purge(["g", "c"])
    await queue.enqueue(jobs("new"))
    await bury_all(queue, clock)

    assert await dead_ids(queue, after=first.next) == ["e", "b", "a"]
    assert await dead_ids(queue, limit=3) == ["new", "d", "f"]


async def test_a_letter_that_dies_again_is_on_no_page_that_follows_even_if_the_clock_is_set_back(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    await queue.enqueue(jobs("second"))
    await queue.bury(claim, "broken")
    [second] = await claimed(queue)
    await queue.bury(second, "broken")
    page = await queue.dead_letters(limit=1)
    assert [letter.id for letter in page.letters] == ["second"]

    await queue.redrive(["second", "first"])
    clock.advance(-MINUTE)
    for again in await claimed(queue, 2):
        await queue.bury(again, "broken again")

    assert (await queue.dead_letters(after=page.next)).letters == []


async def test_a_wanted_one_is_found_behind_many_others(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job("wanted", tenant="wanted")])
    await bury_all(queue, clock)
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n}") for n in range(LOOKED_AT + 1)])
    await bury_all(queue, clock)
    chosen = DeadLetterFilter(tenant="wanted")

    first = await queue.dead_letters(chosen)
    second = await queue.dead_letters(chosen, after=first.next)

    assert first.letters == []
    assert [letter.id for letter in second.letters] == ["wanted"]
    assert second.next == ""


async def test_letters_that_are_older_than_asked_for_are_not_looked_at(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n}") for n in range(LOOKED_AT + 1)])
    await bury_all(queue, clock)
    page = await queue.dead_letters(limit=2)

    recent = await queue.dead_letters(DeadLetterFilter(died_after=page.letters[-1].died_at))

    assert recent.letters == page.letters
    assert recent.next == ""


async def test_a_page_has_its_bounds_whatever_is_asked_for(
    queue: PointerQueue, clock: ManualClock
) -> None:
    await queue.enqueue([job(f"j{n}", mailbox=f"m{n}") for n in range(LOOKED_AT + 1)])
    await bury_all(queue, clock)

    page = await queue.dead_letters(limit=10_000)
    rest = await queue.dead_letters(limit=10_000, after=page.next)

    assert (len(page.letters), len(rest.letters)) == (LOOKED_AT, 1)


@pytest.mark.parametrize("cursor", ["abc", "-1", "1" * 18, "1.5", "inf", " 1", "²"])
async def test_a_cursor_that_is_none_is_refused(queue: PointerQueue, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await queue.dead_letters(after=cursor)


# --- What is kept


async def test_only_the_last_reasons_are_kept(
    queue: PointerQueue, claim: Claim, clock: ManualClock
) -> None:
    for n in range(40):
        await queue.defer(claim, AT_ONCE, f"throttled {n}")
        [claim] = await claimed(queue)
    await queue.bury(claim, "gave up")

    [letter] = (await queue.dead_letters()).letters

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

    assert await dead_ids(queue) == ["first", "other"]
    [newest] = (await queue.dead_letters(limit=1)).letters
    assert newest.reason == "broken again"
    [lane] = await queue.statistics()
    assert lane.dead == 2
