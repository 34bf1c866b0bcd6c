"""The supervisor on real processes: it starts again what ends, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from postroom.adapters.crypto import generate_key
from postroom.entrypoints.part_process import ProcessStart, environment_of
from postroom.entrypoints.restarting import Backoff
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.supervisor import PARTS, PartFailed, Supervisor
from tests.databases import new_database
from tests.end_to_end.processes import lives, until, wait_until

Log = list[MutableMapping[str, Any]]
MANY = 3


@pytest.fixture(scope="module")
def database(postgres_url: str) -> str:
    return new_database(postgres_url)


@pytest.fixture
def environment(valkey_url: str, database: str, tmp_path: Path) -> dict[str, str]:
    settings = Settings(
        home=tmp_path,
        redis_url=valkey_url,
        database_url=database,
        secret_keys=(SecretStr(generate_key()),),
    )
    return environment_of(settings) | {"POSTROOM_PORT": "0"}


@pytest.fixture
def output(tmp_path: Path) -> IO[bytes]:
    return (tmp_path / "output").open("wb")


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Event]:
    """A supervisor at work, until the block ends or sets what it is given."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run(stop))
        try:
            yield stop
        finally:
            stop.set()


def told(output: IO[bytes], event: str) -> Callable[[], int]:
    """How often the parts have told of *event*."""
    return lambda: said(output).count(f'"event":"{event}"')


def said(output: IO[bytes]) -> str:
    return Path(output.name).read_text()


# --- Starting again


async def test_a_part_that_ends_is_started_again_and_that_is_said(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    supervisor = Supervisor(("worker",), ProcessStart(environment, output))
    started = told(output, "worker started")
    with output, capture_logs() as log:
        async with running(supervisor):
            await until(lambda: started() == 1, "the worker starts")
            first = supervisor.children["worker"]
            first.kill()
            await until(lambda: started() == 2, "the worker is started again")

            assert supervisor.children["worker"].pid != first.pid
            assert log == [
                {
                    "event": "part ended",
                    "log_level": "warning",
                    "part": "worker",
                    "signal": "SIGKILL",
                    "restart_in": 0,
                }
            ]


async def test_a_part_that_keeps_dying_leaves_the_others_alone(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    supervisor = Supervisor(
        ("api", "worker"), ProcessStart(environment, output), backoff=lambda: Backoff(first=0.1)
    )
    started = told(output, "worker started")
    with output, capture_logs() as log:
        async with running(supervisor):
            await until(told(output, "api started"), "the API starts")
            api = supervisor.children["api"]
            for count in range(1, MANY + 1):
                await until(lambda: started() >= count, "the worker starts")  # noqa: B023
                supervisor.children["worker"].kill()
            await until(lambda: started() > MANY, "the worker is started again")

            assert supervisor.children["api"] is api
            assert api.returncode is None

    assert [line["signal"] for line in log] == ["SIGKILL"] * MANY
    assert [line["restart_in"] for line in log] == [0, 0.1, 0.2]


async def test_a_part_whose_port_is_taken_at_its_first_start_ends_everything(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    with output, socket.create_server(("127.0.0.1", 0)) as taken:
        in_use = environment | {"POSTROOM_PORT": str(taken.getsockname()[1])}
        supervisor = Supervisor(("worker", "api"), ProcessStart(in_use, output))

        with pytest.raises(PartFailed, match="api cannot run as it is set up"):
            await supervisor.run(asyncio.Event())

    assert not lives(supervisor.children["worker"].pid)
    assert said(output).count("cannot listen on 127.0.0.1") == 1


# --- Stopping


async def test_all_parts_are_stopped_gracefully(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    parts = ("api", "worker", "listener")
    supervisor = Supervisor(parts, ProcessStart(environment, output))
    with output, capture_logs() as log:
        async with running(supervisor):
            for part in parts:
                await until(told(output, f"{part} started"), f"{part} starts")

    assert [child.returncode for child in supervisor.children.values()] == [0, 0, 0]
    assert all(told(output, f"{part} stopped")() == 1 for part in parts)
    assert log == []


async def test_a_part_that_does_not_stop_in_time_is_killed(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    supervisor = Supervisor(
        ("worker",), ProcessStart(environment, output), grace=timedelta(seconds=0.1)
    )
    with output:
        async with running(supervisor):
            await until(told(output, "worker started"), "the worker starts")
            os.kill(supervisor.children["worker"].pid, signal.SIGSTOP)

    assert supervisor.children["worker"].returncode == -signal.SIGKILL


def test_no_part_outlives_a_supervisor_that_is_killed(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    with output:
        up = subprocess.Popen(
            [sys.executable, "-m", "postroom.entrypoints", "up"],
            env=os.environ | environment,
            stderr=output,
        )
    with up:
        try:
            for part in PARTS:
                wait_until(told(output, f"{part} started"), f"{part} starts")
            parts = children_of(up.pid)
        finally:
            up.kill()

    assert len(parts) == len(PARTS)
    try:
        wait_until(lambda: not any(map(lives, parts)), "the parts end")
    finally:
        for pid in filter(lives, parts):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert told(output, "worker stopped")() == 1, "it ended gracefully"


def children_of(pid: int) -> list[int]:
    return [
        int(child)
        for children in Path(f"/proc/{pid}/task").glob("*/children")
        for child in children.read_text().split()
    ]
