"""What a scenario can see of its tenant: in the queue, at the helpdesk, among the outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroom.application.ports import OutcomeRecord
from postroom.domain.dead_letter import DeadLetter, DeadLetterFilter
from postroom.domain.helpdesk.ticket import Ticket
from tests.features.rigs import Rig


@dataclass(frozen=True)
class Seen:
    rig: Rig
    tenant: str

    async def waiting(self) -> int:
        """How many jobs there are, in all states but dead."""
        lanes = await self.rig.queue.statistics()
        return sum(lane.ready + lane.delayed + lane.in_flight for lane in lanes)

    async def dead(self) -> Sequence[DeadLetter]:
        return (await self.rig.queue.dead_letters(self.dead_ones())).letters

    def dead_ones(self, reason: str = "") -> DeadLetterFilter:
        return DeadLetterFilter(tenant=self.tenant, reason=reason)

    async def tickets(self) -> Sequence[Ticket]:
        summaries = await self.rig.helpdesk.summaries(self.tenant)
        found = [await self.rig.helpdesk.ticket(self.tenant, each.number) for each in summaries]
        return [ticket for ticket in found if ticket]

    async def latest_outcome(self) -> OutcomeRecord:
        return (await self.rig.outcomes.find(self.tenant, limit=1))[0]
