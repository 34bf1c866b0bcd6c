"""A server on a real socket, and clients that send it whatever they like."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar, Request, get, post

from postroom.entrypoints.api.body import read_body
from postroom.entrypoints.api.problems import HANDLERS
from postroom.entrypoints.api.server import serve
from postroom.entrypoints.api.serving.limits import Limits
from postroom.entrypoints.telemetry.instruments import Tally

GET = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
LATER = b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
BODY_LIMIT = 2**20
LARGE = 2**24
"""Bytes: more than the kernel takes for somebody who does not read."""


def upload(size: int, sent: int = 0) -> bytes:
    """A request with a body of *size* bytes, of which so many are *sent*."""
    head = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + b"x" * sent


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def status(self) -> int:
        """Of the next response, which is read."""
        line = await self.reader.readline()
        head = await self.reader.readuntil(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        self.body = await self.reader.readexactly(int(length.split(b"\r\n")[0]))
        self.head = head
        return int(line.split()[1])

    async def hung_up(self) -> bool:
        """Wait for the other side to close; whether it had nothing more to say."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True

    async def drip(self, data: bytes) -> None:
        """Send *data* byte by byte, as long as somebody takes it."""
        for byte in data:
            self.send(bytes([byte]))
            await asyncio.sleep(0.01)
            if self.writer.is_closing():
                return


@dataclass
class Rig:
    """`/later` is answered as soon as *respond* is set, and *asked* counts who waits for that.

    *bodies* are the sizes of what was uploaded whole.
    """

    port: int = 0
    respond: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    bodies: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _clients: list[Client] = field(default_factory=list)

    async def connect(self, data: bytes = b"") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self._clients.append(client)
        client.send(data)
        return client

    def refused(self) -> dict[str, int]:
        """How many requests were refused, by reason."""
        observed = self.tally.observe(None)  # type: ignore[arg-type] # it looks at nothing
        return {str((each.attributes or {})["reason"]): int(each.value) for each in observed}

    def app(self) -> Litestar:
        @get("/now")
        async def now() -> str:
            return "now"

        @get("/later")
        async def later() -> str:
            self.asked.release()
            await self.respond.wait()
            return "later"

        @get("/large", media_type="application/octet-stream")
        async def large() -> bytes:
            return b"x" * LARGE

        @post("/upload")
        async def upload(request: Request[Any, Any, Any]) -> str:
            body = await read_body(request.receive, dict(request.headers), BODY_LIMIT)
            self.bodies.append(len(body))
            return "uploaded"

        return Litestar(
            [now, later, large, upload],
            openapi_config=None,
            logging_config=None,
            exception_handlers=HANDLERS,
        )

    def hang_up(self) -> None:
        for client in self._clients:
            client.writer.close()


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Rig]:  # noqa: ANN401 - fields of Limits
    rig = Rig()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        rig.port = listening.getsockname()[1]
        task = asyncio.create_task(
            serve(rig.app(), listening, rig.stop, Limits(**limits), rig.tally)
        )
        try:
            yield rig
        finally:
            rig.respond.set()
            rig.hang_up()
            rig.stop.set()
            await task


async def a_while(rig: Rig) -> None:
    """Longer than headers may take, three times over."""
    for _ in range(3):
        client = await rig.connect(GET[:10])
        assert await client.status() == 408


async def is_served(rig: Rig) -> bool:
    """Whether somebody who just asks is answered."""
    client = await rig.connect(GET)
    return await client.status() == 200
