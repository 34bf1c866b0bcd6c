"""What must be true of a Redis that pointers are entrusted to."""

import pytest

from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.redis.durability import Durability, RedisHealth, complaints
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.domain.failure import Unavailable

FSYNC, EVERYSEC, MEMORY = Durability
GOOD: dict[str, object] = {
    "redis_version": "6.2.0",
    "role": "master",
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "cluster_enabled": 0,
}


async def refusal(servers: Servers, durability: Durability) -> str:
    """Why the server is refused; empty if it is not."""
    try:
        await RedisHealth(servers, durability)()
    except Unavailable as failure:
        return failure.reason
    return ""


@pytest.mark.parametrize(
    ("setting", "value", "accepted", "told"),
    [
        ("appendfsync", "always", {FSYNC, EVERYSEC, MEMORY}, ""),
        ("appendfsync", "everysec", {EVERYSEC, MEMORY}, "set appendfsync always"),
        ("appendfsync", "no", {MEMORY}, "set appendfsync always"),
        ("no-appendfsync-on-rewrite", "yes", {MEMORY}, "set no-appendfsync-on-rewrite no"),
        ("appendonly", "no", {MEMORY}, "set appendonly yes"),
        ("maxmemory-policy", "allkeys-lru", {MEMORY}, "set maxmemory-policy noeviction"),
        ("maxmemory-policy", "volatile-lru", {MEMORY}, "set maxmemory-policy noeviction"),
    ],
)
async def test_a_server_that_keeps_less_than_was_promised_is_refused(
    server: EmbeddedValkey, setting: str, value: str, accepted: set[Durability], told: str
) -> None:
    async with open_redis(server.url) as servers:
        await servers.holding("").config_set(setting, value)

        refusals = {durability: await refusal(servers, durability) for durability in Durability}

    assert {durability for durability, reason in refusals.items() if not reason} == accepted
    assert all(told in reason for reason in refusals.values() if reason)


async def test_a_server_that_does_not_show_its_settings_proves_nothing(
    server: EmbeddedValkey,
) -> None:
    async with open_redis(server.url) as servers:
        await servers.holding("").acl_setuser(
            "guest", enabled=True, nopass=True, categories=["+@all"], commands=["-config"]
        )
    async with open_redis(server.url.replace("unix://", "unix://guest:any@")) as servers:
        reason = await refusal(servers, FSYNC)
        accepted = [await refusal(servers, durability) for durability in (EVERYSEC, MEMORY)]

    assert "allow the user +config|get" in reason
    assert "POSTROOM_DURABILITY=everysec" in reason
    assert accepted == ["", ""]


async def test_a_server_that_is_away_is_not_healthy(server: EmbeddedValkey) -> None:
    async with open_redis(server.url) as servers:
        server.stop()

        assert "cannot be reached" in await refusal(servers, FSYNC)


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ({"redis_version": "6.0.16"}, "Redis 6.0.16 is too old"),
        ({"redis_version": "10.0"}, ""),
        ({"role": "slave"}, "is a replica"),
        ({"cluster_enabled": 1}, "begin with redis+cluster://"),
    ],
)
def test_a_server_that_cannot_serve_us_is_refused_whatever_was_promised(
    durability: Durability, fact: dict[str, object], told: str
) -> None:
    complaint = next(complaints(GOOD | fact, {"appendfsync": "always"}, durability), "")

    assert told in complaint
    assert bool(told) == bool(complaint)


def test_it_is_called_redis() -> None:
    assert RedisHealth.name == "redis"
