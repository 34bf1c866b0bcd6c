"""Call an application with samples, and remember what each call came to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from postroom.application.check_application import CheckApplication, Sample
from postroom.application.ports import ApplicationCaller, Call, Clock
from postroom.application.render_sample import DEFAULT_TENANT, MAILBOX
from postroom.domain.handover.answer import Answer, Done
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import Handover, State


@dataclass(frozen=True, slots=True)
class Tried:
    """One call: *what* it was for, what was answered, and after how many seconds."""

    what: str
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class TryApplication:
    """*forger* is the application with a secret that it does not know; None where none is used."""

    application: Application
    forger: Application | None
    caller: ApplicationCaller
    clock: Clock
    tried: list[Tried] = field(default_factory=list)

    async def __call__(self, one: Sample, another: Sample) -> Sequence[str]:
        """What is wrong, a sentence each. Of an inbox table that is whether it takes a row."""
        if self.forger is None:
            return await self._put_in(one)

        async def send(sample: Sample, *, forged: bool = False) -> Answer:
            return await self._call(sample, self._what(sample, one, forged=forged), forged=forged)

        return await CheckApplication(send)(one, another)

    async def _put_in(self, sample: Sample) -> Sequence[str]:
        answer = await self._call(sample, "a row")
        return [] if isinstance(answer, Done) else ["The row was not taken."]

    async def _call(self, sample: Sample, what: str, *, forged: bool = False) -> Answer:
        application = self.forger if forged and self.forger else self.application
        began = _now()
        [answer] = await self.caller.call(application, [self.call_of(sample)])
        self.tried.append(Tried(what, answer, _now() - began))
        return answer

    def _what(self, sample: Sample, one: Sample, *, forged: bool) -> str:
        if forged:
            return "the key again, signed with another secret"
        if sample is not one:
            return "another key, several times at once"
        return "the key again" if self.tried else "a key"

    def call_of(self, sample: Sample) -> Call:
        now = self.clock.now()
        handover = Handover(
            tenant=self.application.tenant or DEFAULT_TENANT,
            application=self.application.name,
            key=sample.key,
            mailbox=MAILBOX,
            identity=sample.key,
            received_at=now,
            accepted_at=now,
            state=State.CALLING,
            due_at=now,
            fence=1,
        )
        return Call(handover, sample.body)


def _now() -> float:
    return asyncio.get_running_loop().time()
