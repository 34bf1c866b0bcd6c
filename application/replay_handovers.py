"""Hand messages over to their application once more: by the same keys, or as new ones.

By the same keys and bytes an application that has kept them changes nothing: that repairs what it
has lost. As a new message each has a key of its own, and so a second effect.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from postroom.application.ports import Clock, HandoverFilter, HandoverRecord, HandoverRecords
from postroom.application.replay_as_new import ReplayAsNew
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import ENDED, State

PAGE = 100

REPLAYABLE = frozenset({*ENDED, State.HELD}) - {State.MOVED}
"""What waits is called with anyhow, shadow has a release of its own, and what has moved is replayed
with those of the application that it has moved to."""

_IS_REPLAY = re.compile(r"_r\d+$")


@dataclass(frozen=True, slots=True)
class Progress:
    """*matched* so far, and *done* of them; *forgotten* may be unknown to the application by now.

    *left* says why some are not done: how many, by reason.
    """

    matched: int = 0
    done: int = 0
    forgotten: int = 0
    left: tuple[tuple[str, int], ...] = ()

    def after(self, why_not: str) -> "Progress":
        if not why_not:
            return replace(self, matched=self.matched + 1, done=self.done + 1)
        counts = dict(self.left)
        counts[why_not] = counts.get(why_not, 0) + 1
        return replace(self, matched=self.matched + 1, left=tuple(counts.items()))


@dataclass(frozen=True, slots=True)
class ReplayHandovers:
    """Yields how far it has come. Raises Unavailable: what was said to be done is done by then."""

    records: HandoverRecords
    as_new: ReplayAsNew
    clock: Clock

    async def survey(
        self, chosen: HandoverFilter, *, as_new: bool = False
    ) -> AsyncIterator[Progress]:
        """Count, and change nothing."""
        now, progress = self.clock.now(), Progress()
        async for page in self._pages(chosen, as_new=as_new):
            late = sum(now >= record.handover.keep_key_until for record in page)
            progress = replace(
                progress, matched=progress.matched + len(page), forgotten=progress.forgotten + late
            )
            yield progress

    async def __call__(
        self,
        application: Application,
        chosen: HandoverFilter,
        *,
        as_new: bool = False,
        rate: float = 0,
    ) -> AsyncIterator[Progress]:
        """At most *rate* a second (0: as fast as it goes)."""
        progress = Progress()
        pause = timedelta(seconds=1 / rate) if rate else timedelta()
        async for page in self._pages(chosen, as_new=as_new):
            for record in page:
                why_not = await self._one(application, record, as_new=as_new)
                progress = progress.after(why_not)
                yield progress
                await self.clock.sleep(pause)

    async def _one(self, application: Application, record: HandoverRecord, *, as_new: bool) -> str:
        """Why it was not done; empty if it was."""
        if as_new:
            return await self.as_new(application, record)
        is_moved = await self.records.move(record, State.WAITING, "replayed")
        return "" if is_moved else "it changed just now"

    async def _pages(
        self, chosen: HandoverFilter, *, as_new: bool
    ) -> AsyncIterator[Sequence[HandoverRecord]]:
        """What is a replay itself is not replayed as a new one: the message has its own record."""
        found = await self.records.find(chosen, limit=PAGE)
        while found:
            yield [each for each in found if not (as_new and _IS_REPLAY.search(each.handover.key))]
            found = await self.records.find(chosen, limit=PAGE, after=found[-1].handover.key)
