"""How fast one worker process works off what waits: jobs that do nothing, and jobs that await."""

from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.processes import at_work, produce
from benchmarks.scenarios.scenario import Bench, Figures, Scenario, one_by_one


def measure(bench: Bench, contestant: Contestant, *, works: bool) -> Figures:
    jobs = bench.scale.drained
    concurrency = bench.working(contestant) if works else bench.idle(contestant)
    with bench.server() as server:
        with server.relaxed():
            produce(contestant, server, "fill", jobs=jobs)
        before = server.spent()
        with at_work(contestant, server, jobs=jobs, concurrency=concurrency, works=works) as worker:
            told = worker.wait_for_report()
            spent = server.spent().per_job(before, told["jobs"])
        return {"jobs": told["jobs"], "jobs_per_second": told["jobs_per_second"], **spent}


def _has_worker(contestant: Contestant) -> bool:
    return contestant.has_worker


SCENARIOS = (
    Scenario(
        name="drain",
        title="Drain of no-op jobs by one worker process (jobs/s)",
        admits=_has_worker,
        measure=one_by_one(partial(measure, works=False)),
        seconds=18,
    ),
    Scenario(
        name="drain_10ms",
        title="Drain of jobs that await 10 ms, by one worker process (jobs/s)",
        admits=_has_worker,
        measure=one_by_one(partial(measure, works=True)),
        seconds=18,
    ),
)
