"""Processes of its own for a message that is suspected of killing them, played by one."""

from dataclasses import dataclass, field

from postroom.application.consume_job import Consume
from postroom.application.ports import Claim
from postroom.application.run_suspect import Isolation, ProcessDied, SuspectEvents


@dataclass
class PlayedIsolation(Isolation):
    """Each process dies if *is_deadly*; *ran* is what each was started for."""

    consume: Consume
    is_deadly: bool = False
    ran: list[str] = field(default_factory=list)

    async def __call__(self, claim: Claim) -> None:
        self.ran.append(claim.job.id)
        if self.is_deadly:
            raise ProcessDied("SIGKILL")
        await self.consume(claim)


class Unheard(SuspectEvents):
    def began(self, claim: Claim) -> None: ...

    def cleared(self, claim: Claim) -> None: ...

    def killed(self, claim: Claim, how: str, *, dead: bool) -> None: ...
