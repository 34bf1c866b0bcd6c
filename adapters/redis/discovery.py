"""Where the primaries are: Sentinels, or the nodes of a cluster, are asked whenever we connect.

What they said before is not used again, so that no failover and no move of slots makes it wrong.
Protocols: "Guidelines for Redis clients with support for Redis Sentinel", and CLUSTER SLOTS.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from ssl import SSLError
from typing import Any, Protocol, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from postroom.adapters.redis.address import Node

DISCOVERY_TIMEOUT = 0.5
"""Seconds that one of those who are asked may take, so that others can be asked in time."""

Connect = Callable[[Node], AbstractConnection]
Result = TypeVar("Result")


class NoPrimary(RedisConnectionError):
    """Nobody says where the primary is. The message is fit for a log."""


class Discovery(Protocol):
    """Its methods raise NoPrimary, or what was said to us instead (AuthenticationError, …)."""

    async def primary(self, key: str) -> Node:
        """Who holds *key* now."""

    async def primaries(self) -> Sequence[Node]:
        """All who hold keys now."""


class Sentinels(Discovery):
    def __init__(self, nodes: Sequence[Node], service: str, connect: Connect) -> None:
        self._peers = _Peers(
            nodes,
            connect,
            unreachable="no Sentinel of POSTROOM_REDIS_URL answers",
            others="POSTROOM_REDIS_URL does not name Sentinels (their port is 26379 as a rule)",
        )
        self._service = service

    async def primary(self, key: str) -> Node:  # noqa: ARG002 - it holds them all
        command = "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service
        return await self._peers.query(_primary_of_service, *command)

    async def primaries(self) -> Sequence[Node]:
        return [await self.primary("")]


def _primary_of_service(_: Node, answer: Any) -> Node:  # noqa: ANN401 - it is Redis's
    if answer is None:
        raise NoPrimary("the Sentinels do not know the service that POSTROOM_REDIS_URL names")
    host, port = answer
    return host.decode(), int(port)


class Cluster(Discovery):
    """*nodes* are where to begin: each that answers names the others."""

    def __init__(self, nodes: Sequence[Node], connect: Connect) -> None:
        self._seeds = nodes
        self._peers = _Peers(
            nodes,
            connect,
            unreachable="no node of the Redis cluster answers",
            others="Redis is no cluster: let POSTROOM_REDIS_URL begin with redis:// or rediss://",
        )

    async def primary(self, key: str) -> Node:
        slot = key_slot(key.encode())
        for first, last, members in await self._slots():
            if first <= slot <= last:
                return members[0]
        raise NoPrimary("no server of the Redis cluster has the queue's slot: see CLUSTER INFO")

    async def primaries(self) -> Sequence[Node]:
        return list(dict.fromkeys(members[0] for _, _, members in await self._slots()))

    async def _slots(self) -> Sequence[tuple[int, int, list[Node]]]:
        slots = await self._peers.query(_members_of_slots, "CLUSTER", "SLOTS")
        others = (member for _, _, members in slots for member in members)
        self._peers.nodes = list(dict.fromkeys([*self._seeds, *others]))
        return slots


def _members_of_slots(
    source: Node,
    answer: Any,  # noqa: ANN401 - it is Redis's
) -> Sequence[tuple[int, int, list[Node]]]:
    """First and last slot, the primary and its replicas, of each range."""
    if not answer:
        raise NoPrimary("the Redis cluster serves no slots: see CLUSTER INFO")
    return [
        # A node that does not know its own host is at the one where it was asked.
        (first, last, [(host.decode() if host else source[0], port) for host, port, *_ in members])
        for first, last, *members in answer
    ]


class _Peers:
    """Servers that know the same. They take turns, so that none that is away is always first.

    *unreachable* is what is wrong if none answers, *others* if they are not what we take them for.
    """

    def __init__(
        self, nodes: Sequence[Node], connect: Connect, *, unreachable: str, others: str
    ) -> None:
        self.nodes = nodes
        self._connect = connect
        self._unreachable = unreachable
        self._others = others
        self._turn = 0

    async def query(self, read: Callable[[Node, Any], Result], *command: str) -> Result:
        """What *read* makes of the first answer for which it does not raise NoPrimary."""
        problem: Exception = NoPrimary(self._unreachable)
        for node in self._in_turn():
            try:
                return read(node, await self._answer(node, *command))
            except (NoPrimary, AuthenticationError, NoPermissionError) as error:
                problem = error
            except ResponseError:  # it does not know the command
                problem = NoPrimary(self._others)
            except (RedisError, TimeoutError) as error:
                if isinstance(error.__context__, SSLError):
                    problem = error
        raise problem

    def _in_turn(self) -> Iterator[Node]:
        self._turn = (self._turn + 1) % len(self.nodes)
        yield from (*self.nodes[self._turn :], *self.nodes[: self._turn])

    async def _answer(self, node: Node, *command: str) -> Any:  # noqa: ANN401 - it is Redis's
        connection = self._connect(node)
        try:
            async with asyncio.timeout(DISCOVERY_TIMEOUT):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command(*command)
                return await connection.read_response()
        finally:
            with suppress(RedisError):
                await connection.disconnect()
