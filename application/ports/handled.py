"""What became of messages: the idempotency ledger and the outcomes."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from postroom.domain.events.event import Event
from postroom.domain.events.of_messages import event_of_outcome
from postroom.domain.identity import MessageIdentity
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Final
from postroom.domain.pointer import PointerJob


class IdempotencyLedger(Protocol):
    """Remembers which messages a mailbox has handled."""

    @abstractmethod
    def once(
        self, mailbox: Mailbox, identity: MessageIdentity, received_at: datetime | None = None
    ) -> AbstractAsyncContextManager[bool]:
        """Enter with True if the message is new, and remember it if the block succeeds.

        A message that the provider took in at *received_at*, and that another system has had before
        the mailbox was taken over (`Takeovers`), is not new. A second block for the same message
        waits for the first to end. A block that fails, or whose process dies, is forgotten, with
        all that was written in it.
        """

    @abstractmethod
    async def handled(self, mailbox: Mailbox, source: str) -> str:
        """The name of the message of that source which was handled; empty if none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """What became of one job; *identity* is the name of the message's, where it was read."""

    job: PointerJob
    outcome: Final
    attempt: int
    at: datetime
    identity: str = ""

    @property
    def event(self) -> Event | None:
        """What subscribers hear of it. The end of a handover has more to say: `event_of_end`."""
        return event_of_outcome(
            self.job, self.outcome, identity=self.identity, attempt=self.attempt, at=self.at
        )


@dataclass(frozen=True, slots=True)
class LedgerConnection:
    """*own* is the connection of the store's driver; *for_thread* is for a function in a thread.

    What they are is the store's affair, and that of whoever has written the function.
    """

    own: Any
    for_thread: Any


class LedgerConnections(Protocol):
    """Lends the connection of a ledger block to a function that is not ours."""

    @abstractmethod
    def of_block(self, tenant: str) -> AbstractAsyncContextManager[LedgerConnection]:
        """That of the ledger block of *tenant* which is open in this task.

        What is written with it is kept or forgotten with the block. Raises RuntimeError if no such
        block is open, or if it cannot be used any more afterwards.
        """


class Outcomes(Protocol):
    """Every pointer's named end, to be looked up."""

    @abstractmethod
    async def record(self, record: OutcomeRecord) -> None:
        """Keep *record*. A job may end more than once (duplicate, redrive): each is kept.

        Its event is written with it, if anybody subscribes to that.
        """

    @abstractmethod
    async def find(
        self,
        tenant: str,
        *,
        mailbox: str = "",
        identity: str = "",
        job_id: str = "",
        limit: int = 100,
    ) -> Sequence[OutcomeRecord]:
        """The newest *limit* outcomes of the tenant that match what is given, newest first."""

    @abstractmethod
    async def known(
        self, tenant: str, job_ids: Sequence[str], *, dead_before: datetime | None = None
    ) -> frozenset[str]:
        """Those of *job_ids* that have ended, however they did, but for the skipped.

        Those are of messages that were not there, or were too old: whoever finds one all the same,
        or asks for mail that is old, has news. What was skipped in shadow has ended: another system
        handles it, and who releases it says which. Nor is it an end to have died before
        *dead_before*.
        """

    @abstractmethod
    async def in_shadow(
        self, tenant: str, mailbox: str, since: datetime, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutcomeRecord]:
        """The last outcomes of jobs that ended last by being skipped in shadow, from *since* on.

        They come by job id: a page of *limit* at the most, of ids greater than *after*.
        """
