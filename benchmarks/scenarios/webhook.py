"""How many notifications the webhook of Microsoft Graph takes in, each safe on the disk.

Beside it, as the most that could be: a bare handler that adds each one to a stream as it is.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.contestants import Contestant, Kind
from benchmarks.environments import ROOT
from benchmarks.processes import ENDS_WITHIN, ProcessFailedError
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one
from benchmarks.server import Server, on_cpus
from benchmarks.webhook.load import WARM_UP

CONNECTIONS = 64


def measure(bench: Bench, contestant: Contestant) -> Figures:
    """The web server has a CPU of its own; whoever sends shares that of Valkey."""
    with bench.server() as server, serving(contestant.name, server) as web_server:
        with on_cpus(bench.server_cpus):
            told = send(web_server.port, bench.scale.notified)
        spent = web_server.stop()
    return {**told, "web_server_us_per_request": spent * 1e6 / (WARM_UP + told["requests"])}


def send(port: int, count: int, *options: str) -> dict[str, float]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.webhook.load", "--port", str(port)),
            *("--connections", str(CONNECTIONS), "--count", str(count), *options),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=ENDS_WITHIN,
        check=False,
    )
    if done.returncode:
        raise ProcessFailedError(f"the sender: {done.stderr.strip()[-500:]}")
    told: dict[str, float] = json.loads(done.stdout)
    return told


class WebServer:
    """Its process; *port* is where it listens."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.port = int(self._line())

    def stop(self) -> float:
        """The seconds of CPU that it has taken to serve."""
        self._process.terminate()
        return float(self._line())

    def _line(self) -> bytes:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def serving(name: str, server: Server, *options: str) -> Iterator[WebServer]:
    command = ["-m", "benchmarks.webhook.server", name, "--redis", server.url, *options]
    with (
        (server.directory / "web-server.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=log, cwd=ROOT
        ) as process,
    ):
        try:
            yield WebServer(process)
        finally:
            process.kill()


def _is_ours_or_the_limit(contestant: Contestant) -> bool:
    return contestant.kind in {Kind.OURS, Kind.LIMIT}


SCENARIO = Scenario(
    name="webhook",
    title="Notifications taken in over 64 connections (requests/s)",
    admits=_is_ours_or_the_limit,
    measure=one_by_one(measure),
    seconds=12,
)
