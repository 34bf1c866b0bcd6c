"""The wrapper ./postroom, up to the point where packages would come from the network."""

import ast
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from subprocess import PIPE

import pytest

REPOSITORY = Path(__file__).parents[2]
PARTS = ("postroom", "pyproject.toml", *(path.name for path in REPOSITORY.glob("require*.txt")))
PYTHON = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": os.devnull, "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the wrapper needs of a checkout, at a path with spaces."""
    monkeypatch.delenv("POSTROOM_VENV", raising=False)
    root = tmp_path / "a check out"
    root.mkdir()
    for name in PARTS:
        shutil.copy(REPOSITORY / name, root)
    return root


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(checkout: Path) -> Start:
    """Starts the wrapper, which finds no network to install anything from."""

    def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [PYTHON, checkout / "postroom", *arguments],
            cwd=checkout.parent,
            env={"PATH": f"{checkout}/bin:/usr/bin:/bin", **OFFLINE, **environment},
            text=True,
            stdout=PIPE,
            stderr=PIPE,
        )

    return start


def refusal(wrapper: "subprocess.Popen[str]") -> str:
    """The one line by which a wrapper says what is wrong, after those that say what it does."""
    told, errors = wrapper.communicate(timeout=30)
    assert wrapper.returncode == 1
    assert told == ""
    assert all(line.startswith("postroom: ") for line in errors.splitlines())
    return errors.splitlines()[-1]


def pretend_set_up(checkout: Path, lock: str) -> None:
    """Leave what a set-up leaves; its Python tells where it was called, and with what."""
    loader = SourceFileLoader("wrapper", str(checkout / "postroom"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    wrapper = module_from_spec(spec)
    loader.exec_module(wrapper)
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\npwd\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    (checkout / ".venv/set-up.done").write_text(wrapper.stamp_of(lock))


def pretend_uv(checkout: Path, *, works: bool) -> Path:
    """Put a uv on the path that only writes down what it is asked for, in the file returned."""
    program, asked = checkout / "bin/uv", checkout / "asked.txt"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{asked}"\nexit {int(not works)}\n')
    program.chmod(0o755)
    return asked


def test_what_is_set_up_is_used_at_once(start: Start, checkout: Path) -> None:
    pretend_set_up(checkout, "requirements.txt")

    told, errors = start("mailbox", "add", "it's me").communicate(timeout=30)

    assert errors == ""
    assert told.splitlines() == [
        str(checkout.parent),
        str(checkout / ".venv/bin/postroom"),
        "mailbox",
        "add",
        "it's me",
    ]


def test_the_tests_are_run_in_the_checkout_by_pytest(start: Start, checkout: Path) -> None:
    pretend_set_up(checkout, "requirements-dev.txt")

    told, _ = start("test", "-k", "wrapper").communicate(timeout=30)

    assert told.splitlines() == [str(checkout), "-m", "pytest", "-k", "wrapper"]


def test_an_environment_for_the_tests_serves_all_else(start: Start, checkout: Path) -> None:
    pretend_set_up(checkout, "requirements-dev.txt")

    _, errors = start("demo").communicate(timeout=30)

    assert errors == ""


@pytest.mark.parametrize(
    ("lock", "changed"),
    [
        ("requirements.txt", "requirements.txt"),
        ("requirements-dev.txt", "requirements-dev.txt"),
        ("requirements-dev.txt", "requirements-uv.txt"),
        ("requirements-dev.txt", "pyproject.toml"),
    ],
)
def test_a_change_of_what_is_installed_brings_it_up_to_date(
    start: Start, checkout: Path, lock: str, changed: str
) -> None:
    pretend_set_up(checkout, lock)
    asked = pretend_uv(checkout, works=True)
    with (checkout / changed).open("a") as file:
        file.write("\n")

    _, errors = start("demo").communicate(timeout=30)

    assert errors == f"postroom: bringing {checkout}/.venv up to date\n"
    synchronise, install = asked.read_text().splitlines()
    assert synchronise.endswith(f" --require-hashes {lock} requirements-uv.txt")
    assert install.endswith(" --no-deps --no-build-isolation --editable .")
    assert start("demo").communicate(timeout=30)[1] == ""


def test_an_older_python_is_told_which_one_is_needed(checkout: Path) -> None:
    older = "import runpy, sys; sys.version_info = (3, 9); runpy.run_path('postroom')"

    command = [sys.executable, "-c", older]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("postroom: Python 3.11 or newer is needed, and this is 3.9; ")


def test_an_older_python_can_read_it_so_far() -> None:
    ast.parse((REPOSITORY / "postroom").read_text(), feature_version=(3, 7))


def test_a_place_that_cannot_be_written_is_named(start: Start) -> None:
    line = refusal(start("demo", POSTROOM_VENV="/dev/null/venv"))

    assert line == (
        "postroom: /dev/null/venv.lock: Not a directory;"
        " set POSTROOM_VENV to a directory of your own"
    )


def test_a_directory_of_something_else_is_left_alone(start: Start, checkout: Path) -> None:
    mine = checkout / "mine" / "letter.txt"
    mine.parent.mkdir()
    mine.write_text("Dear Ann")

    line = refusal(start("demo", POSTROOM_VENV="mine"))

    assert line == f"postroom: {checkout}/mine is in the way: it is not a virtual environment"
    assert mine.read_text() == "Dear Ann"


def test_a_file_is_left_alone_too(start: Start, checkout: Path) -> None:
    (checkout / "mine").write_text("Dear Ann")

    line = refusal(start("demo", POSTROOM_VENV="mine"))

    assert line == f"postroom: {checkout}/mine is in the way: it is not a virtual environment"
    assert (checkout / "mine").read_text() == "Dear Ann"


def test_without_a_network_it_says_what_was_missing(start: Start, checkout: Path) -> None:
    pretend_uv(checkout, works=False)

    line = refusal(start("demo"))

    assert "the packages could not be installed (ERROR: No matching distribution found" in line
    assert f"; {checkout}/.venv/set-up.log has it all." in line
    assert not (checkout / ".venv/set-up.done").exists()


def test_a_second_process_waits_and_finds_all_done(start: Start, checkout: Path) -> None:
    with (checkout / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = start("demo")
        assert second.stderr is not None

        waiting = second.stderr.readline()

        assert waiting == f"postroom: waiting for another process that sets up {checkout}/.venv\n"
        pretend_set_up(checkout, "requirements.txt")
    told, errors = second.communicate(timeout=30)
    assert errors == ""
    assert told.splitlines()[1:] == [f"{checkout}/.venv/bin/postroom", "demo"]
