"""What a scenario is, and what it is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.server import Server

Figures = Mapping[str, float]
"""What was measured of one queue, by name: the unit stands in the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is done. The defaults are those of the full benchmark."""

    seconds: float = 2
    """That are enqueued for."""
    drained: int = 20_000
    """Jobs that are worked off."""
    paced: int = 1_000
    """Jobs that are timed, one by one."""
    notified: int = 20_000
    """Notifications that are posted to the webhook."""
    few: int = 1_000
    many: int = 100_000
    most: int = 1_000_000
    """Jobs that wait, where it matters how many do."""
    blocks: int = 20
    """Turns that the two depths of a queue take."""
    crashed: int = 2_000
    """Jobs that a worker is killed in the middle of."""
    worker_kills: int = 50
    worker_freezes: int = 10
    server_kills: int = 50
    patience: float = 90
    """Seconds that the jobs of a killed worker are waited for."""


FULL = Scale()
QUICK = Scale(
    seconds=0.5,
    drained=1_000,
    paced=100,
    notified=1_000,
    many=2_000,
    most=10_000,
    blocks=4,
    crashed=500,
    worker_kills=2,
    worker_freezes=1,
    server_kills=2,
    patience=10,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where, and under which conditions, all is measured.

    *concurrency* is that of every worker, 0 for each contestant's own.
    """

    data: Path
    scale: Scale = FULL
    appendfsync: str = "always"
    server_cpus: frozenset[int] = frozenset()
    concurrency: int = 0

    def server(self) -> Server:
        return Server(self.data, self.appendfsync, self.server_cpus)

    def idle(self, contestant: Contestant) -> int:
        """How many no-op jobs its worker has at a time."""
        return self.concurrency or contestant.idle

    def working(self, contestant: Contestant) -> int:
        """How many jobs its worker has at a time, where jobs have work to do."""
        return self.concurrency or contestant.working


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing to measure, of every contestant that *admits* lets in.

    *measure* is given one contestant at a time, or all of them if they go *together*. *repeated*
    says that it is part of every run. *seconds* is about how long it takes a contestant.
    """

    name: str
    title: str
    admits: Callable[[Contestant], bool]
    measure: Callable[[Bench, Sequence[Contestant]], Mapping[str, Figures]]
    seconds: float
    repeated: bool = True
    together: bool = False


def one_by_one(
    measure: Callable[[Bench, Contestant], Figures],
) -> Callable[[Bench, Sequence[Contestant]], Mapping[str, Figures]]:
    def measure_each(bench: Bench, contestants: Sequence[Contestant]) -> Mapping[str, Figures]:
        return {contestant.name: measure(bench, contestant) for contestant in contestants}

    return measure_each


def percentile(ordered: Sequence[int], share: float) -> float:
    """The smallest of *ordered* that *share* of them do not exceed (nearest rank)."""
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]
