"""What every HealthCheck promises."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from postroom.adapters.memory.blobs import InMemoryBlobCanaries, InMemoryBlobStore
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.health import InMemoryHealthCheck
from postroom.adapters.postgres.connection import Timeouts
from postroom.adapters.postgres.database import Database
from postroom.adapters.postgres.health import MigrationsHealth, PostgresHealth
from postroom.adapters.redis.durability import RedisHealth
from postroom.adapters.redis.partition_count import PartitionCountHealth
from postroom.adapters.redis.servers import open_redis
from postroom.application.check_blobs import CheckBlobs
from postroom.application.ports import HealthCheck
from postroom.domain.failure import Unavailable
from tests.databases import bare_database

PORTS = {HealthCheck}

REDIS_NOWHERE = "redis://user:hunter2@127.0.0.1:1"
POSTGRES_NOWHERE = "postgresql://user:hunter2@127.0.0.1:1/postroom"
HASTY = Timeouts(pool=timedelta(milliseconds=100))


@dataclass(frozen=True)
class Stage:
    """The same check where all is *well* and where it is not, and what is to be done there."""

    well: HealthCheck
    unwell: HealthCheck
    remedy: str


@dataclass(frozen=True)
class Urls:
    """Of the servers; the database at *migrated* has our schema."""

    redis: str
    postgres: str
    migrated: str


@pytest.fixture
def urls(valkey_url: str, postgres_url: str, migrated_url: Callable[[str], str]) -> Urls:
    return Urls(valkey_url, postgres_url, migrated_url("postgres-18"))


@asynccontextmanager
async def memory(_: Urls) -> AsyncIterator[Stage]:
    unwell = InMemoryHealthCheck(complaint="there is none left: buy some")
    yield Stage(InMemoryHealthCheck(), unwell, "buy some")


@asynccontextmanager
async def redis(urls: Urls) -> AsyncIterator[Stage]:
    async with open_redis(urls.redis) as servers, open_redis(REDIS_NOWHERE) as nowhere:
        yield Stage(RedisHealth(servers), RedisHealth(nowhere), "see that it runs")


@asynccontextmanager
async def partitions(urls: Urls) -> AsyncIterator[Stage]:
    prefix = uuid4().hex
    async with open_redis(urls.redis) as servers:
        well, unwell = (PartitionCountHealth(servers, n, prefix=prefix) for n in (4, 2))
        await well()
        yield Stage(well, unwell, "set POSTROOM_REDIS_PARTITIONS=4")


@asynccontextmanager
async def postgres(urls: Urls) -> AsyncIterator[Stage]:
    nowhere = Database(POSTGRES_NOWHERE, timeouts=HASTY)
    async with Database(urls.postgres) as database, nowhere:
        yield Stage(PostgresHealth(database), PostgresHealth(nowhere), "see that it runs")


@asynccontextmanager
async def migrations(urls: Urls) -> AsyncIterator[Stage]:
    bare = Database(bare_database(urls.postgres))  # features have migrated the other one, if run
    async with Database(urls.migrated) as database, bare:
        yield Stage(MigrationsHealth(database), MigrationsHealth(bare), "run `postroom migrate`")


@asynccontextmanager
async def blobs(_: Urls) -> AsyncIterator[Stage]:
    """Two hosts that do not share theirs; the first has not seen the second yet."""
    canaries, clock = InMemoryBlobCanaries(InMemoryDatabase()), ManualClock()
    first, second = (
        CheckBlobs(blobs=InMemoryBlobStore(clock), canaries=canaries, clock=clock, host=host, pid=1)
        for host in ("first", "second")
    )
    await first()
    yield Stage(first, second, "set POSTROOM_BLOBS to a place that all hosts share")


@pytest.fixture(params=[memory, redis, partitions, postgres, migrations, blobs])
async def stage(request: pytest.FixtureRequest, urls: Urls) -> AsyncIterator[Stage]:
    async with request.param(urls) as stage:
        yield stage


async def test_where_all_is_well_it_says_nothing_however_often_it_is_asked(stage: Stage) -> None:
    for _ in range(2):
        await stage.well()


async def test_where_something_is_wrong_it_says_what_to_do(stage: Stage) -> None:
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            await stage.unwell()

        assert stage.remedy in raised.value.reason


async def test_what_it_says_is_fit_for_a_log(stage: Stage) -> None:
    with pytest.raises(Unavailable) as raised:
        await stage.unwell()

    assert not re.search("hunter2|@|127.0.0.1", raised.value.reason)


async def test_it_is_called_the_same_wherever_it_looks(stage: Stage) -> None:
    assert stage.well.name == stage.unwell.name
    assert re.fullmatch("[a-z]+", stage.well.name)
