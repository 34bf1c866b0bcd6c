"""The steps of a benchmark, in their order, and how long those that are left will take."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from benchmarks.contestants import Contestant
from benchmarks.scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Step:
    scenario: Scenario
    contestants: Sequence[Contestant]
    run: int

    @property
    def name(self) -> str:
        names = [contestant.name for contestant in self.contestants]
        return f"{self.scenario.name} of {names[0] if len(names) == 1 else 'all'}"


def plan(
    scenarios: Sequence[Scenario], contestants: Sequence[Contestant], runs: int
) -> Sequence[Step]:
    """All contestants take turns within a scenario, and the scenarios within a run.

    So whatever else the machine does falls on all alike. What is not repeated comes in the end.
    """
    repeated = [one for one in scenarios if one.repeated]
    rest = [one for one in scenarios if not one.repeated]
    steps = [
        step
        for run in range(1, runs + 1)
        for scenario in repeated
        for step in _steps(scenario, contestants, run)
    ]
    return steps + [step for scenario in rest for step in _steps(scenario, contestants, 1)]


def _steps(scenario: Scenario, contestants: Sequence[Contestant], run: int) -> Sequence[Step]:
    admitted = [contestant for contestant in contestants if scenario.admits(contestant)]
    if scenario.together:
        return [Step(scenario, admitted, run)] if admitted else []
    return [Step(scenario, [contestant], run) for contestant in admitted]


@dataclass(slots=True)
class Forecast:
    """How long steps take: as long as they took before, else as their scenario says."""

    taken: dict[str, float] = field(default_factory=dict)

    def of(self, steps: Collection[Step]) -> float:
        """Seconds."""
        return sum(self.taken.get(step.name, step.scenario.seconds) for step in steps)

    def learn(self, step: Step, begun: float) -> float:
        """Remember what the step took that began when the monotonic clock read *begun*."""
        self.taken[step.name] = time.monotonic() - begun
        return self.taken[step.name]
