"""How soon a rule of the product that is broken on purpose is found.

The plans are those of the seeds, with providers in memory; without a mutation they break no rule.
"""

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from postroom.entrypoints.telemetry.sdk import Telemetry
from tests.simulation.draw import draw_plan
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import run


def seeds_until_found(
    mutation: Mutation, telemetry: Telemetry, *, first: int, most: int
) -> tuple[int, set[str]] | None:
    """How many seeds from *first* on it takes, and which rules are broken then; None: *most*."""
    with mutation.applied():
        for number in range(most):
            plan = replace(draw_plan(first + number), on_the_wire=False)
            if not mutation.may_show(plan):
                continue
            if broken := run(plan, telemetry, hurried=True).broken:
                return number + 1, broken
    return None


def medians(telemetry: Telemetry, *, times: int, most: int) -> Iterator[tuple[str, str]]:
    """Of each mutation: its name, and what came of so many searches."""
    for mutation in MUTATIONS:
        found = [
            seeds_until_found(mutation, telemetry, first=search * most, most=most)
            for search in range(times)
        ]
        counts = [each[0] if each else most for each in found]
        rules = sorted({rule for each in found if each for rule in each[1]})
        missed = found.count(None)
        said = f"{median(counts):g} seeds in the median of {sorted(counts)}; {', '.join(rules)}"
        yield mutation.name, said + (f"; missed {missed} times" if missed else "")
