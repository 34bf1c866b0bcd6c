"""Redrive, or purge, dead letters: those that match a filter, page by page, at a rate."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

from postroom.application.dead_letter_pages import LOOKED_AT
from postroom.application.ports import Clock, DeadLetterQueue
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter

BATCH = 100
"""Letters that one command moves: no caller beside it waits for long."""

SHOWN = 10
"""Letters of which a survey tells more than their number."""

Which = DeadLetterFilter | Sequence[str]
"""A filter, or the ids of jobs."""

Move = Callable[[Sequence[str]], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Survey:
    """How many letters *matched* so far, the first of them, and ids of which there is none.

    *forgotten* counts the handovers whose application need not have their keys any more, and
    *orphaned* those whose application was removed: they cannot be redriven.
    """

    matched: int = 0
    first: tuple[DeadLetter, ...] = ()
    unknown: tuple[str, ...] = ()
    forgotten: int = 0
    orphaned: int = 0

    def only_these(self, which: Which) -> Which:
        """*which* as it was surveyed: without what is unknown, or has died since."""
        if not isinstance(which, DeadLetterFilter):
            return [job_id for job_id in dict.fromkeys(which) if job_id not in self.unknown]
        if not self.first:
            return which
        return replace(which, died_before=self.first[0].died_at + timedelta.resolution)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many letters *matched* so far, and how many of them are *done*.

    The others were gone when their turn came: somebody else has redriven or purged them.
    """

    matched: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class RedriveDeadLetters:
    """Each method yields after every page or batch how far it has come.

    An error (Unavailable) ends it: what was told is done, the batch on its way may be, and the rest
    another run can do. A filter touches only letters that are dead when the run begins, so that one
    that dies again meanwhile is not driven round for ever.
    """

    queue: DeadLetterQueue
    clock: Clock

    async def survey(self, which: Which) -> AsyncIterator[Survey]:
        """Count what there is, and change nothing."""
        if not isinstance(which, DeadLetterFilter):
            yield await self._survey_of(which)
            return
        survey = Survey()
        async for letters in self._pages(which):
            first = (survey.first + tuple(letters))[:SHOWN]
            survey = replace(self._counted(letters, survey), first=first)
            yield survey

    def redrive(self, which: Which, *, rate: float = 0) -> AsyncIterator[Progress]:
        """Queue them again: at most *rate* jobs a second (0: as fast as it goes)."""
        return self._move(self.queue.redrive, which, rate)

    def purge(self, which: Which, *, rate: float = 0) -> AsyncIterator[Progress]:
        """Forget them for good: at most *rate* letters a second (0: as fast as it goes)."""
        return self._move(self.queue.purge, which, rate)

    async def _move(self, move: Move, which: Which, rate: float) -> AsyncIterator[Progress]:
        progress, pause = Progress(), timedelta()
        size = min(BATCH, ceil(rate)) if rate else BATCH
        async for ids in self._ids(which):
            for batch in _batches(ids, size):
                await self.clock.sleep(pause)
                moved = await move(batch)
                progress = Progress(progress.matched + len(batch), progress.done + len(moved))
                yield progress
                pause = timedelta(seconds=len(batch) / rate) if rate else timedelta()

    async def _survey_of(self, job_ids: Sequence[str]) -> Survey:
        found = {job_id: await self.queue.dead_letter(job_id) for job_id in job_ids}
        letters = [letter for letter in found.values() if letter]
        unknown = tuple(job_id for job_id, letter in found.items() if not letter)
        return self._counted(letters, Survey(first=tuple(letters[:SHOWN]), unknown=unknown))

    def _counted(self, letters: Sequence[DeadLetter], before: Survey) -> Survey:
        now = self.clock.now()
        return replace(
            before,
            matched=before.matched + len(letters),
            forgotten=before.forgotten + sum(each.may_be_doubled(now) for each in letters),
            orphaned=before.orphaned + sum(each.is_orphaned for each in letters),
        )

    async def _ids(self, which: Which) -> AsyncIterator[Sequence[str]]:
        if not isinstance(which, DeadLetterFilter):
            yield which
            return
        async for letters in self._pages(which):
            yield [letter.id for letter in letters]

    async def _pages(self, chosen: DeadLetterFilter) -> AsyncIterator[Sequence[DeadLetter]]:
        page = await self.queue.dead_letters(chosen, limit=LOOKED_AT)
        yield page.letters
        while page.next:
            page = await self.queue.dead_letters(chosen, limit=LOOKED_AT, after=page.next)
            yield page.letters


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
