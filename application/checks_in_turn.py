"""Several checks of a mailbox as one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class ChecksInTurn(MailboxCheck):
    """The later ones try the mailbox with what the earlier ones have looked up."""

    checks: Sequence[MailboxCheck]

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        for each in self.checks:
            async for step in each.check(mailbox):
                yield step
                if step.failed:
                    return
                if step.account:
                    mailbox = replace(mailbox, account=step.account)
