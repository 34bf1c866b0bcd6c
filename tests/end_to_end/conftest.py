"""The command line, run in this process on servers that are shared and a database of its own."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.adapters.crypto import generate_key
from postroom.entrypoints.cli import main
from tests.databases import empty, new_database
from tests.end_to_end.command_rig import (
    Ended,
    Postroom,
    forget_the_queue,
    in_container,
    receive_some_mail,
)


@pytest.fixture(scope="module")
def database(postgres_url: str) -> str:
    return new_database(postgres_url)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return new_database(postgres_url)


@pytest.fixture
def environment(
    valkey_url: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings for the servers, which hold nothing yet."""
    for name in [name for name in os.environ if name.startswith("POSTROOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POSTROOM_REDIS_URL", valkey_url.replace("db=0", "db=9"))
    monkeypatch.setenv("POSTROOM_DATABASE_URL", database)
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", generate_key())
    monkeypatch.setenv("COLUMNS", "80")
    empty(database)
    in_container(forget_the_queue)


@pytest.fixture
def postroom(
    environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Postroom]:
    def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["postroom", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(_code(ended.value), *capsys.readouterr())

    terminate = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, terminate)


def _code(ended: SystemExit) -> int:
    return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


@pytest.fixture
def some_mail(environment: None) -> None:
    """A mailbox that has received one message, one that was gone, and one that was empty."""
    in_container(receive_some_mail)
