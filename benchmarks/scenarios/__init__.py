"""What is measured, in the order in which it is measured."""

from benchmarks.scenarios import (
    depth,
    drain,
    enqueue,
    latency,
    memory,
    neighbour,
    server_crash,
    webhook,
    worker_crash,
)
from benchmarks.scenarios.scenario import Scenario

ALL: tuple[Scenario, ...] = (
    *enqueue.SCENARIOS,
    *drain.SCENARIOS,
    latency.SCENARIO,
    webhook.SCENARIO,
    neighbour.SCENARIO,
    *memory.SCENARIOS,
    depth.SCENARIO,
    worker_crash.SCENARIO,
    server_crash.SCENARIO,
)
