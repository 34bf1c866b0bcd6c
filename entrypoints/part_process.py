"""A part as a process of its own, from both of its ends.

No part outlives its supervisor, not even one that is killed: each watches its standard input, whose
other end the supervisor holds.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from postroom.entrypoints.settings import Settings
from postroom.entrypoints.supervisor import Child

SUPERVISED = "POSTROOM_SUPERVISED"


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """Starts the command of a part's name, in this *environment* beside ours.

    It writes to *output*, if not where we do, and inherits the file descriptors *inherited*.
    """

    environment: Mapping[str, str]
    output: IO[bytes] | None = None
    inherited: Sequence[int] = ()

    async def __call__(self, part: str) -> Child:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postroom.entrypoints",
            part,
            stdin=PIPE,
            stdout=self.output,
            stderr=self.output,
            env={**os.environ, **self.environment, SUPERVISED: "1"},
            pass_fds=self.inherited,
        )


def environment_of(settings: Settings) -> dict[str, str]:
    """What the parts need to use the engines, and the key, of these settings."""
    keys = [key.get_secret_value() for key in settings.secret_keys]
    return {
        "POSTROOM_HOME": str(settings.home),
        "POSTROOM_REDIS_URL": settings.redis_url,
        "POSTROOM_DATABASE_URL": settings.database_url,
        "POSTROOM_SECRET_KEYS": ",".join(keys),
    }


async def parent_is_gone() -> None:
    """Return when the process that supervises us has died; never if nobody does."""
    if not os.environ.get(SUPERVISED):
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
