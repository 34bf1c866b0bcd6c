"""Tries a Microsoft mailbox as the worker will use it: signs in, reads, finds the folders."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from postroom.adapters.microsoft.account import MicrosoftAccount, microsoft_account
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.folders import GraphFolders
from postroom.adapters.microsoft.remedies import remedy
from postroom.application.ports import CheckStep, MailboxCheck
from postroom.domain.failure import Failure, FolderMissing, SourceGone, Unprocessable
from postroom.domain.mailbox import Mailbox

MAX_NAMED = 50
"""Folders that are named where one is missing."""

MAX_SAMPLE_BYTES = 64 * 1024
"""Of a message that is read: that there are some is what matters."""

_NEWEST = {"$select": "id", "$top": "1"}


@dataclass(frozen=True, slots=True)
class GraphMailboxCheck(MailboxCheck):
    graph: GraphClient

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        account = mailbox.account
        if not isinstance(account, MicrosoftAccount):
            yield CheckStep("signing in", f"the mailbox is at {mailbox.provider}, not at Microsoft")
            return
        for name, attempt in self._steps(mailbox, account):
            step = await _ended(name, attempt(), account)
            yield step
            if step.failed:
                return

    def _steps(
        self, mailbox: Mailbox, account: MicrosoftAccount
    ) -> Iterator[tuple[str, Callable[[], Awaitable[object]]]]:
        folders = GraphFolders(self.graph)
        yield "signing in", partial(self.graph.tokens.get, mailbox)
        yield "reading the mailbox", partial(self._read, mailbox)
        for name in account.folders:
            yield f"finding the folder {name}", partial(folders.find, mailbox, name)

    async def _read(self, mailbox: Mailbox) -> None:
        """List the newest message, and open it: with Mail.ReadBasic only the first works."""
        user = ("users", microsoft_account(mailbox).user)
        newest = await self.graph.read(
            mailbox, *user, "mailFolders", "inbox", "messages", query=_NEWEST
        )
        for message in newest.get("value", []):
            with suppress(SourceGone, Unprocessable):  # it was deleted, or is a large one
                await self.graph.download(
                    mailbox,
                    *user,
                    "messages",
                    str(message.get("id")),
                    "$value",
                    max_bytes=MAX_SAMPLE_BYTES,
                )


async def _ended(step: str, attempt: Awaitable[object], account: MicrosoftAccount) -> CheckStep:
    try:
        await attempt
    except FolderMissing as missing:
        return CheckStep(step, missing.reason, _there_is(missing.paths))
    except Failure as failure:
        return CheckStep(step, failure.reason, remedy(failure, account.credentials))
    return CheckStep(step)


def _there_is(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"choose one of: {', '.join(paths[:MAX_NAMED])}{more}"
