"""Runs the parts of Postroom as child processes, starts again what ends, and stops all together.

Rule 1: a part that ends by itself is started again, and that is said.
Rule 2: a part that cannot stay up is not started for ever: then everything stops, and fails.
Rule 3: no part outlives us, not even if we are killed: each watches its standard input, whose other
end we hold (see `parent_is_gone`).
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO

import structlog

from postroom.entrypoints.settings import Settings

PARTS = ("api", "worker", "listener", "maintenance")
"""The commands that together are all of Postroom."""

SUPERVISED = "POSTROOM_SUPERVISED"
log = structlog.get_logger()


class PartFailed(Exception):
    """A part ended again and again; the message says which, and how."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """*parts* are names of commands; *environment* is theirs, and *output*, if it is not ours.

    *grace* is how long they may take to stop. A part that ends *tries* times, each sooner than
    *settled_after*, cannot stay up.
    """

    parts: Sequence[str]
    environment: Mapping[str, str]
    output: IO[bytes] | None = None
    grace: timedelta = timedelta(seconds=30)
    settled_after: timedelta = timedelta(seconds=10)
    tries: int = 3
    children: dict[str, Process] = field(default_factory=dict)

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
        failures = 0
        while failures < self.tries:
            code, lived = await self._run_once(part)
            failures = 1 if lived > self.settled_after else failures + 1
            log.warning("part ended", part=part, exit_code=code)
        raise PartFailed(f"{part} ended {failures} times in a row, last with exit code {code}")

    async def _run_once(self, part: str) -> tuple[int, timedelta]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        child = self.children[part] = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postroom.entrypoints",
            part,
            stdin=PIPE,
            stdout=self.output,
            stderr=self.output,
            env={**os.environ, **self.environment, SUPERVISED: "1"},
        )
        return await child.wait(), timedelta(seconds=loop.time() - begun)

    async def _stop_all(self) -> None:
        running = [child for child in self.children.values() if child.returncode is None]
        for child in running:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
        ends = [asyncio.ensure_future(child.wait()) for child in running]
        if ends:
            await asyncio.wait(ends, timeout=self.grace.total_seconds())
        for child in running:
            if child.returncode is None:
                child.kill()
                await child.wait()


def environment_of(settings: Settings) -> dict[str, str]:
    """What the parts need to use the engines, and the key, of these settings."""
    keys = [key.get_secret_value() for key in settings.secret_keys]
    return {
        "POSTROOM_HOME": str(settings.home),
        "POSTROOM_REDIS_URL": settings.redis_url,
        "POSTROOM_DATABASE_URL": settings.database_url,
        "POSTROOM_SECRET_KEYS": ",".join(keys),
    }


async def _cancel_when(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    await stop.wait()
    for task in tasks:
        task.cancel()


async def parent_is_gone() -> None:
    """Return when the process that supervises us has died; never if nobody does."""
    if not os.environ.get(SUPERVISED):
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
