"""Runs the parts of Postroom side by side, starts again what ends, and stops all together.

Rule 1: a part that ends by itself is started again, after a wait that grows while it does not stay
up; and that is logged.
Rule 2: a part that cannot stay up is its own affair: the others go on.
Rule 3: what no restart can put right ends everything: a part whose very first start says that its
settings are wrong, or that its port is taken. Later on that is an end like any other: somebody may
be writing the settings, or give the port back.
"""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from postroom.entrypoints.restarting import Backoff, end_fields
from postroom.entrypoints.settings import WRONG_SETTINGS

PARTS = ("api", "worker", "listener", "maintenance")
"""The commands that together are all of Postroom."""

log = structlog.get_logger()


class PartFailed(Exception):
    """A part cannot run as it is set up; the message says which."""


class Child(Protocol):
    """A part that was started, such as an `asyncio.subprocess.Process`."""

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @property
    @abstractmethod
    def returncode(self) -> int | None:
        """The exit code, or the number of the signal that ended it, negated; None until then."""

    @abstractmethod
    async def wait(self) -> int:
        """Its return code, when it has ended."""

    @abstractmethod
    def terminate(self) -> None:
        """Have it stop in order. Raises ProcessLookupError if it has ended."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once. Raises ProcessLookupError if it has ended."""


Start = Callable[[str], Awaitable[Child]]
"""Starts the part of that name. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """*parts* are names of commands, and *start* starts one (see `ProcessStart`).

    *grace* is how long they may take to stop. Each part gets a *backoff* of its own.
    """

    parts: Sequence[str]
    start: Start
    grace: timedelta = timedelta(seconds=30)
    backoff: Callable[[], Backoff] = Backoff
    children: dict[str, Child] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the parts running until *stop*. Raises PartFailed."""
        failed: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                keepers = [group.create_task(self._keep(part)) for part in self.parts]
                group.create_task(_cancel_when(stop, keepers))
        except* PartFailed as failures:
            failed = failures.exceptions[0]
        finally:
            await self._stop_all()
        if failed:  # raised within `except*`, it would be in a group before Python 3.11.4
            raise failed

    async def _keep(self, part: str) -> None:
        loop, backoff = asyncio.get_running_loop(), self.backoff()
        is_first = True
        while True:
            begun = loop.time()
            event, known = await self._run_once(part)
            if is_first and known.get("exit_code") == WRONG_SETTINGS:
                raise PartFailed(f"{part} cannot run as it is set up: it has said why, above")
            wait, is_first = backoff.after(loop.time() - begun), False
            log.warning(event, part=part, **known, restart_in=wait)
            await asyncio.sleep(wait)

    async def _run_once(self, part: str) -> tuple[str, dict[str, str | int]]:
        """What became of the part, for the log."""
        try:
            child = self.children[part] = await self.start(part)
        except OSError as error:
            return "part not started", {"reason": str(error.strerror)}
        return "part ended", end_fields(await child.wait())

    async def _stop_all(self) -> None:
        running = [child for child in self.children.values() if child.returncode is None]
        for child in running:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        ends = [asyncio.ensure_future(child.wait()) for child in running]
        if ends:
            await asyncio.wait(ends, timeout=self.grace.total_seconds())
        for child in running:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()


async def _cancel_when(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    await stop.wait()
    for task in tasks:
        task.cancel()
