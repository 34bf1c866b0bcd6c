"""Kills either side at random while messages are handed over, and counts what has come of them.

The application has a database of its own, on the server that crashes, and its receiver fails as
well (`tests/receivers/faulty.py`). All draws are of one seed, but not the moments: those are the
machine's.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random


from postroom.adapters.embedded import EmbeddedPostgres
from tests.end_to_end.handover_rig import House, Part, crash, execute, restart
from tests.end_to_end.processes import free_port
from tests.receivers.calls import PATH, SECRET
from tests.receivers.faulty import SCHEMA
from tests.receivers.programs import RECEIVERS
from tests.receivers.rig import database_for_receivers

ROOT = Path(__file__).parents[2]
TIMEOUT = timedelta(seconds=1)
FAULTS = 0.05

_OPEN = "SELECT count(*) FROM postroom.handover WHERE ended_at IS NULL"
_CALLING = """
SELECT count(*) FROM postroom.handover WHERE state = 'calling' AND lease_until > clock_timestamp()
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """*life* is the mean of the seconds for which a process works before it is killed."""

    messages: int
    kills: int
    crashes: int = 0
    receiver: str = "litestar_receiver:app"
    victims: frozenset[str] = frozenset({"receiver", "worker-a", "worker-b"})
    life: float = 2
    faults: float = FAULTS
    seed: int = 0
    most: float = 600
    """Seconds until all must have ended."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """*lost* and *doubled* are messages."""

    handovers: int
    effects: int
    lost: int
    doubled: int
    wrong_references: int
    keys_with_two_bodies: int
    unverified: int
    not_done: int
    dead_pointers: int
    calls: int
    unsure: int
    most_calls: int


@dataclass
class Done:
    """What was done to them. *in_flight* counts the calls that a kill fell into."""

    kills: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    in_flight: int = 0
    pointers: int = 0
    seconds: float = 0

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def new_application(server_url: str) -> str:
    """The URL of its new database."""
    url = database_for_receivers(server_url)
    execute(url, SCHEMA)
    return url


def a_receiver(plan: Plan, database_url: str, home: Path, port: int) -> Part:
    command = [sys.executable, "-m", "uvicorn", "tests.receivers.faulty:app"]
    return Part(
        "receiver",
        [*command, "--port", str(port), "--no-access-log"],
        {
            "DATABASE_URL": database_url,
            "POSTROOM_SECRET": SECRET,
            "RECEIVER": plan.receiver,
            "FAULTS": str(plan.faults),
            "TIMEOUT": str(TIMEOUT.total_seconds()),
            "PYTHONPATH": f"{ROOT}:{RECEIVERS}",
        },
        home,
        lambda it: b"Uvicorn running" in it.log.read_bytes(),
    )


class KillRun:
    def __init__(self, house: House, postgres: EmbeddedPostgres, plan: Plan) -> None:
        self._house, self._postgres, self._plan = house, postgres, plan
        self._dice = Random(plan.seed)
        self._port = free_port()
        self._database = new_application(postgres.url)
        receiver = a_receiver(plan, self._database, house.home, self._port)
        self._parts = (receiver, house.worker("worker-a"), house.worker("worker-b"))
        self._due: dict[str, float] = {}
        """When a process is started that is dead, or killed that works, by its name."""
        self._again: list[tuple[int, int]] = []
        """Pointers that come once more: after so many kills, of which message."""
        self._announced = 0
        self.done = Done(kills={part.name: 0 for part in self._parts})

    async def __call__(self) -> Found:
        await self._house.route_to(f"http://127.0.0.1:{self._port}{PATH}", TIMEOUT)
        begun = _now()
        try:
            async with asyncio.timeout(self._plan.most):
                while not await self._is_over():
                    await self._step()
                    await asyncio.sleep(0.03)
        except TimeoutError:
            pass  # what has not ended is found
        finally:
            for part in self._parts:
                part.kill()
        self.done.seconds = _now() - begun
        return await self._found()

    async def _step(self) -> None:
        await self._announce()
        if self.done.total < self._plan.kills and self._is_time_to_crash():
            self.done.crashes += 1
            await asyncio.to_thread(crash, self._postgres)
            await asyncio.sleep(self._dice.random())
            await asyncio.to_thread(restart, self._postgres)
        for part in self._parts:
            self._start_or_kill(part)

    def _is_time_to_crash(self) -> bool:
        return self.done.crashes < self._plan.crashes * self._progress

    @property
    def _progress(self) -> float:
        return min(self.done.total / self._plan.kills, 1) if self._plan.kills else 1

    async def _announce(self) -> None:
        """Messages come in as kills go on, and are announced one to three times."""
        wanted = min(self._plan.messages, int(self._plan.messages * self._progress) + 20)
        while self._announced < wanted:
            number, self._announced = self._announced, self._announced + 1
            self._house.deliver(number)
            await self._announce_one(number)
            for _ in range(self._dice.choice([0, 0, 1, 2])):
                self._again.append((self.done.total + self._dice.randrange(4), number))
        is_last = self.done.total >= self._plan.kills
        for each in [each for each in self._again if is_last or each[0] <= self.done.total]:
            self._again.remove(each)
            self._house.graph.rebuild(self._house.ids[each[1]])
            await self._announce_one(each[1])

    async def _announce_one(self, number: int) -> None:
        self.done.pointers += 1
        await self._house.announce(number)

    def _start_or_kill(self, part: Part) -> None:
        name, now = part.name, _now()
        if not part.lives:
            if now >= self._due.get(name, 0):
                part.environment = {**part.environment, "SEED": str(self._dice.random())}
                part.start()
                self._due.pop(name, None)
        elif name not in self._due:
            if part.is_ready(part):
                self._due[name] = now + self._dice.expovariate(1 / self._plan.life)
        elif now >= self._due[name] and self._may_kill(name):
            part.kill()
            self.done.kills[name] += 1
            self.done.in_flight += self._count(_CALLING)
            self._due[name] = now + 0.3 * self._dice.random()

    def _may_kill(self, name: str) -> bool:
        return name in self._plan.victims and self.done.total < self._plan.kills

    def _count(self, statement: str) -> int:
        [(count,)] = self._house.execute(statement)
        return int(count)

    async def _is_over(self) -> bool:
        self._house.hurry()
        if self.done.total < self._plan.kills or self._announced < self._plan.messages:
            return False
        if self._again or self._count(_OPEN):
            return False
        return not await self._house.wired.queue.statistics()

    async def _found(self) -> Found:
        letters = (await self._house.wired.queue.dead_letters()).letters
        return found(self._house, self._database, self._plan.messages, dead_pointers=len(letters))


def found(house: House, application_url: str, messages: int, *, dead_pointers: int) -> Found:
    handovers = house.execute("SELECT key, state, reference, fence, unsure FROM postroom.handover")
    tickets: dict[str, list[str]] = {}
    for subject, number in execute(application_url, "SELECT subject, number::text FROM ticket"):
        tickets.setdefault(subject, []).append(number)
    of_key = dict(execute(application_url, "SELECT key, ticket::text FROM inbox_key"))
    calls = execute(application_url, "SELECT key, body, verified FROM seen_call")
    bodies: dict[str, set[str]] = {}
    for key, body, _ in calls:
        bodies.setdefault(key, set()).add(body)
    return Found(
        handovers=len(handovers),
        effects=sum(map(len, tickets.values())),
        lost=sum(f"Message {number}" not in tickets for number in range(messages)),
        doubled=sum(len(numbers) > 1 for numbers in tickets.values()),
        wrong_references=sum(each[2] != of_key.get(each[0]) for each in handovers),
        keys_with_two_bodies=sum(len(each) > 1 for each in bodies.values()),
        unverified=sum(not verified for _, _, verified in calls),
        not_done=sum(each[1] not in {"done", "duplicate"} for each in handovers),
        dead_pointers=dead_pointers,
        calls=len(calls),
        unsure=sum(each[4] for each in handovers),
        most_calls=max((each[3] for each in handovers), default=0),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
