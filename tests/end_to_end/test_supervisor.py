"""The supervisor starts again what ends, gives up on what cannot stay, and leaves nothing."""

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
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.supervisor import PARTS, PartFailed, Supervisor, environment_of
from tests.databases import new_database
from tests.end_to_end.processes import lives, until, wait_until

Log = list[MutableMapping[str, Any]]
FOR_EVER = timedelta(days=1)
NO_PART = "no-such-part"
"""It ends at once: with exit code 2, for wrong usage."""


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
    supervisor = Supervisor(("worker",), environment, output)
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
                    "exit_code": -signal.SIGKILL,
                }
            ]


async def test_a_part_that_has_been_up_for_long_may_end_any_number_of_times(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    always = timedelta(0)
    supervisor = Supervisor((NO_PART,), environment, output, settled_after=always, tries=2)
    with output, capture_logs() as log:
        async with running(supervisor):
            await until(lambda: len(log) >= 3, "it is started again")


async def test_a_part_that_cannot_stay_up_stops_everything(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    with output, socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as log:
        in_use = environment | {"POSTROOM_PORT": str(taken.getsockname()[1])}
        supervisor = Supervisor(("worker", "api"), in_use, output, settled_after=FOR_EVER, tries=2)

        with pytest.raises(PartFailed) as failed:
            await supervisor.run(asyncio.Event())

    assert str(failed.value) == "api ended 2 times in a row, last with exit code 1"
    assert [(line["part"], line["exit_code"]) for line in log] == [("api", 1)] * 2
    assert not lives(supervisor.children["worker"].pid)
    assert said(output).count("cannot listen on 127.0.0.1") == 2


# --- Stopping


async def test_all_parts_are_stopped_gracefully(
    environment: dict[str, str], output: IO[bytes]
) -> None:
    parts = ("api", "worker", "listener")
    supervisor = Supervisor(parts, environment, output)
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
    supervisor = Supervisor(("worker",), environment, output, grace=timedelta(seconds=0.1))
    with output:
        async with running(supervisor):
            await until(told(output, "worker started"), "the worker starts")
            supervisor.children["worker"].send_signal(signal.SIGSTOP)

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
