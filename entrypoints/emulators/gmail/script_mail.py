"""The face for scripts: what happens in the mailboxes."""

from collections.abc import Collection
from datetime import datetime

from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox
from postroom.entrypoints.emulators.gmail.script import Script


class MailScript(Script):
    def mailbox(self, address: str) -> GmailMailbox:
        """It exists from the first time that its address is mentioned."""
        found = self._backend.mailboxes.get(address)
        return found or self._backend.mailboxes.add(address)

    def recreate_mailbox(self, address: str) -> None:
        """Delete the user and make another one of the same address, whom nobody watches.

        Its history begins again, with ids that are lower.
        """
        self._backend.mailboxes.recreate(address)

    def add_alias(self, alias: str, address: str) -> None:
        """Another address of the mailbox; what Gmail says names the primary one."""
        self._backend.mailboxes.alias(alias, address)

    def rename(self, address: str, new: str) -> None:
        """Make *new* the mailbox's primary address; the old one becomes an alias."""
        self._backend.mailboxes.rename(address, new)

    def add_label(self, address: str, name: str) -> str:
        """A label of the user's own; gives its id."""
        return self.mailbox(address).add_label(name)

    def deliver(
        self,
        address: str,
        raw: bytes,
        *,
        labels: Collection[str] = ("INBOX", "UNREAD"),
        at: datetime | None = None,
    ) -> str:
        """Put a message into the mailbox; gives its id. It is announced if somebody watches."""
        return self.mailbox(address).deliver(raw, labels, at or self.clock.now()).id

    def relabel(
        self,
        address: str,
        message_id: str,
        *,
        add: Collection[str] = (),
        remove: Collection[str] = (),
    ) -> None:
        self.mailbox(address).relabel(message_id, add=add, remove=remove)

    def delete(self, address: str, message_id: str) -> None:
        """Delete the message for good."""
        self.mailbox(address).delete(message_id)

    def history_id(self, address: str) -> int:
        return self.mailbox(address).history_id
