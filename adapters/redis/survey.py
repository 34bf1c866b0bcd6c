"""How far back the jobs of the queue go, lane by lane."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from postroom.adapters.redis.queue import PREFIX
from postroom.adapters.redis.scripts import Scripts, no_offset, root_of, rows
from postroom.adapters.redis.servers import Servers
from postroom.adapters.redis.statistics import LANES_AT_ONCE
from postroom.application.ports import LONGEST_DELAY, QueueContents, QueueSurvey
from postroom.domain.queue_loss import Lane


class RedisQueueSurvey(QueueSurvey):
    def __init__(
        self,
        servers: Servers,
        *,
        prefix: str = PREFIX,
        partitions: int = 1,
        ahead: Callable[[], timedelta] = no_offset,
    ) -> None:
        roots = [root_of(prefix, number) for number in range(partitions)]
        self._partitions = [Scripts(servers.holding(root), root, ahead) for root in roots]

    async def contents(self) -> QueueContents:
        surveys = [_Survey(scripts) for scripts in self._partitions]
        await asyncio.gather(*(survey.make() for survey in surveys))
        ages = {lane: age for survey in surveys for lane, age in survey.ages.items()}
        return QueueContents(ages, sum(survey.dead for survey in surveys))


@dataclass(slots=True)
class _Survey:
    """Of one partition."""

    scripts: Scripts
    ages: dict[Lane, timedelta] = field(default_factory=dict)
    dead: int = 0

    async def make(self) -> None:
        """Those that are away come last: what is ready is claimed, and away, before it is older."""
        lanes = await self.scripts.run("lanes")
        for start in range(0, len(lanes), LANES_AT_ONCE):
            await self._step("ready", *lanes[start : start + LANES_AT_ONCE])
        for which in ("delayed", "in flight"):
            cursor = await self._step(which, b"0")
            while cursor != b"0":
                cursor = await self._step(which, cursor)

    async def _step(self, which: str, *arguments: bytes) -> bytes:
        now, cursor, self.dead, *fields = await self.scripts.run("oldest", which, *arguments)
        for lane, age in _ages(int(now), fields):
            self.ages[lane] = max(age, self.ages.get(lane, age))
        return bytes(cursor)


def _ages(now: int, fields: Sequence[Any]) -> Iterator[tuple[Lane, timedelta]]:
    for name, moment in rows(fields, 2):
        tenant, _, mailbox = name.decode().partition("/")
        if moment == b"?":
            yield (tenant, mailbox), LONGEST_DELAY
        else:  # the host that queued the job may be ahead of the server
            yield (tenant, mailbox), timedelta(microseconds=max(now - int(moment), 0))
