"""Fetches one message from a Microsoft 365 mailbox, as MIME, in one call if it is there."""

from dataclasses import dataclass

from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftAccount
from postroom.adapters.microsoft.client import GraphClient
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.adapters.microsoft.received_header import received_at
from postroom.application.ports import Clock, FetchedMessage, MessageFetcher
from postroom.domain.failure import AccessFailed, SourceGone, Unprocessable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer

MAX_MESSAGE_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GraphFetcher(MessageFetcher):
    """Reads `/users/{user}/messages/{id}/$value` by the immutable id of the pointer.

    Source: learn.microsoft.com/graph/outlook-get-mime-message.
    """

    graph: GraphClient
    clock: Clock
    max_message_bytes: int = MAX_MESSAGE_BYTES

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        match mailbox.account, pointer:
            case MicrosoftAccount() as account, MicrosoftPointer(
                message_id=message_id, source=source
            ):
                raw = await self._download(mailbox, account, message_id)
                now = self.clock.now()
                received = min(received_at(raw) or now, now)
                return FetchedMessage(source, raw, received)
            case _:
                raise Unprocessable(f"{pointer.provider} pointer for a {mailbox.provider} mailbox")

    async def _download(
        self, mailbox: Mailbox, account: MicrosoftAccount, message_id: str
    ) -> bytes:
        path = ("users", account.user, "messages", message_id, "$value")
        try:
            return await self.graph.download(mailbox, *path, max_bytes=self.max_message_bytes)
        except SourceGone as gone:
            if isinstance(account.credentials, DelegatedAccess):
                await self._prove_access(mailbox, account, gone)
            raise

    async def _prove_access(
        self, mailbox: Mailbox, account: MicrosoftAccount, gone: SourceGone
    ) -> None:
        """Whoever has lost access to a shared mailbox is told that nothing in it can be found."""
        path = ("users", account.user, "mailFolders", "inbox")
        try:
            await self.graph.read(mailbox, *path, query={"$select": "id"})
        except SourceGone:
            raise AccessFailed(f"{gone.reason}, and the same for the inbox") from gone
