"""A fetcher that asks the mailbox's own provider."""

from dataclasses import dataclass

from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import Pointer


@dataclass(frozen=True, slots=True)
class FetchByProvider(MessageFetcher):
    microsoft: MessageFetcher
    google: MessageFetcher
    imap: MessageFetcher

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        match pointer.provider:
            case "microsoft":
                return await self.microsoft.fetch(mailbox, pointer)
            case "google":
                return await self.google.fetch(mailbox, pointer)
            case "imap":
                return await self.imap.fetch(mailbox, pointer)
