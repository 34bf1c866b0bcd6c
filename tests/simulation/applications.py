"""Applications that mail is handed over to: each keeps the keys of what it took while it can.

What of a call is lost, and when, is drawn: before its effect, or after it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from postroom.adapters.webhook.answers import answer_of
from postroom.application.ports import ApplicationCaller, Call
from postroom.domain.handover.answer import Answer, Failed, Unreachable
from postroom.domain.handover.application import Application, Role
from tests.simulation.clocks import true_time
from tests.simulation.mailboxes import EPOCH
from tests.simulation.network import TOO_MANY
from tests.simulation.plan import Kind
from tests.simulation.process import Process
from tests.simulation.trace import Trace
from tests.simulation.weather import Weather

APPLICATION_OF = {
    "acme/desk": "crm",
    "acme/info": "erp",
    "beta/desk": "crm",
    "beta/post": "desk",
    "gamma/info": "desk",
    "gamma/desk": "erp",
}
"""By lane; the mail of other mailboxes goes to the help desk."""

SUBSCRIBER = "audit"

NAMES = tuple(dict.fromkeys(APPLICATION_OF.values()))
TARGETS = tuple(f"app.{name}" for name in NAMES)

STATUSES = ("500", "502", "503", "404", "400", "401", "422", "410", "429", "302")
"""What an application answers that is broken in one way."""

ANY_STATUS = (*STATUSES, "409", "408", "207", "200")
"""What one answers that is broken in all ways: one call in each, whatever it has done."""

LATENCY = 0.05
"""Seconds that one way takes on average."""

ONE_AT_A_TIME = "one call of a message at a time"

LEASE = timedelta(seconds=45)

SURELY_LEASED = LEASE.total_seconds() - 1.0
"""Seconds after its call has begun: that was some moments after the lease."""


@dataclass
class Peer:
    """*effects* are the keys that it took, as often as it did. *known* are those that it knows.

    *events* are what a subscriber took, by their ids.
    """

    effects: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    calls: list[float] = field(default_factory=list)
    under_way: dict[str, float] = field(default_factory=dict)
    events: dict[str, bytes] = field(default_factory=dict)

    def take(self, key: str) -> bool:
        """Whether it was new."""
        if key in self.known:
            return False
        self.known.add(key)
        self.effects.append(key)
        return True


@dataclass
class Peers:
    trace: Trace
    by_name: defaultdict[str, Peer] = field(default_factory=lambda: defaultdict(Peer))

    def forget_keys(self, target: str) -> None:
        self.by_name[target.removeprefix("app.")].known.clear()


@dataclass(frozen=True)
class SimulatedCaller(ApplicationCaller):
    """Calls from *process*."""

    process: Process
    peers: Peers
    weather: Weather
    random: Random

    @property
    def batch(self) -> int:
        return 1

    async def ping(self, application: Application) -> Answer:
        return await self._within(application, "")

    async def call(self, application: Application, calls: Sequence[Call]) -> Sequence[Answer]:
        [call] = calls
        key, peer = call.handover.key, self.peers.by_name[application.name]
        now = asyncio.get_running_loop().time()
        began = peer.under_way.get(key, -LEASE.total_seconds())
        if now - began < SURELY_LEASED and not self.process.stalls:
            self.peers.trace.violate(ONE_AT_A_TIME, f"{application.name} has two")
        peer.under_way[key] = now
        try:
            answer = await self._within(application, key)
            if application.is_subscriber and key in peer.known:
                peer.events[key] = call.body
            return [answer]
        finally:
            if peer.under_way.get(key) == now:
                del peer.under_way[key]

    async def _within(self, application: Application, key: str) -> Answer:
        try:
            async with asyncio.timeout(application.timeout.total_seconds()):
                return await self._exchange(application, key)
        except TimeoutError:
            return Failed(reason="the application did not answer in time", sure=False)

    async def _exchange(self, application: Application, key: str) -> Answer:
        peer, target = self.peers.by_name[application.name], f"app.{application.name}"
        await self._travel()
        peer.calls.append(asyncio.get_running_loop().time())
        if refusal := await self._refusal(target):
            return refusal
        is_new = bool(key) and peer.take(key)
        answer = answer_of(self._status(target, is_new=is_new), {}, b"", true_time())
        await self._travel()
        for fault in self.weather.of(target):
            if fault.kind is Kind.DRIPS:
                await asyncio.Future()
            if fault.kind is Kind.REFUSES:
                return Failed(reason="the connection was lost", sure=False)
        return answer

    async def _refusal(self, target: str) -> Answer | None:
        """What it answers before it does anything."""
        for fault in self.weather.of(target):
            match fault.kind:
                case Kind.REFUSES:
                    return Unreachable(reason="connection refused")
                case Kind.FLAPS if self.random.random() < TOO_MANY:
                    return Unreachable(reason="connection refused")
                case Kind.HANGS:
                    await asyncio.Future()
                case Kind.SLOW:
                    await asyncio.sleep(fault.degree)
                case Kind.ERRS:
                    return answer_of(int(fault.form), {}, b"", true_time())
                case Kind.LIES if self.random.random() < TOO_MANY / 2:
                    status = self.random.choice(STATUSES)
                    return answer_of(int(status), {}, b"", true_time())
                case _:
                    pass
        return None

    def _status(self, target: str, *, is_new: bool) -> int:
        """Of what was done. Some applications answer a key that they know as they did before."""
        if self.weather.has(Kind.LIES, target):
            return int(self.random.choice(ANY_STATUS))
        return 201 if is_new else self.random.choice((200, 208))

    async def _travel(self) -> None:
        await self.process.step_in_call()
        await asyncio.sleep(self.random.expovariate(1 / LATENCY))


def applications() -> list[Application]:
    return [
        Application(
            tenant="", name=name, destination=f"https://{name}.example/inbound", added_at=EPOCH
        )
        for name in NAMES
    ]


def subscriber() -> Application:
    """It is well at all times; those that call it are not."""
    return Application(
        tenant="",
        name=SUBSCRIBER,
        destination=f"https://{SUBSCRIBER}.example/events",
        role=Role.SUBSCRIBER,
        added_at=EPOCH,
    )
