"""The dead letters of the queue that is forgotten when the process ends."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from postroom.application.dead_letter_pages import LOOKED_AT, beginning, page_of
from postroom.application.ports import Clock, DeadLetterPage
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob

Lane = tuple[str, str]

_TICK = timedelta(microseconds=1)


class DeadLetters:
    """Letters by id, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._letters: dict[str, DeadLetter] = {}
        self._last_death = datetime.min.replace(tzinfo=UTC)

    def add(
        self,
        job: PointerJob,
        attempts: int,
        crashes: int,
        reasons: Sequence[tuple[datetime, str]],
    ) -> None:
        self._letters.pop(job.id, None)  # the newest comes last
        self._last_death = max(self._clock.now(), self._last_death + _TICK)
        self._letters[job.id] = DeadLetter(
            id=job.id,
            tenant=job.tenant,
            mailbox=job.mailbox,
            job=job,
            attempts=attempts,
            crashes=crashes,
            reasons=tuple(reasons),
            died_at=self._last_death,
        )

    def get(self, job_id: str) -> DeadLetter | None:
        return self._letters.get(job_id)

    def take(self, job_ids: Sequence[str]) -> list[DeadLetter]:
        """Those of *job_ids* that there are, which are gone from here then."""
        taken = (self._letters.pop(job_id, None) for job_id in job_ids)
        return [letter for letter in taken if letter]

    @property
    def lanes(self) -> Counter[Lane]:
        """How many there are of each lane that has any."""
        return Counter((letter.tenant, letter.mailbox) for letter in self._letters.values())

    def page(self, chosen: DeadLetterFilter, limit: int, after: str) -> DeadLetterPage:
        before, since = beginning(chosen, after), chosen.died_after
        letters = (
            letter
            for letter in reversed(self._letters.values())
            if (before is None or letter.died_at < before)
            and (since is None or letter.died_at >= since)
        )
        return page_of(list(islice(letters, LOOKED_AT)), chosen, limit)
