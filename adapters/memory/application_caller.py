"""Applications that do not leave the process, and do what a test wants of them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed
from postroom.domain.handover.application import Application

Behaviour = Callable[[Application, Call | None], Awaitable[Answer | None]]
"""What an application does of a call, or of a ping (None), before it takes that: it may wait, and
answer otherwise. None: it takes it."""


async def takes_all(_application: Application, _call: Call | None) -> Answer | None:
    """An application without faults."""
    return None


class InMemoryApplicationCaller(ApplicationCaller):
    """The applications store the keys of what they took: a second call of a key is a duplicate.

    *calls* are all that were begun, and *effects* the keys that each application has taken, in
    order. A call whose answer gets lost is one whose *behaviour* does `take` it, and then fails.
    """

    def __init__(self, batch: int = 1, behaviour: Behaviour = takes_all) -> None:
        self._batch = batch
        self.behaviour = behaviour
        self.calls: list[tuple[Application, Call]] = []
        self.effects: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    @property
    def batch(self) -> int:
        return self._batch

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        return [await self._call(application, each) for each in calls]

    async def ping(self, application: Application) -> Answer:
        return await self._answer(application, None) or Done(status=200)

    def take(self, application: Application, call: Call) -> Answer:
        """The effect of *call*, unless its key is known."""
        taken, key = self.effects[application.tenant, application.name], call.handover.key
        if key in taken:
            return Duplicate(status=208, reference=_reference(taken, key))
        taken.append(key)
        return Done(status=200, reference=_reference(taken, key))

    async def _call(self, application: Application, call: Call) -> Answer:
        self.calls.append((application, call))
        return await self._answer(application, call) or self.take(application, call)

    async def _answer(self, application: Application, call: Call | None) -> Answer | None:
        try:
            async with asyncio.timeout(application.timeout.total_seconds()):
                return await self.behaviour(application, call)
        except TimeoutError:
            return Failed(reason="the application did not answer in time", sure=False)


def _reference(taken: Sequence[str], key: str) -> str:
    return str(1 + taken.index(key))
