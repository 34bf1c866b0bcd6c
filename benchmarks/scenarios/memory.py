"""How much memory of the server a waiting job takes."""

from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.processes import produce
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one


def measure(bench: Bench, contestant: Contestant, *, of: str) -> Figures:
    jobs: int = getattr(bench.scale, of)
    with bench.server() as server, server.relaxed():
        before = server.spent()
        produce(contestant, server, "fill", jobs=jobs)
        taken = server.spent().memory_bytes - before.memory_bytes
    return {"jobs": jobs, "memory_bytes_per_job": taken / jobs}


def _has_worker(contestant: Contestant) -> bool:
    return contestant.has_worker


def _fills_fast(contestant: Contestant) -> bool:
    return contestant.has_worker and contestant.has_batch


SCENARIOS = (
    Scenario(
        name="memory",
        title="Server memory a waiting job, of 100,000 (bytes)",
        admits=_has_worker,
        measure=one_by_one(partial(measure, of="many")),
        seconds=16,
        repeated=False,
    ),
    Scenario(
        name="memory_million",
        title="Server memory a waiting job, of 1,000,000 (bytes)",
        admits=_fills_fast,
        measure=one_by_one(partial(measure, of="most")),
        seconds=50,
        repeated=False,
    ),
)
