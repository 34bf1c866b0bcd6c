"""A webhook caller whose network is the test's: it says what was connected to, and sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.webhook.caller import WebhookCaller
from tests.calling import NOON

PUBLIC = "93.184.216.34"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass
class Wire(httpcore.AsyncNetworkStream):
    """Answers with a chunk a read, and then ends."""

    address: str
    chunks: list[bytes]
    sent: bytearray = field(default_factory=bytearray)
    server_name: str = ""

    async def read(self, *_: object, **__: object) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    async def write(self, buffer: bytes, *_: object, **__: object) -> None:
        self.sent += buffer

    async def start_tls(self, *wanted: object, **_: object) -> httpcore.AsyncNetworkStream:
        self.server_name = str(wanted[1])
        return self

    async def aclose(self) -> None:
        pass

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the first request."""
        head = self.sent.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in head)

    @property
    def body(self) -> bytes:
        return bytes(self.sent.partition(b"\r\n\r\n")[2])


@dataclass
class FakeNetwork(httpcore.AsyncNetworkBackend):
    """Every connection answers with *answer*; those to an address in *failures* fail so.

    *waits* are the seconds that each attempt at one was given.
    """

    answer: Sequence[bytes] = (OK,)
    failures: dict[str, Exception] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    waits: list[float | None] = field(default_factory=list)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        *_: object,
        **__: object,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append(f"{host}:{port}")
        self.waits.append(timeout)
        if host in self.failures:
            raise self.failures[host]
        self.wires.append(Wire(f"{host}:{port}", list(self.answer)))
        return self.wires[-1]


@dataclass
class FakeNames:
    """Every name leads to *addresses*, or fails. *wanted* are those that were looked up."""

    addresses: Sequence[str] = (PUBLIC,)
    failure: Exception | None = None
    wanted: list[str] = field(default_factory=list)

    async def __call__(self, name: str) -> Sequence[str]:
        self.wanted.append(name)
        if self.failure:
            raise self.failure
        return self.addresses


@dataclass
class Rig:
    caller: WebhookCaller
    network: FakeNetwork
    names: FakeNames
    clock: ManualClock


@asynccontextmanager
async def webhook_rig(*answer: bytes) -> AsyncIterator[Rig]:
    clock, network, names = ManualClock(NOON), FakeNetwork(answer or (OK,)), FakeNames()
    caller = WebhookCaller(
        clock,
        content_token=lambda handover: f"v1.token-of-{handover.key}",
        version="1.0",
        tls=TLS,
        resolve=names,
        network=network,
    )
    async with caller:
        yield Rig(caller, network, names, clock)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    handler: Handler, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """A server of the test's, which does with a connection whatever *handler* does."""
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        handling.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the caller has gone, or the test is over
        finally:
            writer.close()
            handling.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        for task in list(handling):
            task.cancel()
        await asyncio.gather(*handling, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[Mapping[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
    return headers, await reader.readexactly(int(headers["content-length"]))
