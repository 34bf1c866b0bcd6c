"""A server whose disk is full says so in its log, or leaves it to the disk; we name it."""

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from postroom.adapters.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey, EngineError
from postroom.adapters.embedded.disk import disk_complaint, read_log
from postroom.adapters.embedded.waiting import within
from tests.small_disk import fill_by_postgres, fill_by_redis, grow, small_disk

FULL = "No space left on device"
FILL = {EmbeddedValkey: fill_by_redis, EmbeddedPostgres: fill_by_postgres}
SIZES = {EmbeddedValkey: "8m", EmbeddedPostgres: "120m"}


@pytest.fixture(params=SIZES, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[EmbeddedServer]:
    chosen: type[EmbeddedServer] = request.param
    return chosen


@pytest.fixture
def disk(kind: type[EmbeddedServer], engine_home: Path) -> Iterator[Path]:
    place = Path(mkdtemp(dir=engine_home))
    with small_disk(place, SIZES[kind]):
        yield place


def test_a_server_that_ends_of_a_full_disk_is_named_and_starts_when_there_is_room(
    kind: type[EmbeddedServer], disk: Path
) -> None:
    with kind(disk / "home") as server:
        FILL[kind](server.url)
        assert within(soon(), lambda: not server.lives())

        assert server.returncode() == 1
        assert server.disk_complaint().startswith(f"{FULL} (")

        grow(disk)
        server.start_again()
        assert within(soon(), server.answers)


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
