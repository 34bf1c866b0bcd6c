"""Have a Python processor handle a message in the ledger block: its effect is the block's.

Others wait for the connection meanwhile, so a processor has LIMIT, and not all of the pool.
"""

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from postroom.application.ports import (
    Clock,
    EmailProcessor,
    LedgerConnection,
    LedgerConnections,
    Prepared,
)
from postroom.application.processing import (
    Busy,
    Done,
    Handover,
    Mail,
    Process,
    Refuse,
    Result,
    Skip,
)
from postroom.application.processor_health import ProcessorHealth
from postroom.application.processor_mail import ReadForProcessor
from postroom.domain.failure import Contended, Failure, ProcessorFailed, Throttled, Unprocessable
from postroom.domain.handover.answer import MAX_REASON, MAX_REFERENCE
from postroom.domain.handover.health import FIRST_PAUSE, LONGEST_WISH
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Completed, Effect, Skipped
from postroom.domain.pointer import PointerJob

LIMIT = 30.0
"""Seconds for one message."""

PLACE_WITHIN = 30.0
"""Seconds that a message waits for others that are with processors."""


class ProcessorEvents(Protocol):
    @abstractmethod
    def failed(self, processor: str, error: Exception, *, charged: bool) -> None:
        """It raised *error*; *charged* says that the message is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProcessor(EmailProcessor):
    """*load* returns the function, and may raise anything. *places* are those of all processors.

    Plain functions run in *threads*.
    """

    name: str
    load: Callable[[], Process]
    read: ReadForProcessor
    connections: LedgerConnections
    places: asyncio.Semaphore
    threads: Executor
    health: ProcessorHealth
    events: ProcessorEvents
    clock: Clock

    async def obstacle(self, mailbox: Mailbox) -> str:  # noqa: ARG002 - it is the same for all
        try:
            self.load()
        except Exception as error:  # noqa: BLE001 - it is the user's own code
            return f"the processor {self.name} cannot be loaded: {type(error).__name__}"
        if self.health.pause(self.clock.now()):
            return f"the processor {self.name} fails: {self.health.health.reason}"
        return ""

    @asynccontextmanager
    async def place(self, mailbox: Mailbox) -> AsyncIterator[None]:  # noqa: ARG002
        try:
            async with asyncio.timeout(PLACE_WITHIN):
                await self.places.acquire()
        except TimeoutError:
            raise Contended("too many messages are with processors") from None
        try:
            yield
        finally:
            self.places.release()

    async def prepare(
        self,
        mailbox: Mailbox,
        inbound: InboundMessage,
        job: PointerJob,  # noqa: ARG002 - its outcome leads to it
    ) -> Prepared:
        return partial(self._process, await self.read(mailbox, inbound, self.name))

    async def _process(self, mail: Mail) -> Completed | Skipped:
        began = self.clock.now()
        try:
            async with (
                asyncio.timeout(LIMIT),
                self.connections.of_block(mail.tenant) as connection,
            ):
                result = _checked(await self._call(mail, connection))
        except Busy as busy:
            wish = min(max(busy.retry_after, FIRST_PAUSE), LONGEST_WISH)
            reason = f"the processor {self.name} asks for time"
            raise Throttled(reason, retry_after=wish) from None
        except Exception as error:
            raise self._judged(mail, began, error) from error
        self.health.taken(mail.key, began, self.clock.now())
        return _outcome(result)

    async def _call(self, mail: Mail, connection: LedgerConnection) -> object:
        process = self.load()
        if _is_async(process):
            return await process(mail, Handover(key=mail.key, connection=connection.own))  # type: ignore[misc]
        handover = Handover(key=mail.key, connection=connection.for_thread)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, process, mail, handover)

    def _judged(self, mail: Mail, began: datetime, error: Exception) -> Failure:
        """Unless the message is at fault, it waits at no cost."""
        name = type(error).__name__
        is_at_fault = self.health.failed(mail.key, name, began, self.clock.now())
        self.events.failed(self.name, error, charged=is_at_fault)
        kind = ProcessorFailed if is_at_fault else Contended
        return kind(f"the processor {self.name} failed: {name}")


def _is_async(process: Process) -> bool:
    call = getattr(process, "__call__", None)  # noqa: B004 - an object may have an async one
    return inspect.iscoroutinefunction(process) or inspect.iscoroutinefunction(call)


def _checked(result: object) -> Result:
    """One that forgets to return something has failed, and what it wrote is rolled back."""
    if isinstance(result, Done | Skip | Refuse):
        return result
    raise TypeError(f"a processor returns Done, Skip or Refuse, and not {type(result).__name__}")


def _outcome(result: Result) -> Completed | Skipped:
    match result:
        case Done(reference=reference):
            return Completed(Effect.HANDED_OVER, str(reference)[:MAX_REFERENCE])
        case Skip(reason=reason):
            return Skipped(reason[:MAX_REASON] or "the processor skipped it")
        case Refuse(reason=reason):
            raise Unprocessable(reason[:MAX_REASON] or "the processor refused it")
