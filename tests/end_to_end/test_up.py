"""`postroom up` without any server: everything starts, everything stops, what was kept stays."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tests.end_to_end.installation import Installation
from tests.end_to_end.processes import SECONDS, free_port, lives, wait_until, with_home

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def home(engine_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A home of its own; what a failed test has left running there is ended."""
    home = engine_home / f"up-{tmp_path.name}"
    yield home
    for pid in with_home(home):
        os.kill(pid, signal.SIGKILL)


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

    with installation.up() as first, other.up("api"):
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


def test_engines_that_are_killed_are_started_again_with_all_their_data(
    installation: Installation,
) -> None:
    with installation.up():
        add_mailbox(installation, "office")
        killed = engines_in(installation.home)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: installation.count("engine started again") == 2, "they are")
        wait_until(installation.is_ready, "it is ready again")

        assert engines_in(installation.home).isdisjoint(killed)
        assert "office@acme.example" in installation.run("mailbox", "list")

    ended = [line for line in installation.lines if line["event"] == "engine ended"]
    assert sorted(line["engine"] for line in ended) == ["postgres", "valkey-server"]
    assert {(line["signal"], line["restart_in"]) for line in ended} == {("SIGKILL", 0)}
    assert installation.count("part ended") == 0, "the parts connect again by themselves"
    assert with_home(installation.home) == set()


def test_a_second_one_says_so_and_touches_nothing(installation: Installation) -> None:
    second = Installation(installation.home, free_port())

    with installation.up() as first:
        before = files_in(installation.home)
        done = subprocess.run(
            [sys.executable, "-m", "postroom.entrypoints", "up"],
            env=second.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"postroom: `postroom up` runs already in {installation.home}, as process {first.pid}\n"
        )
        assert files_in(installation.home) == before
        assert installation.is_ready()


def test_a_person_at_a_terminal_is_shown_what_it_does(installation: Installation) -> None:
    with Terminal() as terminal:
        with installation.up(stdout=terminal.theirs) as up:
            wait_until(lambda: "No mailbox yet" in terminal.read(), "all has started")
            up.send_signal(signal.SIGINT)
            code = up.wait(SECONDS)
        shown = terminal.read().replace("\r\n", "\n")

    home, url = installation.home, f"http://127.0.0.1:{installation.port}"
    before, starting, after = shown.partition("Ctrl-C stops everything.\n")
    assert code == 0
    assert before + starting == (
        f"valkey-server starts in {home}/valkey …\n"
        "valkey-server is ready.\n"
        f"postgres starts in {home}/postgres …\n"
        "postgres is ready.\n"
        "The API, a worker, the listener and maintenance start. Ctrl-C stops everything.\n"
    )
    assert f"The API listens at {url}, and {url}/health/ready is 200 when all is well.\n" in after
    assert "No mailbox yet: run `postroom mailbox add --help`" in after
    assert after.endswith(
        "Stopping: no more jobs are claimed, and those in work have up to 30 seconds …\n"
        "The parts have stopped. The engines do, unless another command uses them …\n"
        "Everything has stopped. What was queued is on disk.\n"
    )


@dataclass
class Terminal:
    """What a program writes to its end, *theirs*, is read at ours."""

    theirs: int = -1
    ours: int = -1
    shown: str = field(default="", init=False)

    def __enter__(self) -> Self:
        self.ours, self.theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.theirs)
        os.close(self.ours)

    def read(self) -> str:
        with suppress(BlockingIOError):
            self.shown += os.read(self.ours, 2**16).decode()
        return self.shown


def files_in(home: Path) -> set[tuple[Path, int]]:
    """All but what a database writes by itself, and each part when it begins."""
    written = {"data", "_canaries"}
    return {
        (path, path.stat().st_ino)
        for path in home.rglob("*")
        if written.isdisjoint(path.parts) and path.is_file()
    }


def engines_in(home: Path) -> set[int]:
    """The servers of *home*, by the pids that they wrote down."""
    valkey = (home / "valkey" / "valkey.pid").read_text()
    postgres = (home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
    return {pid for pid in (int(valkey), int(postgres)) if lives(pid)}
