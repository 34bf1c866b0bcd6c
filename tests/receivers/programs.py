"""How each receiver is run, as its own first lines say it."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

RECEIVERS = Path(__file__).parents[2] / "docs/applications/receivers"
EXPRESS = RECEIVERS / "express"
NO_NODE = (
    "Node.js with npm is needed for the receiver of Express: apt-get install nodejs npm,"
    " or leave its tests out by -m 'not node'"
)


@dataclass(frozen=True)
class Program:
    """*command* is made from the port; *folder* is where it is run."""

    name: str
    command: Callable[[int], list[str]]
    folder: Path = RECEIVERS

    def __str__(self) -> str:
        return self.name


def under_uvicorn(application: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "uvicorn", application, "--port", str(port)]

    return command


def _django(port: int) -> list[str]:
    return [sys.executable, "django_receiver.py", "runserver", "--noreload", str(port)]


def _express(_: int) -> list[str]:
    return ["node", str(node_packages() / "receiver.mjs")]


def node_packages() -> Path:
    """A folder with the receiver and its packages, installed once in this virtual environment."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(NO_NODE)
    lock = (EXPRESS / "package-lock.json").read_bytes()
    place = Path(sys.prefix) / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not place.exists():
        _install(npm, place)
    shutil.copy(EXPRESS / "receiver.mjs", place)
    return place


def _install(npm: str, place: Path) -> None:
    """It is there whole, or not at all, even if two do it at a time."""
    place.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=place.parent) as directory:
        new = Path(directory) / "new"
        new.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(EXPRESS / name, new)
        words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run([npm, *words], cwd=new, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"npm {' '.join(words)}: {done.stderr.strip()}")
        if not place.exists():
            new.rename(place)


FASTAPI = Program("fastapi", under_uvicorn("fastapi_receiver:app"))
LITESTAR = Program("litestar", under_uvicorn("litestar_receiver:app"))
DJANGO = Program("django", _django)
EXPRESS_PROGRAM = Program("express", _express)

INBOX_TABLE = Program("inbox_table", lambda _: [sys.executable, "inbox_table.py"])

IN_PYTHON = (FASTAPI, LITESTAR, DJANGO)
ALL = (*IN_PYTHON, EXPRESS_PROGRAM)
