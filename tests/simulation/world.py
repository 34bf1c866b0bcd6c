"""All that lies around Postroom: the providers' mailboxes, their notices, and its own stores."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from random import Random

from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.domain.folder_sync import FolderSync
from tests.simulation.applications import APPLICATION_OF, TARGETS, Peers, applications, subscriber
from tests.simulation.arrivals import Arrived, Notice
from tests.simulation.clocks import TrueClock
from tests.simulation.mailboxes import PLACES
from tests.simulation.plan import Fault, Kind, Mail, Nature, Plan
from tests.simulation.providers import Outside
from tests.simulation.stores import Stores
from tests.simulation.trace import Trace
from tests.simulation.weather import Weather

SENT_AGAIN = (10.0, 30.0, 60.0, 300.0)
"""Seconds after which a provider sends a notice again that was not taken; later every OFTEN.

Graph does so for four hours, and Pub/Sub for seven days: longer than a run.
"""

OFTEN = 600.0

CURSORS = "cursors follow the queue"
FORWARD = "positions never go back"
ACCEPTED = "accepted means queued"

Post = Callable[[Notice], Awaitable[bool]]
"""Send a notice to the API; whether it was taken."""


@dataclass
class World:
    plan: Plan
    random: Random
    weather: Weather
    trace: Trace
    outside: Outside
    arrived: list[Arrived] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    """Lanes whose mailboxes a person has removed."""
    was_down: bool = False
    """Whether Postroom has given itself up meanwhile."""

    def __post_init__(self) -> None:
        self.clock = TrueClock()
        self.stores = Stores(self.clock, self.trace.violate)
        self.peers = Peers(self.trace)
        self._reached: dict[str, int] = {}

    def of(self, lane: str) -> list[Arrived]:
        return [each for each in self.arrived if each.mail.lane == lane]

    async def open_mailboxes(self) -> None:
        self.mailboxes = {lane: self.outside.mailbox(lane) for lane in PLACES}
        registry = InMemoryMailboxRegistry(self.stores.database)
        for lane, mailbox in self.mailboxes.items():
            name = APPLICATION_OF.get(lane, "") if self.plan.handed_over else ""
            await registry.add(replace(mailbox, application=name))
        for application in (*applications(), subscriber()):
            await InMemoryApplications(self.stores.database).add(application)

    # --- What is done to what is stored, here and there ---

    async def strike(self, fault: Fault) -> None:
        mailbox = self.mailboxes.get(fault.target)
        match fault.kind:
            case Kind.LOSES_ALL if fault.target in TARGETS:
                self.peers.forget_keys(fault.target)
            case Kind.LOSES_ALL:
                self.stores.lose_queue()
            case Kind.DROPS_SUBSCRIPTIONS if mailbox:
                await self.outside.drop_subscriptions(mailbox)
            case Kind.FORGETS_POSITIONS if mailbox:
                moved = self.outside.forget_positions(mailbox)
                for arrived in self.arrived:
                    if arrived.mail.lane == fault.target:
                        arrived.pointer = moved.get(arrived.pointer, arrived.pointer)
                        self._lies_there(arrived)
            case Kind.LAGS if mailbox:
                self.outside.lag(mailbox, int(fault.degree))
            case _:
                pass

    def lift(self, fault: Fault) -> None:
        if fault.kind is Kind.LAGS:
            self.outside.catch_up(self.mailboxes[fault.target])

    # --- Arrivals and their notices ---

    async def deliver(self, mail: Mail, post: Post) -> None:
        mailbox = self.mailboxes[mail.lane]
        arrived = Arrived(mail, mailbox, self.outside.deliver(mail, mailbox))
        self._lies_there(arrived)
        self.arrived.append(arrived)
        self.trace.log("ARRIVED", mail=mail)
        notices = self.outside.notices(arrived)
        sent = [
            self._notify(arrived, notice, delay, post)
            for notice in notices
            for delay in mail.notices
        ]
        if mail.nature is Nature.DELETED:
            sent.append(self._delete(arrived))
        await asyncio.gather(*sent)

    def _lies_there(self, arrived: Arrived) -> None:
        self.trace.names[arrived.job] = f"mail {arrived.mail.number}"

    async def _notify(self, arrived: Arrived, notice: Notice, delay: float, post: Post) -> None:
        for wait in chain((delay, *SENT_AGAIN), repeat(OFTEN)):
            await asyncio.sleep(wait)
            if await post(notice):
                arrived.told_at = arrived.told_at or asyncio.get_running_loop().time()
                self._check_accepted(arrived, notice)
                return

    def _check_accepted(self, arrived: Arrived, notice: Notice) -> None:
        """A notice that names a message is a promise; one of a change is one to list it.

        So is one of a subscription that we do not know yet, or any more.
        """
        ours = self.stores.subscriptions(arrived.mailbox.tenant)
        if notice.subscription in ours and not self.is_known(arrived):
            self.trace.violate(ACCEPTED, f"{arrived} was never queued")

    async def _delete(self, arrived: Arrived) -> None:
        await asyncio.sleep(arrived.mail.degree)
        self.outside.delete(arrived)

    # --- A cursor passes nothing that was not queued ---

    def position_moved(self, folder_sync: FolderSync) -> None:
        lane = f"{folder_sync.tenant}/{folder_sync.mailbox}"
        self._check_forward(lane, folder_sync.position)
        mailbox, owed = self.mailboxes[lane], folder_sync.backfill_from
        for each in self.outside.passed(mailbox, folder_sync.position, self.of(lane)):
            is_owed = owed is not None and each.at >= owed
            if each.mail.nature is Nature.DELETED:
                continue  # it may have been gone when it was listed
            if not (is_owed or self.is_known(each)):
                self.trace.violate(CURSORS, f"{folder_sync.folder} passes {each}")

    def _check_forward(self, lane: str, position: str) -> None:
        """Where positions are numbers: a mailbox is never another one here."""
        if PLACES[lane].provider != "google" or not position:
            return
        if int(position) < (before := self._reached.get(lane, 0)):
            self.trace.violate(FORWARD, f"{lane} goes back from {before} to {position}")
        self._reached[lane] = int(position)

    def is_known(self, arrived: Arrived) -> bool:
        """Whether it was queued, or has ended, under any of the names that it ever had."""
        if arrived.job in self.stores.seen.queued:
            return True
        outcomes = self.stores.outcomes(arrived.mailbox.tenant)
        return any(arrived.job == each.job.id for each in outcomes)
