"""Mailboxes by their addresses: the primary one, and those that are aliases of it."""

from collections.abc import Iterator, Mapping

from postroom.entrypoints.emulators.gmail.mailbox import GmailMailbox
from postroom.entrypoints.emulators.gmail.watches import Watches


class Mailboxes(Mapping[str, GmailMailbox]):
    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._mailboxes: dict[str, GmailMailbox] = {}

    def __getitem__(self, address: str) -> GmailMailbox:
        return self._mailboxes[address.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._mailboxes)

    def __len__(self) -> int:
        return len(self._mailboxes)

    def add(self, address: str, generation: int = 0) -> GmailMailbox:
        made = GmailMailbox(
            address,
            lambda labels, history_id: self._watches.announce(made.address, labels, history_id),
            generation,
        )
        self._mailboxes[address.lower()] = made
        return made

    def recreate(self, address: str) -> None:
        """Another user of the same address, whom nobody watches."""
        self._watches.forget(self[address].address)
        self.add(address, self[address].generation + 1)

    def alias(self, alias: str, address: str) -> None:
        self._mailboxes[alias.lower()] = self[address]

    def rename(self, address: str, new: str) -> None:
        """Make *new* the primary address; the old one becomes an alias, and watches go on."""
        mailbox = self[address]
        self._watches.rename(mailbox.address, new)
        mailbox.address = new
        self._mailboxes[new.lower()] = mailbox
