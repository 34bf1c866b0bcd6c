"""The queue of pointers, in lanes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob


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


class PointerProducer(Protocol):
    """What puts jobs into the queue."""

    @abstractmethod
    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        """Queue all of *jobs*, in order, or none; return the ids that were not queued already.

        Returns only when the record is as durable as was promised. A job whose id is waiting or in
        flight is left as it is. Raises Unavailable if it cannot: nothing was promised then.
        """


class LanePauses(Protocol):
    """What keeps back the jobs of a mailbox that cannot be read, or may not be."""

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


class PointerConsumer(LanePauses, Protocol):
    """What takes jobs out of the queue, in lanes: one for each mailbox of each tenant.

    Jobs of a lane are claimed in order of arrival; lanes take turns within a tenant, and tenants
    with each other. Settling (acknowledge, retry, defer, bury, release) returns False, and does
    nothing, if the claim is no longer ours. Time is the queue's own: leases do not depend on the
    clocks of the workers.
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


class DeadLetterQueue(Protocol):
    """The jobs that were set aside, for a person to look at."""

    @abstractmethod
    async def dead_letters(
        self, chosen: DeadLetterFilter = EVERY_LETTER, *, limit: int = 100, after: str = ""
    ) -> DeadLetterPage:
        """A page of the dead letters that match, newest first, from the cursor *after* on.

        It looks at a bounded number of letters, so it may hold fewer than *limit*, or none, and
        others match all the same: the end is where there is no next page. Whatever is buried,
        redriven or purged meanwhile, no letter is skipped or shown twice; one that dies (again)
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


class PointerQueue(PointerProducer, PointerConsumer, DeadLetterQueue, Protocol):
    """A durable at-least-once queue of pointers, whole."""

    @abstractmethod
    async def statistics(self) -> Sequence[LaneStatistics]:
        """How each lane that holds anything, or is paused, stands, by tenant and mailbox."""
