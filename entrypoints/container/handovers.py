"""Applications, what is handed over to them, and how they are called."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from importlib.metadata import version
from random import Random

import punq

from postroom.adapters.crypto import BodySeal, FernetCipher
from postroom.adapters.inbox_table.caller import InboxTableCaller
from postroom.adapters.inbox_table.table import TABLE_SQL
from postroom.adapters.inbox_table.target import check_database
from postroom.adapters.postgres.application_survey import PostgresApplicationSurvey
from postroom.adapters.postgres.applications import PostgresApplications
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.handover_bodies import Bodies
from postroom.adapters.postgres.handover_records import PostgresHandoverRecords
from postroom.adapters.postgres.handovers import PostgresHandovers
from postroom.adapters.postgres.outbox import PostgresOutbox
from postroom.adapters.redis.event_stream import EventStreamCaller, stream_of
from postroom.adapters.redis.servers import Servers
from postroom.adapters.webhook import envelope
from postroom.adapters.webhook.caller import WebhookCaller
from postroom.adapters.webhook.signing import generate_secret
from postroom.adapters.webhook.targets import check_target
from postroom.application.accept_handover import AcceptHandover, CopyEvents
from postroom.application.distribute_events import DistributeEvents, OutboxEvents
from postroom.application.fall_back import FallBack
from postroom.application.file_message import FileMessage
from postroom.application.hand_over import Callers, HandOver
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import (
    ApplicationCaller,
    Applications,
    ApplicationSurvey,
    BlobStore,
    Call,
    Clock,
    EmailProcessor,
    HandoverRecords,
    Handovers,
    HtmlSanitiser,
    Offload,
    Outbox,
)
from postroom.application.providers import Providers
from postroom.application.render_sample import RenderSample
from postroom.application.replay_as_new import ReplayAsNew
from postroom.application.replay_handovers import ReplayHandovers
from postroom.application.route_message import RouteMessage
from postroom.application.unless_shadow import UnlessShadow
from postroom.domain.handover.application import Application
from postroom.domain.handover.content_token import ContentTokens, Links
from postroom.domain.handover.handover import Handover
from postroom.domain.ingress import Ingress
from postroom.entrypoints.container.processors import installed_processors
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.telemetry.handovers import ObservedHandovers
from postroom.entrypoints.telemetry.outbox import ObservedOutbox
from postroom.entrypoints.telemetry.sdk import Telemetry

__all__ = [
    "TABLE_SQL",
    "bind_handing_over",
    "bind_handover_storage",
    "check_destination",
    "generate_secret",
    "shown_headers",
]

_WEB = ("https", "http")


def bind_handover_storage(
    container: punq.Container, settings: Settings, database: Database, providers: Providers
) -> None:
    keys = [key.get_secret_value() for key in settings.secret_keys]
    cipher, seal = FernetCipher(keys), BodySeal(keys, encrypts=settings.encrypt_mail)
    bodies = Bodies(seal)
    applications: Applications = PostgresApplications(database, cipher)
    handovers: Handovers = PostgresHandovers(database, providers.pointers, bodies)
    records: HandoverRecords = PostgresHandoverRecords(database, providers.pointers, bodies)
    survey: ApplicationSurvey = PostgresApplicationSurvey(database)
    container.register(Applications, instance=applications)
    container.register(ApplicationSurvey, instance=survey)
    container.register(Handovers, instance=handovers)
    outbox: Outbox = PostgresOutbox(database, bodies)
    container.register(HandoverRecords, instance=records)
    container.register(Outbox, instance=outbox)


def bind_handing_over(container: punq.Container, settings: Settings, telemetry: Telemetry) -> None:
    events = ObservedHandovers(telemetry)
    applications, handovers = container.resolve(Applications), container.resolve(Handovers)
    hand_over = HandOver(
        handovers=handovers,
        callers=container.resolve(Callers),
        events=events,
        fall_back=FallBack(applications, handovers, events),
        draw=container.resolve(Random).random,
    )
    container.register(HandOver, instance=hand_over)
    outbox_events: OutboxEvents = ObservedOutbox(telemetry)
    distribute = DistributeEvents(container.resolve(Outbox), outbox_events)
    container.register(DistributeEvents, instance=distribute)
    processor: EmailProcessor = _router(container, settings, events)
    container.register(EmailProcessor, instance=processor)
    container.register(ReplayAsNew, base_url=_base_url(settings))
    container.register(ReplayHandovers)
    sample = RenderSample(
        container.resolve(HtmlSanitiser),
        container.resolve(Offload),
        container.resolve(Clock),
        _base_url(settings),
    )
    container.register(RenderSample, instance=sample)
    container.register(OpenLinks)
    container.register(ReadContent)


async def bind_callers(
    container: punq.Container, settings: Settings, redis: Servers, resources: AsyncExitStack
) -> None:
    clock, tokens = container.resolve(Clock), container.resolve(ContentTokens)

    def token(handover: Handover) -> str:
        links = Links(handover.tenant, handover.application, handover.key)
        return tokens.make(links, clock.now())

    webhook: ApplicationCaller = await resources.enter_async_context(
        WebhookCaller(clock, content_token=token, version=version("postroom"))
    )
    inbox_table: ApplicationCaller = await resources.enter_async_context(InboxTableCaller())
    stream: ApplicationCaller = EventStreamCaller(redis, length=settings.events_stream_length)
    callers = Callers(
        {**dict.fromkeys(_WEB, webhook), "postgresql": inbox_table, "redis-stream": stream}
    )
    container.register(Callers, instance=callers)


def _router(container: punq.Container, settings: Settings, events: CopyEvents) -> RouteMessage:
    ingress = container.resolve(Ingress)
    applications, handovers = container.resolve(Applications), container.resolve(Handovers)
    accept = AcceptHandover(
        applications=applications,
        handovers=handovers,
        events=events,
        blobs=container.resolve(BlobStore),
        sanitise=container.resolve(HtmlSanitiser),
        offload=container.resolve(Offload),
        clock=container.resolve(Clock),
        ingress=ingress,
        base_url=_base_url(settings),
    )
    return RouteMessage(
        applications=applications,
        handovers=handovers,
        accept=accept,
        helpdesk=UnlessShadow(container.resolve(FileMessage), ingress),
        processors=installed_processors(container, settings),
        default=settings.processor,
    )


def _base_url(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def shown_headers(application: Application, call: Call, now: datetime) -> Mapping[str, str]:
    """What a call over HTTP has, without its secrets."""
    key = call.handover.key
    signed = envelope.signed(application, key, call.body, now, version("postroom"))
    return envelope.shown({**signed, **envelope.of_call(call, "")})


def check_destination(application: Application) -> None:
    """Raises InvalidApplication if it cannot be where *application* is."""
    if application.scheme in _WEB:
        check_target(application.destination, application.set_by)
    elif application.scheme == "postgresql":
        check_database(application.destination)
    elif application.scheme == "redis-stream":
        stream_of(application.destination)
