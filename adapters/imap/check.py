"""Tries an IMAP mailbox: signs in, and opens each folder and the newest message in it."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass

from postroom.adapters.imap.account import imap_account
from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.connection import Connection
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.failure import AccessFailed, Failure, FolderMissing
from postroom.domain.mailbox import Mailbox

MAX_NAMED = 50
"""Folders that are named where one is missing."""


@dataclass(frozen=True, slots=True)
class ImapMailboxCheck(MailboxCheck):
    client: ImapClient

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        name = "signing in"
        try:
            account = imap_account(mailbox)
            connection = await self.client.connect(account)
        except Failure as failure:
            yield _failed(name, failure, away="check the host and the port, or try again later")
            return
        try:
            yield CheckStep(name)
            for folder in account.folders:
                step = await _ended(f"opening the folder {folder}", _open(connection, folder))
                yield step
                if step.failed:
                    return
        finally:
            await connection.aclose()


async def _open(connection: Connection, folder: str) -> None:
    await connection.examine(folder)
    if newest := await connection.search("UID", "*"):
        await connection.fetch(newest, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]")


async def _ended(step: str, attempt: Awaitable[None]) -> CheckStep:
    try:
        await attempt
    except Failure as failure:
        return _failed(step, failure)
    return CheckStep(step)


def _failed(step: str, failure: Failure, *, away: str = "try again later") -> CheckStep:
    """What a person can do stands in the reason (see errors.py), but for the names of folders.

    *away* is that where the server cannot be reached, or will not talk to us now.
    """
    match failure:
        case FolderMissing(paths=paths):
            remedy = _there_is(paths)
        case AccessFailed():
            remedy = ""
        case _:
            remedy = away
    return CheckStep(step, failure.reason, remedy)


def _there_is(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"choose one of: {', '.join(paths[:MAX_NAMED])}{more}"
