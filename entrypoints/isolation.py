"""Consumes one claim in a process of its own, so that it can kill nobody else's.

The parent writes the claim to the child's standard input, as a line of JSON, and keeps renewing its
lease. The child says READY when it could begin, and ends with EXIT_AWAY if a store of ours is away:
whatever kills it before the one, or without the other, is no message's fault.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from postroom.application.ports import Claim
from postroom.application.run_suspect import Isolation, ProcessDied
from postroom.domain.failure import StoreUnavailable

COMMAND = "consume-suspect"

READY = b"ready\n"

EXIT_AWAY = 75
"""sysexits.h: EX_TEMPFAIL."""

STARTS_WITHIN = 60.0
"""Seconds. A machine whose memory is short is slow."""


@dataclass(frozen=True, slots=True)
class ChildProcess(Isolation):
    """*pack* makes a line of a claim. *environment* is what the child needs beside ours: the URLs
    of the engines, and the key.
    """

    pack: Callable[[Claim], bytes]
    environment: Mapping[str, str]

    async def __call__(self, claim: Claim) -> None:
        """Raises StoreUnavailable if it could not be tried."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "postroom.entrypoints", COMMAND),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **self.environment},
        )
        try:
            began = await self._begin(child, claim)
            code = await child.wait()
        finally:
            await _kill(child)
        if code == EXIT_AWAY or not began:
            raise StoreUnavailable("a process for a suspect could not begin its work")
        if code:
            raise ProcessDied(_exit(code))

    async def _begin(self, child: Process, claim: Claim) -> bool:
        assert child.stdin
        assert child.stdout
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                child.stdin.write(self.pack(claim))
                await child.stdin.drain()
                return await child.stdout.readline() == READY
        except (TimeoutError, ConnectionError):
            return False


async def _kill(child: Process) -> None:
    if child.returncode is None:
        child.kill()
        await child.wait()


def _exit(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
