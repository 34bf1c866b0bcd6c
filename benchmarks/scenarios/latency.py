"""How long a job waits from the call that enqueues it to its start, in an idle queue."""

from benchmarks.contestants import Contestant
from benchmarks.processes import at_work, produce
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one, percentile

RATE = 200
"""Jobs a second."""

WARM_UP = 20
"""Jobs that are not timed."""

MILLISECOND = 1_000_000


def measure(bench: Bench, contestant: Contestant) -> Figures:
    jobs = bench.scale.paced
    with (
        bench.server() as server,
        at_work(
            contestant, server, jobs=jobs, concurrency=bench.idle(contestant), timed=True
        ) as worker,
    ):
        produce(contestant, server, "fill", jobs=WARM_UP)
        worker.wait_until_ready()
        produce(contestant, server, "pace", jobs=jobs, rate=RATE, first=WARM_UP + 1)
        waits = worker.wait_for_report()["waits"]
    return {
        "p50_ms": percentile(waits, 0.5) / MILLISECOND,
        "p99_ms": percentile(waits, 0.99) / MILLISECOND,
        "max_ms": waits[-1] / MILLISECOND,
    }


def _has_worker(contestant: Contestant) -> bool:
    return contestant.has_worker


SCENARIO = Scenario(
    name="latency",
    title="From enqueue to start at 200 jobs/s (ms)",
    admits=_has_worker,
    measure=one_by_one(measure),
    seconds=9,
)
