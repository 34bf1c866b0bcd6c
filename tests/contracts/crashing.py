"""Messages on their whole way, from a pointer to an answer, by processes that die on it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn

from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.sanitiser import PlainSanitiser
from postroom.application.accept_handover import AcceptHandover
from postroom.application.consume_job import ConsumeJob
from postroom.application.file_message import FileMessage
from postroom.application.hand_over import Callers, HandOver
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.maintain_folder import Maintain
from postroom.application.ports import (
    PointerQueue,
    Provider,
)
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.application.route_message import RouteMessage
from postroom.application.track_access import TrackAccess
from postroom.application.track_sources import TrackSources
from postroom.application.trigger_sync import TriggerSync
from postroom.domain.ingress import OPEN
from postroom.entrypoints.dispatcher import Dispatcher
from tests.consuming import consuming, largest
from tests.contracts.conftest import Storage
from tests.contracts.crash_world import Result, Scenario, World
from tests.crash_points import Killed, Moment, Process, unwatched
from tests.unit.handover_rig import HeardEvents

LEASE = timedelta(minutes=10)
"""Longer than any lease, and any wait after a failure or two."""

MOST_PROCESSES = 20
"""One after the other, after which all must be well."""

IDLE = 30
"""Turns of the loop in which nothing happens."""


async def expected(storage: Storage, scenario: Scenario) -> tuple[Result, Sequence[Moment]]:
    """What comes of *scenario* if nobody dies, and at which moments somebody can."""
    world = World(storage, scenario)
    await world.open()
    last = await _run_to_the_end(world, Process())
    return await world.result(), last.passed


async def result_of_death(storage: Storage, scenario: Scenario, moment: Moment) -> Result:
    """What comes of *scenario* if a process dies at *moment*."""
    world = World(storage, scenario)
    await world.open()
    await _run_to_the_end(world, Process(dies_at=moment))
    return await world.result()


async def _run_to_the_end(world: World, process: Process) -> Process:
    """By *process*, and then by others, until nothing is left to be done; returns the last."""
    for _ in range(MOST_PROCESSES):
        await _live(world, process)
        if await world.is_over():
            return process
        await world.pass_time(LEASE)
        process = process.next()
    raise AssertionError("something is never done")


async def _live(world: World, process: Process) -> None:
    """The life of *process*: it ends when there is nothing to do, or when it is killed."""
    asyncio.get_running_loop().set_exception_handler(_silent_on_death)
    others = asyncio.all_tasks()
    try:
        await _work(world, process)
    except Killed:
        pass
    finally:
        left = [task for task in asyncio.all_tasks() if task not in others]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _silent_on_death(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


async def _work(world: World, process: Process) -> None:
    parts = await _parts(world, process)
    assert not list(unwatched(parts.consume)), "a port whose calls nobody sees"
    assert not list(unwatched(parts.dispatcher)), "a port whose calls nobody sees"
    stop = asyncio.Event()
    dispatching = asyncio.create_task(parts.dispatcher.run(stop))
    while claims := await parts.queue.claim(10, LEASE):
        for claim in claims:
            await parts.consume(claim)
        parts.dispatcher.wake()
    await _until_idle(process)
    stop.set()
    await dispatching


async def _until_idle(process: Process) -> None:
    quiet, passed = 0, -1
    while quiet < IDLE and not process.is_dead:
        is_busy = process.in_call or len(process.passed) > passed
        quiet, passed = 0 if is_busy else quiet + 1, len(process.passed)
        await asyncio.sleep(0)
    if process.is_dead:
        raise Killed


@dataclass
class Parts:
    queue: PointerQueue
    consume: ConsumeJob
    dispatcher: Dispatcher


async def _parts(world: World, process: Process) -> Parts:
    """Those of a worker, as the container wires them, with every port watched."""
    storage, clock, watched = world.storage, await world.clock(), process.watched
    queue = watched(world.queue)
    registry = watched(storage.registry)
    folder_syncs = watched(storage.folder_syncs)
    applications = watched(storage.applications)
    handovers = watched(storage.handovers)
    blobs = watched(world.blobs)
    sanitise, offload = PlainSanitiser(), AtOnce()
    accept = AcceptHandover(
        applications,
        handovers,
        HeardEvents(),
        blobs,
        sanitise,
        offload,
        clock,
        OPEN,
        "https://postroom.example",
    )
    file = FileMessage(watched(storage.helpdesk), blobs, sanitise, offload)
    resume = ResumeMailbox(registry, queue)
    consume = consuming(
        queue=queue,
        registry=registry,
        providers=Providers([_provider(world, process)]),
        trigger_sync=TriggerSync(folder_syncs, _NoRuns(), IngestPointer(queue, clock), clock),
        ledger=watched(storage.ledger),
        processor=RouteMessage(applications, handovers, accept, file, {}),
        outcomes=watched(storage.outcomes),
        access=TrackAccess(registry, queue, resume, clock),
        sources=TrackSources(watched(world.circuits), draw=largest),
        clock=clock,
    )
    callers = Callers({"https": watched(world.caller)})
    hand_over = HandOver(handovers, callers, HeardEvents(), draw=largest)
    dispatcher = Dispatcher(handovers=handovers, applications=applications, hand_over=hand_over)
    return Parts(queue, consume, dispatcher)


def _provider(world: World, process: Process) -> Provider:
    provider = world.provider()
    return replace(
        provider,
        fetcher=process.watched(provider.fetcher),
        changes=process.watched(provider.changes),
        check=process.watched(provider.check),
        accounts=process.watched(provider.accounts),
    )


class _NoRuns(Maintain):
    """No folder is synced: the notifications name their messages."""

    async def __call__(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("a folder was synced")

    async def fail(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("a folder was synced")
