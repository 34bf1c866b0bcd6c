"""Compare what another system has handled with what has come to us in shadow meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import Outcomes, ShadowRows
from postroom.application.shadow import InShadow, Served, by_mailbox
from postroom.domain.handover.comparison import Comparison, Ours, Result, Theirs, compare
from postroom.domain.handover.handover import State
from postroom.domain.mailbox import Mailbox

AROUND = timedelta(hours=1)
"""By how much more than the time that is compared is looked up: one may have been later there."""

_RESULTS = {State.SKIPPED: Result.SKIPPED, State.REFUSED: Result.FAILED, State.DEAD: Result.FAILED}


@dataclass(frozen=True, slots=True)
class CompareShadow:
    rows: ShadowRows
    outcomes: Outcomes

    async def __call__(
        self, theirs: Sequence[Theirs], served: Served, *, since: datetime, until: datetime
    ) -> Comparison:
        """What one of the two has, or says otherwise, of the time from *since* to *until*.

        Mail of a mailbox that is not *served* is only there.
        """
        listed, found = by_mailbox(theirs), Comparison()
        for address in sorted(served.mailboxes.keys() | listed.keys()):
            mailbox = served.mailboxes.get(address)
            ours = await self._ours(mailbox, since - AROUND) if mailbox else []
            its = listed.get(address, [])
            found.add(compare(its, ours, since=since, until=until))
        return found

    async def _ours(self, mailbox: Mailbox, since: datetime) -> Sequence[Ours]:
        seen = InShadow(self.rows, self.outcomes)
        messages = {  # by key: that of a copy for another application is the same
            row.key: _our(mailbox, row.identity, row.accepted_at, _RESULTS.get(row.state))
            for row in await seen.handovers(mailbox, since)
        }
        skipped = [
            _our(mailbox, each.identity, each.at)
            async for page in seen.skipped(mailbox, since)
            for each in page
        ]
        return [*messages.values(), *skipped]


def _our(
    mailbox: Mailbox, identity: str, accepted_at: datetime, result: Result | None = None
) -> Ours:
    return Ours(
        tenant=mailbox.tenant,
        mailbox=mailbox.id,
        identity=identity,
        accepted_at=accepted_at,
        result=result or Result.HANDLED,
    )
