"""Postroom as a scenario drives it: its use cases, wired as the container wires them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import httpx

from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.locks import InMemoryLocks
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.pull_states import InMemoryPullStates
from postroom.application.accept_handover import AcceptHandover
from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import LEASE as RUN_LEASE
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import Claim
from postroom.application.providers import Providers
from postroom.application.redrive_dead_letters import RedriveDeadLetters
from postroom.application.release_shadow import ReleaseShadow
from postroom.application.remove_mailbox import RemoveMailbox
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.resync_mailbox import ResyncMailbox
from postroom.application.route_message import RouteMessage
from postroom.application.run_suspect import RunSuspect
from postroom.application.slow_calls import SlowCalls
from postroom.application.sync_folder import SyncFolder
from postroom.application.track_access import TrackAccess
from postroom.application.trigger_sync import TriggerSync
from postroom.application.unless_shadow import UnlessShadow
from postroom.domain.crash import is_suspect
from postroom.domain.folder_sync import SyncIntervals
from postroom.domain.handover.content_token import ContentTokens
from postroom.domain.inbound_age import InboundAge
from postroom.domain.ingress import Ingress, IngressMode
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.telemetry.sdk import open_telemetry
from tests.consuming import consuming, largest, track_sources
from tests.features.applications import Applications, LookedUpAnew, UnheardHandovers
from tests.features.flapping import GatedMessages
from tests.features.providers import Request, stages
from tests.features.rigs import Rig
from tests.features.suspects import PlayedIsolation, Unheard

LEASE = timedelta(seconds=30)
TOKENS = ContentTokens([b"0" * 32])


@dataclass
class Service:
    """*tenant* is one of its own, so that scenarios can share a database.

    *modes* are of the ingress, by provider: to change them is to start again with other settings.
    """

    rig: Rig
    tenant: str = field(default_factory=lambda: f"t{uuid4().hex[:12]}")
    messages: GatedMessages = field(default_factory=GatedMessages)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)
    modes: dict[str, IngressMode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rig, clock = self.rig, self.rig.clock
        self.queue = rig.queue
        self.stages = stages(rig, self.tenant, self.messages)
        ingress = Ingress(self.modes)
        self.providers = Providers([each.provider() for each in self.stages.values()], ingress)
        self.ingest = IngestPointer(self.queue, clock)
        self.file = FileMessage(rig.helpdesk, self.blobs, Nh3Sanitiser(), AtOnce())
        self.applications = Applications(rig, self.tenant)
        self.processor = LookedUpAnew(self._router(ingress))
        self.release = ReleaseShadow(rig.shadow_rows, rig.outcomes, self.ingest, ingress)
        self.resume = ResumeMailbox(rig.registry, self.queue)
        self.remove = RemoveMailbox(rig.registry, rig.folder_syncs, self.providers, self.queue)
        self.dead_letters = RedriveDeadLetters(self.queue, clock)
        self.resync = ResyncMailbox(rig.folder_syncs, self.dead_letters, clock)
        self.access = TrackAccess(rig.registry, self.queue, self.resume, clock)
        self.sources = track_sources(clock)
        self.maintain = self._maintain()
        self.consume = self._consume()
        self.isolation = PlayedIsolation(self.consume)
        self.run_suspect = RunSuspect(
            InMemoryLocks(), self.isolation, self.queue, rig.outcomes, Unheard(), clock
        )

    def _router(self, ingress: Ingress) -> RouteMessage:
        rig = self.rig
        accept = AcceptHandover(
            applications=rig.applications,
            handovers=rig.handovers,
            events=UnheardHandovers(),
            blobs=self.blobs,
            sanitise=Nh3Sanitiser(),
            offload=AtOnce(),
            clock=rig.clock,
            ingress=ingress,
            base_url="https://postroom.example",
        )
        helpdesk = UnlessShadow(self.file, ingress)
        return RouteMessage(rig.applications, rig.handovers, accept, helpdesk, processors={})

    def _maintain(self) -> MaintainFolder:
        rig = self.rig
        return MaintainFolder(
            registry=rig.registry,
            folder_syncs=rig.folder_syncs,
            providers=self.providers,
            sync=SyncFolder(
                self.providers,
                rig.folder_syncs,
                rig.outcomes,
                self.ingest,
                rig.clock,
                InboundAge(),
                self.queue,
            ),
            access=self.access,
            sources=self.sources,
            slow_calls=SlowCalls(places=256),
            pull_states=InMemoryPullStates(),
            clock=rig.clock,
            intervals=SyncIntervals(),
            draw=largest,
        )

    def _consume(self) -> ConsumeJob:
        rig = self.rig
        return consuming(
            queue=self.queue,
            registry=rig.registry,
            providers=self.providers,
            trigger_sync=TriggerSync(rig.folder_syncs, self.maintain, self.ingest, rig.clock),
            ledger=rig.ledger,
            processor=self.processor,
            outcomes=rig.outcomes,
            access=self.access,
            sources=self.sources,
            clock=rig.clock,
        )

    # --- Notifications ---

    async def send(self, request: Request) -> int:
        """Returns the HTTP status that whoever posts *request* gets."""
        async with self._api() as client:
            return (await request.send(client)).status_code

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[httpx.AsyncClient]:
        with open_telemetry() as telemetry:
            services = Services(
                ingest=self.ingest,
                providers=self.providers,
                routes=self.rig.routes,
                registry=self.rig.registry,
                folder_syncs=self.rig.folder_syncs,
                queue=self.queue,
                witness=self.rig.witness,
                outcomes=self.rig.outcomes,
                applications=self.rig.applications,
                handovers=self.rig.handovers,
                handover_records=self.rig.handover_records,
                open_links=OpenLinks(
                    self.rig.handover_records, self.rig.applications, TOKENS, self.rig.clock
                ),
                read_content=ReadContent(self.blobs, AtOnce()),
                helpdesk=self.rig.helpdesk,
                blobs=self.blobs,
                clock=self.rig.clock,
                health=(),
                telemetry=telemetry,
                api_tokens={},
            )
            # Litestar's own test client runs the application in a loop of its own.
            transport = httpx.ASGITransport(create_app(services))  # type: ignore[arg-type] # Litestar types its scope more narrowly
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield client

    # --- Work ---

    async def maintain_due(self) -> None:
        """All sync runs that are due, and those that they make due."""
        for _ in range(100):
            due = await self.rig.folder_syncs.claim_due(self.rig.clock.now(), 10, RUN_LEASE)
            for folder_sync in due:
                await self.maintain(folder_sync)
            if not due:
                return
        raise AssertionError("there is no end of sync runs")

    async def handle_waiting(self, at_a_time: int = 10) -> None:
        """Handle all that is due now."""
        while claims := await self.queue.claim(at_a_time, LEASE):
            for claim in claims:
                await self._handle(claim)

    async def _handle(self, claim: Claim) -> None:
        if is_suspect(claim.crashes):
            await self.run_suspect(claim)
        else:
            await self.consume(claim)

    async def handle_everything(self) -> None:
        """Handle until nothing waits, letting the time pass that must pass."""
        await self.handle_waiting()
        while any(lane.delayed or lane.paused_until for lane in await self.queue.statistics()):
            self.rig.clock.advance(timedelta(minutes=15))
            await self.handle_waiting()
