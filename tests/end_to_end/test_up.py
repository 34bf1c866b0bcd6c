"""`postroom up` without any server: everything starts, everything stops, what was kept stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.processes import SECONDS, free_port, lives, wait_until, with_home

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def home(engine_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A home of its own; what a failed test has left running there is ended."""
    home = engine_home / f"up-{tmp_path.name}"
    yield home
    for pid in with_home(home):
        os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Installation:
    """Postroom without a setting but its home and its port."""

    home: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("POSTROOM_")}
        return kept | {"POSTROOM_HOME": str(self.home), "POSTROOM_PORT": str(self.port)}

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints that must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "postroom.entrypoints", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        """`postroom up`, once it is ready. It ends with the block, if it has not by itself."""
        with (self.home.with_suffix(".log")).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "postroom.entrypoints", "up"],
                env=self.environment,
                stderr=log,
            )
        with process:
            try:
                wait_until(lambda: process.poll() is not None or self.is_ready(), "it is ready")
                assert process.poll() is None, self.log
                yield process
            finally:
                process.terminate()

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=SECONDS)
        except httpx.TransportError:
            return False
        return answer.is_success

    @property
    def log(self) -> str:
        return self.home.with_suffix(".log").read_text()


@pytest.fixture
def installation(home: Path) -> Installation:
    return Installation(home, free_port())


def add_mailbox(installation: Installation, name: str) -> str:
    return installation.run(
        *["mailbox", "add", "imap", name, "--address", f"{name}@acme.example"],
        *["--host", "mail.invalid", "--password-file", "-", "--no-check"],
        stdin="hush",
    )


def test_it_becomes_ready_stops_in_order_and_keeps_its_data(installation: Installation) -> None:
    with installation.up() as first:
        added = add_mailbox(installation, "office")  # by a second process on the same engines
        assert installation.is_ready(), "the first still has its engines"
        first.send_signal(signal.SIGTERM)
        code = first.wait(SECONDS)

    assert added.startswith("default/office is added.")
    assert code == 0
    assert with_home(installation.home) == set(), "nothing is left running"
    assert "hush" not in installation.log
    assert [installation.log.count(f'"{part} stopped"') for part in ("api", "worker")] == [1, 1]
    assert '"part ended"' not in installation.log
    assert "unreachable" not in installation.log, "the engines outlast the parts"

    with installation.up():
        assert "office@acme.example" in installation.run("mailbox", "list")


def test_the_engines_stay_while_anybody_uses_them(installation: Installation) -> None:
    other = Installation(installation.home, free_port())

    with installation.up() as first, other.up():
        first.terminate()
        first.wait(SECONDS)

        assert not installation.is_ready()
        assert other.is_ready()
        add_mailbox(other, "office")

    assert with_home(installation.home) == set()


def test_what_a_killed_one_left_behind_is_taken_over(installation: Installation) -> None:
    with installation.up() as first:
        add_mailbox(installation, "office")
        first.kill()
        first.wait()
        left = engines_in(installation.home)

        with installation.up():
            taken_over = engines_in(installation.home)
            mailboxes = installation.run("mailbox", "list")

    assert len(left) == 2
    assert taken_over == left
    assert "office@acme.example" in mailboxes
    assert not any(map(lives, left))


def engines_in(home: Path) -> set[int]:
    """The servers of *home*, by the pids that they wrote down."""
    valkey = (home / "valkey" / "valkey.pid").read_text()
    postgres = (home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
    return {pid for pid in (int(valkey), int(postgres)) if lives(pid)}
