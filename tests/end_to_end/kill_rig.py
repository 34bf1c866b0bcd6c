"""Kills either side at random while messages are handed over, and counts what has come of them.

The application has a database of its own, on the server that crashes, and its receiver fails as
well (`tests/receivers/faulty.py`). All draws are of one seed, but not the moments: those are the
machine's.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from postroom.adapters.embedded import EmbeddedPostgres
from postroom.entrypoints.demo.messages import identity_of
from tests.end_to_end.handover_rig import Database, House, Part, crash, restart
from tests.end_to_end.processes import free_port
from tests.receivers.calls import PATH, SECRET
from tests.receivers.faulty import SCHEMA
from tests.receivers.programs import RECEIVERS
from tests.receivers.rig import database_for_receivers

ROOT = Path(__file__).parents[2]
WORKERS = ("worker-a", "worker-b")
TIMEOUT = timedelta(seconds=1)
FAULTS = 0.05

LOOK_EVERY = 0.3
"""Seconds between two looks at what has ended: the processes need the machine more."""

IDLE = 15
"""Seconds after which a process that was started, and finds nothing to do, is killed as well."""

_HANDOVERS = """
SELECT key, identity, state, reference, fence, unsure FROM postroom.handover
WHERE job_id IS NOT NULL
"""
_OPEN = """
SELECT (SELECT count(*) FROM postroom.handover WHERE ended_at IS NULL)
    + (SELECT count(*) FROM postroom.event)
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """*life* is the mean of the seconds from a process's first deed to its death.

    An *effect* takes up to so many seconds. *spoilt_by* is a folder with a `sitecustomize.py` that
    makes workers wrong. A control ends as soon as a message is lost, or doubled.
    """

    messages: int
    kills: int
    crashes: int = 0
    receiver: str = "litestar_receiver:app"
    victims: frozenset[str] = frozenset({"receiver", *WORKERS})
    life: float = 1.5
    faults: float = FAULTS
    seed: int = 0
    effect: float = 0.04
    spoilt_by: Path | None = None
    is_control: bool = False
    most: float = 600
    """Seconds until all must have ended."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """*lost* are messages that the application has taken, by its own word, without an effect.

    *calls* are those that it saw, and *unsure* those whose end Postroom did not know.
    """

    handovers: int
    effects: int
    lost: int
    doubled: int
    wrong_references: int
    keys_with_two_bodies: int
    unverified: int
    not_done: int
    calls: int
    unsure: int
    most_calls: int
    dead_pointers: int = 0


class _Handover(NamedTuple):
    key: str
    identity: str
    state: str
    reference: str
    fence: int
    unsure: int


@dataclass
class Done:
    """What was done to them."""

    kills: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    pointers: int = 0
    seconds: float = 0

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def new_application(server_url: str, plan: Plan) -> Database:
    database = Database(database_for_receivers(server_url))
    database.execute(SCHEMA.format(seconds=plan.effect))
    return database


def a_receiver(plan: Plan, database_url: str, home: Path, port: int) -> Part:
    command = [sys.executable, "-m", "uvicorn", "tests.receivers.faulty:app"]
    return Part(
        "receiver",
        [*command, "--port", str(port)],
        {
            "DATABASE_URL": database_url,
            "POSTROOM_SECRET": SECRET,
            "RECEIVER": plan.receiver,
            "FAULTS": str(plan.faults),
            "TIMEOUT": str(TIMEOUT.total_seconds()),
            "PYTHONPATH": f"{ROOT}:{RECEIVERS}",
        },
        home,
        lambda it: b"Uvicorn running" in it.said,
    )


def a_worker(name: str, house: House, plan: Plan) -> Part:
    worker = house.worker(name)
    environment = {**worker.environment, "PYTHONPATH": str(plan.spoilt_by or "")}
    return replace(worker, environment=environment)


def has_begun(part: Part) -> bool:
    """Whether it has done something since it was started."""
    signs = (b"POST", b'"claimed"', b'"reclaimed"', b'"handed over"')
    return any(sign in part.said for sign in signs)


class KillRun:
    """*also* are processes that are started and killed as well."""

    def __init__(
        self, house: House, postgres: EmbeddedPostgres, plan: Plan, also: Sequence[Part] = ()
    ) -> None:
        self._house, self._postgres, self._plan = house, postgres, plan
        self._dice = Random(plan.seed)
        self._port = free_port()
        self._database = new_application(postgres.url, plan)
        receiver = a_receiver(plan, self._database.url, house.home, self._port)
        self._parts = (receiver, *(a_worker(name, house, plan) for name in WORKERS), *also)
        self._due: dict[str, float] = {}
        """When a process is started that is dead, or killed that works, by its name."""
        self._ready: dict[str, float] = {}
        self._again: list[tuple[int, int]] = []
        """Pointers that come once more: after so many kills, of which message."""
        self._announced = 0
        self._looked_at = 0.0
        self.done = Done(kills={part.name: 0 for part in self._parts})

    async def __call__(self) -> Found:
        await self._house.route_to(f"http://127.0.0.1:{self._port}{PATH}", answers_within=TIMEOUT)
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
        letters = (await self._house.wired.queue.dead_letters()).letters
        with closing(self._database):
            return replace(found(self._house, self._database), dead_pointers=len(letters))

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
                self._ready.pop(name, None)
                self._due.pop(name, None)
        elif name not in self._ready:
            if part.is_ready(part):
                self._ready[name] = now
        elif name not in self._due:
            if has_begun(part) or now - self._ready[name] > IDLE:
                self._due[name] = now + self._dice.expovariate(1 / self._plan.life)
        elif now >= self._due[name] and self._may_kill(name):
            part.kill()
            self.done.kills[name] += 1
            self._due[name] = now + 0.3 * self._dice.random()

    def _may_kill(self, name: str) -> bool:
        return name in self._plan.victims and self.done.total < self._plan.kills

    def _count(self, statement: str) -> int:
        [(count,)] = self._house.execute(statement)
        return int(count)

    def _is_wrong(self) -> bool:
        so_far = found(self._house, self._database)
        return bool(so_far.lost or so_far.doubled)

    async def _is_over(self) -> bool:
        if _now() < self._looked_at + LOOK_EVERY:
            return False
        self._looked_at = _now()
        self._house.hurry()
        if self._plan.is_control and self._is_wrong():
            return True
        if self.done.total < self._plan.kills or self._announced < self._plan.messages:
            return False
        if self._again or self._count(_OPEN):
            return False
        return not await self._house.wired.queue.statistics()


def found(house: House, application: Database) -> Found:
    handovers = [_Handover(*row) for row in house.execute(_HANDOVERS)]
    tickets = tickets_of(application)
    of_key = dict(application.execute("SELECT key, ticket::text FROM inbox_key"))
    calls = application.execute("SELECT key, body, verified FROM seen_call")
    bodies: dict[str, set[str]] = {}
    for key, body, _ in calls:
        bodies.setdefault(key, set()).add(body)
    ended = [each for each in handovers if each.state in ("done", "duplicate")]
    return Found(
        handovers=len(handovers),
        effects=sum(map(len, tickets.values())),
        lost=sum(each.identity not in tickets for each in ended),
        doubled=sum(len(numbers) > 1 for numbers in tickets.values()),
        wrong_references=sum(each.reference != of_key.get(each.key) for each in ended),
        keys_with_two_bodies=sum(len(each) > 1 for each in bodies.values()),
        unverified=sum(not verified for _, _, verified in calls),
        not_done=len(handovers) - len(ended),
        calls=len(calls),
        unsure=sum(each.unsure for each in handovers),
        most_calls=max((each.fence for each in handovers), default=0),
    )


def tickets_of(application: Database) -> dict[str, list[str]]:
    """The numbers of the tickets of each message, by its identity."""
    tickets: dict[str, list[str]] = {}
    for subject, number in application.execute("SELECT subject, number::text FROM ticket"):
        identity = identity_of(f"m{subject.removeprefix('Message ')}")
        tickets.setdefault(identity, []).append(number)
    return tickets


def _now() -> float:
    return asyncio.get_running_loop().time()
