"""What the crashes have in common: the servers, the mailbox, its one message, and its job."""

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage

from postroom.adapters.clock import SystemClock
from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import FetchedMessage, MessageFetcher
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.settings import Settings

LEASE = timedelta(seconds=1)
POINTER = MicrosoftPointer("subscription", "message")
CLIENT_STATE = "state-that-nobody-guesses"

MAILBOX = Mailbox(
    tenant="acme",
    id="support",
    address="support@acme.example",
    account=MicrosoftAccount(
        directory="directory",
        client_id="client",
        credentials=ClientSecret(Secret("client secret")),
        user="support@acme.example",
    ),
    added_at=SystemClock().now(),
)

FILES = {"order.csv", "drawing.txt"}


def the_message() -> InMemoryMessages:
    """The provider, who has one message with two files."""
    letter = EmailMessage()
    letter["Message-ID"] = "<order@acme.example>"
    letter["From"], letter["To"] = "ada@example.com", MAILBOX.address
    letter["Subject"] = "Our order"
    letter.set_content("As agreed.")
    for filename in sorted(FILES):
        letter.add_attachment(f"The content of {filename}", filename=filename)
    messages = InMemoryMessages()
    source = f"microsoft:{POINTER.message_id}"
    messages.put(FetchedMessage(source, letter.as_bytes(), MAILBOX.added_at))
    return messages


def fetching(wired: Wired, fetcher: MessageFetcher) -> Wired:
    """*wired*, with all messages coming from *fetcher*."""
    providers = Providers(replace(each, fetcher=fetcher) for each in wired.providers.values())
    consume = replace(wired.consume, providers=providers)
    return replace(wired, consume=consume, providers=providers)


def fetcher_of(wired: Wired) -> MessageFetcher:
    return wired.providers[POINTER.provider].fetcher


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that nobody else uses; *environment* is for processes that are to use them."""

    valkey: EmbeddedValkey
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **environment_of(self.settings)}
