"""A list by date whose windows come newest first moves by the windows, and never within one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.application.ports import Arrival, BackfillPage
from postroom.domain.failure import Unavailable
from postroom.domain.mailbox import Mailbox
from tests.unit.sync_rig import SALES, Rig

HOUR = timedelta(hours=1)
PAGE = 4


@dataclass
class NewestFirst(InMemoryChanges):
    """Windows of an hour, the oldest first; within each the newest message is first.

    The pages that are still *given* are counted down; then it fails.
    """

    given: int = 1000

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        arrivals = self.arrivals(mailbox, folder=folder)
        last = max((_date(each) for each in arrivals), default=moment)
        start = moment
        while start <= last:
            end = start + HOUR
            window = [each for each in reversed(arrivals) if start <= _date(each) < end]
            for page, is_last in _pages(window):
                self._count()
                yield BackfillPage(page, end if is_last else None)
            start = end

    def _count(self) -> None:
        self.given -= 1
        if self.given < 0:
            raise Unavailable("cut off")


def _date(arrival: Arrival) -> datetime:
    assert arrival.received_at
    return arrival.received_at


def _pages(window: Sequence[Arrival]) -> list[tuple[Sequence[Arrival], bool]]:
    starts = range(0, max(1, len(window)), PAGE)
    return [(window[start : start + PAGE], start == starts[-1]) for start in starts]


@pytest.mark.parametrize("given", range(9))
async def test_a_list_that_is_cut_off_anywhere_goes_on_from_the_edge_of_a_window(
    given: int,
) -> None:
    rig = Rig()
    await rig.registry.add(SALES)
    changes = NewestFirst()
    rig.use_changes(changes)
    begin = rig.clock.now()
    for _ in range(30):
        rig.clock.advance(HOUR / 10)
        rig.arrive()

    changes.given = given
    with pytest.raises(Unavailable):
        await rig.sync(SALES, await rig.claimed())
    stood_at = (await rig.folder_sync()).backfill_from
    changes.given = 1000
    found = await rig.sync(SALES, await rig.claimed())

    assert found.complete
    assert stood_at
    assert (stood_at - begin) % HOUR == timedelta(), "at the edge of a window"
    handled: list[str] = []
    while some := await rig.handle_all():
        handled += some
    assert sorted(handled) == sorted(f"m{number}" for number in range(1, 31))
