"""The handovers, as a late answer finds them: it may end one, and undoes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence

from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.application.ports import Answered, Clock, Settled
from postroom.domain.handover.answer import Done, Duplicate, Refused, Skipped
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State

FENCED = "a late answer undoes nothing"

FINAL = (Done, Duplicate, Skipped, Refused)


class WatchedHandovers(InMemoryHandovers):
    def __init__(
        self, database: InMemoryDatabase, clock: Clock, violate: Callable[[str, str], None]
    ) -> None:
        super().__init__(database, clock)
        self._tables = database
        self._violate = violate

    async def settle(
        self, application: Application, answers: Sequence[Answered], *, draw: float
    ) -> Settled:
        count = Counter((each.call.tenant, each.call.key) for each in answers)
        late = [
            stored
            for each in answers
            if not isinstance(each.answer, FINAL) and count[each.call.tenant, each.call.key] == 1
            if (stored := self._stored(each.call)) and _is_anothers(stored, each.call)
        ]
        settled = await super().settle(application, answers, draw=draw)
        for before in late:
            if self._stored(before) != before:
                self._violate(FENCED, f"one of {before.mailbox} was {before.state}")
        return settled

    def _stored(self, handover: Handover) -> Handover | None:
        row = self._tables.read(handover.tenant).handovers.get((handover.application, handover.key))
        return row.handover if row else None


def _is_anothers(stored: Handover, call: Handover) -> bool:
    return stored.state is not State.CALLING or stored.fence != call.fence
