"""Tries a Gmail mailbox as the worker will use it: signs in, reads, and finds its labels."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import quote

from postroom.adapters.google.account import google_account
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.label_lookup import LabelLookup
from postroom.adapters.google.remedies import remedy
from postroom.adapters.google.responses import MessageList, Profile, RawMessage
from postroom.adapters.http.exchange import TooLarge
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.account import Account
from postroom.domain.failure import Failure, FolderMissing
from postroom.domain.mailbox import Mailbox

MAX_NAMED = 50
"""Labels that are named where one is missing."""

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
            ("finding the labels", self._find_labels),
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

    async def _find_labels(self, mailbox: Mailbox) -> Account:
        """The account with the ids of its labels, which outlive their names."""
        found = await LabelLookup(self.gmail)(mailbox)
        if found.missing:
            raise FolderMissing(found.names, what="label")
        return replace(google_account(mailbox), labels=found.choice)


async def _ended(step: str, attempt: Awaitable[Account | None]) -> CheckStep:
    try:
        return CheckStep(step, account=await attempt)
    except FolderMissing as missing:
        return CheckStep(step, missing.reason, f"choose of: {', '.join(missing.paths[:MAX_NAMED])}")
    except Failure as failure:
        return CheckStep(step, failure.reason, remedy(failure))
