"""A disk that a test can fill, and make larger."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """Mount one of that *size* at *place*. Skips the test where nothing can be mounted."""
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", place], check=True)


def fill_by_postgres(url: str) -> None:
    """Write to its log of what is written until its disk is full, which it does not survive."""
    with (
        pytest.raises(psycopg.OperationalError),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        _log_messages(connection)


def _log_messages(connection: psycopg.Connection) -> None:
    for _ in range(400):
        connection.execute("SELECT pg_logical_emit_message(true, '', repeat('x', 1000000))")


def fill_by_redis(url: str) -> None:
    """Set keys until the disk is full, which a server that waits for it does not survive."""
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url) as client:
        _set_keys(client)


def _set_keys(client: redis.Redis) -> None:
    for number in range(4_000):
        client.set(f"filling:{number}", bytes(100_000))
