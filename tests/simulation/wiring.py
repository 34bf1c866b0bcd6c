"""The use cases of one process, wired as in the container, on the simulated stores."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import TypeVar, cast

import punq

from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.application_survey import InMemoryApplicationSurvey
from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobCanaries, InMemoryBlobReferences
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.ledger import InMemoryIdempotencyLedger
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.outbox import InMemoryOutbox
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.memory.shadow_rows import InMemoryShadowRows
from postroom.adapters.memory.takeovers import InMemoryTakeovers
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.adapters.postgres.database import Database
from postroom.adapters.redis.wire import WireFormat
from postroom.application.hand_over import Callers
from postroom.application.mail_in_hand import MailInHand
from postroom.application.ports import (
    Applications,
    ApplicationSurvey,
    BlobCanaries,
    BlobReferences,
    BlobStore,
    CircuitStore,
    Clock,
    DeadLetterQueue,
    FolderSyncs,
    HandoverRecords,
    Handovers,
    HealthCheck,
    Helpdesk,
    HtmlSanitiser,
    IdempotencyLedger,
    LanePauses,
    Locks,
    MailboxRegistry,
    Offload,
    Outbox,
    Outcomes,
    PointerConsumer,
    PointerProducer,
    PointerQueue,
    PullStates,
    QueueHeartbeat,
    QueueSurvey,
    QueueWitness,
    Routes,
    ShadowRows,
    Takeovers,
)
from postroom.application.providers import Providers
from postroom.domain.handover.content_token import ContentTokens
from postroom.entrypoints.container.use_cases import bind_use_cases, resolve_all
from postroom.entrypoints.container.wired import Wired
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.telemetry.clock import log_skew
from postroom.entrypoints.telemetry.sdk import Telemetry
from tests.simulation.applications import SimulatedCaller
from tests.simulation.arrivals import LARGE
from tests.simulation.clocks import OwnClock, TimeServer
from tests.simulation.handovers import WatchedHandovers
from tests.simulation.network import Link, remote
from tests.simulation.process import Process
from tests.simulation.providers import Surroundings
from tests.simulation.stores import WatchedFolderSyncs
from tests.simulation.world import World

SETTINGS = Settings(
    home=Path("/nowhere"),
    concurrency=8,
    max_message_bytes=LARGE,
    public_url="https://postroom.example",
)

T = TypeVar("T")

QUEUES = (PointerQueue, PointerProducer, PointerConsumer, LanePauses, DeadLetterQueue)


async def wire(
    world: World,
    process: Process,
    resources: AsyncExitStack,
    *,
    telemetry: Telemetry,
) -> Wired:
    container, stores, random = punq.Container(), world.stores, world.random
    connections = asyncio.Semaphore(SETTINGS.database_connections)  # as in container/storage.py
    stored = Link(process, "database", world.weather, random, connections)
    queued = Link(process, "queue", world.weather, random)
    loop = asyncio.get_running_loop()
    clock = DatabaseClock(host=OwnClock(), monotonic=loop.time, skewed=log_skew)
    follow = clock.following(cast("Database", TimeServer(stored)))
    await resources.enter_async_context(follow)
    registry = remote(stored, _constant(InMemoryMailboxRegistry(stores.database)))
    witness = InMemoryQueueWitness(stores.database, stores.clock)
    ports: dict[type[object], object] = {
        Clock: clock,
        Random: random,
        Telemetry: telemetry,
        MailboxRegistry: registry,
        FolderSyncs: remote(
            stored, _constant(WatchedFolderSyncs(stores.database, world.position_moved))
        ),
        IdempotencyLedger: remote(stored, _constant(InMemoryIdempotencyLedger(stores.database))),
        Outcomes: remote(stored, _constant(InMemoryOutcomes(stores.database))),
        Helpdesk: remote(stored, _constant(InMemoryHelpdesk(stores.database))),
        Routes: remote(stored, _constant(InMemoryRoutes(stores.database))),
        Takeovers: remote(stored, _constant(InMemoryTakeovers(stores.database))),
        ShadowRows: remote(stored, _constant(InMemoryShadowRows(stores.database, stores.clock))),
        Applications: remote(stored, _constant(InMemoryApplications(stores.database))),
        Handovers: remote(
            stored,
            _constant(WatchedHandovers(stores.database, stores.clock, world.trace.violate)),
        ),
        HandoverRecords: remote(
            stored, _constant(InMemoryHandoverRecords(stores.database, stores.clock))
        ),
        ApplicationSurvey: remote(
            stored,
            _constant(
                InMemoryApplicationSurvey(
                    InMemoryApplications(stores.database),
                    InMemoryHandovers(stores.database, stores.clock),
                )
            ),
        ),
        Outbox: remote(stored, _constant(InMemoryOutbox(stores.database, stores.clock))),
        Callers: Callers({"https": SimulatedCaller(process, world.peers, world.weather, random)}),
        ContentTokens: ContentTokens([b"0" * 32]),
        BlobStore: stores.blobs,
        BlobReferences: remote(stored, _constant(InMemoryBlobReferences(stores.database))),
        BlobCanaries: remote(stored, _constant(InMemoryBlobCanaries(stores.database))),
        HtmlSanitiser: Nh3Sanitiser(),
        Offload: AtOnce(),
        CircuitStore: remote(queued, lambda: stores.circuits),
        Locks: remote(queued, lambda: stores.locks),
        QueueHeartbeat: remote(queued, lambda: stores.heartbeat),
        QueueSurvey: remote(queued, lambda: stores.survey),
        QueueWitness: remote(stored, _constant(witness)),
        PullStates: remote(stored, _constant(stores.pull_states)),
    }
    ports |= dict.fromkeys(QUEUES, remote(queued, lambda: stores.queue))
    in_hand = MailInHand(SETTINGS.max_bytes_in_hand)
    around = Surroundings(process, world.weather, random, registry, resources, clock, in_hand)
    ports[MailInHand] = in_hand
    ports[Providers] = providers = Providers(world.outside.providers(around))
    ports[WireFormat] = WireFormat(providers.pointers)
    for port, adapter in ports.items():
        container.register(port, instance=adapter)
    bind_use_cases(container, SETTINGS, clock, telemetry)
    return resolve_all(container, (Reached("postgres", stored), Reached("redis", queued)))


class Reached(HealthCheck):
    def __init__(self, name: str, link: Link) -> None:
        self._name = name
        self._link = link

    @property
    def name(self) -> str:
        return self._name

    async def __call__(self) -> None:
        async with self._link.connection():
            await self._link.travel(None)
            await self._link.travel(None)


def _constant(found: T) -> Callable[[], T]:
    return lambda: found
