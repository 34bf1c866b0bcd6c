"""The queue of pointers, in lanes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from postroom.domain.dead_letter import EVERY_LETTER, DeadLetter, DeadLetterFilter
from postroom.domain.pointer import PointerJob

LONGEST_DELAY = timedelta(days=31)
"""For which a job or a lane waits at the most, whatever is asked for."""


def bounded(delay: timedelta) -> timedelta:
    """*delay* as a queue takes it: a negative one is none, and no one is over LONGEST_DELAY."""
    return min(max(delay, timedelta()), LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease ends; *token* (a fencing token) proves that it still is.

    *attempt* is one more than the attempts that the job was charged with (see `retry`). *reclaimed*
    says that the delivery before this one was never settled: its worker died, or was too slow.
    *crashes* counts all such deliveries, and *solo_crashes* those that ended with `crashed`.
    *since_first* is the time since the job was first claimed, or redriven, by the queue's clock.
    *probation* is for how long the lane has been on probation; None if it is not. *unreadable* is
    why the job's record cannot be read (empty: it can); its pointer is then an UnknownPointer, and
    it counts as queued when it was claimed.
    """

    job: PointerJob
    attempt: int
    token: int
    reclaimed: bool = False
    crashes: int = 0
    solo_crashes: int = 0
    since_first: timedelta = timedelta()
    probation: timedelta | None = None
    unreadable: str = ""


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
    until it is resumed). *waiting_for* is for how long it has been on probation (None: it is not).
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
    waiting_for: timedelta | None = None


class PointerProducer(Protocol):
    """What puts jobs into the queue."""

    @abstractmethod
    async def enqueue(self, jobs: Sequence[PointerJob]) -> Sequence[str]:
        """Queue all of *jobs*, in order, or none; return the ids that were not queued already.

        Returns only when the record is as durable as was promised. A job whose id is waiting or in
        flight is left as it is. Raises Unavailable if it cannot: nothing was promised then.
        """


class LanePauses(Protocol):
    """What keeps back the jobs of a mailbox that cannot be read, or may not be.

    That costs no job an attempt, and those in flight go on. Of two pauses the longer holds.
    """

    @abstractmethod
    async def pause(
        self, tenant: str, mailbox: str, reason: str, *, delay: timedelta | None = None
    ) -> None:
        """Hand out no job of the lane for *delay*, or before it is resumed."""

    @abstractmethod
    async def back_off(self, tenant: str, mailbox: str, reason: str, delay: timedelta) -> None:
        """Pause the lane for *delay*, and put it on probation until it is resumed.

        From then on no job of it is handed out while another is in flight: the first after the
        pause shows whether the rest can follow. Who backs off again prolongs the pause, if it ends
        later then; the probation began with the first time.
        """

    @abstractmethod
    async def resume(self, tenant: str, mailbox: str) -> bool:
        """End the lane's pause and its probation; False if there was neither."""


class PointerConsumer(LanePauses, Protocol):
    """What takes jobs out of the queue, in lanes: one for each mailbox of each tenant.

    Jobs of a lane are claimed in order of arrival; lanes take turns within a tenant, and tenants
    with each other. Settling (acknowledge, retry, defer, crashed, bury, release) returns False, and
    does nothing, if the claim is no longer ours. Time is the queue's own: neither leases nor delays
    depend on the clocks of the workers. A delay is bounded (LONGEST_DELAY).
    """

    @abstractmethod
    async def claim(
        self, limit: int, lease: timedelta, *, wait: timedelta = timedelta()
    ) -> Sequence[Claim]:
        """Take up to *limit* jobs that are due.

        Jobs whose lease has run out are due again, and that counts as a crash of theirs. But if no
        worker has claimed or renewed for half a lease, none could: the first that does finds the
        leases prolonged, once, to one from now. With nothing due, waits up to *wait* for something
        to come, without polling hot, and may return nothing all the same.
        """

    @abstractmethod
    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Hold on to *claims* for another *lease* from now; return those that are lost."""

    @abstractmethod
    async def acknowledge(self, claim: Claim) -> bool:
        """Forget the job for good."""

    @abstractmethod
    async def retry(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        """Charge the job with an attempt, and give it back, due again after *delay*."""

    @abstractmethod
    async def defer(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        """Give the job back, due again after *delay*; this costs no attempt."""

    @abstractmethod
    async def crashed(self, claim: Claim, delay: timedelta, reason: str) -> bool:
        """Defer a job that ended the process which ran it alone, and count that."""

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
        """Queue dead letters again; return the ids of those there were.

        They arrive anew, in the order given, and keep their reasons; their attempts and crashes are
        forgotten. A job that is queued already stays where it is, and its dead letter is gone. All
        of them go over in one step: give a few hundred at a time.
        """

    @abstractmethod
    async def purge(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Forget dead letters for good; return the ids of those there were. See `redrive`."""


class PointerQueue(PointerProducer, PointerConsumer, DeadLetterQueue, Protocol):
    """A durable at-least-once queue of pointers, whole."""

    @abstractmethod
    async def statistics(self) -> Sequence[LaneStatistics]:
        """How each lane that holds anything, or is held back, stands, by tenant and mailbox."""
