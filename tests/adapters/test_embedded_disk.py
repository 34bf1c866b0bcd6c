"""A server whose disk is full says so in its log, or leaves it to the disk; we name it."""

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
import redis

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey, EngineError
from postroom.adapters.embedded.disk import disk_complaint, read_log
from postroom.adapters.embedded.waiting import within

FULL = "No space left on device"
SIZES = {EmbeddedValkey: "8m", EmbeddedPostgres: "120m"}


@pytest.fixture(params=SIZES, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[EmbeddedServer]:
    chosen: type[EmbeddedServer] = request.param
    return chosen


@pytest.fixture
def small_disk(kind: type[EmbeddedServer], engine_home: Path) -> Iterator[Path]:
    place = Path(mkdtemp(dir=engine_home))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZES[kind]},mode=755", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_server_that_ends_of_a_full_disk_is_named_and_starts_when_there_is_room(
    kind: type[EmbeddedServer], small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20))
    with kind(small_disk / "home") as server:
        fill(server)
        assert within(soon(), lambda: not server.lives())

        assert server.returncode() == 1
        assert server.disk_complaint().startswith(f"{FULL} (")

        ballast.unlink()
        grow(small_disk)
        server.start_again()
        assert within(soon(), server.answers)


def fill(server: EmbeddedServer) -> None:
    if isinstance(server, EmbeddedPostgres):
        with pytest.raises(psycopg.OperationalError):
            write_ahead(server)
    else:
        with pytest.raises(redis.ConnectionError):
            set_keys(server)


def write_ahead(server: EmbeddedServer) -> None:
    """What takes room in the log of what is written, where no error is survived."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        for _ in range(200):
            connection.execute("SELECT pg_logical_emit_message(true, '', repeat('x', 1000000))")


def set_keys(server: EmbeddedServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        for number in range(10_000):
            client.set(f"key {number}", bytes(10_000))


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)


def soon() -> float:
    return time.monotonic() + 30


def test_a_server_that_says_so_at_its_start_is_quoted_though_it_says_more_after_that(
    tmp_path: Path,
) -> None:
    failing = tmp_path / "failing-server"
    failing.write_text(f"#!/bin/sh\necho 'FATAL: {FULL}'\necho 'shut down'\nexit 1\n")
    failing.chmod(0o700)

    with pytest.raises(EngineError, match=rf"stopped at start \(exit 1\): {FULL} \(\d"):
        EmbeddedValkey(tmp_path / "home", failing).start()


@pytest.mark.parametrize("errno_name", ["ENOSPC", "EDQUOT", "EROFS", "EFBIG", "EIO"])
def test_what_a_disk_refuses_is_named_in_the_words_of_the_system(
    tmp_path: Path, errno_name: str
) -> None:
    said = os.strerror(getattr(errno, errno_name))

    assert disk_complaint(tmp_path, f"could not write: {said}\nbye").startswith(f"{said} (")


def test_a_server_that_ends_of_something_else_is_no_matter_of_the_disk(tmp_path: Path) -> None:
    assert disk_complaint(tmp_path, "Bad file format reading the append only file") == ""


def test_what_was_said_before_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"long ago: {FULL}\n")
    long_ago = log.stat().st_size
    with log.open("a") as more:
        more.write("ready\n")

    assert read_log(log, since=long_ago) == "ready\n"
    assert read_log(tmp_path / "no such log") == ""
