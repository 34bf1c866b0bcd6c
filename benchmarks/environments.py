"""Where each queue's packages are, which versions they have, and so who can be measured here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.contestants import Contestant, Kind

ROOT = Path(__file__).parents[1]
NODE_PROGRAM = ROOT / "benchmarks/node/bullmq.mjs"

_TELL_VERSIONS = (
    "import json, sys; from importlib.metadata import version;"
    " print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)


class LeftOutError(Exception):
    """The queue cannot be measured here; the message says what is missing."""


def command_of(contestant: Contestant) -> list[str]:
    """The program that it is measured in (see program.py)."""
    if contestant.kind is Kind.NODE:
        return [shutil.which("node") or "node", str(NODE_PROGRAM)]
    return [str(_python_of(contestant)), "-m", f"benchmarks.peers.{contestant.name}"]


def versions_of(contestant: Contestant) -> dict[str, str]:
    """The versions of its packages, by name. Raises LeftOutError."""
    if contestant.kind is Kind.NODE:
        return {"node": _node_version(), **{name: _installed(name) for name in contestant.packages}}
    told = subprocess.run(
        [_python_of(contestant), "-c", _TELL_VERSIONS, *contestant.packages],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise LeftOutError(f"not installed: {told.stderr.strip().splitlines()[-1]}")
    versions: dict[str, str] = json.loads(told.stdout)
    return versions


def _python_of(contestant: Contestant) -> Path:
    if not contestant.environment:
        return Path(sys.executable)
    python = ROOT / contestant.environment / "bin/python"
    if not python.exists():
        raise LeftOutError(f"there is no {contestant.environment}: make bench sets it up")
    return python


def _node_version() -> str:
    node = shutil.which("node")
    if node is None:
        raise LeftOutError("Node.js is not installed")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip().removeprefix("v")


def _installed(package: str) -> str:
    description = NODE_PROGRAM.parent / "node_modules" / package / "package.json"
    if not description.exists():
        raise LeftOutError("its packages are not installed: make bench does it")
    return str(json.loads(description.read_text())["version"])
