"""Servers without sockets: where they listen, and how one connects to them.

What ails a host is met by whoever connects to it; what is met after that, connections.py says.
"""

import asyncio
import errno
from contextvars import Context, copy_context
from dataclasses import dataclass
from random import Random

from tests.simulation.connections import LATENCY, Address, End, Factory, Host, Line, Socket
from tests.simulation.plan import AVOIDED, Kind
from tests.simulation.process import PROCESS

FLAPPING = 0.9
"""How many connections a host refuses that flaps."""


class Internet:
    """Where servers listen, by *names*, and what ails these *hosts*."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self.names: dict[str, Address] = {}
        self.hosts: dict[str, Host] = {}
        self._loop = loop
        self._random = random
        self._listening: dict[Address, Factory] = {}

    def listen(self, factory: Factory, address: Address) -> "Listener":
        self._listening[address] = factory
        return Listener(self, address)

    def stop(self, address: Address) -> None:
        self._listening.pop(address, None)

    async def connect(
        self, factory: Factory, host: str, port: int
    ) -> tuple["End", asyncio.BaseProtocol]:
        await asyncio.sleep(2 * LATENCY)
        accept = self._listening.get(self.names.get(host, (host, port)))
        if accept is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there")
        line = Line(self.hosts[host])
        await self._reach(line.host)
        # What the server does belongs to no process of ours, and outlives them.
        client, server = End(line, copy_context()), End(line, Context())
        client.peer, server.peer = server, client
        client.begin(factory)
        server.begin(accept)
        if process := PROCESS.get():
            client.owner = process
            process.connections[client] = None
        return client, client.protocol

    async def _reach(self, host: Host) -> None:
        for fault in host.faults():
            if fault.kind in AVOIDED:
                host.meet(fault)
            match fault.kind:
                case Kind.REFUSES:
                    raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
                case Kind.FLAPS if self._random.random() < FLAPPING:
                    raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
                case Kind.HANGS | Kind.HANGS_FOR_EVER:
                    await asyncio.sleep(fault.ends - self._loop.time())
                case _:
                    pass


@dataclass(eq=False)
class Listener:
    """What `create_server` returns, as far as asyncio's streams and the emulators use it."""

    internet: Internet
    address: Address

    @property
    def sockets(self) -> list["Socket"]:
        return [Socket(self.address)]

    def close(self) -> None:
        self.internet.stop(self.address)

    async def wait_closed(self) -> None:
        """Nothing is left to be closed."""
