from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.mailbox import Mailbox


@dataclass
class InMemoryMailboxCheck(MailboxCheck):
    """*failed* are the steps that fail, by name; the others pass."""

    failed: dict[str, CheckStep] = field(default_factory=dict)

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        folders = (f"finding the folder {name}" for name in mailbox.account.folders)
        for name in ("signing in", "reading the mailbox", *folders):
            step = self.failed.get(name, CheckStep(name))
            yield step
            if step.failed:
                return
