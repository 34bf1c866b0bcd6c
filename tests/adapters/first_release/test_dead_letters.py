"""The dead letters of the release before: read, redriven and purged."""

from datetime import timedelta

from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.pointer import job_id
from tests.adapters.first_release.claiming import (
    UNREADABLE,
    claimed,
    finish_what_waits,
    pointers,
    reasons_of,
)

TOO_LARGE = "the message has more than 10000 bytes"


async def test_every_dead_letter_has_its_reason(queue: RedisPointerQueue) -> None:
    letters = (await queue.dead_letters()).letters

    assert [(each.mailbox, each.provider, each.attempts, each.reason) for each in letters] == [
        ("hr", "", 1, UNREADABLE),
        ("info", "google", 5, "gave up after 5 attempts: gmail answered 500 backendError"),
        ("former", "imap", 1, "unknown mailbox"),
        ("info", "google", 1, "the message is larger than 10000 bytes"),
        ("team", "microsoft", 1, TOO_LARGE),
        ("sales", "microsoft", 1, TOO_LARGE),
    ]
    assert reasons_of(letters[1])[:4] == ["gmail answered 500 backendError"] * 4


async def test_dead_letters_can_be_redriven(queue: RedisPointerQueue) -> None:
    letters = (await queue.dead_letters(DeadLetterFilter(tenant="acme"))).letters
    await finish_what_waits(queue)
    ids = [letter.id for letter in letters]

    assert await queue.redrive(ids) == ids

    found = [claim for claims in (await claimed(queue)).values() for claim in claims]
    assert {claim.job.id: claim.job for claim in found} == {
        letter.id: letter.job for letter in letters
    }
    assert {claim.attempt for claim in found} == {1}
    google = [each for each in pointers(found) if isinstance(each, GooglePointer)]
    assert [each.message_ids for each in google] == [(), ("7c1a85ad32b39a44",)]
    assert ImapPointer("INBOX", 1, 1_700_000_003) in pointers(found)


async def test_what_that_release_has_redriven_keeps_its_reasons(
    queue: RedisPointerQueue, clock: ManualClock
) -> None:
    pointer = ImapPointer("Anfragen/Möbel", 2, 1_700_000_004)
    clock.advance(timedelta(seconds=6))
    for _ in range(2):
        for claim in (await claimed(queue))["acme/support"]:
            await queue.bury(claim, "too large still")

    letter = await queue.dead_letter(job_id("acme", "support", pointer))

    assert letter
    assert reasons_of(letter) == [
        "the message has 22218 bytes, more than 10000",
        "re-driven",
        "too large still",
    ]
    assert letter.attempts == 1


async def test_dead_letters_can_be_purged(queue: RedisPointerQueue) -> None:
    ids = [letter.id for letter in (await queue.dead_letters()).letters]

    assert await queue.purge(ids) == ids

    assert (await queue.dead_letters()).letters == []
