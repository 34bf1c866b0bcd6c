"""Sign-ins, in threads of their own, since the libraries that make them block.

Rule 1  No sign-in holds its thread for long: its requests are made in the loop, and bounded there
        (`exchange_from_thread`).
Rule 2  An application has one sign-in under way, or MAX_FLIGHTS once its authority has answered it.
Rule 3  An application whose authority has failed is left alone for a while: whoever wants to sign
        in meanwhile meets that failure at once.

An application is what signs in, at one authority. So an authority that hangs for one customer's
application holds one thread, for some seconds of each minute, and nobody else's sign-in.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from postroom.adapters.http.exchange import translated
from postroom.application.ports import Clock
from postroom.domain.circuit import FIRST_PROBE, SHARE
from postroom.domain.failure import Failure, Unavailable

MAX_FLIGHTS = 4

LONGEST_WAIT = timedelta(minutes=1)
"""So long at most a failed application is left alone: a person may be waiting, too."""

_NO_TIME = datetime.min.replace(tzinfo=UTC)

ResultT = TypeVar("ResultT")


class SignIns:
    """Runs them in *threads*."""

    def __init__(self, threads: Executor, clock: Clock) -> None:
        self._threads = threads
        self._applications: defaultdict[Hashable, _Application] = defaultdict(
            lambda: _Application(clock)
        )

    async def run(
        self,
        application: Hashable,
        request: Callable[[], ResultT],
        *,
        peer: str,
        deadline: timedelta,
    ) -> ResultT:
        """What *request* returns, which blocks. Raises what it does, and Unavailable."""
        async with self._applications[application].turn():
            with translated(peer):
                async with asyncio.timeout(deadline.total_seconds()):
                    return await asyncio.get_running_loop().run_in_executor(self._threads, request)


@dataclass(slots=True)
class _Application:
    """It has been failing *since* then if there is a *failure*, and is left alone *until* then."""

    clock: Clock
    flights: int = 0
    has_answered: bool = False
    failure: Unavailable | None = None
    since: datetime = _NO_TIME
    until: datetime = _NO_TIME
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A sign-in is the block. Raises Unavailable at once while it is left alone."""
        async with self.changed:
            await self.changed.wait_for(self._may_go_on)
            self._raise_if_left_alone()
            self.flights += 1
        try:
            yield
        except Unavailable as failure:
            self._failed(failure)
            raise
        except Failure:  # whatever it says, it says something
            self._answered()
            raise
        else:
            self._answered()
        finally:
            self.flights -= 1
            async with self.changed:
                self.changed.notify_all()

    def _may_go_on(self) -> bool:
        return self.flights < (MAX_FLIGHTS if self.has_answered else 1) or bool(self._wait())

    def _wait(self) -> timedelta | None:
        wait = self.until - self.clock.now()
        # Where the clock has been set back, it is over.
        return wait if self.failure and timedelta() < wait <= LONGEST_WAIT else None

    def _raise_if_left_alone(self) -> None:
        if self.failure and (wait := self._wait()):
            answered = self.failure.answered
            raise Unavailable(self.failure.reason, retry_after=wait, answered=answered)

    def _failed(self, failure: Unavailable) -> None:
        now = self.clock.now()
        if self.failure is None:
            self.since = now
        self.failure, self.has_answered = failure, False
        self.until = now + min(max((now - self.since) / SHARE, FIRST_PROBE), LONGEST_WAIT)

    def _answered(self) -> None:
        self.failure, self.has_answered = None, True
