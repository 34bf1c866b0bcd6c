"""The connections to Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer

ANSWER_WITHIN = 2
"""Seconds that a server may take to answer a command."""


class InvalidRedisUrl(ValueError):
    """The setting is not a Redis URL; the message does not repeat it."""


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """Connections to the server at *url*: `redis://`, `rediss://` (TLS) or `unix://`.

    Nothing is connected yet, and nothing is sent twice by the client: whoever sends a command knows
    whether it may be sent again, and bounds the wait for the answer (`asyncio.timeout`). The
    client's own time-out would go through `asyncio.wait_for`, which can lose a cancellation before
    Python 3.12 (CPython issue 86296), and makes a task for each command. Raises InvalidRedisUrl.
    """
    try:
        redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=ANSWER_WITHIN / 2,
        )
    except ValueError as error:
        raise InvalidRedisUrl(
            "use redis://[user:password@]host[:port][/db], rediss://… or unix:///path"
        ) from error
    pool = redis.connection_pool
    pool.connection_class = _packing_in_c(pool.connection_class)
    async with redis:
        yield redis


class _PacksInC(AbstractConnection):
    """Writes with hiredis, as redis-py itself does where it does not use asyncio.

    Packing in Python takes a fifth of a worker's time.
    """

    def pack_command(self, *args: Any) -> list[bytes]:  # noqa: ANN401 - as the client has it
        packed: list[bytes] = _serializer.pack(*args)
        return packed


_serializer = HiredisRespSerializer()


def _packing_in_c(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    return type(kind.__name__, (_PacksInC, kind), {})
