"""Hand over what is due to an application: claim, call, settle; each is committed by itself.

A claim is committed before its calls, so that a call which ends this process is counted. A call is
made outside any transaction: one that hangs holds nobody's connection. Should the store be away
then, what was answered is stored when it is back, as long as the lease lasts; after that another
worker calls with the same key and the same bytes.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import random
from typing import Protocol

from postroom.application.fall_back import FallBack
from postroom.application.ports import (
    Answered,
    ApplicationCaller,
    Call,
    Claimed,
    Handovers,
    Settled,
)
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Answer, Unreachable
from postroom.domain.handover.application import Application

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
"""Seconds between two tries to settle while the store is away."""

SPARE = 2.0
"""Seconds of the lease that are left when settling is given up, so that nobody else has begun."""


class HandoverEvents(Protocol):
    """Hears what becomes of handovers, and of the applications."""

    @abstractmethod
    def called(self, answered: Answered, seconds: float) -> None:
        """A call has ended."""

    @abstractmethod
    def claimed(self, claimed: Claimed) -> None:
        """A claim was committed; some of what was due may have died, or be held, without a call."""

    @abstractmethod
    def settled(self, application: Application, settled: Settled) -> None:
        """What was answered is stored."""

    @abstractmethod
    def unsettled(self, application: Application, count: int, failure: Unavailable) -> None:
        """What was answered could not be stored: *count* calls will be made again."""


@dataclass(frozen=True, slots=True)
class Callers:
    """*by_scheme*: of the destination."""

    by_scheme: Mapping[str, ApplicationCaller]

    def of(self, application: Application) -> ApplicationCaller | None:
        """None: this release does not call such destinations."""
        return self.by_scheme.get(application.scheme)


@dataclass(frozen=True, slots=True)
class HandOver:
    """*draw*, from [0, 1), spreads what waits. Without *fall_back* nobody stands in for anybody."""

    handovers: Handovers
    callers: Callers
    events: HandoverEvents
    fall_back: FallBack | None = None
    draw: Callable[[], float] = field(default=random, repr=False)

    async def claim(self, application: Application, limit: int) -> Claimed:
        """What is to be called with now; of *others*, some may be its fallback's by now.

        While a ping asks whether the application is up again, nothing leaves. If nothing can, what
        was claimed is to be called with all the same. Raises Unavailable.
        """
        standby = await self.fall_back.standby(application) if self.fall_back else None
        alone = application if standby else replace(application, fallback="")
        claimed = await self.handovers.claim(alone, limit)
        if self.fall_back and standby and not claimed.ping:
            moved = await self.fall_back(application, standby)
            claimed = replace(claimed, others=[*claimed.others, *moved])
        self.events.claimed(claimed)
        return claimed

    def batch(self, application: Application) -> int:
        """How many messages one call takes."""
        caller = self.callers.of(application)
        return caller.batch if caller else 1

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answered]:
        """Make one call, with as many messages as it takes."""
        began = _now()
        answers = await self._answers(application, calls)
        answered = [
            Answered(call.handover, answer) for call, answer in zip(calls, answers, strict=True)
        ]
        for each in answered:
            self.events.called(each, _now() - began)
        return answered

    async def _answers(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        caller = self.callers.of(application)
        if caller is None:
            reason = f"this release does not call {application.scheme}: destinations"
            return [Unreachable(reason=reason)] * len(calls)
        return await caller.call(application, calls)

    async def settle(
        self, application: Application, answers: Sequence[Answered], *, lease_ends: float
    ) -> None:
        """Store *answers*, to calls whose last lease ends then by the loop's clock.

        Gives up shortly before that.
        """
        give_up = lease_ends - SPARE
        wait = FIRST_WAIT
        while True:
            try:
                settled = await self.handovers.settle(application, answers, draw=self.draw())
            except Unavailable as failure:
                if _now() + wait > give_up:
                    self.events.unsettled(application, len(answers), failure)
                    return
            else:
                self.events.settled(application, settled)
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def ping(self, application: Application, began: datetime) -> None:
        """Ask whether the application takes calls, and store that. Raises Unavailable.

        *began* is `ping` of the claim.
        """
        caller = self.callers.of(application)
        if caller is None:
            return
        answer = await caller.ping(application)
        settled = await self.handovers.pinged(application, answer, began=began, draw=self.draw())
        self.events.settled(application, settled)


def _now() -> float:
    return asyncio.get_running_loop().time()
