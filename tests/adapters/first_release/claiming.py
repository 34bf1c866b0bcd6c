"""What the tests of the queue share: claiming all that is due."""

from datetime import timedelta

from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.application.ports import Claim
from postroom.domain.dead_letter import DeadLetter
from postroom.domain.pointer import Pointer

LEASE = timedelta(minutes=1)
UNREADABLE = "unreadable record: microsoft 0 literal_error"


async def claimed(queue: RedisPointerQueue) -> dict[str, list[Claim]]:
    """All that can be claimed now, by lane."""
    by_lane: dict[str, list[Claim]] = {}
    for claim in await queue.claim(100, LEASE):
        by_lane.setdefault(f"{claim.job.tenant}/{claim.job.mailbox}", []).append(claim)
    return by_lane


async def finish_what_waits(queue: RedisPointerQueue) -> None:
    for claims in (await claimed(queue)).values():
        for claim in claims:
            await queue.acknowledge(claim)


def pointers(claims: list[Claim]) -> list[Pointer]:
    return [claim.job.pointer for claim in claims]


def reasons_of(letter: DeadLetter) -> list[str]:
    return [reason for _, reason in letter.reasons]
