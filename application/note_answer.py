"""Note that a mailbox has answered a job: whatever waited for that goes on."""

from dataclasses import dataclass

from postroom.application.evidence import Evidence
from postroom.application.ports import Claim, LanePauses
from postroom.application.providers import Providers
from postroom.application.track_access import AccessTracker
from postroom.application.track_sources import SourceTracker
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class NoteAnswer:
    providers: Providers
    sources: SourceTracker
    access: AccessTracker
    queue: LanePauses
    evidence: Evidence

    async def __call__(self, claim: Claim, mailbox: Mailbox) -> None:
        self.evidence.saw(mailbox)
        provider = self.providers.serving(mailbox.provider)
        await self.sources.answered(provider.sources_of(mailbox.account))
        await self.access.worked(mailbox)
        if claim.probation is not None:
            await self.queue.resume(mailbox.tenant, mailbox.id)
