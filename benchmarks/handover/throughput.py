"""Handovers a second of one worker, and of the least that hands messages over."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from benchmarks.handover import samples
from postroom.application.ports import HandoverFilter, HandoverRecord, NewHandover
from postroom.domain.handover.application import Application
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.handover import Handover, State
from postroom.domain.handover.key import handover_key
from postroom.entrypoints.container import Wired
from postroom.entrypoints.settings import Settings

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Throughput:
    """*url* is the receiver's; it gets so many *calls* at a time. A worker is to be running."""

    wired: Wired
    settings: Settings
    url: str
    messages: int
    calls: int

    async def postroom(self) -> float:
        """From the first call to the last end, as the database has them."""
        name = f"app{next(_numbers)}"
        paused = replace(
            samples.application(name, self.url), in_flight=self.calls, paused_since=samples.NOON
        )
        await self.wired.applications.add(paused)
        for _ in range(self.messages):
            await self.wired.handovers.accept(paused, self._new(name))
        await self.wired.applications.replace(paused, replace(paused, paused_since=None))
        ended = [each.handover for each in await self._ended(paused)]
        began = min(each.began_at for each in ended if each.began_at)
        ends = max(each.ended_at for each in ended if each.ended_at)
        await self.wired.applications.remove(replace(paused, paused_since=None))
        return len(ended) / (ends - began).total_seconds()

    async def bare(self) -> float:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.handover.bare"),
            *("--url", self.url, "--database", self.settings.database_url),
            *("--messages", str(self.messages), "--callers", str(self.calls)),
            *("--bytes", str(len(self._new("sample").body))),
            stdout=PIPE,
        )
        taken, _ = await process.communicate()
        return self.messages / float(taken)

    def _new(self, application: str) -> NewHandover:
        number = f"{application}-{next(_numbers)}"
        mailbox, inbound = samples.mailbox("acme"), samples.inbound(number)
        now = self.wired.clock.now()
        handover = Handover(
            tenant=mailbox.tenant,
            application=application,
            key=handover_key(mailbox.tenant, mailbox.id, inbound.identity),
            mailbox=mailbox.id,
            identity=inbound.identity.name,
            received_at=inbound.received_at,
            accepted_at=now,
            state=State.WAITING,
            due_at=now,
        )
        accepted = Acceptance(key=handover.key, at=now, keep_key_until=handover.keep_key_until)
        options = BodyOptions(application=application, base_url=self.url)
        return NewHandover(
            handover=handover,
            body=render_body(mailbox, inbound, None, accepted, options),
            job=samples.job(mailbox, number),
        )

    async def _ended(self, application: Application) -> Sequence[HandoverRecord]:
        async with asyncio.timeout(600):
            while (await self.wired.handovers.backlog(application)).count:  # noqa: ASYNC110 - of a worker
                await asyncio.sleep(0.5)
        chosen = HandoverFilter(application=application.name)
        return await self.wired.handover_records.find(chosen, limit=self.messages)
