"""All that a handover passes, in processes of their own: Graph, queue, workers, application."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from pydantic import SecretStr

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey
from postroom.adapters.microsoft.pointer import MicrosoftPointer
from postroom.application.ports import OptionValue
from postroom.domain.account import Secret
from postroom.domain.handover.application import Application
from postroom.domain.mailbox import Mailbox
from postroom.entrypoints.container import Wired, wire
from postroom.entrypoints.demo.messages import compose
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from postroom.entrypoints.emulators.loopback import issue_certificate, serve
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.settings import Settings
from tests.end_to_end.processes import until, wait_until
from tests.receivers.calls import SECRET

TENANT, NAME = "acme", "crm"
MAILBOXES = 4

_HURRY = """
UPDATE postroom.handover SET due_at = clock_timestamp()
WHERE state = 'waiting' AND due_at > clock_timestamp() + interval '2 seconds'
"""
_RESUME = """
UPDATE postroom.application_health
SET health = jsonb_set(health, '{paused_until}', to_jsonb(clock_timestamp()))
WHERE (health ->> 'paused_until')::timestamptz > clock_timestamp() + interval '2 seconds'
"""


@dataclass
class Part:
    """A process that may be killed and started again. *is_ready* looks at what it has logged."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    home: Path
    is_ready: Callable[["Part"], bool]
    starts: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.starts += 1
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdout=log, stderr=log
            )

    def await_readiness(self) -> None:
        wait_until(lambda: self.is_ready(self) or not self.lives, f"{self.name} is ready")
        assert self.lives, self.log.read_text()[-2000:]

    @property
    def log(self) -> Path:
        """Of this start."""
        return self.home / f"{self.name}.{self.starts}.log"

    @property
    def said(self) -> bytes:
        return self.log.read_bytes()

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        if self.lives:
            self.signal(signal.SIGTERM)

    def await_end(self) -> None:
        wait_until(lambda: not self.lives, f"{self.name} has ended")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def started(*parts: Part) -> Iterator[None]:
    """Killed at the end, wherever they are then."""
    try:
        for part in parts:
            part.start()
        for part in parts:
            part.await_readiness()
        yield
    finally:
        for part in parts:
            part.kill()


@dataclass(frozen=True)
class House:
    """*wired* is the test's own; *environment* is what makes a worker work with all of it."""

    graph: GraphEmulator
    wired: Wired
    mailboxes: Sequence[Mailbox]
    environment: Mapping[str, str]
    database: "Database"
    home: Path
    ids: dict[int, str] = field(default_factory=dict)

    def worker(self, name: str = "worker") -> Part:
        command = [sys.executable, "-m", "postroom.entrypoints", "worker"]
        return Part(
            name, command, self.environment, self.home, lambda it: b"worker started" in it.said
        )

    async def route_to(
        self, url: str, *, answers_within: timedelta = timedelta(seconds=30)
    ) -> None:
        """To an application there, which gets all the tenant's mail from now on."""
        application = Application(
            tenant=TENANT,
            name=NAME,
            destination=url,
            secrets=(SECRET,),
            timeout=answers_within,
            added_at=self.wired.clock.now(),
        )
        await self.wired.applications.add(application)
        await self.wired.applications.set_route(TENANT, NAME)

    def deliver(self, number: int) -> None:
        """Put a message into the mailbox; nobody hears of it yet."""
        mail = compose(SystemClock(), f"m{number}", f"Message {number}", "Hello!", sender="a@b.c")
        self.ids[number] = self.graph.deliver(self._mailbox(number).address, mail.as_bytes())

    async def announce(self, number: int) -> None:
        pointer = MicrosoftPointer("", self.ids[number])
        await self.wired.ingest(self._mailbox(number), [pointer])

    def _mailbox(self, number: int) -> Mailbox:
        return self.mailboxes[number % MAILBOXES]

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """On our database, past row-level security."""
        return self.database.execute(statement)

    def hurry(self) -> None:
        """Cut long waits short: how long they are is proven elsewhere."""
        self.execute(_HURRY)
        self.execute(_RESUME)

    async def until_ended(self, count: int = 1) -> list[tuple[Any, ...]]:
        """State, calls and reference of each handover, when *count* have ended."""
        ended = "SELECT state, fence, reference FROM postroom.handover WHERE ended_at IS NOT NULL"
        await until(lambda: len(self.execute(ended)) >= count, "the handovers end")
        return self.execute(ended)


@dataclass
class Database:
    """On one connection, which is made again when the server was away."""

    url: str
    _connection: "psycopg.Connection[tuple[Any, ...]] | None" = None

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """It may be executed twice."""
        try:
            return self._execute(statement)
        except psycopg.OperationalError:  # it has crashed since
            self.close()
            return self._execute(statement)

    def _execute(self, statement: str) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True)
        done = self._connection.execute(statement.encode())
        return done.fetchall() if done.description else []

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def crash(postgres: EmbeddedPostgres) -> None:
    """An immediate shutdown: no checkpoint, and recovery when it is started again."""
    postmaster = int((postgres.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGQUIT)
    wait_until(lambda: not postgres.lives(), "PostgreSQL has crashed")


def restart(postgres: EmbeddedPostgres) -> None:
    postgres.start_again()
    wait_until(postgres.answers, "PostgreSQL has recovered")


@asynccontextmanager
async def a_house(home: Path, database_url: str) -> AsyncIterator[House]:
    with EmbeddedValkey(home / "valkey") as valkey:
        certificate = issue_certificate(home / "graph.pem")
        async with httpx.AsyncClient() as client:
            graph = GraphEmulator(SystemClock(), client)
            async with serve(graph.app, certificate=certificate) as url:
                settings = Settings(
                    home=home,
                    redis_url=valkey.url,
                    database_url=database_url,
                    secret_keys=(SecretStr(generate_key()),),
                )
                async with wire(settings) as wired:
                    mailboxes = [await _add_mailbox(wired, number) for number in range(MAILBOXES)]
                    urls = dict.fromkeys(
                        ("POSTROOM_GRAPH_URL", "POSTROOM_MICROSOFT_LOGIN_URL"), url
                    )
                    environment = environment_of(settings) | urls
                    environment["SSL_CERT_FILE"] = str(certificate)
                    with closing(Database(database_url)) as database:
                        yield House(graph, wired, mailboxes, environment, database, home)


async def _add_mailbox(wired: Wired, number: int) -> Mailbox:
    address = f"m{number}@{TENANT}.example"
    options: Mapping[str, OptionValue] = {
        "directory": DIRECTORY,
        "client-id": CLIENT_ID,
        "client-secret": Secret(CLIENT_SECRET),
    }
    mailbox = Mailbox(
        tenant=TENANT,
        id=f"m{number}",
        address=address,
        account=wired.providers["microsoft"].accounts.create(address, options),
        added_at=wired.clock.now(),
    )
    await wired.registry.add(mailbox)
    return mailbox
