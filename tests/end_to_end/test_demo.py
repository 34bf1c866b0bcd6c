"""`postroom demo`, as somebody who has just cloned the repository runs it."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.application.ports import OutcomeRecord
from postroom.domain.outcome import Completed, Dead, Effect, Final
from postroom.domain.pointer import PointerJob
from postroom.entrypoints.demo.desk import SECRET
from postroom.entrypoints.demo.play import Played
from postroom.entrypoints.demo.scenes import SCENES
from postroom.entrypoints.views.outcomes import outcome_view
from tests.end_to_end.command_rig import Ended
from tests.end_to_end.crash_rig import MAILBOX, POINTER
from tests.end_to_end.desk import Desk, serving
from tests.end_to_end.processes import with_home

pytestmark = pytest.mark.timeout(300)
PROGRAM = ["-m", "postroom.entrypoints"]
WRONGLY_EXPECTED = """
from dataclasses import replace
from postroom.entrypoints.cli import main
from postroom.entrypoints.demo import play
play.SCENES = (replace(play.SCENES[0], expected="duplicate"),)
main()
"""

ONE_SCENE = """
from postroom.entrypoints.cli import main
from postroom.entrypoints.demo import desk
desk.FOR_A_PROGRAM = desk.FOR_A_PROGRAM[:1]
main()
"""


@pytest.fixture
def home(engine_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A home of its own; what a failed test has left running there is ended."""
    home = engine_home / f"demo-{tmp_path.name}"
    yield home
    for pid in with_home(home):
        os.kill(pid, signal.SIGKILL)


def run(home: Path, *arguments: str) -> Ended:
    environment = {key: value for key, value in os.environ.items() if "POSTROOM_" not in key}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment | {"POSTROOM_HOME": str(home), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_the_demo_ends_as_expected_and_leaves_nothing_but_data(home: Path) -> None:
    demo = run(home, *PROGRAM, "demo")

    assert (demo.code, demo.err) == (0, ""), demo
    assert "22 of 22 ended as expected." in demo.out
    assert demo.out.count("(as expected)") == 22
    assert with_home(home) == set()
    tickets = run(home / "demo", *PROGRAM, "tickets", "list", "--tenant", "demo", "--json")
    assert len(tickets.json) == 17
    assert sum(ticket["comments"] for ticket in tickets.json) == 19


def test_the_demo_fails_if_an_outcome_is_not_as_expected(home: Path) -> None:
    demo = run(home, "-c", WRONGLY_EXPECTED, "demo")

    assert demo.code == 1
    assert "completed: ticket 1 (NOT as expected)" in demo.out
    assert "0 of 1 ended as expected." in demo.out
    assert demo.err == ("postroom: the demo did not end as expected; see the table above\n")
    assert with_home(home) == set()


def test_the_demo_hands_its_mail_to_a_program_on_the_desk(home: Path) -> None:
    with serving(Desk(secret=SECRET)) as desk:
        demo = run(home, "-c", ONE_SCENE, "demo", "--to", desk.url)

    assert (demo.code, demo.err) == (0, ""), demo
    assert SECRET in demo.out
    assert "1 of 1 messages were taken." in demo.out
    assert desk.effects == ["Printer on fire"]
    assert with_home(home) == set()


def test_a_program_that_cannot_be_called_starts_no_demo(home: Path) -> None:
    failure = run(home, *PROGRAM, "demo", "--to", "postgresql://x/y").failure

    assert failure.startswith("the demo calls a program over HTTP: http://")


def test_one_demo_does_not_disturb_another(home: Path) -> None:
    (home / "demo").mkdir(parents=True)
    (home / "demo" / "mine").touch()
    with (home / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        failure = run(home, *PROGRAM, "demo").failure

    assert failure == f"another demo is running in {home / 'demo'}; wait for it to end"
    assert (home / "demo" / "mine").exists()


TICKET = Completed(Effect.TICKET, "1")


@pytest.mark.parametrize(
    ("expected", "outcome", "attempts", "good"),
    [
        ("completed: ticket", TICKET, 1, True),
        ("completed: comment", TICKET, 1, False),
        ("completed: ticket", TICKET, 2, False),
        ("dead: empty", Dead("the message is empty"), 1, True),
        ("dead: empty", Dead("something else"), 1, False),
        ("dead: empty", TICKET, 1, False),
        ("refused", None, 0, True),
        ("refused", TICKET, 1, False),
        ("completed: ticket", None, 0, False),
    ],
)
def test_a_scene_is_good_only_with_its_outcome_and_its_attempts(
    expected: str, outcome: Final | None, attempts: int, *, good: bool
) -> None:
    scene = replace(SCENES[0], expected=expected)
    job = PointerJob(
        id="job", tenant="demo", mailbox="support", pointer=POINTER, enqueued_at=MAILBOX.added_at
    )
    view = None
    if outcome:
        view = outcome_view(
            OutcomeRecord(job=job, outcome=outcome, attempt=attempts, at=job.enqueued_at)
        )

    assert Played(scene, view).as_expected is good
