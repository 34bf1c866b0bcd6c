"""`python -m benchmarks.webhook`: the webhook of Gmail beside the bare handler, turn by turn.

Each turn measures both on a fresh Valkey that writes to its disk at each command, so that what else
the machine does meets both alike. What is printed is the ratio of their requests a second.
"""

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scenarios.webhook import send, serving
from benchmarks.server import Server
from benchmarks.webhook.load import WARM_UP
from benchmarks.webhook.push import write_identity

GOAL = 0.7
"""Of the requests a second of the bare handler, which verifies nothing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second, and the microseconds of CPU that the web server took for one."""

    per_second: float
    cpu: float


def measure(name: str, identity: Path, count: int) -> Rate:
    options = ("--google", str(identity))
    with Server(identity.parent, "always") as server, serving(name, server, *options) as web_server:
        per_second = send(web_server.port, count, *options)["requests_per_second"]
        return Rate(per_second, web_server.stop() * 1e6 / (WARM_UP + count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        identity = Path(directory) / "identity.json"
        write_identity(identity)
        ratios = []
        for turn in range(options.turns):
            names = ("raw", "postroom") if turn % 2 else ("postroom", "raw")
            rates = {name: measure(name, identity, options.count) for name in names}
            ours, bare = rates["postroom"], rates["raw"]
            ratios.append(ours.per_second / bare.per_second)
            print(
                f"{ours.per_second:.0f} requests/s ({ours.cpu:.0f} µs of CPU each)"
                f" beside {bare.per_second:.0f} ({bare.cpu:.0f} µs): {ratios[-1]:.2f}"
            )
    print(f"median {statistics.median(ratios):.2f}, to be {GOAL} at the least")


if __name__ == "__main__":
    main()
