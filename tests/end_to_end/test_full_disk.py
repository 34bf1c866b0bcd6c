"""The disk that `postroom up` lies on is full, and then it is not."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from tests.end_to_end.installation import Installation
from tests.end_to_end.processes import free_port, wait_until, with_home
from tests.small_disk import fill_by_postgres, fill_by_redis, grow, small_disk

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def installation(engine_home: Path, tmp_path: Path) -> Iterator[Installation]:
    home = engine_home / f"full-{tmp_path.name}"
    with small_disk(home, "130m"):
        yield Installation(home, free_port())
        for pid in with_home(home):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("engine", "fill"),
    [
        (lambda home: EmbeddedValkey(home / "valkey"), fill_by_redis),
        (lambda home: EmbeddedPostgres(home / "postgres"), fill_by_postgres),
    ],
    ids=["valkey", "postgres"],
)
def test_an_engine_whose_disk_is_full_is_named_and_everything_goes_on_when_there_is_room(
    installation: Installation,
    engine: Callable[[Path], EmbeddedServer],
    fill: Callable[[str], None],
) -> None:
    server = engine(installation.home)
    with installation.up():
        fill(server.url)
        wait_until(lambda: installation.count("engine ended"), "its end is noticed")
        [first, *_] = [line for line in installation.lines if line["event"] == "engine ended"]

        grow(installation.home)
        wait_until(lambda: installation.count("engine started again"), "it is started again")
        wait_until(installation.is_ready, "everything goes on")

    assert (first["engine"], first["exit_code"]) == (server.name, 1)
    assert first["reason"].startswith("No space left on device (")
    assert installation.count("part ended") == 0
