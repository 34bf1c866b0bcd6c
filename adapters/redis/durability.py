"""Whether what Redis acknowledges is as durable as was promised."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from postroom.adapters.redis.errors import translated
from postroom.adapters.redis.servers import COMMAND_TIMEOUT, Servers
from postroom.application.ports import HealthCheck
from postroom.domain.failure import StoreUnavailable

OLDEST = (6, 2)
"""The first release that has all the commands of the scripts."""


class Durability(StrEnum):
    """What an acknowledgement means. The weaker two must be chosen by name."""

    FSYNC = "fsync"
    """On disk: it survives a crash of the host."""
    EVERYSEC = "everysec"
    """On its way to disk: a crash of the host loses the last second or two."""
    MEMORY = "memory"
    """In the memory of Redis: it may be lost whenever Redis stops."""


class RedisHealth(HealthCheck):
    """Refuses servers that are none for us, or that would keep less than was promised.

    For use at start and in readiness: settings of a server can be changed while it runs, and
    another may have taken over. Of a cluster every primary is looked at.
    """

    name = "redis"

    def __init__(self, servers: Servers, durability: Durability = Durability.FSYNC) -> None:
        self._servers = servers
        self._durability = durability

    async def __call__(self) -> None:
        with translated():
            async with asyncio.timeout(COMMAND_TIMEOUT), self._servers.primaries() as primaries:
                found = await asyncio.gather(*map(self._complaints, primaries))
        if complaint := next(chain.from_iterable(found), None):
            raise StoreUnavailable(complaint)

    async def _complaints(self, primary: Redis) -> Sequence[str]:
        info, fsync = await primary.info(), await _fsync_settings(primary)
        of_cluster = self._servers.are_a_cluster
        return list(complaints(info, fsync, self._durability, of_cluster=of_cluster))


async def _fsync_settings(redis: Redis) -> Mapping[str | None, str | None]:
    """Empty if we may not know: managed servers often forbid CONFIG."""
    try:
        return await redis.config_get("*appendfsync*")
    except ResponseError:
        return {}


def complaints(
    info: Mapping[str, object],
    fsync: Mapping[str | None, str | None],
    durability: Durability,
    *,
    of_cluster: bool = False,
) -> Iterator[str]:
    """What is wrong with a server that tells *info* of itself, and what to set instead.

    *fsync* are its settings with "appendfsync" in their name, if it tells them.
    """
    version = str(info["redis_version"])
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        yield f"Redis {version} is too old: use 6.2 or newer, or Valkey"
    if info["role"] != "master":
        yield "Redis is a replica: let POSTROOM_REDIS_URL name the primary"
    if info.get("cluster_enabled") and not of_cluster:
        yield "Redis is a node of a cluster: let POSTROOM_REDIS_URL begin with redis+cluster://"
    if durability is Durability.MEMORY:
        return
    # The volatile-… policies evict no key of ours that counts, since none expires. They are refused
    # all the same: a server that is full must say so, whatever else is kept there.
    if (policy := info["maxmemory_policy"]) != "noeviction":
        yield f"Redis may evict keys (maxmemory-policy {policy}): set maxmemory-policy noeviction"
    if not info["aof_enabled"]:
        yield _weak("keeps jobs in memory only (appendonly no): set appendonly yes", "memory")
    yield from _weak_settings(fsync, durability)


def _weak_settings(fsync: Mapping[str | None, str | None], durability: Durability) -> Iterator[str]:
    """Only `always` will do: WAITAOF answers before the fsync on some servers (docs/adr/0020)."""
    appendfsync = fsync.get("appendfsync")
    if appendfsync == "no":
        yield _weak("never waits for its disk (appendfsync no): set appendfsync always", "memory")
    if fsync.get("no-appendfsync-on-rewrite") == "yes":
        what = "does not wait for its disk while it rewrites its append-only file"
        yield _weak(f"{what}: set no-appendfsync-on-rewrite no", "memory")
    if durability is Durability.EVERYSEC or appendfsync == "always":
        return
    if appendfsync:
        yield _weak(f"answers before its disk (appendfsync {appendfsync}): set appendfsync always")
    else:
        yield _weak("does not tell whether it waits for its disk: allow the user +config|get")


def _weak(what: str, accepted_as: str = "everysec") -> str:
    return f"Redis {what}, or accept that with POSTROOM_DURABILITY={accepted_as}"
