"""Fetches one message from a Microsoft 365 mailbox, as MIME, in one call."""

from dataclasses import dataclass

from adapters.microsoft.arrival import received_at
from adapters.microsoft.client import GraphClient
from application.ports import Clock, FetchedMessage, MessageFetcher
from domain.failure import Unprocessable
from domain.mailbox import Mailbox, MicrosoftAccount
from domain.pointer import MicrosoftPointer, Pointer

MAX_MESSAGE_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GraphFetcher(MessageFetcher):
    """Reads `/users/{user}/messages/{id}/$value` by the immutable id of the pointer.

    Source: learn.microsoft.com/graph/outlook-get-mime-message.
    """

    graph: GraphClient
    clock: Clock
    max_bytes: int = MAX_MESSAGE_BYTES

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        match mailbox.account, pointer:
            case MicrosoftAccount() as account, MicrosoftPointer(message_id=message_id):
                raw = await self.graph.download(
                    mailbox,
                    "users",
                    account.user,
                    "messages",
                    message_id,
                    "$value",
                    max_bytes=self.max_bytes,
                )
                now = self.clock.now()
                received = min(received_at(raw) or now, now)
                return FetchedMessage(f"microsoft:{message_id}", raw, received)
            case _:
                raise Unprocessable(f"{pointer.provider} pointer for a {mailbox.provider} mailbox")
