"""What would be a process of the operating system: its tasks live and die together.

A process is a context variable. To kill one is to run none of its handles any more (see loop.py),
and to end its coroutines where they stand: locks are freed and transactions rolled back, and no
`finally` of theirs can do any I/O, since the network refuses the dead.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, Protocol

_MANY = 256
"""Tasks, after which those that have ended are forgotten."""


class Killed(asyncio.CancelledError):
    """Ends a coroutine of a process that was killed."""


class Connection(Protocol):
    """What the system closes when a process dies."""

    def abort(self) -> None: ...


class SteadyTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it lies in memory."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, number: int, **options: Any) -> None:  # noqa: ANN401
        self.number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number


def name_of(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "?")


@dataclass(eq=False)
class Process:
    """*skew* is how far its clock is ahead. *steps* is how many more calls it lives for (0: ever).

    *release* is the version of Postroom that it runs. *stalls* are those that it has begun, each
    with its end. *stalls_after* is how many more calls it makes before the next, and when that
    ends; *stalls_calling* is the same in calls of applications.
    """

    name: str
    on_death: Callable[[], None]
    skew: timedelta = timedelta()
    release: int = 0
    dead: bool = False
    steps: int = 0
    stalls: list[tuple[float, float]] = field(default_factory=list)
    stalls_after: tuple[int, float] | None = None
    stalls_calling: tuple[int, float] | None = None
    tasks: dict[SteadyTask, Context] = field(default_factory=dict, repr=False)
    connections: dict[Connection, None] = field(default_factory=dict, repr=False)
    children: dict["Process", None] = field(default_factory=dict, repr=False)
    pools: dict[object, Any] = field(default_factory=dict, repr=False)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run *work*, and whatever it starts, as a part of this process."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def owns(self, task: SteadyTask, context: Context) -> None:
        """Python 3.11 shows no task's context, which is needed to end the task."""
        if len(self.tasks) > _MANY:
            self.tasks = {each: its for each, its in self.tasks.items() if not each.done()}
        self.tasks[task] = context

    @property
    def unfinished(self) -> list[SteadyTask]:
        return [task for task in self.tasks if not task.done()]

    def kill(self) -> None:
        """At an await of each of its tasks. Not to be called by one of them: see `die`."""
        self.dead = True
        self.on_death()
        ended: set[SteadyTask] = set()
        while left := [task for task in self.unfinished if task not in ended]:
            for task in left:  # and those that were started to clean up
                ended.add(task)
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _end(task.get_coro(), self.tasks[task])
        for connection in list(self.connections):
            connection.abort()
        for child in [child for child in self.children if not child.dead]:
            child.kill()

    def check(self) -> None:
        """To be called before whatever a process that is dead cannot do."""
        if self.dead:
            raise Killed

    async def step(self) -> None:
        """To be awaited before whatever others could notice."""
        self.check()
        if self.steps:
            self.steps -= 1
            if not self.steps:
                await self.die()
        if self.stalls_after:
            steps, until = self.stalls_after
            self.stalls_after = (steps - 1, until) if steps > 1 else None
            await self._stall(until, begins=steps <= 1)

    async def step_in_call(self) -> None:
        """The same, of a call of an application."""
        if self.stalls_calling:
            steps, until = self.stalls_calling
            self.stalls_calling = (steps - 1, until) if steps > 1 else None
            await self._stall(until, begins=steps <= 1)
        await self.step()

    async def _stall(self, until: float, *, begins: bool) -> None:
        now = asyncio.get_running_loop().time()
        if begins and now < until:
            self.stalls.append((now, until))
            await asyncio.sleep(0)  # from which it returns when the stall is over
            self.check()

    @property
    def stalled_until(self) -> float:
        """0 if it never was."""
        return self.stalls[-1][1] if self.stalls else 0.0

    def stalled_since(self, moment: float) -> float:
        """For how many seconds it has been stalled since then, at the longest."""
        return max((ends - max(began, moment) for began, ends in self.stalls), default=0.0)

    async def die(self) -> None:
        """Never returns."""
        self.dead = True
        asyncio.get_running_loop().call_soon(self.kill, context=Context())
        await asyncio.Future()


def _end(coroutine: Any, context: Context) -> None:  # noqa: ANN401 - the stubs differ
    """Throw until it ends: what it awaits to clean up never comes.

    A task group waits for its tasks, however often it is cancelled: hence the other error.
    """
    for error in chain([Killed], repeat(GeneratorExit, _MANY)):
        try:
            context.run(coroutine.throw, error())
        except BaseException:  # noqa: BLE001 - however it ended
            return


PROCESS: ContextVar[Process | None] = ContextVar("simulated_process", default=None)


def this_process() -> Process:
    process = PROCESS.get()
    assert process, "only a process does that"
    return process
