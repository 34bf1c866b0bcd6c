"""`postroom api` as a process, on servers that can be stopped like a machine that hangs."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey
from postroom.adapters.embedded.server import EmbeddedServer
from postroom.entrypoints.container import wire
from postroom.entrypoints.settings import Settings
from tests.adapters.graph_notifications import CLIENT_STATE, OTHER, SUBSCRIPTION
from tests.databases import new_database
from tests.end_to_end.crash_rig import MAILBOX
from tests.end_to_end.processes import free_port, until
from tests.subscribing import a_subscription, subscribe

NO_SETTINGS: Mapping[str, str] = {}
GRAPH_WAITS = 3.0
"""Seconds: whoever answers later gets fewer notifications, and in the end none."""


@dataclass(frozen=True)
class Api:
    """The process, its *client* (which waits as Graph does), and what it has logged."""

    process: "subprocess.Popen[bytes]"
    client: httpx.AsyncClient
    port: int
    log: Path

    async def notify(self, *items: object, path: str = "") -> httpx.Response:
        return await self.client.post(f"/webhooks/microsoft{path}", json={"value": items})

    async def is_live(self) -> bool:
        try:
            return (await self.client.get("/health/live")).is_success
        except httpx.TransportError:
            return False

    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    @property
    def open_files(self) -> int:
        """How many it may have open."""
        return resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)[0]

    def lines(self, words: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if words in line]


@dataclass(frozen=True)
class Engines:
    """Servers that nobody else uses."""

    valkey: EmbeddedValkey
    postgres: EmbeddedPostgres
    database: str


@contextmanager
def own_engines(home: Path) -> Iterator[Engines]:
    with (
        EmbeddedValkey(home / "valkey") as valkey,
        EmbeddedPostgres(home / "postgres") as postgres,
    ):
        yield Engines(valkey, postgres, new_database(postgres.url))


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    """Every process of *server* stands still: its kernel acknowledges, and nobody answers."""
    first = server._pid()
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    pids = [first, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def subscribe_two(settings: Settings) -> None:
    """Two mailboxes, of which Graph notifies as SUBSCRIPTION and OTHER."""
    async with wire(settings) as wired:
        for name, subscription_id in (("support", SUBSCRIPTION), ("sales", OTHER)):
            mailbox = replace(MAILBOX, id=name, address=f"{name}@acme.example")
            await wired.registry.add(mailbox)
            now = wired.clock.now()
            subscription = a_subscription(subscription_id, CLIENT_STATE, now)
            await subscribe(wired.folder_syncs, mailbox, subscription, now)


@asynccontextmanager
async def serving(
    redis_url: str,
    database_url: str,
    home: Path,
    *,
    open_files: int = 0,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[Api]:
    """The API at default settings but for *settings*. It may have so many *open_files*, if it asks
    for them.
    """
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")},
        "POSTROOM_HOME": str(home),
        "POSTROOM_REDIS_URL": redis_url,
        "POSTROOM_DATABASE_URL": database_url,
        "POSTROOM_SECRET_KEYS": generate_key(),
        "POSTROOM_PORT": str(port),
        **settings,
    }
    limit = ["prlimit", f"--nofile=64:{open_files}"] if open_files else []
    command = [*limit, sys.executable, "-m", "postroom.entrypoints", "api"]
    address = f"http://127.0.0.1:{port}"
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        process = await asyncio.to_thread(subprocess.Popen, command, env=environment, stderr=output)
    async with httpx.AsyncClient(base_url=address, timeout=GRAPH_WAITS) as client:
        api = Api(process, client, port, log)
        try:
            await until(lambda: api.lines("api started"), "the API is there")
            yield api
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)
