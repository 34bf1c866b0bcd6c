"""What an operation costs while few jobs wait, and while very many do. Ours only.

The two queues, on a server each, take turns: what else the machine does falls on both alike. The
depth stays what it is, since as many jobs are worked off as were enqueued.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from statistics import median

import uvloop

from benchmarks.contestants import POSTROOM, Contestant, Kind
from benchmarks.postroom_payload import WIRE, pointer_job
from benchmarks.processes import produce
from benchmarks.scenarios.enqueue import IN_FLIGHT
from benchmarks.scenarios.scenario import Bench, Figures, Scale, Scenario, one_by_one
from benchmarks.server import Server
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import open_redis
from postroom.application.ports import PointerQueue

OPERATIONS = 2_048
"""In one turn."""

LEASE = timedelta(minutes=1)

WITHIN = 300
"""Seconds. A queue that hangs is a result, too."""


def measure(bench: Bench, _contestant: Contestant) -> Figures:
    scale = bench.scale
    with bench.server() as shallow, bench.server() as deep:
        for server, depth in ((shallow, scale.few), (deep, scale.most)):
            with server.relaxed():
                produce(POSTROOM, server, "fill", jobs=depth)
        return uvloop.run(_compare(shallow, deep, scale))


async def _compare(shallow: Server, deep: Server, scale: Scale) -> Figures:
    async with (
        asyncio.timeout(WITHIN),
        open_redis(shallow.url) as of_shallow,
        open_redis(deep.url) as of_deep,
    ):
        stands = {
            "shallow": _Stand(shallow, RedisPointerQueue(of_shallow, WIRE), scale.most),
            "deep": _Stand(deep, RedisPointerQueue(of_deep, WIRE), scale.most),
        }
        for _ in range(scale.blocks):
            for stand in stands.values():
                await stand.take_turn()
    figures = {
        f"{name}_{figure}": value
        for name, stand in stands.items()
        for figure, value in stand.figures().items()
    }
    ratios = {
        f"{figure}_ratio": figures[f"deep_{figure}"] / value
        for figure, value in stands["shallow"].figures().items()
    }
    return figures | ratios


class _Stand:
    """A queue on its server, and what its operations have cost: the median turn counts."""

    def __init__(self, server: Server, queue: PointerQueue, highest: int) -> None:
        self._server = server
        self._queue = queue
        self._numbers = count(highest + 1)
        self._costs: dict[str, list[float]] = {}

    async def take_turn(self) -> None:
        await self._charge("enqueue", self._enqueue)
        await self._charge("work_off", self._work_off)

    def figures(self) -> dict[str, float]:
        return {name: median(costs) for name, costs in self._costs.items()}

    async def _charge(self, name: str, operate: Callable[[], Awaitable[None]]) -> None:
        spent, begun = self._server.spent(), time.monotonic()
        await operate()
        seconds, since = time.monotonic() - begun, self._server.spent()
        costs = {
            f"{name}_client_us": seconds * 1e6 / OPERATIONS,
            f"{name}_server_us": since.per_job(spent, OPERATIONS)["server_us_per_job"],
        }
        for figure, cost in costs.items():
            self._costs.setdefault(figure, []).append(cost)

    async def _enqueue(self) -> None:
        async def call() -> None:
            for _ in range(OPERATIONS // IN_FLIGHT):
                await self._queue.enqueue([pointer_job(next(self._numbers))])

        await asyncio.gather(*(call() for _ in range(IN_FLIGHT)))

    async def _work_off(self) -> None:
        left = OPERATIONS
        while left:
            claims = await self._queue.claim(min(left, IN_FLIGHT), LEASE)
            await asyncio.gather(*map(self._queue.acknowledge, claims))
            left -= len(claims)


SCENARIO = Scenario(
    name="depth",
    title="An operation among 1,000 and among 1,000,000 waiting jobs (us)",
    admits=lambda contestant: contestant.kind is Kind.OURS,
    measure=one_by_one(measure),
    seconds=60,
    repeated=False,
)
