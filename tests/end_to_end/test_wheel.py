"""The wheel, in an environment with nothing else, far from the checkout that it was built of."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.processes import SECONDS, free_port, wait_until, with_home

pytestmark = pytest.mark.timeout(300)
REPOSITORY = Path(__file__).parents[2]
DEPENDENCIES = REPOSITORY / "requirements.txt"


def run(*command: object, **environment: str) -> str:
    """What a program prints that must succeed, in a place where there is nothing of ours."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if "POSTROOM_" not in key}


@pytest.fixture(scope="module")
def postroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel with the packages of the lock and no other."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    subprocess.run([sys.executable, *build], cwd=REPOSITORY, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv/bin/python"
    run(*installer(python), "--require-hashes", "-r", DEPENDENCIES)
    run(*installer(python), "--no-deps", wheel)
    return folder / "venv/bin/postroom"


def installer(python: Path) -> list[object]:
    """By uv, which has the packages at hand if it has installed ours; else by pip."""
    if uv := shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"):
        return [uv, "pip", "install", "--quiet", "--python", python]
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    return [base, "-m", "pip", "--python", python, "install", "--quiet"]


@pytest.fixture
def home(engine_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A home of its own; what a failed test has left running there is ended."""
    home = engine_home / f"wheel-{tmp_path.name}"
    yield home
    for pid in with_home(home):
        os.kill(pid, signal.SIGKILL)


def test_it_puts_one_package_among_the_others(postroom: Path) -> None:
    """A project of the same style, beside ours, has folders of the same names."""
    listed = run(
        postroom.with_name("python"),
        "-c",
        "from importlib.metadata import files; print(*{path.parts[0] for path in files('postroom')"
        " if path.parts[0] != '..'})",
    )

    assert {name for name in listed.split() if not name.endswith(".dist-info")} == {"postroom"}


def test_its_demo_ends_as_expected(postroom: Path, home: Path) -> None:
    told = run(postroom, "demo", POSTROOM_HOME=str(home))

    assert "22 of 22 ended as expected." in told


def test_it_comes_up_and_stops_in_order(postroom: Path, home: Path) -> None:
    port = free_port()
    environment = {"POSTROOM_HOME": str(home), "POSTROOM_PORT": str(port)}
    url = f"http://127.0.0.1:{port}/health/ready"

    with subprocess.Popen([postroom, "up"], cwd="/", env=clean_environment() | environment) as up:
        try:
            wait_until(lambda: up.poll() is not None or is_ready(url), "it is ready")
            migrated = run(postroom, "migrate", **environment)
        finally:
            up.terminate()
        code = up.wait(SECONDS)

    assert migrated == "The database is up to date.\n"
    assert code == 0


def is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=SECONDS).is_success
    except httpx.TransportError:
        return False
