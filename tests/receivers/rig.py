"""A receiver as a process of its own, between Postroom's calls and a PostgreSQL."""

import os
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import psycopg
from psycopg.sql import SQL, Identifier

from postroom.application.check_application import Sample
from postroom.domain.handover.answer import Answer, Done, Duplicate, Failed
from tests.end_to_end.processes import free_port, until
from tests.receivers.calls import (
    ANOTHER_SECRET,
    PATH,
    SECRET,
    answer_of,
    body_of,
    headers_of,
)
from tests.receivers.link import Link
from tests.receivers.programs import RECEIVERS, Program

CALLS = 12
"""More than a receiver has connections that may be broken."""

BROKE = Failed(reason="the connection broke", sure=False)


@dataclass
class Process:
    """The receiver, on one port however often it is started."""

    program: Program
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    async def start(self) -> None:
        """Return when it can be called."""
        self.spawn()
        await until(lambda: self._listens() or not self.lives, f"{self.program} listens")
        assert self.lives, f"{self.program} does not start: {self.log.read_text()[-2000:]}"

    def spawn(self) -> None:
        command = self.program.command(self.port)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.program.folder,
                env={**os.environ, **self.environment, "PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class Rig:
    """*url* is the way of the test itself to the database of the receiver."""

    process: Process
    link: Link
    url: str
    http: httpx.AsyncClient

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            return answer_of(await self.http.post(PATH, headers=headers, content=body))
        except httpx.TransportError:
            return BROKE

    async def send(self, sample: Sample, *, forged: bool = False) -> Answer:
        """As `application/check_application.py` wants it."""
        secrets = [ANOTHER_SECRET if forged else SECRET]
        return await self.post(headers_of(sample.key, sample.body, secrets=secrets), sample.body)

    async def call(self, key: str) -> Answer:
        """Call with the message of *key*, once."""
        return await self.send(Sample(key, body_of(key)))

    async def call_until_taken(self, key: str) -> Answer:
        """The same again, as Postroom does it. What has ended is started first."""
        answer: Answer = BROKE
        for _ in range(CALLS):
            if not self.process.lives:
                await self.process.start()
            answer = await self.call(key)
            if isinstance(answer, Done | Duplicate):
                break
        return answer

    def tickets(self, key: str) -> int:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT count(*) FROM ticket WHERE subject = %s", [key])
            [count] = found.fetchone() or [0]
            return int(count)


@asynccontextmanager
async def running(program: Program, server_url: str, directory: Path) -> AsyncIterator[Rig]:
    """*program* on a new database of the server, which listens on a Unix socket."""
    url = database_for_receivers(server_url)
    async with Link(socket_of(url)) as link:
        process = Process(program, environment_of(url, link), directory / f"{program}.log")
        async with client(process.port) as http:
            try:
                await process.start()
                yield Rig(process, link, url, http)
            finally:
                process.kill()


def environment_of(url: str, link: Link) -> Mapping[str, str]:
    return {
        "DATABASE_URL": f"postgresql://postroom@127.0.0.1:{link.port}{urlsplit(url).path}",
        "POSTROOM_SECRET": SECRET,
    }


def client(port: int) -> httpx.AsyncClient:
    """Each call on a connection of its own: none of one that was killed."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        timeout=30,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


def database_for_receivers(server_url: str) -> str:
    """The URL of a new database with the tables of the receivers."""
    name = f"receiver_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(url) as connection:
        connection.execute((RECEIVERS / "schema.sql").read_bytes())
    return url


def socket_of(url: str) -> Path:
    query = parse_qs(urlsplit(url).query)
    return Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"
