"""Tries a Microsoft mailbox as the worker will use it: signs in, reads, finds the folder."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.microsoft.client import GraphClient
from adapters.microsoft.folders import Folder, FolderMissing, GraphFolders
from adapters.microsoft.remedies import remedy
from adapters.microsoft.tokens import microsoft
from application.ports import Inspected, MailboxInspector
from domain.failure import Failure
from domain.mailbox import Mailbox, MicrosoftAccount

TOLD = 50
"""Folders that are listed where one is missing."""


@dataclass(frozen=True, slots=True)
class GraphInspector(MailboxInspector):
    graph: GraphClient

    async def inspect(self, mailbox: Mailbox) -> AsyncIterator[Inspected]:
        account = microsoft(mailbox)
        steps: dict[str, Callable[[Mailbox], Awaitable[object]]] = {
            "signing in": self.graph.tokens.get,
            "reading the mailbox": self._read,
            f"finding the folder {account.folder}": self._find_folder,
        }
        for step, attempt in steps.items():
            inspected = await _ended(step, attempt(mailbox), account)
            yield inspected
            if inspected.failed:
                return

    async def _find_folder(self, mailbox: Mailbox) -> Folder:
        return await GraphFolders(self.graph).find(mailbox, microsoft(mailbox).folder)

    async def _read(self, mailbox: Mailbox) -> object:
        account = microsoft(mailbox)
        return await self.graph.read(
            mailbox,
            *("users", account.user, "mailFolders", "inbox", "messages"),
            query={"$select": "id", "$top": "1"},
        )


async def _ended(step: str, attempt: Awaitable[object], account: MicrosoftAccount) -> Inspected:
    try:
        await attempt
    except FolderMissing as missing:
        return Inspected(step, missing.reason, _there_is(missing.paths))
    except Failure as failure:
        return Inspected(step, failure.reason, remedy(failure, account.credentials))
    return Inspected(step)


def _there_is(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - TOLD} more" if len(paths) > TOLD else ""
    return f"choose one of: {', '.join(paths[:TOLD])}{more}"
