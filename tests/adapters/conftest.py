"""A migrated database on each PostgreSQL, with no rows in it; a login, for Microsoft."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.postgres.database import Database
from postroom.entrypoints.emulators.loopback import issue_certificate
from tests.adapters.login_rig import Login, login_rig
from tests.databases import empty, new_database


@pytest.fixture(scope="module")
def migrated(database_url: str) -> str:
    return new_database(database_url)


@pytest.fixture
def conninfo(migrated: str) -> str:
    empty(migrated)
    return migrated


@pytest.fixture
async def database(conninfo: str) -> AsyncIterator[Database]:
    async with Database(conninfo) as database:
        yield database


@pytest.fixture(scope="session")
def loopback_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue_certificate(tmp_path_factory.mktemp("tls") / "loopback.pem")


@pytest.fixture(scope="session")
def trust(loopback_certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=loopback_certificate)


@pytest.fixture
async def login(clock: ManualClock, loopback_certificate: Path) -> AsyncIterator[Login]:
    async with login_rig(clock, loopback_certificate) as login:
        yield login
