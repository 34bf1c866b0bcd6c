"""The mailboxes that are served."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroom.domain.access import AccessTally
from postroom.domain.account import Account
from postroom.domain.mailbox import Mailbox, Pause, PausedBy


class MailboxRegistry(Protocol):
    """The mailboxes that Postroom serves, with their credentials encrypted at rest."""

    @abstractmethod
    async def add(self, mailbox: Mailbox) -> None:
        """Store *mailbox*, with a folder sync, due at once, for each of its folders.

        Raises InvalidMailbox if the tenant has one of that id, or address, already, or any tenant
        has one of the same provider and route.
        """

    @abstractmethod
    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        """Forget the mailbox and its folder syncs; False if there is none.

        What its mail has become stays, and so do the queued jobs, and what was handled.
        """

    @abstractmethod
    async def pause(self, tenant: str, mailbox_id: str, pause: Pause) -> bool:
        """Pause the mailbox; one that is paused stays as it is, unless a person pauses it now.

        Returns False if it stays as it is, or there is none.
        """

    @abstractmethod
    async def resume(
        self, tenant: str, mailbox_id: str, *, paused_by: PausedBy | None = None
    ) -> bool:
        """Let the mailbox go on, with its failures of access forgotten.

        If *paused_by* is given, only if that has paused it. A sync of each of its folders is due at
        once. Returns False if the mailbox was not paused (like that), or there is none.
        """

    @abstractmethod
    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        """Store the tally of the mailbox's failures."""

    @abstractmethod
    async def set_application(self, tenant: str, mailbox_id: str, name: str) -> bool:
        """Store which application gets its mail; an empty *name* is for its tenant's.

        Returns False if there is no such mailbox.
        """

    @abstractmethod
    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        """Raises AccessFailed if its account cannot be read: see `UnreadableAccount`."""

    @abstractmethod
    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        """Every mailbox (of one tenant, if given), by tenant and id.

        One whose account cannot be read has an `UnreadableAccount`, and costs the others nothing.
        """

    @abstractmethod
    async def replace_account(self, mailbox: Mailbox, account: Account) -> bool:
        """Store *account* in place of that of *mailbox*, and nothing else of it.

        Returns False, and stores nothing, if the registry has another one for it by now: of several
        workers that renew a token at once, one does. Raises AccessFailed as `get` does, and
        InvalidMailbox if another mailbox has the provider and route of *account*.
        """
