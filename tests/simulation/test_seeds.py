"""The first seeds, in each run of the tests. `make simulate` runs as many as one likes."""

from collections.abc import Iterator

import pytest

from postroom.entrypoints.telemetry.sdk import Telemetry, open_telemetry
from tests.simulation.draw import draw_plan
from tests.simulation.run import run

SEEDS, AT_A_TIME = 200, 10


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    with open_telemetry() as opened:
        yield opened


@pytest.mark.parametrize("first", range(0, SEEDS, AT_A_TIME))
def test_no_seed_breaks_a_rule(first: int, telemetry: Telemetry) -> None:
    for seed in range(first, first + AT_A_TIME):
        report = run(draw_plan(seed), telemetry)
        assert not report.broken, f"make simulate SEEDS={seed}-{seed}"
