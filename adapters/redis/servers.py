"""The connections to Redis: to one server, to one that Sentinels watch, or to a cluster."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from postroom.adapters.redis.address import Address, InvalidRedisUrl, Kind, Node, read_address
from postroom.adapters.redis.connection import Link, TlsConnection, UnixConnection
from postroom.adapters.redis.discovery import Cluster, Discovery, Sentinels

COMMAND_TIMEOUT = 2
"""Seconds that a server may take to answer a command."""


class Servers:
    """The servers that a URL names. A key lies on one of them, and may come to lie on another."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._discovery = _discovery(address)
        self._clients: dict[int, Redis] = {}
        self._opened = AsyncExitStack()

    @property
    def are_a_cluster(self) -> bool:
        return self._address.kind is Kind.CLUSTER

    def holding(self, key: str) -> Redis:
        """A client of whichever server holds *key* at the time.

        To find it, others are asked when it connects; it connects anew when it is told that the key
        is elsewhere, or that the server is a replica now. It follows no ASK (docs/adr/0022).
        """
        slot = key_slot(key.encode()) if self.are_a_cluster else 0
        if slot not in self._clients:
            found = {"find": partial(self._discovery.primary, key)} if self._discovery else {}
            self._clients[slot] = client = _client(self._address, **found)
            self._opened.push_async_callback(client.aclose)
        return self._clients[slot]

    @asynccontextmanager
    async def primaries(self) -> AsyncIterator[Sequence[Redis]]:
        """A client of each server that holds keys now. Raises what Discovery does."""
        if self._discovery is None:
            yield [self.holding("")]
            return
        nodes = await self._discovery.primaries()
        async with AsyncExitStack() as opened:
            clients = [_client(self._address, host=host, port=port) for host, port in nodes]
            yield [await opened.enter_async_context(client) for client in clients]

    async def aclose(self) -> None:
        await self._opened.aclose()


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Servers]:
    """Connections to what *url* names; address.py says how it is written.

    Nothing is connected yet, and nothing is sent twice by the client: whoever sends a command knows
    whether it may be sent again, and bounds the wait for the answer (`asyncio.timeout`). The
    client's own timeout would go through `asyncio.wait_for`, which can lose a cancellation before
    Python 3.12 (CPython issue 86296), and makes a task for each command. Raises InvalidRedisUrl.
    """
    address = read_address(url)
    _check_tls(address)
    servers = Servers(address)
    try:
        yield servers
    finally:
        await servers.aclose()


def _discovery(address: Address) -> Discovery | None:
    """None if the address says where the server is."""
    match address.kind:
        case Kind.SERVER:
            return None
        case Kind.CLUSTER:
            connect = partial(_connection, address, address.settings)
            return Cluster(address.nodes, connect)
        case Kind.SENTINEL:
            connect = partial(_connection, address, address.sentinel_settings)
            return Sentinels(address.nodes, address.service, connect)


def _connection(address: Address, settings: Mapping[str, Any], node: Node) -> AbstractConnection:
    host, port = node
    kind = TlsConnection if address.tls else Link
    return kind(host=host, port=port, **settings, **_commons())


def _client(address: Address, **where: Any) -> Redis:  # noqa: ANN401 - the client library's
    settings = {**address.settings, **where, **_commons()}
    pool = ConnectionPool(
        connection_class=_connection_class(address),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **settings,
    )
    return Redis.from_pool(pool)


def _connection_class(address: Address) -> type[AbstractConnection]:
    if "path" in address.settings:
        return UnixConnection
    return TlsConnection if address.tls else Link


def _commons() -> dict[str, Any]:
    return {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": None,
        "socket_connect_timeout": COMMAND_TIMEOUT / 2,
        "driver_info": None,  # to tell its name, the client library would need one more permission
    }


def _check_tls(address: Address) -> None:
    """Read the files that are named, which the client library does when it connects."""
    try:
        if address.tls:
            TlsConnection(**{**address.settings, "host": ""}).ssl_context.get()
    except (RedisError, OSError) as error:
        raise InvalidRedisUrl(
            "an ssl_… option names no readable file, or has no meaning"
        ) from error
