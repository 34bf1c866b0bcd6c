"""What goes wrong is told in one line that says what to do, without a traceback or a secret."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from postroom.entrypoints.cli.errors import as_one_line
from tests.end_to_end.command_rig import Ended, Postroom

SECONDS = 60


def run(*arguments: str) -> Ended:
    """Run a command as a process of its own, in this environment."""
    command = [sys.executable, "-m", "postroom.entrypoints", *arguments]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def database_of_old(postgres_url: str) -> str:
    """The URL of a database that has not been migrated."""
    name = f"unmigrated_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))


# --- The settings


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "http", "POSTROOM_PORT: "),
        ("REDIS_URL", "http://user:hush@localhost", "POSTROOM_REDIS_URL: begins with redis://"),
        ("REDIS_URL", "redis://user:hush@localhost:six", "POSTROOM_REDIS_URL: use redis://"),
        ("DATABASE_URL", "mysql://user:hush@localhost/mail", "POSTROOM_DATABASE_URL: begins with"),
        ("DATABASE_URL", "postgresql://user:hush@localhost:six/mail", "POSTROOM_DATABASE_URL is"),
        ("SECRET_KEYS", "", "POSTROOM_SECRET_KEYS is not set: "),
        ("SECRET_KEYS", "hush", "key 1 of POSTROOM_SECRET_KEYS is none"),
        ("REDSI_URL", "redis://", "did you mean POSTROOM_REDIS_URL?"),
    ],
)
def test_a_wrong_setting_is_told(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"POSTROOM_{variable}", value)

    failure = postroom("queue").refusal

    assert told in failure
    assert "hush" not in failure


def test_a_missing_key_is_told_with_the_command_that_makes_one(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", "")

    failure = postroom("mailbox", "list").refusal
    command = failure.rpartition("Make a key with: ")[2]
    made = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", made.stdout.strip())

    assert postroom("mailbox", "list").code == 0


# --- The servers


def test_a_redis_that_is_away_is_told(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_REDIS_URL", "redis://user:hush@127.0.0.1:1")

    failure = run("queue").failure

    assert "Redis" in failure
    assert "hush" not in failure


def test_a_database_that_is_away_is_told(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://user:hush@127.0.0.1:1/mail")

    failures = [run(command).failure for command in ("outcomes", "migrate")]

    assert all(failure.startswith("connecting: ") for failure in failures), failures
    assert not any("hush" in failure for failure in failures)


def test_a_database_that_was_not_migrated_is_told_and_can_be(
    environment: None, monkeypatch: pytest.MonkeyPatch, database_of_old: str
) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", database_of_old)

    before, parts = run("outcomes"), [run(command).failure for command in ("worker", "up")]
    migrated, again = run("migrate"), run("migrate")

    assert before.failure.startswith("the database lacks ")
    assert before.failure.endswith("; run: postroom migrate")
    assert parts == [before.failure] * 2
    assert migrated.code == 0
    assert all(line.startswith("applied 0") for line in migrated.out.splitlines())
    assert (again.code, again.out) == (0, "The database is up to date.\n")
    assert run("outcomes").code == 0


def test_credentials_that_another_key_encrypted_are_told(
    postroom: Postroom, some_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", "A" * 43 + "=")

    failure = postroom("mailbox", "show", "support", "--tenant", "acme").failure

    assert failure.startswith("the credentials cannot be decrypted")


# --- This machine


def test_a_port_in_use_is_told(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("POSTROOM_PORT", str(port))

        failure = run("api").refusal

    assert failure == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use;"
        " set POSTROOM_HOST and POSTROOM_PORT to an address that is free"
    )


def test_an_address_that_is_not_ours_is_told(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_HOST", "nowhere.invalid")

    assert run("api").refusal.startswith("cannot listen on nowhere.invalid:8080: ")


def test_a_handoff_secret_that_is_none_is_told(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_HANDOFF_SECRETS", '{"acme": "hush"}')

    failure = run("api").refusal

    assert failure.startswith("POSTROOM_HANDOFF_SECRETS: use whsec_ and ")
    assert "hush" not in failure


def test_data_of_another_postgresql_is_told(
    environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = tmp_path / "home" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    monkeypatch.delenv("POSTROOM_DATABASE_URL")

    failure = run("outcomes").failure

    assert failure.startswith(f"{data} was made by PostgreSQL 9 and this is ")
    assert "pg_dumpall" in failure


def test_a_home_that_cannot_be_used_is_told(
    environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSTROOM_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("POSTROOM_DATABASE_URL")
    monkeypatch.delenv("POSTROOM_SECRET_KEYS")

    failure = run("outcomes").failure

    assert "set POSTROOM_HOME to a directory of your own" in failure


# --- What is a bug


def test_an_error_that_nobody_foresaw_is_not_told_in_one_line() -> None:
    assert as_one_line(ZeroDivisionError("division by zero")) is None
    assert as_one_line(ExceptionGroup("two", [ValueError(), ValueError()])) is None
