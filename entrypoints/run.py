"""The long-running parts of Postroom, each made of what the container holds, until *stop*."""

import asyncio
import socket

import punq
import structlog

from postroom.application.consume_job import ConsumeJob
from postroom.application.ingest_pointer import Ingest
from postroom.application.maintain_folder import MaintainFolder
from postroom.application.ports import (
    BlobStore,
    Clock,
    FolderSyncs,
    Helpdesk,
    MailboxRegistry,
    MailFolders,
    NotificationTokenVerifier,
    Outcomes,
    PointerQueue,
    PushVerifier,
)
from postroom.application.remove_orphans import RemoveOrphans
from postroom.application.watch_folder import CatchUpFolder
from postroom.domain.retry import RetryPolicy
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.server import serve, tune_gc
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.standard_webhooks import InvalidSecret
from postroom.entrypoints.container import HealthChecks
from postroom.entrypoints.listener import Listener
from postroom.entrypoints.maintenance import Maintenance
from postroom.entrypoints.settings import InvalidSettings, Settings
from postroom.entrypoints.telemetry.folder_sync import observed_maintain
from postroom.entrypoints.telemetry.observed import observed_consume
from postroom.entrypoints.telemetry.sdk import Telemetry
from postroom.entrypoints.worker import Worker

log = structlog.get_logger()


async def run_api(container: punq.Container, settings: Settings, stop: asyncio.Event) -> None:
    """Serve HTTP. Raises InvalidSettings if the port cannot be had."""
    services = Services(
        ingest=container.resolve(Ingest),
        registry=container.resolve(MailboxRegistry),
        folder_syncs=container.resolve(FolderSyncs),
        verify_push=container.resolve(PushVerifier),
        verify_notification=container.resolve(NotificationTokenVerifier),
        queue=container.resolve(PointerQueue),
        outcomes=container.resolve(Outcomes),
        helpdesk=container.resolve(Helpdesk),
        blobs=container.resolve(BlobStore),
        clock=container.resolve(Clock),
        health=container.resolve(HealthChecks).checks,
        telemetry=container.resolve(Telemetry),
        api_tokens={
            token.get_secret_value(): tenant for tenant, token in settings.api_tokens.items()
        },
        handoff_secrets={
            tenant: secret.get_secret_value() for tenant, secret in settings.handoff_secrets.items()
        },
    )
    try:
        app = create_app(services)
    except InvalidSecret as error:
        raise InvalidSettings(str(error)) from None
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


async def run_worker(container: punq.Container, settings: Settings, stop: asyncio.Event) -> None:
    """Claim and consume jobs."""
    clock: Clock = container.resolve(Clock)
    policy = container.resolve(RetryPolicy)
    worker = Worker(
        queue=container.resolve(PointerQueue),
        consume=observed_consume(container.resolve(ConsumeJob), container.resolve(Telemetry)),
        again=lambda attempt: clock.now() + policy.backoff(attempt),
        concurrency=settings.concurrency,
    )
    await worker.run(stop)


async def run_maintenance(container: punq.Container, _: Settings, stop: asyncio.Event) -> None:
    """Keep the mail of every folder coming."""
    telemetry = container.resolve(Telemetry)
    maintenance = Maintenance(
        folder_syncs=container.resolve(FolderSyncs),
        keep=observed_maintain(container.resolve(MaintainFolder), telemetry),
        remove_orphans=container.resolve(RemoveOrphans),
        clock=container.resolve(Clock),
    )
    await maintenance.run(stop)


async def run_listener(container: punq.Container, _: Settings, stop: asyncio.Event) -> None:
    """Listen to the IMAP mailboxes."""
    listener = Listener(
        container.resolve(MailboxRegistry),
        container.resolve(MailFolders),
        container.resolve(CatchUpFolder),
    )
    await listener.run(stop)
