"""Connections that find their server when they connect, and leave one that cannot help."""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.connection import HiredisRespSerializer
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError

from postroom.adapters.redis.address import Node

Find = Callable[[], Awaitable[Node]]

ELSEWHERE = AskError, ClusterDownError, ReadOnlyError
"""Answers (and their kinds, such as MOVED) of a server that is not, or no longer, the right one."""


_serializer = HiredisRespSerializer()


class _Link(AbstractConnection):
    """After an answer of that kind it is closed when it goes back to its pool.

    It writes with hiredis, as redis-py itself does where it does not use asyncio: packing in Python
    takes a fifth of a worker's time.
    """

    def pack_command(self, *args: Any) -> list[bytes]:  # noqa: ANN401 - as the client has it
        packed: list[bytes] = _serializer.pack(*args)
        return packed

    async def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return await super().read_response(*args, **options)
        except ELSEWHERE:
            self.mark_for_reconnect()  # type: ignore[no-untyped-call]
            raise


class UnixConnection(_Link, UnixDomainSocketConnection):
    pass


class Link(_Link, Connection):
    """*find* tells the host and the port; without it they are what they are."""

    def __init__(self, *, find: Find | None = None, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self._find = find

    async def _connect(self) -> None:
        if self._find is not None:
            self.host, self.port = await self._find()
        await super()._connect()  # type: ignore[no-untyped-call]


class TlsConnection(Link, SSLConnection):
    pass
