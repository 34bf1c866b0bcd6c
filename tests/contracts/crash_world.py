"""What outlives the processes that die on a message's way, and what has become of it all."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.imap.pointer import ImapPointer
from postroom.adapters.memory.application_caller import InMemoryApplicationCaller
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.circuits import InMemoryCircuitStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.provider import InMemoryProvider
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.ports import (
    FetchedMessage,
    HandoverRecord,
)
from postroom.domain.handover.application import Application
from postroom.domain.handover.handover import State
from postroom.domain.mailbox import Mailbox
from postroom.domain.outcome import Duplicate
from tests.contracts.conftest import Storage


@dataclass
class Scenario:
    """*notified* are mailboxes and the UIDs in them that notifications name, one after the other.

    *prepare* makes the caller as faulty as it is to be.
    """

    mailboxes: Sequence[Mailbox]
    applications: Sequence[Application]
    notified: Sequence[tuple[str, int]]
    prepare: Callable[[InMemoryApplicationCaller], None] = lambda _: None


@dataclass
class World:
    """What outlives a process."""

    storage: Storage
    scenario: Scenario
    queue_clock: ManualClock = field(default_factory=ManualClock)
    caller: InMemoryApplicationCaller = field(default_factory=InMemoryApplicationCaller)
    circuits: InMemoryCircuitStore = field(init=False)
    queue: InMemoryPointerQueue = field(init=False)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)

    def __post_init__(self) -> None:
        self.queue = InMemoryPointerQueue(self.queue_clock)
        self.circuits = InMemoryCircuitStore(self.queue_clock)
        self.provider = InMemoryProvider(name="imap", account=ImapAccount, pointer=ImapPointer)
        self.scenario.prepare(self.caller)

    async def open(self) -> None:
        for application in self.scenario.applications:
            await self.storage.applications.add(application)
        for mailbox in self.scenario.mailboxes:
            await self.storage.registry.add(mailbox)
        clock = await self.clock()
        ingest = IngestPointer(self.queue, clock)
        for name, uid in self.scenario.notified:
            source = f"imap:INBOX:1:{uid}"
            self.provider.messages.put(FetchedMessage(source, _mail(uid), clock.now()))
            mailbox = next(each for each in self.scenario.mailboxes if each.id == name)
            await ingest(mailbox, [ImapPointer("INBOX", uid, 1)])

    async def clock(self) -> ManualClock:
        """Which says what time it is for the store, now."""
        _, now = await self.storage.handovers.health(self.scenario.applications[0])
        return ManualClock(now)

    async def is_over(self) -> bool:
        backlogs = [
            await self.storage.handovers.backlog(each) for each in self.scenario.applications
        ]
        return not (any(each.count for each in backlogs) or await self.queue.statistics())

    async def pass_time(self, by: timedelta) -> None:
        await self.storage.pass_time(by)
        self.queue_clock.advance(by)

    async def result(self) -> "Result":
        effects = {name: tuple(sorted(keys)) for (_, name), keys in self.caller.effects.items()}
        records = [
            await self.storage.handover_records.get(key, application=name)
            for name, keys in effects.items()
            for key in keys
        ]
        bodies = {(call.handover.key, call.body) for _, call in self.caller.calls}
        return Result(
            effects,
            await self._ends(),
            Counter(_is_handled(each) for each in records),
            Counter(key for key, _ in bodies),
        )

    async def _ends(self) -> Counter[tuple[str, str]]:
        tenants = {mailbox.tenant for mailbox in self.scenario.mailboxes}
        found = [each for name in tenants for each in await self.storage.outcomes.find(name)]
        return Counter(
            (each.identity, type(each.outcome).__name__)
            for each in found
            if not isinstance(each.outcome, Duplicate)
        )


@dataclass(frozen=True)
class Result:
    """What is to be the same, whoever dies: the keys that each application has an effect of, how
    each message has ended, but for its duplicates, whether it may be seen, and how many bodies each
    key was called with.
    """

    effects: Mapping[str, Sequence[str]]
    ends: Counter[tuple[str, str]]
    handled: Counter[bool]
    bodies: Counter[str]


def _is_handled(record: HandoverRecord | None) -> bool:
    return record is not None and record.handover.state in (State.DONE, State.DUPLICATE)


def _mail(number: int) -> bytes:
    return (
        f"From: Ann <ann@sender.example>\r\nMessage-ID: <{number}@sender.example>\r\n"
        f"Subject: Message {number}\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    ).encode()
