"""The servers that tests run on: embedded ones always, and those of Debian where installed.

A pytest plugin (see conftest.py). A server starts when the first test asks for it and stops at the
end of the session. Tests share it, so each keeps to its own key prefix, its own tenant, or its own
`empty_database`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedValkey
from postroom.adapters.embedded.binaries import find_valkey
from tests.redis_servers import RedisCluster

DEBIAN_REDIS = Path("/usr/bin/redis-server")
DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin/postgres")

# In CI a missing server fails the tests that need it.
_ALL = bool(os.environ.get("CI"))
REDIS_SERVERS = ["valkey", *(["redis"] if _ALL or DEBIAN_REDIS.exists() else [])]
DATABASE_SERVERS = [
    "postgres-18",
    *(["postgres-15"] if _ALL or DEBIAN_POSTGRES.exists() else []),
]


def pytest_report_header() -> list[str]:
    missing = {"redis", "postgres-15"}.difference(REDIS_SERVERS, DATABASE_SERVERS)
    return [
        f"servers: {', '.join((*REDIS_SERVERS, *DATABASE_SERVERS))}",
        *(f"NOT INSTALLED, and so not tested on: {name}" for name in sorted(missing)),
    ]


@pytest.fixture(scope="session")
def engine_home() -> Iterator[Path]:
    """A directory that PostgreSQL can enter even where root has no user namespaces."""
    with TemporaryDirectory(prefix="postroom-tests-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def valkey_url(engine_home: Path) -> Iterator[str]:
    with EmbeddedValkey(engine_home / "valkey") as server:
        yield server.url


@pytest.fixture(scope="session")
def debian_redis_url(engine_home: Path) -> Iterator[str]:
    with EmbeddedValkey(engine_home / "redis", redis_program("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def valkey_cluster(engine_home: Path) -> Iterator[RedisCluster]:
    with RedisCluster(find_valkey(), engine_home / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(engine_home: Path) -> Iterator[str]:
    with EmbeddedPostgres(engine_home / "postgres-18") as server:
        yield server.url


@pytest.fixture(scope="session")
def debian_postgres_url(engine_home: Path) -> Iterator[str]:
    _require(DEBIAN_POSTGRES, "postgresql-15")
    with EmbeddedPostgres(engine_home / "postgres-15", DEBIAN_POSTGRES.parent) as server:
        yield server.url


def redis_program(name: str) -> Path:
    """What a server of that name among REDIS_SERVERS is started with."""
    if name == "valkey":
        return find_valkey()
    _require(DEBIAN_REDIS, "redis-server")
    return DEBIAN_REDIS


def _require(program: Path, package: str) -> None:
    if not program.exists():
        raise FileNotFoundError(f"{program} is not installed: apt-get install {package}")


@pytest.fixture(scope="session", params=REDIS_SERVERS)
def redis_url(request: pytest.FixtureRequest) -> str:
    """Each kind of Redis in turn; a test that needs only one takes `valkey_url`."""
    fixture = {"valkey": "valkey_url", "redis": "debian_redis_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture(scope="session", params=DATABASE_SERVERS)
def database_url(request: pytest.FixtureRequest) -> str:
    """Each PostgreSQL in turn; a test that needs only one takes `postgres_url`."""
    fixture = {"postgres-18": "postgres_url", "postgres-15": "debian_postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """The URL of a new database on the server of `database_url`, dropped after the test."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
