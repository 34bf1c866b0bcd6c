"""How long the jobs of a quiet mailbox wait, alone, and beside one with a long backlog.

The backlog is worked off meanwhile by the same worker: once with jobs that await 10 ms, as all here
do, and once, harder, with jobs that do nothing, so that the worker never rests.
"""

from benchmarks.contestants import Contestant, Kind
from benchmarks.processes import at_work, produce
from benchmarks.scenarios.latency import MILLISECOND
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one, percentile

RATE = 100
"""Jobs a second of the quiet mailbox."""

QUIET, BUSY = "tenant/quiet", "tenant/busy"


def measure(bench: Bench, contestant: Contestant) -> Figures:
    figures: dict[str, float] = {}
    for kind, works in (("10ms", True), ("noop", False)):
        alone = _waits(bench, contestant, works=works, backlog=0)
        beside = _waits(bench, contestant, works=works, backlog=bench.scale.many)
        for name, waits in ((f"{kind}_alone", alone), (f"{kind}_beside", beside)):
            figures[f"{name}_p50_ms"] = percentile(waits, 0.5) / MILLISECOND
            figures[f"{name}_p99_ms"] = percentile(waits, 0.99) / MILLISECOND
    return figures


def _waits(bench: Bench, contestant: Contestant, *, works: bool, backlog: int) -> list[int]:
    jobs, first = bench.scale.paced, backlog + 2
    concurrency = bench.working(contestant)
    with bench.server() as server:
        with server.relaxed():
            # With no backlog still one job, which shows that the worker is ready.
            produce(contestant, server, "fill", jobs=backlog + 1, lane=BUSY)
        with at_work(
            contestant, server, jobs=jobs, concurrency=concurrency, works=works, timed=True
        ) as worker:
            worker.wait_until_ready()
            produce(contestant, server, "pace", jobs=jobs, rate=RATE, first=first, lane=QUIET)
            waits: list[int] = worker.wait_for_report()["waits"]
    return waits


SCENARIO = Scenario(
    name="neighbour",
    title="A quiet mailbox beside one with a backlog of 100,000 (ms)",
    admits=lambda contestant: contestant.kind is Kind.OURS,
    measure=one_by_one(measure),
    seconds=60,
)
