"""A part that starts while a store is away waits for it, and the API says what is missing."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from postroom.adapters.crypto import generate_key
from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from postroom.entrypoints.engines import apply_migrations
from postroom.entrypoints.part_process import environment_of
from postroom.entrypoints.settings import Settings
from tests.end_to_end.processes import SECONDS, free_port, wait_until

STORES = ("redis", "postgres")
WAITING = ("worker", "listener", "maintenance")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that runs, and what it logs."""

    process: subprocess.Popen[bytes]
    log: Path

    def count(self, event: str) -> int:
        return self.log.read_text().count(f'"event":"{event}"')

    def has_logged(self, event: str) -> Callable[[], bool]:
        return lambda: self.process.poll() is not None or self.count(event) > 0


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything is there but the store that is *away*, which may come."""

    away: EmbeddedServer
    environment: dict[str, str]
    home: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['POSTROOM_PORT']}/health"

    @contextmanager
    def running(self, part: str) -> Iterator[Part]:
        log = self.home / f"{part}.log"
        command = [sys.executable, "-m", "postroom.entrypoints", part]
        with log.open("wb") as stderr:
            process = subprocess.Popen(command, env=self.environment, stderr=stderr)
        with process:
            try:
                yield Part(process, log)
            finally:
                process.kill()


@pytest.fixture(params=STORES)
def installation(
    request: pytest.FixtureRequest, engine_home: Path, tmp_path: Path
) -> Iterator[Installation]:
    home = engine_home / f"away-{tmp_path.name}"
    valkey, postgres = EmbeddedValkey(home / "valkey"), EmbeddedPostgres(home / "postgres")
    settings = Settings(
        home=home,
        redis_url=valkey.url,
        database_url=postgres.url,
        secret_keys=(SecretStr(generate_key()),),
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("POSTROOM_")}
    environment = kept | environment_of(settings) | {"POSTROOM_PORT": str(free_port())}
    with valkey, postgres:
        apply_migrations(settings)
        away = valkey if request.param == "redis" else postgres
        away.stop()
        yield Installation(away, environment, home)


@pytest.mark.parametrize("part", WAITING)
def test_a_part_waits_and_says_so_once_and_goes_on_when_the_store_is_there(
    installation: Installation, part: str
) -> None:
    with installation.running(part) as running:
        wait_until(running.has_logged("waiting until ready"), "it waits")
        assert running.count(f"{part} started") == 0

        with installation.away:
            wait_until(running.has_logged(f"{part} started"), "it goes on")
            running.process.terminate()
            code = running.process.wait(SECONDS)

    assert code == 0, running.log.read_text()
    assert running.count("waiting until ready") == running.count("ready after a wait") == 1


def test_a_part_that_waits_stops_when_it_is_to(installation: Installation) -> None:
    with installation.running("worker") as running:
        wait_until(running.has_logged("waiting until ready"), "it waits")
        running.process.send_signal(signal.SIGTERM)

        assert running.process.wait(SECONDS) == 0


def test_the_api_lives_unready_and_says_why_until_the_store_is_there(
    installation: Installation,
) -> None:
    with installation.running("api") as running:
        wait_until(running.has_logged("api started"), "it starts")

        assert httpx.get(f"{installation.url}/live").status_code == httpx.codes.OK
        unready = httpx.get(f"{installation.url}/ready", timeout=SECONDS)
        assert unready.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "ready" not in unready.json()["detail"]

        with installation.away:
            wait_until(lambda: httpx.get(f"{installation.url}/ready").is_success, "it is ready")
