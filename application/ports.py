"""The outside world, as the use cases need it to be.

Any method may raise `Unavailable`; a docstring names whatever else it raises. Every adapter
passes its port's suite in tests/contracts, the one in memory and the real one alike.

Inside a ledger block (`IdempotencyLedger.once`) whatever Helpdesk and Outcomes write belongs to the
block's transaction: it is kept if the block succeeds and forgotten if it fails.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.access import AccessTally
from domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from domain.helpdesk.ticket import Comment, Ticket, TicketSummary
from domain.identity import MessageIdentity
from domain.mail.message import InboundMessage
from domain.mailbox import (
    DelegatedAccess,
    Mailbox,
    MicrosoftCredentials,
    Pause,
    PausedBy,
    Secret,
)
from domain.outcome import Completed, Final
from domain.pointer import Pointer, PointerJob
from domain.reception import Reception, Request, Subscription

# --- The queue ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease ends; *token* (a fencing token) proves that it still is.

    *attempt* counts deliveries from 1, this one included. *reclaimed* says that the delivery before
    this one was never settled: its worker died, or was too slow.
    """

    job: PointerJob
    attempt: int
    token: int
    reclaimed: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """*next* is the cursor of the page after this one, which may hold none; empty at the end."""

    letters: Sequence[DeadLetter]
    next: str


class InvalidCursor(ValueError):
    """No page of dead letters has ever ended there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatistics:
    """How a lane (one mailbox of one tenant) stands. *oldest_age* is of its oldest ready job.

    *paused* is why none of its jobs is handed out (empty: they are), until *paused_until* (None:
    until it is resumed).
    """

    tenant: str
    mailbox: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_age: timedelta
    paused: str = ""
    paused_until: datetime | None = None


class PointerQueue(Protocol):
    """A durable at-least-once queue of pointers, in lanes: one for each mailbox of each tenant.

    Jobs of a lane are claimed in order of arrival; lanes take turns within a tenant, and tenants
    with each other. Settling (acknowledge, retry, defer, bury, release) returns False, and does
    nothing, if the claim is no longer ours. Time is the queue's own: leases do not depend on the
    clocks of the workers.
    """

    @abstractmethod
    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        """Queue all of *jobs*, in order, or none; return the ids that were not queued already.

        Returns only when the record is as durable as was promised. A job whose id is waiting or in
        flight is left as it is. Raises Unavailable if it cannot: nothing was promised then.
        """

    @abstractmethod
    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        """Take up to *limit* jobs that are due, counting an attempt for each.

        Jobs whose lease has run out are due again. With nothing due, waits up to *wait* for
        something to come, without polling hot, and may return nothing all the same.
        """

    @abstractmethod
    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Hold on to *claims* for another *lease* from now; return those that are lost."""

    @abstractmethod
    async def acknowledge(self, claim: Claim) -> bool:
        """Forget the job for good."""

    @abstractmethod
    async def retry(self, claim: Claim, at: datetime, reason: str) -> bool:
        """Give the job back, due again at *at*, remembering why."""

    @abstractmethod
    async def defer(self, claim: Claim, until: datetime, reason: str) -> bool:
        """Give the job back, due again at *until*; this delivery does not count as an attempt."""

    @abstractmethod
    async def bury(self, claim: Claim, reason: str) -> bool:
        """Set the job aside in the dead letters, for a person to look at."""

    @abstractmethod
    async def release(self, claim: Claim) -> bool:
        """Give the job back untouched, to the head of its lane; costs no attempt."""

    @abstractmethod
    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, until: datetime | None = None
    ) -> None:
        """Hand out no job of the lane before *until*, or before it is resumed.

        That costs no job an attempt; those in flight go on. Of two pauses the longer holds.
        """

    @abstractmethod
    async def resume(self, tenant: str, mailbox: str) -> bool:
        """Hand out the lane's jobs again; False if it was not paused."""

    @abstractmethod
    async def statistics(self) -> Sequence[LaneStatistics]:
        """How each lane that holds anything, or is paused, stands, by tenant and mailbox."""

    @abstractmethod
    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        """A page of the dead letters that match, newest first, from the cursor *after* on.

        It looks at a bounded number of letters, so it may hold fewer than *limit*, or none, and
        others match all the same: the end is where there is no next page. Whatever is buried,
        re-driven or purged meanwhile, no letter is skipped or shown twice; one that dies (again)
        after the first page was read is on none that follows. Raises InvalidCursor.
        """

    @abstractmethod
    async def dead_letter(self, job_id: str) -> DeadLetter | None:
        """The dead letter of that job, or None."""

    @abstractmethod
    async def redrive(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Queue dead letters again, their attempts forgotten; return the ids of those there were.

        They arrive anew, in the order given, and keep their reasons. A job that is queued already
        stays where it is, and its dead letter is gone. All of them go over in one step: give a few
        hundred at a time.
        """

    @abstractmethod
    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Forget dead letters for good; return the ids of those there were. See `redrive`."""


# --- The providers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """The message's own bytes as the provider has them, under the provider's own stable id."""

    source: str
    raw: bytes
    received_at: datetime


class MessageFetcher(Protocol):
    """Reads from a mailbox the one message that a pointer points at."""

    @abstractmethod
    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        """Raises SourceGone, AccessFailed, Throttled, Unprocessable (over the size limit)."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A step of an inspection: it *failed* if that says why; *remedy* is what a person can do."""

    step: str
    failed: str = ""
    remedy: str = ""


class MailboxInspector(Protocol):
    """Tries a mailbox's access live, step by step, with the credentials that are to be kept."""

    @abstractmethod
    def inspect(self, mailbox: Mailbox) -> AsyncIterator[Inspected]:
        """Each step when it has ended, the first that fails being the last. Changes nothing there.

        Never raises a Failure: what the provider says, and that it is away, is told in the step.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """The *code* that a person enters at *url* to let an application act for them (RFC 8628).

    *pause* is to lie between two looks whether they have; *secret* is what is looked up with.
    """

    directory: str
    client_id: str
    url: str
    code: str
    secret: Secret
    pause: timedelta
    expires_at: datetime


class DeviceSignIn(Protocol):
    """Lets a person sign in to Microsoft elsewhere, in a browser of their own."""

    @abstractmethod
    async def begin(self, directory: str, client_id: str) -> DeviceCode:
        """Raises AccessFailed (no such directory or application), Throttled."""

    @abstractmethod
    async def finish(self, code: DeviceCode) -> DelegatedAccess:
        """Wait until the person has signed in. Raises AccessFailed if they refuse, or are late."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Ids of messages that came in, oldest first; *history_id* is how far the mailbox is listed."""

    message_ids: tuple[str, ...]
    history_id: int


class HistoryExpired(Exception):
    """The provider no longer knows the history from there on: list by date instead."""


class MailboxHistory(Protocol):
    """Lists what came into a Gmail mailbox: sent mail, drafts, spam and trash are not listed."""

    @abstractmethod
    def since(self, mailbox: Mailbox, history_id: int) -> AsyncIterator[HistoryPage]:
        """Pages of what came in after *history_id*.

        Raises HistoryExpired, AccessFailed, Throttled.
        """

    @abstractmethod
    def received_after(self, mailbox: Mailbox, moment: datetime) -> AsyncIterator[HistoryPage]:
        """Pages of what came in after *moment*. Raises AccessFailed, Throttled.

        Their history id is that of the mailbox before the listing began, so nothing falls between.
        """


@dataclass(frozen=True, slots=True)
class FolderListing:
    """*uids*, ascending, of a folder whose next message will have *uid_next* or more.

    *uid_next* was read before *uids*, so that nothing can fall between two listings.
    """

    uid_validity: int
    uid_next: int
    uids: tuple[int, ...]


class FolderSession(Protocol):
    """An open connection to one IMAP folder. Any method raises Unavailable when it is lost."""

    @abstractmethod
    async def uid_validity(self) -> int:
        """The folder's UIDVALIDITY: where it has changed, all UIDs known are void (RFC 9051)."""

    @abstractmethod
    async def after(self, uid: int) -> FolderListing:
        """Messages with a UID greater than *uid*."""

    @abstractmethod
    async def received_since(self, moment: datetime) -> FolderListing:
        """Messages whose INTERNALDATE is *moment* or later."""

    @abstractmethod
    async def changed(self, within: timedelta) -> bool:
        """Wait (IDLE, RFC 2177) until the folder has news; False if *within* passed without."""


class MailFolders(Protocol):
    """Opens IMAP folders to watch them."""

    @abstractmethod
    def open(self, mailbox: Mailbox, folder: str) -> AbstractAsyncContextManager[FolderSession]:
        """Raises AccessFailed (refused, or no such folder)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that lies in a folder, and when the provider took it in."""

    pointer: Pointer
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Messages that came in. The next page, or the next list, begins at *position*.

    *is_last* says that the list is complete.
    """

    arrivals: Sequence[Arrival]
    position: str
    is_last: bool


class PositionExpired(Exception):
    """The provider cannot go on from there: start anew, and list by date what may be left out."""


class FolderChanges(Protocol):
    """Lists what came into a folder of a mailbox, so that a lost notice loses no message.

    Messages may be listed more than once. All methods raise AccessFailed (also: no such folder),
    Throttled.
    """

    @abstractmethod
    async def start(self, mailbox: Mailbox, folder: str) -> str:
        """A position from which on all is listed that comes in from now on.

        What is there already may be listed or not.
        """

    @abstractmethod
    def since(self, mailbox: Mailbox, folder: str, position: str) -> AsyncIterator[ChangesPage]:
        """What came in after *position*. Raises PositionExpired."""

    @abstractmethod
    def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[Sequence[Arrival]]:
        """Pages of what came in from *moment* on, oldest first: one at least."""


class NoticesRefused(Exception):
    """The provider will not send notices here; *reason* says why, and is fit for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SubscriptionGone(Exception):
    """The provider does not know the subscription any more."""


class Subscriptions(Protocol):
    """Has a provider tell us of new mail. Its methods raise AccessFailed, Throttled."""

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where notices are to go."""

    @abstractmethod
    def obstacle(self, mailbox: Mailbox) -> str:
        """Why no notice of that mailbox can ever reach us as things are; empty if it can."""

    @abstractmethod
    async def create(self, mailbox: Mailbox, folder: str) -> Subscription:
        """Have notices sent for *folder*; one of ours that there is gives way.

        Raises NoticesRefused. What comes in before it returns may have been told of to nobody.
        """

    @abstractmethod
    async def renew(self, mailbox: Mailbox, subscription: Subscription) -> Subscription:
        """Have it last from now on. Raises SubscriptionGone."""

    @abstractmethod
    async def remove(self, mailbox: Mailbox, subscription_id: str) -> None:
        """End it; if it is gone already, that is well."""

    @abstractmethod
    async def ids(self, mailbox: Mailbox) -> Sequence[str]:
        """Those that send notices to our endpoint, as far as the mailbox's credentials show them.

        An application that signs in as itself sees those of all its mailboxes.
        """


# --- What is kept -------------------------------------------------------------------------------


class IdempotencyLedger(Protocol):
    """Remembers which messages a mailbox has handled."""

    @abstractmethod
    def once(
        self, mailbox: Mailbox, identity: MessageIdentity
    ) -> AbstractAsyncContextManager[bool]:
        """Enter with True if the message is new, and remember it if the block succeeds.

        A second block for the same message waits for the first to end. A block that fails, or whose
        process dies, is forgotten, with all that was written in it.
        """


class EmailProcessor(Protocol):
    """Hands a message over to the application that wants it."""

    @abstractmethod
    async def __call__(self, mailbox: Mailbox, inbound: InboundMessage) -> Completed:
        """Process the message, inside its ledger block. Raises Unprocessable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """What became of one job; *message* is the message's identity name, where it was read."""

    job: PointerJob
    outcome: Final
    attempt: int
    at: datetime
    message: str = ""


class Outcomes(Protocol):
    """Every pointer's named end, to be looked up."""

    @abstractmethod
    async def record(self, record: OutcomeRecord) -> None:
        """Keep *record*. A job may end more than once (duplicate, re-drive): each is kept."""

    @abstractmethod
    async def find(
        self,
        tenant: str,
        *,
        mailbox: str = "",
        message: str = "",
        job_id: str = "",
        limit: int = 100,
    ) -> Sequence[OutcomeRecord]:
        """The newest *limit* outcomes of the tenant that match what is given, newest first."""

    @abstractmethod
    async def known(self, tenant: str, job_ids: Sequence[str]) -> frozenset[str]:
        """Those of *job_ids* that have ended, however they did."""


class MailboxRegistry(Protocol):
    """The mailboxes that Postroom serves, with their credentials encrypted at rest."""

    @abstractmethod
    async def add(self, mailbox: Mailbox) -> None:
        """Keep *mailbox*, with a reception, due at once, for each of its folders, and no cursor.

        Raises InvalidMailbox if the tenant has one of that id, or address, already.
        """

    @abstractmethod
    async def remove(self, tenant: str, mailbox_id: str) -> bool:
        """Forget the mailbox, its cursors and receptions; False if there is none.

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
        """Let it go on, its failures forgotten; only if it was *paused_by* that, if that is given.

        A look at its folders is due at once. Returns False if there is nothing to do.
        """

    @abstractmethod
    async def keep_access(self, mailbox: Mailbox, access: AccessTally) -> None:
        """Keep the tally of the mailbox's failures."""

    @abstractmethod
    async def get(self, tenant: str, mailbox_id: str) -> Mailbox | None:
        """Raises AccessFailed if its credentials cannot be decrypted."""

    @abstractmethod
    async def all(self, *, tenant: str = "") -> Sequence[Mailbox]:
        """Every mailbox (of one tenant if asked), by tenant and id."""

    @abstractmethod
    async def of_push(self, subscription: str, address: str) -> Mailbox | None:
        """The Gmail mailbox behind a Pub/Sub push *subscription*; *address* in any case."""

    @abstractmethod
    async def replace_credentials(
        self, mailbox: Mailbox, credentials: MicrosoftCredentials
    ) -> bool:
        """Keep *credentials* in place of those of the Microsoft *mailbox*, and nothing else of it.

        Returns False, and keeps nothing, if the registry has other ones for it by now: of several
        workers that renew a token at once, one does. Raises AccessFailed as `get` does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Whose mail is told of under a subscription, and how a notice proves itself.

    *id* is the mailbox's. A notice shows a secret of this SHA-256 digest (hex). *application* is
    the client id that rich notifications are made out to.
    """

    tenant: str
    id: str
    provider: str
    folder: str
    secret_digest: str
    application: str
    is_paused: bool


class Receptions(Protocol):
    """How the mail of each folder is received, and when that is to be looked after next."""

    @abstractmethod
    async def take_due(self, now: datetime, limit: int, hold: timedelta) -> Sequence[Reception]:
        """Up to *limit* receptions that are due, longest due first, for nobody else meanwhile.

        That ends with `save`, or when *hold* has passed from *now* on.
        """

    @abstractmethod
    async def save(self, reception: Reception) -> bool:
        """Keep what a round has made of a reception that was taken, due when it says.

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
        """The same for every folder of a mailbox; returns their number."""

    @abstractmethod
    async def all(self, *, tenant: str = "", mailbox: str = "") -> Sequence[Reception]:
        """Every reception (of one tenant, of its mailbox), by tenant, mailbox and folder."""

    @abstractmethod
    async def subscribers(self, subscription_ids: Sequence[str]) -> Mapping[str, Subscriber]:
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


class Helpdesk(Protocol):
    """Tickets with their comments and documents. One filing at a time for each mailbox."""

    @abstractmethod
    async def conversations(self, mailbox: Mailbox, message_ids: Sequence[str]) -> Sequence[Ticket]:
        """The tickets that know any of *message_ids*, by number.

        Must be called in a ledger block, and holds off other filings of the mailbox until it ends.
        """

    @abstractmethod
    async def open_ticket(self, mailbox: Mailbox, opening: Comment) -> Ticket:
        """A new ticket with *opening* as its first comment and its own number in the tenant."""

    @abstractmethod
    async def add_comment(self, ticket: Ticket, comment: Comment) -> Ticket:
        """The ticket with *comment* in its place; a comment older than the opening takes over."""

    @abstractmethod
    async def merge(self, ticket: Ticket, other: Ticket) -> Ticket:
        """*ticket* with all that *other* holds; *other* is gone, its number leads to *ticket*."""

    @abstractmethod
    async def summaries(self, tenant: str, *, limit: int = 100) -> Sequence[TicketSummary]:
        """The newest *limit* tickets, newest first."""

    @abstractmethod
    async def ticket(self, tenant: str, number: int) -> Ticket | None:
        """The ticket of that number, or that it was merged into."""


class BlobStore(Protocol):
    """Files by their content: what is put twice is kept once."""

    @abstractmethod
    async def put(self, tenant: str, content: bytes) -> str:
        """Keep *content* durably and return its key (SHA-256, hex)."""

    @abstractmethod
    async def get(self, tenant: str, key: str) -> bytes | None:
        """The content of *key*, or None."""


class HtmlSanitiser(Protocol):
    """Makes a stranger's HTML safe to show."""

    @abstractmethod
    def __call__(self, html: str) -> str:
        """*html* without scripts, styles, forms, and images that call home (`cid:` ones stay)."""


class Unauthenticated(Exception):
    """It is not proven who sent this; the message says what was wrong, without the secret."""


class PushVerifier(Protocol):
    """Proves who signed a Pub/Sub push (OIDC: signature, audience, issuer, expiry)."""

    @abstractmethod
    async def __call__(self, token: str) -> str:
        """The verified e-mail address of the service account that signed *token*.

        Raises Unauthenticated.
        """


class NoticeTokenVerifier(Protocol):
    """Proves that Microsoft Graph has sent a rich notification (signature, sender, expiry)."""

    @abstractmethod
    async def __call__(self, token: str) -> str:
        """The client id of the application that *token* is made out to.

        Raises Unauthenticated.
        """


class HealthCheck(Protocol):
    """Whether one thing that Postroom needs is there, and as it must be."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What is checked: `redis`, `postgres`, `migrations`."""

    @abstractmethod
    async def __call__(self) -> None:
        """Returns if all is well. Raises Unavailable, with a reason that says what to do."""


class Clock(Protocol):
    """Tells the time, so that nothing else has to."""

    @abstractmethod
    def now(self) -> datetime:
        """The current time, in UTC."""

    @abstractmethod
    async def sleep(self, duration: timedelta) -> None:
        """Return when *duration* has passed."""
