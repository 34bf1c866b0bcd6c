"""The server that is measured: `python -m benchmarks.webhook.server postroom|raw --redis URL`.

With `--google` and the file of benchmarks/webhook/push.py it is sent what Gmail announces.

It prints its port, serves until SIGTERM, and then prints the seconds of CPU that this has taken.
Postroom is served as in production, with bounds on what a client may take; the other as by uvicorn
itself, without.
"""

import argparse
import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
from litestar import Litestar, post
from litestar.params import RawBody
from redis.asyncio import Redis

from benchmarks.peer import QUEUE
from benchmarks.webhook import push
from benchmarks.webhook.notification import MAILBOXES, PATH, subscription
from postroom.adapters import google, microsoft
from postroom.adapters.clock import SystemClock
from postroom.adapters.http.deps import ProviderDeps
from postroom.adapters.http.sign_ins import SignIns
from postroom.adapters.memory.applications import InMemoryApplications
from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.folder_syncs import InMemoryFolderSyncs
from postroom.adapters.memory.handover_records import InMemoryHandoverRecords
from postroom.adapters.memory.handovers import InMemoryHandovers
from postroom.adapters.memory.helpdesk import InMemoryHelpdesk
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.outcomes import InMemoryOutcomes
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.adapters.memory.routes import InMemoryRoutes
from postroom.adapters.memory.witness import InMemoryQueueWitness
from postroom.adapters.microsoft.account import ClientSecret, MicrosoftAccount
from postroom.adapters.redis.partitions import redis_queue
from postroom.adapters.redis.servers import open_redis
from postroom.adapters.redis.wire import WireFormat
from postroom.application.ingest_pointer import IngestPointer
from postroom.application.open_links import OpenLinks, ReadContent
from postroom.application.ports import Provider
from postroom.application.providers import Providers
from postroom.domain.account import Secret
from postroom.domain.handover.content_token import ContentTokens
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.api.app import create_app
from postroom.entrypoints.api.server import run_until, serve, tune_gc, uvicorn_config
from postroom.entrypoints.api.services import Services
from postroom.entrypoints.api.serving.server import Server
from postroom.entrypoints.telemetry.logging import configure_logging
from postroom.entrypoints.telemetry.observed import observed_ingest
from postroom.entrypoints.telemetry.sdk import open_telemetry


def _google(deps: ProviderDeps, identity: Path) -> Provider:
    certificates = json.loads(identity.read_text())["certificates"]
    served = httpx.MockTransport(lambda _: httpx.Response(200, json=certificates))
    return google.provider(replace(deps, http=httpx.AsyncClient(transport=served)))


@asynccontextmanager
async def postroom(url: str, identity: Path | None) -> AsyncIterator[Litestar]:
    """All of Postroom's API, with telemetry and logs as in production, the logs on standard error.

    Only the database is one in memory. It is asked for the mailboxes twice a minute.
    """
    configure_logging()
    clock, database = SystemClock(), InMemoryDatabase()
    registry, folder_syncs = InMemoryMailboxRegistry(database), InMemoryFolderSyncs(database)
    if identity:
        for mailbox in push.mailboxes():
            await registry.add(mailbox)
    else:
        await _subscribe(registry, folder_syncs)
    applications, blobs = InMemoryApplications(database), InMemoryBlobStore()
    records = InMemoryHandoverRecords(database, clock)
    async with AsyncExitStack() as resources:
        servers = await resources.enter_async_context(open_redis(url))
        telemetry = resources.enter_context(open_telemetry())
        deps = await _deps(registry, clock, resources)
        provider = _google(deps, identity) if identity else microsoft.provider(deps)
        queue = redis_queue(servers, WireFormat({provider.name: provider.pointer}))
        yield create_app(
            Services(
                ingest=observed_ingest(IngestPointer(queue, clock), telemetry),
                providers=Providers([provider]),
                routes=InMemoryRoutes(database),
                registry=registry,
                folder_syncs=folder_syncs,
                queue=queue,
                witness=InMemoryQueueWitness(database, clock),
                outcomes=InMemoryOutcomes(database),
                applications=applications,
                handovers=InMemoryHandovers(database, clock),
                handover_records=records,
                open_links=OpenLinks(records, applications, ContentTokens([b"0" * 32]), clock),
                read_content=ReadContent(blobs, AtOnce()),
                helpdesk=InMemoryHelpdesk(database),
                blobs=blobs,
                clock=clock,
                health=(),
                telemetry=telemetry,
                api_tokens={},
            )
        )


async def _deps(
    registry: InMemoryMailboxRegistry, clock: SystemClock, resources: AsyncExitStack
) -> ProviderDeps:
    return ProviderDeps(
        http=await resources.enter_async_context(httpx.AsyncClient()),
        sign_ins=SignIns(ThreadPoolExecutor(1), clock),
        clock=clock,
        registry=registry,
        resources=resources,
        public_url=push.PUBLIC_URL,
        max_message_bytes=1,
    )


async def _subscribe(registry: InMemoryMailboxRegistry, folder_syncs: InMemoryFolderSyncs) -> None:
    """Mailboxes whose one folder is subscribed to, as a run of maintenance leaves them."""
    now = SystemClock().now()
    account = MicrosoftAccount(
        directory="84bd8158-6d4d-4958-8b9f-9d6445542f95",
        client_id="8e460676-ae3f-4b1e-8790-ee0fb5d6148f",
        credentials=ClientSecret(Secret("secret")),
        user="5d1b2f60-43c8-4f0e-9a51-8a7f3cde9b24",
    )
    for number in range(MAILBOXES):
        name = f"mailbox-{number:03}"
        address = f"{name}@postroom.example"
        await registry.add(
            Mailbox(tenant="acme", id=name, address=address, account=account, added_at=now)
        )
    for claimed in await folder_syncs.claim_due(now, MAILBOXES, timedelta(minutes=1)):
        number = int(claimed.mailbox.rpartition("-")[2])
        await folder_syncs.save(replace(claimed.subscribed(subscription(number, now)), due_at=now))


@asynccontextmanager
async def raw(url: str, identity: Path | None) -> AsyncIterator[Litestar]:
    """What Litestar and redis-py do at the least: the body as it is, into a stream."""
    redis = Redis.from_url(url, protocol=2)

    path, status = (push.PATH, 204) if identity else (PATH, 202)

    @post(path, status_code=status)
    async def receive(body: RawBody) -> None:
        await redis.xadd(QUEUE, {"body": body})

    yield Litestar([receive], openapi_config=None, logging_config=None)
    await redis.aclose()


async def serve_without_bounds(
    app: Litestar, listening: socket.socket, stop: asyncio.Event
) -> None:
    await run_until(stop, Server(uvicorn_config(app)), listening)


APPLICATIONS: dict[str, Callable[[str, Path | None], AbstractAsyncContextManager[Litestar]]] = {
    "postroom": postroom,
    "raw": raw,
}
SERVE = {"postroom": serve, "raw": serve_without_bounds}


async def run(name: str, url: str, identity: Path | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with APPLICATIONS[name](url, identity) as app:
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
            print(listening.getsockname()[1], flush=True)
            tune_gc()
            begun = time.process_time()
            await SERVE[name](app, listening, stop)
            print(time.process_time() - begun, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=APPLICATIONS)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--google", type=Path, help="the file with a certificate")
    options = parser.parse_args()
    asyncio.run(run(options.name, options.redis, options.google))


if __name__ == "__main__":
    main()
