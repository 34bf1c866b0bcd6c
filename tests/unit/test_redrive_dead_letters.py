from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.redrive_dead_letters import (
    BATCH,
    SHOWN,
    Progress,
    RedriveDeadLetters,
    Survey,
)
from postroom.domain.dead_letter import EVERY_LETTER, DeadLetterFilter
from postroom.domain.failure import Unavailable
from tests.contracts.pointer_queue.samples import bury_all, dead_ids, job

T = TypeVar("T")
MANY = 2 * BATCH + 50
"""More letters than a page looks at."""


class WatchedQueue(InMemoryPointerQueue):
    """Keeps the sizes of the batches that were moved, and when; fails at the one numbered so."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.began = clock.now()
        self.moved: list[tuple[float, int]] = []
        self.fails_at = 0
        self.kills = False

    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        self._note(job_ids)
        redriven = await super().redrive(job_ids)
        if self.kills:
            await bury_all(self, self.clock, "broken again")
        return redriven

    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        self._note(job_ids)
        return await super().purge(job_ids)

    def _note(self, job_ids: Sequence[str]) -> None:
        if len(self.moved) + 1 == self.fails_at:
            raise Unavailable("Redis is away")
        seconds = (self.clock.now() - self.began).total_seconds()
        self.moved.append((seconds, len(job_ids)))


@pytest.fixture
def queue(clock: ManualClock) -> WatchedQueue:
    return WatchedQueue(clock)


@pytest.fixture
def dead_letters(queue: WatchedQueue, clock: ManualClock) -> RedriveDeadLetters:
    return RedriveDeadLetters(queue, clock)


async def bury(
    queue: WatchedQueue, count: int, reason: str = "broken", *, tenant: str = "acme"
) -> None:
    await queue.enqueue(
        [job(f"{tenant}-{n}", tenant=tenant, mailbox=f"m{n}") for n in range(count)]
    )
    await bury_all(queue, queue.clock, reason)
    queue.began = queue.clock.now()


async def all_of(steps: AsyncIterator[T]) -> list[T]:
    return [step async for step in steps]


async def ready(queue: WatchedQueue) -> int:
    return sum(lane.ready for lane in await queue.statistics())


# --- Survey


async def test_a_survey_counts_what_matches_and_changes_nothing(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)
    await bury(queue, 3, tenant="globex")

    *_, survey = await all_of(dead_letters.survey(DeadLetterFilter(tenant="acme")))

    assert survey.matched == MANY
    newest = [letter.id for letter in survey.first]
    assert newest == [f"acme-{MANY - 1 - n}" for n in range(SHOWN)]
    assert queue.moved == []
    assert await ready(queue) == 0


async def test_a_survey_tells_how_far_it_is(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)

    steps = await all_of(dead_letters.survey(EVERY_LETTER))

    assert [step.matched for step in steps] == [2 * BATCH, MANY]


async def test_a_survey_of_nothing_finds_nothing(dead_letters: RedriveDeadLetters) -> None:
    assert await all_of(dead_letters.survey(EVERY_LETTER)) == [Survey()]


async def test_a_survey_of_ids_names_those_of_which_there_is_none(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, SHOWN + 5)
    ids = [f"acme-{n}" for n in range(SHOWN + 2)]

    asked = ["x", *ids, "y", "acme-0"]
    [survey] = await all_of(dead_letters.survey(asked))

    assert survey.matched == SHOWN + 2
    assert [letter.id for letter in survey.first] == ids[:SHOWN]
    assert survey.unknown == ("x", "y")
    assert survey.only_these(asked) == ids


async def test_what_dies_after_a_survey_was_not_in_it(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, 3)
    [survey] = await all_of(dead_letters.survey(EVERY_LETTER))
    await bury(queue, 2, tenant="globex")

    await all_of(dead_letters.purge(survey.only_these(EVERY_LETTER)))

    assert await dead_ids(queue) == ["globex-1", "globex-0"]


def test_a_survey_that_found_nothing_narrows_nothing() -> None:
    chosen = DeadLetterFilter(tenant="acme")

    assert Survey().only_these(chosen) == chosen


# --- Redrive and purge


async def test_all_that_match_are_redriven_in_batches(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)
    await bury(queue, 3, tenant="globex")

    steps = await all_of(dead_letters.redrive(DeadLetterFilter(tenant="acme")))

    assert steps[-1] == Progress(matched=MANY, done=MANY)
    assert max(size for _, size in queue.moved) == BATCH
    assert len(steps) == len(queue.moved)
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert await ready(queue) == MANY
    assert len(await dead_ids(queue)) == 3


async def test_all_that_match_are_purged(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, 3, "HTTP 404")
    await bury(queue, 2, "HTTP 500", tenant="globex")

    steps = await all_of(dead_letters.purge(DeadLetterFilter(reason="404")))

    assert steps == [Progress(matched=3, done=3)]
    assert len(await dead_ids(queue)) == 2
    assert await ready(queue) == 0


async def test_those_of_given_ids_are_moved_in_batches(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)
    ids = [f"acme-{n}" for n in range(BATCH + 1)]

    steps = await all_of(dead_letters.redrive(["unknown", *ids]))

    assert steps == [Progress(BATCH, BATCH - 1), Progress(BATCH + 2, BATCH + 1)]
    assert await ready(queue) == BATCH + 1


async def test_where_nothing_matches_nothing_is_done(dead_letters: RedriveDeadLetters) -> None:
    assert await all_of(dead_letters.redrive(EVERY_LETTER)) == []


async def test_what_dies_again_meanwhile_is_not_driven_round_for_ever(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)
    queue.kills = True

    steps = await all_of(dead_letters.redrive(EVERY_LETTER))

    assert steps[-1] == Progress(matched=MANY, done=MANY)
    assert sum(size for _, size in queue.moved) == MANY


async def test_what_somebody_else_has_taken_meanwhile_is_not_counted_as_done(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, BATCH + 2)
    run = dead_letters.redrive(EVERY_LETTER)
    await anext(run)
    await queue.purge(["acme-0"])

    assert await anext(run) == Progress(matched=BATCH + 2, done=BATCH + 1)


async def test_an_error_ends_it_and_what_was_told_is_done(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)
    queue.fails_at = 3
    run = dead_letters.redrive(EVERY_LETTER)
    told = [await anext(run), await anext(run)]

    with pytest.raises(Unavailable):
        await anext(run)

    assert told[-1].done == await ready(queue) == 2 * BATCH
    queue.fails_at = 0
    await all_of(dead_letters.redrive(EVERY_LETTER))
    assert await ready(queue) == MANY


# --- The rate


@pytest.mark.parametrize(
    ("rate", "moved"),
    [
        (0, [(0, 25)]),
        (1000, [(0, 25)]),
        (10, [(0, 10), (1, 10), (2, 5)]),
        (0.5, [(2 * n, 1) for n in range(25)]),
    ],
)
async def test_so_many_are_redriven_a_second_and_no_more(
    queue: WatchedQueue,
    dead_letters: RedriveDeadLetters,
    rate: float,
    moved: list[tuple[float, int]],
) -> None:
    await bury(queue, 25)

    await all_of(dead_letters.redrive(EVERY_LETTER, rate=rate))

    assert queue.moved == moved


async def test_the_rate_holds_from_one_page_to_the_next(
    queue: WatchedQueue, dead_letters: RedriveDeadLetters
) -> None:
    await bury(queue, MANY)

    await all_of(dead_letters.purge(EVERY_LETTER, rate=BATCH))

    assert queue.moved == [(0, BATCH), (1, BATCH), (2, 50)]
