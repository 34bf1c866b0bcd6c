"""What holds for every scenario, whatever it is about."""

from pathlib import Path

import pytest
from pytest_bdd.parser import FeatureParser, ScenarioTemplate

FEATURES = Path(__file__).parents[2] / "features"

SCENARIOS = [
    scenario
    for path in sorted(FEATURES.glob("*.feature"))
    for scenario in FeatureParser(str(FEATURES), path.name).parse().scenarios.values()
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_about_one_thing_that_happens(scenario: ScenarioTemplate) -> None:
    kinds = [step.type for step in scenario.steps]

    assert kinds.count("when") == 1
    assert kinds == sorted(kinds, key=["given", "when", "then"].index)


def test_no_two_scenarios_have_one_name() -> None:
    names = [scenario.name for scenario in SCENARIOS]

    assert sorted(set(names)) == sorted(names)
