"""Applications of the user's, as a scenario has them behave."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.adapters.webhook.answers import answer_of
from postroom.application.accept_handover import CopyEvents
from postroom.application.fall_back import FallBack, FallbackEvents
from postroom.application.hand_over import Callers, HandOver, HandoverEvents
from postroom.application.ports import (
    Answered,
    Call,
    Claimed,
    EmailProcessor,
    HandoverFilter,
    HandoverRecord,
    Prepared,
    Settled,
)
from postroom.application.route_message import RouteMessage
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Answer, Done, Failed, Unreachable
from postroom.domain.handover.application import Application
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Skipped
from postroom.domain.pointer import PointerJob
from tests.features.rigs import Rig

NAME, COPY, SUBSCRIBER = "crm", "archive", "audit"

EVERYTHING = 1000

TIMED_OUT = "timed out"
_NO_ANSWER: dict[str, Answer] = {
    "connection refused": Unreachable(reason="connection refused"),
    TIMED_OUT: Failed(reason="the application did not answer in time", sure=False),
}


class UnheardHandovers(HandoverEvents, FallbackEvents, CopyEvents):
    def called(self, _answered: Answered, _seconds: float) -> None: ...

    def claimed(self, _claimed: Claimed) -> None: ...

    def settled(self, _application: Application, _settled: Settled) -> None: ...

    def unsettled(self, _application: Application, _count: int, _failure: Unavailable) -> None: ...

    def left_out(self, _copy: str, _mailbox: Mailbox, _reason: str) -> None: ...

    def no_fallback(self, _application: Application, _reason: str) -> None: ...


@dataclass(frozen=True)
class LookedUpAnew(EmailProcessor):
    """A router that remembers nothing: the time of a scenario is not that of its loop."""

    router: RouteMessage

    async def obstacle(self, mailbox: Mailbox) -> str:
        return await replace(self.router).obstacle(mailbox)

    async def prepare(
        self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob
    ) -> Prepared | Skipped:
        return await replace(self.router).prepare(mailbox, inbound, job)


@dataclass
class Applications:
    """*failure* is how all calls end, while there is one; *subscriber_failure* is of subscribers.

    *lost* is how many calls have their effect, and are cut off before the answer. *refused* has
    what is answered to messages of these keys. What is *unharmed* is up whatever befalls others.
    """

    rig: Rig
    tenant: str
    failure: str = ""
    subscriber_failure: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    unharmed: set[str] = field(default_factory=set)
    added: list[Application] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.caller = InMemoryApplicationCaller(behaviour=self._behave)
        callers = Callers({"https": self.caller})
        self.hand_over = HandOver(
            self.rig.handovers,
            callers,
            UnheardHandovers(),
            FallBack(self.rig.applications, self.rig.handovers, UnheardHandovers()),
            draw=lambda: 0.0,
        )

    async def add(self, name: str = NAME, **settings: object) -> None:
        application = Application(
            tenant=self.tenant,
            name=name,
            destination=f"https://{name}.example/inbound",
            added_at=self.rig.clock.now(),
            **settings,  # type: ignore[arg-type]
        )
        await self.rig.applications.add(application)
        self.added.append(application)

    async def hand_over_due(self) -> None:
        """All that is due by now, and what that makes due: what becomes of mail is an event."""
        for application in sorted(self.added, key=lambda each: each.is_subscriber):
            await self.rig.outbox.distribute(EVERYTHING)
            while True:
                claimed = await self.hand_over.claim(application, application.in_flight)
                if claimed.ping:
                    await self.hand_over.ping(application, claimed.ping)
                if not (claimed.calls or claimed.others):
                    break
                await self._call(application, claimed.calls)

    async def _call(self, application: Application, calls: Sequence[Call]) -> None:
        answers = await self.hand_over.call(application, calls)
        if self._failure_of(application) == TIMED_OUT:
            self.rig.clock.advance(application.timeout)
        await self.hand_over.settle(application, answers, lease_ends=0.0)

    async def call_once(self) -> None:
        """The first application, with one message."""
        claimed = await self.hand_over.claim(self.added[0], 1)
        await self._call(self.added[0], claimed.calls)

    async def _behave(self, application: Application, call: Call | None) -> Answer | None:
        if failure := self._failure_of(application):
            return self._read(failure)
        if call is None:
            return Done(status=200)
        if self.lost:
            self.lost -= 1
            self.caller.take(application, call)
            return self._read(TIMED_OUT)
        refused = self.refused.get(call.handover.key)
        return self._read(refused) if refused else None

    def _failure_of(self, application: Application) -> str:
        if application.is_subscriber:
            return self.subscriber_failure
        return "" if application.name in self.unharmed else self.failure

    def _read(self, failure: str) -> Answer:
        """As the adapter reads it: a status, or that there was none."""
        now = self.rig.clock.now()
        return _NO_ANSWER.get(failure) or answer_of(int(failure), {}, b"", now)

    # --- What can be seen ---

    def effects(self, name: str = NAME) -> list[str]:
        return self.caller.effects[self.tenant, name]

    def calls(self, name: str = NAME) -> list[Call]:
        return [call for application, call in self.caller.calls if application.name == name]

    async def handovers(self, name: str = NAME) -> Sequence[HandoverRecord]:
        """From the first accepted to the last."""
        chosen = HandoverFilter(tenant=self.tenant, application=name)
        found = await self.rig.handover_records.find(chosen, limit=10_000)
        return list(reversed(found))
