"""Messages that are handed over to applications: stored, claimed, settled."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.domain.handover.answer import Answer
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover
from postroom.domain.handover.health import Health
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob


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
    """*others* have become what they are without a call: dead, held, moved, or to wait.

    *health* is how the application stands. *ping* is the store's time if a ping is to be sent now.
    """

    calls: Sequence[Call]
    others: Sequence[Handover]
    health: Health
    ping: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """*answer* to a call; *call* is the handover as it was claimed."""

    call: Handover
    answer: Answer


@dataclass(frozen=True, slots=True)
class Settled:
    """What has become of the handovers that the answers have changed, and of the application.

    An answer changes nothing if it comes too late, or for the second time. *before* is how the
    application stood before.
    """

    changed: Sequence[Handover]
    before: Health
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for an application, or is held for a person. *size* is in bytes of original
    messages and bodies. *oldest* is when the first was accepted of those that wait for no person.
    """

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
    async def fall_back(
        self, application: Application, standby: Application, *, limit: int
    ) -> Sequence[Handover]:
        """Make up to *limit* of what waits, and may leave, handovers of *standby*: the oldest.

        By `domain/handover/fallback.py`, in one transaction in which nobody claims or settles for
        *application*: so one of the two has each of them. None, if it does not fall back by then.
        What *standby* has already, as a copy, stays. Returns those of *application* as they are
        then: moved, or held, where the body cannot be read.
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
        """Store the answer to a ping; *began* is `ping` of the claim that wanted one."""

    @abstractmethod
    async def health(self, application: Application) -> tuple[Health, datetime]:
        """How *application* stands, and the store's own time."""

    @abstractmethod
    async def backlog(self, application: Application) -> Backlog:
        """What waits for *application*, is being called with, or is held."""
