"""The mailboxes that are served, how each is received, and how far it is listed."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.access import AccessTally
from postroom.domain.folder_sync import FolderSync, Request
from postroom.domain.mailbox import Mailbox, MicrosoftCredentials, Pause, PausedBy


class MailboxRegistry(Protocol):
    """The mailboxes that Postroom serves, with their credentials encrypted at rest."""

    @abstractmethod
    async def add(self, mailbox: Mailbox) -> None:
        """Keep *mailbox*, with a folder_sync, due at once, for each of its folders, and no cursor.

        Raises InvalidMailbox if the tenant has one of that id, or address, already, or any tenant
        has one of the same Pub/Sub subscription and address.
        """

    @abstractmethod
    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        """Forget the mailbox, its cursors and folder_syncs; False if there is none.

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

        If *paused_by* is given, only if that has paused it. A look at each of its folders is due at
        once. Returns False if the mailbox was not paused (like that), or there is none.
        """

    @abstractmethod
    async def save_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        """Keep the tally of the mailbox's failures."""

    @abstractmethod
    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        """Raises AccessFailed if its credentials cannot be decrypted."""

    @abstractmethod
    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        """Every mailbox (of one tenant if asked), by tenant and id.

        Raises AccessFailed if the credentials of any cannot be decrypted.
        """

    @abstractmethod
    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        """The Gmail mailbox behind a Pub/Sub push *subscription*; *address* in any case.

        Raises AccessFailed as `get` does.
        """

    @abstractmethod
    async def replace_credentials(
        self, mailbox: Mailbox, credentials: MicrosoftCredentials
    ) -> bool:
        """Keep *credentials* in place of those of the Microsoft *mailbox*, and nothing else of it.

        Returns False, and keeps nothing, if the registry has other ones for it by now: of several
        workers that renew a token at once, one does. Raises AccessFailed as `get` does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribedFolder:
    """Whose mail is told of under a subscription, and how a notification proves itself.

    *id* is the mailbox's. A notification shows a secret of this SHA-256 digest (hex). *application*
    is the client id that rich notifications are made out to.
    """

    tenant: str
    id: str
    provider: str
    folder: str
    secret_digest: str
    application: str
    is_paused: bool


class FolderSyncs(Protocol):
    """How the mail of each folder is received, and when that is to be looked after next."""

    @abstractmethod
    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[FolderSync]:
        """Up to *limit* folder_syncs that are due, longest due first, for nobody else meanwhile.

        That ends with `save`, or when *lease* has passed from *now* on.
        """

    @abstractmethod
    async def save(self, folder_sync: FolderSync) -> bool:
        """Keep what a round has made of a folder_sync that was taken, due when it says.

        Requests that it holds no more are done with. If others have come since it was taken, they
        stay, and it is due at once. Returns False, and keeps nothing, if somebody else has taken it
        since, or the mailbox is gone.
        """

    @abstractmethod
    async def request(self, subscription_id: str, request: Request, now: datetime) -> bool:
        """Note what the provider asks for, for the next round, which is due at once.

        False if there is no such subscription. It does not wait for a round that is going on.
        """

    @abstractmethod
    async def request_all(
        self, tenant: str, mailbox_id: str, request: Request, now: datetime
    ) -> int:
        """Note it for every folder of a mailbox; returns their number. See `request`."""

    @abstractmethod
    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[FolderSync]:
        """Every folder_sync (of one tenant, of its mailbox), by tenant, mailbox and folder."""

    @abstractmethod
    async def subscribed_folders(
        self, subscription_ids: Sequence[str]
    ) -> Mapping[str, SubscribedFolder]:
        """Whom each of those subscriptions tells of; the unknown ones are left out.

        It needs no key to the credentials.
        """


@dataclass(frozen=True, slots=True)
class Cursor:
    """A *position* that only its reader understands, and when it was last moved there."""

    position: str
    moved_at: datetime


class Cursors(Protocol):
    """How far each mailbox has been listed, under a *name* for each thing that is listed."""

    @abstractmethod
    async def read(self, mailbox: Mailbox, name: str) -> Cursor | None:
        """Where the cursor stands, or None if it was never set."""

    @abstractmethod
    async def advance(self, mailbox: Mailbox, name: str, *, before: str | None, after: str) -> bool:
        """Move from *before* (None: it was never set) to *after*.

        Returns False, and moves nothing, if it stands elsewhere by now.
        """
