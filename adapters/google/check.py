"""Tries a Gmail mailbox as the worker will use it: signs in, reads the profile, opens a message."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.remedies import remedy
from postroom.adapters.google.responses import MessageList, Profile, RawMessage
from postroom.adapters.http.exchange import TooLarge
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.failure import Failure
from postroom.domain.mailbox import Mailbox

SAMPLE = 64 * 1024
"""Bytes of a message that are read: that there are some is what matters."""


@dataclass(frozen=True, slots=True)
class GmailMailboxCheck(MailboxCheck):
    gmail: GmailClient

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        steps = (
            ("signing in", self.gmail.sign_in),
            ("reading the profile", self._read_profile),
            ("opening a message", self._open_newest),
        )
        for name, attempt in steps:
            step = await _ended(name, attempt(mailbox))
            yield step
            if step.failed:
                return

    async def _read_profile(self, mailbox: Mailbox) -> None:
        await self.gmail.get(mailbox, "profile", Profile)

    async def _open_newest(self, mailbox: Mailbox) -> None:
        """With the scope gmail.metadata one can list messages, and not open them."""
        newest = await self.gmail.get(mailbox, "messages", MessageList, params={"maxResults": "1"})
        for message in newest.messages:
            path = f"messages/{quote(message.id, safe='')}"
            with suppress(NotFound, TooLarge):  # it was deleted, or is a large one
                await self.gmail.get(
                    mailbox, path, RawMessage, params={"format": "raw"}, max_bytes=SAMPLE
                )


async def _ended(step: str, attempt: Awaitable[None]) -> CheckStep:
    try:
        await attempt
    except Failure as failure:
        return CheckStep(step, failure.reason, remedy(failure))
    return CheckStep(step)
