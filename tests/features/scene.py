"""What a scenario is about: a mailbox, what lies in it, and what the last step has found."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from postroom.adapters.memory.heartbeat import InMemoryQueueHeartbeat, InMemoryQueueSurvey
from postroom.application.ports import FetchedMessage
from postroom.application.watch_queue import WatchQueue
from postroom.domain.folder_sync import FolderSync
from postroom.domain.handover.comparison import Theirs
from postroom.domain.mailbox import Mailbox
from postroom.domain.mailbox_state import MailboxState, state_of
from postroom.domain.pointer import Pointer
from tests.features.listening import Listening
from tests.features.mail import mail
from tests.features.providers import Imap, Stage
from tests.features.rigs import FragileQueue
from tests.features.seen import Seen
from tests.features.service import Service

MINUTE = timedelta(minutes=1)

CALL_EVERY = timedelta(seconds=5)
"""The shortest pause of an application."""

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True)
class Counts:
    """Of syncs that were tried, and of tickets."""

    syncs: int = 0
    tickets: int = 0


@dataclass
class Scene:
    """*run* runs a coroutine, since steps do not await. *pointers* are to what was delivered.

    *before* is how many there were of what a scenario counts, before what happens in it.
    *is_watched* says that the loss of the queue would be noticed. *subscribed* are the ids of the
    subscriptions of another system, and *handled* what it has handled since *changed_at*.
    """

    service: Service
    run: Run
    pointers: list[Pointer] = field(default_factory=list)
    status: int = 0
    number: int = 0
    before: Counts = field(default_factory=Counts)
    claimed: FolderSync | None = None
    withheld: FetchedMessage | None = None
    listens: bool = True
    is_watched: bool = False
    subscribed: Sequence[str] = ()
    changed_at: datetime | None = None
    handled: list[Theirs] = field(default_factory=list)
    _mailbox: Mailbox | None = None
    _stage: Stage | None = None

    def __post_init__(self) -> None:
        self.clock = self.service.rig.clock
        imap = self.service.stages["IMAP"]
        assert isinstance(imap, Imap)
        self.imap = imap
        self.listening = Listening(self.service, imap.waits)
        self.heartbeat = InMemoryQueueHeartbeat()
        self.seen = Seen(self.service.rig, self.service.tenant)

    @property
    def fragile(self) -> FragileQueue:
        assert isinstance(self.service.queue, FragileQueue)
        return self.service.queue

    # --- The mailbox ---

    @property
    def mailbox(self) -> Mailbox:
        assert self._mailbox, "the scenario has no mailbox yet"
        return self._mailbox

    @property
    def stage(self) -> Stage:
        assert self._stage, "the scenario has no mailbox yet"
        return self._stage

    def describe(self, provider: str, name: str) -> Mailbox:
        """A mailbox that is not added yet, and which the scenario is about from now on."""
        self._stage = self.service.stages[provider]
        self._mailbox = Mailbox(
            tenant=self.service.tenant,
            id=name,
            address=f"{self.service.tenant}.{name}@example.test",
            account=self._stage.account(name),
            added_at=self.clock.now(),
        )
        return self._mailbox

    async def add(self, provider: str, name: str = "support") -> None:
        await self.service.rig.registry.add(self.describe(provider, name))

    async def serve(self) -> None:
        """Have it receive, as it does some moments after Postroom was started."""
        if self._stage is self.imap:
            await self.listening.start()
        await self.service.maintain_due()
        self.clock.advance(timedelta(seconds=1))

    # --- Its mail ---

    def arrive(self, raw: bytes | None = None, *, ago: timedelta = timedelta()) -> Pointer:
        self.pointers.append(
            self.stage.deliver(self.mailbox, mail() if raw is None else raw, ago=ago)
        )
        return self.pointers[-1]

    async def announce(self, pointer: Pointer) -> int:
        """Returns the HTTP status that the provider gets, or 202 if our listener has heard."""
        if self.imap.listener.sessions(self.mailbox):
            self.imap.listener.announce(self.mailbox)
            await self.listening.settle()
            return 202
        return await self.service.send(await self.stage.announcement(self.mailbox, pointer))

    async def queue_message(self, raw: bytes | None = None) -> None:
        """A message arrives, and a pointer to it is queued, as a sync would do it."""
        await self.service.ingest(self.mailbox, [self.arrive(raw)])

    # --- Time ---

    async def pass_time(self, duration: timedelta, *, handling: bool = True) -> None:
        """Let it pass, with everything done when it is due, to the minute."""
        end = self.clock.now() + duration
        await self.work(handling=handling)
        while self.clock.now() < end:
            await self._pass_minute(end)
            await self.work(handling=handling)

    async def _pass_minute(self, end: datetime) -> None:
        """A minute, or what is left of the time; applications are called when it is due."""
        until = min(self.clock.now() + MINUTE, end)
        while self.service.applications.added and self.clock.now() < until - CALL_EVERY:
            self.clock.advance(CALL_EVERY)
            await self.service.applications.hand_over_due()
        self.clock.advance(max(until - self.clock.now(), timedelta()))

    async def watch(self) -> None:
        await WatchQueue(
            witness=self.service.rig.witness,
            heartbeat=self.heartbeat,
            survey=InMemoryQueueSurvey(self.fragile, self.clock),
            queue=self.service.queue,
            folder_syncs=self.service.rig.folder_syncs,
            clock=self.clock,
        )()

    async def work(self, *, handling: bool) -> None:
        if self.is_watched:
            await self.watch()
        await self.listening.settle()
        await self.service.maintain_due()
        if handling:
            await self.service.handle_waiting()
            await self.service.applications.hand_over_due()

    # --- What can be seen ---

    async def folder_syncs(self) -> Sequence[FolderSync]:
        tenant, name = self.mailbox.tenant, self.mailbox.id
        return await self.service.rig.folder_syncs.all(tenant=tenant, mailbox=name)

    async def state(self) -> MailboxState:
        stored = await self.service.rig.registry.get(self.mailbox.tenant, self.mailbox.id)
        assert stored
        ingress = self.service.providers.ingress
        return state_of(stored, await self.folder_syncs(), self.clock.now(), ingress=ingress)

    def counts(self) -> Counts:
        syncs = sum(stage.changes.syncs for stage in self.service.stages.values())
        return Counts(syncs, len(self.run(self.seen.tickets())))
