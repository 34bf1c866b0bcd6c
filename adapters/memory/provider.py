"""A provider whose parts are all in memory, for a test to deliver to, to break and to look into."""

from dataclasses import dataclass, field
from typing import NoReturn

from postroom.adapters.memory.changes import InMemoryChanges
from postroom.adapters.memory.check import InMemoryMailboxCheck
from postroom.adapters.memory.fetcher import InMemoryMessages
from postroom.adapters.memory.listener import InMemoryListener
from postroom.adapters.memory.subscriptions import InMemorySubscriptions
from postroom.application.ports import (
    AccountFactory,
    NotificationReader,
    Provider,
)
from postroom.domain.account import Account, InvalidAccount
from postroom.domain.pointer import Pointer


class NoAccounts(AccountFactory):
    """Makes none: a test brings the accounts."""

    def create(self, *_: object) -> NoReturn:
        raise InvalidAccount("there are no options to make an account of")

    def reconnect(self, *_: object) -> NoReturn:
        raise InvalidAccount("there are no credentials to replace")


@dataclass(kw_only=True)
class InMemoryProvider:
    """The parts of a provider with real accounts and pointers: *account* and *pointer*."""

    name: str
    account: type[Account]
    pointer: type[Pointer]
    changes: InMemoryChanges = field(default_factory=InMemoryChanges)
    messages: InMemoryMessages = field(default_factory=InMemoryMessages)
    subscriptions: InMemorySubscriptions | None = None
    notifications: NotificationReader | None = None
    listener: InMemoryListener | None = None

    def __call__(self) -> Provider:
        return Provider(
            name=self.name,
            title=self.name,
            account=self.account,
            pointer=self.pointer,
            options=(),
            accounts=NoAccounts(),
            fetcher=self.messages,
            changes=self.changes,
            check=InMemoryMailboxCheck(),
            subscriptions=self.subscriptions,
            notifications=self.notifications,
            listener=self.listener,
        )
