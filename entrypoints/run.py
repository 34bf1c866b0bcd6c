"""The long-running parts of Postroom, each made of what the container has wired, until *stop*."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from postroom.application.consume_job import Consume, Consumed
from postroom.application.ports import Claim, MailboxRegistry
from postroom.application.run_suspect import Isolation, RunSuspect
from postroom.domain.failure import Failure
from postroom.domain.outcome import Accepted
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.route_cache import RouteCache
from postroom.entrypoints.api.server import serve, tune_gc
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.serving.limits import Limits, connections_within, raise_open_files
from postroom.entrypoints.application_watch import ApplicationWatch
from postroom.entrypoints.blob_watch import BlobWatch
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.dispatcher import Dispatcher
from postroom.entrypoints.distributor import Distributor
from postroom.entrypoints.engines import ready
from postroom.entrypoints.garbage import freeze_startup
from postroom.entrypoints.isolation import ChildProcess
from postroom.entrypoints.listener import RECONNECT, Listener
from postroom.entrypoints.maintenance import Maintenance
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.pulled_subscription import RECONNECT as PULL_AGAIN
from postroom.entrypoints.pulled_subscription import Pulling
from postroom.entrypoints.puller import Puller
from postroom.entrypoints.queue_watch import QueueWatch
from postroom.entrypoints.settings import InvalidSettings, Settings, load_settings
from postroom.entrypoints.startup import until_ready
from postroom.entrypoints.tasks import cancel, until_stopped
from postroom.entrypoints.telemetry.logging import configure_logging
from postroom.entrypoints.telemetry.observed import ObservedConsume
from postroom.entrypoints.telemetry.suspects import LoggedSuspects
from postroom.entrypoints.terminal import is_watched, show
from postroom.entrypoints.worker import Worker

log = structlog.get_logger()

UNSIGNED = (
    "POSTROOM_HANDOFF_COMPATIBILITY is static-header: a secret in a header proves nothing about the"
    " body, and whoever has seen one request can send others; have the senders sign, and unset it"
)

Driver = Callable[[Wired, Settings, asyncio.Event], Awaitable[None]]


def drive(driver: Driver) -> None:
    """Run a part of Postroom until it is told to stop. The stores may be away when it starts."""

    async def run(settings: Settings) -> None:
        configure_logging(settings.log_format)  # what is wired may log that a store is away
        async with wire(settings) as wired:
            say_what_is_not_received(wired)
            freeze_startup()
            watching = asyncio.create_task(BlobWatch(wired.check_blobs, wired.clock).run())
            try:
                await until_stopped(lambda stop: driver(wired, settings, stop))
            finally:
                await cancel([watching])

    with ready(load_settings(), may_be_away=True) as settings:
        asyncio.run(run(settings))


def after_stores(driver: Driver) -> Driver:
    """*driver*, begun when all that it needs is there. The API needs no such wait: it says 503."""

    async def run(wired: Wired, settings: Settings, stop: asyncio.Event) -> None:
        waiting = asyncio.create_task(until_ready(wired.health))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
                await driver(wired, settings, stop)
        finally:
            await cancel([waiting, stopping])

    return run


def say_what_is_not_received(wired: Wired) -> None:
    """Log each provider whose mail is received otherwise than in full."""
    ingress = wired.providers.ingress
    for provider in wired.providers:
        if reason := ingress.obstacle(provider):
            log.warning("ingress restricted", provider=provider, reason=reason)


async def run_api(wired: Wired, settings: Settings, stop: asyncio.Event) -> None:
    """Serve HTTP. Raises InvalidSettings if the port cannot be had."""
    if settings.handoff_compatibility != "none":
        log.warning("hand-offs are not signed", reason=UNSIGNED)
    app = create_app(services_of(wired, settings))
    limits = _limits(settings)
    with _listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        log.info("api started", host=host, port=port, max_connections=limits.connections)
        show(
            f"The API listens at {_url(host, port)}, and {_url(host, port)}/health/ready is 200"
            " when all is well."
        )
        tune_gc()
        watching = _watch_applications(wired)
        try:
            await serve(app, listening, stop, limits, wired.telemetry.instruments.refused)
        finally:
            await cancel([watching])
    log.info("api stopped")


def services_of(wired: Wired, settings: Settings) -> Services:
    """What the API calls."""
    return Services(
        ingest=wired.ingest,
        providers=wired.providers,
        routes=wired.routes,
        registry=wired.registry,
        folder_syncs=wired.folder_syncs,
        queue=wired.queue,
        witness=wired.witness,
        outcomes=wired.outcomes,
        applications=wired.applications,
        handovers=wired.handovers,
        handover_records=wired.handover_records,
        open_links=wired.open_links,
        read_content=wired.read_content,
        helpdesk=wired.helpdesk,
        blobs=wired.blobs,
        clock=wired.clock,
        health=wired.health,
        telemetry=wired.telemetry,
        api_tokens={
            token.get_secret_value(): tenant for tenant, token in settings.api_tokens.items()
        },
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        header_seconds=settings.api_header_seconds,
        body_seconds=settings.api_body_seconds,
        idle_seconds=settings.api_idle_seconds,
        header_bytes=settings.api_max_header_bytes,
        pending_bytes=settings.api_max_pending_bytes,
        connections=min(settings.api_max_connections, connections_within(raise_open_files())),
    )


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python repeats the address there
        raise InvalidSettings(
            f"cannot listen on {settings.host}:{settings.port}: {reason};"
            " set POSTROOM_HOST and POSTROOM_PORT to an address that is free"
        ) from None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run_worker(
    wired: Wired, settings: Settings, stop: asyncio.Event, *, isolate: Isolation | None = None
) -> None:
    """Claim and consume jobs; those that may have killed workers by *isolate*."""
    run_suspect = RunSuspect(
        locks=wired.locks,
        isolate=isolate or ChildProcess(wired.claim_records.pack, environment_of(settings)),
        queue=wired.queue,
        outcomes=wired.outcomes,
        events=LoggedSuspects(),
        clock=wired.clock,
    )
    consume = ObservedConsume(wired.consume, wired.telemetry)
    dispatcher = Dispatcher(
        handovers=wired.handovers,
        applications=wired.applications,
        hand_over=wired.hand_over,
    )
    distributor = Distributor(distribute=wired.distribute_events, wake=dispatcher.wake)
    worker = Worker(
        queue=wired.queue,
        consume=_waking(consume, dispatcher),
        overran=consume.overran,
        run_suspect=run_suspect,
        waiting=wired.slow_calls.lasting,
        concurrency=settings.concurrency,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run(stop))
        tasks.create_task(dispatcher.run(stop))
        tasks.create_task(distributor.run(stop))


def _waking(consume: Consume, dispatcher: Dispatcher) -> Callable[[Claim], Awaitable[Consumed]]:
    """What a message was accepted for is called at once."""

    async def run(claim: Claim) -> Consumed:
        consumed = await consume(claim)
        if isinstance(consumed.outcome, Accepted):
            dispatcher.wake()
        return consumed

    return run


async def run_maintenance(wired: Wired, settings: Settings, stop: asyncio.Event) -> None:
    """Sync every folder, see to its notifications, and watch over the queue."""
    if is_watched():
        await _show_if_there_is_no_mailbox(wired.registry)
    maintenance = Maintenance(
        waiting=wired.slow_calls.lasting,
        folder_syncs=wired.folder_syncs,
        maintain=wired.maintain,
        remove_orphans=wired.remove_orphans,
        sweep_blobs=wired.sweep_blobs,
        expire_handovers=wired.expire_handovers,
        expire_events=wired.expire_events,
        clock=wired.clock,
        concurrency=settings.concurrency,
    )
    queue_watch = QueueWatch(wired.watch_queue, wired.clock)
    watching = [asyncio.create_task(queue_watch.run()), _watch_applications(wired)]
    try:
        await maintenance.run(stop)
    finally:
        await cancel(watching)


def _watch_applications(wired: Wired) -> asyncio.Task[None]:
    """Of these processes one has the metrics for Prometheus, and one runs but once."""
    instruments = wired.telemetry.instruments
    watch = ApplicationWatch(wired.application_survey, instruments, wired.clock)
    return asyncio.create_task(watch.run())


async def _show_if_there_is_no_mailbox(registry: MailboxRegistry) -> None:
    with suppress(Failure):
        if not await registry.all():
            show("No mailbox yet: run `postroom mailbox add --help`, which says how one is added.")


async def run_listener(wired: Wired, _: Settings, stop: asyncio.Event) -> None:
    """Listen to the folders of providers that are listened to, and pull where we are to pull."""
    listener = Listener(
        registry=wired.registry,
        providers=wired.providers,
        folder_syncs=wired.folder_syncs,
        maintain=wired.maintain,
        sources=wired.sources,
        clock=wired.clock,
        reconnect=replace(RECONNECT, draw=wired.random.random),
    )
    puller = Puller(
        registry=wired.registry,
        providers=wired.providers,
        pulling=Pulling(
            pull_states=wired.pull_states,
            folder_syncs=wired.folder_syncs,
            routes=RouteCache(wired.routes, wired.clock),
            ingest=wired.ingest,
            telemetry=wired.telemetry,
            clock=wired.clock,
            reconnect=replace(PULL_AGAIN, draw=wired.random.random),
        ),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run(stop))
        tasks.create_task(puller.run(stop))
