"""What the crashes have in common: the servers, the mailbox, its one message, and its job."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import FetchedMessage
from postroom.domain.account import Secret
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.supervisor import environment_of

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
    added_at=datetime(2026, 1, 1, tzinfo=UTC),
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


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that nobody else uses; *environment* is for processes that are to use them."""

    valkey: EmbeddedValkey
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **environment_of(self.settings)}
