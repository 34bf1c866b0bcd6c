"""How fast one process hands over jobs: one call a job, by one caller or by many; in batches."""

from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.processes import produce
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one

BATCH = 100
IN_FLIGHT = 64


def measure_calls(bench: Bench, contestant: Contestant, *, callers: int) -> Figures:
    with bench.server() as server:
        before = server.spent()
        told = produce(contestant, server, "enqueue", seconds=bench.scale.seconds, callers=callers)
        return {**told, **server.spent().per_job(before, round(told["jobs"]))}


def measure_batches(bench: Bench, contestant: Contestant, *, size: int) -> Figures:
    with bench.server() as server:
        before = server.spent()
        told = produce(contestant, server, "batch", seconds=bench.scale.seconds, size=size)
        return {**told, **server.spent().per_job(before, round(told["jobs"]))}


def _is_queue(contestant: Contestant) -> bool:
    return contestant.has_worker


def _all(_contestant: Contestant) -> bool:
    return True


def _has_batch(contestant: Contestant) -> bool:
    return contestant.has_batch


SCENARIOS = (
    Scenario(
        name="enqueue_1",
        title="Enqueue, one call a job, 1 caller (jobs/s)",
        admits=_all,
        measure=one_by_one(partial(measure_calls, callers=1)),
        seconds=4,
    ),
    Scenario(
        name="enqueue_64",
        title="Enqueue, one call a job, 64 callers (jobs/s)",
        admits=_is_queue,
        measure=one_by_one(partial(measure_calls, callers=IN_FLIGHT)),
        seconds=4,
    ),
    Scenario(
        name="enqueue_batch",
        title="Enqueue, 100 jobs a call, 1 caller (jobs/s)",
        admits=_has_batch,
        measure=one_by_one(partial(measure_batches, size=BATCH)),
        seconds=4,
    ),
)
