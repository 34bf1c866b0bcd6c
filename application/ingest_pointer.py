"""Ingest pointers: promise to handle what they point at, and answer at once."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.application.ports import Clock, PointerProducer
from postroom.domain.pointer import Pointer, PointerJob, job_id


class MailboxRef(Protocol):
    """Whose mail a pointer is of: a mailbox, or what is known of it where its keys are not."""

    @property
    @abstractmethod
    def tenant(self) -> str: ...

    @property
    @abstractmethod
    def id(self) -> str: ...

    @property
    @abstractmethod
    def provider(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Ingested:
    """The jobs that stand for the pointers, and which of them were *new* to the queue (by id)."""

    jobs: tuple[PointerJob, ...]
    new: frozenset[str]


class Ingest(Protocol):
    """What `IngestPointer` does, for whoever is handed it with something around it."""

    @abstractmethod
    async def __call__(
        self,
        mailbox: MailboxRef,
        pointers: Sequence[Pointer],
        *,
        traceparent: str = "",
        backfilled: bool = False,
    ) -> Ingested: ...


@dataclass(frozen=True, slots=True)
class IngestPointer(Ingest):
    queue: PointerProducer
    clock: Clock

    async def __call__(
        self,
        mailbox: MailboxRef,
        pointers: Sequence[Pointer],
        *,
        traceparent: str = "",
        backfilled: bool = False,
    ) -> Ingested:
        """Queue a job for each pointer, durably, all or none. Raises Unavailable.

        Only when this has returned may the sender be told that the notification was accepted.
        """
        now = self.clock.now()
        jobs = tuple(
            PointerJob(
                id=job_id(mailbox.tenant, mailbox.id, pointer),
                tenant=mailbox.tenant,
                mailbox=mailbox.id,
                pointer=pointer,
                enqueued_at=now,
                traceparent=traceparent,
                backfilled=backfilled,
            )
            for pointer in pointers
        )
        new = await self.queue.enqueue(jobs)
        return Ingested(jobs, frozenset(new))
