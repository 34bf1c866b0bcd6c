"""The composition root: the only package that knows which adapter fills which port, and punq.

Resources are opened before anything is wired, and closed in reverse. Each port is bound through a
local that is annotated with it: neither punq nor mypy would find a wrong one otherwise.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import punq

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import InvalidKey
from postroom.adapters.postgres.clock import DatabaseClock
from postroom.adapters.postgres.connection import InvalidDatabaseUrl
from postroom.adapters.postgres.health import MigrationsHealth, PostgresHealth
from postroom.adapters.redis.address import InvalidRedisUrl
from postroom.adapters.redis.durability import Durability, RedisHealth
from postroom.adapters.redis.partition_count import PartitionCountHealth
from postroom.adapters.redis.servers import open_redis
from postroom.application.check_blobs import CheckBlobs
from postroom.application.ports import Clock, HealthCheck, MailboxRegistry
from postroom.application.providers import Providers
from postroom.domain.account import Account
from postroom.entrypoints.container.blobs import bind_blobs
from postroom.entrypoints.container.handovers import bind_callers, bind_handover_storage
from postroom.entrypoints.container.pools import open_pools
from postroom.entrypoints.container.processors import bind_processor_threads
from postroom.entrypoints.container.providers import make_providers
from postroom.entrypoints.container.storage import (
    bind_queue,
    bind_registry,
    bind_storage,
    open_database,
)
from postroom.entrypoints.container.use_cases import bind_use_cases, resolve_all
from postroom.entrypoints.container.wired import Wired
from postroom.entrypoints.settings import InvalidSettings, Settings
from postroom.entrypoints.telemetry.clock import log_skew
from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry

__all__ = ["Wired", "wire"]


@asynccontextmanager
async def wire(settings: Settings) -> AsyncIterator[Wired]:
    """Open every resource, yield the use cases and their ports, and close it all again.

    Both URLs must be set (see `engines`). Nothing is connected yet: servers that are away show in
    the health checks, and when they are used. Raises InvalidSettings, InvalidProvider.
    """
    container, accounts = punq.Container(), dict[str, type[Account]]()
    clock = DatabaseClock(SystemClock(), skewed=log_skew)
    own: Clock = clock
    container.register(Clock, instance=own)
    random = Random()  # noqa: S311 - it spreads retries and names spans, and hides nothing
    container.register(Random, instance=random)
    async with AsyncExitStack() as resources:
        try:
            pools = await resources.enter_async_context(open_pools(settings.max_bytes_in_hand))
            redis = await resources.enter_async_context(open_redis(settings.redis_url))
            database = await resources.enter_async_context(open_database(settings))
            await resources.enter_async_context(clock.following(database))
            bind_registry(container, settings, database, accounts)
        except InvalidRedisUrl as error:
            raise InvalidSettings(f"POSTROOM_REDIS_URL: {error}") from None
        except (InvalidDatabaseUrl, InvalidKey) as error:  # they name their setting
            raise InvalidSettings(str(error)) from None
        checks: tuple[HealthCheck, ...] = (
            RedisHealth(redis, Durability(settings.durability)),
            PartitionCountHealth(redis, settings.redis_partitions),
            PostgresHealth(database),
            MigrationsHealth(database),
        )
        registry = container.resolve(MailboxRegistry)
        providers = await make_providers(settings, clock, registry, pools, resources)
        accounts.update(providers.accounts)  # the registry was needed to make them
        container.register(Providers, instance=providers)
        bind_queue(container, settings, redis, providers)
        bind_handover_storage(container, settings, database, providers)
        bind_storage(container, database, providers, pools)
        bind_blobs(container, settings, database, pools, resources)
        telemetry = resources.enter_context(open_telemetry(random=random))
        container.register(Telemetry, instance=telemetry)
        await bind_callers(container, settings, redis, resources)
        bind_processor_threads(container, settings, resources)
        bind_use_cases(container, settings, clock, telemetry)
        yield resolve_all(container, (*checks, container.resolve(CheckBlobs)))
