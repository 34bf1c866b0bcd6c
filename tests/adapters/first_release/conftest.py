"""The servers that the release before left behind, and the adapters of this release on them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.adapters.clock import SystemClock
from postroom.adapters.crypto import FernetCipher
from postroom.adapters.embedded import EmbeddedValkey
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.folder_syncs import PostgresFolderSyncs
from postroom.adapters.postgres.migrations import migrate
from postroom.adapters.postgres.outcomes import PostgresOutcomes
from postroom.adapters.postgres.registry import PostgresMailboxRegistry
from postroom.adapters.postgres.routes import PostgresRoutes
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers, open_redis
from tests.adapters.first_release.recorded import (
    RECORDED_AT,
    SECRET_KEY,
    load_database,
    load_queue,
)
from tests.engines import REDIS_SERVERS, redis_program
from tests.providers import ACCOUNTS, POINTERS, WIRE


@pytest.fixture
def clock() -> ManualClock:
    """It goes on from where the recording ended, whatever the date is today."""
    return ManualClock(RECORDED_AT)


@pytest.fixture
async def left_behind(empty_database: str) -> str:
    await load_database(empty_database)
    return empty_database


@pytest.fixture
async def database(left_behind: str) -> AsyncIterator[Database]:
    await migrate(left_behind)
    async with Database(left_behind) as database:
        yield database


@pytest.fixture
def registry(database: Database) -> PostgresMailboxRegistry:
    return PostgresMailboxRegistry(database, FernetCipher([SECRET_KEY]), ACCOUNTS)


@pytest.fixture
def folder_syncs(database: Database) -> PostgresFolderSyncs:
    return PostgresFolderSyncs(database)


@pytest.fixture
def routes(database: Database) -> PostgresRoutes:
    return PostgresRoutes(database)


@pytest.fixture
def outcomes(database: Database) -> PostgresOutcomes:
    return PostgresOutcomes(database, POINTERS)


@pytest.fixture(params=REDIS_SERVERS)
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Servers]:
    """One of its own for each test: the keys are those of a service, with no prefix of a test's."""
    with EmbeddedValkey(tmp_path / "redis", redis_program(request.param)) as server:
        async with open_redis(server.url) as servers:
            await load_queue(servers.holding(""))
            yield servers


@pytest.fixture
def queue(servers: Servers, clock: ManualClock) -> RedisPointerQueue:
    return RedisPointerQueue(servers, WIRE, ahead=lambda: clock.now() - SystemClock().now())
