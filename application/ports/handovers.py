"""Messages that are handed over to applications: stored, claimed, settled; and looked up."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.dead_letter import DeadLetterFilter
from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.health import Health
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob

SHORTEST_HEAD = 12
"""Characters of a key that may stand for all of it, where a person types them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHandover:
    """*body* is rendered once: each call of the key has these bytes.

    *job* is None for an event, which has no pointer. *raw* is the blob of the original message,
    empty if there is none, of *raw_size* bytes. *traceparent* is the trace that accepts it.
    """

    handover: Handover
    body: bytes
    job: PointerJob | None
    raw: str = ""
    raw_size: int = 0
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A handover whose call is ours until its lease ends (its fence proves that), and the body.

    *traceparent* is the trace that accepted it.
    """

    handover: Handover
    body: bytes
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """*others* have become what they are by the claim, without a call: dead, held, or to wait.

    *ping* says that a ping is to be sent, and *health* is how the application stands.
    """

    calls: Sequence[Call]
    others: Sequence[Handover]
    health: Health
    ping: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """*answer* to a call; *call* is the handover as it was claimed."""

    call: Handover
    answer: Answer


@dataclass(frozen=True, slots=True)
class Settled:
    """What has become of the handovers, in the order of the answers, and of the application.

    *before* is how that stood before.
    """

    handovers: Sequence[Handover]
    before: Health
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for an application. *size* is in bytes of original messages and bodies."""

    count: int
    size: int
    oldest: datetime | None


class Handovers(Protocol):
    """Durable like the queue. Time is the store's own: no worker's clock decides anything."""

    @abstractmethod
    async def next_number(self, application: Application, mailbox: Mailbox) -> int:
        """Of a message of *mailbox*, for an application that wants an order; the first is 1.

        It is taken in the ledger block that is open. Nobody else gets one before that ends, and if
        it fails, the number is the next one's.
        """

    @abstractmethod
    async def accept(self, application: Application, new: NewHandover) -> bool:
        """Store *new* in the ledger block that is open; False if its key is there already.

        The number that was taken for it is the next one's then. It is *this* application's for
        good: one of the same name that another owner has gets nothing of it.
        """

    @abstractmethod
    async def due(self) -> Sequence[tuple[str, str]]:
        """Owner and name of each application of which something is due, whatever its health."""

    @abstractmethod
    async def claim(self, application: Application, limit: int) -> Claimed:
        """Up to *limit* handovers that are due, by the rules of `domain/handover/claiming.py`.

        Mailboxes take turns, over all claims; of each, what has been due for the longest is first.
        Where the application wants an order, only the first handover of a mailbox that has not
        ended is due (and one that is held has not). It is committed before it returns, so a call
        that ends its process is counted. What has ended by the claim gets its outcome recorded.
        One whose body cannot be read is held, with the reason: the others are called with.
        """

    @abstractmethod
    async def settle(
        self, application: Application, answers: Sequence[Answered], *, draw: float
    ) -> Settled:
        """Store what was answered, by `domain/handover/settling.py`, and the outcomes.

        All in one transaction, which may be repeated. *draw*, from [0, 1), spreads what waits.
        """

    @abstractmethod
    async def pinged(
        self, application: Application, answer: Answer, *, began: datetime, draw: float
    ) -> Settled:
        """Store the answer to a ping; *began* is `now` as `health` gave it before the ping."""

    @abstractmethod
    async def health(self, application: Application) -> tuple[Health, datetime]:
        """How *application* stands, and the store's own time."""

    @abstractmethod
    async def backlog(self, application: Application) -> Backlog:
        """What waits for *application*, or is being called with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverFilter:
    """All that is given must match. *since* and *until* are moments of acceptance."""

    tenant: str = ""
    application: str = ""
    mailbox: str = ""
    identity: str = ""
    states: frozenset[State] = frozenset()
    unsure: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandoverRecord:
    """A handover with what belongs to it."""

    handover: Handover
    job: PointerJob | None
    raw: str
    raw_size: int
    body_size: int
    last_answer: Mapping[str, object]


class HandoverRecords(Protocol):
    """Handovers, to be looked up, and moved by a person."""

    @abstractmethod
    async def find(
        self, chosen: HandoverFilter, *, limit: int = 100, after: str = ""
    ) -> Sequence[HandoverRecord]:
        """The newest that match, newest first, older than the one with the key *after*.

        There are more than *limit* if several applications have the message of the last.
        """

    @abstractmethod
    async def get(
        self, key: str, *, tenant: str = "", application: str = ""
    ) -> HandoverRecord | None:
        """The handover of that key (of the application, where several have the message).

        The first SHORTEST_HEAD characters of a key, or more, will do if they are of one key alone.
        """

    @abstractmethod
    async def dead(
        self, chosen: DeadLetterFilter, *, before: datetime | None, limit: int
    ) -> Sequence[HandoverRecord]:
        """Those of the tenant and the mailbox that died before that moment, newest first.

        Those that are held have died when they were. There are more than *limit* if several died
        at the moment of the last. Of *chosen* the reason, the provider and the times are not looked
        at.
        """

    @abstractmethod
    async def body(self, record: HandoverRecord) -> bytes | None:
        """What it is called with; None if it was deleted. Raises StoreUnavailable."""

    @abstractmethod
    async def move(self, record: HandoverRecord, to: State, reason: str) -> bool:
        """Make it `waiting` (as new, its calls forgotten), `done` or `skipped`.

        The outcome is recorded if it has ended by that. False, and nothing is changed, if it has
        been changed since *record* was read.
        """

    @abstractmethod
    async def discard(self, application: Application) -> int:
        """Delete what has not ended of *application*; return how many there were.

        They are recorded as skipped.
        """

    @abstractmethod
    async def expired(self, *, limit: int, default: timedelta) -> int:
        """Delete up to *limit* that were handled longer ago than the application's retention.

        Dead letters stay, as those of pointers do: they wait for a person. *default* is for
        applications that were removed. Returns how many.
        """


class Applications(Protocol):
    """The applications, with their secrets encrypted at rest.

    An owner is a tenant, or the installation ("").
    """

    @abstractmethod
    async def add(self, application: Application) -> None:
        """Raises InvalidApplication if its name is taken by its owner, or by the installation.

        One of the installation's can have no name that any tenant's has.
        """

    @abstractmethod
    async def get(self, tenant: str, name: str) -> Application | None:
        """The application of that name which serves *tenant*: its own, or the installation's.

        Raises AccessFailed if its secrets cannot be decrypted.
        """

    @abstractmethod
    async def owned(self, owner: str, name: str) -> Application | None:
        """That of *owner* itself. Raises AccessFailed as `get` does."""

    @abstractmethod
    async def all(self, *, tenant: str | None = None) -> Sequence[Application]:
        """Every application, by owner and name; those that serve *tenant*, if given.

        Raises AccessFailed if the secrets of one cannot be decrypted.
        """

    @abstractmethod
    async def replace(self, before: Application, after: Application) -> bool:
        """Put *after* in the place of *before*; False if that is not there (like that) any more.

        Raises InvalidApplication if they are not of one owner and name, and AccessFailed as `get`
        does.
        """

    @abstractmethod
    async def remove(self, application: Application) -> bool:
        """Forget it, and how it stands; False if there is none.

        What was handed over stays until its retention ends.
        """

    @abstractmethod
    async def route(self, tenant: str) -> str:
        """The name of the application of all mailboxes of *tenant* without one of their own."""

    @abstractmethod
    async def set_route(self, tenant: str, name: str) -> None:
        """Store that; an empty *name* is for none."""


class ApplicationCaller(Protocol):
    """Calls applications of one way: over HTTP, or into a table."""

    @property
    @abstractmethod
    def batch(self) -> int:
        """How many messages one call takes at the most."""

    @abstractmethod
    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        """Hand over up to `batch` messages; the answers are in their order. It never raises.

        Ends within the application's timeout, whatever trickles in.
        """

    @abstractmethod
    async def ping(self, application: Application) -> Answer:
        """Ask whether the application takes calls, without a message."""
