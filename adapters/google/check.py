"""Tries a Gmail mailbox as the worker will use it: signs in, reads, finds its labels, lists."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace

from postroom.adapters.google.account import GoogleAccount, google_account
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.label_lookup import LabelLookup
from postroom.adapters.google.remedies import remedy
from postroom.adapters.google.responses import HistoryList, MessageList, Profile
from postroom.adapters.http.exchange import TooLarge
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.account import Account
from postroom.domain.failure import AccessFailed, Failure, FolderMissing
from postroom.domain.mailbox import Mailbox

MAX_NAMED = 50
"""Labels that are named where one is missing."""

SIGN_IN_AS = "sign in as the user of --address, or give the address that Gmail knows them by"

SAMPLE = 64 * 1024
"""Bytes of a message that are read: that there are some is what matters."""


class OtherAccount(AccessFailed):
    """It may be the same person's: then the mailbox's address is an alias of theirs."""

    def __init__(self) -> None:
        super().__init__("somebody has signed in whose mailbox has another address")


@dataclass(frozen=True, slots=True)
class GmailMailboxCheck(MailboxCheck):
    gmail: GmailClient

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        steps = (
            ("signing in", self.gmail.sign_in),
            ("reading the profile", self._read_profile),
            ("opening a message", self._open_newest),
            ("reading the history", self._read_history),
            ("finding the labels", self._find_labels),
        )
        for name, attempt in steps:
            step = await _ended(name, attempt(mailbox), mailbox)
            yield step
            if step.failed:
                return

    async def _read_history(self, mailbox: Mailbox) -> None:
        """From where the mailbox stands now: a page that is empty, as a rule."""
        now = await self.gmail.get(mailbox, "profile", Profile)
        query = {"startHistoryId": str(now.history_id), "maxResults": "1"}
        await self.gmail.get(mailbox, "history", HistoryList, params=query)

    async def _read_profile(self, mailbox: Mailbox) -> None:
        """A person may have signed in as somebody else, whose mail we would read."""
        profile = await self.gmail.get(mailbox, "profile", Profile)
        is_theirs = profile.email_address.casefold() == mailbox.address.casefold()
        if google_account(mailbox).person and not is_theirs:
            raise OtherAccount

    async def _open_newest(self, mailbox: Mailbox) -> None:
        """With the scope gmail.metadata one can list messages, and not open them."""
        newest = await self.gmail.get(mailbox, "messages", MessageList, params={"maxResults": "1"})
        for message in newest.messages:
            with suppress(NotFound, TooLarge):  # it was deleted, or is a large one
                await self.gmail.get_raw(mailbox, message.id, max_bytes=SAMPLE)

    async def _find_labels(self, mailbox: Mailbox) -> Account:
        """The account as it opens by now, with the ids of its labels, which outlive their names."""
        found = await LabelLookup(self.gmail)(mailbox)
        if not found.is_complete:
            raise FolderMissing(found.names, what="label")
        return replace(self.gmail.tokens.renewed(mailbox), labels=found.choice)


async def _ended(step: str, attempt: Awaitable[Account | None], mailbox: Mailbox) -> CheckStep:
    try:
        return CheckStep(step, account=await attempt)
    except FolderMissing as missing:
        return CheckStep(step, missing.reason, f"choose of: {', '.join(missing.paths[:MAX_NAMED])}")
    except OtherAccount as failure:
        return CheckStep(step, failure.reason, SIGN_IN_AS)
    except Failure as failure:
        account = mailbox.account
        is_delegated = isinstance(account, GoogleAccount) and account.person is not None
        return CheckStep(step, failure.reason, remedy(failure, is_delegated=is_delegated))
