"""The long-running parts of Postroom, each made of what the container has wired, until *stop*."""

import asyncio
import socket

import structlog

from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.server import serve, tune_gc
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.container import Application
from postroom.entrypoints.listener import Listener
from postroom.entrypoints.maintenance import Maintenance
from postroom.entrypoints.settings import InvalidSettings, Settings
from postroom.entrypoints.telemetry.observed import observed_consume
from postroom.entrypoints.worker import Worker

log = structlog.get_logger()


async def run_api(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    """Serve HTTP. Raises InvalidSettings if the port cannot be had."""
    services = Services(
        ingest=application.ingest,
        providers=application.providers,
        routes=application.routes,
        registry=application.registry,
        folder_syncs=application.folder_syncs,
        queue=application.queue,
        outcomes=application.outcomes,
        helpdesk=application.helpdesk,
        blobs=application.blobs,
        clock=application.clock,
        health=application.health,
        telemetry=application.telemetry,
        api_tokens={
            token.get_secret_value(): tenant for tenant, token in settings.api_tokens.items()
        },
    )
    app = create_app(services)
    with _listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        log.info("api started", host=host, port=port)
        tune_gc()
        await serve(app, listening, stop)
    log.info("api stopped")


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python repeats the address there
        raise InvalidSettings(
            f"cannot listen on {settings.host}:{settings.port}: {reason};"
            " set POSTROOM_HOST and POSTROOM_PORT to an address that is free"
        ) from None


async def run_worker(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    """Claim and consume jobs."""
    clock, policy = application.clock, application.policy
    worker = Worker(
        queue=application.queue,
        consume=observed_consume(application.consume, application.telemetry),
        again=lambda attempt: clock.now() + policy.backoff(attempt),
        concurrency=settings.concurrency,
    )
    await worker.run(stop)


async def run_maintenance(application: Application, _: Settings, stop: asyncio.Event) -> None:
    """Sync every folder, and see to its notifications."""
    maintenance = Maintenance(
        folder_syncs=application.folder_syncs,
        maintain=application.maintain,
        remove_orphans=application.remove_orphans,
        clock=application.clock,
    )
    await maintenance.run(stop)


async def run_listener(application: Application, _: Settings, stop: asyncio.Event) -> None:
    """Listen to the folders whose providers are listened to."""
    listener = Listener(
        registry=application.registry,
        providers=application.providers,
        folder_syncs=application.folder_syncs,
        maintain=application.maintain,
        clock=application.clock,
    )
    await listener.run(stop)
