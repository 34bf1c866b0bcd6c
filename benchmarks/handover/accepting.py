"""Seconds to accept a message, while applications hang or not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from benchmarks.handover import samples
from benchmarks.handover.receiver import HANGS
from postroom.application.ports import HandoverFilter, OutcomeRecord
from postroom.domain.handover.application import LONGEST_TIMEOUT, Application
from postroom.domain.handover.handover import State
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Accepted
from postroom.entrypoints.container import Wired
from postroom.entrypoints.dispatcher import Dispatcher

HANGING = 16
"""Applications."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Accepting:
    """A worker without its queue, in this process. *url* is the receiver's."""

    wired: Wired
    url: str
    messages: int

    async def idle(self) -> Sequence[float]:
        """How long each of the messages takes, one after another, while nothing is called."""
        async with self._dispatching() as dispatcher:
            return await self._accept_all(dispatcher)

    async def beside_hanging(self) -> Sequence[float]:
        """The same while each of sixteen applications holds as many calls as it may."""
        hanging = [await self._add(HANGS) for _ in range(HANGING)]
        for each in hanging:
            for _ in range(2 * each.in_flight):
                await self._accept(samples.mailbox("acme", each.name))
        async with self._dispatching() as dispatcher:
            await self._until_all_hang(hanging)
            taken = await self._accept_all(dispatcher)
            await self._until_all_hang(hanging)  # they have done so all the time
        for each in hanging:
            await self.wired.handover_records.discard(each)
            await self.wired.applications.remove(each)
        return taken

    async def _accept_all(self, dispatcher: Dispatcher) -> Sequence[float]:
        """For an application that is paused: what is measured is the acceptance alone."""
        calm = await self._add("/inbound", is_paused=True)
        mailbox = samples.mailbox("calm", calm.name)
        for _ in range(20):
            await self._accept(mailbox)
        taken = []
        for _ in range(self.messages):
            taken.append(await self._accept(mailbox))
            dispatcher.wake()
        await self.wired.handover_records.discard(calm)
        return taken

    async def _accept(self, mailbox: Mailbox) -> float:
        """As `ConsumeJob` does it with what was fetched and read."""
        consume, number = self.wired.consume, f"{mailbox.application}-{next(_numbers)}"
        inbound, job = samples.inbound(number), samples.job(mailbox, number)
        began = asyncio.get_running_loop().time()
        process = await consume.processor.prepare(mailbox, inbound, job)
        assert callable(process)
        async with consume.ledger.once(mailbox, inbound.identity, inbound.received_at) as is_new:
            assert is_new
            outcome = await process()
            assert isinstance(outcome, Accepted)
            record = OutcomeRecord(job=job, outcome=outcome, attempt=1, at=consume.clock.now())
            await consume.outcomes.record(record)
        return asyncio.get_running_loop().time() - began

    async def _add(self, path: str, *, is_paused: bool = False) -> Application:
        application = replace(
            samples.application(f"app{next(_numbers)}", self.url + path),
            timeout=LONGEST_TIMEOUT,
            paused_since=samples.NOON if is_paused else None,
        )
        await self.wired.applications.add(application)
        return application

    async def _until_all_hang(self, hanging: Sequence[Application]) -> None:
        """Until as many calls are on their way as each of them takes."""
        async with asyncio.timeout(60):
            for each in hanging:
                while await self._calls(each) < each.in_flight:  # noqa: ASYNC110 - of a database
                    await asyncio.sleep(0.1)

    async def _calls(self, application: Application) -> int:
        calling = HandoverFilter(application=application.name, states=frozenset({State.CALLING}))
        return len(await self.wired.handover_records.find(calling))

    @asynccontextmanager
    async def _dispatching(self) -> AsyncIterator[Dispatcher]:
        wired, stop = self.wired, asyncio.Event()
        dispatcher = Dispatcher(
            handovers=wired.handovers,
            applications=wired.applications,
            hand_over=wired.hand_over,
            grace=timedelta(),
        )
        running = asyncio.create_task(dispatcher.run(stop))
        try:
            yield dispatcher
        finally:
            stop.set()
            await running
