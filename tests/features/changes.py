"""Lists of what came in, as a scenario sees them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.application.ports import Arrival, BackfillPage, ChangesPage
from postroom.domain.mailbox import Mailbox
from tests.features.flapping import Gate


@dataclass
class CountedChanges(InMemoryChanges):
    """Counts the *syncs* that were tried. Unless they are *dated*, lists hold no dates.

    Every page that is read goes through the *gate*.
    """

    dated: bool = True
    syncs: int = 0
    gate: Gate = field(default_factory=Gate)

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        self.syncs += 1
        async for page in super().since(mailbox, folder, position):
            yield replace(page, arrivals=self._as_listed(page.arrivals))

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        async for page in super().received_after(mailbox, folder, moment):
            yield replace(page, arrivals=self._as_listed(page.arrivals))

    def _read(self, mailbox: Mailbox) -> None:
        self.gate()
        super()._read(mailbox)

    def _as_listed(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        return arrivals if self.dated else [replace(each, received_at=None) for each in arrivals]
