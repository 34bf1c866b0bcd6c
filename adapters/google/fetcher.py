"""Fetches a message from Gmail as it was received."""

from dataclasses import dataclass

from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.client import GmailClient
from postroom.adapters.google.errors import NotFound
from postroom.adapters.google.pointer import GooglePointer
from postroom.adapters.http.exchange import TooLarge
from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.domain.failure import SourceGone, Unavailable, Unprocessable
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class GmailFetcher(MessageFetcher):
    """`messages.get` with `format=raw`: the RFC 5322 bytes, under an id that survives every move.

    A message that is in TRASH or SPAM by now is fetched all the same: it came in as mail, and
    whoever, or whatever rule, moved it since has not told us that nobody wants it. Only one that
    Gmail no longer has is gone.
    """

    gmail: GmailClient
    max_message_bytes: int

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        message_id = _message_id(mailbox, pointer)
        try:
            message = await self.gmail.get_raw(
                mailbox, message_id, max_bytes=self.max_message_bytes
            )
        except NotFound as error:
            raise SourceGone("gmail no longer has the message") from error
        except TooLarge as error:
            reason = f"the message is larger than {self.max_message_bytes} bytes"
            raise Unprocessable(reason) from error
        if message.id != message_id or not message.raw:
            raise Unavailable("gmail answered 200 with another message, or with none")
        received_at = self.gmail.skew.ours(message.received_at)
        return FetchedMessage(pointer.source, message.raw, received_at, message.hints)


def _message_id(mailbox: Mailbox, pointer: Pointer) -> str:
    match mailbox.account, pointer:
        case GoogleAccount(), GooglePointer(message_ids=(message_id,), address=address):
            # An id means nothing in another mailbox: there it would look like a deleted message.
            if address.casefold() != mailbox.address.casefold():
                raise Unprocessable("the pointer is of another address than the mailbox")
            return message_id
        case _:
            raise Unprocessable("the pointer does not point at one message of a Gmail mailbox")
