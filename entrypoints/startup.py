"""A part whose stores are away when it starts waits for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from postroom.application.ports import HealthCheck
from postroom.domain.failure import Failure
from postroom.entrypoints.settings import NotReady

SCHEMA = "migrations"
"""The check whose complaint, if it is the only one, no waiting mends."""

TIME_LIMIT = 10.0
"""Seconds that one check may take: longer than the waits within it, whose reasons say more."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

Sleep = Callable[[float], Awaitable[object]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Complaint:
    check: str
    reason: str


async def until_ready(checks: Sequence[HealthCheck], sleep: Sleep = asyncio.sleep) -> None:
    """Return when all *checks* pass. Raises NotReady if the schema is another release's."""
    begun, pause, waiting = asyncio.get_running_loop().time(), FIRST_PAUSE, False
    while complaint := await _first_complaint(checks):
        if complaint.check == SCHEMA:
            raise NotReady(complaint.reason)
        if not waiting:
            log.warning("waiting until ready", check=complaint.check, reason=complaint.reason)
        waiting = True
        await sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    if waiting:
        seconds = asyncio.get_running_loop().time() - begun
        log.info("ready after a wait", seconds=round(seconds, 1))


async def _first_complaint(checks: Sequence[HealthCheck]) -> _Complaint | None:
    for check in checks:
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await check()
        except Failure as failure:
            return _Complaint(check.name, failure.reason)
        except TimeoutError:
            return _Complaint(check.name, f"no answer in {TIME_LIMIT:g} seconds")
    return None
