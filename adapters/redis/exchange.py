"""Commands and their answers, on a connection of a client's pool."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Argument = str | bytes | int | float


async def exchange(redis: Redis, *commands: Sequence[Argument]) -> Sequence[Any]:
    """The server's answers to *commands*, which it is sent in one go.

    A refusal is an answer too: a ResponseError, not raised. Raises RedisError when the connection
    fails. The client's own way round (retries, call-backs, pipelines) takes longer than the wire.
    """
    connection = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        packed = chain.from_iterable(connection.pack_command(*command) for command in commands)
        await connection.send_packed_command(list(packed))
        return [await _answer(connection) for _ in commands]
    finally:
        await redis.connection_pool.release(connection)


async def _answer(connection: AbstractConnection) -> Any:  # noqa: ANN401 - it is the server's
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal
